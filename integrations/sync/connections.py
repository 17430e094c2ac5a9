"""What a person does with a connection: test it, pause and resume it, see what Go live would change, go live."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from integrations.contract import errors as e
from integrations.contract import records as r
from integrations.models import Command, Connection
from integrations.registry import get_connector
from integrations.sync.client import Captures, build_connector
from integrations.sync.handlers import call, has_handler
from integrations.sync.outbox import ring_on_commit
from integrations.sync.value_page import count_unmapped

PARTS = ("orders", "stock", "prices")
RESUMED_FIRST = 5
# Products are polled: every figure we send to a shop would come back as one of its product webhooks.
PROMPT_STREAMS = frozenset({"customer", "order", "refund", "return"})
State = Connection.State


class NotWatching(Exception):
    """Only a connection that was tested and watches can go live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoLivePlan:
    """What would be sent at once, and how many remote articles and values are not mapped."""

    stock: int = 0
    prices: int = 0
    orders: int = 0
    unmapped: int = 0
    values: int = 0


def check_connection(connection: Connection, *, at: datetime) -> r.CheckResult | None:
    """Ask the platform who we are; the row keeps what it answered, in its own words. None where it refused."""
    captures, began = Captures(), time.monotonic()
    result: r.CheckResult | None = None
    try:
        result = build_connector(connection, captures).check()
        message = _describe(result)
    except e.ConnectorError as error:
        message = f"{error.message} {error.upstream}".strip()
    connection.check_latency_ms = round((time.monotonic() - began) * 1000)
    connection.checked_at, connection.check_ok, connection.check_message = at, result is not None, message[:2000]
    fields = ["checked_at", "check_ok", "check_message", "check_latency_ms"]
    if result is not None and connection.state in {State.DRAFT, State.NEEDS_REAUTH}:
        # It read before and its credentials work again: on as before. A new one only watches.
        connection.state = State.ACTIVE if connection.live_since else State.WATCHING
        connection.state_reason = ""
        fields += ["state", "state_reason"]
    with transaction.atomic():
        connection.save(update_fields=fields)
        captures.save(connection)
        if "state" in fields:
            ring_on_commit("integrations.discover", connection_ids=[connection.pk])
    return result


def _describe(result: r.CheckResult) -> str:
    words = [f"Connected to {result.account}."]
    if result.version:
        words.append(f"Version {result.version}.")
    if result.missing_permissions:
        words.append(f"Missing permissions: {', '.join(result.missing_permissions)}.")
    return " ".join([*words, *result.notes])


def pause(connection: Connection, parts: tuple[str, ...] = PARTS) -> None:
    """Stop sending these parts; receiving goes on."""
    _set_paused(connection, parts, True)


def resume(connection: Connection, parts: tuple[str, ...] = PARTS, *, at: datetime) -> int:
    """Send again: five orders at once, the others when the next tick finds them; how many orders wait."""
    with transaction.atomic():
        _set_paused(connection, parts, False)
        waiting = Command.plain.filter(connection=connection, state=Command.State.PENDING).order_by("next_attempt_at")
        first = list(waiting.filter(next_attempt_at__lte=at).values_list("pk", flat=True)[:RESUMED_FIRST])
        if first and "orders" in parts:
            ring_on_commit("integrations.deliver", command_ids=first)
        return waiting.count()


def _set_paused(connection: Connection, parts: tuple[str, ...], paused: bool) -> None:
    fields = [f"{part}_paused" for part in parts if part in PARTS]
    for field in fields:
        setattr(connection, field, paused)
    connection.save(update_fields=fields)


def plan_go_live(connection: Connection) -> GoLivePlan:
    """What Go live would send, counted and not sent."""

    def count(stream: str) -> int:
        if not has_handler(stream, "count"):
            return 0
        number: int = call(stream, "count", connection.merchant_id, connection=connection)
        return number

    values = sum(count_unmapped(merchant_id=connection.merchant_id, connection_id=connection.pk).values())
    return GoLivePlan(
        stock=count("stock"),
        prices=count("price"),
        orders=count("order"),
        unmapped=count("product"),
        values=values,
    )


def go_live(connection: Connection, *, at: datetime) -> None:
    """From now on it is written to; orders placed from now on are sent. NotWatching where it does not."""
    cls = get_connector(connection.platform)
    if connection.state != State.WATCHING:
        raise NotWatching(f"{connection} is {connection.get_state_display().lower()}: test it first, then go live.")
    with transaction.atomic():
        connection.state, connection.state_reason = State.ACTIVE, ""
        connection.live_since = connection.live_since or at
        connection.save(update_fields=["state", "state_reason", "live_since"])
    if settings.PUBLIC_URL and "subscribe_webhooks" in cls.capabilities(connection.settings):
        register_webhooks(connection, settings.PUBLIC_URL, at=at)


def register_webhooks(connection: Connection, public_url: str, *, at: datetime) -> int:
    """Ask the platform to call us when orders and customers change; how many subscriptions there are."""
    captures = Captures()
    cls = get_connector(connection.platform)
    try:
        connector = build_connector(connection, captures)
        address = f"{public_url.rstrip('/')}/hooks/{connection.public_id}/"
        there = connector.subscribe_webhooks(address, sorted(PROMPT_STREAMS.intersection(cls.webhook_topics)))
    finally:
        captures.save(connection)
    Connection.plain.filter(pk=connection.pk).update(webhooks_at=at)
    return len(there)
