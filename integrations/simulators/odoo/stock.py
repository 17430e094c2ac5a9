"""Locations, quants, and what is counted in them: where stock is, what is promised, what a count changes.

documented: specs/odoo/live-doc/stock.{quant,location,warehouse}.json; odoo/addons/stock/models/stock_quant.py.
"""

from __future__ import annotations

from typing import Any

from integrations.simulators.odoo.errors import UserError, ValidationError
from integrations.simulators.odoo.fields import (
    boolean,
    char,
    choice,
    day,
    integer,
    many2many,
    many2one,
    moment,
    money,
    number,
    one2many,
)
from integrations.simulators.odoo.orm import Model, on_model, on_records

USAGES = ("supplier", "view", "internal", "customer", "inventory", "production", "transit")


class Location(Model):
    name = "stock.location"
    UNSORTABLE = frozenset({"is_empty"})
    order = "complete_name, id"
    parent = "location_id"
    FIELDS = {
        "name": char(required=True),
        "complete_name": char(compute="display_name"),
        "active": boolean(default=True),
        "usage": choice(*USAGES, default="internal", required=True, index=True),
        "location_id": many2one("stock.location", index=True),
        "child_ids": one2many("stock.location", "location_id"),
        "company_id": many2one("res.company", default=1),
        "barcode": char(),
        "warehouse_id": many2one("stock.warehouse", compute="warehouse"),
        "quant_ids": one2many("stock.quant", "location_id"),
        "parent_path": char(compute="parent_path"),
        "replenish_location": boolean(),
        "is_empty": boolean(compute="is_empty"),
        "cyclic_inventory_frequency": integer(),
        "warehouse_view_ids": one2many("stock.warehouse", "view_location_id"),
    }

    def display_name(self, row: Any) -> str:
        """documented: stock_location.py, `_compute_complete_name`: views above are named too, but not of a view."""
        parent = self.rows.get(row.location_id) if row.location_id else None
        return f"{self.display_name(parent)}/{row.name}" if parent is not None and row.usage != "view" else row.name

    def parent_path(self, row: Any) -> str:
        """documented: `_parent_store`: the ids from the root to here, each with a slash behind."""
        parent = self.rows.get(row.location_id) if row.location_id else None
        return f"{self.parent_path(parent) if parent is not None else ''}{row.id}/"

    def is_empty(self, row: Any) -> bool:
        quants = self.db["stock.quant"]
        return not any(quants.rows[one].quantity > 0 for one in quants.index["location_id"].get(row.id, ()))

    def warehouse(self, row: Any) -> Any:
        while row is not None:
            for warehouse in self.db["stock.warehouse"].rows.values():
                if warehouse.view_location_id == row.id:
                    return warehouse.id
            row = self.rows.get(row.location_id) if row.location_id else None
        return False

    def ours(self) -> set[int]:
        """The internal locations a product's quantities count, as the context narrows them.

        documented: odoo/addons/stock/models/product.py, `_get_domain_locations`: context `location`, else
        `warehouse_id` (`warehouse` in older clients), else every warehouse.
        """
        context = self.db.context
        place, house = context.get("location"), context.get("warehouse_id", context.get("warehouse"))
        if place:
            roots = place if isinstance(place, list) else [place]
        else:
            chosen = house if isinstance(house, list) else [house] if house else list(self.db["stock.warehouse"].rows)
            roots = [self.db["stock.warehouse"].get(one).view_location_id for one in chosen]
        under = self.descendants(roots)
        return {one for one in under if self.rows[one].usage in ("internal", "transit")}


