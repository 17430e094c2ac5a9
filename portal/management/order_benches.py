"""What taking an order in and delivering it cost, against the least or the usual way, in a database of its own.

CPU is that of this process and of its database backend. Subject and floor take turns, so that a machine that slows
down slows both.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import requests
from celery import current_app
from django.core.management.base import CommandError
from django.db import connection as database
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from catalog import services as catalog
from catalog.models import Binding, ChannelStock, Product, Reservation, StockRecord, Variant
from integrations.connectors.woocommerce.payloads import parse_order
from integrations.models import Command, Connection, Exchange, Flow, InboundEvent, ValueMapping
from integrations.sync import inbox
from integrations.sync.deliver import deliver
from integrations.sync.handlers import call
from integrations.sync.vault import store_credentials
from orders.models import Customer, CustomerRules, FulfilmentOrder, Order, OrderEvent, OrderLine, Payment, TaxLine
from portal.management.costs import Cost, cost_of_one, middle, own_database
from portal.management.naive_intake import OrderSerializer
from portal.tenancy.models import Location, Merchant

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
ARTICLES, LINES, PAGE = 60, 3, 50
INTAKE_GOAL, INTAKE_LEAST = 0.167, 0.25
DELIVERY_GOAL = 4.0
LEASE = "bench"
PLENTY = Decimal(1_000_000)
ADDRESS = {
    "first_name": "John", "last_name": "Doe", "company": "", "address_1": "969 Market", "address_2": "",
    "city": "San Francisco", "state": "CA", "postcode": "94103", "country": "US", "email": "john.doe@example.com",
    "phone": "(415) 555-2671",
}  # fmt: skip
WRITTEN = (
    InboundEvent, Customer, Order, OrderLine, TaxLine, Payment, OrderEvent, Reservation, FulfilmentOrder, Command,
)  # fmt: skip


class Market:
    """A merchant whose two shops sell sixty mapped articles, and the back office that has them and takes orders."""

    def __init__(self, erp_url: str = "https://example.com", articles: list[str] | None = None) -> None:
        self.merchant = Merchant.objects.create(name="Bench", slug="bench")
        self.place = Location(merchant=self.merchant, code="MAIN", name="Main")
        self.place.save()
        self.erp = self._connect("ERP", "odoo", "back_office", {"url": erp_url, "requests_per_second": 10_000})
        self.shop = self._connect("Shop A", "woocommerce", "store", {"url": "https://example.com"})
        self.other = self._connect("Shop B", "woocommerce", "store", {"url": "https://example.com"})
        for row, stream in ((self.erp, "order"), (self.shop, "stock"), (self.other, "stock")):
            Flow(merchant=self.merchant, connection=row, stream=stream, direction="push").save()
        for row, theirs in ((self.shop, "3"), (self.erp, "31")):
            ValueMapping(merchant=self.merchant, connection=row, kind="tax", theirs=theirs, ours="vat20").save()
        CustomerRules(merchant=self.merchant, guests=CustomerRules.Guests.GUEST).save()
        self._stock(articles or [f"e{n}" for n in range(ARTICLES)])
        self.numbers = count(1)

    def _connect(self, name: str, platform: str, role: str, settings: dict[str, Any]) -> Connection:
        row = Connection(
            merchant=self.merchant, name=name, platform=platform, role=role, state=Connection.State.ACTIVE,
            order_prefix=f"{name[-1]}-", live_since=LONG_AGO, location=self.place, settings=settings,
        )  # fmt: skip
        row.save()
        return row

    def _stock(self, articles: list[str]) -> None:
        """Each article in the shops is `v<n>`, in the back office what it is called there."""
        mine = {"merchant_id": self.merchant.pk}
        product = Product.plain.create(**mine, code="BENCH", name="Bench")
        for n, article in enumerate(articles):
            variant = Variant.plain.create(**mine, product=product, code=f"S{n}", option_key=str(n))
            StockRecord.plain.create(**mine, connection=self.erp, location=self.place, variant=variant,
                                     quantity=PLENTY, basis="on_hand", read_at=AT)  # fmt: skip
            for row, theirs in ((self.erp, article), (self.shop, str(n + 1)), (self.other, str(n + 1))):
                Binding.plain.create(**mine, connection=row, variant=variant, external_id=theirs,
                                     reference_code=variant.code, state=Binding.State.BOUND)  # fmt: skip
        self.articles = len(articles)
        variants = Variant.plain.values_list("pk", flat=True)
        catalog.refresh_wanted(merchant_id=self.merchant.pk, variant_ids=variants, at=AT)

    def write_order(self, *, taxed: bool = True) -> dict[str, Any]:
        """As WooCommerce shows an order of a guest, paid by card."""
        number = next(self.numbers)
        tax = Decimal("0.80") if taxed else Decimal(0)
        lines = [self._write_line(number * LINES + n, tax) for n in range(LINES)]
        total = sum((Decimal(line["total"]) + tax for line in lines), Decimal(0))
        return {
            "id": number, "number": str(number), "status": "processing", "currency": "GBP",
            "date_created_gmt": "2026-11-20T12:00:00", "date_modified_gmt": "2026-11-20T12:00:00", "total": str(total),
            "total_tax": str(tax * LINES), "prices_include_tax": False, "customer_id": 0, "customer_note": "Ring twice",
            "billing": ADDRESS, "shipping": {}, "payment_method": "stripe", "payment_method_title": "Card",
            "transaction_id": f"ch_{number}", "date_paid_gmt": "2026-11-20T12:00:00", "line_items": lines,
            "tax_lines": [{"rate_id": 3, "label": "VAT", "rate_percent": 20}] if taxed else [], "shipping_lines": [],
            "fee_lines": [], "coupon_lines": [], "refunds": [],
        }  # fmt: skip

    def _write_line(self, n: int, tax: Decimal) -> dict[str, Any]:
        article = n % self.articles
        return {
            "id": n, "name": f"Article {article}", "product_id": article + 1, "variation_id": 0, "quantity": 2,
            "subtotal": "4.00", "total": "4.00", "total_tax": str(tax), "sku": f"S{article}", "price": 2,
            "taxes": [{"id": 3, "total": str(tax), "subtotal": str(tax)}] if tax else [],
        }  # fmt: skip


# --- intake ----------------------------------------------------------------------------------------------------------


def bench_order_intake(orders: int, runs: int) -> dict[str, Any]:
    """PostgreSQL: an order as the inbox applies it, and one of a page as a pull does, against a nested serializer."""
    _need_postgresql("order_intake")
    with own_database():
        market = Market()
        _look_at_rows(market)
        naive, one, paged = list[Cost](), list[Cost](), list[Cost]()
        for _ in range(runs):
            naive.append(cost_of_one(_serialize(market, orders), orders))
            one.append(cost_of_one(_receive(market, orders), orders))
            paged.append(cost_of_one(_pull(market, orders), orders))
    subject, page, floor = (middle(costs).cpu * 1000 for costs in (one, paged, naive))
    return {
        "name": "order_intake", "subject": round(subject, 3), "floor": round(floor, 3),
        "ratio": round(subject / floor, 3), "runs": runs, "goal": INTAKE_GOAL, "least": INTAKE_LEAST,
        "met": subject / floor <= INTAKE_GOAL, "page_of_50": round(page, 3), "page_ratio": round(page / floor, 3),
    }  # fmt: skip


def _receive(market: Market, orders: int) -> Callable[[], object]:
    """What the inbox does with an event once the shop has answered: the row is stored, then applied."""
    bodies = iter([json.dumps(market.write_order()) for _ in range(orders)])

    def receive() -> None:
        body = next(bodies)
        row = json.loads(body)
        event = InboundEvent.plain.create(
            merchant_id=market.merchant.pk, connection=market.shop, stream="order", external_id=str(row["id"]),
            dedupe_key=f"order:{row['id']}", body=b"{}", state=InboundEvent.State.LEASED, lease_token=LEASE,
            received_at=AT,
        )  # fmt: skip
        inbox.apply_record(event, parse_order(row), timezone.now())

    return receive


def _pull(market: Market, orders: int) -> Callable[[], object]:
    """The same orders by the page: each call is one of them, the last of a page does the page's work."""
    bodies = iter([json.dumps(market.write_order()) for _ in range(orders)])
    page: list[Any] = []
    places = count(1)

    def pull() -> None:
        place = next(places)
        page.append(parse_order(json.loads(next(bodies))))
        if len(page) == PAGE or place == orders:
            with transaction.atomic():
                call("order", "apply", market.merchant.pk, connection=market.shop, records=page,
                     read_at=timezone.now(), at=timezone.now())  # fmt: skip
            page.clear()

    return pull


