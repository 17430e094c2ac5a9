"""Payloads to records and documents to payloads, with exact values."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from integrations.connectors.woocommerce import documents as d
from integrations.connectors.woocommerce import payloads as p
from integrations.connectors.woocommerce import values as v
from integrations.contract import records as r
from integrations.contract.errors import PayloadInvalid, Rejected
from tests.connectors.woocommerce.fixtures import load

KEY = "_stockbridge_reference"
D = Decimal
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


# --- orders ----------------------------------------------------------------------------------------------------------


def test_a_paid_order_is_read_line_by_line():
    order = p.parse_order(load("order__processing.json"))
    assert (order.external_id, order.number, order.currency, order.total) == ("727", "727", "USD", D("29.35"))
    assert order.placed_at == datetime(2017, 3, 22, 19, 28, 2, tzinfo=UTC)
    assert order.updated_at == datetime(2017, 3, 22, 19, 28, 8, tzinfo=UTC)
    assert (order.status_text, order.cancelled, order.cash_on_delivery) == ("processing", False, False)
    assert (order.financial, order.fulfilment) == (r.FinancialStatus.PAID, r.FulfilmentStatus.UNFULFILLED)
    tax = r.TaxRecord(code="75", amount=D("0.9"), rate=D("7.5"), name="State Tax")
    assert order.lines[1] == r.OrderLineRecord(
        external_id="316", variant_external_id="23", sku="Bar3", name="Ship Your Idea – Color: Black, Size: M Test",
        quantity=D(1), unit_price=D(12), net=D("12.00"), tax=D("0.90"), gross=D("12.90"), taxes=(tax,),
    )  # fmt: skip
    assert order.lines[0].variant_external_id == "93"
    assert order.lines[2] == r.OrderLineRecord(
        external_id="317", kind=r.LineKind.SHIPPING, name="Flat Rate", unit_price=D("10.00"), net=D("10.00"),
        tax=D("0.00"), gross=D("10.00"),
    )  # fmt: skip
    assert sum(line.gross for line in order.lines) == order.total
    assert order.payments == (
        r.PaymentRecord(
            external_id="order-727", kind=r.PaymentKind.CAPTURE, method="bacs", amount=D("29.35"),
            at=datetime(2017, 3, 22, 19, 28, 8, tzinfo=UTC), title="Direct Bank Transfer",
        ),
    )  # fmt: skip
    assert order.refunds == ()


def test_a_guest_is_known_by_the_billing_address():
    order = p.parse_order(load("order__processing.json"))
    assert order.customer == r.CustomerRecord(
        name="John Doe", company="Doe & Sons", email="john.doe@example.com", phone="(555) 555-5555",
        billing=order.billing,
    )  # fmt: skip
    assert order.billing == r.AddressRecord(
        name="John Doe", company="Doe & Sons", line1="969 Market", city="San Francisco", region="CA", postcode="94103",
        country="US", phone="(555) 555-5555", email="john.doe@example.com",
    )  # fmt: skip


def test_a_coupon_is_inside_its_lines_and_a_fee_is_a_line():
    order = p.parse_order(load("order__coupon_cod_guest.json"))
    item, shipping, fee = order.lines
    assert (item.quantity, item.unit_price, item.discount) == (D(2), D(9), D("2.00"))
    assert (item.net, item.tax, item.gross) == (D("18.00"), D("3.60"), D("21.60"))
    assert item.taxes == (r.TaxRecord(code="3", amount=D("3.6"), rate=D(20), name="VAT"),)  # a blank one is no tax
    assert (shipping.kind, shipping.gross) == (r.LineKind.SHIPPING, D("6.00"))
    assert (fee.kind, fee.name, fee.gross) == (r.LineKind.FEE, "Cash handling", D("2.40"))
    assert sum(line.gross for line in order.lines) == order.total == D("30.00")
    assert order.shipping is None
    assert order.note == "Ring twice"


def test_cash_on_delivery_is_not_paid():
    order = p.parse_order(load("order__coupon_cod_guest.json"))
    assert order.cash_on_delivery is True
    assert order.payments == ()
    assert order.financial is r.FinancialStatus.PENDING


def test_refunds_name_the_lines_they_give_back():
    order = p.parse_order(load("order__refunded.json"), load("refunds__of_723.json"))
    free, broken = order.refunds
    assert (free.external_id, free.order_external_id, free.amount, free.lines) == ("726", "723", D("10.00"), ())
    assert (broken.amount, broken.currency, broken.reason) == (D("19.35"), "USD", "Broken & late")
    assert broken.at == datetime(2017, 3, 22, 21, tzinfo=UTC)
    assert broken.lines == (
        r.RefundLineRecord(order_line_external_id="315", quantity=D(2), net=D("6.00"), tax=D("0.45"), sku="WS1"),
        r.RefundLineRecord(order_line_external_id="316", quantity=D(1), net=D("12.00"), tax=D("0.90"), sku="Bar3"),
    )
    assert order.financial is r.FinancialStatus.REFUNDED
    assert order.fulfilment is r.FulfilmentStatus.UNKNOWN  # refunded says nothing about the goods


@pytest.mark.parametrize(
    ("status", "paid", "financial", "fulfilment", "cancelled"),
    [
        ("pending", False, "pending", "unfulfilled", False),
        ("completed", True, "paid", "fulfilled", False),
        ("completed", False, "pending", "fulfilled", False),
        ("cancelled", False, "voided", "cancelled", True),
        ("cancelled", True, "paid", "cancelled", True),
        ("failed", False, "voided", "unfulfilled", False),
        ("refunded", True, "refunded", "unknown", False),
        ("trash", False, "unknown", "unknown", False),
        ("awaiting-pickup", False, "unknown", "unknown", False),
        ("awaiting-pickup", True, "paid", "unknown", False),
    ],
)
def test_statuses(status: str, paid: bool, financial: str, fulfilment: str, cancelled: bool):
    row = load("order__processing.json") | {"status": status}
    row |= {} if paid else {"date_paid_gmt": None}
    order = p.parse_order(row)
    assert (order.financial.value, order.fulfilment.value, order.cancelled) == (financial, fulfilment, cancelled)
    assert order.status_text == status


def test_a_part_given_back_is_partially_refunded():
    order = p.parse_order(load("order__processing.json"), load("refunds__of_723.json")[:1])
    assert order.financial is r.FinancialStatus.PARTIALLY_REFUNDED


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"total": "n/a"}, "total"),
        ({"total": None}, "total"),
        ({"total": "NaN"}, "total"),
        ({"currency": ""}, "currency"),
        ({"id": 0}, "id"),
        ({"date_created_gmt": None}, "date_created_gmt"),
        ({"line_items": "none"}, "line_items"),
        ({"status": None}, "status"),
    ],
)
def test_a_missing_required_field_raises(change: dict[str, Any], field: str):
    with pytest.raises(PayloadInvalid) as caught:
        p.parse_order(load("order__processing.json") | change)
    assert caught.value.field == field


def test_a_bad_record_does_not_stop_its_page():
    good, bad = load("order__processing.json"), load("order__refunded.json") | {"total": "lots"}
    page = p.parse_page([bad, good], p.parse_order, "c", NOON)
    assert [order.external_id for order in page.records] == ["727"]
    assert [(one.external_id, one.error) for one in page.failed] == [("723", "total is 'lots', no amount.")]
    assert page.failed[0].raw == bad
    assert (page.cursor, page.since) == ("c", NOON)


# --- catalogue and customers -----------------------------------------------------------------------------------------


def test_a_simple_product_is_one_variant_under_its_own_id():
    product = p.parse_product(load("product__simple.json"), (), "EUR")
    assert (product.external_id, product.code, product.name) == ("794", "PQ-1", "Premium Quality – Best")
    assert (product.status, product.brand, product.categories) == (
        r.ProductStatus.ACTIVE, "Woo", ("Clothing", "T-shirts"),
    )  # fmt: skip
    assert product.axes == ()
    assert product.variants == (
        r.VariantRecord(external_id="794", sku="PQ-1", barcode="4006381333931", name="Premium Quality – Best",
                        price=D("21.99")),
    )  # fmt: skip
    assert product.image_urls[0] == "https://example.com/wp-content/uploads/2017/03/T_2_front-4.jpg"
    assert product.updated_at == datetime(2017, 3, 23, 20, 1, 14, tzinfo=UTC)
    assert product.currency == "EUR"


def test_a_variable_product_has_its_axes_and_combinations():
    product = p.parse_product(load("product__variable.json"), load("variations__of_22.json"))
    assert product.axes == (
        r.AxisRecord(name="Color", values=("Black", "Green"), external_id="6"),
        r.AxisRecord(name="Size", values=("S", "M")),
    )
    assert [(one.external_id, one.sku, one.options, one.price) for one in product.variants] == [
        ("732", "SYI-BLK", (("Color", "Black"), ("Size", "S")), D("9.00")),
        ("733", "SYI-GRN", (("Color", "Green"), ("Size", "M")), None),
    ]


@pytest.mark.parametrize(
    ("status", "expected", "deleted"),
    [("publish", "active", False), ("draft", "draft", False), ("trash", "archived", True), ("odd", "unknown", False)],
)
def test_product_statuses(status: str, expected: str, deleted: bool):
    product = p.parse_product(load("product__simple.json") | {"status": status})
    assert (product.status.value, product.status_text, product.deleted) == (expected, status, deleted)


def test_stock_and_prices():
    own, shared = load("variations__of_22.json")
    assert p.parse_stock(load("product__simple.json")) == r.StockRow("794", "", D(7))
    assert p.parse_stock(own) == r.StockRow("732", "", D(4))
    assert p.parse_stock(shared) == r.StockRow("733", "", D(12))  # kept by the parent
    assert p.parse_stock(own | {"manage_stock": False}) is None
    assert p.parse_price(own, "EUR") == r.PriceRow("732", "", D("9.00"), "EUR")
    assert p.parse_price(shared, "EUR") is None


def test_a_customer():
    customer = p.parse_customer(load("customer.json"))
    assert (customer.external_id, customer.name, customer.email) == ("25", "John Doe", "john.doe@example.com")
    assert customer.updated_at == datetime(2017, 3, 21, 19, 9, 30, tzinfo=UTC)
    assert customer.billing is not None
    assert customer.billing.country == "US"
    assert customer.phone == "(555) 555-5555"


def test_an_empty_php_object_is_no_address():
    customer = p.parse_customer(load("customer.json") | {"billing": [], "shipping": []})
    assert (customer.billing, customer.shipping) == (None, None)


def test_cursors_survive_their_text():
    assert v.parse_cursor(v.build_cursor(NOON, ["3", "5"])) == (NOON, ("3", "5"))
    assert v.parse_cursor(v.build_cursor(None, ["3"])) == (None, ("3",))
    assert v.build_cursor(NOON, []) == "2026-03-01T12:00:00|"


# --- documents -------------------------------------------------------------------------------------------------------

LINE = r.OrderDocumentLine(
    key="1", variant_external_id="23", sku="Bar3", name="Bar", quantity=D(2), unit_price=D(6), discount=D("1.00"),
    net=D("11.00"), tax=D("2.20"), gross=D("13.20"), tax_codes=("75",),
)  # fmt: skip
ORDER = r.OrderDocument(
    reference="W-812", currency="EUR", total=D("18.20"), placed_at=NOON, payment_method="cod",
    billing=r.AddressRecord(name="Ann van Dyk", line1="Dam 1", city="Amsterdam", country="NL"),
    customer=r.CustomerRecord(email="ann@example.com"), shipping=r.AddressRecord(name="Madonna", email="m@example.com"),
    lines=(
        LINE,
        r.OrderDocumentLine(key="2", kind=r.LineKind.SHIPPING, name="Post", item_external_id="flat_rate", net=D(4)),
        r.OrderDocumentLine(key="3", kind=r.LineKind.TIP, name="Tip", net=D(1), gross=D(1)),
    ),
)  # fmt: skip


def test_an_order_is_sent_net_with_its_tax_classes():
    body = d.build_order(ORDER, KEY, "processing", {"75": "reduced-rate"})
    assert body["meta_data"] == [{"key": KEY, "value": "W-812"}]
    assert body["line_items"] == [
        {"product_id": 23, "quantity": 2, "subtotal": "12.00", "total": "11.00", "tax_class": "reduced-rate"}
    ]
    assert body["shipping_lines"] == [{"method_id": "flat_rate", "method_title": "Post", "total": "4"}]
    assert body["fee_lines"] == [{"name": "Tip", "total": "1", "tax_class": "zero-rate", "tax_status": "none"}]
    assert (body["billing"]["first_name"], body["billing"]["last_name"]) == ("Ann van", "Dyk")
    assert body["billing"]["email"] == "ann@example.com"
    assert body["shipping"]["last_name"] == "Madonna"
    assert "email" not in body["shipping"]
    assert (body["customer_id"], body["currency"], body["payment_method"]) == (0, "EUR", "cod")


def test_the_standard_tax_class_has_no_name_on_a_line():
    assert d.build_order(ORDER, KEY, "processing", {"75": "standard"})["line_items"][0]["tax_class"] == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"variant_external_id": ""}, "names no article"),
        ({"variant_external_id": "२"}, "names no article"),
        ({"quantity": D("0.5")}, "whole units"),
        ({"tax_codes": ("9",)}, "no tax rate 9"),
    ],
)
def test_a_line_that_cannot_be_sent_is_refused(change: dict[str, Any], words: str):
    document = replace(ORDER, lines=(replace(LINE, **change),))
    with pytest.raises(Rejected, match=words):
        d.build_order(document, KEY, "processing", {"75": ""})


def test_a_refund_shares_its_tax_by_rate():
    row = load("order__coupon_cod_guest.json")
    row["line_items"][0]["taxes"] = [{"id": 3, "total": "2.4"}, {"id": 4, "total": "1.2"}]
    document = r.RefundDocument(
        reference="W-R2", order_external_id="812", order_reference="W-812", currency="EUR", amount=D("10.80"),
        reason="Late", at=NOON,
        lines=(replace(LINE, variant_external_id="735", quantity=D(1), net=D(9), tax=D("1.81")),),
    )  # fmt: skip
    assert d.build_refund(document, p.parse_order(row), KEY) == {
        "amount": "10.80",
        "reason": "Late",
        "api_refund": False,
        "api_restock": False,
        "meta_data": [{"key": KEY, "value": "W-R2"}],
        "line_items": [
            {
                "id": 901,
                "quantity": 1,
                "refund_total": "9",
                "refund_tax": [{"id": 3, "refund_total": "1.21"}, {"id": 4, "refund_total": "0.60"}],
            }
        ],
    }


def test_a_refund_of_what_was_not_sold_is_refused():
    document = r.RefundDocument(
        reference="W-R3", order_external_id="812", order_reference="W-812", currency="EUR", amount=D(1), at=NOON,
        lines=(replace(LINE, variant_external_id="1", sku="OTHER"),),
    )  # fmt: skip
    with pytest.raises(Rejected, match="no line for OTHER"):
        d.build_refund(document, p.parse_order(load("order__processing.json")), KEY)


def test_half_a_unit_is_not_for_sale():
    push = r.StockPush(key="k", external_id="1", quantity=D("3.7"))
    assert d.build_stock(push) == {"manage_stock": True, "stock_quantity": 3}
    assert d.build_stock(replace(push, quantity=D("-0.5")))["stock_quantity"] == -1


def test_a_product_with_axes_is_variable():
    axes = (r.AxisRecord(name="Size", values=("S", "M")),)
    variants = (
        r.VariantRecord(external_id="", sku="T-S", barcode="4006381333931", options=(("Size", "S"),), price=D("9.90")),
    )
    product = r.ProductRecord(external_id="", name="Tee", axes=axes, variants=variants, status=r.ProductStatus.DRAFT)
    document = r.ProductDocument(reference="T", product=product)
    assert d.build_product(document, KEY) == {
        "name": "Tee",
        "description": "",
        "status": "draft",
        "images": [],
        "meta_data": [{"key": KEY, "value": "T"}],
        "type": "variable",
        "attributes": [{"name": "Size", "options": ["S", "M"], "visible": True, "variation": True}],
        "sku": "T",
    }
    assert "sku" not in d.build_product(replace(document, reference="T-S"), KEY)  # its variation's own
    assert d.build_variation(variants[0]) == {
        "sku": "T-S",
        "global_unique_id": "4006381333931",
        "regular_price": "9.90",
        "attributes": [{"name": "Size", "option": "S"}],
    }


def test_what_was_created_is_read_back():
    result = d.parse_order_result(load("order__coupon_cod_guest.json"))
    assert (result.external_id, result.number, result.total) == ("812", "WEB-812", D("30.00"))
    assert (result.line_count, result.currency, result.state) == (3, "EUR", r.DocumentState.OPEN)
    refund = d.parse_refund_result(load("refunds__of_723.json")[1], "USD")
    assert (refund.external_id, refund.total, refund.line_count) == ("728", D("19.35"), 2)


@pytest.mark.parametrize(
    ("answer", "outcome", "message"),
    [
        ({"id": 5}, "sent", ""),
        ({"id": 6}, "unknown", "The shop answered for another article."),
        (
            {"id": 5, "error": {"code": "invalid_id", "message": "Invalid ID.", "data": {"status": 400}}},
            "refused",
            "Invalid ID. (invalid_id)",
        ),
        ({"id": 5, "error": {"code": "db", "message": "Down", "data": {"status": 500}}}, "unknown", "Down (db)"),
        ({"id": 5, "error": []}, "refused", "The shop refuses it."),
    ],
)
def test_a_batch_answers_row_by_row(answer: dict[str, Any], outcome: str, message: str):
    assert d.parse_push_result("k", {"id": 5}, answer) == r.PushResult(
        key="k", outcome=r.PushOutcome(outcome), message=message
    )


def test_parsing_changes_nothing_in_the_payload():
    row = load("order__refunded.json")
    before = deepcopy(row)
    assert p.parse_order(row, load("refunds__of_723.json")).raw == before
    assert row == before


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, (False, (), "")),
        ({"on_account_methods": "invoice, cod"}, (True, (), "")),
        ({"tag_meta_key": "_tags"}, (False, ("b2b", "gift"), "")),
        ({"flag_meta_key": "_risk_level"}, (False, (), "_risk_level: High")),
        ({"flag_meta_key": "_risk_level", "flag_values": "high, critical"}, (False, (), "_risk_level: High")),
        ({"flag_meta_key": "_risk_level", "flag_values": "critical"}, (False, (), "")),
        ({"flag_meta_key": "_other"}, (False, (), "")),
    ],
)
def test_what_plugins_say_of_an_order_is_read_where_the_settings_name_it(settings: Any, wanted: Any) -> None:
    row = load("order__coupon_cod_guest.json")
    row["meta_data"] = [{"key": "_tags", "value": "b2b, gift"}, {"key": "_risk_level", "value": "High"}]
    order = p.mark_order(p.parse_order(row), settings)
    assert (order.on_account, order.tags, order.flagged) == wanted
    assert order.payment_method == "cod"


def test_a_customer_says_since_when_he_is_one() -> None:
    assert p.parse_customer(load("customer.json")).created_at == v.parse_time(load("customer.json")["date_created_gmt"])
