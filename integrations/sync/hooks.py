"""Addresses that apps want to be told at: each is a connection of its own, so that it is tried again, paused, captured
and shown like any other."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from integrations.contract.addresses import check_base_url
from integrations.models import Command, Connection
from integrations.sync.client import list_allowed_private
from integrations.sync.vault import store_credentials
from portal.tenancy.scoping import new_public_id

HOOK = "webhook"
ORDER_STATUS = "order.status"
TOPICS = (ORDER_STATUS,)
MOST = 20  # a connection


class TooMany(Exception):
    """So many addresses of one connection are told already."""


class ThereAlready(Exception):
    """This address is told already."""


@transaction.atomic
def create_hook(
    *, owner: Connection, url: str, topics: Sequence[str], places: frozenset[int] | None, at: datetime
) -> tuple[Connection, str]:
    """The hook and its secret, which is told once. AddressRefused where the address may not be
    dialled; TooMany, ThereAlready."""
    check_base_url(url, list_allowed_private(owner))
    Connection.plain.select_for_update().get(pk=owner.pk)
    others = list(list_hooks(owner))
    if url in {one.settings["url"] for one in others}:
        raise ThereAlready(f"{url} is told already: delete that webhook first, for another secret or other topics.")
    if len(others) >= MOST:
        raise TooMany(f"{owner} has {MOST} webhooks already: delete one that is not needed.")
    public_id = new_public_id()
    hook = Connection(
        merchant_id=owner.merchant_id,
        public_id=public_id,
        name=f"{owner.name[:70]}: webhook {public_id[:8]}",
        platform=HOOK,
        role=Connection.Role.CHANNEL,
        environment=owner.environment,
        state=Connection.State.ACTIVE,
        live_since=at,
        settings={"url": url, "topics": sorted(set(topics)), "owner": owner.pk, "places": sorted(places or ())},
        allowed_private=owner.allowed_private,
    )
    hook.save()
    secret = f"whsec_{secrets.token_urlsafe(32)}"
    store_credentials(hook, {"secret": secret})
    return hook, secret


def list_hooks(owner: Connection) -> QuerySet[Connection]:
    """Those that are told, the oldest first."""
    rows = Connection.plain.filter(merchant_id=owner.merchant_id, platform=HOOK, settings__owner=owner.pk)
    return rows.exclude(state=Connection.State.DISABLED).order_by("pk")


def list_listening(*, merchant_id: int, topic: str) -> list[Connection]:
    """All of a merchant that want to know of this, whether they are reached just now or not."""
    rows = Connection.plain.filter(merchant_id=merchant_id, platform=HOOK).exclude(state=Connection.State.DISABLED)
    return [row for row in rows.order_by("pk") if topic in row.settings.get("topics", ())]


@transaction.atomic
def delete_hook(*, hook: Connection, at: datetime) -> None:
    """Nothing is told there any more; what waited is withdrawn, what was told stays on record."""
    waiting = Command.plain.filter(connection=hook, state__in=(Command.State.PENDING, Command.State.NEEDS_FIX))
    waiting.update(state=Command.State.WITHDRAWN, state_at=at, finished_at=at)
    hook.state, hook.state_reason = Connection.State.DISABLED, "The app has deleted it."
    hook.save()
