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

import pytest

from integrations.connectors.woocommerce.connector import WooCommerce
from integrations.contract import records as r
from integrations.contract.errors import Unsupported
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

    def test_a_return_an_invoice_and_a_payment_are_one_note_each_for_the_staff(self) -> None:
        with self.make() as far:
            placed = self.prepare_write(far)()
            assert isinstance(placed, r.CommandResult)
            number, woo = placed.external_id, far.connector
            common: dict[str, Any] = {"order_external_id": number, "order_reference": "1"}
            goods = r.OrderDocumentLine(key="1", sku="WRITE-1", quantity=Decimal(1))
            back = r.ReturnDocument(reference="CT-1-T1", reason="damaged", restock=False, lines=(goods,), **common)
            bill = r.InvoiceDocument(reference="CT-1-I1", number="INV/7", total=Decimal(10), currency="GBP", **common)
            for _ in range(2):
                woo.create_return(back)
                woo.create_invoice(bill)
            notes = [one for one in far.simulator.shop.notes[int(number)] if "CT-1-" in one["note"]]
            assert [(one["note"], one["customer_note"]) for one in notes] == [
                ("Return CT-1-T1: 1 × WRITE-1 (damaged); not into stock", False),
                ("Invoice CT-1-I1: invoice INV/7, 10 GBP", False),
            ]
            with pytest.raises(Unsupported, match="makes no invoices"):
                woo.create_invoice(replace(bill, number=""))

    def test_the_last_of_the_money_pays_the_order_under_our_reference(self) -> None:
        with self.make() as far:
            number = str(far.simulator.shop.add_order({})["id"])
            far.simulator.shop.orders[int(number)]["total"] = "10.00"
            document = r.PaymentDocument(
                reference="CT-1-P1", order_external_id=number, order_reference="1", currency="GBP",
                amount=Decimal(4), at=datetime(2026, 11, 20, 9, tzinfo=UTC),
            )  # fmt: skip
            far.connector.create_payment(document)
            assert far.connector.fetch_order(number).financial is r.FinancialStatus.PENDING
            last = replace(document, reference="CT-1-P2", amount=Decimal(6), complete=True)
            made = [far.connector.create_payment(last) for _ in range(2)]
            assert made[0].external_id == made[1].external_id
            order = far.connector.fetch_order(number)
            assert order.financial is r.FinancialStatus.PAID
            assert far.simulator.shop.orders[int(number)]["transaction_id"] == "CT-1-P2"

    def test_a_refund_of_ours_is_read_back_under_our_reference_and_of_the_line_it_names(self) -> None:
        with self.make() as far:
            placed = self.prepare_write(far)()
            assert isinstance(placed, r.CommandResult)
            sold = far.connector.fetch_order(placed.external_id).lines[0]
            line = r.OrderDocumentLine(key=sold.external_id, quantity=Decimal(1), net=Decimal(5), gross=Decimal(5))
            far.connector.create_refund(
                r.RefundDocument(
                    reference="CT-1-R1", order_external_id=placed.external_id, order_reference="1", currency="GBP",
                    amount=Decimal(5), at=datetime(2026, 11, 20, 9, tzinfo=UTC), lines=(line,),
                )
            )  # fmt: skip
            (refund,) = far.connector.fetch_order(placed.external_id).refunds
            assert (refund.reference, refund.amount) == ("CT-1-R1", Decimal(5))
            assert [one.order_line_external_id for one in refund.lines] == [sold.external_id]
