"""Lets a process of ours know the toy platforms; imported ahead of its work.

`TOY_HANDLERS` names the module of SYNC_HANDLERS, `TOY_LEASE` the requests and the seconds of room of a lease, so that
it runs out within a test; `TOY_BUILDING` an address that is told when a document is about to be built.
"""

from __future__ import annotations

import os
import urllib.request
from datetime import datetime
from importlib import import_module

from integrations.contract import records as r
from integrations.models import Command
from tests.integrations import toy


def build_announced(*, command: Command, at: datetime) -> r.OrderDocument:
    urllib.request.urlopen(os.environ["TOY_BUILDING"], timeout=60).read()
    return toy.build(command=command, at=at)


def register() -> None:
    from django.conf import settings

    from integrations import registry
    from integrations.sync import lease

    registry.CONNECTORS["toy"] = "tests.integrations.toy.ToyConnector"
    registry.CONNECTORS["toyshop"] = "tests.integrations.toy_shop.ToyShopConnector"
    settings.SYNC_HANDLERS = import_module(os.environ.get("TOY_HANDLERS", "tests.integrations.toy")).HANDLERS
    if "TOY_BUILDING" in os.environ:
        settings.SYNC_HANDLERS = {"order": {**toy.HANDLERS["order"], "build": f"{__name__}.build_announced"}}
    if "TOY_LEASE" in os.environ:
        requests, room = os.environ["TOY_LEASE"].split()
        lease.REQUESTS_PER_LEASE, lease.ROOM_SECONDS = int(requests), int(room)
