"""The Odoo simulator's computed fields: the figures an integration reads beside the ones it writes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations.simulators.base import serve
from integrations.simulators.odoo.simulator import OdooSimulator
from tests.simulators.odoo_client import Far


@pytest.fixture
def far() -> Iterator[Far]:
    sim = OdooSimulator()
    with serve(sim) as base_url:
        yield Far(sim, base_url)


def test_a_contact_of_a_company(far: Far) -> None:
    company = far.partner("Acme Ltd", is_company=True)
    child = far.partner(
        "Ada",
        parent_id=company,
        email="Ada <ADA@Example.com>",
        street="1 High St",
        city="Leeds",
        zip="LS1",
        country_id=1,
    )
    row = far.one(
        "res.partner", child, "parent_name", "commercial_company_name", "contact_address", "email_normalized",
        "email_formatted", "partner_share", "property_account_receivable_id",
    )  # fmt: skip
    assert row == {
        "id": child,
        "parent_name": "Acme Ltd",
        "commercial_company_name": "Acme Ltd",
        "contact_address": "Acme Ltd\n1 High St\nLeeds  LS1\nUnited Kingdom",
        "email_normalized": "ada@example.com",
        "email_formatted": "Ada <ada@example.com>",
        "partner_share": True,
        "property_account_receivable_id": [1, "121000 Account Receivable"],
    }
    assert far.one("res.partner", company, "parent_name")["parent_name"] is False
    found = far.call("res.partner", "search", domain=[["parent_name", "=", "Acme Ltd"]])
    assert found == [child]


@pytest.mark.parametrize(
    ("rule", "price"),
    [
        ({"compute_price": "percentage", "percent_price": 10}, 17.99),
        ({"compute_price": "formula", "price_discount": 10, "price_round": 1.0}, 18.0),
        ({"compute_price": "formula", "price_discount": 10, "price_round": 10.0, "price_surcharge": -0.01}, 19.99),
        ({"compute_price": "formula", "price_discount": 50, "price_min_margin": -5}, 14.99),
        ({"compute_price": "formula", "price_surcharge": 50, "price_max_margin": 5}, 24.99),
        ({"compute_price": "formula", "base": "standard_price", "price_markup": 25}, 10.0),
    ],
)
def test_a_formula_of_a_price_list(far: Far, rule: dict[str, object], price: float) -> None:
    product = far.product(price="19.99")
    far.call("product.product", "write", [product], vals={"standard_price": 8})
    (prices,) = far.call("product.pricelist", "create", vals_list=[{"name": "P", "item_ids": [[0, 0, rule]]}])
    order = far.order({"product_id": product}, pricelist_id=prices, confirm=False)
    (line,) = far.call("sale.order.line", "search_read", domain=[["order_id", "=", order]], fields=["price_unit"])
    assert round(line["price_unit"], 2) == price


def test_a_list_built_on_a_list(far: Far) -> None:
    product = far.product(price="20.00")
    base = {"name": "Base", "item_ids": [[0, 0, {"compute_price": "fixed", "fixed_price": 12}]]}
    (base_id,) = far.call("product.pricelist", "create", vals_list=[base])
    rule = {"compute_price": "formula", "base": "pricelist", "base_pricelist_id": base_id, "price_discount": 50}
    (prices,) = far.call("product.pricelist", "create", vals_list=[{"name": "P", "item_ids": [[0, 0, rule]]}])
    order = far.order({"product_id": product}, pricelist_id=prices, confirm=False)
    assert far.one("sale.order", order, "amount_total")["amount_total"] == 6.0


def test_an_order_part_sent_part_billed(far: Far) -> None:
    product = far.product(price="10.00", stock="10")
    order = far.order({"product_id": product, "product_uom_qty": 4, "discount": 50, "tax_ids": [[6, 0, [5]]]})
    fields = ("amount_invoiced", "amount_to_invoice", "amount_undiscounted", "effective_date", "type_name")
    assert far.one("sale.order", order, *fields) == {
        "id": order, "amount_invoiced": 0.0, "amount_to_invoice": 24.0, "amount_undiscounted": 40.0,
        "effective_date": False, "type_name": "Sales Order",
    }  # fmt: skip
    far.control("shipments", {"order": str(order), "lines": [{"sku": "A1", "quantity": "3"}], "tracking": ""})
    far.control("invoices", {"order": str(order)})
    assert far.one("sale.order", order, "amount_invoiced", "amount_to_invoice") == {
        "id": order, "amount_invoiced": 24.0, "amount_to_invoice": 0.0,
    }  # fmt: skip
    (line,) = far.call(
        "sale.order.line", "search_read", domain=[["order_id", "=", order]],
        fields=["qty_to_deliver", "qty_delivered_method", "qty_invoiced_posted", "untaxed_amount_invoiced",
                "untaxed_amount_to_invoice", "price_reduce_taxexcl", "price_reduce_taxinc", "product_type"],
    )  # fmt: skip
    assert {name: line[name] for name in line if name != "id"} == {
        "qty_to_deliver": 1.0, "qty_delivered_method": "stock_move", "qty_invoiced_posted": 4.0,
        "untaxed_amount_invoiced": 20.0, "untaxed_amount_to_invoice": 0.0, "price_reduce_taxexcl": 5.0,
        "price_reduce_taxinc": 6.0, "product_type": "consu",
    }  # fmt: skip
    (done,) = far.call(
        "stock.picking", "search_read", domain=[["sale_id", "=", order], ["state", "=", "done"]],
        fields=["date_done", "product_id", "country_code"],
    )  # fmt: skip
    assert far.one("sale.order", order, "effective_date")["effective_date"] == done["date_done"]
    assert (done["product_id"], done["country_code"]) == ([product, "[A1] Thing A1"], "GB")
    moves = far.call(
        "stock.move", "search_read", domain=[["product_id", "=", product], ["is_out", "=", True]], fields=["quantity"]
    )
    assert [move["quantity"] for move in moves] == [3.0]


def test_an_invoice_and_its_payment(far: Far) -> None:
    order = far.order({"product_id": far.product(price="10.00"), "tax_ids": [[6, 0, [5]]]})
    invoice = int(far.control("invoices", {"order": str(order)})["id"])
    context = {"active_model": "account.move", "active_ids": [invoice]}
    (wizard,) = far.call("account.payment.register", "create", vals_list=[{"amount": 5}], context=context)
    payment = far.call("account.payment.register", "action_create_payments", [wizard])["res_id"]
    row = far.one(
        "account.move", invoice, "amount_untaxed_signed", "amount_tax_signed", "direction_sign", "company_currency_id",
        "matched_payment_ids", "payment_count", "has_reconciled_entries", "sequence_number", "type_name", "access_url",
    )  # fmt: skip
    assert row == {
        "id": invoice, "amount_untaxed_signed": 10.0, "amount_tax_signed": 2.0, "direction_sign": -1,
        "company_currency_id": [1, "GBP"], "matched_payment_ids": [payment], "payment_count": 1,
        "has_reconciled_entries": True, "sequence_number": 1, "type_name": "Invoice",
        "access_url": f"/my/invoices/{invoice}",
    }  # fmt: skip
    items = far.call(
        "account.move.line", "search_read", domain=[["payment_id", "=", payment]], order="id",
        fields=["account_type", "balance", "payment_id", "company_currency_id"],
    )  # fmt: skip
    assert [(one["account_type"], one["balance"], one["payment_id"][0]) for one in items] == [
        ("asset_receivable", -5.0, payment), ("asset_cash", 5.0, payment),
    ]  # fmt: skip
    assert {tuple(one["company_currency_id"]) for one in items} == {(1, "GBP")}
    own = far.call("account.move.line", "search_read", domain=[["move_id", "=", invoice]], fields=["payment_id"])
    assert [one["payment_id"] for one in own] == [False, False, False]
    paid = far.one("account.payment", payment, "amount_signed", "is_reconciled", "reconciled_invoices_count")
    assert paid == {"id": payment, "amount_signed": 5.0, "is_reconciled": True, "reconciled_invoices_count": 1}


def test_a_picture_of_a_template_and_of_a_variant(far: Far) -> None:
    product = far.product()
    template = far.one("product.product", product, "product_tmpl_id")["product_tmpl_id"][0]
    far.call("product.product", "write", [product], vals={"image_1920": "aW1hZ2U="})
    assert far.one("product.template", template, "image_1920")["image_1920"] == "aW1hZ2U="
    assert far.one("product.product", product, "image_1920", "image_variant_1920", "volume", "uom_name") == {
        "id": product, "image_1920": "aW1hZ2U=", "image_variant_1920": False, "volume": 0.0, "uom_name": "Units",
    }  # fmt: skip


def test_a_search_by_id_is_a_search(far: Far) -> None:
    far.dials(search_lag_seconds=60.0)
    partner = far.partner("New")
    assert far.call("res.partner", "search_read", domain=[["id", "=", partner]], fields=["name"]) == []
    assert far.one("res.partner", partner, "name") == {"id": partner, "name": "New"}
