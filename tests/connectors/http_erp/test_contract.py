"""The connector, configured as the simulator's manual says, and the simulator meet here, under the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from integrations.connectors.http_erp.connector import HttpErp
from integrations.contract import records as r
from integrations.contract.connector import Connector
from integrations.contract.errors import Rejected
from integrations.simulators.http_erp.simulator import HttpErpSimulator
from tests.connectors.http_erp.simulated import COMMERCEUP, OLD_ERP_JSON, OLD_ERP_XML, POS
from tests.contract.far_side import FarSide
from tests.contract.suite import ConnectorContract

D = Decimal


def configured(settings: Mapping[str, Any]) -> type[HttpErp]:
    """The connector as its connection has it: without settings it can do nothing that the contract could look at."""

    class Configured(HttpErp):
        @classmethod
        def capabilities(cls, given: Mapping[str, Any]) -> frozenset[str]:
            return super().capabilities(given or settings)

        @classmethod
        def safety(cls, command: str, given: Mapping[str, Any] | None = None) -> Any:
            return super().safety(command, given or settings)

    return Configured


def line(sku: str, quantity: str, price: str) -> r.OrderDocumentLine:
    amount = D(quantity) * D(price)
    return r.OrderDocumentLine(
        key="1", variant_external_id=sku, sku=sku, name="Article", quantity=D(quantity), unit_price=D(price),
        net=amount, gross=amount,
    )  # fmt: skip


def order(reference: str, customer: str, *lines: r.OrderDocumentLine) -> r.OrderDocument:
    return r.OrderDocument(
        reference=reference, currency="GBP", total=sum((one.gross for one in lines), D(0)),
        placed_at=datetime(2026, 11, 20, 9, tzinfo=UTC), customer_external_id=customer,
        customer=r.CustomerRecord(name="Ada", phone="+447700900123"), lines=lines,
    )  # fmt: skip


ADA = r.CustomerDocument(reference="CT-C1", customer=r.CustomerRecord(name="Ada", email="ada@example.com"))


class Configured(ConnectorContract):
    __test__ = False
    settings: ClassVar[dict[str, Any]]
    folder: ClassVar[str] = ""

    def build_simulator(self) -> HttpErpSimulator:
        return HttpErpSimulator()

    def settings_for(self, address: str, simulator: Any) -> dict[str, Any]:
        return {**self.settings, "url": f"{address}/{self.folder}".rstrip("/")}

    def prepare_write(self, far: FarSide) -> Callable[[], object]:
        (sku,) = self.seed(far, 1)
        customer = ""
        if "create_customer" in self.connector_class.capabilities({}):
            customer = far.connector.create_customer(ADA).external_id
        return lambda: far.connector.create_order(order("CT-1", customer, line(sku, "2", "9.90")))


class TestOldErpInXml(Configured):
    __test__ = True
    connector_class: ClassVar[type[Connector]] = configured(OLD_ERP_XML)
    settings = OLD_ERP_XML

    def test_an_order_is_made_found_cancelled_in_part_and_whole(self) -> None:
        with self.make() as far:
            mug, plate = self.seed(far, 2)
            erp = far.connector
            customer = erp.create_customer(ADA).external_id
            assert [one.external_id for one in erp.find_customer("CT-C1")] == [customer]
            made = erp.create_order(order("CT-1", customer, line(mug, "2", "9.90"), line(plate, "1", "9.90")))
            assert made.total == D("29.70")
            (found,) = erp.find_order("CT-1")
            assert (found.external_id, found.total, found.line_count) == (made.external_id, D("29.70"), 2)
            assert found.state is r.DocumentState.OPEN
            assert erp.find_order("CT-2") == []
            single = erp.create_order(order("CT-3", customer, line(mug, "2", "9.90")))
            (found,) = erp.find_order("CT-3")
            assert (found.external_id, found.total, found.line_count) == (single.external_id, D("19.80"), 1)
            assert erp.cancel_order(made.external_id, [line(mug, "1", "9.90")]).success
            assert erp.cancel_order(made.external_id).state is r.DocumentState.CANCELLED
            assert erp.find_order("CT-1")[0].state is r.DocumentState.CANCELLED
            states = {one.external_id: one.cancelled for one in erp.pull_orders(None, "").records}
            assert states == {made.external_id: True, single.external_id: False}
            with pytest.raises(Rejected) as caught:
                erp.cancel_order("4711")
            assert caught.value.upstream == "There is no order 4711."

    def test_goods_that_were_shipped_come_back(self) -> None:
        with self.make() as far:
            (mug,) = self.seed(far, 1)
            erp = far.connector
            made = erp.create_order(order("CT-1", erp.create_customer(ADA).external_id, line(mug, "2", "9.90")))
            far.control("shipments", {"order": made.external_id, "lines": None, "tracking": "TR-1"})
            (shipment,) = erp.pull_shipments(None, "").records
            assert (shipment.order_external_id, shipment.tracking_number) == (made.external_id, "TR-1")
            assert [(one.variant_external_id, one.quantity) for one in shipment.lines] == [(mug, D(2))]
            far.control("invoices", {"order": made.external_id})
            (invoice,) = erp.pull_invoices(None, "").records
            assert (invoice.order_external_id, invoice.total, invoice.currency) == (made.external_id, D("19.80"), "GBP")
            back = r.ReturnDocument(
                reference="CT-1-T1", order_external_id=made.external_id, order_reference="CT-1", reason="damaged",
                lines=(line(mug, "1", "9.90"),),
            )  # fmt: skip
            number = erp.create_return(back).external_id
            assert [one.external_id for one in erp.find_return("CT-1-T1")] == [number]

    def test_prices_stock_quote_and_ledger(self) -> None:
        with self.make() as far:
            (mug,) = self.seed(far, 1)
            erp = far.connector
            customer = erp.create_customer(ADA).external_id
            assert erp.pull_stock(None, "").records == (r.StockRow(mug, "", D(12)),)
            assert erp.pull_prices(None, "").records == (r.PriceRow(mug, "", D("9.90"), "GBP"),)
            asked = r.QuoteLine(variant_external_id=mug, quantity=D(3))
            (quoted,) = erp.quote_prices([asked], customer)
            assert (quoted.unit_price, quoted.currency) == (D("9.90"), "GBP")
            assert erp.get_account(customer).balance == 0
            assert erp.list_ledger(customer, None) == []


class TestOldErpInJson(TestOldErpInXml):
    connector_class: ClassVar[type[Connector]] = configured(OLD_ERP_JSON)
    settings = OLD_ERP_JSON


class TestPos(Configured):
    """The POS's three calls, by the preset."""

    __test__ = True
    connector_class: ClassVar[type[Connector]] = configured(POS)
    settings = POS
    folder = "WebReporter/api/v1"

    def test_it_takes_an_order_once_and_tells_when_it_is_canceled(self) -> None:
        with self.make() as far:
            (mug,) = self.seed(far, 1)
            made = far.connector.create_order(order("N-1", "", line(mug, "2", "9.90")))
            (found,) = far.connector.find_order("N-1")
            assert (found.external_id, found.total, found.line_count) == (made.external_id, D("19.80"), 1)
            (status,) = far.connector.pull_orders(None, "").records
            assert (status.external_id, status.status_text, status.cancelled) == (made.external_id, "pending", False)


