"""Attributes, their values, and the lines by which a template asks for variants.

documented: odoo/addons/product/models/product_{attribute,attribute_value,template_attribute_line,
template_attribute_value}.py
"""

from __future__ import annotations

from typing import Any

from integrations.simulators.odoo.errors import ValidationError
from integrations.simulators.odoo.fields import (
    boolean,
    char,
    choice,
    integer,
    many2many,
    many2one,
    number,
    one2many,
)
from integrations.simulators.odoo.orm import Model


class Attribute(Model):
    name = "product.attribute"
    order = "sequence, id"
    FIELDS = {
        "name": char(required=True, index=True),
        "sequence": integer(default=20),
        "active": boolean(default=True),
        "create_variant": choice("always", "dynamic", "no_variant", default="always", required=True),
        "display_type": choice("radio", "pills", "select", "color", "multi", "image", default="radio", required=True),
        "value_ids": one2many("product.attribute.value", "attribute_id"),
    }


class AttributeValue(Model):
    name = "product.attribute.value"
    order = "attribute_id, sequence, id"
    FIELDS = {
        "name": char(required=True, index=True),
        "sequence": integer(),
        "active": boolean(default=True),
        "attribute_id": many2one("product.attribute", required=True, index=True),
        "default_extra_price": number(),
    }

    def display_name(self, row: Any) -> str:
        return f"{self.db['product.attribute'].rows[row.attribute_id].name}: {row.name}"

    def created(self, row: Any, vals: dict[str, Any]) -> None:
        """documented: product_attribute_value.py, `_value_company_uniq`: a value's name is unique in its attribute."""
        same = [self.rows[one] for one in self.index["attribute_id"].get(row.attribute_id, ())]
        if any(other.name == row.name for other in same if other.id != row.id):
            raise ValidationError("You cannot create two values with the same name for the same attribute.")


class AttributeLine(Model):
    name = "product.template.attribute.line"
    order = "sequence, attribute_id, id"
    FIELDS = {
        "sequence": integer(default=10),
        "active": boolean(default=True),
        "product_tmpl_id": many2one("product.template", required=True, index=True),
        "attribute_id": many2one("product.attribute", required=True, index=True),
        "value_ids": many2many("product.attribute.value", required=True),
        "value_count": integer(compute="value_count"),
        "product_template_value_ids": one2many("product.template.attribute.value", "attribute_line_id"),
    }

    def value_count(self, row: Any) -> int:
        return len(row.value_ids)

    def display_name(self, row: Any) -> str:
        return str(self.db["product.attribute"].rows[row.attribute_id].name)

    def created(self, row: Any, vals: dict[str, Any]) -> None:
        self._values(row)

    def after_write(self, row: Any, vals: dict[str, Any]) -> None:
        self._values(row)

    def before_unlink(self, row: Any) -> None:
        self.put(row, "value_ids", ())
        self._values(row, check=False)

    def _values(self, row: Any, *, check: bool = True) -> None:
        """One product.template.attribute.value per value of the line, then the variants they make."""
        if check and not row.value_ids:
            raise ValidationError(f"The attribute {self.display_name(row)} must have at least one value.")
        ptavs = self.db["product.template.attribute.value"]
        known = {
            ptavs.rows[one].product_attribute_value_id: one for one in ptavs.index["attribute_line_id"].get(row.id, ())
        }
        for value in row.value_ids:
            if value not in known:
                ptavs.new({"attribute_line_id": row.id, "product_attribute_value_id": value})
            else:
                ptavs.put(ptavs.rows[known[value]], "ptav_active", True)
        for value, one in known.items():
            if value not in row.value_ids:
                ptavs.put(ptavs.rows[one], "ptav_active", False)
        self.db.mark("product.template", row.product_tmpl_id)


class TemplateAttributeValue(Model):
    name = "product.template.attribute.value"
    order = "attribute_line_id, id"
    FIELDS = {
        "ptav_active": boolean(default=True),
        "name": char(related="product_attribute_value_id.name"),
        "product_attribute_value_id": many2one("product.attribute.value", required=True, index=True),
        "attribute_line_id": many2one("product.template.attribute.line", required=True, index=True),
        "attribute_id": many2one("product.attribute", related="attribute_line_id.attribute_id"),
        "product_tmpl_id": many2one("product.template", related="attribute_line_id.product_tmpl_id"),
        "price_extra": number(),
    }

    def display_name(self, row: Any) -> str:
        return str(self.db["product.attribute.value"].display_name(
            self.db["product.attribute.value"].rows[row.product_attribute_value_id]
        ))  # fmt: skip


MODELS: tuple[type[Model], ...] = (
    Attribute,
    AttributeValue,
    AttributeLine,
    TemplateAttributeValue,
)
