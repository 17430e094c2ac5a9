"""What a fresh Odoo with sales, stock and accounting holds before anybody works in it.

documented: odoo/addons/{base,stock,account}/data. judgement: the company trades in pounds sterling, as the sample data
does, and has sales taxes of 0, 5 and 20 % beside the default 15 % of the generic chart of accounts.
"""

from __future__ import annotations

from typing import Any

from integrations.simulators.odoo import (
    account,
    account_items,
    account_payments,
    moves,
    people,
    picking,
    pricing,
    product,
    product_attributes,
    returns,
    sale,
    sale_invoices,
    sale_lines,
    stock,
)
from integrations.simulators.odoo.orm import Database, Model

MODELS: tuple[type[Model], ...] = (
    *people.MODELS, *pricing.MODELS, *product_attributes.MODELS, *product.MODELS, *stock.MODELS, *moves.MODELS,
    *picking.MODELS, *returns.MODELS, *sale.MODELS, *sale_lines.MODELS, *sale_invoices.MODELS, *account.MODELS,
    *account_items.MODELS, *account_payments.MODELS,
)  # fmt: skip
COUNTRIES = (
    ("United Kingdom", "GB"), ("Germany", "DE"), ("France", "FR"), ("Netherlands", "NL"), ("Belgium", "BE"),
    ("Spain", "ES"), ("Italy", "IT"), ("Portugal", "PT"), ("Ireland", "IE"), ("Austria", "AT"), ("Switzerland", "CH"),
    ("Sweden", "SE"), ("Norway", "NO"), ("Denmark", "DK"), ("Finland", "FI"), ("Iceland", "IS"), ("Poland", "PL"),
    ("Czech Republic", "CZ"), ("Greece", "GR"), ("Cyprus", "CY"), ("Malta", "MT"), ("Lithuania", "LT"),
    ("Japan", "JP"), ("Australia", "AU"), ("Singapore", "SG"), ("Hong Kong", "HK"), ("Israel", "IL"),
    ("Lebanon", "LB"), ("Bahrain", "BH"), ("Saudi Arabia", "SA"), ("United Arab Emirates", "AE"), ("Brazil", "BR"),
    ("Canada", "CA"), ("United States", "US"), ("South Africa", "ZA"), ("India", "IN"), ("China", "CN"),
)  # fmt: skip


def build() -> Database:
    """A database with its seed in it; none of it is ever hidden by the search lag."""
    db = Database(MODELS)
    db.begin()
    _company(db)
    _accounts(db)
    _stock(db)
    db.flush()
    db.commit()
    settle(db)
    return db


def settle(db: Database) -> None:
    """Records that were there before: a search lag does not hide them."""
    for model in db.models.values():
        for row in model.rows.values():
            row.touched = 0.0


def _company(db: Database) -> None:
    for name, symbol in (("GBP", "£"), ("EUR", "€"), ("USD", "$")):
        db["res.currency"].new({"name": name, "symbol": symbol})
    for name, code in COUNTRIES:
        db["res.country"].new({"name": name, "code": code})
    db["res.company"].new({"name": "My Company", "currency_id": 1, "country_id": 1})
    own = db["res.partner"].new({"name": "My Company", "is_company": True, "country_id": 1})
    system = db["res.partner"].new({"name": "OdooBot", "email": "odoobot@example.com"})
    admin = db["res.partner"].new({"name": "Administrator", "email": "admin@example.com", "parent_id": own.id})
    db["res.company"].change(db["res.company"].rows[1], {"partner_id": own.id})
    for name, login, partner in (("OdooBot", "__system__", system), ("Administrator", "admin", admin)):
        db["res.users"].new({"name": name, "login": login, "partner_id": partner.id, "company_id": 1,
                             "company_ids": [[6, 0, [1]]]})  # fmt: skip
    for name in ("Immediate Payment", "15 Days", "21 Days", "30 Days", "45 Days"):
        db["account.payment.term"].new({"name": name})
    db["product.pricelist"].new({"name": "Default", "currency_id": 1})
    db["uom.uom"].new({"name": "Units"})
    db["product.category"].new({"name": "Goods"})


def _accounts(db: Database) -> None:
    accounts: list[tuple[str, str, str]] = [
        ("asset_receivable", "121000", "Account Receivable"), ("asset_cash", "101401", "Bank"),
        ("liability_payable", "211000", "Account Payable"), ("liability_current", "251000", "Tax Received"),
        ("income", "400000", "Product Sales"), ("expense", "600000", "Expenses"),
    ]  # fmt: skip
    for kind, code, name in accounts:
        db.places[kind] = db["account.account"].new({"name": name, "code": code, "account_type": kind}).id
    journals: list[tuple[str, str, str]] = [
        ("Customer Invoices", "INV", "sale"), ("Vendor Bills", "BILL", "purchase"),
        ("Miscellaneous Operations", "MISC", "general"), ("Bank", "BNK1", "bank"), ("Cash", "CSH1", "cash"),
    ]  # fmt: skip
    for name, code, kind in journals:
        db["account.journal"].new({"name": name, "code": code, "type": kind})
    taxes: list[dict[str, Any]] = [
        {"name": "15%", "amount": 15.0}, {"name": "15%", "amount": 15.0, "type_tax_use": "purchase"},
        {"name": "0%", "amount": 0.0}, {"name": "5%", "amount": 5.0}, {"name": "20%", "amount": 20.0},
    ]  # fmt: skip
    made = [db["account.tax"].new(tax) for tax in taxes]
    db["res.company"].change(db["res.company"].rows[1], {"account_sale_tax_id": made[0].id})


def _stock(db: Database) -> None:
    partners = db["stock.location"].new({"name": "Partners", "usage": "view"})
    virtual = db["stock.location"].new({"name": "Virtual Locations", "usage": "view"})
    for usage, name, parent in (
        ("supplier", "Vendors", partners), ("customer", "Customers", partners),
        ("inventory", "Inventory adjustment", virtual),
    ):  # fmt: skip
        place = db["stock.location"].new({"name": name, "usage": usage, "location_id": parent.id})
        db.places[usage] = place.id
    db["stock.warehouse"].new({"name": "My Company", "code": "WH"})
