"""The Odoo connector and its simulator meet here, under the contract every connector keeps."""

from __future__ import annotations

import json
import xmlrpc.client
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

from integrations.connectors.odoo.connector import Odoo
from integrations.connectors.odoo.doors import JSON_RPC, XML_RPC
from integrations.contract import records as r
from integrations.simulators.odoo.simulator import OdooSimulator
from tests.contract.far_side import FarSide, FirstAnswers
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

    def test_each_line_is_known_by_its_id_there_and_a_delivery_names_it(self) -> None:
        """Two lines of one article: their ids come in the document's order, when it is made and when it is found."""
        with self.make() as far:
            self.seed(far, 1)
            article = far.connector.pull_products(None, "").records[0].variants[0]
            customer = r.CustomerDocument(reference="CT-C1", customer=r.CustomerRecord(name="Ada"))
            lines = tuple(
                r.OrderDocumentLine(
                    key=str(place),
                    variant_external_id=article.external_id,
                    quantity=Decimal(quantity),
                    unit_price=Decimal(5),
                    net=Decimal(5 * quantity),
                    gross=Decimal(5 * quantity),
                )
                for place, quantity in enumerate((3, 2))
            )
            document = r.OrderDocument(
                reference="CT-1", currency="GBP", total=Decimal(25), placed_at=datetime(2026, 11, 20, 9, tzinfo=UTC),
                customer_external_id=far.connector.create_customer(customer).external_id, lines=lines,
            )  # fmt: skip
            made = far.connector.create_order(document)
            assert [one.line_ids for one in far.connector.find_order("CT-1")] == [made.line_ids]
            there = far.connector.fetch_order(made.external_id).lines
            assert [(line.external_id, line.quantity) for line in there] == [
                (made.line_ids[0], Decimal(3)),
                (made.line_ids[1], Decimal(2)),
            ]
            far.control("shipments", {"order": made.external_id})
            shipment = far.connector.pull_shipments(None, "").records[0]
            left = [(line.order_line_external_id, line.quantity) for line in shipment.lines]
            assert sorted(left) == [(made.line_ids[0], Decimal(3)), (made.line_ids[1], Decimal(2))]


class OlderDoor(TestContract):
    """The same contract with an Odoo that has no JSON-2."""

    __test__ = False
    version: ClassVar[str]

    def build_simulator(self) -> OdooSimulator:
        return OdooSimulator(version="18.0")

    def settings_for(self, address: str, simulator: Any) -> dict[str, Any]:
        return {**super().settings_for(address, simulator), "version": self.version, "login": "admin"}

    def freeze(self, simulator: Any) -> FirstAnswers:
        """One path serves every call here: the model and method are in the body."""
        return FirstAnswers(simulator, self.called)

    @staticmethod
    def called(body: bytes) -> str:
        raise NotImplementedError


class TestJsonRpc(OlderDoor):
    __test__ = True
    version = JSON_RPC

    @staticmethod
    def called(body: bytes) -> str:
        return str(json.loads(body)["params"]["args"][3:5])


class TestXmlRpc(OlderDoor):
    __test__ = True
    version = XML_RPC

    @staticmethod
    def called(body: bytes) -> str:
        return str(xmlrpc.client.loads(body)[0][3:5])
