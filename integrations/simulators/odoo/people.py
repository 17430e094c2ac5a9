"""Users, the company, currencies, countries, payment terms and contacts (res.*).

documented: specs/odoo/live-doc/res.partner.json; odoo/addons/base/models/res_partner.py
"""

from __future__ import annotations

from email.utils import formataddr, getaddresses
from typing import Any

from integrations.simulators.odoo.errors import ValidationError
from integrations.simulators.odoo.fields import (
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
    text,
)
from integrations.simulators.odoo.orm import Model, on_model, on_records


class Currency(Model):
    name = "res.currency"
    FIELDS = {
        "name": char(required=True, index=True),
        "symbol": char(),
        "decimal_places": integer(default=2),
        "rounding": number(default=0.01),
        "active": boolean(default=True),
    }


class Country(Model):
    name = "res.country"
    FIELDS = {"name": char(required=True), "code": char(index=True)}


class CountryState(Model):
    name = "res.country.state"
    FIELDS = {"name": char(required=True), "code": char(), "country_id": many2one("res.country", required=True)}


class Company(Model):
    name = "res.company"
    FIELDS = {
        "name": char(required=True),
        "currency_id": many2one("res.currency", required=True),
        "partner_id": many2one("res.partner", index=True),
        "country_id": many2one("res.country"),
        "account_sale_tax_id": many2one("account.tax"),
        "account_fiscal_country_id": many2one("res.country", default=1),
        "account_price_include": choice("tax_included", "tax_excluded", default="tax_excluded", required=True),
        "tax_calculation_rounding_method": choice(
            "round_globally", "round_per_line", default="round_per_line", required=True
        ),
    }


class User(Model):
    name = "res.users"
    FIELDS = {
        "name": char(required=True),
        "login": char(required=True, index=True),
        "active": boolean(default=True),
        "partner_id": many2one("res.partner", index=True),
        "company_id": many2one("res.company"),
        "company_ids": many2many("res.company"),
        "lang": char(default="en_US"),
        "tz": char(default="UTC"),
    }

    @on_model
    def context_get(self) -> dict[str, Any]:
        """documented: odoo/addons/base/models/res_users.py, `context_get`."""
        return {"lang": "en_US", "tz": "UTC", "uid": 2}

    @on_records
    def has_group(self, ids: list[int], group_ext_id: str) -> bool:
        """judgement: the key's user is an administrator of sales, stock and accounting, and of nothing else."""
        return group_ext_id.partition(".")[0] in {"base", "sales_team", "stock", "account", "product"}


class PaymentTerm(Model):
    name = "account.payment.term"
    FIELDS = {"name": char(required=True), "active": boolean(default=True), "note": html()}


class PartnerCategory(Model):
    name = "res.partner.category"
    FIELDS = {"name": char(required=True), "parent_id": many2one("res.partner.category", index=True)}


