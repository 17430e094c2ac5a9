"""A method of the connector each, driven through all it can ask: what test_spec.py records."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.connectors.woocommerce.connector import WooCommerce
from integrations.contract import records as r
from tests.connectors.woocommerce.live import Live

D = Decimal
PLACED_AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
HOOK = "https://portal.example.com/hooks/abc/"


class World:
    """A shop with two simple products, a matrix of two, a tax of 20 % and a paid order with shipping."""

    def __init__(self, live: Live) -> None:
        self.live, self.woo = live, live.woo
        self.tax = live.tax("20.0000")
        self.mug = live.article("MUG")
        self.plate = live.article("PLATE")
        made = self.woo.create_product(self.matrix())
        self.cup, self.cups = made.external_id, dict(made.children)
        self.order = live.buy("MUG")

    def matrix(self, code: str = "CUP") -> r.ProductDocument:
        axis = r.AxisRecord(name="Size", values=("S", "L"))
        variants = tuple(
            r.VariantRecord(external_id="", sku=f"{code}-{size}", barcode=f"40063813339{place}1", price=D("7.50"),
                            options=(("Size", size),), image_url="https://example.com/cup.jpg")
            for place, size in enumerate(axis.values)
        )  # fmt: skip
        product = r.ProductRecord(
            external_id="", name="Cup", description="A cup", axes=(axis,), variants=variants,
            image_urls=("https://example.com/cups.jpg",),
        )  # fmt: skip
        return r.ProductDocument(reference=code, product=product)

    def buyer(self, email: str = "grace@example.com", **more: Any) -> r.CustomerDocument:
        address = r.AddressRecord(
            name="Grace Hopper", company="Navy", line1="1 Main St", line2="Flat 2", city="London", region="",
            postcode="W1U 6QS", country="GB", phone="+44 20 7946 0000",
        )  # fmt: skip
        record = r.CustomerRecord(name="Grace Hopper", email=email, billing=address, shipping=address)
        return r.CustomerDocument(reference="C-9", customer=record, **more)

    def line(self, article: str, quantity: int = 1, kind: r.LineKind = r.LineKind.ITEM) -> r.OrderDocumentLine:
        net = D(10) * quantity
        return r.OrderDocumentLine(
            key=article, kind=kind, variant_external_id=article, name=str(kind), quantity=D(quantity),
            unit_price=D(10), net=net, tax=net / 5, gross=net * D("1.2"), tax_codes=(self.tax,),
        )  # fmt: skip

    def document(self) -> r.OrderDocument:
        buyer = self.buyer().customer
        return r.OrderDocument(
            reference="N-1", currency="GBP", total=D("60.00"), placed_at=PLACED_AT, customer=buyer,
            billing=buyer.billing, shipping=buyer.shipping, payment_method="bacs", note="Ring twice",
            lines=(self.line(self.mug, 2), replace(self.line(self.cups["CUP-S"]), tax_codes=(), tax=D(0), gross=D(10)),
                   self.line("", kind=r.LineKind.SHIPPING), self.line("", kind=r.LineKind.FEE)),
        )  # fmt: skip

    def refund(self, **more: Any) -> r.RefundDocument:
        line = replace(self.line(self.mug), sku="MUG")
        shipping = replace(line, kind=r.LineKind.SHIPPING, variant_external_id="", net=D(1), tax=D("0.20"))
        values: dict[str, Any] = {
            "reference": "N-1-R1", "order_external_id": self.order, "order_reference": "N-1", "currency": "GBP",
            "amount": D("13.20"), "reason": "Broken", "at": PLACED_AT, "lines": (line, shipping),
        }  # fmt: skip
        return r.RefundDocument(**{**values, **more})


def walk(pull: Callable[..., r.Page[Any]]) -> int:
    """The whole, in pages of one, and then what changed since; how many records."""
    seen, since = 0, None
    for start in (None, PLACED_AT):
        cursor, page = "", pull(start, "")
        for _ in range(60):
            assert not page.failed, page.failed
            seen, since, cursor = seen + len(page.records), page.since or since, page.cursor
            if not cursor:
                break
            page = pull(start, cursor)
        assert not cursor
    pull(since, "")
    return seen


def small_pages(woo: WooCommerce) -> WooCommerce:
    woo.page_size = 1
    return woo


def pull(name: str) -> Callable[[World], None]:
    def drive(world: World) -> None:
        world.woo.create_customer(world.buyer())
        world.woo.create_refund(world.refund())
        assert walk(getattr(small_pages(world.woo), name))

    return drive


def push_stock(world: World) -> None:
    items = [
        r.StockPush(key="a", external_id=world.mug, quantity=D("7.5")),
        r.StockPush(key="b", external_id=world.plate, parent_external_id=world.plate, quantity=D(0)),
        r.StockPush(key="c", external_id=world.cups["CUP-S"], parent_external_id=world.cup, quantity=D(3)),
    ]
    many = [replace(items[0], key=str(number)) for number in range(120)]
    assert {one.outcome for one in world.woo.push_stock([*items, *many])} == {"sent"}


def push_prices(world: World) -> None:
    item = r.PricePush(key="a", external_id=world.mug, amount=D("9.95"), currency="GBP")
    small = replace(item, key="b", external_id=world.cups["CUP-L"], parent_external_id=world.cup)
    assert {one.outcome for one in world.woo.push_prices([item, small])} == {"sent"}


def push_products(world: World) -> None:
    items = [
        r.ProductPush(key=status, external_id=world.mug, fields={"name": "Big", "description": "x", "status": status})
        for status in r.ProductStatus
    ]
    assert {one.outcome for one in world.woo.push_products(items)} == {"sent"}


def create_product(world: World) -> None:
    only = r.VariantRecord(external_id="", sku="JUG", barcode="4006381333900", price=D("3.50"))
    simple = r.ProductRecord(external_id="", name="Jug", variants=(only,), image_urls=("https://example.com/jug.jpg",))
    assert world.woo.create_product(r.ProductDocument(reference="JUG", product=simple)).children
    for _ in range(2):
        assert len(world.woo.create_product(world.matrix("BOWL")).children) == 2


def update_customer(world: World) -> None:
    made = world.woo.create_customer(world.buyer())
    document = world.buyer("grace.hopper@example.com", external_id=made.external_id)
    assert world.woo.update_customer(document).external_id == made.external_id


def find_customer(world: World) -> None:
    made = world.woo.create_customer(world.buyer()).external_id
    for reference in ("C-9", "grace@example.com"):
        assert [one.external_id for one in world.woo.find_customer(reference)] == [made]


def create_order(world: World) -> None:
    assert world.woo.create_order(world.document()).line_count == 4
    account = world.woo.create_customer(world.buyer()).external_id
    assert world.woo.create_order(replace(world.document(), customer_external_id=account)).external_id


def find_order(world: World) -> None:
    made = world.woo.create_order(world.document()).external_id
    assert [one.external_id for one in world.woo.find_order("N-1")] == [made]


def update_order_status(world: World) -> None:
    for status in ("on-hold", "processing", "completed"):
        assert world.woo.update_order_status(world.order, status, note="Said by the ERP").external_id == world.order


def create_shipment(world: World) -> None:
    document = r.ShipmentDocument(
        reference="S-1", order_external_id=world.order, carrier="DPD", tracking_number="1Z", shipped_at=PLACED_AT
    )
    for _ in range(2):
        assert world.woo.create_shipment(document).state is r.DocumentState.DONE


def create_return(world: World) -> None:
    line = r.OrderDocumentLine(key="1", sku="MUG", quantity=D(1))
    document = r.ReturnDocument(reference="T-1", order_external_id=world.order, order_reference="N-1", lines=(line,))
    assert len({world.woo.create_return(document).external_id for _ in range(2)}) == 1


def create_invoice(world: World) -> None:
    document = r.InvoiceDocument(reference="I-1", order_external_id=world.order, order_reference="N-1", number="INV/1")
    assert len({world.woo.create_invoice(document).external_id for _ in range(2)}) == 1


def create_payment(world: World) -> None:
    unpaid = str(world.live.simulator.shop.add_order({})["id"])
    document = r.PaymentDocument(
        reference="N-1-P1", order_external_id=unpaid, order_reference="N-1", currency="GBP", amount=D(1), at=PLACED_AT,
        complete=True,
    )  # fmt: skip
    assert len({world.woo.create_payment(document).external_id for _ in range(2)}) == 1


def create_refund(world: World) -> None:
    assert world.woo.create_refund(world.refund()).total == D("13.20")
    assert world.woo.create_refund(world.refund(reference="N-1-R2", lines=(), amount=D("1.00"))).total == D("1.00")


def fetch_order(world: World) -> None:
    world.woo.create_refund(world.refund())
    assert [one.amount for one in world.woo.fetch_order(world.order).refunds] == [D("13.20")]


def find_refund(world: World) -> None:
    made = world.woo.create_refund(world.refund()).external_id
    assert [one.external_id for one in world.woo.find_refund("N-1-R1")] == [made]


def find_product(world: World) -> None:
    assert [one.external_id for one in world.woo.find_product("CUP-S")] == [world.cup]
    assert list(world.woo.find_product("NOWHERE")) == []


def subscribe(world: World) -> list[str]:
    hooks = [world.woo.subscribe_webhooks(HOOK, list(WooCommerce.webhook_topics)) for _ in range(2)][-1]
    assert {one.active for one in hooks} == {True}
    return [one.external_id for one in hooks]


def receive(world: World) -> None:
    body = b'{"id": 4711}'
    secret = world.live.simulator.credentials["webhook_secret"].encode()
    signature = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
    headers = {"x-wc-webhook-topic": "order.updated", "x-wc-webhook-signature": signature}
    (event,) = world.woo.receive_webhook(r.WebhookRequest(method="POST", query={}, headers=headers, body=body)).events
    assert (event.stream, event.external_id) == ("order", "4711")


def list_values(world: World) -> None:
    for kind in WooCommerce.value_kinds:
        assert all(one.kind == kind and one.code for one in world.woo.list_values(kind)), kind


DRIVES: dict[str, Callable[[World], Any]] = {
    "check": lambda world: world.woo.check(),
    "pull_products": pull("pull_products"),
    "pull_stock": pull("pull_stock"),
    "pull_prices": pull("pull_prices"),
    "pull_orders": pull("pull_orders"),
    "pull_customers": pull("pull_customers"),
    "fetch_product": lambda world: [world.woo.fetch_product(one) for one in (world.mug, world.cups["CUP-S"])],
    "fetch_order": fetch_order,
    "fetch_customer": lambda world: world.woo.fetch_customer(world.woo.create_customer(world.buyer()).external_id),
    "count_products": lambda world: [world.woo.count_products(since) for since in (None, PLACED_AT)],
    "count_orders": lambda world: [world.woo.count_orders(since) for since in (None, PLACED_AT)],
    "list_values": list_values,
    "push_stock": push_stock,
    "push_prices": push_prices,
    "push_products": push_products,
    "create_product": create_product,
    "create_customer": lambda world: world.woo.create_customer(world.buyer()),
    "update_customer": update_customer,
    "create_order": create_order,
    "update_order_status": update_order_status,
    "cancel_order": lambda world: [world.woo.cancel_order(world.order) for _ in range(2)],
    "create_shipment": create_shipment,
    "create_return": create_return,
    "create_invoice": create_invoice,
    "create_payment": create_payment,
    "create_refund": create_refund,
    "find_product": find_product,
    "find_customer": find_customer,
    "find_order": find_order,
    "find_refund": find_refund,
    "subscribe_webhooks": subscribe,
    "list_webhooks": lambda world: subscribe(world) and world.woo.list_webhooks(),
    "unsubscribe_webhooks": lambda world: world.woo.unsubscribe_webhooks([*subscribe(world), "999"]),
    "receive_webhook": receive,
}
