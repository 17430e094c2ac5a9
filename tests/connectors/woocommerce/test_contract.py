"""The WooCommerce connector and its simulator meet here, under the contract every connector keeps."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.connectors.woocommerce.connector import WooCommerce
from integrations.contract import records as r
from integrations.simulators.woocommerce.simulator import WooCommerceSimulator
from tests.contract.far_side import FarSide, build_product, walk
from tests.contract.suite import ConnectorContract


class TestContract(ConnectorContract):
    connector_class = WooCommerce
    signature_header = "x-wc-webhook-signature"

    def build_simulator(self) -> WooCommerceSimulator:
        return WooCommerceSimulator()

    def settings_for(self, address: str, simulator: Any) -> dict[str, Any]:
        return {"url": address}

    def prepare_write(self, far: FarSide) -> Callable[[], object]:
        far.control("catalogue", {"products": [build_product("WRITE-1")]})
        articles = [
            one for page in walk(far.connector.pull_products) for product in page.records for one in product.variants
        ]
        article = next(one for one in articles if one.sku == "WRITE-1")
        line = r.OrderDocumentLine(
            key="1",
            variant_external_id=article.external_id,
            sku=article.sku,
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
            lines=(line,),
        )
        return lambda: far.connector.create_order(document)

    def valid_webhook(self, far: FarSide) -> r.WebhookRequest:
        body = json.dumps({"id": 4711, "number": "4711", "date_modified_gmt": "2026-11-20T09:00:00"}).encode()
        secret = far.simulator.credentials["webhook_secret"].encode()
        signature = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
        headers = {
            "content-type": "application/json",
            "x-wc-webhook-topic": "order.updated",
            "x-wc-webhook-resource": "order",
            "x-wc-webhook-event": "updated",
            "x-wc-webhook-delivery-id": "8f2b6a1c",
            self.signature_header: signature,
        }
        return r.WebhookRequest(method="POST", query={}, headers=headers, body=body)

    def test_a_shipment_is_one_note_to_the_customer_and_the_last_completes_the_order(self) -> None:
        with self.make() as far:
            placed = self.prepare_write(far)()
            assert isinstance(placed, r.CommandResult)
            number = placed.external_id
            document = r.ShipmentDocument(
                reference="CT-1-S1", order_external_id=number, carrier="DHL", tracking_number="T1",
                tracking_url="https://example.com/T1", complete=False,
            )  # fmt: skip
            made = [far.connector.create_shipment(document) for _ in range(2)]
            assert made[0].external_id == made[1].external_id, "the second finds the first"
            assert far.connector.fetch_order(number).status_text == "processing"
            words = [
                note["note"] for note in far.simulator.shop.notes[int(number)] if note["customer_note"]
            ]  # fmt: skip
            assert words == ["Shipment CT-1-S1: DHL T1 https://example.com/T1"]
            far.connector.create_shipment(replace(document, reference="CT-1-S2", complete=True))
            assert far.connector.fetch_order(number).status_text == "completed"
