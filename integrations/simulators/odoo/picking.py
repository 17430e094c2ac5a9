"""Transfers: moves that reserve, leave, wait behind (backorder) and come back (return).

documented: specs/odoo/live-doc/stock.{picking,move,return.picking}.json; odoo/addons/stock/models/{stock_picking,
stock_move}.py and odoo/addons/stock/wizard/{stock_picking_return,stock_backorder_confirmation}.py.
"""

from __future__ import annotations

from typing import Any

from integrations.simulators.odoo.errors import UserError
from integrations.simulators.odoo.fields import (
    boolean,
    char,
    choice,
    html,
    integer,
    many2one,
    moment,
    number,
    one2many,
    round_to,
)
from integrations.simulators.odoo.orm import Model, on_records, refuse

MOVE_STATES = ("draft", "waiting", "confirmed", "partially_available", "assigned", "done", "cancel")
CLOSED = ("done", "cancel")


class Picking(Model):
    name = "stock.picking"
    UNSEARCHABLE = frozenset({"return_count", "weight_bulk", "show_check_availability"})
    UNSORTABLE = frozenset({"product_id"})
    order = "scheduled_date, id desc"
    FIELDS = {
        "name": char(readonly=True, index=True),
        "origin": char(index=True),
        "note": html(),
        "backorder_id": many2one("stock.picking", index=True),
        "backorder_ids": one2many("stock.picking", "backorder_id"),
        "return_id": many2one("stock.picking", index=True),
        "return_ids": one2many("stock.picking", "return_id"),
        "return_count": integer(compute="returns"),
        "move_type": choice("direct", "one", default="direct", required=True),
        "state": choice("draft", "waiting", "confirmed", "assigned", "done", "cancel", default="draft", readonly=True),
        "scheduled_date": moment(default=lambda model: model.db.now),
        "date_done": moment(),
        "location_id": many2one("stock.location", required=True),
        "location_dest_id": many2one("stock.location", required=True),
        "move_ids": one2many("stock.move", "picking_id"),
        "picking_type_id": many2one("stock.picking.type", required=True),
        "picking_type_code": choice("incoming", "outgoing", "internal", related="picking_type_id.code"),
        "partner_id": many2one("res.partner", index=True),
        "company_id": many2one("res.company", default=1),
        "user_id": many2one("res.users"),
        "sale_id": many2one("sale.order", index=True),
        "carrier_tracking_ref": char(),
        "carrier_id": many2one("delivery.carrier"),
        "priority": choice("0", "1", default="0"),
        "date_deadline": moment(),
        "has_deadline_issue": boolean(compute="late"),
        "printed": boolean(),
        "is_locked": boolean(default=True),
        "owner_id": many2one("res.partner"),
        "partner_country_id": many2one("res.country", related="partner_id.country_id"),
        "warehouse_address_id": many2one("res.partner", related="picking_type_id.warehouse_id.partner_id"),
        "country_code": char(related="company_id.account_fiscal_country_id.code"),
        "product_id": many2one("product.product", compute="product"),
        "shipping_weight": number(compute="weight", digits=2),
        "weight_bulk": number(compute="weight"),
        "show_check_availability": boolean(compute="checkable"),
    }

    def prepare(self, vals: dict[str, Any]) -> dict[str, Any]:
        kind = self.db["stock.picking.type"].get(vals.get("picking_type_id") or 0)
        vals.setdefault("location_id", kind.default_location_src_id)
        vals.setdefault("location_dest_id", kind.default_location_dest_id)
        vals.setdefault("name", self.db["stock.picking.type"].next_name(kind))
        for command in vals.get("move_ids") or ():
            if command[0] == 0:
                command[2].setdefault("location_id", vals["location_id"])
                command[2].setdefault("location_dest_id", vals["location_dest_id"])
        return vals

    def moves(self, row: Any) -> list[Any]:
        moves = self.db["stock.move"]
        return [moves.rows[one] for one in moves.lines("picking_id", row.id)]

    def late(self, row: Any) -> bool:
        """documented: stock_picking.py, `_compute_has_deadline_issue`."""
        return bool(row.date_deadline and row.date_deadline < row.scheduled_date)

    def product(self, row: Any) -> Any:
        """A related field through several moves shows the first."""
        return next((move.product_id for move in self.moves(row)), False)

    def weight(self, row: Any) -> float:
        products = self.db["product.product"].rows
        open_moves = [move for move in self.moves(row) if move.state != "cancel"]
        return round_to(sum(products[move.product_id].weight * move.quantity for move in open_moves))

    def checkable(self, row: Any) -> bool:
        """documented: stock_picking.py, `_compute_show_check_availability`."""
        waiting = ("waiting", "confirmed", "partially_available")
        return row.state in ("confirmed", "waiting", "assigned") and any(
            move.state in waiting and move.product_uom_qty for move in self.moves(row)
        )

    def returns(self, row: Any) -> int:
        return len(self.index["return_id"].get(row.id, ()))

    def recompute(self, row: Any) -> None:
        """documented: stock_picking.py, `_compute_state`."""
        states = {move.state for move in self.moves(row)}
        if not states or states == {"draft"}:
            state = "draft"
        elif states <= {"cancel"}:
            state = "cancel"
        elif states <= {"cancel", "done"}:
            state = "done"
        elif row.move_type == "direct":
            state = "assigned" if states & {"assigned", "partially_available"} else "confirmed"
        else:
            state = "assigned" if states <= {"assigned", *CLOSED} else "confirmed"
        if state != row.state:
            self.put(row, "state", state)
            self.touch(row)
            self.db.mark("sale.order", row.sale_id)

    def recheck(self, ids: list[int]) -> None:
        for one in ids:
            self.recompute(self.get(one))

    @on_records
    def action_confirm(self, ids: list[int]) -> bool:
        for row in [self.get(one) for one in ids]:
            for move in self.moves(row):
                if move.state == "draft":
                    self.db["stock.move"].put(move, "state", "confirmed")
        self.recheck(ids)
        return True

    @on_records
    def action_assign(self, ids: list[int]) -> bool:
        self.action_confirm(ids)
        for row in [self.get(one) for one in ids]:
            moves = [move for move in self.moves(row) if move.state not in CLOSED]
            refuse(not moves, "Nothing to check the availability for.")
            for move in moves:
                self.db["stock.move"].reserve(move)
        self.recheck(ids)
        return True

    @on_records
    def do_unreserve(self, ids: list[int]) -> None:
        for row in [self.get(one) for one in ids]:
            for move in self.moves(row):
                if move.state not in CLOSED:
                    self.db["stock.move"].release(move)
                    self.db["stock.move"].put(move, "quantity", 0.0)
                    self.db["stock.move"].put(move, "state", "confirmed")
        self.recheck(ids)

    @on_records
    def action_cancel(self, ids: list[int]) -> bool:
        for row in [self.get(one) for one in ids]:
            for move in self.moves(row):
                if move.state != "cancel":
                    self.db["stock.move"].cancel(move)
        self.recheck(ids)
        return True

    @on_records
    def button_validate(self, ids: list[int]) -> Any:
        """True, or the question what to do with the rest: context `skip_backorder` answers it beforehand.

        documented: stock_picking.py, `button_validate` and `_pre_action_done_hook`: nothing taken is an error; a part
        asks for stock.backorder.confirmation; `picking_ids_not_to_backorder` names those whose rest is given up.
        """
        rows = [self.get(one) for one in ids]
        self.action_confirm([row.id for row in rows if row.state == "draft"])
        for row in rows:
            refuse(row.state in CLOSED, f"The transfer {row.name} is {row.state} already.")
            moves = [move for move in self.moves(row) if move.state not in CLOSED]
            refuse(not moves, "Please add some items to move.")
            if not any(move.picked for move in moves):
                for move in moves:
                    self.db["stock.move"].put(move, "picked", bool(move.quantity))
            if not any(move.quantity for move in moves if move.picked):
                raise UserError(
                    "You cannot validate a transfer if no quantities are reserved. "
                    "To force the transfer, encode quantities."
                )
        short = [row.id for row in rows if any(self._left(move) for move in self.moves(row))]
        if short and not self.db.context.get("skip_backorder"):
            return {
                "name": "Create Backorder?",
                "type": "ir.actions.act_window",
                "view_mode": "form",
                "res_model": "stock.backorder.confirmation",
                "target": "new",
                "context": {"default_pick_ids": [[4, one] for one in short], "button_validate_picking_ids": ids},
            }
        given_up = self.db.context.get("picking_ids_not_to_backorder") or ()
        for row in rows:
            self.finish(row, backorder=row.id not in given_up)
        return True

    def _left(self, move: Any) -> float:
        if move.state in CLOSED:
            return 0.0
        return max(0.0, round_to(move.product_uom_qty - (move.quantity if move.picked else 0.0)))

    def finish(self, row: Any, *, backorder: bool) -> Any:
        """What is picked leaves; the rest waits in a backorder, which is returned, or is cancelled."""
        moves, rest, behind = self.db["stock.move"], [], None
        for move in self.moves(row):
            left = self._left(move)
            if left:
                rest.append({"product_id": move.product_id, "product_uom_qty": left, "location_id": move.location_id,
                             "location_dest_id": move.location_dest_id, "sale_line_id": move.sale_line_id,
                             "sequence": move.sequence, "to_refund": move.to_refund,
                             "origin_returned_move_id": move.origin_returned_move_id})  # fmt: skip
            if move.state in CLOSED:
                continue
            if move.picked and move.quantity:
                moves.put(move, "product_uom_qty", move.quantity if left and backorder else move.product_uom_qty)
                moves.finish(move)
            else:
                moves.cancel(move)
        self.put(row, "date_done", self.db.now)
        self.touch(row)
        if rest and backorder:
            behind = self.new({
                "picking_type_id": row.picking_type_id, "location_id": row.location_id, "origin": row.origin,
                "location_dest_id": row.location_dest_id, "partner_id": row.partner_id, "sale_id": row.sale_id,
                "backorder_id": row.id, "move_type": row.move_type, "move_ids": [[0, 0, vals] for vals in rest],
            })  # fmt: skip
            self.action_assign([behind.id])
        self.recompute(row)
        self.db.mark("sale.order", row.sale_id)
        return behind


MODELS: tuple[type[Model], ...] = (Picking,)
