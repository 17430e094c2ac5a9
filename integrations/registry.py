"""Which platforms there are: key → where its connector is. A new platform is one line."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from integrations.contract.connector import Connector

CONNECTORS: dict[str, str] = {
    "odoo": "integrations.connectors.odoo.connector.Odoo",
}


@cache
def _load(path: str) -> Any:
    module, name = path.rsplit(".", 1)
    return getattr(import_module(module), name)


def get_connector(key: str) -> type[Connector]:
    """The class that speaks `key`; KeyError where there is none."""
    connector: type[Connector] = _load(CONNECTORS[key])
    return connector


def list_connectors() -> list[type[Connector]]:
    return [get_connector(key) for key in CONNECTORS]