def _serialize(market: Market, orders: int) -> Callable[[], object]:
    """The same order as a client of such an interface would send it."""
    bodies = iter([json.dumps(_translate(market.write_order())) for _ in range(orders)])
    context = {"merchant": market.merchant, "connection": market.shop, "at": AT}

    def serialize() -> None:
        serializer = OrderSerializer(data=json.loads(next(bodies)), context=context)
        serializer.is_valid(raise_exception=True)
        serializer.save()

    return serialize


def _translate(row: dict[str, Any]) -> dict[str, Any]:
    """WooCommerce's order in the fields of our models."""
    tax = row["line_items"][0]["total_tax"]
    address = {
        "name": "John Doe", "line1": ADDRESS["address_1"], "city": ADDRESS["city"], "postcode": ADDRESS["postcode"],
        "country": ADDRESS["country"], "phone": ADDRESS["phone"], "email": ADDRESS["email"],
    }  # fmt: skip
    return {
        "idempotency_key": f"order:{row['id']}", "external_id": str(row["id"]), "number": row["number"],
        "financial": "paid", "status_text": row["status"], "cash_on_delivery": False, "currency": row["currency"],
        "total": row["total"], "captured": row["total"], "placed_at": f"{row['date_created_gmt']}Z",
        "source_updated_at": f"{row['date_modified_gmt']}Z", "email": ADDRESS["email"], "phone": "+14155552671",
        "customer_name": "John Doe", "billing": address, "note": row["customer_note"],
        "customer": {"name": "John Doe", "email": ADDRESS["email"], "phone": "+14155552671",
                     "phone_as_given": ADDRESS["phone"], "is_guest": True, "billing": address},
        "payments": [{"external_id": row["transaction_id"], "kind": "capture", "method": row["payment_method"],
                      "amount": row["total"], "at": f"{row['date_paid_gmt']}Z"}],
        "lines": [
            {"position": place, "external_id": str(line["id"]), "kind": "item", "binding": str(line["product_id"]),
             "variant_external_id": str(line["product_id"]), "sku": line["sku"], "name": line["name"],
             "quantity": str(line["quantity"]), "unit_price": str(line["price"]), "discount": "0",
             "net": line["total"], "tax": tax, "gross": str(Decimal(line["total"]) + Decimal(tax)),
             "taxes": [{"code": "3", "name": "VAT", "rate": "20", "amount": tax}]}
            for place, line in enumerate(row["line_items"])
        ],
    }  # fmt: skip