class Partner(Model):
    name = "res.partner"
    UNSEARCHABLE = frozenset(
        {
            "company_type",
            "use_partner_credit_limit",
            "total_invoiced",
            "currency_id",
            "property_product_pricelist",
            "sale_order_count",
            "contact_address",
            "email_formatted",
            "account_move_count",
            "supplier_invoice_count",
        }
    )
    UNSORTABLE = frozenset({"credit", "debit"})
    order = "complete_name, id desc"
    FIELDS = {
        "name": char(),
        "complete_name": char(compute="display_name"),
        "active": boolean(default=True),
        "ref": char(index=True),
        "email": char(index=True),
        "phone": char(),
        "vat": char(),
        "website": char(),
        "comment": html(),
        "lang": choice("en_US"),
        "is_company": boolean(),
        "company_type": choice("person", "company", compute="company_type"),
        "company_name": char(),
        "company_id": many2one("res.company"),
        "type": choice("contact", "invoice", "delivery", "other", default="contact"),
        "parent_id": many2one("res.partner", index=True),
        "child_ids": one2many("res.partner", "parent_id"),
        "commercial_partner_id": many2one("res.partner", compute="commercial_partner"),
        "category_id": many2many("res.partner.category"),
        "street": char(),
        "street2": char(),
        "zip": char(),
        "city": char(),
        "state_id": many2one("res.country.state"),
        "country_id": many2one("res.country"),
        "country_code": char(related="country_id.code"),
        "parent_name": char(related="parent_id.name"),
        "commercial_company_name": char(compute="commercial_name"),
        "contact_address": char(compute="contact_address"),
        "email_formatted": char(compute="email_formatted"),
        "email_normalized": char(compute="email_normalized"),
        "function": char(),
        "company_registry": char(),
        "barcode": char(),
        "global_location_number": char(),
        "tz": choice(),
        "color": integer(),
        "employee": boolean(),
        "partner_share": boolean(compute="shared"),
        "user_ids": one2many("res.users", "partner_id"),
        "ref_company_ids": one2many("res.company", "partner_id"),
        "trust": choice("good", "normal", "bad", default="normal"),
        "sale_warn_msg": text(),
        "picking_warn_msg": text(),
        "debit": money(compute="debit"),
        "account_move_count": integer(compute="account_move_count"),
        "supplier_invoice_count": integer(compute="supplier_invoice_count"),
        "property_account_receivable_id": many2one(
            "account.account", default=lambda m: m.db.places.get("asset_receivable")
        ),
        "property_account_payable_id": many2one(
            "account.account", default=lambda m: m.db.places.get("liability_payable")
        ),
        "property_account_position_id": many2one("account.fiscal.position"),
        "property_supplier_payment_term_id": many2one("account.payment.term"),
        "property_stock_customer": many2one("stock.location", default=lambda m: m.db.places.get("customer")),
        "property_stock_supplier": many2one("stock.location", default=lambda m: m.db.places.get("supplier")),
        "user_id": many2one("res.users"),
        "credit": money(compute="credit"),
        "credit_limit": number(),
        "use_partner_credit_limit": boolean(compute="limited"),
        "total_invoiced": money(compute="total_invoiced"),
        "currency_id": many2one("res.currency", compute="currency"),
        "customer_rank": integer(),
        "supplier_rank": integer(),
        "property_payment_term_id": many2one("account.payment.term"),
        "property_product_pricelist": many2one("product.pricelist", compute="pricelist"),
        "specific_property_product_pricelist": many2one("product.pricelist"),
        "sale_order_ids": one2many("sale.order", "partner_id"),
        "sale_order_count": integer(compute="order_count"),
        "invoice_ids": one2many("account.move", "partner_id"),
    }

    def prepare(self, vals: dict[str, Any]) -> dict[str, Any]:
        if "company_type" in vals:
            vals.setdefault("is_company", vals["company_type"] == "company")
        return vals

    def created(self, row: Any, vals: dict[str, Any]) -> None:
        self._need_name(row)

    def after_write(self, row: Any, vals: dict[str, Any]) -> None:
        self._need_name(row)

    def inverse(self, row: Any, vals: dict[str, Any]) -> None:
        if "company_type" in vals:
            self.put(row, "is_company", vals["company_type"] == "company")
        if "property_product_pricelist" in vals:
            self.put(row, "specific_property_product_pricelist", vals["property_product_pricelist"] or False)

    @staticmethod
    def _need_name(row: Any) -> None:
        """documented: res_partner.py, constraint check_name: a contact needs a name, an address does not."""
        if row.type == "contact" and not row.name:
            raise ValidationError("The operation cannot be completed: Contacts require a name")

    def display_name(self, row: Any) -> str:
        """documented: res_partner.py, `_get_complete_name`: the company first, the kind of address where unnamed."""
        own = row.name or {"invoice": "Invoice", "delivery": "Delivery", "other": "Other"}.get(row.type, "")
        parent = self.rows.get(row.parent_id) if row.parent_id else None
        return f"{parent.name or ''}, {own}" if parent is not None and not row.is_company else own

    def company_type(self, row: Any) -> str:
        return "company" if row.is_company else "person"

    def commercial_partner(self, row: Any) -> int:
        while row.parent_id and not row.is_company and row.parent_id in self.rows:
            row = self.rows[row.parent_id]
        return int(row.id)

    def credit(self, row: Any) -> float:
        """What is open on the receivable account.

        documented: odoo/addons/account/models/partner.py, `_credit_debit_get`: posted lines, unpaid residuals.
        """
        lines = self.db["account.move.line"]
        wanted = self.descendants([row.id])
        found = [lines.rows[one] for partner in wanted for one in lines.index["partner_id"].get(partner, ())]
        return float(round(sum(line.amount_residual for line in found if lines.is_open_receivable(line)), 2))

    def total_invoiced(self, row: Any) -> float:
        moves = self.db["account.move"]
        found = [
            moves.rows[one] for partner in self.descendants([row.id]) for one in moves.lines("partner_id", partner)
        ]
        signs = {"out_invoice": 1, "out_refund": -1}
        return float(round(sum(m.amount_untaxed * signs.get(m.move_type, 0) for m in found if m.state == "posted"), 2))

    def debit(self, row: Any) -> float:
        """What we owe a supplier. judgement: nothing is bought here, so it is what a payable's entries leave open."""
        lines = self.db["account.move.line"]
        found = [
            lines.rows[one]
            for partner in self.descendants([row.id])
            for one in lines.index["partner_id"].get(partner, ())
        ]
        return float(round(-sum(line.amount_residual for line in found if lines.kind(line) == "liability_payable"), 2))

    def account_move_count(self, row: Any) -> int:
        """documented: odoo/addons/account/models/partner.py: the items of posted entries, family included."""
        return self._count_moves(row, "out_invoice", "out_refund", "in_invoice", "in_refund", "entry")

    def supplier_invoice_count(self, row: Any) -> int:
        return self._count_moves(row, "in_invoice", "in_refund")

    def _count_moves(self, row: Any, *kinds: str) -> int:
        moves = self.db["account.move"]
        found = [moves.rows[one] for p in self.descendants([row.id]) for one in moves.lines("partner_id", p)]
        return sum(1 for move in found if move.move_type in kinds and move.state == "posted")

    def commercial_name(self, row: Any) -> Any:
        """documented: res_partner.py, `_compute_commercial_company_name`."""
        company = self.rows[self.commercial_partner(row)]
        return (company.is_company and company.name) or row.company_name

    def contact_address(self, row: Any) -> str:
        """documented: res_partner.py, `_display_address`, in base's default format, the company's name first."""
        state, country = self.db["res.country.state"].rows.get(row.state_id), self._country(row)
        town = f"{row.city or ''} {state.code if state is not None else ''} {row.zip or ''}"
        lines = [self.commercial_name(row), row.street, row.street2, town.strip() and town, country]
        return "\n".join(line for line in lines if line)

    def _country(self, row: Any) -> str:
        country = self.db["res.country"].rows.get(row.country_id)
        return str(country.name) if country is not None else ""

    def email_normalized(self, row: Any) -> Any:
        """documented: odoo/tools/mail.py, `email_normalize`: one address, in lower case; else nothing."""
        found = [address for _, address in getaddresses([row.email or ""]) if "@" in address]
        return found[0].lower() if len(found) == 1 else False

    def email_formatted(self, row: Any) -> Any:
        """documented: res_partner.py, `_compute_email_formatted`."""
        return formataddr((row.name or "False", self.email_normalized(row) or row.email)) if row.email else False

    def shared(self, row: Any) -> bool:
        """Customers and all who are no users of ours."""
        return not self.db["res.users"].lines("partner_id", row.id)

    def limited(self, row: Any) -> bool:
        return bool(row.credit_limit)

    def currency(self, row: Any) -> int:
        return int(self.db["res.company"].rows[1].currency_id)

    def pricelist(self, row: Any) -> Any:
        return row.specific_property_product_pricelist or min(self.db["product.pricelist"].rows, default=False)

    def order_count(self, row: Any) -> int:
        return len(self.db["sale.order"].lines("partner_id", row.id))

    def address(self, row: Any, kind: str) -> int:
        """documented: res_partner.py, `address_get`: a child of that kind, else the contact itself."""
        for one in self.lines("parent_id", row.id):
            if self.rows[one].type == kind:
                return int(one)
        return int(row.id)


MODELS: tuple[type[Model], ...] = (
    Currency, Country, CountryState, Company, User, PaymentTerm, PartnerCategory, Partner,
)  # fmt: skip
