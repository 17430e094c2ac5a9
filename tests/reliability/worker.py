"""A worker process that knows the toy platforms: delivers whatever is due until it is killed.

WORKER_THREADS says how many commands it sends at once, 1 unless told.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

import django
from django.utils import timezone

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()


BATCH = 100
THREADS = int(os.environ.get("WORKER_THREADS", "1"))


def main() -> None:
    from integrations.sync import lease
    from integrations.tasks import deliver
    from tests.reliability.platforms import register

    register()
    with ThreadPoolExecutor(THREADS) as pool:
        while True:
            now = timezone.now()
            lease.recover(now)
            due = list(lease.due(now).order_by("next_attempt_at").values_list("pk", flat=True)[:BATCH])
            for one in [pool.submit(deliver, command_ids=due[start::THREADS]) for start in range(THREADS)]:
                one.result()
            time.sleep(0.02)


if __name__ == "__main__":
    main()
