"""Stock, prices and products written to Odoo, one figure at a time.

Stock: https://github.com/odoo/odoo/blob/19.0/addons/stock/models/stock_quant.py — a counted quantity is written to the
quant, then `action_apply_inventory` moves the difference and clears the count. Quirk: applying again without a fresh
count applies a count of 0. So the count is written in every attempt, an apply is never repeated by itself, and the
quantity is read back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from integrations.connectors.odoo import documents as d
from integrations.connectors.odoo import fields as f
from integrations.connectors.odoo import payloads as p
from integrations.connectors.odoo.errors import Row
from integrations.connectors.odoo.transport import OdooTransport, remote_id
from integrations.contract import records as r
from integrations.contract.errors import OutcomeUnknown, Rejected, Unsupported

PRODUCT_KEYS = {"name": "name", "description": "description_sale", "sku": "default_code", "barcode": "barcode"}


class OdooState(OdooTransport):
    """push_… and create_product."""

    def push_stock(self, items: Sequence[r.StockPush]) -> Sequence[r.PushResult]:
        """Sets what is on hand. `slot`: a warehouse; '' means the settings' `push_warehouse_id`, or the only one."""
        warehouses = self._rows("stock.warehouse", [], ("id", "lot_stock_id"))
        places = {p.row_id(row): int(p.related_id(row["lot_stock_id"])) for row in warehouses}
        own = str(self.settings.get("push_warehouse_id") or (next(iter(places)) if len(places) == 1 else ""))
        return [_outcome(item.key, self._set_stock, item, places.get(item.slot or own)) for item in items]

    def _set_stock(self, item: r.StockPush, place: int | None) -> str:
        if place is None:
            raise Rejected("Odoo has several warehouses: say in the settings which one takes the stock.")
        product = remote_id(item.external_id, "product.product")
        counted: Row = {"inventory_quantity": d.build_number(item.quantity), "inventory_quantity_set": True}
        quant = self._quant(product, place)
        if quant is None:
            if item.quantity == 0:
                return ""
            number = self._create("stock.quant", {"product_id": product, "location_id": place, **counted})
        else:
            number = int(quant["id"])
            self._write("stock.quant", number, counted)
        answer = self._call("stock.quant", "action_apply_inventory", write=True, ids=[number])
        after = self._quant(product, place)
        has = p.parse_decimal(after["quantity"]) if after else Decimal(0)
        if has != item.quantity:
            conflict = " Somebody else moved it meanwhile." if isinstance(answer, dict) else ""
            raise OutcomeUnknown(f"Odoo shows {has} instead of {item.quantity}.{conflict}", code="READ_BACK_DIFFERS")
        return ""

    def _quant(self, product: int, place: int) -> Row | None:
        domain: list[Any] = [["product_id", "=", product], ["location_id", "=", place]]
        domain += [["lot_id", "=", False], ["package_id", "=", False], ["owner_id", "=", False]]
        rows = self._rows("stock.quant", domain, ("id", "quantity"), limit=1)
        return rows[0] if rows else None

    def push_prices(self, items: Sequence[r.PricePush]) -> Sequence[r.PushResult]:
        """The sales price, in the product's own currency; a price list's is not written."""
        return [_outcome(item.key, self._set_price, item) for item in items]

    def _set_price(self, item: r.PricePush) -> str:
        if item.slot:
            raise Unsupported("Odoo's price lists are kept in Odoo; only the sales price is written.")
        row = self._one("product.product", item.external_id, ("id", "currency_id", "product_tmpl_id", "price_extra"))
        if (own := p.related_name(row["currency_id"])) != item.currency:
            raise Rejected(f"Odoo keeps this price in {own}, not in {item.currency}.", code="CURRENCY_MISMATCH")
        siblings = self._rows(
            "product.product", [["product_tmpl_id", "=", int(p.related_id(row["product_tmpl_id"]))]], ("id",), limit=2
        )
        if len(siblings) > 1:
            raise Unsupported(
                "In Odoo the variants of a product share one sales price; set it, and its surcharges, there."
            )
        template = int(p.related_id(row["product_tmpl_id"]))
        self._write("product.template", template, {"list_price": d.build_number(item.amount)})
        return ""

    def push_products(self, items: Sequence[r.ProductPush]) -> Sequence[r.PushResult]:
        return [_outcome(item.key, self._set_product, item) for item in items]

    def _set_product(self, item: r.ProductPush) -> str:
        if unknown := sorted(set(item.fields) - set(PRODUCT_KEYS)):
            raise Unsupported(f"Odoo takes name, description, sku and barcode here, not {', '.join(unknown)}.")
        values = {PRODUCT_KEYS[name]: value or False for name, value in item.fields.items()}
        self._write("product.template", remote_id(item.external_id, "product.template"), values)
        return ""

    # --- a new product ---------------------------------------------------------------------------------------------

    def create_product(self, document: r.ProductDocument) -> r.CommandResult:
        """A template; Odoo makes the variants of its axes, which then get their codes. The codes come after the create,
        so this command's safety is NONE for a product with axes."""
        lines = [[0, 0, self._attribute_line(axis)] for axis in document.product.axes]
        template = self._create("product.template", d.build_template(document, lines))
        children = self._name_variants(template, document.product) if lines else self._only_variant(template, document)
        return r.CommandResult(external_id=str(template), number=document.reference, children=children)

    def _attribute_line(self, axis: r.AxisRecord) -> Row:
        attribute = self._find_or_create("product.attribute", {"name": axis.name})
        values = [
            self._find_or_create("product.attribute.value", {"name": value, "attribute_id": attribute})
            for value in axis.values
        ]
        return {"attribute_id": attribute, "value_ids": [[6, 0, values]]}

    def _find_or_create(self, model: str, values: Row) -> int:
        rows = self._rows(model, [[name, "=", value] for name, value in values.items()], ("id",), limit=1)
        return int(rows[0]["id"]) if rows else self._create(model, values)

    def _only_variant(self, template: int, document: r.ProductDocument) -> tuple[tuple[str, str], ...]:
        rows = self._rows("product.product", [["product_tmpl_id", "=", template]], ("id", "default_code"))
        return tuple((p.parse_text(row["default_code"]), p.row_id(row)) for row in rows)

    def _name_variants(self, template: int, product: r.ProductRecord) -> tuple[tuple[str, str], ...]:
        rows = self._rows("product.product", [["product_tmpl_id", "=", template]], f.VARIANT_FIELDS)
        values = self._rows(
            "product.template.attribute.value", [["product_tmpl_id", "=", template]], f.ATTRIBUTE_VALUE_FIELDS
        )
        row = {"id": template, "name": product.name}
        made = {frozenset(v.options): v.external_id for v in p.parse_product(row, rows, values).variants}
        children = []
        for variant in product.variants:
            if number := made.get(frozenset(variant.options)):
                codes = {"default_code": variant.sku or False, "barcode": variant.barcode or False}
                self._write("product.product", int(number), codes)
                children.append((variant.sku, number))
        return tuple(children)

    def find_product(self, reference: str) -> Sequence[r.CommandResult]:
        """Templates one of whose articles has this code."""
        rows = self._rows(
            "product.product",
            [["default_code", "=", reference]],
            ("id", "product_tmpl_id"),
            context={"active_test": False},
        )
        templates = dict.fromkeys(p.related_id(row["product_tmpl_id"]) for row in rows)
        return [r.CommandResult(external_id=template, number=reference) for template in templates]


def _outcome(key: str, act: Callable[..., str], *arguments: Any) -> r.PushResult:
    """One item's result; what stops them all (time-outs before sending, a dead key) is raised."""
    try:
        act(*arguments)
    except (Rejected, Unsupported) as error:
        return r.PushResult(key=key, outcome=r.PushOutcome.REFUSED, message=error.message)
    except OutcomeUnknown as error:
        return r.PushResult(key=key, outcome=r.PushOutcome.UNKNOWN, message=error.message)
    return r.PushResult(key=key, outcome=r.PushOutcome.SENT)