class Warehouse(Model):
    name = "stock.warehouse"
    order = "sequence, id"
    FIELDS = {
        "name": char(required=True),
        "active": boolean(default=True),
        "company_id": many2one("res.company", required=True, default=1),
        "partner_id": many2one("res.partner"),
        "view_location_id": many2one("stock.location", readonly=True, index=True),
        "lot_stock_id": many2one("stock.location", readonly=True),
        "code": char(required=True),
        "in_type_id": many2one("stock.picking.type"),
        "out_type_id": many2one("stock.picking.type"),
        "sequence": integer(default=10),
        "reception_steps": choice("one_step", "two_steps", "three_steps", default="one_step", required=True),
        "delivery_steps": choice("ship_only", "pick_ship", "pick_pack_ship", default="ship_only", required=True),
        "resupply_wh_ids": many2many("stock.warehouse"),
    }

    def created(self, row: Any, vals: dict[str, Any]) -> None:
        """documented: stock_warehouse.py, `create`: its view, its stock location, its operation types."""
        places, types = self.db["stock.location"], self.db["stock.picking.type"]
        view = places.new({"name": row.code, "usage": "view"})
        stock = places.new({"name": "Stock", "usage": "internal", "location_id": view.id})
        self.put(row, "view_location_id", view.id)
        self.put(row, "lot_stock_id", stock.id)
        for kind, code, column in (
            ("Receipts", "incoming", "in_type_id"),
            ("Delivery Orders", "outgoing", "out_type_id"),
        ):
            made = types.new({
                "name": kind,
                "code": code,
                "warehouse_id": row.id,
                "sequence_code": "IN" if code == "incoming" else "OUT",
                "default_location_src_id": self.db.place("supplier") if code == "incoming" else stock.id,
                "default_location_dest_id": stock.id if code == "incoming" else self.db.place("customer"),
            })  # fmt: skip
            self.put(row, column, made.id)


class PickingType(Model):
    name = "stock.picking.type"
    FIELDS = {
        "name": char(required=True),
        "code": choice("incoming", "outgoing", "internal", required=True),
        "sequence_code": char(required=True),
        "warehouse_id": many2one("stock.warehouse"),
        "default_location_src_id": many2one("stock.location"),
        "default_location_dest_id": many2one("stock.location"),
        "active": boolean(default=True),
    }

    def display_name(self, row: Any) -> str:
        house = self.db["stock.warehouse"].rows.get(row.warehouse_id)
        return f"{house.name}: {row.name}" if house is not None else row.name

    def next_name(self, row: Any) -> str:
        prefix = f"{self.db['stock.warehouse'].rows[row.warehouse_id].code}/{row.sequence_code}/"
        return str(self.db.next(prefix, prefix + "%05d"))