def _look_at_rows(market: Market) -> None:
    """What is compared must do the same: as many rows of each table, as many of the shops' figures lowered."""
    wrote = []
    for take in (_serialize, _receive):
        before, shown = _count(WRITTEN), _sum_shown()
        take(market, 1)()
        wrote.append(([now - then for now, then in zip(_count(WRITTEN), before, strict=True)], _sum_shown() - shown))
    if wrote[0] != wrote[1] or not all(wrote[0][0]):
        raise CommandError(f"They do not write the same rows: {wrote[0]} and {wrote[1]}.")


def _count(models: tuple[type[Model], ...]) -> list[int]:
    return [model._base_manager.count() for model in models]


def _sum_shown() -> Decimal:
    return sum(ChannelStock.plain.values_list("wanted", flat=True), Decimal(0))


# --- delivery --------------------------------------------------------------------------------------------------------


def bench_order_delivery(orders: int, runs: int) -> dict[str, Any]:
    """PostgreSQL: an order placed, read back and captured, against two bare requests and an UPDATE."""
    _need_postgresql("order_delivery")
    with own_database(), _far_side() as (address, credentials):
        market = _open_market(address, credentials)
        bare, delivered = list[Cost](), list[Cost]()
        for _ in range(runs):
            bare.append(cost_of_one(_ask_twice(address, credentials, market), orders))
            delivered.append(cost_of_one(_deliver(market, orders), orders))
        captured = Exchange.plain.filter(attempt__isnull=False).count() / (orders * runs)
    subject, floor = (middle(costs).cpu * 1000 for costs in (delivered, bare))
    return {
        "name": "order_delivery", "subject": round(subject, 3), "floor": round(floor, 3),
        "ratio": round(subject / floor, 2), "runs": runs, "goal": DELIVERY_GOAL,
        "met": subject / floor <= DELIVERY_GOAL, "requests": captured,
    }  # fmt: skip


