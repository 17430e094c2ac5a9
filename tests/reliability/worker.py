"""A worker process that knows the toy platforms: delivers whatever is due until it is killed."""

from __future__ import annotations

import os
import time

import django
from django.utils import timezone

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()


def main() -> None:
    from integrations.sync import lease
    from integrations.tasks import deliver
    from tests.reliability.platforms import register

    register()
    while True:
        now = timezone.now()
        lease.recover(now)
        deliver(command_ids=list(lease.due(now).order_by("next_attempt_at").values_list("pk", flat=True)[:100]))
        time.sleep(0.02)


if __name__ == "__main__":
    main()
