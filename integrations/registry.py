"""Which platforms there are: key → where its connector is, and its simulator. A new platform is one line in each."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from integrations.contract.connector import Connector
    from integrations.simulators.base import Simulator

CONNECTORS: dict[str, str] = {
    "api": "integrations.connectors.api.connector.Api",
    "http_erp": "integrations.connectors.http_erp.connector.HttpErp",
    "odoo": "integrations.connectors.odoo.connector.Odoo",
    "shopify": "integrations.connectors.shopify.connector.Shopify",
    "webhook": "integrations.connectors.webhook.connector.Webhook",
    "woocommerce": "integrations.connectors.woocommerce.connector.WooCommerce",
}
SIMULATORS: dict[str, str] = {
    "http_erp": "integrations.simulators.http_erp.simulator.HttpErpSimulator",
    "odoo": "integrations.simulators.odoo.simulator.OdooSimulator",
    "shopify": "integrations.simulators.shopify.simulator.ShopifySimulator",
    "woocommerce": "integrations.simulators.woocommerce.simulator.WooCommerceSimulator",
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


def get_simulator(key: str) -> type[Simulator]:
    """The stand-in of `key`; KeyError where there is none."""
    simulator: type[Simulator] = _load(SIMULATORS[key])
    return simulator