class TestCommerceup(Configured):
    """Commerceup's sample lists nothing: of the contract, what is said of the class and of writes."""

    __test__ = True
    connector_class: ClassVar[type[Connector]] = configured(COMMERCEUP)
    unguarded = dict.fromkeys(("create_customer", "create_order", "create_return"), "the sample has no search")
    cannot_read_orders = "the sample has no call that reads"
    settings = COMMERCEUP

    def test_customer_order_cancellation_and_return(self) -> None:
        with self.make() as far:
            mug, plate = self.seed(far, 2)
            erp = far.connector
            customer = erp.create_customer(ADA).external_id
            made = erp.create_order(order("CT-1", customer, line(mug, "2", "9.90"), line(plate, "1", "9.90")))
            assert erp.cancel_order(made.external_id, [line(mug, "1", "9.90")]).success
            with pytest.raises(Rejected) as caught:
                erp.create_order(order("CT-2", customer, line("NO", "1", "9.90")))
            assert caught.value.upstream == "There is no item NO."
            far.control("shipments", {"order": made.external_id, "lines": None, "tracking": ""})
            back = r.ReturnDocument(
                reference="CT-1-T1", order_external_id=made.external_id, order_reference="CT-1",
                lines=(line(plate, "1", "9.90"),),
            )  # fmt: skip
            assert erp.create_return(back).external_id
            other = erp.create_order(order("CT-3", customer, line(mug, "1", "9.90")))
            assert erp.cancel_order(other.external_id).success