@contextmanager
def _far_side() -> Iterator[tuple[str, dict[str, str]]]:
    """An Odoo in a process of its own, whose CPU is not counted."""
    argv = [sys.executable, "manage.py", "simulate", "odoo"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101  a pipe, as asked for
            said = json.loads(process.stdout.readline())
            yield said["base_url"], said["credentials"]
        finally:
            process.terminate()


def _open_market(address: str, credentials: dict[str, str]) -> Market:
    goods = [{"name": f"Article {n}", "default_code": f"S{n}"} for n in range(ARTICLES)]
    made = _ask(address, credentials, "product.product", "create", vals_list=goods)
    market = Market(address, [str(number) for number in made])
    guest = _ask(address, credentials, "res.partner", "create", vals_list=[{"name": "Guests"}])[0]
    market.erp.settings["guest_partner_id"] = str(guest)
    market.erp.allowed_private = [address.partition("://")[2]]
    market.erp.save()
    store_credentials(market.erp, credentials)
    return market


def _ask(address: str, credentials: dict[str, str], model: str, method: str, **arguments: Any) -> Any:
    headers = {"Authorization": f"bearer {credentials['api_key']}", "X-Odoo-Database": credentials["database"]}
    answer = requests.post(f"{address}/json/2/{model}/{method}", json=arguments, headers=headers, timeout=30)
    answer.raise_for_status()
    return answer.json()


def _ask_twice(address: str, credentials: dict[str, str], market: Market) -> Callable[[], object]:
    row = Command.plain.create(
        merchant_id=market.merchant.pk, connection=market.erp, kind="bench", stream="order", subject_type="order",
        subject_id=0, line=f"bench:{next(market.numbers)}", sequence=1, reference="bench",
        operation_key=f"bench:{next(market.numbers)}", state=Command.State.WITHDRAWN, state_at=AT, next_attempt_at=AT,
        created_at=AT,
    )  # fmt: skip
    articles = list(Binding.plain.filter(connection=market.erp).values_list("external_id", flat=True)[:LINES])
    lines = [[0, 0, {"product_id": int(one), "product_uom_qty": 2, "price_unit": 2, "name": one}] for one in articles]

    guest = int(market.erp.settings["guest_partner_id"])

    def ask_twice() -> None:
        order = {"partner_id": guest, "client_order_ref": "bench", "order_line": lines}
        number = _ask(address, credentials, "sale.order", "create", vals_list=[order])[0]
        _ask(address, credentials, "sale.order", "search_read", domain=[["id", "=", number]],
             fields=["id", "name", "amount_total", "order_line", "state"])  # fmt: skip
        Command.plain.filter(pk=row.pk).update(state=Command.State.WITHDRAWN, external_id=str(number))

    return ask_twice


def _deliver(market: Market, orders: int) -> Callable[[], object]:
    """Orders are taken in first, which is not measured; then each is delivered as the worker does."""
    records = [parse_order(market.write_order(taxed=False)) for _ in range(orders)]
    with transaction.atomic():
        call("order", "apply", market.merchant.pk, connection=market.shop, records=records, read_at=timezone.now(),
             at=timezone.now())  # fmt: skip
    due = iter(list(Command.plain.filter(state=Command.State.PENDING).order_by("pk").values_list("pk", flat=True)))

    def deliver_next() -> None:
        if (state := deliver(next(due))) != Command.State.VERIFIED:
            raise CommandError(f"An order ended {state}: that is not the delivery to be measured.")

    return deliver_next


def _need_postgresql(name: str) -> None:
    if database.vendor != "postgresql":
        raise CommandError(f"{name} is measured on PostgreSQL: set DATABASE_URL to one.", returncode=2)
    # A ring costs the same whoever rings; no broker is needed to measure.
    current_app.conf.update(broker_url="memory://", broker_transport_options={})


ORDER_BENCHES = {"order_intake": (bench_order_intake, 50), "order_delivery": (bench_order_delivery, 20)}
