"""What happens in the ERP without an API call, and what it holds: the neutral control plane's Odoo side.

judgement: these are the clicks of a warehouse and an office; they use the same business methods as the API.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from integrations.simulators.odoo.errors import UserError
from integrations.simulators.odoo.fields import round_to
from integrations.simulators.odoo.orm import Database


def add_catalogue(db: Database, products: list[dict[str, Any]]) -> int:
    """Templates, attributes and stock; the number of variants made. They were there before: no search lag."""
    made = 0
    for product in products:
        made += _add_product(db, product)
    db.flush()
    for entry in db.journal:
        entry[2].touched = 0.0
    return made


def _add_product(db: Database, product: dict[str, Any]) -> int:
    variants = product["variants"]
    axes = product.get("axes") or []
    if not axes and len(variants) > 1:
        axes = [{"name": "Variant", "values": [_label(variant) for variant in variants]}]
        variants = [{**variant, "options": {"Variant": _label(variant)}} for variant in variants]
    prices = [float(variant["price"]) for variant in variants]
    template = db["product.template"].new({
        "name": product["name"], "description_sale": product.get("description") or False, "is_storable": True,
        "list_price": min(prices), "attribute_line_ids": [[0, 0, _line(db, axis)] for axis in axes],
    })  # fmt: skip
    db.flush()
    found = _by_options(db, template.id)
    if len(axes) == 1:
        _extras(db, template.id, axes[0]["name"], variants, min(prices))
    for variant in variants:
        row = found.pop(frozenset((variant.get("options") or {}).items()), None)
        if row is None:
            raise UserError(f"The catalogue's variant {variant['sku']} names options that its axes do not have.")
        _fill(db, row, variant)
    for row in found.values():
        db["product.product"].put(row, "active", False)
    return len(variants)


def _label(variant: dict[str, Any]) -> str:
    return str(variant.get("name") or variant["sku"])


def _line(db: Database, axis: dict[str, Any]) -> dict[str, Any]:
    attributes, values = db["product.attribute"], db["product.attribute.value"]
    known = sorted(attributes.index["name"].get(axis["name"], ()))
    attribute = attributes.rows[known[0]] if known else attributes.new({"name": axis["name"]})
    ids = []
    for name in dict.fromkeys(axis["values"]):
        mine = [one for one in values.index["name"].get(name, ()) if values.rows[one].attribute_id == attribute.id]
        ids.append(mine[0] if mine else values.new({"name": name, "attribute_id": attribute.id}).id)
    return {"attribute_id": attribute.id, "value_ids": [[6, 0, ids]]}


def _by_options(db: Database, template: int) -> dict[frozenset[tuple[str, str]], Any]:
    products, ptavs = db["product.product"], db["product.template.attribute.value"]
    found = {}
    for one in products.index["product_tmpl_id"].get(template, ()):
        row = products.rows[one]
        options = set()
        for value in row.product_template_attribute_value_ids:
            attribute = db["product.attribute"].rows[ptavs.value(ptavs.rows[value], "attribute_id")]
            options.add((attribute.name, ptavs.value(ptavs.rows[value], "name")))
        found[frozenset(options)] = row
    return found


def _extras(db: Database, template: int, axis: str, variants: list[dict[str, Any]], base: float) -> None:
    """One axis: the difference in price is the value's extra."""
    ptavs = db["product.template.attribute.value"]
    wanted = {variant["options"][axis]: round_to(float(variant["price"]) - base, 6) for variant in variants}
    for row in _of_template(db, template):
        if ptavs.value(row, "name") in wanted:
            ptavs.put(row, "price_extra", wanted[ptavs.value(row, "name")])


def _of_template(db: Database, template: int) -> list[Any]:
    ptavs = db["product.template.attribute.value"]
    lines = db["product.template.attribute.line"].index["product_tmpl_id"].get(template, ())
    return [ptavs.rows[one] for line in lines for one in ptavs.index["attribute_line_id"].get(line, ())]


def _fill(db: Database, row: Any, variant: dict[str, Any]) -> None:
    products = db["product.product"]
    products.change(row, {"default_code": variant["sku"], "barcode": variant.get("barcode") or False})
    price = float(variant["price"])
    if products.lst_price(row) != price:  # several axes: a price of its own is a rule of the price list
        db["product.pricelist.item"].new({
            "pricelist_id": 1, "applied_on": "0_product_variant", "product_id": row.id, "fixed_price": price,
        })  # fmt: skip
    stock = round_to(float(variant.get("stock") or 0))
    if stock:
        db["stock.quant"].move(row.id, db["stock.warehouse"].rows[1].lot_stock_id, stock)