class Quant(Model):
    name = "stock.quant"
    UNSEARCHABLE = frozenset({"available_quantity", "inventory_quantity_auto_apply", "value", "cost_method"})
    UNSORTABLE = frozenset({"on_hand", "is_outdated"})
    rec_name = "product_id"
    FIELDS = {
        "product_id": many2one("product.product", required=True, index=True),
        "product_tmpl_id": many2one("product.template", related="product_id.product_tmpl_id"),
        "product_uom_id": many2one("uom.uom", compute="uom"),
        "company_id": many2one("res.company", default=1),
        "location_id": many2one("stock.location", required=True, index=True),
        "warehouse_id": many2one("stock.warehouse", related="location_id.warehouse_id"),
        # judgement: nothing here is counted by lot or package, or owned by somebody else: these are always empty.
        "lot_id": many2one("stock.lot"),
        "package_id": many2one("stock.package"),
        "owner_id": many2one("res.partner"),
        "quantity": number(digits=2),
        "reserved_quantity": number(digits=2),
        "available_quantity": number(compute="available"),
        "in_date": moment(default=lambda model: model.db.now),
        "on_hand": boolean(compute="ours"),
        "inventory_quantity": number(digits=2),
        "inventory_quantity_auto_apply": number(compute="counted"),
        "inventory_diff_quantity": number(digits=2),
        "inventory_date": day(),
        "inventory_quantity_set": boolean(),
        "is_outdated": boolean(compute="outdated"),
        "user_id": many2one("res.users"),
        "tracking": choice("serial", "lot", "none", related="product_id.tracking"),
        "product_categ_id": many2one("product.category", related="product_tmpl_id.categ_id"),
        "is_favorite": boolean(related="product_tmpl_id.is_favorite"),
        "cost_method": choice("standard", "fifo", "average", related="product_tmpl_id.cost_method"),
        "currency_id": many2one("res.currency", related="company_id.currency_id"),
        "value": money(compute="worth"),
        "accounting_date": day(),
        "cyclic_inventory_frequency": integer(related="location_id.cyclic_inventory_frequency"),
    }

    def available(self, row: Any) -> float:
        return float(round(row.quantity - row.reserved_quantity, 2))

    def worth(self, row: Any) -> float:
        """documented: stock_account/models/stock_quant.py, `_compute_value`: in our own places, at cost."""
        if self.db["stock.location"].rows[row.location_id].usage not in ("internal", "transit"):
            return 0.0
        return float(round(row.quantity * self.db["product.product"].rows[row.product_id].standard_price, 2))

    def counted(self, row: Any) -> float:
        return float(row.quantity)

    def uom(self, row: Any) -> int:
        return 1

    def ours(self, row: Any) -> bool:
        return row.location_id in self.db["stock.location"].ours()

    def outdated(self, row: Any) -> bool:
        counted_against = round(row.inventory_quantity - row.inventory_diff_quantity, 2)
        return bool(row.inventory_quantity_set and counted_against != row.quantity)

    def display_name(self, row: Any) -> str:
        return str(self.db["stock.location"].display_name(self.db["stock.location"].rows[row.location_id]))

    def on_hand(self, product: int) -> tuple[float, float]:
        """(quantity, reserved) of a product in our own locations."""
        quants = self.index["product_id"].get(product, ())
        if not quants:
            return 0.0, 0.0
        places = self.db["stock.location"].ours()
        rows = [self.rows[one] for one in quants if self.rows[one].location_id in places]
        return round(sum(q.quantity for q in rows), 2), round(sum(q.reserved_quantity for q in rows), 2)

    def gather(self, product: int, place: int) -> list[Any]:
        """The quants a removal takes from, oldest first; the place's children count."""
        quants = self.index["product_id"].get(product, ())
        under = self.db["stock.location"].descendants([place])
        return [self.rows[one] for one in sorted(quants) if self.rows[one].location_id in under]

    def move(self, product: int, place: int, quantity: float) -> None:
        """Put goods into a place, or take them (negative): the first quant there, else a new one.

        documented: stock_quant.py, `_update_available_quantity`; a quant may go below zero.
        """
        here = [self.rows[one] for one in sorted(self.index["product_id"].get(product, ()))]
        for quant in here:
            if quant.location_id == place:
                self.put(quant, "quantity", round(quant.quantity + quantity, 2))
                self.touch(quant)
                return
        quant = self.new({"product_id": product, "location_id": place})
        self.put(quant, "quantity", round(quantity, 2))

    def prepare(self, vals: dict[str, Any]) -> dict[str, Any]:
        vals.pop("quantity", None) if self.db.context.get("inventory_mode") else None
        return vals

    def created(self, row: Any, vals: dict[str, Any]) -> None:
        """documented: stock_quant.py, `check_product_id` and `check_location_id`."""
        place = self.db["stock.location"].rows[row.location_id]
        if place.usage == "view":
            raise ValidationError(
                f'You cannot take products from or deliver products to a location of type "view" ({place.name}).'
            )
        product = self.db["product.product"].rows[row.product_id]
        if not self.db["product.template"].rows[product.product_tmpl_id].is_storable:
            raise ValidationError("Quants cannot be created for consumables or services.")

    def inverse(self, row: Any, vals: dict[str, Any]) -> None:
        """A written count is kept beside the difference it makes; `inventory_quantity_auto_apply` applies itself."""
        if "inventory_quantity" in vals:
            self.put(row, "inventory_quantity_set", True)
            self._difference(row)
        if "inventory_quantity_auto_apply" in vals and self.db.context.get("inventory_mode"):
            self.put(row, "inventory_quantity", round(float(vals["inventory_quantity_auto_apply"] or 0), 2))
            self.put(row, "inventory_quantity_set", True)
            self._difference(row)
            self._apply(row)

    def before_write(self, row: Any, vals: dict[str, Any]) -> None:
        if self.db.context.get("inventory_mode") and {"product_id", "location_id"} & vals.keys():
            raise UserError("Quant's editing is restricted, you can't do this operation.")

    @on_model
    def create(self, vals_list: Any) -> list[int]:
        """In inventory mode a count of a product that is there already goes to its quant.

        documented: stock_quant.py, `create` (context `inventory_mode`). Without it a second quant is made.
        """
        given = [vals_list] if isinstance(vals_list, dict) else vals_list
        ids = []
        for vals in given:
            counts = {"inventory_quantity", "inventory_quantity_auto_apply"} & vals.keys()
            there = self._there(vals) if counts and self.db.context.get("inventory_mode") else None
            if there is None:
                ids.append(self.new(vals).id)
            else:
                self.change(there, {name: vals[name] for name in counts})
                ids.append(there.id)
        return ids

    def _there(self, vals: dict[str, Any]) -> Any:
        same = [self.rows[one] for one in sorted(self.index["product_id"].get(vals.get("product_id"), ()))]
        return next((quant for quant in same if quant.location_id == vals.get("location_id")), None)

    @on_records
    def action_apply_inventory(self, ids: list[int], date: str | None = None) -> Any:
        """Make the counts true. Quirk: a second call counts the emptied field, 0, and leaves no stock (seen live).

        documented: stock_quant.py, `action_apply_inventory` and `_apply_inventory`: a quant that moved since it was
        counted answers with a conflict action and nothing is applied; after applying, inventory_quantity is 0, and
        the next call takes that 0 as a count (`inventory_quantity_set = True`, the difference worked out again).
        """
        rows = [self.get(one) for one in ids]
        outdated = [row.id for row in rows if self.outdated(row)]
        if outdated:
            return {
                "name": "Conflict in Inventory Adjustment",
                "type": "ir.actions.act_window",
                "view_mode": "form",
                "views": [[False, "form"]],
                "res_model": "stock.inventory.conflict",
                "target": "new",
                "context": {"default_quant_ids": ids, "default_quant_to_fix_ids": outdated},
            }
        for row in rows:
            if not row.inventory_quantity_set:
                self.put(row, "inventory_quantity_set", True)
                self._difference(row)
            self._apply(row)
        return None

    def _difference(self, row: Any) -> None:
        self.put(row, "inventory_diff_quantity", round(row.inventory_quantity - row.quantity, 2))

    def _apply(self, row: Any) -> None:
        if row.inventory_diff_quantity:
            self.move(row.product_id, row.location_id, row.inventory_diff_quantity)
            self.move(row.product_id, self.db.place("inventory"), -row.inventory_diff_quantity)
        self.put(row, "inventory_quantity", 0.0)
        self.put(row, "inventory_diff_quantity", 0.0)
        self.put(row, "inventory_quantity_set", False)
        self.put(row, "inventory_date", self.db.today)
        self.touch(row)

    @on_records
    def action_set_inventory_quantity(self, ids: list[int]) -> Any:
        for row in [self.get(one) for one in ids]:
            self.change(row, {"inventory_quantity": row.quantity})
        return None

    @on_records
    def action_set_inventory_quantity_zero(self, ids: list[int]) -> Any:
        for row in [self.get(one) for one in ids]:
            self.change(row, {"inventory_quantity": 0.0})
        return None

    @on_records
    def action_clear_inventory_quantity(self, ids: list[int]) -> Any:
        for row in [self.get(one) for one in ids]:
            self.put(row, "inventory_quantity", 0.0)
            self.put(row, "inventory_diff_quantity", 0.0)
            self.put(row, "inventory_quantity_set", False)
            self.touch(row)
        return None


MODELS: tuple[type[Model], ...] = (Location, Warehouse, PickingType, Quant)
