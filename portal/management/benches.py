"""What is measured, and the least that could do the same: plain inserts of the same rows."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from catalog.models import Binding, Product, Variant
from integrations.contract import records as r
from integrations.models import Connection, InboundEvent
from integrations.sync.inbox import receive
from integrations.sync.vault import store_credentials
from orders.models import Order, OrderEvent, OrderLine, Payment
from orders.services.intake import save_order
from portal.tenancy.models import Location, Merchant

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
Pair = tuple[Callable[[], None], Callable[[], None]]
LINES = 5
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


def prepare_order() -> Pair:
    """An order of five mapped lines, saved with all its checks, against inserts of the same rows."""
    connection, numbers = _connect(), itertools.count(1)
    product = Product.plain.create(merchant_id=connection.merchant_id, code="BENCH", name="Bench")
    for place in range(LINES):
        variant = Variant.plain.create(
            merchant_id=connection.merchant_id, product=product, code=f"S{place}", option_key=str(place)
        )
        Binding.plain.create(
            merchant_id=connection.merchant_id, connection=connection, variant=variant, external_id=f"v{place}",
            reference_code=variant.code, state=Binding.State.BOUND,
        )  # fmt: skip

    def subject() -> None:
        save_order(connection=connection, record=_record(str(next(numbers))), at=AT)

    def floor() -> None:
        number, merchant = str(next(numbers)), connection.merchant_id
        order = Order.plain.create(
            merchant_id=merchant, connection=connection, external_id=number, number=number, currency="GBP",
            total=Decimal(10), placed_at=AT, source_updated_at=AT, received_at=AT,
        )  # fmt: skip
        OrderLine.plain.bulk_create(
            OrderLine(merchant_id=merchant, order=order, position=place, external_id=str(place), quantity=Decimal(1),
                      net=Decimal(2), gross=Decimal(2))
            for place in range(LINES)
        )  # fmt: skip
        Payment.plain.create(merchant_id=merchant, order=order, external_id="p", kind="capture", method="x", amount=10)
        OrderEvent.plain.create(merchant_id=merchant, order=order, at=AT, code="received", message="Received.")

    return subject, floor


def _record(number: str) -> r.OrderRecord:
    lines = tuple(
        r.OrderLineRecord(external_id=f"{number}-{place}", variant_external_id=f"v{place}", sku=f"S{place}",
                          unit_price=Decimal(2), net=Decimal(2), gross=Decimal(2))
        for place in range(LINES)
    )  # fmt: skip
    payment = r.PaymentRecord(external_id="p", kind=r.PaymentKind.CAPTURE, method="x", amount=Decimal(10))
    return r.OrderRecord(
        external_id=number, number=number, currency="GBP", total=Decimal(10), placed_at=AT, updated_at=AT,
        financial=r.FinancialStatus.PAID, payments=(payment,), lines=lines,
    )  # fmt: skip


BENCHES = {
    "webhook": Bench(prepare=prepare_webhook, floor_is="one insert", goal=8.0),
    "order": Bench(prepare=prepare_order, floor_is="its inserts", goal=8.0),
}
