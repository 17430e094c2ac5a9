"""What the portal's pages may know of a platform: its name, its form, what it can do. No connector is built here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.contract.connector import Field, Role
from integrations.contract.records import StockBasis
from integrations.registry import get_connector, list_connectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    key: str
    label: str
    docs_url: str
    roles: frozenset[Role]
    credential_fields: tuple[Field, ...]
    settings_fields: tuple[Field, ...]
    stock_basis: StockBasis
    product_fields: frozenset[str]


def list_platforms() -> list[Platform]:
    """Every platform, by its label."""
    return sorted((_describe(cls.key) for cls in list_connectors()), key=lambda platform: platform.label)


def get_platform(key: str) -> Platform:
    """KeyError where there is none."""
    return _describe(key)


def list_capabilities(key: str, settings: Mapping[str, Any]) -> frozenset[str]:
    """The names of what the platform can do with these settings."""
    return get_connector(key).capabilities(settings)


def _describe(key: str) -> Platform:
    cls = get_connector(key)
    return Platform(
        key=cls.key,
        label=cls.label,
        docs_url=cls.docs_url,
        roles=cls.roles,
        credential_fields=cls.credential_fields,
        settings_fields=cls.settings_fields,
        stock_basis=cls.stock_basis,
        product_fields=cls.product_fields,
    )
