"""Our own API as a platform: who calls it is a connection like any other, and speaks its own codes.

It is described by itself: /api/v1/docs/. Nothing is asked there: what happens comes in by calls to our API, and goes
out as its answers and webhooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.contract import records as r
from integrations.contract.connector import Connector, Field, RateLimit, Role


class Api(Connector):
    key = "api"
    label = "Our API"
    docs_url = "/api/v1/docs/"
    roles = frozenset({Role.STORE, Role.CHANNEL, Role.BACK_OFFICE, Role.ACCOUNTING})
    credential_fields = ()
    settings_fields = (
        Field(name="currency", label="Currency", required=False, help_text="As GBP; empty: the merchant's."),
        Field(name="freight", label="Freight", required=False, default="0", help_text="What quotes add for sending."),
        Field(name="freight_free_from", label="No freight from", required=False, help_text="An amount, or nothing."),
        Field(
            name="price_difference",
            label="Prices may differ by",
            required=False,
            default="0",
            help_text="An order taken while the back office did not answer goes by itself up to this difference.",
        ),
    )
    rate_limit = RateLimit(per_second=10, burst=20)

    @classmethod
    def base_url(cls, credentials: Mapping[str, str], settings: Mapping[str, Any]) -> str:
        """Nothing is dialled: a name that leads nowhere, https://www.rfc-editor.org/rfc/rfc2606"""
        return "https://api.invalid"

    def check(self) -> r.CheckResult:
        """There is nothing to reach: it answers where this portal does."""
        return r.CheckResult(account="this portal's own API", version="1")
