"""What a key to the API may be allowed: a closed list. A key without scopes may everything of its merchant."""

from __future__ import annotations

from collections.abc import Mapping

SCOPES: Mapping[str, str] = {
    "items:read": "Items, their prices and stock",
    "stock:read": "Stock and prices only",
    "stock:write": "Write stock",
    "prices:write": "Write prices",
    "products:write": "Write products",
    "orders:read": "Read orders",
    "orders:write": "Create, bill, cancel and return orders; quotes",
    "customers:write": "Create customers",
    "shipments:write": "Report shipments",
    "invoices:write": "Report invoices",
    "feeds": "Send files",
    "procedures": "Start procedures and read how they went",
    "webhooks": "Be told of what changes",
    "sessions": "Open a session for a named customer",
}
# What an app's key may by itself: it may be public, so all else needs a session of one customer.
APP_SCOPES = frozenset({"items:read", "sessions"})
