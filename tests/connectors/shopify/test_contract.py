"""The Shopify connector and its simulator meet here: under the contract every connector keeps, and in a day whose
every request and answer is one the vendor's schema knows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from integrations.connectors.shopify.connector import Shopify
from integrations.connectors.shopify.transport import TOO_DEAR
from integrations.contract import records as r
from integrations.contract.errors import Rejected
from integrations.contract.http import Exchange
from integrations.simulators.shopify.simulator import ShopifySimulator
from tests.conftest import missing
from tests.connectors.shopify import spec
from tests.connectors.shopify.fixtures import read
from tests.connectors.shopify.test_webhooks import sign
from tests.contract.far_side import FarSide, build_product, walk
from tests.contract.suite import ConnectorContract

D = Decimal
AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
BUYER = {"external_ref": "ada", "name": "Ada Lovelace", "email": "ada@example.com", "country": "GB"}


def build_order(article: r.VariantRecord, currency: str = "GBP") -> r.OrderDocument:
    """Two of the article for 24.00, 4.00 of it tax."""
    line = r.OrderDocumentLine(
        key="1", variant_external_id=article.external_id, sku=article.sku, quantity=D(2), net=D(20), tax=D(4),
        gross=D(24), tax_codes=("VAT 20 %",),
    )  # fmt: skip
    return r.OrderDocument(reference="N-1", currency=currency, total=D(24), placed_at=AT, lines=(line,))


class TestContract(ConnectorContract):
    connector_class = Shopify
    signature_header = "x-shopify-hmac-sha256"

    def build_simulator(self) -> ShopifySimulator:
        return ShopifySimulator()

    def settings_for(self, address: str, simulator: Any) -> dict[str, Any]:
        return {"url": address}

    def prepare_write(self, far: FarSide) -> Callable[[], object]:
        far.control("catalogue", {"products": [build_product("WRITE-1")]})
        products = [one for page in walk(far.connector.pull_products) for one in page.records]
        article = next(one for product in products for one in product.variants if one.sku == "WRITE-1")
        return lambda: far.connector.create_order(build_order(article))

    def valid_webhook(self, far: FarSide) -> r.WebhookRequest:
        body = read("webhook__orders_updated")
        headers = {
            "x-shopify-topic": "orders/updated",
            "x-shopify-event-id": "98880550-7158-44d4-b7cd-2c97c8a091b5",
            self.signature_header: sign(body, far.simulator.credentials["client_secret"]),
        }
        return r.WebhookRequest(method="POST", query={}, headers=headers, body=body)


# --- a shop's day -----------------------------------------------------------------------------------------------------


@pytest.fixture
def far() -> Iterator[FarSide]:
    """With an article MUG of 12 pieces; afterwards every exchange is held against the schema."""
    with TestContract().make() as far:
        far.control("catalogue", {"products": [build_product("MUG")]})
        yield far
    assert [fault for one in far.exchanges for fault in faults_of(one)] == []


def faults_of(exchange: Exchange) -> list[str]:
    if not spec.FILE.is_file():
        missing("the file ../shared/specs/shopify/admin_2026-07.json.gz is not there")
    asked, answer = json.loads(exchange.request_body), json.loads(exchange.response_body)
    faults = list(spec.request_faults(asked["query"], asked["variables"]))
    if "data" not in answer:  # a page that costs too much is asked for in smaller ones
        return faults + [one["message"] for one in answer["errors"] if one["extensions"]["code"] != TOO_DEAR]
    return faults + list(spec.answer_faults(asked["query"], answer["data"]))


def mug(far: FarSide) -> r.ProductRecord:
    every = (one for page in walk(far.connector.pull_products) for one in page.records)
    found: r.ProductRecord = next(one for one in every if one.code.endswith("mug"))
    return found


def buy(far: FarSide, quantity: int = 2) -> r.OrderRecord:
    """A buyer's paid order of mugs at 10.00, with 4.95 of postage."""
    line = {"sku": "MUG", "quantity": str(quantity), "price": "10.00"}
    made = far.control("orders", {"customer": BUYER, "lines": [line], "shipping": "4.95"})
    return far.connector.fetch_order(str(made["id"]))


def goods(order: r.OrderRecord, quantity: int = 1) -> r.OrderDocumentLine:
    (item,) = (one for one in order.lines if one.kind is r.LineKind.ITEM)
    return r.OrderDocumentLine(key=item.external_id, quantity=D(quantity), net=D(10), gross=D(10))


def test_figures_prices_and_fields_arrive(far: FarSide) -> None:
    product = mug(far)
    (article,) = product.variants
    places = [one.external_id for one in far.connector.list_locations()]
    pushes = [r.StockPush(key=place, external_id=article.external_id, slot=place, quantity=D(3)) for place in places]
    assert {one.outcome for one in far.connector.push_stock(pushes)} == {r.PushOutcome.SENT}
    rows = [row for page in walk(far.connector.pull_stock) for row in page.records]
    assert sorted(rows) == sorted(r.StockRow(article.external_id, place, D(3)) for place in places)
    price = r.PricePush(key="a", external_id=article.external_id, amount=D("7.25"), currency="GBP")
    codes = {"codes": (r.ArticleCodes(article.external_id, "MUG-2", "123"),), "name": "Mug", "status": "draft"}
    change = r.ProductPush(key="a", external_id=product.external_id, fields=codes)
    assert far.connector.push_prices([price])[0].outcome is r.PushOutcome.SENT
    assert far.connector.push_products([change])[0].outcome is r.PushOutcome.SENT
    found = far.connector.fetch_product(product.external_id)
    assert (found.name, found.status) == ("Mug", r.ProductStatus.DRAFT)
    assert [(one.sku, one.barcode, one.price) for one in found.variants] == [("MUG-2", "123", D("7.25"))]


