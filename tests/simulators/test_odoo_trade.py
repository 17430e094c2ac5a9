"""The Odoo simulator's business: taxes, reservation, deliveries, counts, invoices, credit notes, and the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from integrations.simulators.base import serve
from integrations.simulators.odoo.simulator import OdooSimulator
from tests.simulators.odoo_client import Far


@pytest.fixture
def far() -> Iterator[Far]:
    sim = OdooSimulator()
    with serve(sim) as base_url:
        yield Far(sim, base_url)


# --- Products ---------------------------------------------------------------------------------------------------------


def test_attribute_lines_make_variants(far: Far) -> None:
    size = far.call("product.attribute", "create", vals_list=[{"name": "Size", "value_ids": [[0, 0, {"name": "S"}], [0, 0, {"name": "L"}]]}])[0]  # noqa: E501  # fmt: skip
    red = far.call("product.attribute", "create", vals_list=[{"name": "Colour", "value_ids": [[0, 0, {"name": "Red"}], [0, 0, {"name": "Blue"}]]}])[0]  # noqa: E501  # fmt: skip
    lines = [
        [
            0,
            0,
            {"attribute_id": one, "value_ids": [[6, 0, far.one("product.attribute", one, "value_ids")["value_ids"]]]},
        ]
        for one in (size, red)
    ]
    (template,) = far.call("product.template", "create", vals_list=[{"name": "Shirt", "list_price": 20, "attribute_line_ids": lines}])  # noqa: E501  # fmt: skip
    variants = far.call("product.product", "search_read", domain=[["product_tmpl_id", "=", template]], fields=["display_name"])  # noqa: E501  # fmt: skip
    assert sorted(row["display_name"] for row in variants) == [
        "Shirt (L, Blue)", "Shirt (L, Red)", "Shirt (S, Blue)", "Shirt (S, Red)",
    ]  # fmt: skip
    line = far.one("product.template", template, "attribute_line_ids")["attribute_line_ids"][0]
    first = far.one("product.attribute", size, "value_ids")["value_ids"][0]
    far.call("product.template", "write", [template], vals={"attribute_line_ids": [[1, line, {"value_ids": [[6, 0, [first]]]}]]})  # noqa: E501  # fmt: skip
    assert far.one("product.template", template, "product_variant_count")["product_variant_count"] == 2


def test_a_template_write_touches_its_variants(far: Far) -> None:
    product = far.product("T1")
    before = far.sim.db["product.product"].rows[product].write_date
    template = far.one("product.product", product, "product_tmpl_id")["product_tmpl_id"][0]
    far.call("product.template", "write", [template], vals={"name": "Renamed", "barcode": "500"})
    assert far.sim.db["product.product"].rows[product].write_date > before
    assert far.one("product.product", product, "name", "barcode") == {
        "id": product,
        "name": "Renamed",
        "barcode": "500",
    }


def test_a_barcode_is_unique(far: Far) -> None:
    far.product("B1")
    other = far.product("B2")
    first = far.call("product.product", "search", domain=[["default_code", "=", "B1"]])
    far.call("product.product", "write", first, vals={"barcode": "400"})
    status, name, message = far.error("product.product", "write", [other], vals={"barcode": "400"})
    assert (status, name) == (422, "ValidationError")
    assert "already assigned" in message


def test_the_catalogue_keeps_each_variants_price(far: Far) -> None:
    axes = [{"name": "Colour", "values": ["Red", "Blue"]}, {"name": "Size", "values": ["S", "L"]}]
    variants = [
        {"sku": f"{c}{s}", "barcode": "", "name": "", "options": {"Colour": c, "Size": s}, "price": p, "stock": "3"}
        for c, s, p in (("Red", "S", "5.00"), ("Red", "L", "6.50"), ("Blue", "S", "9.99"))
    ]
    product = {"code": "X", "name": "X", "description": "", "axes": axes, "variants": variants}
    assert far.control("catalogue", {"products": [product]}) == {"created": 3}
    lookup = {row["default_code"]: row["id"] for row in far.call("product.product", "search_read", domain=[], fields=["default_code"])}  # noqa: E501  # fmt: skip
    assert set(lookup) == {"RedS", "RedL", "BlueS"}
    order = far.order({"product_id": lookup["RedL"]}, {"product_id": lookup["BlueS"], "product_uom_qty": 2})
    assert far.one("sale.order", order, "amount_total")["amount_total"] == 26.48
    assert {row["sku"]: row["quantity"] for row in far.facts("stock")} == {"RedS": "3", "RedL": "2", "BlueS": "1"}


# --- Orders -----------------------------------------------------------------------------------------------------------


def test_the_default_tax_comes_silently(far: Far) -> None:
    """Seen live: 39.80 became 45.77 where tax_ids was not sent."""
    product, partner = far.product(price="39.80"), far.partner()
    lines = [[0, 0, {"product_id": product, "price_unit": 39.8}]]
    (taxed,) = far.call("sale.order", "create", vals_list=[{"partner_id": partner, "order_line": lines}])
    row = far.one("sale.order", taxed, "amount_untaxed", "amount_tax", "amount_total")
    assert (row["amount_untaxed"], row["amount_tax"], row["amount_total"]) == (39.8, 5.97, 45.77)
    plain = far.order({"product_id": product, "price_unit": 39.8}, confirm=False)
    assert far.one("sale.order", plain, "amount_total")["amount_total"] == 39.8


def test_tax_is_rounded_half_up_by_line(far: Far) -> None:
    product = far.product()
    tax = [[6, 0, [4]]]  # 5 %
    order = far.order(*[{"product_id": product, "price_unit": 0.5, "tax_ids": tax} for _ in range(3)], confirm=False)
    row = far.one("sale.order", order, "amount_untaxed", "amount_tax", "amount_total")
    assert (row["amount_untaxed"], row["amount_tax"], row["amount_total"]) == (1.5, 0.09, 1.59)  # 3 × 0.03, not 0.08


def test_a_price_keeps_its_decimals_and_a_half_cent_rounds_up(far: Far) -> None:
    """19.0: price_unit has no fixed digits (live-doc: digits false), quantities have two."""
    product = far.product()
    order = far.order({"product_id": product, "price_unit": 0.145, "product_uom_qty": 3}, {"product_id": product, "price_unit": 0.001, "product_uom_qty": 12.004}, confirm=False)  # noqa: E501  # fmt: skip
    lines = far.call("sale.order.line", "search_read", domain=[["order_id", "=", order]], fields=["price_unit", "product_uom_qty", "price_total"], order="id")  # noqa: E501  # fmt: skip
    assert [(one["price_unit"], one["product_uom_qty"], one["price_total"]) for one in lines] == [
        (0.145, 3.0, 0.44), (0.001, 12.0, 0.01),
    ]  # fmt: skip
    assert far.one("sale.order", order, "amount_total")["amount_total"] == 0.45


def test_a_tax_in_the_price(far: Far) -> None:
    (tax,) = far.call("account.tax", "create", vals_list=[{"name": "20 % in", "amount": 20, "price_include_override": "tax_included"}])  # noqa: E501  # fmt: skip
    order = far.order({"product_id": far.product(), "price_unit": 9.99, "tax_ids": [[6, 0, [tax]]]}, confirm=False)
    row = far.one("sale.order", order, "amount_untaxed", "amount_tax", "amount_total")
    assert (row["amount_untaxed"], row["amount_tax"], row["amount_total"]) == (8.33, 1.66, 9.99)


def test_an_order_says_its_state(far: Far) -> None:
    product, partner = far.product(), far.partner("Bob")
    order = far.order({"product_id": product, "discount": 10, "product_uom_qty": 3}, partner_id=partner, client_order_ref="W-1", origin="Shop", note="x", confirm=False)  # noqa: E501  # fmt: skip
    row = far.one("sale.order", order, "name", "state", "invoice_status", "picking_ids", "amount_total", "partner_id")
    assert row == {"id": order, "name": "S00001", "state": "draft", "invoice_status": "no", "picking_ids": [],
                   "amount_total": 27.0, "partner_id": [partner, "Bob"]}  # fmt: skip
    far.call("sale.order", "action_quotation_sent", [order])
    assert far.one("sale.order", order, "state")["state"] == "sent"
    assert far.call("sale.order", "action_confirm", [order]) is True
    row = far.one("sale.order", order, "state", "invoice_status", "delivery_status")
    assert row == {"id": order, "state": "sale", "invoice_status": "to invoice", "delivery_status": "pending"}
    status, name, message = far.error("sale.order", "action_confirm", [order])
    assert (status, name, message) == (422, "UserError", "Some orders are not in a state requiring confirmation.")


def test_two_orders_may_bear_one_reference(far: Far) -> None:
    """Nothing makes client_order_ref unique: who creates twice has two."""
    product = far.product()
    both = [far.order({"product_id": product}, client_order_ref="W-9", confirm=False) for _ in range(2)]
    assert sorted(far.call("sale.order", "search", domain=[["client_order_ref", "=", "W-9"]])) == both


def test_a_line_needs_a_product_unless_it_is_a_note(far: Far) -> None:
    partner = far.partner()
    bad = [{"partner_id": partner, "order_line": [[0, 0, {"name": "x", "price_unit": 1}]]}]
    assert far.error("sale.order", "create", vals_list=bad)[:2] == (422, "ValidationError")
    note = [{"partner_id": partner, "order_line": [[0, 0, {"display_type": "line_note", "name": "Mind the dog"}]]}]
    (order,) = far.call("sale.order", "create", vals_list=note)
    assert far.one("sale.order", order, "amount_total")["amount_total"] == 0.0
    assert far.error("sale.order", "create", vals_list=[{}])[:2] == (422, "ValidationError")


def test_addresses_and_terms_come_from_the_customer(far: Far) -> None:
    partner = far.partner("Firm", is_company=True, property_payment_term_id=4)
    away = far.partner("Dock", parent_id=partner, type="delivery")
    bills = far.partner("Office", parent_id=partner, type="invoice")
    order = far.order({"product_id": far.product()}, partner_id=partner, confirm=False)
    row = far.one("sale.order", order, "partner_shipping_id", "partner_invoice_id", "payment_term_id")
    assert row["partner_shipping_id"] == [away, "Firm, Dock"]
    assert row["partner_invoice_id"] == [bills, "Firm, Office"]
    assert row["payment_term_id"] == [4, "30 Days"]


def test_confirming_reserves_and_cancelling_frees(far: Far) -> None:
    product = far.product(stock="10")
    draft = far.order({"product_id": product, "product_uom_qty": 4}, confirm=False)
    assert (far.on_hand(product), far.free(product)) == (10.0, 10.0)
    far.call("sale.order", "action_confirm", [draft])
    assert (far.on_hand(product), far.free(product)) == (10.0, 6.0)
    assert far.one("product.product", product, "virtual_available")["virtual_available"] == 6.0
    assert far.call("sale.order", "action_cancel", [draft]) is True
    assert (far.on_hand(product), far.free(product)) == (10.0, 10.0)
    (picking,) = far.one("sale.order", draft, "picking_ids", "state")["picking_ids"]
    assert far.one("stock.picking", picking, "state")["state"] == "cancel"
    assert far.call("sale.order", "action_draft", [draft]) is True
    assert far.one("sale.order", draft, "state")["state"] == "draft"


def test_more_is_ordered_than_there_is(far: Far) -> None:
    product = far.product(stock="3")
    order = far.order({"product_id": product, "product_uom_qty": 5})
    assert far.free(product) == 0.0
    moves = far.call("stock.move", "search_read", domain=[["sale_line_id.order_id", "=", order]], fields=["state", "quantity", "product_uom_qty"])  # noqa: E501  # fmt: skip
    assert [(m["state"], m["quantity"], m["product_uom_qty"]) for m in moves] == [("partially_available", 3.0, 5.0)]
    late = far.order({"product_id": product})
    (picking,) = far.one("sale.order", late, "picking_ids")["picking_ids"]
    assert far.one("stock.picking", picking, "state")["state"] == "confirmed"


def test_a_locked_order_is_not_cancelled(far: Far) -> None:
    order = far.order({"product_id": far.product()})
    far.call("sale.order", "action_lock", [order])
    status, name, message = far.error("sale.order", "action_cancel", [order])
    assert (status, name, message) == (422, "UserError", "You cannot cancel a locked order. Please unlock it first.")
    far.call("sale.order", "action_unlock", [order])
    assert far.call("sale.order", "action_cancel", [order]) is True
    assert far.error("sale.order", "unlink", [far.order({"product_id": far.product("Z")})])[:2] == (422, "UserError")


def test_a_confirmed_line_changes_its_delivery(far: Far) -> None:
    product = far.product(stock="10")
    order = far.order({"product_id": product, "product_uom_qty": 2})
    (line,) = far.one("sale.order", order, "order_line")["order_line"]
    far.call("sale.order.line", "write", [line], vals={"product_uom_qty": 5})
    assert far.free(product) == 5.0
    far.call("sale.order", "write", [order], vals={"order_line": [[1, line, {"product_uom_qty": 1}]]})
    assert (far.free(product), far.one("sale.order", order, "amount_total")["amount_total"]) == (9.0, 10.0)
    assert far.error("sale.order.line", "unlink", [line])[:2] == (422, "UserError")


# --- Stock ------------------------------------------------------------------------------------------------------------


def quant_of(far: Far, product: int) -> int:
    domain = [["product_id", "=", product], ["location_id.usage", "=", "internal"]]
    (quant,) = far.call("stock.quant", "search", domain=domain)
    return int(quant)


def test_a_count_applied_twice_leaves_nothing(far: Far) -> None:
    """Seen live: the second action_apply_inventory counts the emptied field."""
    product = far.product(stock="10")
    quant = quant_of(far, product)
    far.call("stock.quant", "write", [quant], vals={"inventory_quantity": 7}, context={"inventory_mode": True})
    assert far.call("stock.quant", "action_apply_inventory", [quant]) is None
    row = far.one("stock.quant", quant, "quantity", "inventory_quantity", "inventory_quantity_set")
    assert row == {"id": quant, "quantity": 7.0, "inventory_quantity": 0.0, "inventory_quantity_set": False}
    assert far.call("stock.quant", "action_apply_inventory", [quant]) is None
    assert far.on_hand(product) == 0.0


def test_a_count_overtaken_by_a_move_is_not_applied(far: Far) -> None:
    product = far.product(stock="10")
    quant = quant_of(far, product)
    far.call("stock.quant", "write", [quant], vals={"inventory_quantity": 20})
    order = far.order({"product_id": product, "product_uom_qty": 1})
    far.control("shipments", {"order": order, "lines": None, "tracking": ""})
    answer = far.call("stock.quant", "action_apply_inventory", [quant])
    assert answer["res_model"] == "stock.inventory.conflict"
    assert far.on_hand(product) == 9.0


def test_creating_a_count_in_inventory_mode_finds_the_quant(far: Far) -> None:
    product = far.product(stock="10")
    place = far.call("stock.location", "search", domain=[["usage", "=", "internal"]])[0]
    vals = [{"product_id": product, "location_id": place, "inventory_quantity": 4}]
    (quant,) = far.call("stock.quant", "create", vals_list=vals, context={"inventory_mode": True})
    assert quant == quant_of(far, product)
    far.call("stock.quant", "action_apply_inventory", [quant])
    assert far.on_hand(product) == 4.0
    (second,) = far.call("stock.quant", "create", vals_list=vals)
    assert second != quant


def test_only_storable_goods_are_counted(far: Far) -> None:
    (template,) = far.call("product.template", "create", vals_list=[{"name": "Gift wrap", "type": "service"}])
    (product,) = far.one("product.template", template, "product_variant_ids")["product_variant_ids"]
    place = far.call("stock.location", "search", domain=[["usage", "=", "internal"]])[0]
    vals = [{"product_id": product, "location_id": place, "inventory_quantity": 4}]
    assert far.error("stock.quant", "create", vals_list=vals)[:2] == (422, "ValidationError")
    order = far.order({"product_id": product})
    assert far.one("sale.order", order, "picking_ids")["picking_ids"] == []


def test_stock_of_one_warehouse(far: Far) -> None:
    product = far.product(stock="10")
    (house,) = far.call("stock.warehouse", "create", vals_list=[{"name": "North", "code": "NO"}])
    place = far.one("stock.warehouse", house, "lot_stock_id")["lot_stock_id"]
    assert place[1] == "NO/Stock"
    (quant,) = far.call("stock.quant", "create", vals_list=[{"product_id": product, "location_id": place[0], "inventory_quantity": 5}])  # noqa: E501  # fmt: skip
    far.call("stock.quant", "action_apply_inventory", [quant])

    def have(context: dict[str, Any]) -> float:
        rows = far.call("product.product", "read", [product], fields=["free_qty"], context=context)
        return float(rows[0]["free_qty"])

    assert (have({}), have({"warehouse_id": 1}), have({"warehouse_id": house})) == (15.0, 10.0, 5.0)
    assert have({"location": place[0]}) == 5.0


def picking_of(far: Far, order: int) -> dict[str, Any]:
    (picking,) = far.one("sale.order", order, "picking_ids")["picking_ids"]
    return far.one("stock.picking", picking, "state", "move_ids", "name", "origin", "carrier_tracking_ref")


def test_a_whole_delivery(far: Far) -> None:
    product = far.product(stock="10")
    order = far.order({"product_id": product, "product_uom_qty": 4})
    picking = picking_of(far, order)
    assert (picking["state"], picking["name"], picking["origin"]) == ("assigned", "WH/OUT/00001", "S00001")
    assert far.call("stock.picking", "button_validate", [picking["id"]]) is True
    assert picking_of(far, order)["state"] == "done"
    assert (far.on_hand(product), far.free(product)) == (6.0, 6.0)
    (line,) = far.one("sale.order", order, "order_line", "delivery_status")["order_line"]
    assert far.one("sale.order.line", line, "qty_delivered")["qty_delivered"] == 4.0
    assert far.one("sale.order", order, "delivery_status")["delivery_status"] == "full"
    assert far.error("stock.picking", "action_cancel", [picking["id"]])[:2] == (422, "UserError")
    assert far.error("stock.picking", "button_validate", [picking["id"]])[:2] == (422, "UserError")


@pytest.mark.parametrize("backorder", [True, False])
def test_a_part_asks_about_the_rest(far: Far, backorder: bool) -> None:
    product = far.product(stock="10")
    order = far.order({"product_id": product, "product_uom_qty": 4})
    picking = picking_of(far, order)
    far.call("stock.picking", "write", [picking["id"]], vals={"move_ids": [[1, picking["move_ids"][0], {"quantity": 3, "picked": True}]]})  # noqa: E501  # fmt: skip
    asked = far.call("stock.picking", "button_validate", [picking["id"]])
    assert asked["res_model"] == "stock.backorder.confirmation"
    assert far.on_hand(product) == 10.0
    (wizard,) = far.call("stock.backorder.confirmation", "create", vals_list=[{"pick_ids": [[6, 0, [picking["id"]]]]}])
    method = "process" if backorder else "process_cancel_backorder"
    context = {"button_validate_picking_ids": [picking["id"]]}
    assert far.call("stock.backorder.confirmation", method, [wizard], context=context) is True
    assert (far.on_hand(product), far.free(product)) == (7.0, 6.0 if backorder else 7.0)
    rest = far.call("stock.picking", "search_read", domain=[["backorder_id", "=", picking["id"]]], fields=["state"])
    assert [row["state"] for row in rest] == (["assigned"] if backorder else [])
    status = far.one("sale.order", order, "delivery_status")["delivery_status"]
    assert status == ("partial" if backorder else "full")


def test_skip_backorder_answers_beforehand(far: Far) -> None:
    product = far.product(stock="10")
    order = far.order({"product_id": product, "product_uom_qty": 4})
    picking = picking_of(far, order)
    far.call("stock.move", "write", picking["move_ids"], vals={"quantity": 1})
    assert far.call("stock.picking", "button_validate", [picking["id"]], context={"skip_backorder": True}) is True
    assert far.on_hand(product) == 9.0
    assert len(far.one("sale.order", order, "picking_ids")["picking_ids"]) == 2


def test_nothing_reserved_is_not_validated(far: Far) -> None:
    product = far.product(stock="0")
    picking = picking_of(far, far.order({"product_id": product}))
    assert picking["state"] == "confirmed"
    status, name, message = far.error("stock.picking", "button_validate", [picking["id"]])
    assert (status, name) == (422, "UserError")
    assert message.startswith("You cannot validate a transfer if no quantities are reserved.")


def test_a_return_brings_the_stock_back(far: Far) -> None:
    product = far.product(stock="10")
    order = far.order({"product_id": product, "product_uom_qty": 4})
    far.control("shipments", {"order": order, "lines": None, "tracking": "TR1"})
    picking = picking_of(far, order)
    assert picking["carrier_tracking_ref"] == "TR1"
    (wizard,) = far.call("stock.return.picking", "create", vals_list=[{"picking_id": picking["id"]}])
    assert far.error("stock.return.picking", "action_create_returns", [wizard]) == (
        422, "UserError", "Please specify at least one non-zero quantity.",
    )  # fmt: skip
    (line,) = far.one("stock.return.picking", wizard, "product_return_moves")["product_return_moves"]
    far.call("stock.return.picking.line", "write", [line], vals={"quantity": 3})
    back = far.call("stock.return.picking", "action_create_returns", [wizard])["res_id"]
    row = far.one("stock.picking", back, "state", "return_id", "picking_type_code", "origin", "name")
    assert row == {"id": back, "state": "assigned", "return_id": [picking["id"], "WH/OUT/00001"], "name": "WH/IN/00001",
                   "picking_type_code": "incoming", "origin": "Return of WH/OUT/00001"}  # fmt: skip
    assert far.on_hand(product) == 6.0
    assert far.call("stock.picking", "button_validate", [back]) is True
    assert (far.on_hand(product), far.free(product)) == (9.0, 9.0)
    (line,) = far.one("sale.order", order, "order_line")["order_line"]
    assert far.one("sale.order.line", line, "qty_delivered")["qty_delivered"] == 1.0


def test_only_a_done_transfer_is_returned(far: Far) -> None:
    picking = picking_of(far, far.order({"product_id": far.product()}))
    assert far.error("stock.return.picking", "create", vals_list=[{"picking_id": picking["id"]}])[:2] == (422, "UserError")  # noqa: E501  # fmt: skip


# --- Accounts ---------------------------------------------------------------------------------------------------------


def invoice_of(far: Far, order: int, *, post: bool = True) -> int:
    (wizard,) = far.call("sale.advance.payment.inv", "create", vals_list=[{"sale_order_ids": [[6, 0, [order]]]}])
    move = int(far.call("sale.advance.payment.inv", "create_invoices", [wizard])["res_id"])
    if post:
        far.call("account.move", "action_post", [move])
    return move


def test_the_wizard_invoices_an_order(far: Far) -> None:
    product, partner = far.product(), far.partner()
    order = far.order({"product_id": product, "product_uom_qty": 2}, {"product_id": product, "tax_ids": [[6, 0, [1]]]}, partner_id=partner, client_order_ref="W-5")  # noqa: E501  # fmt: skip
    assert far.error("sale.order", "_create_invoices", [order])[:2] == (403, "AccessError")
    move = invoice_of(far, order, post=False)
    row = far.one("account.move", move, "state", "name", "ref", "invoice_origin", "amount_total", "payment_state")
    assert row == {"id": move, "state": "draft", "name": False, "ref": "W-5", "invoice_origin": "S00001",
                   "amount_total": 31.5, "payment_state": "not_paid"}  # fmt: skip
    assert far.one("sale.order", order, "invoice_status", "invoice_ids") == {"id": order, "invoice_status": "invoiced", "invoice_ids": [move]}  # noqa: E501  # fmt: skip
    far.call("account.move", "action_post", [move])
    row = far.one("account.move", move, "state", "name", "amount_residual", "invoice_line_ids")
    assert (row["state"], row["amount_residual"], len(row["invoice_line_ids"])) == ("posted", 31.5, 2)
    assert row["name"].startswith("INV/")
    assert far.one("res.partner", partner, "credit")["credit"] == 31.5
    (again,) = far.call("sale.advance.payment.inv", "create", vals_list=[{"sale_order_ids": [[6, 0, [order]]]}])
    status, name, message = far.error("sale.advance.payment.inv", "create_invoices", [again])
    assert (status, name) == (422, "UserError")
    assert message.startswith("Cannot create an invoice. No items are available to invoice.")
    assert far.error("account.move", "action_post", [move])[:2] == (422, "UserError")


def test_the_wizard_takes_the_orders_of_the_context(far: Far) -> None:
    order = far.order({"product_id": far.product()})
    context = {"active_model": "sale.order", "active_ids": [order]}
    (wizard,) = far.call("sale.advance.payment.inv", "create", vals_list=[{}], context=context)
    made = far.call("sale.advance.payment.inv", "create_invoices", [wizard])
    assert far.one("account.move", made["res_id"], "amount_total")["amount_total"] == 10.0


def test_cancelling_an_order_cancels_its_draft_invoice(far: Far) -> None:
    order = far.order({"product_id": far.product()})
    move = invoice_of(far, order, post=False)
    far.call("sale.order", "action_cancel", [order])
    assert far.one("account.move", move, "state")["state"] == "cancel"


def test_a_credit_note_of_its_own(far: Far) -> None:
    partner, product = far.partner(), far.product()
    lines = [[0, 0, {"product_id": product, "quantity": 2, "price_unit": 4.5, "tax_ids": [[6, 0, []]]}],
             [0, 0, {"name": "Goodwill", "quantity": 1, "price_unit": 1.0}]]  # fmt: skip
    vals = {"move_type": "out_refund", "partner_id": partner, "ref": "RF-1", "invoice_origin": "S00009", "invoice_line_ids": lines}  # noqa: E501  # fmt: skip
    (move,) = far.call("account.move", "create", vals_list=[vals])
    assert far.one("account.move", move, "amount_total")["amount_total"] == 10.15  # the second line is taxed silently
    assert far.facts("refunds") == []
    far.call("account.move", "action_post", [move])
    assert far.one("account.move", move, "name")["name"].startswith("RINV/")
    assert far.one("res.partner", partner, "credit")["credit"] == -10.15
    (fact,) = far.facts("refunds")
    assert (fact["id"], fact["order"], fact["reference"], fact["amount"]) == (str(move), "S00009", "RF-1", "10.15")
    assert fact["lines"] == [
        {"sku": "A1", "quantity": "2", "total": "9.00"},
        {"sku": "", "quantity": "1", "total": "1.15"},
    ]


def test_reversing_an_invoice(far: Far) -> None:
    partner = far.partner()
    order = far.order({"product_id": far.product()}, partner_id=partner)
    draft = invoice_of(far, order, post=False)
    assert far.error("account.move.reversal", "create", vals_list=[{"move_ids": [[6, 0, [draft]]]}])[:2] == (422, "UserError")  # noqa: E501  # fmt: skip
    far.call("account.move", "action_post", [draft])
    (wizard,) = far.call("account.move.reversal", "create", vals_list=[{"move_ids": [[6, 0, [draft]]], "reason": "Broken"}])  # noqa: E501  # fmt: skip
    refund = far.call("account.move.reversal", "refund_moves", [wizard])["res_id"]
    row = far.one("account.move", refund, "state", "move_type", "ref", "reversed_entry_id", "amount_total")
    assert (row["state"], row["move_type"], row["amount_total"]) == ("draft", "out_refund", 10.0)
    assert row["ref"].endswith(", Broken")
    assert row["reversed_entry_id"][0] == draft
    far.call("account.move", "action_post", [refund])
    assert far.one("account.move", draft, "payment_state", "amount_residual") == {"id": draft, "payment_state": "reversed", "amount_residual": 0.0}  # noqa: E501  # fmt: skip
    assert far.one("res.partner", partner, "credit")["credit"] == 0.0


def test_posting_needs_lines_and_a_customer(far: Far) -> None:
    (empty,) = far.call("account.move", "create", vals_list=[{"move_type": "out_invoice", "partner_id": far.partner()}])
    assert far.error("account.move", "action_post", [empty]) == (
        422,
        "UserError",
        "You need to add a line before posting.",
    )
    line = [[0, 0, {"name": "x", "price_unit": 1}]]
    (nobody,) = far.call("account.move", "create", vals_list=[{"move_type": "out_invoice", "invoice_line_ids": line}])
    assert far.error("account.move", "action_post", [nobody])[:2] == (422, "UserError")
    posted = invoice_of(far, far.order({"product_id": far.product()}))
    assert far.error("account.move", "unlink", [posted])[:2] == (422, "UserError")
    assert far.error("account.move", "write", [posted], vals={"invoice_line_ids": line})[:2] == (422, "UserError")
    far.call("account.move", "button_cancel", [posted])
    assert far.one("account.move", posted, "state")["state"] == "cancel"


def test_the_ledger_of_a_customer(far: Far) -> None:
    partner = far.partner()
    order = far.order({"product_id": far.product(), "product_uom_qty": 3, "tax_ids": [[6, 0, [1]]]}, partner_id=partner)
    move = invoice_of(far, order)
    context = {"active_model": "account.move", "active_ids": [move]}
    (wizard,) = far.call("account.payment.register", "create", vals_list=[{"amount": 20}], context=context)
    payment = far.call("account.payment.register", "action_create_payments", [wizard])["res_id"]
    assert far.one("account.payment", payment, "state", "amount") == {"id": payment, "state": "paid", "amount": 20.0}
    domain = [["partner_id", "=", partner], ["account_type", "=", "asset_receivable"], ["parent_state", "=", "posted"]]
    items = far.call("account.move.line", "search_read", domain=domain, order="id", fields=["debit", "credit", "amount_residual", "move_id"])  # noqa: E501  # fmt: skip
    assert [(i["debit"], i["credit"], i["amount_residual"]) for i in items] == [(34.5, 0.0, 14.5), (0.0, 20.0, 0.0)]
    assert items[0]["move_id"][0] == move
    assert far.one("account.move", move, "payment_state", "amount_residual") == {"id": move, "payment_state": "partial", "amount_residual": 14.5}  # noqa: E501  # fmt: skip
    assert far.one("res.partner", partner, "credit")["credit"] == 14.5
    everything = far.call(
        "account.move.line", "search_read", domain=[["move_id", "=", move]], fields=["debit", "credit"]
    )
    assert sum(i["debit"] - i["credit"] for i in everything) == pytest.approx(0)
