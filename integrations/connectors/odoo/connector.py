"""Odoo as back office and accounting: https://www.odoo.com/documentation/19.0/developer/reference/external_api.html

No webhooks: Odoo's core has only outgoing automation rules somebody would have to set up in its interface, unsigned, so
everything is polled. Versions before 19 have the same methods behind older doors: doors.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from integrations.connectors.odoo.catalogue import OdooCatalogue
from integrations.connectors.odoo.doors import JSON_RPC, XML_RPC
from integrations.connectors.odoo.payments import OdooPayments
from integrations.connectors.odoo.reads import VALUE_MODELS, OdooReads
from integrations.connectors.odoo.state import OdooState
from integrations.contract import records as r
from integrations.contract.connector import Field, Idempotency, RateLimit, Role, Safety

SEARCH = Idempotency(safety=Safety.SEARCH)
REPEATABLE = Idempotency(safety=Safety.REPEATABLE)
NONE = Idempotency(safety=Safety.NONE)


class Odoo(OdooCatalogue, OdooReads, OdooPayments, OdooState):
    """What the class says about itself; the work is in catalogue.py, reads.py, commands.py,
    payments.py and state.py."""

    key = "odoo"
    label = "Odoo"
    docs_url = "https://www.odoo.com/documentation/19.0/developer/reference/external_api.html"
    roles = frozenset({Role.BACK_OFFICE, Role.ACCOUNTING})
    credential_fields = (
        Field(
            name="api_key",
            label="API key",
            kind="secret",
            help_text="In Odoo: your user's preferences, Account Security, New API Key. Use a user of its own.",
        ),
    )
    settings_fields = (
        Field(name="url", label="Address", kind="url", help_text="https://mycompany.odoo.com"),
        Field(
            name="version",
            label="Version",
            kind="choice",
            required=False,
            default="json2",
            choices=(
                ("json2", "19 or later (JSON-2)"),
                (JSON_RPC, "before 19 (JSON-RPC)"),
                (XML_RPC, "before 19 (XML-RPC), where JSON-RPC is closed"),
            ),
        ),
        Field(
            name="database",
            label="Database",
            required=False,
            help_text="Needed before version 19, and where a server has several.",
        ),
        Field(name="login", label="User", required=False, help_text="The login of the key's user, before version 19."),
        Field(
            name="guest_partner_id",
            label="Partner for guests",
            required=False,
            help_text="Id of the partner that orders without a customer are booked on.",
        ),
        Field(name="pricelist_id", label="Price list", required=False, help_text="Id of a list to read besides."),
        Field(
            name="inward_prices",
            label="Prices of the last goods received",
            kind="boolean",
            required=False,
            default=False,
            help_text="Read what was paid a unit for what came in last; takes Odoo 19 with inventory valuation.",
        ),
        Field(
            name="photos",
            label="Photos",
            kind="boolean",
            required=False,
            default=False,
            help_text="Read each product's picture too: one more call a product.",
        ),
        Field(name="stock_by_warehouse", label="Stock by warehouse", kind="boolean", required=False, default=False),
        Field(
            name="push_warehouse_id",
            label="Warehouse that takes stock figures",
            required=False,
            help_text="Id; not needed where there is only one.",
        ),
        Field(
            name="search_lag_seconds",
            label="Search lag (seconds)",
            kind="integer",
            required=False,
            default=0,
            help_text="0 unless Odoo reads from a replica of its database: then how far that may be behind.",
        ),
    )
    rate_limit = RateLimit(per_second=10, burst=20, concurrency=4)
    stock_basis = r.StockBasis.AVAILABLE
    product_fields = frozenset({"name", "description"})
    order_fields = frozenset({"number", "note", "location_external_id", "purchase_order", "requested_at",
                              "shipping_method", "salesperson", "custom"})  # fmt: skip
    idempotency: ClassVar[Mapping[str, Idempotency]] = {
        # Odoo knows no idempotency key; its searches are SQL queries and see every committed record.
        "create_order": SEARCH,
        "create_customer": SEARCH,
        "create_refund": SEARCH,
        "create_payment": SEARCH,
        "create_invoice": REPEATABLE,  # looks at the order's invoices, or for its reference, first
        "create_return": NONE,
        "create_product": NONE,
        "update_customer": REPEATABLE,
        "update_order": REPEATABLE,
        "update_order_status": REPEATABLE,
        "cancel_order": REPEATABLE,
        "cancel_invoice": REPEATABLE,
        "cancel_order_lines": NONE,  # cancel_order with lines
    }
    value_kinds = (*VALUE_MODELS, "status")

    @classmethod
    def base_url(cls, credentials: Mapping[str, str], settings: Mapping[str, Any]) -> str:
        return str(settings["url"]).rstrip("/")

    @classmethod
    def product_groups(cls, settings: Mapping[str, Any]) -> frozenset[str]:
        groups = super().product_groups(settings)
        return groups if settings.get("photos") else groups - {"photos"}

    @classmethod
    def safety(cls, command: str, settings: Mapping[str, Any] | None = None) -> Idempotency:
        declared = super().safety(command, settings)
        if declared.safety is Safety.SEARCH or command == "create_invoice":
            return replace(declared, lag_seconds=int((settings or {}).get("search_lag_seconds") or 0))
        return declared