def ship(db: Database, order: int, lines: list[dict[str, Any]] | None, tracking: str) -> dict[str, Any]:
    """The order's open delivery leaves: all that is reserved, or the lines named; the rest waits in a backorder."""
    pickings, moves = db["stock.picking"], db["stock.move"]
    sale = db["sale.order"].get(order)
    waiting = [one for one in pickings.lines("sale_id", sale.id) if pickings.rows[one].state not in ("done", "cancel")]
    if not waiting:
        raise UserError(f"Order {sale.name} has no delivery that could leave.")
    picking = pickings.rows[waiting[0]]
    if lines is not None:
        left = {line["sku"]: round_to(float(line["quantity"])) for line in lines}
        for move in pickings.moves(picking):
            sku = db["product.product"].rows[move.product_id].default_code
            quantity = min(left.get(sku, 0.0), move.product_uom_qty)
            left[sku] = round_to(left.get(sku, 0.0) - quantity)
            moves.write([move.id], {"quantity": quantity, "picked": bool(quantity)})
        short = {sku: quantity for sku, quantity in left.items() if quantity}
        if short:
            raise UserError(f"Delivery {picking.name} does not hold {short}.")
    db.context = {**db.context, "skip_backorder": True}
    pickings.button_validate([picking.id])
    pickings.change(picking, {"carrier_tracking_ref": tracking or False})
    db.flush()
    behind = next(iter(pickings.lines("backorder_id", picking.id)), None)
    return {"id": str(picking.id), "number": picking.name, "state": picking.state,
            "backorder": str(behind) if behind else None}  # fmt: skip


def invoice(db: Database, order: int) -> dict[str, Any]:
    """What can be invoiced of the order, posted."""
    wizard = db["sale.advance.payment.inv"].new({"sale_order_ids": [[6, 0, [order]]]})
    move = db["account.move"].get(db["sale.advance.payment.inv"].create_invoices([wizard.id])["res_id"])
    db["account.move"].action_post([move.id])
    return {"id": str(move.id), "number": move.name, "total": amount(move.amount_total)}


def cancel(db: Database, order: int) -> dict[str, Any]:
    db["sale.order"].action_cancel([order])
    return {"id": str(order), "state": db["sale.order"].get(order).state}


def amount(value: float) -> str:
    return f"{value:.2f}"


def quantity(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def list_orders(db: Database) -> Iterator[dict[str, Any]]:
    sales = db["sale.order"]
    for row in sales.rows.values():
        yield {
            "id": str(row.id), "number": row.name, "reference": row.client_order_ref or "", "state": row.state,
            "currency": db["res.currency"].rows[sales.currency(row)].name, "total": amount(row.amount_total),
            "lines": [
                {"sku": _sku(db, line.product_id), "quantity": quantity(line.product_uom_qty),
                 "total": amount(line.price_total)}
                for line in sales.line_rows(row) if not line.display_type
            ],
        }  # fmt: skip


def list_invoices(db: Database, kind: str) -> Iterator[dict[str, Any]]:
    """Posted invoices, or posted credit notes (`out_refund`)."""
    moves = db["account.move"]
    for row in moves.rows.values():
        if row.move_type == kind and row.state == "posted":
            yield {
                "id": str(row.id), "number": row.name, "order": row.invoice_origin or "", "reference": row.ref or "",
                "state": row.state, "amount": amount(row.amount_total), "total": amount(row.amount_total),
                "currency": db["res.currency"].rows[row.currency_id].name,
                "lines": [
                    {"sku": _sku(db, item.product_id), "quantity": quantity(item.quantity),
                     "total": amount(item.price_total)}
                    for item in moves.items(row, "product")
                ],
            }  # fmt: skip


def list_stock(db: Database) -> Iterator[dict[str, Any]]:
    products = db["product.product"]
    for row in products.rows.values():
        if row.active and row.default_code:
            yield {"sku": row.default_code, "quantity": quantity(products.free_qty(row))}


def list_shipments(db: Database) -> Iterator[dict[str, Any]]:
    pickings = db["stock.picking"]
    for row in pickings.rows.values():
        kind = db["stock.picking.type"].rows[row.picking_type_id].code
        if row.state == "done" and kind == "outgoing":
            yield {
                "id": str(row.id), "number": row.name, "order": row.origin or "", "state": row.state,
                "tracking": row.carrier_tracking_ref or "",
                "lines": [{"sku": _sku(db, move.product_id), "quantity": quantity(move.quantity)}
                          for move in pickings.moves(row) if move.state == "done"],
            }  # fmt: skip


def _sku(db: Database, product: int) -> str:
    row = db["product.product"].rows.get(product)
    return str(row.default_code or "") if row is not None else ""
