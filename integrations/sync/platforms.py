"""What the portal's pages may know of a platform: its name, its form, what it can do. No connector is built here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.contract.connector import Connector, Field, Level, Preset, Role, Section
from integrations.contract.records import StockBasis
from integrations.registry import get_connector, list_connectors

# Kind of record → what is done with it → the connector's methods that takes.
MATRIX: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "Products": (
        ("read", ("pull_products",)),
        ("change there", ("push_products",)),
        ("create there", ("create_product",)),
    ),
    "Stock": (("read", ("pull_stock",)), ("send", ("push_stock",))),
    "Prices": (("read", ("pull_prices",)), ("send", ("push_prices",)), ("quote", ("quote_prices",))),
    "Customers": (
        ("read", ("pull_customers",)),
        ("create there", ("create_customer",)),
        ("change there", ("update_customer",)),
        ("account and balance", ("get_account",)),
        ("ledger", ("list_ledger",)),
    ),
    "Orders": (
        ("read", ("pull_orders",)),
        ("create there, once", ("create_order", "find_order")),
        ("change there", ("update_order",)),
        ("cancel there", ("cancel_order",)),
        ("tell the status", ("update_order_status",)),
    ),
    "Shipments": (("read", ("pull_shipments",)), ("create there", ("create_shipment",))),
    "Invoices": (
        ("read", ("pull_invoices",)),
        ("create there", ("create_invoice",)),
        ("cancel there", ("cancel_invoice",)),
    ),
    "Payments": (("read", ("pull_payments",)), ("register there", ("create_payment",))),
    "Returns": (("read", ("pull_returns",)), ("create there", ("create_return",))),
    "Refunds": (("book there", ("create_refund",)),),
    "Itself": (
        ("be tested", ("check",)),
        ("tell us at once", ("subscribe_webhooks", "receive_webhook")),
        ("be told at once", ("notify",)),
        ("list its locations", ("list_locations",)),
        ("list its values", ("list_values",)),
    ),
}
# The flows the engine carries out, and the method each needs (sync.pull, sync.push; BY_MESSAGE go without).
FLOWS: dict[tuple[str, str], tuple[str, ...]] = {
    ("product", "pull"): ("pull_products",),
    ("stock", "pull"): ("pull_stock",),
    ("price", "pull"): ("pull_prices",),
    ("customer", "pull"): ("pull_customers",),
    ("order", "pull"): ("pull_orders",),
    ("shipment", "pull"): ("pull_shipments",),
    ("invoice", "pull"): ("pull_invoices",),
    ("return", "pull"): ("pull_returns",),
    ("payment", "pull"): ("pull_payments",),
    ("payment", "push"): ("create_payment",),
    ("product", "push"): ("push_products",),
    ("stock", "push"): ("push_stock",),
    ("price", "push"): ("push_prices",),
    ("order", "push"): ("create_order",),
    ("invoice", "push"): ("create_invoice",),
    ("customer", "push"): ("update_customer",),
}
# Flows that no run carries: what they send goes one by one, as it comes.
BY_MESSAGE = frozenset({("order", "push"), ("customer", "push"), ("invoice", "push"), ("payment", "push")})


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    key: str
    label: str
    docs_url: str
    roles: frozenset[Role]
    credential_fields: tuple[Field, ...]
    settings_fields: tuple[Field, ...]
    product_fields: frozenset[str]
    order_fields: frozenset[str]
    sections: tuple[Section, ...]
    presets: Mapping[str, Preset]


def list_platforms() -> list[Platform]:
    """Every platform, by its label."""
    return sorted((_describe(cls.key) for cls in list_connectors()), key=lambda platform: platform.label)


def get_platform(key: str) -> Platform:
    """KeyError where there is none."""
    return _describe(key)


def list_capabilities(key: str, settings: Mapping[str, Any]) -> frozenset[str]:
    """The names of what the platform can do with these settings."""
    return get_connector(key).capabilities(settings)


def check_settings(key: str, settings: Mapping[str, Any]) -> Mapping[str, str]:
    """What is wrong with settings of this platform, by the name of the field."""
    return get_connector(key).check_settings(settings)


def find_level(key: str, settings: Mapping[str, Any]) -> Level | None:
    """How far a platform that is configured by form is; None for the others."""
    return get_connector(key).level(settings)


def find_stock_basis(key: str, settings: Mapping[str, Any]) -> StockBasis:
    """What the platform's stock figures count with these settings."""
    return get_connector(key).find_stock_basis(settings)


def list_given_groups(key: str, settings: Mapping[str, Any]) -> frozenset[str]:
    """The field groups of products the platform gives us with these settings."""
    return get_connector(key).product_groups(settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """One cell of the matrix: `can`, or why not; `by_settings` where the class could and a connection must say how."""

    what: str
    can: bool
    why_not: str = ""
    by_settings: bool = False


def build_matrix(key: str, settings: Mapping[str, Any]) -> list[tuple[str, list[Ability]]]:
    """What the platform can do, by kind of record, computed from its class."""
    return [
        (subject, [_ability(key, settings, what, names) for what, names in cells]) for subject, cells in MATRIX.items()
    ]


def why_not(key: str, settings: Mapping[str, Any], stream: str, direction: str) -> str:
    """'' where a flow of this stream and direction is possible, else the reason in words."""
    names = FLOWS.get((stream, direction), ())
    ability = _ability(key, settings, f"{direction} {stream}", names)
    return ability.why_not if names else f"Nothing {direction}s {stream} by itself: it comes with its order."


def _ability(key: str, settings: Mapping[str, Any], what: str, names: tuple[str, ...]) -> Ability:
    cls = get_connector(key)
    if set(names) <= cls.capabilities(settings):
        return Ability(what=what, can=True)
    overridden = all(getattr(cls, name) is not getattr(Connector, name) for name in names)
    words = f"{cls.label} could, but this connection's settings do not say how." if overridden else ""
    return Ability(
        what=what, can=False, why_not=words or f"{cls.label} does not offer it to us.", by_settings=overridden
    )


def _describe(key: str) -> Platform:
    cls = get_connector(key)
    return Platform(
        key=cls.key,
        label=cls.label,
        docs_url=cls.docs_url,
        roles=cls.roles,
        credential_fields=cls.credential_fields,
        settings_fields=cls.settings_fields,
        product_fields=cls.product_fields,
        order_fields=cls.order_fields,
        sections=cls.sections,
        presets=cls.presets,
    )
