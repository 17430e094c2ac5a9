"""Asking a source how many it has, and reading again where that is not what is here (once a day)."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from integrations.contract import errors as e
from integrations.contract.connector import Connector
from integrations.models import Connection, Cursor, Flow, SourceCount, Stream, SyncRun
from integrations.registry import get_connector
from integrations.sync.client import Captures, build_connector
from integrations.sync.handlers import call, has_handler
from integrations.sync.runs import start_flow

log = structlog.get_logger(__name__)
EVERY = timedelta(days=1)
WINDOW = timedelta(days=7)  # of orders: what changed in it; products are counted whole
TRIGGER = "count"  # of a run that reads again what a source has more of
COUNTS = {Stream.ORDER: "count_orders", Stream.PRODUCT: "count_products"}  # stream → the connector's method
Direction = Flow.Direction


def list_due(at: datetime) -> QuerySet[Connection]:
    """Shops that are read and were not asked for a day."""
    lately = SourceCount.plain.filter(connection=OuterRef("pk"), checked_at__gt=at - EVERY)
    reading = Connection.plain.filter(state__in=Connection.READING_STATES, role__in=Connection.SELLING_ROLES)
    return reading.filter(~Q(Exists(lately))).order_by("pk")


def check(connection_id: int, *, at: datetime) -> list[SourceCount]:
    """Ask, compare, and start a pull where they differ; what was found. Nothing where it was asked already."""
    connection = list_due(at).filter(pk=connection_id).first()
    if connection is None:
        return []
    able = get_connector(connection.platform).capabilities(connection.settings)
    pulled = set(connection.flows.filter(direction=Direction.PULL, enabled=True).values_list("stream", flat=True))
    found, captures = [], Captures()
    try:
        for stream, method in COUNTS.items():
            if method in able and stream in pulled and has_handler(stream, "known"):
                found.append(_compare(connection, build_connector(connection, captures), stream, method, at))
    finally:
        captures.save(connection)
    return found


def _compare(connection: Connection, connector: Connector, stream: str, method: str, at: datetime) -> SourceCount:
    """Ours is counted after theirs was asked: what comes in between is then the next day's difference, and only one of
    a pull too many."""
    since = at - WINDOW if stream == Stream.ORDER else None
    theirs, words = None, ""
    try:
        theirs = getattr(connector, method)(since)
    except e.ConnectorError as error:
        log.warning("A source could not be counted.", connection=connection.pk, stream=stream, error=error.message)
        words = error.message
    ours = call(stream, "known", connection.merchant_id, connection=connection, since=since)
    with transaction.atomic():
        run = _read_again(connection, stream, since, at) if theirs is not None and theirs != ours else None
        row, _ = SourceCount.plain.update_or_create(
            merchant_id=connection.merchant_id,
            connection=connection,
            stream=stream,
            defaults={
                "since": since,
                "theirs": theirs,
                "ours": ours,
                "run": run,
                "error": words[:500],
                "checked_at": at,
            },
        )
    return row


def _read_again(connection: Connection, stream: str, since: datetime | None, at: datetime) -> SyncRun | None:
    """A pull from the beginning of the window on. One at work goes on where it is, and the next begins there."""
    flow = (
        Flow.plain.select_for_update()
        .filter(connection=connection, stream=stream, direction=Direction.PULL, enabled=True)
        .first()
    )
    if flow is None:
        return None
    if flow.lease_until is None or flow.lease_until <= at:
        Cursor.plain.filter(flow=flow).update(page="", since=since, newest_at=None)
    return start_flow(flow, trigger=TRIGGER, at=at)
