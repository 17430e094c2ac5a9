"""Builds the connector of a connection: its credentials, its rate budget, its captures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from integrations.contract.connector import Connector
from integrations.contract.errors import AuthFailed, RateLimited
from integrations.contract.http import Exchange as HttpExchange
from integrations.contract.http import HttpClient
from integrations.models import Attempt, Connection, Exchange, RateBudget, SyncRun
from integrations.registry import get_connector
from integrations.sync.renewal import Renewal
from integrations.sync.vault import read_credentials
from portal.base.bulk import insert

CREDENTIALS_MISSING = "CREDENTIALS_MISSING"
# Runs ahead of each request, so that even writing it down again each time would be felt.
TAKE = """UPDATE integrations_ratebudget SET arrival_at = %s
  WHERE connection_id = %s AND (blocked_until IS NULL OR blocked_until <= %s) AND arrival_at <= %s"""
LONGEST_WAIT = 2.0  # seconds a worker waits for the budget itself before it gives the work back


@dataclass
class Captures:
    """The exchanges of one unit of work, written when it is over: no database work while a request is open."""

    rows: list[HttpExchange] = field(default_factory=list)

    def save(self, connection: Connection, *, attempt: Attempt | None = None, run: SyncRun | None = None) -> None:
        now = timezone.now()
        rows = [
            Exchange(
                merchant_id=connection.merchant_id,
                connection=connection,
                attempt=attempt,
                run=run,
                at=now,
                method=row.method,
                url=row.url[:2000],
                request_headers=dict(row.request_headers),
                request_body=row.request_body,
                status=row.status,
                response_headers=dict(row.response_headers),
                response_body=row.response_body,
                error=row.error[:500],
                elapsed_ms=row.elapsed_ms,
            )
            for row in self.rows
        ]
        insert(rows)
        self.rows.clear()


def build_connector(
    connection: Connection,
    captures: Captures,
    *,
    before_request: Callable[[], None] | None = None,
    stored: dict[str, str] | None = None,
) -> Connector:
    """A connector for one unit of work. `before_request` runs ahead of each request, after the budget allowed it.

    `stored`: its secrets, where they were read just now. The setting `requests_per_second` of a connection says what
    its own server bears, where that is not the platform's.
    """
    cls = get_connector(connection.platform)
    credentials = require_credentials(connection, cls, stored)
    secrets = [credentials[f.name] for f in cls.credential_fields if f.kind == "secret" and credentials.get(f.name)]

    per_second = float(connection.settings.get("requests_per_second") or cls.rate_limit.per_second)

    def ask_first() -> None:
        for last in (False, False, True):
            try:
                take_from_budget(connection, per_second, cls.rate_limit.burst, at=timezone.now())
                break
            except RateLimited as error:
                if last or error.retry_after > LONGEST_WAIT:
                    raise
                time.sleep(error.retry_after)
        if before_request:
            before_request()

    http = HttpClient(
        base_url=cls.base_url(credentials, connection.settings),
        deadline=connection.deadline_seconds,
        allowed_private=list_allowed_private(connection),
        before_request=ask_first,
        on_exchange=captures.rows.append,
        secrets=secrets,
    )
    connector = cls(http=http, credentials=credentials, settings=connection.settings)
    if cls.refresh_credentials is not Connector.refresh_credentials:
        http.on_unauthorized = Renewal(connection, connector, credentials).renew
    return connector


def require_credentials(
    connection: Connection, cls: type[Connector], stored: dict[str, str] | None = None
) -> dict[str, str]:
    """The connection's secrets (`stored`, where they were read just now); AuthFailed where one that the platform needs
    was never entered."""
    credentials = read_credentials(connection) if stored is None else stored
    for one in cls.credential_fields:
        if one.required and not credentials.get(one.name):
            words = f"{connection.name} has no {one.label.lower()}: enter it under Settings and credentials."
            raise AuthFailed(words, code=CREDENTIALS_MISSING)
    return credentials


def list_allowed_private(connection: Connection | None) -> frozenset[tuple[str, int]]:
    """(host, port) that an operator allowed although the address is private: for all, or for this connection."""
    own = connection.allowed_private if connection is not None else ()
    pairs = (str(item).rpartition(":") for item in [*settings.ALLOWED_PRIVATE_ADDRESSES, *own])
    return frozenset((host.strip("[]").lower(), int(port)) for host, _, port in pairs if host and port.isdigit())


def take_from_budget(connection: Connection, per_second: float, burst: int, *, at: datetime) -> None:
    """Count one request; RateLimited where the budget all workers share is used up, or the platform asked to wait.

    The generic cell rate algorithm: a request may come at most `burst` intervals ahead of its theoretical arrival.
    """
    step = timedelta(seconds=1 / per_second)
    now, then = (database.ops.adapt_datetimefield_value(moment) for moment in (at, at + step))
    with database.cursor() as cursor:
        cursor.execute(TAKE, [then, connection.pk, now, now])
        if cursor.rowcount:
            return  # the usual case, in one statement: nothing is ahead
    with transaction.atomic():
        budget, _ = RateBudget.plain.select_for_update().get_or_create(
            connection=connection, defaults={"merchant_id": connection.merchant_id, "arrival_at": at}
        )
        if budget.blocked_until and budget.blocked_until > at:
            raise RateLimited(
                f"{connection.name} asked us to wait.", retry_after=(budget.blocked_until - at).total_seconds()
            )
        arrival = max(budget.arrival_at, at)
        ahead = arrival - at - step * (burst - 1)
        if ahead > timedelta(0):
            raise RateLimited(f"The rate budget of {connection.name} is used up.", retry_after=ahead.total_seconds())
        budget.arrival_at = arrival + step
        budget.save(update_fields=["arrival_at"])


def block_budget(connection: Connection, *, seconds: float, at: datetime) -> None:
    """Nobody asks this platform before then: it answered 429."""
    until = at + timedelta(seconds=seconds)
    RateBudget.plain.update_or_create(
        connection=connection,
        defaults={"blocked_until": until},
        create_defaults={"merchant_id": connection.merchant_id, "arrival_at": at, "blocked_until": until},
    )
