"""A worker process that knows the toy platform: rings the sweeper until it is killed."""

from __future__ import annotations

import os
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()


def main() -> None:
    from django.conf import settings

    from integrations import registry
    from integrations.tasks import tick
    from tests.integrations import toy

    registry.CONNECTORS["toy"] = "tests.integrations.toy.ToyConnector"
    settings.SYNC_HANDLERS = toy.HANDLERS
    while True:
        tick()
        time.sleep(0.02)


if __name__ == "__main__":
    main()