def test_a_product_with_variants_is_made_once(far: FarSide) -> None:
    variants = tuple(
        r.VariantRecord(external_id="", sku=f"CUP-{size}", options=(("Size", size),), price=D(3)) for size in "SL"
    )
    product = r.ProductRecord(
        external_id="", name="Cup", axes=(r.AxisRecord(name="Size", values=("S", "L")),), variants=variants
    )
    document = r.ProductDocument(reference="CUP", product=product)
    first, second = (far.connector.create_product(document) for _ in range(2))
    assert first.external_id == second.external_id
    assert [sku for sku, _ in first.children] == ["CUP-S", "CUP-L"]


def test_an_order_of_ours_is_made_found_paid_and_cancelled(far: FarSide) -> None:
    made = far.connector.create_order(build_order(mug(far).variants[0]))
    assert (made.total, made.tax, made.line_count, made.currency) == (D(24), D(4), 1, "GBP")
    assert [one.external_id for one in far.connector.find_order("N-1")] == [made.external_id]
    payment = r.PaymentDocument(reference="N-1-P1", order_external_id=made.external_id, order_reference="N-1",
                                currency="GBP", amount=D(24), at=AT)  # fmt: skip
    assert len({far.connector.create_payment(payment).external_id for _ in range(2)}) == 1
    assert far.connector.fetch_order(made.external_id).financial is r.FinancialStatus.PAID
    for _ in range(2):
        assert far.connector.cancel_order(made.external_id).state is r.DocumentState.CANCELLED
    assert far.connector.fetch_order(made.external_id).cancelled


def test_a_buyers_order_is_shipped_once_and_then_not_cancelled(far: FarSide) -> None:
    order = buy(far)
    assert (order.total, order.financial) == (D("24.95"), r.FinancialStatus.PAID)
    assert sum(line.gross for line in order.lines) == order.total
    part = r.ShipmentDocument(reference="S-1", order_external_id=order.external_id, tracking_number="T1",
                              lines=(goods(order),), complete=False)  # fmt: skip
    assert len({far.connector.create_shipment(part).external_id for _ in range(2)}) == 1
    assert far.connector.fetch_order(order.external_id).fulfilment is r.FulfilmentStatus.PARTIALLY_FULFILLED
    rest = r.ShipmentDocument(reference="S-2", order_external_id=order.external_id, tracking_number="T2")
    assert len({far.connector.create_shipment(rest).external_id for _ in range(2)}) == 1
    assert far.connector.fetch_order(order.external_id).fulfilment is r.FulfilmentStatus.FULFILLED
    third = r.ShipmentDocument(reference="S-3", order_external_id=order.external_id, tracking_number="T3")
    with pytest.raises(Rejected, match="nothing left to ship"):
        far.connector.create_shipment(third)
    assert not far.connector.cancel_order(order.external_id).success


def test_a_return_and_a_refund_are_two_things_each_made_once(far: FarSide) -> None:
    order = buy(far)
    far.connector.create_shipment(r.ShipmentDocument(reference="S-1", order_external_id=order.external_id))
    back = r.ReturnDocument(reference="N-1-T1", order_external_id=order.external_id, order_reference="N-1",
                            reason="too small", lines=(goods(order),))  # fmt: skip
    assert len({far.connector.create_return(back).external_id for _ in range(2)}) == 1
    assert far.connector.fetch_order(order.external_id).refunds == ()
    (found,) = (one for page in walk(far.connector.pull_returns) for one in page.records)
    assert (found.reference, found.reason, [one.quantity for one in found.lines]) == ("N-1-T1", "too small", [D(1)])
    money = r.RefundDocument(reference="N-1-R1", order_external_id=order.external_id, order_reference="N-1",
                             currency="GBP", amount=D(10), at=AT, lines=(goods(order),))  # fmt: skip
    assert len({far.connector.create_refund(money).external_id for _ in range(2)}) == 1
    (refund,) = far.connector.fetch_order(order.external_id).refunds
    assert (refund.reference, refund.amount, [one.quantity for one in refund.lines]) == ("N-1-R1", D(10), [D(1)])


def test_customers_are_made_found_and_changed(far: FarSide) -> None:
    buyer = r.CustomerRecord(name="Grace Hopper", email="grace@example.com")
    made = far.connector.create_customer(r.CustomerDocument(reference="C-9", customer=buyer))
    for reference in ("C-9", "grace@example.com"):
        assert [one.external_id for one in far.connector.find_customer(reference)] == [made.external_id]
    married = r.CustomerRecord(name="Grace Murray Hopper")
    far.connector.update_customer(r.CustomerDocument(reference="C-9", external_id=made.external_id, customer=married))
    found = far.connector.fetch_customer(made.external_id)
    assert (found.name, found.email) == ("Grace Murray Hopper", "grace@example.com")
