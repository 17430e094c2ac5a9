"""Products, attributes and the variants they make, categories, taxes and price lists.

documented: specs/odoo/live-doc/product.*.json; odoo/addons/product/models/{product_template,product_product,
product_pricelist,product_attribute}.py; the default sales tax: odoo/addons/account/models/product.py (`taxes_id`).
"""

from __future__ import annotations

from itertools import product as combinations
from typing import Any

from integrations.simulators.odoo.errors import ValidationError
from integrations.simulators.odoo.fields import (
    Field,
    boolean,
    char,
    choice,
    html,
    integer,
    many2many,
    many2one,
    money,
    number,
    one2many,
    round_to,
    text,
)
from integrations.simulators.odoo.orm import Model, on_records


class Template(Model):
    name = "product.template"
    UNSEARCHABLE = frozenset(
        {
            "currency_id",
            "product_variant_id",
            "product_variant_count",
            "is_product_variant",
            "weight_uom_name",
            "volume_uom_name",
            "cost_currency_id",
            "cost_method",
        }
    )
    UNSORTABLE = frozenset(
        {"standard_price", "barcode", "qty_available", "virtual_available", "incoming_qty", "outgoing_qty", "valuation"}
    )
    order = "name, id"
    FIELDS = {
        "name": char(required=True),
        "sequence": integer(default=1),
        "description": html(),
        "description_sale": text(),
        "type": choice("consu", "service", "combo", default="consu", required=True),
        "is_storable": boolean(),
        "tracking": choice("serial", "lot", "none", default="none", required=True),
        "categ_id": many2one("product.category", default=1),
        "currency_id": many2one("res.currency", compute="currency"),
        "list_price": number(default=1.0),
        "standard_price": number(compute="single"),
        "weight": number(compute="single", digits=2),
        "sale_ok": boolean(default=True),
        "purchase_ok": boolean(default=True),
        "uom_id": many2one("uom.uom", required=True, default=1),
        "company_id": many2one("res.company"),
        "active": boolean(default=True),
        "attribute_line_ids": one2many("product.template.attribute.line", "product_tmpl_id"),
        "product_variant_ids": one2many("product.product", "product_tmpl_id"),
        "product_variant_id": many2one("product.product", compute="first_variant"),
        "product_variant_count": integer(compute="variant_count"),
        "default_code": char(compute="default_code"),
        "barcode": char(compute="barcode"),
        "taxes_id": many2many("account.tax"),
        "invoice_policy": choice("order", "delivery", default="order"),
        "qty_available": number(compute="qty_available"),
        "virtual_available": number(compute="virtual_available"),
        "has_configurable_attributes": boolean(compute="configurable"),
        "volume": number(compute="single", digits=2),
        "incoming_qty": number(compute="incoming_qty"),
        "outgoing_qty": number(compute="outgoing_qty"),
        "is_product_variant": boolean(compute="never"),
        "uom_name": char(related="uom_id.name"),
        "weight_uom_name": char(compute="weight_unit"),
        "volume_uom_name": char(compute="volume_unit"),
        "cost_currency_id": many2one("res.currency", compute="currency"),
        "description_purchase": text(),
        "description_picking": text(),
        "description_pickingout": text(),
        "description_pickingin": text(),
        "sale_line_warn_msg": text(),
        "color": integer(),
        "is_favorite": boolean(),
        "sale_delay": integer(),
        "responsible_id": many2one("res.users", default=2),
        "supplier_taxes_id": many2many("account.tax"),
        "uom_ids": many2many("uom.uom"),
        "product_tag_ids": many2many("product.tag"),
        "optional_product_ids": many2many("product.template"),
        "pricelist_rule_ids": one2many("product.pricelist.item", "product_tmpl_id"),
        "property_account_income_id": many2one("account.account"),
        "property_account_expense_id": many2one("account.account"),
        "service_type": choice("manual", default="manual"),
        "service_tracking": choice("no", default="no", required=True),
        "expense_policy": choice("no", "cost", "sales_price", default="no"),
        "cost_method": choice("standard", "fifo", "average", compute="cost_method"),
        "valuation": choice("periodic", "real_time", compute="valuation"),
        "image_1920": Field("binary"),
    }
    _ON_VARIANT = ("default_code", "barcode", "standard_price", "weight", "volume")

    def prepare(self, vals: dict[str, Any]) -> dict[str, Any]:
        """Quirk: a product made without `taxes_id` gets the company's default sales tax (seen live)."""
        if "taxes_id" not in vals:
            default = self.db["res.company"].rows[1].account_sale_tax_id
            vals["taxes_id"] = [[6, 0, [default]]] if default else []
        return vals

    def created(self, row: Any, vals: dict[str, Any]) -> None:
        self.db.dirty.pop((self.name, row.id), None)
        if not self.db.context.get("create_product_product", True):
            return
        self.recompute(row)
        self._on_variant(row, vals)

    def after_write(self, row: Any, vals: dict[str, Any]) -> None:
        if "attribute_line_ids" in vals:
            self.db.mark(self.name, row.id)
            self.db.flush()
        products = self.db["product.product"]
        everyone = sorted(products.index["product_tmpl_id"].get(row.id, ()))
        if "active" in vals:
            for one in everyone:
                products.put(products.rows[one], "active", row.active)
        for one in everyone:  # documented: product_product.py, `_compute_write_date`: the later of the two
            products.touch(products.rows[one])
        self._on_variant(row, vals)

    def _on_variant(self, row: Any, vals: dict[str, Any]) -> None:
        """documented: product_template.py, `_set_product_variant_field`: only where there is exactly one variant."""
        given = {name: vals[name] for name in self._ON_VARIANT if name in vals}
        variants = self.lines_of(row)
        if given and len(variants) == 1:
            self.db["product.product"].change(self.db["product.product"].rows[variants[0]], given)

    def lines_of(self, row: Any) -> tuple[int, ...]:
        found: tuple[int, ...] = self.db["product.product"].lines("product_tmpl_id", row.id)
        return found

    def recompute(self, row: Any) -> None:
        """The variants the attribute lines ask for: made, brought back, or put away.

        documented: product_template.py, `_create_variant_ids`.
        """
        lines = self.db["product.template.attribute.line"]
        ptavs = self.db["product.template.attribute.value"]
        products = self.db["product.product"]
        axes = []
        for one in lines.lines("product_tmpl_id", row.id):
            attribute = self.db["product.attribute"].rows[lines.rows[one].attribute_id]
            values = [v for v in sorted(ptavs.index["attribute_line_id"].get(one, ())) if ptavs.rows[v].ptav_active]
            if attribute.create_variant == "always" and values:
                axes.append(values)
        wanted = [tuple(sorted(combination)) for combination in combinations(*axes)]
        existing = {
            products.rows[one].product_template_attribute_value_ids: one
            for one in sorted(products.index["product_tmpl_id"].get(row.id, ()))
        }
        for combination in wanted:
            if combination not in existing:
                made = {"product_tmpl_id": row.id, "product_template_attribute_value_ids": list(combination)}
                products.new(made)
            elif row.active:
                products.put(products.rows[existing[combination]], "active", True)
        for combination, one in existing.items():
            if combination not in wanted:
                products.put_away(products.rows[one])

    def first_variant(self, row: Any) -> Any:
        return next(iter(self.lines_of(row)), False)

    def variant_count(self, row: Any) -> int:
        return len(self.lines_of(row))

    def configurable(self, row: Any) -> bool:
        return bool(self.db["product.template.attribute.line"].lines("product_tmpl_id", row.id))

    def single(self, row: Any) -> float:
        return 0.0

    def never(self, row: Any) -> bool:
        return False

    def weight_unit(self, row: Any) -> str:
        """documented: product_template.py: kilograms and cubic metres unless the settings say pounds and feet."""
        return "kg"

    def volume_unit(self, row: Any) -> str:
        return "m³"

    def cost_method(self, row: Any) -> str:
        return "standard"

    def valuation(self, row: Any) -> str:
        return "periodic"

    def default_code(self, row: Any) -> Any:
        """documented: product_template.py, `_compute_default_code`: empty where there are several variants."""
        variants = self.lines_of(row)
        return self.db["product.product"].rows[variants[0]].default_code if len(variants) == 1 else False

    def barcode(self, row: Any) -> Any:
        variants = self.lines_of(row)
        return self.db["product.product"].rows[variants[0]].barcode if len(variants) == 1 else False

    def currency(self, row: Any) -> int:
        return int(self.db["res.company"].rows[1].currency_id)

    def qty_available(self, row: Any) -> float:
        products = self.db["product.product"]
        return float(sum(products.qty_available(products.rows[one]) for one in self.lines_of(row)))

    def virtual_available(self, row: Any) -> float:
        products = self.db["product.product"]
        return float(sum(products.virtual_available(products.rows[one]) for one in self.lines_of(row)))

    def incoming_qty(self, row: Any) -> float:
        return float(sum(self.db["stock.move"].open_quantities(one)[0] for one in self.lines_of(row)))

    def outgoing_qty(self, row: Any) -> float:
        return float(sum(self.db["stock.move"].open_quantities(one)[1] for one in self.lines_of(row)))


