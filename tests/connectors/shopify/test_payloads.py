"""What the Admin API says, as records: exact values."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from integrations.connectors.shopify import payloads as p
from integrations.connectors.shopify import values as v
from integrations.contract import records as r
from integrations.contract.errors import PayloadInvalid, Rejected
from tests.connectors.shopify.fixtures import load

D = Decimal
FREE = {"shopMoney": {"amount": "0"}, "presentmentMoney": {"amount": "0"}}


def order(name: str, **changes: Any) -> r.OrderRecord:
    row = {**load(name)["order"], **changes}
    return p.parse_order(row, row["lineItems"]["nodes"])


def product(name: str, **changes: Any) -> r.ProductRecord:
    row = {**load(name)["product"], **changes}
    return p.parse_product(row, row["variants"]["nodes"], "USD")


def test_a_matrix_product() -> None:
    found = product("product__matrix")
    assert (found.external_id, found.code, found.name) == ("632910392", "ipod-nano", "IPod Nano - 8GB")
    assert (found.brand, found.categories, found.currency) == ("Apple", ("Cult Products",), "USD")
    assert (found.status, found.status_text) == (r.ProductStatus.ACTIVE, "ACTIVE")
    assert found.updated_at == datetime(2026, 11, 20, 9, 15, 30, tzinfo=UTC)
    assert found.image_urls == ("https://cdn.shopify.com/s/files/1/ipod-nano.png?v=1",)
    assert found.axes == (
        r.AxisRecord(name="Color", values=("Pink", "Red"), external_id="594680422"),
        r.AxisRecord(name="Size", values=("8 GB",), external_id="594680423"),
    )
    assert found.variants[0] == r.VariantRecord(
        external_id="808950810",
        sku="IPOD2008PINK",
        barcode="1234_pink",
        name="Pink / 8 GB",
        options=(("Color", "Pink"), ("Size", "8 GB")),
        price=D("199.00"),
    )


def test_a_product_without_variants_has_no_axis() -> None:
    found = product("product__single")
    assert (found.axes, found.image_urls, found.categories) == ((), (), ())
    assert found.variants == (r.VariantRecord(external_id="8", sku="MUG", price=D("10.5")),)
    assert found.status is r.ProductStatus.ACTIVE  # UNLISTED: sold to whoever has the address


def test_an_order_in_the_shops_currency_with_what_the_buyer_saw() -> None:
    found = order("order__presentment_refunded")
    assert (found.external_id, found.number, found.currency, found.total) == ("450789469", "#1001", "USD", D("429.98"))
    assert (found.presentment_currency, found.presentment_total) == ("EUR", D("390.89"))
    assert found.placed_at == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert found.updated_at == datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
    assert (found.financial, found.fulfilment) == (
        r.FinancialStatus.PARTIALLY_REFUNDED,
        r.FulfilmentStatus.PARTIALLY_FULFILLED,
    )
    assert (found.tags, found.note) == (("wholesale",), "Leave it at the door")
    assert (found.location_external_id, found.payment_method) == ("655441491", "shopify_payments")
    assert not found.cancelled
    assert not found.prices_include_tax
    assert found.customer is not None
    assert (found.customer.external_id, found.customer.email) == ("207119551", "bob.norman@mail.example.com")
    assert found.customer.phone == "+16136120707"
    assert found.shipping is not None
    assert (found.shipping.name, found.shipping.region, found.shipping.country) == ("Amy Norman", "KY", "US")


def test_the_lines_of_an_order_come_to_its_total() -> None:
    item, freight, tip, duty = order("order__presentment_refunded").lines
    assert (item.external_id, item.variant_external_id, item.sku) == ("466157049", "39072856", "IPOD2008GREEN")
    assert (item.quantity, item.unit_price, item.discount) == (D(2), D("199.00"), D("15.00"))
    assert (item.net, item.tax, item.gross) == (D("383.00"), D("22.98"), D("405.98"))
    assert item.taxes == (r.TaxRecord(code="State Tax 6 %", amount=D("22.98"), rate=D(6), name="State Tax"),)
    assert (freight.kind, freight.unit_price, freight.discount, freight.gross) == (
        r.LineKind.SHIPPING, D("20.00"), D("5.00"), D("15.00"),
    )  # fmt: skip
    assert [(one.kind, one.gross) for one in (tip, duty)] == [(r.LineKind.TIP, D(5)), (r.LineKind.DUTY, D(4))]
    assert sum(line.gross for line in (item, freight, tip, duty)) == D("429.98")


def test_where_prices_hold_the_tax_the_net_does_not() -> None:
    found = order("order__tax_included_cancelled")
    item, freight = found.lines
    assert (item.unit_price, item.net, item.tax, item.gross) == (D("12.00"), D("20.00"), D("4.00"), D("24.00"))
    assert (freight.net, freight.tax, freight.gross) == (D("2.50"), D("0.50"), D("3.00"))
    assert found.prices_include_tax
    assert (found.presentment_currency, found.presentment_total) == ("", None)
    assert (found.cancelled, found.fulfilment, found.status_text) == (True, r.FulfilmentStatus.CANCELLED, "CANCELLED")
    assert found.cash_on_delivery
    assert found.payments == ()  # a pending sale is no money
    assert found.customer == r.CustomerRecord(phone="+441")


def test_payments_are_what_went_through_and_refunds_are_their_own() -> None:
    found = order("order__presentment_refunded")
    assert [(one.external_id, one.kind, one.amount) for one in found.payments] == [
        ("179259969", r.PaymentKind.AUTHORIZATION, D("429.98")),
        ("389404469", r.PaymentKind.CAPTURE, D("429.98")),
    ]
    (refund,) = found.refunds  # the other gave no money back
    assert (refund.external_id, refund.order_external_id, refund.amount) == ("509562969", "450789469", D("210.94"))
    assert (refund.reference, refund.reason) == ("N-1001-R1", "it broke")
    assert refund.lines == (
        r.RefundLineRecord(
            order_line_external_id="466157049", quantity=D(1), net=D("191.50"), tax=D("11.49"), sku="IPOD2008GREEN"
        ),
        r.RefundLineRecord(order_line_external_id="369256396", quantity=D(1), net=D("7.95"), tax=D("0.00")),
    )


def test_a_return_is_no_refund() -> None:
    (row,) = load("returns")["orders"]["nodes"]
    (found,) = p.parse_returns(row)
    assert (found.external_id, found.order_external_id, found.number) == ("945000954", "450789469", "#1001-R1")
    assert (found.state, found.reference, found.reason) == (r.DocumentState.OPEN, "N-1001-T1", "too small")
    assert found.updated_at == datetime(2026, 11, 20, 13, 0, 1, tzinfo=UTC)
    assert found.lines == (
        r.DocumentLineRecord(
            external_id="677614677", order_line_external_id="466157049", variant_external_id="39072856",
            sku="IPOD2008GREEN", quantity=D(1),
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({"displayFinancialStatus": "BARTERED"}, "financial", r.FinancialStatus.UNKNOWN),
        ({"displayFinancialStatus": None}, "financial", r.FinancialStatus.UNKNOWN),
        ({"displayFulfillmentStatus": "TELEPORTED"}, "fulfilment", r.FulfilmentStatus.UNKNOWN),
        ({"displayFulfillmentStatus": "TELEPORTED"}, "status_text", "TELEPORTED"),
        ({"returnStatus": "RETURNED"}, "fulfilment", r.FulfilmentStatus.RETURNED),
        ({"lineItems": {"nodes": []}, "totalPriceSet": FREE, "displayFinancialStatus": None}, "financial",
         r.FinancialStatus.PAID),
    ],
)  # fmt: skip
def test_words_nobody_knows_are_unknown(changes: dict[str, Any], name: str, value: Any) -> None:
    assert getattr(order("order__presentment_refunded", **changes), name) == value


def test_a_product_status_nobody_knows_is_kept_as_text() -> None:
    found = product("product__matrix", status="HIDDEN")
    assert (found.status, found.status_text) == (r.ProductStatus.UNKNOWN, "HIDDEN")


@pytest.mark.parametrize(
    "changes",
    [{"id": None}, {"processedAt": None, "createdAt": None}, {"currencyCode": None}, {"totalPriceSet": None},
     {"totalPriceSet": {"shopMoney": {"amount": "much"}}}, {"lineItems": {"nodes": [{"id": None}]}},
     {"refunds": "none"}],
)  # fmt: skip
def test_an_order_that_lacks_what_it_needs_is_set_aside(changes: dict[str, Any]) -> None:
    row = {**load("order__presentment_refunded")["order"], **changes}
    with pytest.raises(PayloadInvalid):
        p.parse_order(row, row["lineItems"]["nodes"])
    records, failed = p.parse_page([row], lambda one: p.parse_order(one, one["lineItems"]["nodes"]))
    assert records == ()
    assert [one.raw for one in failed] == [row]


def test_stock_is_of_what_is_counted_at_each_location() -> None:
    counted, uncounted = load("stock")["productVariants"]["nodes"]
    assert p.parse_stock(counted, counted["inventoryItem"]["inventoryLevels"]["nodes"]) == [
        r.StockRow("8", "655441491", D(12)),
        r.StockRow("8", "24826418", D(-1)),
    ]
    assert p.parse_stock(uncounted, []) == []


def test_a_customer() -> None:
    found = p.parse_customer(load("customer")["customer"])
    assert (found.external_id, found.name, found.email) == ("207119551", "Bob Norman", "bob.norman@mail.example.com")
    assert (found.phone, found.created_at) == ("", datetime(2026, 10, 1, 8, tzinfo=UTC))
    assert found.billing is not None
    assert found.billing.line1 == "Chestnut Street 92"


def test_ids_are_the_numbers_of_gids() -> None:
    assert v.parse_id("gid://shopify/InventoryLevel/5?inventory_item_id=80") == "5"
    assert (v.parse_id(None), v.gid("Order", "5")) == ("", "gid://shopify/Order/5")
    for wrong in ("", "x", "gid://shopify/Order/5", "٥", "-1"):
        with pytest.raises(Rejected, match="not an id of a Shopify Order"):
            v.gid("Order", wrong)


@pytest.mark.parametrize("note", ["Customer: angry", "stockbridge N-1", "", None, 5, "See Stockbridge N-1"])
def test_nobody_elses_note_is_ours(note: Any) -> None:
    assert p.our_reference(note) == ""
