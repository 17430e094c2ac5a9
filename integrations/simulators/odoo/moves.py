"""Stock moves: what is wanted, what is held for it, and the goods going.

documented: specs/odoo/live-doc/stock.move.json; odoo/addons/stock/models/stock_move.py.
"""

from __future__ import annotations

from typing import Any

from integrations.simulators.odoo.fields import (
    boolean,
    char,
    choice,
    integer,
    line_amount,
    many2one,
    moment,
    money,
    number,
    one2many,
)
from integrations.simulators.odoo.orm import Model, refuse

MOVE_STATES = ("draft", "waiting", "confirmed", "partially_available", "assigned", "done", "cancel")
USAGES = ("supplier", "view", "internal", "customer", "inventory", "production", "transit")
CLOSED = ("done", "cancel")


class Move(Model):
    name = "stock.move"
    order = "sequence, id"
    rec_name = "reference"
    UNSEARCHABLE = frozenset({"availability"})
    PRIVATE = {"held": ()}  # which quants hold the reservation: ((quant, quantity), …)
    FIELDS = {
        "sequence": integer(default=10),
        "date": moment(required=True, default=lambda model: model.db.now),
        "company_id": many2one("res.company", compute="company"),
        "product_id": many2one("product.product", required=True, index=True),
        "product_tmpl_id": many2one("product.template", related="product_id.product_tmpl_id"),
        "product_uom_qty": number(required=True, digits=2),
        "product_qty": number(compute="demand"),
        "product_uom": many2one("uom.uom", compute="uom"),
        "quantity": number(digits=2),
        "picked": boolean(),
        "location_id": many2one("stock.location", required=True),
        "location_dest_id": many2one("stock.location", required=True),
        "picking_id": many2one("stock.picking", index=True),
        "picking_type_id": many2one("stock.picking.type", related="picking_id.picking_type_id"),
        "partner_id": many2one("res.partner", related="picking_id.partner_id"),
        "state": choice(*MOVE_STATES, default="draft", readonly=True),
        "origin": char(related="picking_id.origin"),
        "reference": char(related="picking_id.name"),
        "sale_line_id": many2one("sale.order.line", index=True),
        "origin_returned_move_id": many2one("stock.move", index=True),
        "to_refund": boolean(),
        "priority": choice("0", "1", default="0", readonly=True),
        "date_deadline": moment(readonly=True),
        "price_unit": number(),
        "value": money(),
        "procure_method": choice("make_to_stock", "make_to_order", default="make_to_stock", required=True),
        "propagate_cancel": boolean(default=True),
        "is_inventory": boolean(),
        "additional": boolean(),
        "product_category_id": many2one("product.category", related="product_id.categ_id"),
        "is_storable": boolean(related="product_id.is_storable"),
        "has_tracking": choice("serial", "lot", "none", related="product_id.tracking"),
        "standard_price": number(related="product_id.standard_price"),
        "picking_code": choice("incoming", "outgoing", "internal", related="picking_id.picking_type_code"),
        "location_usage": choice(*USAGES, related="location_id.usage"),
        "location_dest_usage": choice(*USAGES, related="location_dest_id.usage"),
        "is_in": boolean(compute="coming"),
        "is_out": boolean(compute="going"),
        "returned_move_ids": one2many("stock.move", "origin_returned_move_id"),
        "availability": number(compute="availability"),
        "warehouse_id": many2one("stock.warehouse"),
        "company_currency_id": many2one("res.currency", related="company_id.currency_id"),
    }

    def coming(self, row: Any) -> bool:
        """documented: stock_account/models/stock_move.py: done, and across the border of our own places."""
        return row.state == "done" and not self._own(row.location_id) and self._own(row.location_dest_id)

    def going(self, row: Any) -> bool:
        return row.state == "done" and self._own(row.location_id) and not self._own(row.location_dest_id)

    def _own(self, place: int) -> bool:
        return self.usage(place) in ("internal", "transit")

    def availability(self, row: Any) -> float:
        """documented: stock_move.py, `_compute_product_availability`: a done move has what it moved."""
        if row.state == "done":
            return float(row.quantity)
        quants = self.db["stock.quant"].gather(row.product_id, row.location_id)
        return float(min(row.product_uom_qty, round(sum(q.quantity - q.reserved_quantity for q in quants), 2)))

    def demand(self, row: Any) -> float:
        return float(row.product_uom_qty)

    def uom(self, row: Any) -> int:
        return 1

    def company(self, row: Any) -> int:
        return 1

    def usage(self, place: int) -> str:
        return str(self.db["stock.location"].rows[place].usage)

    def _storable(self, row: Any) -> bool:
        product = self.db["product.product"].rows[row.product_id]
        return bool(self.db["product.template"].rows[product.product_tmpl_id].is_storable)

    def _worth(self, row: Any) -> None:
        """documented: stock_account/models/stock_move.py of 19.0: what comes in is worth its price, else the product's
        standard price. judgement: nothing is billed or ordered here, so `price_unit` stands for the bill."""
        if self.coming(row) or self.going(row):
            product = self.db["product.product"].rows[row.product_id]
            each = row.price_unit or product.standard_price or 0.0
            self.put(row, "value", line_amount(row.quantity, each, 0))

    def open_quantities(self, product: int) -> tuple[float, float]:
        """(coming, going) of a product: the demand of moves that are neither done nor cancelled."""
        ours = self.db["stock.location"].ours()
        coming = going = 0.0
        for one in self.index["product_id"].get(product, ()):
            move = self.rows[one]
            if move.state in ("draft", *CLOSED):
                continue
            if move.location_dest_id in ours and move.location_id not in ours:
                coming += move.product_uom_qty
            elif move.location_id in ours and move.location_dest_id not in ours:
                going += move.product_uom_qty
        return round(coming, 2), round(going, 2)

    def after_write(self, row: Any, vals: dict[str, Any]) -> None:
        """A written `quantity` is what the operator means to take; it reserves as much of it as there is."""
        if "quantity" in vals and row.state not in CLOSED:
            wanted = row.quantity
            self.release(row)
            self._hold(row, wanted)
            self.put(row, "quantity", wanted)
            self.put(row, "state", self._state(row))
            self.db.mark("stock.picking", row.picking_id)

    def reserve(self, row: Any) -> None:
        """Hold what is free of the demand; goods from outside, and goods nobody counts, are always there.

        documented: stock_move.py, `_action_assign` (`_should_bypass_reservation`).
        """
        if row.state in ("draft", *CLOSED):
            return
        self.release(row)
        if self.usage(row.location_id) not in ("internal", "transit") or not self._storable(row):
            self.put(row, "quantity", row.product_uom_qty)
        else:
            self.put(row, "quantity", self._hold(row, row.product_uom_qty))
        self.put(row, "state", self._state(row))
        self.touch(row)
        self.db.mark("stock.picking", row.picking_id)

    def _state(self, row: Any) -> str:
        if row.quantity >= row.product_uom_qty:
            return "assigned"
        return "partially_available" if row.quantity > 0 else "confirmed"

    def _hold(self, row: Any, wanted: float) -> float:
        if self.usage(row.location_id) not in ("internal", "transit") or not self._storable(row):
            return wanted
        quants, held, left = self.db["stock.quant"], [], wanted
        for quant in quants.gather(row.product_id, row.location_id):
            free = min(left, round(quant.quantity - quant.reserved_quantity, 2))
            if free > 0:
                quants.put(quant, "reserved_quantity", round(quant.reserved_quantity + free, 2))
                quants.touch(quant)
                held.append((quant.id, free))
                left = round(left - free, 2)
        self.put(row, "held", tuple(held))
        return round(wanted - left, 2)

    def release(self, row: Any) -> None:
        quants = self.db["stock.quant"]
        for one, quantity in row.held:
            quant = quants.rows[one]
            quants.put(quant, "reserved_quantity", round(quant.reserved_quantity - quantity, 2))
            quants.touch(quant)
        self.put(row, "held", ())

    def cancel(self, row: Any) -> None:
        refuse(row.state == "done", "You cannot cancel a stock move that has been set to 'Done'. Create a return.")
        self.release(row)
        self.put(row, "quantity", 0.0)
        self.put(row, "state", "cancel")
        self.touch(row)
        self.db.mark("stock.picking", row.picking_id)

    def finish(self, row: Any) -> None:
        """The goods move: out of the quants that held them first, then out of the place, below zero if need be."""
        quants = self.db["stock.quant"]
        held, left = row.held, row.quantity
        self.release(row)
        if self._storable(row):
            for one, quantity in held:
                taken = min(left, quantity)
                quants.move(row.product_id, quants.rows[one].location_id, -taken)
                left = round(left - taken, 2)
            if left:
                quants.move(row.product_id, row.location_id, -left)
            quants.move(row.product_id, row.location_dest_id, row.quantity)
        self.put(row, "state", "done")
        self.put(row, "picked", True)
        self.put(row, "date", self.db.now)
        self._worth(row)
        self.touch(row)
        if row.sale_line_id:
            self.db.mark("sale.order", self.db["sale.order.line"].rows[row.sale_line_id].order_id)


MODELS: tuple[type[Model], ...] = (Move,)
