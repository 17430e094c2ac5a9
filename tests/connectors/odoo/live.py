"""The connector and the Odoo simulator over HTTP, with what people click in Odoo itself beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.connectors.odoo.connector import Odoo
from integrations.contract import records as r
from integrations.contract.http import Exchange, HttpClient
from integrations.simulators.base import serve
from integrations.simulators.odoo.simulator import OdooSimulator
from tests.simulators.odoo_client import Far

D = Decimal
PLACED_AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
# The simulator's sales taxes, none of them inside a price (simulators/odoo/seed.py).
TAX_15, TAX_0, TAX_5, TAX_20 = "1", "3", "4", "5"


@dataclass(frozen=True)
class Live:
    """`staff` speaks JSON-2 and the control plane without any client of ours; `exchanges` are the connector's."""

    odoo: Odoo
    staff: Far
    exchanges: list[Exchange]

    def with_settings(self, **settings: Any) -> Odoo:
        """The same account with other settings of the connection."""
        return Odoo(http=self.odoo.http, credentials=self.odoo.credentials, settings={**self.odoo.settings, **settings})

    def receive(self, article: str, *, quantity: float, price: float) -> None:
        """The warehouse takes in what a supplier sent."""
        fields = ["default_location_src_id", "default_location_dest_id"]
        (kind,) = self.staff.call(
            "stock.picking.type", "search_read", domain=[["code", "=", "incoming"]], fields=fields
        )
        source, stock = (kind[name][0] for name in fields)
        places = {"location_id": source, "location_dest_id": stock}
        move = {"product_id": int(article), "product_uom_qty": quantity, "price_unit": price, **places}
        values = {"picking_type_id": kind["id"], **places, "move_ids": [[0, 0, move]]}
        (picking,) = self.staff.call("stock.picking", "create", vals_list=[values])
        self.staff.call("stock.picking", "action_confirm", [picking])
        self.staff.call("stock.picking", "action_assign", [picking])
        self.staff.call("stock.picking", "button_validate", [picking])

    def pay(self, invoice: str, amount: str) -> None:
        """By the wizard "Register payment", from the bank."""
        context = {"active_model": "account.move", "active_ids": [int(invoice)]}
        (wizard,) = self.staff.call(
            "account.payment.register", "create", vals_list=[{"amount": float(amount)}], context=context
        )
        self.staff.call("account.payment.register", "action_create_payments", [wizard])

    def service(self, name: str, price: str) -> str:
        """An article without stock, as a delivery fee is; its id."""
        values = {"name": name, "type": "service", "list_price": float(price), "default_code": name.upper()}
        (template,) = self.staff.call("product.template", "create", vals_list=[values])
        return str(self.staff.call("product.product", "search", domain=[["product_tmpl_id", "=", template]])[0])


@contextmanager
def live_odoo(**settings: Any) -> Iterator[Live]:
    simulator = OdooSimulator()
    with serve(simulator) as address:
        exchanges: list[Exchange] = []
        http = HttpClient(
            base_url=address,
            allowed_private=frozenset({("127.0.0.1", int(address.rpartition(":")[2]))}),
            on_exchange=exchanges.append,
            secrets=[simulator.credentials["api_key"]],
        )
        settings = {"url": address, "database": simulator.credentials["database"], **settings}
        odoo = Odoo(http=http, credentials={"api_key": simulator.credentials["api_key"]}, settings=settings)
        try:
            yield Live(odoo, Far(simulator, address), exchanges)
        finally:
            http.close()


def line(
    article: str, quantity: str, price: str, tax: str, *codes: str, discount: str = "0", **more: Any
) -> r.OrderDocumentLine:
    """A line whose unit price is before tax; `tax` and `discount` are the amounts on the whole line."""
    net = D(quantity) * D(price) - D(discount)
    return r.OrderDocumentLine(
        key=article,
        variant_external_id=article,
        quantity=D(quantity),
        unit_price=D(price),
        discount=D(discount),
        net=net,
        tax=D(tax),
        gross=net + D(tax),
        tax_codes=codes,
        **more,
    )


def order(reference: str, customer: str, *lines: r.OrderDocumentLine, **more: Any) -> r.OrderDocument:
    values: dict[str, Any] = {
        "reference": reference,
        "number": reference.removeprefix("N-"),
        "currency": "GBP",
        "total": sum((one.gross for one in lines), D(0)),
        "placed_at": PLACED_AT,
        "customer_external_id": customer,
        "lines": lines,
    }
    return r.OrderDocument(**{**values, **more})


def customer(reference: str, name: str = "Ada Lovelace", **more: Any) -> r.CustomerDocument:
    address = r.AddressRecord(name=name, line1="12 Dorset Street", city="London", postcode="W1U 6QS", country="GB")
    record = r.CustomerRecord(name=name, email="ada@example.com", phone="+44 20 7946 0000", billing=address)
    return r.CustomerDocument(reference=reference, customer=record, **more)