class Product(Model):
    name = "product.product"
    UNSEARCHABLE = frozenset(
        {
            "lst_price", "price_extra", "code", "currency_id", "product_variant_count", "weight_uom_name",
            "volume_uom_name", "cost_currency_id", "cost_method", "product_variant_id", "is_product_variant",
            "partner_ref", "company_currency_id", "sales_count", "avg_cost", "total_value", "image_1920",
        }
    )  # fmt: skip
    UNSORTABLE = frozenset(
        {
            "qty_available",
            "free_qty",
            "virtual_available",
            "incoming_qty",
            "outgoing_qty",
            "valuation",
            "uom_ids",
            "supplier_taxes_id",
        }
    )
    order = "default_code, name, id"
    FIELDS = {
        "default_code": char(index=True),
        "barcode": char(index=True),
        "active": boolean(default=True),
        "product_tmpl_id": many2one("product.template", required=True, index=True),
        "product_template_attribute_value_ids": many2many("product.template.attribute.value"),
        "product_template_variant_value_ids": many2many("product.template.attribute.value", compute="shown_values"),
        "combination_indices": char(compute="combination"),
        "standard_price": number(),
        "weight": number(digits=2),
        "volume": number(digits=2),
        "lst_price": number(compute="lst_price"),
        "price_extra": number(compute="price_extra"),
        "code": char(compute="code"),
        "stock_quant_ids": one2many("stock.quant", "product_id"),
        "qty_available": number(compute="qty_available"),
        "free_qty": number(compute="free_qty"),
        "virtual_available": number(compute="virtual_available"),
        "incoming_qty": number(compute="incoming_qty"),
        "outgoing_qty": number(compute="outgoing_qty"),
        **{
            name: Template.FIELDS[name].__class__(
                type=Template.FIELDS[name].type,
                relation=Template.FIELDS[name].relation,
                related=f"product_tmpl_id.{name}",
                required=Template.FIELDS[name].required,
                selection=Template.FIELDS[name].selection,
            )
            for name in (
                "name", "sequence", "description", "description_sale", "type", "is_storable", "tracking", "categ_id",
                "currency_id", "list_price", "sale_ok", "purchase_ok", "uom_id", "company_id", "product_variant_count",
                "taxes_id", "invoice_policy", "uom_name", "weight_uom_name", "volume_uom_name", "cost_currency_id",
                "description_purchase", "description_picking", "description_pickingout", "description_pickingin",
                "sale_line_warn_msg", "color", "is_favorite", "sale_delay", "responsible_id", "supplier_taxes_id",
                "uom_ids", "product_tag_ids", "optional_product_ids", "property_account_income_id",
                "property_account_expense_id", "service_type", "service_tracking", "expense_policy", "cost_method",
                "valuation", "product_variant_id", "has_configurable_attributes",
            )
        },
        "is_product_variant": boolean(compute="always"),
        "partner_ref": char(compute="display_name"),
        "company_currency_id": many2one("res.currency", compute="company_currency"),
        "stock_move_ids": one2many("stock.move", "product_id"),
        "sales_count": number(compute="sales_count", digits=2),
        "avg_cost": money(compute="average_cost"),
        "total_value": money(compute="total_value"),
        "image_variant_1920": Field("binary"),
        "image_1920": Field("binary", compute="image"),
        "product_variant_ids": one2many("product.product", "", related="product_tmpl_id.product_variant_ids"),
        "attribute_line_ids": one2many(
            "product.template.attribute.line", "", related="product_tmpl_id.attribute_line_ids"
        ),
    }  # fmt: skip

    def prepare(self, vals: dict[str, Any]) -> dict[str, Any]:
        """A variant made without its template makes one, as `_inherits` does."""
        if not vals.get("product_tmpl_id"):
            templates = self.db["product.template"]
            own = {name: vals[name] for name in self._on_template(vals)}
            context, self.db.context = self.db.context, {**self.db.context, "create_product_product": False}
            vals["product_tmpl_id"] = templates.new(own).id
            self.db.context = context
        return vals

    def created(self, row: Any, vals: dict[str, Any]) -> None:
        self._unique_barcode(row)

    def inverse(self, row: Any, vals: dict[str, Any]) -> None:
        """What belongs to the template is written there; `lst_price` less the attributes' extras."""
        template = self.db["product.template"].rows[row.product_tmpl_id]
        own = {name: vals[name] for name in self._on_template(vals)}
        if "lst_price" in vals:
            own["list_price"] = float(vals["lst_price"]) - self.price_extra(row)
        if "image_1920" in vals and row.id in self.rows:
            self._keep_image(row, template, vals["image_1920"])
        if own and row.id in self.rows:
            self.db["product.template"].change(template, own)

    def _keep_image(self, row: Any, template: Any, image: Any) -> None:
        """documented: product_product.py, `_set_template_field`: the only variant's picture is its template's."""
        templates = self.db["product.template"]
        if not template.image_1920 or len(templates.lines_of(template)) <= 1:
            self.put(row, "image_variant_1920", False)
            templates.change(template, {"image_1920": image})
        else:
            self.put(row, "image_variant_1920", image or False)

    def after_write(self, row: Any, vals: dict[str, Any]) -> None:
        self._unique_barcode(row)

    def _on_template(self, vals: dict[str, Any]) -> list[str]:
        return [name for name in vals if name in self.FIELDS and self.FIELDS[name].related and name in Template.FIELDS]

    def _unique_barcode(self, row: Any) -> None:
        """documented: product_product.py, `_check_barcodes_by_company`."""
        if row.barcode and len(self.index["barcode"].get(row.barcode, ())) > 1:
            raise ValidationError(f'Barcode(s) already assigned:\n\n- Barcode "{row.barcode}" already assigned')

    def put_away(self, row: Any) -> None:
        """documented: product_product.py, `_unlink_or_archive`: archived where something refers to it."""
        used = self.db["sale.order.line"].index["product_id"].get(row.id) or self.db["stock.quant"].index[
            "product_id"
        ].get(row.id)
        if used:
            self.put(row, "active", False)
        else:
            self.drop(row)

    def before_unlink(self, row: Any) -> None:
        if self.db["sale.order.line"].index["product_id"].get(row.id):
            raise ValidationError(
                "The operation cannot be completed: another model requires the record being deleted. "
                "If possible, archive it instead.\nModel: Sales Order Line (sale.order.line)"
            )

    def display_name(self, row: Any) -> str:
        values = ", ".join(self._value_names(row))
        name = self.db["product.template"].rows[row.product_tmpl_id].name
        shown = f"{name} ({values})" if values else name
        return f"[{row.default_code}] {shown}" if row.default_code else shown

    def _value_names(self, row: Any) -> list[str]:
        ptavs = self.db["product.template.attribute.value"]
        return [ptavs.value(ptavs.rows[one], "name") for one in self.shown_values(row)]

    def shown_values(self, row: Any) -> tuple[int, ...]:
        """Values of axes with a single value are not part of a variant's name."""
        ptavs = self.db["product.template.attribute.value"]
        lines = self.db["product.template.attribute.line"]
        ids: tuple[int, ...] = row.product_template_attribute_value_ids
        return tuple(one for one in ids if len(lines.rows[ptavs.rows[one].attribute_line_id].value_ids) > 1)

    def combination(self, row: Any) -> str:
        return ",".join(str(one) for one in sorted(row.product_template_attribute_value_ids))

    def price_extra(self, row: Any) -> float:
        ptavs = self.db["product.template.attribute.value"]
        return float(sum(ptavs.rows[one].price_extra for one in row.product_template_attribute_value_ids))

    def lst_price(self, row: Any) -> float:
        return round_to(self.db["product.template"].rows[row.product_tmpl_id].list_price + self.price_extra(row), 6)

    def code(self, row: Any) -> Any:
        return row.default_code

    def always(self, row: Any) -> bool:
        return True

    def company_currency(self, row: Any) -> int:
        return int(self.db["res.company"].rows[1].currency_id)

    def average_cost(self, row: Any) -> float:
        return float(row.standard_price)

    def total_value(self, row: Any) -> float:
        """documented: odoo/addons/stock_account/models/product.py: what is on hand at the standard price."""
        return round_to(row.standard_price * self.qty_available(row))

    def sales_count(self, row: Any) -> float:
        """documented: odoo/addons/sale/models/product_product.py: the quantity ordered in a year."""
        lines, orders = self.db["sale.order.line"], self.db["sale.order"]
        found = [lines.rows[one] for one in lines.index["product_id"].get(row.id, ())]
        return round_to(sum(line.product_uom_qty for line in found if orders.rows[line.order_id].state == "sale"))

    def image(self, row: Any) -> Any:
        """documented: product_product.py, `_compute_image_1920`: the variant's own, else the template's.

        judgement: a picture is handed back as it came; a real server may shrink it to 1920 pixels.
        """
        return row.image_variant_1920 or self.db["product.template"].rows[row.product_tmpl_id].image_1920

    def qty_available(self, row: Any) -> float:
        return float(self.db["stock.quant"].on_hand(row.id)[0])

    def free_qty(self, row: Any) -> float:
        """documented: odoo/addons/stock/models/product.py: free_qty = qty_available - reserved."""
        have, reserved = self.db["stock.quant"].on_hand(row.id)
        return float(round(have - reserved, 2))

    def incoming_qty(self, row: Any) -> float:
        return float(self.db["stock.move"].open_quantities(row.id)[0])

    def outgoing_qty(self, row: Any) -> float:
        return float(self.db["stock.move"].open_quantities(row.id)[1])

    def virtual_available(self, row: Any) -> float:
        coming, going = self.db["stock.move"].open_quantities(row.id)
        return float(round(self.qty_available(row) + coming - going, 2))

    @on_records
    def get_contextual_price(self, ids: list[int]) -> dict[int, float]:
        """judgement: the live server answers a recordset-keyed float; JSON can only say id → price."""
        lists = self.db["product.pricelist"]
        pricelist = self.db.context.get("pricelist") or False
        quantity = float(self.db.context.get("quantity") or 1)
        return {one: lists.price(pricelist, self.get(one), quantity) for one in ids}


MODELS: tuple[type[Model], ...] = (
    Template,
    Product,
)
