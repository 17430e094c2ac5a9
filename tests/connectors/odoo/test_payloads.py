"""Odoo's rows to records and our documents to its values, exactly."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integrations.connectors.odoo import documents as d
from integrations.connectors.odoo import fields, prices
from integrations.connectors.odoo import payloads as p
from integrations.contract import records as r
from integrations.contract.errors import PayloadInvalid, Rejected, Unsupported
from tests.connectors.odoo import spec

D = Decimal
FIXTURES: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = {
    "product__matrix": {
        "template": ("product.template", fields.TEMPLATE_FIELDS),
        "variants": ("product.product", fields.VARIANT_FIELDS),
    },
    "product__simple": {
        "template": ("product.template", fields.TEMPLATE_FIELDS),
        "variants": ("product.product", fields.VARIANT_FIELDS),
    },
    "partner": {"": ("res.partner", fields.PARTNER_FIELDS)},
    "account": {"": ("res.partner", fields.ACCOUNT_FIELDS)},
    "order__confirmed": {
        "order": ("sale.order", fields.ORDER_FIELDS),
        "lines": ("sale.order.line", fields.ORDER_LINE_FIELDS),
    },
    "picking__done": {
        "picking": ("stock.picking", (*fields.PICKING_FIELDS, *fields.DELIVERY_FIELDS)),
        "moves": ("stock.move", fields.MOVE_FIELDS),
    },
    "invoice__partly_paid": {"invoice": ("account.move", fields.INVOICE_FIELDS)},
}


def load(name: str) -> Any:
    return json.loads((Path(__file__).parent / "payloads" / f"{name}.json").read_text(), parse_float=Decimal)


@pytest.mark.skipif(not spec.LIVE_DOC.exists(), reason="../shared/specs/odoo is not beside this checkout")
@pytest.mark.parametrize("name", sorted(FIXTURES))
def test_fixtures_look_like_a_real_server(name: str) -> None:
    for key, (model, asked) in FIXTURES[name].items():
        rows = load(name)[key] if key else load(name)
        rows = rows if isinstance(rows, list) else [rows]
        assert list(spec.answer_faults(model, {"fields": asked}, rows)) == []


def test_a_matrix_product() -> None:
    product = p.parse_product(**load("product__matrix"))
    assert product.external_id == "41"
    assert product.code == ""
    assert product.name == "T-Shirt"
    assert product.description == "Organic cotton"
    assert product.status is r.ProductStatus.ACTIVE
    assert product.categories == ("Goods / Clothing",)
    assert product.currency == "EUR"
    assert product.updated_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert product.axes == (
        r.AxisRecord(name="Size", values=("S",), external_id="4"),
        r.AxisRecord(name="Colour", values=("Red", "Green"), external_id="3"),
    )
    assert product.variants == (
        r.VariantRecord(
            external_id="71",
            sku="TS-R-S",
            barcode="4006381333931",
            name="T-Shirt (Red, S)",
            options=(("Colour", "Red"), ("Size", "S")),
            price=D("19.9"),
        ),
        r.VariantRecord(
            external_id="72",
            sku="TS-G-S",
            name="T-Shirt (Green, S)",
            options=(("Colour", "Green"), ("Size", "S")),
            price=D("21.4"),
        ),
    )


def test_an_archived_product_keeps_its_variant() -> None:
    product = p.parse_product(**load("product__simple"))
    assert (product.status, product.status_text) == (r.ProductStatus.ARCHIVED, "archived")
    assert product.axes == ()
    assert product.variants == (r.VariantRecord(external_id="80", sku="MUG", name="Mug", price=D(8)),)


def test_a_product_without_a_name_is_refused() -> None:
    rows = load("product__simple")
    rows["template"]["name"] = False
    with pytest.raises(PayloadInvalid, match="record 42 has no name") as caught:
        p.parse_product(**rows)
    assert caught.value.field == "name"


def test_a_partner() -> None:
    customer = p.parse_customer(load("partner"))
    assert (customer.external_id, customer.name, customer.company) == ("14", "Azure Interior", "Azure Interior")
    assert (customer.email, customer.phone, customer.tax_number) == (
        "azure@example.com",
        "+49 30 123456",
        "DE123456788",
    )
    assert customer.billing is not None
    assert (customer.billing.line1, customer.billing.line2, customer.billing.city) == ("Allee 1", "", "Berlin")
    assert (customer.billing.postcode, customer.billing.region, customer.billing.country) == (
        "10115",
        "Berlin (DE)",
        "DE",
    )


def test_an_order() -> None:
    rows = load("order__confirmed")
    order = p.parse_order(rows["order"], rows["lines"])
    assert (order.external_id, order.number, order.total, order.currency) == ("501", "S00501", D("45.77"), "EUR")
    assert order.placed_at == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    assert order.fulfilment is r.FulfilmentStatus.PARTIALLY_FULFILLED
    assert order.location_external_id == "1"
    assert order.customer == r.CustomerRecord(external_id="14", name="Azure Interior")
    assert order.lines == (
        r.OrderLineRecord(
            external_id="901",
            variant_external_id="71",
            name="T-Shirt",
            quantity=D(2),
            unit_price=D("19.9"),
            net=D("39.8"),
            tax=D("5.97"),
            gross=D("45.77"),
        ),
    )


def test_an_unknown_state_stays_visible() -> None:
    row = {**load("order__confirmed")["order"], "state": "on_ice"}
    result = p.parse_order_result(row)
    assert result.state is r.DocumentState.UNKNOWN
    assert result.raw["state"] == "on_ice"


def test_a_shipment_counts_what_left() -> None:
    rows = load("picking__done")
    shipment = p.parse_shipment(rows["picking"], rows["moves"])
    assert (shipment.external_id, shipment.order_external_id, shipment.number) == ("61", "501", "WH/OUT/00061")
    assert (shipment.carrier, shipment.tracking_number, shipment.tracking_url) == ("DHL", "00340434", "")
    assert shipment.state is r.DocumentState.DONE
    assert shipment.shipped_at == datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert shipment.lines == (
        r.DocumentLineRecord(external_id="611", order_line_external_id="901", variant_external_id="71", quantity=D(1)),
    )


def test_an_invoice() -> None:
    rows = load("invoice__partly_paid")
    invoice = p.parse_invoice(rows["invoice"], rows["lines"], "501")
    assert (invoice.number, invoice.credit, invoice.state) == ("INV/2026/00007", False, r.DocumentState.OPEN)
    assert (invoice.total, invoice.open_amount, invoice.currency) == (D("45.77"), D("25.77"), "EUR")
    assert (invoice.issued_at, invoice.due_at) == (datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
    assert invoice.lines == (
        r.DocumentLineRecord(external_id="31", variant_external_id="71", quantity=D(2), net=D("39.8"), tax=D("5.97")),
    )


def test_an_account_and_its_ledger() -> None:
    assert p.parse_account(load("account")) == r.AccountRecord(
        customer_external_id="14", currency="EUR", balance=D("25.77"), credit_limit=D(1000), terms="30 Days"
    )
    assert p.parse_account({**load("account"), "use_partner_credit_limit": False}).credit_limit is None
    invoice, payment = (p.parse_ledger_row(row) for row in load("ledger"))
    assert (invoice.kind, invoice.debit, invoice.credit, invoice.open_amount) == (
        "invoice",
        D("45.77"),
        D(0),
        D("25.77"),
    )
    assert (payment.kind, payment.debit, payment.credit, payment.number) == ("payment", D(0), D(20), "PBNK/2026/1")


# --- documents -------------------------------------------------------------------------------------------------------

LINE = r.OrderDocumentLine(
    key="1",
    variant_external_id="71",
    name="T-Shirt",
    quantity=D(2),
    unit_price=D("19.90"),
    net=D("39.80"),
    gross=D("39.80"),
)
ORDER = r.OrderDocument(
    reference="W-1001",
    number="1001",
    currency="EUR",
    total=D("39.80"),
    placed_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    customer_external_id="14",
    lines=(LINE,),
)


def test_taxes_are_always_said_so_that_39_80_stays_39_80() -> None:
    values = d.build_order(ORDER, partner_id="14", included_taxes=frozenset())
    assert values == {
        "partner_id": 14,
        "client_order_ref": "W-1001",
        "origin": "1001",
        "date_order": "2026-03-01 09:30:00",
        "order_line": [
            [
                0,
                0,
                {
                    "product_id": 71,
                    "product_uom_qty": 2,
                    "price_unit": 19.9,
                    "discount": 0,
                    "tax_ids": [[6, 0, []]],
                    "name": "T-Shirt",
                },
            ]
        ],
    }


@pytest.mark.parametrize(
    ("line", "gross_shop", "included", "price", "percent"),
    [
        # net 39.80 + 20 % = 47.76; the shop's prices and Odoo's tax agree or not
        ({"unit_price": D("19.90"), "net": D("39.80"), "gross": D("47.76")}, False, False, D("19.90"), D(0)),
        ({"unit_price": D("23.88"), "net": D("39.80"), "gross": D("47.76")}, True, True, D("23.88"), D(0)),
        ({"unit_price": D("23.88"), "net": D("39.80"), "gross": D("47.76")}, True, False, D("19.9"), D(0)),
        ({"unit_price": D("19.90"), "net": D("39.80"), "gross": D("47.76")}, False, True, D("23.88"), D(0)),
        # 10 % off says itself in percent; an odd amount off becomes the price after discount
        ({"unit_price": D("19.90"), "net": D("35.82"), "gross": D("42.98")}, False, False, D("19.90"), D(10)),
        ({"unit_price": D("5000"), "net": D("9999.99"), "gross": D("11999.99")}, False, False, D("4999.995"), D(0)),
    ],
)
def test_the_price_is_net_or_gross_as_odoos_tax_wants_it(
    line: dict[str, Any], gross_shop: bool, included: bool, price: Decimal, percent: Decimal
) -> None:
    taxed = replace(LINE, tax_codes=("1",), **line)
    assert d.line_price(taxed, gross_shop, frozenset({"1"} if included else ())) == (price, percent)


def test_a_line_without_an_article_names_itself() -> None:
    with pytest.raises(Rejected, match="'Gift wrap' has no article in Odoo") as caught:
        d.build_order_line(replace(LINE, variant_external_id="", name="Gift wrap"), False, frozenset())
    assert (caught.value.code, caught.value.field) == ("ITEM_MISSING", "1")


def test_a_shipping_line_is_its_mapped_article() -> None:
    line = replace(LINE, kind=r.LineKind.SHIPPING, variant_external_id="", item_external_id="99", quantity=D(1))
    assert d.build_order_line(line, False, frozenset())["product_id"] == 99


def test_an_order_without_a_customer_says_what_to_do() -> None:
    with pytest.raises(Rejected, match="name a partner for guests") as caught:
        d.build_order(ORDER, partner_id="", included_taxes=frozenset())
    assert caught.value.code == "CUSTOMER_MISSING"


def test_a_guests_address_is_in_the_note_and_cannot_be_markup() -> None:
    address = r.AddressRecord(name="<b>Eve</b>", line1="Road 1", postcode="1234", city="Town", country="NL")
    note = d.build_note(replace(ORDER, customer_external_id="", shipping=address, note="Ring & wait"))
    assert note == "<p>Ring &amp; wait</p><p>&lt;b&gt;Eve&lt;/b&gt;<br>Road 1<br>1234 Town<br>NL</p>"


def test_changed_lines_become_commands() -> None:
    current = [
        {"id": 901, "product_id": [71, "x"], "product_uom_qty": 2, "price_unit": 19.9, "discount": 0, "tax_ids": [1],
         "name": "T-Shirt", "display_type": False},
        {"id": 902, "product_id": [72, "y"], "product_uom_qty": 1, "price_unit": 5, "discount": 0, "tax_ids": [],
         "name": "Mug", "display_type": False},
    ]  # fmt: skip
    same = d.build_order_line(replace(LINE, tax_codes=("1",)), False, frozenset())
    assert d.build_line_changes(current[:1], [same], confirmed=True) == []
    more = {**same, "product_uom_qty": 3}
    assert d.build_line_changes(current, [more], confirmed=False) == [[1, 901, {"product_uom_qty": 3}], [2, 902, 0]]
    assert d.build_line_changes(current, [more], confirmed=True) == [
        [1, 901, {"product_uom_qty": 3}],
        [1, 902, {"product_uom_qty": 0}],
    ]


# --- price lists -----------------------------------------------------------------------------------------------------

PRODUCT = {"id": 71, "product_tmpl_id": [41, "T-Shirt"], "lst_price": D("100"), "currency_id": [1, "EUR"]}
RULE = {
    "id": 1, "applied_on": "3_global", "product_id": False, "product_tmpl_id": False, "min_quantity": 0,
    "base": "list_price", "compute_price": "percentage", "percent_price": 10, "fixed_price": 0, "price_discount": 0,
    "price_round": 0, "price_surcharge": 0, "price_min_margin": 0, "price_max_margin": 0,
}  # fmt: skip


def test_the_narrowest_rule_with_the_highest_step_decides() -> None:
    rules = [
        RULE,
        {**RULE, "id": 2, "applied_on": "0_product_variant", "product_id": [71, "x"], "compute_price": "fixed",
         "fixed_price": D("80"), "min_quantity": 10},
        {**RULE, "id": 3, "applied_on": "0_product_variant", "product_id": [72, "y"], "compute_price": "fixed"},
    ]  # fmt: skip
    own = prices.rules_for(PRODUCT, rules)
    assert [rule["id"] for rule in own] == [2, 1]
    assert prices.price_at(PRODUCT, own, D(1)) == D("90")
    assert prices.price_at(PRODUCT, own, D(10)) == D("80")


def test_a_formula_rounds_before_the_surcharge() -> None:
    rule = {
        **RULE,
        "compute_price": "formula",
        "price_discount": D("12.5"),
        "price_round": 10,
        "price_surcharge": D("-0.01"),
    }
    assert prices.price_at(PRODUCT, [rule], D(1)) == D("89.99")


@pytest.mark.parametrize("change", [{"base": "standard_price"}, {"applied_on": "2_product_category"}])
def test_what_cannot_be_known_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Unsupported):
        prices.price_at(PRODUCT, [{**RULE, **change}], D(1))
