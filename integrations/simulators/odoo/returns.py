"""The wizards around a transfer: the rest of a part (backorder), and goods coming back.

documented: specs/odoo/live-doc/stock.return.picking.json; odoo/addons/stock/wizard/{stock_picking_return,
stock_backorder_confirmation}.py.
"""

from __future__ import annotations

from typing import Any

from integrations.simulators.odoo.errors import UserError
from integrations.simulators.odoo.fields import (
    boolean,
    char,
    choice,
    many2many,
    many2one,
    number,
    one2many,
)
from integrations.simulators.odoo.orm import Model, ensure_one, on_records, refuse

MOVE_STATES = ("draft", "waiting", "confirmed", "partially_available", "assigned", "done", "cancel")
CLOSED = ("done", "cancel")


class BackorderConfirmation(Model):
    name = "stock.backorder.confirmation"
    rec_name = "id"
    FIELDS = {"pick_ids": many2many("stock.picking")}

    @on_records
    def process(self, ids: list[int]) -> Any:
        return self._go(ids, {})

    @on_records
    def process_cancel_backorder(self, ids: list[int]) -> Any:
        return self._go(ids, {"picking_ids_not_to_backorder": list(ensure_one(self, ids).pick_ids)})

    def _go(self, ids: list[int], more: dict[str, Any]) -> Any:
        """documented: stock_backorder_confirmation.py, `process`: without `button_validate_picking_ids` in the context
        it validates nothing and answers True."""
        ensure_one(self, ids)
        pickings = self.db.context.get("button_validate_picking_ids")
        if not pickings:
            return True
        self.db.context = {**self.db.context, "skip_backorder": True, **more}
        return self.db["stock.picking"].button_validate(pickings)


class ReturnLine(Model):
    name = "stock.return.picking.line"
    rec_name = "product_id"
    FIELDS = {
        "wizard_id": many2one("stock.return.picking", index=True),
        "product_id": many2one("product.product", required=True),
        "quantity": number(digits=2),
        "move_id": many2one("stock.move"),
        "to_refund": boolean(default=True),
    }


class ReturnPicking(Model):
    """documented: stock_picking_return.py: a line per done move, its quantity 0 until somebody writes it (18+)."""

    name = "stock.return.picking"
    rec_name = "picking_id"
    FIELDS = {
        "picking_id": many2one("stock.picking", index=True),
        "product_return_moves": one2many("stock.return.picking.line", "wizard_id"),
        "company_id": many2one("res.company", compute="company"),
        "picking_type_code": choice("incoming", "outgoing", "internal", related="picking_id.picking_type_code"),
    }

    def company(self, row: Any) -> int:
        return 1

    def prepare(self, vals: dict[str, Any]) -> dict[str, Any]:
        if not vals.get("picking_id") and self.db.context.get("active_model") == "stock.picking":
            vals["picking_id"] = self.db.context.get("active_id")
        return vals

    def created(self, row: Any, vals: dict[str, Any]) -> None:
        if not row.picking_id:
            return
        pickings = self.db["stock.picking"]
        done = [move for move in pickings.moves(pickings.get(row.picking_id)) if move.state == "done"]
        if not done:
            raise UserError(
                "No products to return (only lines in Done state and not fully returned yet can be returned)."
            )
        if "product_return_moves" not in vals:
            for move in done:
                self.db["stock.return.picking.line"].new(
                    {"wizard_id": row.id, "product_id": move.product_id, "move_id": move.id}
                )

    @on_records
    def action_create_returns(self, ids: list[int]) -> dict[str, Any]:
        return self._create(ensure_one(self, ids))

    @on_records
    def action_create_returns_all(self, ids: list[int]) -> dict[str, Any]:
        row = ensure_one(self, ids)
        lines = self.db["stock.return.picking.line"]
        for line in [lines.rows[one] for one in lines.lines("wizard_id", row.id)]:
            lines.put(line, "quantity", self.db["stock.move"].rows[line.move_id].quantity)
        return self._create(row)

    def _create(self, row: Any) -> dict[str, Any]:
        lines = [self.db["stock.return.picking.line"].rows[one]
                 for one in self.db["stock.return.picking.line"].lines("wizard_id", row.id)]  # fmt: skip
        wanted = [line for line in lines if line.quantity > 0]
        refuse(not wanted, "Please specify at least one non-zero quantity.")
        pickings, moves = self.db["stock.picking"], self.db["stock.move"]
        first = pickings.get(row.picking_id)
        house = self.db["stock.picking.type"].rows[first.picking_type_id].warehouse_id
        back = []
        for line in wanted:
            move = moves.get(line.move_id) if line.move_id else None
            back.append([0, 0, {
                "product_id": line.product_id, "product_uom_qty": line.quantity, "to_refund": line.to_refund,
                "location_id": first.location_dest_id, "location_dest_id": first.location_id,
                "origin_returned_move_id": line.move_id, "sale_line_id": move.sale_line_id if move else False,
            }])  # fmt: skip
        made = pickings.new({
            "picking_type_id": self.db["stock.warehouse"].rows[house].in_type_id, "return_id": first.id,
            "location_id": first.location_dest_id, "location_dest_id": first.location_id, "move_ids": back,
            "partner_id": first.partner_id, "sale_id": first.sale_id, "origin": f"Return of {first.name}",
        })  # fmt: skip
        pickings.action_assign([made.id])
        return {
            "name": "Returned Picking",
            "view_mode": "form",
            "res_model": "stock.picking",
            "res_id": made.id,
            "type": "ir.actions.act_window",
            "context": {},
        }


class Carrier(Model):
    """judgement: the `delivery` module's method of shipping, so that a picking can name one."""

    name = "delivery.carrier"
    FIELDS = {
        "name": char(required=True),
        "product_id": many2one("product.product"),
        "active": boolean(default=True),
    }


MODELS: tuple[type[Model], ...] = (
    BackorderConfirmation,
    ReturnLine,
    ReturnPicking,
    Carrier,
)
