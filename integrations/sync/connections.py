"""What a person does with a connection: test it, pause and resume it, see what Go live would change, go live."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Min, QuerySet, Sum
from django.utils import timezone

from integrations.contract import errors as e
from integrations.contract import records as r
from integrations.models import Command, Connection, Flow
from integrations.registry import get_connector
from integrations.sync import resuming
from integrations.sync.alerts import tell_paused
from integrations.sync.client import Captures, build_connector
from integrations.sync.handlers import call, has_handler
from integrations.sync.outbox import ring_on_commit
from integrations.sync.platforms import FLOWS, why_not
from integrations.sync.runs import start_flow, start_over
from integrations.sync.value_page import count_unmapped
from portal.tenancy.models import User

PARTS = ("orders", "stock", "prices")
PART_STREAMS = {"stock": "stock", "prices": "price"}
CATALOGUE = ("product", "stock", "price")  # streams that are read anew where a setting was changed
# Products are polled: every figure we send to a shop would come back as one of its product webhooks.
PROMPT_STREAMS = frozenset({"customer", "order", "refund", "return"})
State = Connection.State


class NotWatching(Exception):
    """Only a connection that was tested and watches can go live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoLivePlan:
    """What would be sent at once, and how many remote articles and values are not mapped."""

    products: int = 0
    stock: int = 0
    prices: int = 0
    orders: int = 0
    unmapped: int = 0
    values: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits: messages and their worth by currency, since when; stock figures and prices that differ there."""

    messages: int
    money: tuple[tuple[str, Decimal], ...]
    oldest: datetime | None
    stock: int
    prices: int


def check_connection(connection: Connection, *, at: datetime) -> r.CheckResult | None:
    """Ask the platform who we are; the row keeps what it answered, in its own words. None where it refused."""
    captures, began, code = Captures(), time.monotonic(), ""
    result: r.CheckResult | None = None
    try:
        result = build_connector(connection, captures).check()
        message = _describe(result)
    except e.ConnectorError as error:
        message, code = f"{error.message} {error.upstream}".strip(), error.code
    connection.check_latency_ms = round((time.monotonic() - began) * 1000)
    connection.checked_at, connection.check_ok, connection.check_message = at, result is not None, message[:2000]
    connection.check_code = code[:60]
    fields = ["checked_at", "check_ok", "check_message", "check_code", "check_latency_ms"]
    goes_on = result is not None and connection.state in {State.DRAFT, State.NEEDS_REAUTH, State.PAUSED}
    if goes_on:
        # It read before and answers again: on as before. A new one only watches.
        connection.state = State.ACTIVE if connection.live_since else State.WATCHING
        connection.state_reason = ""
        fields += ["state", "state_reason"]
    with transaction.atomic():
        connection.save(update_fields=fields)
        captures.save(connection)
        if goes_on:
            ring_on_commit("integrations.discover", connection_ids=[connection.pk])
            resuming.send_first(connection, by=None, at=at)
    return result


def _describe(result: r.CheckResult) -> str:
    words = [f"Connected to {result.account}."]
    if result.version:
        words.append(f"Version {result.version}.")
    if result.missing_permissions:
        words.append(f"Missing permissions: {', '.join(result.missing_permissions)}.")
    return " ".join([*words, *result.notes])


@transaction.atomic
def pause(connection: Connection, parts: tuple[str, ...] = PARTS, *, at: datetime | None = None) -> None:
    """Stop sending these parts, and tell so; receiving goes on. `at`: now, unless said."""
    _set_paused(connection, parts, True)
    tell_paused(connection, parts, at=at or timezone.now())


def resume(connection: Connection, parts: tuple[str, ...] = PARTS, *, at: datetime, by: User | None = None) -> int:
    """Send again. Of the orders that wait, the oldest five go at once and the others once those have arrived, none
    after a new error; stock and prices start with a run of their flow. How many orders wait."""
    with transaction.atomic():
        _set_paused(connection, parts, False)
        waiting = resuming.list_waiting(connection.pk).count()
        if "orders" in parts:
            resuming.send_first(connection, by=by, at=at)
        for flow in list_pushes(connection, parts):
            start_flow(flow, trigger="manual", at=at)
        return waiting


def list_pushes(connection: Connection, parts: tuple[str, ...]) -> QuerySet[Flow]:
    """The flows that send these parts there."""
    streams = [PART_STREAMS[part] for part in parts if part in PART_STREAMS]
    return connection.flows.filter(direction=Flow.Direction.PUSH, stream__in=streams, enabled=True).order_by("pk")


def count_backlog(connection: Connection) -> Backlog:
    """What waits to be sent there, whatever it waits for."""
    waiting = Command.plain.filter(connection=connection, state__in=(Command.State.PENDING, *Command.BUSY_STATES))
    sums = waiting.exclude(currency="").order_by().values("currency").annotate(amount=Sum("amount"))
    return Backlog(
        messages=waiting.count(),
        money=tuple((row["currency"], row["amount"]) for row in sums.order_by("currency")),
        oldest=waiting.aggregate(oldest=Min("created_at"))["oldest"],
        stock=_count("stock", connection),
        prices=_count("price", connection),
    )


def switch_off(connection: Connection) -> None:
    """It neither reads nor sends, and refuses webhooks; its orders and documents stay."""
    _set_state(connection, State.DISABLED)


def switch_on(connection: Connection, *, at: datetime, by: User | None = None) -> None:
    """As before it was switched off: live where it has been live, else it watches, or is a draft nobody tested. What
    waits goes as after a pause."""
    if connection.state not in {State.DISABLED, State.PAUSED}:
        return
    tested = State.ACTIVE if connection.live_since else State.WATCHING
    with transaction.atomic():
        _set_state(connection, tested if connection.check_ok else State.DRAFT)
        resuming.send_first(connection, by=by, at=at)


def _set_state(connection: Connection, state: Connection.State) -> None:
    connection.state, connection.state_reason = state, ""
    connection.save(update_fields=["state", "state_reason"])


def why_no_flow(connection: Connection, stream: str, direction: str) -> str:
    """'' where such a flow is possible with this connection, else the reason in words."""
    sells = connection.role in Connection.SELLING_ROLES
    if sells and (stream, direction) == ("order", "push"):
        return f"{connection} sells: orders come from it, and are sent to back offices."
    if (stream, direction) == ("invoice", "push") and connection.role != Connection.Role.ACCOUNTING:
        return f"{connection} is no accounting system: it makes the invoices of its own orders."
    return why_not(connection.platform, connection.settings, stream, direction)


def list_possible_flows(connection: Connection) -> list[tuple[str, str]]:
    """Every (stream, direction) the platform and the portal can do between them."""
    return [flow for flow in FLOWS if not why_no_flow(connection, *flow)]


@transaction.atomic
def add_flow(connection: Connection, *, stream: str, direction: str, at: datetime) -> Flow:
    """One more thing that is read from there or sent there; the one there is, switched on. Unsupported where the
    platform cannot."""
    if words := why_no_flow(connection, stream, direction):
        raise e.Unsupported(words)
    flow, created = Flow.plain.get_or_create(
        merchant_id=connection.merchant_id, connection=connection, stream=stream, direction=direction
    )
    if not created and not flow.enabled:
        flow.enabled = True
        flow.save(update_fields=["enabled"])
    tell_of_flow(flow, at=at)
    return flow


def tell_of_flow(flow: Flow, *, at: datetime) -> None:
    """A flow that sends was switched on, or its settings were changed: what waited for somewhere to go goes on."""
    if flow.enabled and flow.direction == Flow.Direction.PUSH and has_handler(flow.stream, "route"):
        call(flow.stream, "route", flow.merchant_id, flow=flow, at=at)


def read_anew(connection: Connection, *, at: datetime) -> list[Flow]:
    """Its settings were changed: products, stock and prices are read from the first record on; the flows that do.
    Orders are not: those of before would come again."""
    if not connection.may_read:
        return []
    flows = connection.flows.filter(enabled=True, stream__in=CATALOGUE, direction=Flow.Direction.PULL).order_by("pk")
    for flow in flows:
        start_over(flow, at=at)
    return list(flows)


def _set_paused(connection: Connection, parts: tuple[str, ...], paused: bool) -> None:
    fields = [f"{part}_paused" for part in parts if part in PARTS]
    for field in fields:
        setattr(connection, field, paused)
    connection.save(update_fields=fields)


def plan_go_live(connection: Connection) -> GoLivePlan:
    """What Go live would send, counted and not sent."""
    return GoLivePlan(
        products=_count("product", connection),
        stock=_count("stock", connection),
        prices=_count("price", connection),
        orders=_count("order", connection),
        unmapped=_count("product", connection, "count_unmapped"),
        values=sum(count_unmapped(merchant_id=connection.merchant_id, connection_id=connection.pk).values()),
    )


def _count(stream: str, connection: Connection, what: str = "count") -> int:
    if not has_handler(stream, what):
        return 0
    number: int = call(stream, what, connection.merchant_id, connection=connection)
    return number


def go_live(connection: Connection, *, at: datetime) -> None:
    """From now on it is written to; orders placed from now on are sent. NotWatching where it does not."""
    cls = get_connector(connection.platform)
    if connection.state != State.WATCHING:
        raise NotWatching(f"{connection} is {connection.get_state_display().lower()}: test it first, then go live.")
    if (level := cls.level(connection.settings)) and not level.suffices:
        raise NotWatching(f"{connection} is {level.name}. {level.next_step}")
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
        address = build_webhook_address(connection, public_url)
        there = connector.subscribe_webhooks(address, sorted(PROMPT_STREAMS.intersection(cls.webhook_topics)))
    finally:
        captures.save(connection)
    Connection.plain.filter(pk=connection.pk).update(webhooks_at=at)
    return len(there)


def build_webhook_address(connection: Connection, public_url: str) -> str:
    return f"{public_url.rstrip('/')}/hooks/{connection.public_id}/"
