"""What the demo must know of a platform beside its connector: the settings it needs, and which of its calls fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.registry import CONNECTORS, SIMULATORS, get_connector

STORE, ERP = "woocommerce", "odoo"  # what `make demo` shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Of one platform. `guest` is the setting that names the customer orders without one are booked on, where it has
    such a setting; `calls` is searched in "METHOD path" and says which calls the demo's faults hit. `unshipped` and
    `shipped` are the states in which it has an order."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    guest: str = ""
    calls: str = ""
    unshipped: frozenset[str] = frozenset()
    shipped: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Who plays the shop and who the ERP."""

    store: str = STORE
    erp: str = ERP


NEEDS: dict[str, Needs] = {
    "http_erp": Needs(
        settings=get_connector("http_erp").presets["old_erp"].settings,
        calls="^POST /legacy/Orders",
        unshipped=frozenset({"NEW"}),
        shipped=frozenset({"PARTLY_SHIPPED", "SHIPPED"}),
    ),
    "odoo": Needs(
        guest="guest_partner_id",
        calls="^POST /json/2/",
        unshipped=frozenset({"sale"}),
        shipped=frozenset({"done"}),
    ),
}


def get_needs(platform: str) -> Needs:
    return NEEDS.get(platform, Needs())


def list_demo_platforms(role: str) -> list[str]:
    """The platforms with a connector and a simulator that can play `role`."""
    return [key for key in SIMULATORS if key in CONNECTORS and role in get_connector(key).roles]
