"""The Odoo connector and its simulator meet here, under the contract every connector keeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.connectors.odoo.connector import Odoo
from integrations.contract import records as r
from integrations.simulators.odoo.simulator import OdooSimulator
from tests.contract.far_side import FarSide
from tests.contract.suite import ConnectorContract


class TestContract(ConnectorContract):
    connector_class = Odoo
    unguarded = {
        "create_return": "Odoo's pickings carry no reference of ours",
        "create_product": "a template has no field for our reference before its variants exist",
    }

    def build_simulator(self) -> OdooSimulator:
        return OdooSimulator()

    def settings_for(self, address: str, simulator: Any) -> dict[str, Any]:
        return {"url": address, "database": simulator.credentials["database"]}

    def prepare_write(self, far: FarSide) -> Callable[[], object]:
        sku = self.seed(far, 1)[0]
        article = far.connector.pull_products(None, "").records[0].variants[0]
        customer = r.CustomerDocument(reference="CT-C1", customer=r.CustomerRecord(name="Ada"))
        partner = far.connector.create_customer(customer).external_id
        line = r.OrderDocumentLine(
            key="1",
            variant_external_id=article.external_id,
            sku=sku,
            quantity=Decimal(2),
            unit_price=Decimal(5),
            net=Decimal(10),
            gross=Decimal(10),
        )
        document = r.OrderDocument(
            reference="CT-1",
            currency="GBP",
            total=Decimal(10),
            placed_at=datetime(2026, 11, 20, 9, tzinfo=UTC),
            customer_external_id=partner,
            lines=(line,),
        )
        return lambda: far.connector.create_order(document)
