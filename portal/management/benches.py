"""What is measured in the portal's own database and rolled back, and the least that could do the same."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from integrations.contract import records as r
from integrations.models import Connection, InboundEvent
from integrations.sync.inbox import receive
from integrations.sync.vault import store_credentials
from portal.tenancy.models import Location, Merchant

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
Pair = tuple[Callable[[], None], Callable[[], None]]
SECRET = "bench"  # noqa: S105  signs deliveries to a connection that is rolled back


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """`prepare` gives what is measured and its floor; `goal` is the ratio it should stay under."""

    prepare: Callable[[], Pair]
    floor_is: str
    goal: float
    operations: int = 50


def _connect() -> Connection:
    merchant = Merchant.objects.create(name="Bench", slug="bench-rolled-back")
    place = Location(merchant=merchant, code="MAIN", name="Bench")
    place.save()
    row = Connection(
        merchant=merchant,
        name="Bench",
        platform="woocommerce",
        role=Connection.Role.STORE,
        state=Connection.State.ACTIVE,
        order_prefix="B-",
        location=place,
        settings={"url": "https://example.com"},
    )
    row.save()
    store_credentials(row, {"consumer_key": "ck", "consumer_secret": "cs", "webhook_secret": SECRET})
    return row


def prepare_webhook() -> Pair:
    """A signed delivery, verified and stored, against one insert of the same row."""
    connection, numbers = _connect(), itertools.count(1)

    def subject() -> None:
        body = b'{"id": %d, "date_modified_gmt": "2026-11-20T12:00:00"}' % next(numbers)
        signature = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
        headers = {"x-wc-webhook-topic": "order.created", "x-wc-webhook-signature": signature}
        receive(connection.public_id, r.WebhookRequest(method="POST", query={}, headers=headers, body=body))

    def floor() -> None:
        number = next(numbers)
        InboundEvent.plain.create(
            merchant_id=connection.merchant_id, connection=connection, stream="order", external_id=str(number),
            dedupe_key=str(number), body=b"{}", received_at=AT,
        )  # fmt: skip

    return subject, floor


BENCHES = {
    "webhook": Bench(prepare=prepare_webhook, floor_is="one insert", goal=8.0),
}
