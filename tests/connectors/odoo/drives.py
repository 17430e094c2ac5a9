"""A method of the connector each, driven through all it can ask: what test_spec.py records and holds against Odoo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from integrations.connectors.odoo.connector import Odoo
from integrations.contract import records as r
from integrations.contract.errors import Rejected
from tests.connectors.odoo.live import PLACED_AT, TAX_5, TAX_20, Live, customer, line, order

D = Decimal


class World:
    """An order on its way: bought, delivered, as far as a method needs it."""

    def __init__(self, live: Live) -> None:
        self.live, self.odoo, self.staff = live, live.odoo, live.staff
        self.mug = str(self.staff.product("MUG", price="10.00", stock="20"))
        self.plate = str(self.staff.product("PLATE", price="4.00", stock="20"))
        self.shipping = live.service("Delivery", "5.00")
        self.buyer = self.odoo.create_customer(customer("C-1")).external_id

    @property
    def document(self) -> r.OrderDocument:
        return order(
            "N-1", self.buyer,
            line(self.mug, "2", "10.00", "3.60", TAX_20, sku="MUG", name="Mug", discount="2.00"),
            line(self.plate, "3", "4.00", "0.60", TAX_5),
            line("", "1", "5.00", "1.00", TAX_20, item_external_id=self.shipping, kind=r.LineKind.SHIPPING),
            billing=r.AddressRecord(name="Ada", country="GB"), note="Ring <twice>", location_external_id="1",
        )  # fmt: skip

    def placed(self) -> str:
        return self.odoo.create_order(self.document).external_id

    def shipped(self) -> str:
        number = self.placed()
        self.staff.control("shipments", {"order": number, "lines": None, "tracking": "TR-1"})
        return number

    def invoiced(self) -> str:
        number = self.shipped()
        self.odoo.create_invoice(r.InvoiceDocument(reference="N-1", order_external_id=number, order_reference="N-1"))
        return number

    def invoiced_alone(self) -> str:
        """An invoice of an order that is not in this Odoo."""
        document = r.InvoiceDocument(reference="N-1", order_external_id="", order_reference="N-1", order=self.document)
        return self.odoo.create_invoice(document).external_id

    def refund(self, number: str, **more: Any) -> r.RefundDocument:
        values: dict[str, Any] = {
            "reference": "N-1-R1", "order_external_id": number, "order_reference": "N-1", "currency": "GBP",
            "amount": D("12.00"), "at": PLACED_AT, "lines": (line(self.mug, "1", "10.00", "2.00", TAX_20),),
        }  # fmt: skip
        return r.RefundDocument(**{**values, **more})

    def matrix(self) -> r.ProductDocument:
        axis = r.AxisRecord(name="Size", values=("S", "L"))
        variants = tuple(
            r.VariantRecord(external_id="", sku=f"CUP-{size}", barcode=f"500000{place}", options=(("Size", size),),
                            price=D(7))
            for place, size in enumerate(axis.values)
        )  # fmt: skip
        product = r.ProductRecord(external_id="", name="Cup", description="A cup", axes=(axis,), variants=variants)
        return r.ProductDocument(reference="CUP", product=product)


def price_list(world: World) -> str:
    tiers = [
        {"applied_on": "1_product", "product_tmpl_id": template(world), "min_quantity": 10, "fixed_price": 8.0},
        {"applied_on": "3_global", "min_quantity": 0, "compute_price": "percentage", "percent_price": 5},
    ]
    values = {"name": "Trade", "currency_id": 1, "item_ids": [[0, 0, tier] for tier in tiers]}
    return str(world.staff.call("product.pricelist", "create", vals_list=[values])[0])


def template(world: World) -> int:
    return int(world.staff.one("product.product", int(world.mug), "product_tmpl_id")["product_tmpl_id"][0])


def walk(pull: Callable[..., r.Page[Any]]) -> None:
    """The whole, in pages of one, and then what changed since."""
    since, cursor = None, ""
    for _ in range(30):
        page = pull(None, cursor)
        since, cursor = page.since or since, page.cursor
        if not cursor:
            break
    while True:
        page = pull(since or PLACED_AT, cursor)
        cursor = page.cursor
        if not cursor:
            return


def small_pages(odoo: Odoo) -> Odoo:
    odoo.page_size = odoo.stock_page_size = 1
    return odoo


def quote(world: World) -> None:
    world.staff.call(
        "res.partner", "write", [int(world.buyer)], vals={"property_product_pricelist": int(price_list(world))}
    )
    quoted = world.odoo.quote_prices([r.QuoteLine(variant_external_id=world.mug, quantity=D(12))], world.buyer)
    assert [one.unit_price for one in quoted] == [D("8.0")]


def list_ledger(world: World) -> None:
    world.invoiced()
    world.odoo.list_ledger(world.buyer, PLACED_AT)


def push_stock(world: World) -> None:
    new = str(world.staff.product("NEW", stock="0"))
    items = [r.StockPush(key=key, external_id=key, quantity=D("7.5")) for key in (world.mug, new)]
    assert {one.outcome for one in world.odoo.push_stock([*items, replace(items[0], slot="1")])} == {"sent"}


def push_prices(world: World) -> None:
    item = r.PricePush(key="a", external_id=world.mug, amount=D("9.95"), currency="GBP")
    assert [one.outcome for one in world.odoo.push_prices([item])] == ["sent"]


def push_products(world: World) -> None:
    fields = {"name": "Big mug", "description": "Big", "sku": "MUG-B", "barcode": ""}
    item = r.ProductPush(key="a", external_id=str(template(world)), fields=fields)
    assert [one.outcome for one in world.odoo.push_products([item])] == ["sent"]


def create_products(world: World) -> None:
    only = r.VariantRecord(external_id="", sku="JUG", barcode="400", price=D("3.50"))
    simple = r.ProductRecord(external_id="", name="Jug", variants=(only,))
    assert world.odoo.create_product(r.ProductDocument(reference="JUG", product=simple)).children
    assert len(world.odoo.create_product(world.matrix()).children) == 2


def update_order(world: World) -> None:
    number = world.placed()
    first, *others = world.document.lines
    fewer = replace(world.document, external_id=number, lines=(replace(first, quantity=D(1), net=D(9)), others[1]))
    assert world.odoo.update_order(fewer).line_count == 3  # one of them at 0
    more = replace(fewer, lines=(*fewer.lines, line(world.plate, "1", "3.50", "0.00", name="Again")))
    assert world.odoo.update_order(more).external_id == number


def update_order_status(world: World) -> None:
    number = world.placed()
    states = [world.odoo.update_order_status(number, word).state for word in ("cancel", "draft", "sale")]
    assert states == [r.DocumentState.CANCELLED, r.DocumentState.DRAFT, r.DocumentState.OPEN]


def cancel_order(world: World) -> None:
    number = world.placed()
    assert world.odoo.cancel_order(number, [replace(world.document.lines[0], quantity=D(1))]).success
    assert world.odoo.cancel_order(number).state is r.DocumentState.CANCELLED


def complete_order(world: World) -> None:
    number = world.placed()
    world.odoo.update_order_status(number, "cancel")
    world.odoo.update_order_status(number, "draft")
    assert world.odoo.complete_order(number).state is r.DocumentState.OPEN


def refused_order(world: World) -> None:
    """Whose draft is taken back: a confirmed order needs an article on each line."""
    document = world.document
    world.staff.dials(match="action_confirm", status={"422": 1})
    with pytest.raises(Rejected, match="Nothing of it is left"):
        world.odoo.create_order(document)
    world.staff.dials(match="", status={})


def create_orders(world: World) -> None:
    refused_order(world)
    assert world.odoo.create_order(world.document).line_count == 3
    guest = replace(world.document, reference="N-2", customer_external_id="", location_external_id="")
    assert world.live.with_settings(guest_partner_id=world.buyer).create_order(guest).line_count == 3


def create_refunds(world: World) -> None:
    number = world.invoiced()
    assert world.odoo.create_refund(world.refund(number)).total == D("12.00")
    free = world.refund(number, reference="N-1-R2", lines=(), amount=D("2.50"), customer_external_id=world.buyer)
    assert world.odoo.create_refund(free).total == D("2.50")


def complete_refund(world: World) -> None:
    found = world.odoo.create_refund(world.refund(world.invoiced()))
    world.staff.call("account.move", "button_draft", [int(found.external_id)])
    assert world.odoo.complete_refund(found.external_id).state is r.DocumentState.OPEN


def create_return(world: World) -> r.CommandResult:
    document = r.ReturnDocument(
        reference="N-1-B1", order_external_id=world.shipped(), order_reference="N-1", reason="broken", restock=False,
        lines=(replace(world.document.lines[0], quantity=D(1)),),
    )  # fmt: skip
    return world.odoo.create_return(document)


def payment(world: World, number: str, **more: Any) -> r.PaymentDocument:
    bank = next(one.code for one in world.odoo.list_values("payment") if one.label.startswith("Bank"))
    values: dict[str, Any] = {
        "reference": "N-1-P1", "order_external_id": number, "order_reference": "N-1", "method": bank,
        "currency": "GBP", "amount": D("5.00"), "at": PLACED_AT,
    }  # fmt: skip
    return r.PaymentDocument(**{**values, **more})


def create_payments(world: World) -> None:
    """Against the invoice, and by itself where there is none or nothing is left to pay."""
    number = world.invoiced()
    (invoice,) = world.odoo.find_invoice("N-1")
    paid = world.odoo.create_payment(payment(world, number, invoice_external_id=invoice.external_id))
    assert (paid.total, paid.currency, paid.state) == (D("5.00"), "GBP", r.DocumentState.DONE)
    rest = world.document.total - D("5.00")
    more = payment(world, number, reference="N-1-P2", invoice_external_id=invoice.external_id, amount=rest)
    assert world.odoo.create_payment(more).total == rest
    for reference, buyer in (("N-1-P3", ""), ("N-1-P4", world.buyer)):
        ahead = payment(world, number, reference=reference, customer_external_id=buyer,
                        invoice_external_id=invoice.external_id if buyer else "")  # fmt: skip
        assert world.odoo.create_payment(ahead).state is r.DocumentState.DONE


def complete_payment(world: World) -> None:
    number = world.placed()
    made = world.odoo.create_payment(payment(world, number))
    world.staff.call("account.payment", "action_draft", [int(made.external_id)])
    assert world.odoo.complete_payment(made.external_id).state is r.DocumentState.DONE
    assert world.odoo.complete_payment(made.external_id).state is r.DocumentState.DONE


def find_payment(world: World) -> None:
    made = world.odoo.create_payment(payment(world, world.placed()))
    assert [one.external_id for one in world.odoo.find_payment("N-1-P1")] == [made.external_id]


def find_customer(world: World) -> None:
    assert [one.external_id for one in world.odoo.find_customer("C-1")] == [world.buyer]


def find_product(world: World) -> None:
    assert [one.external_id for one in world.odoo.find_product("MUG")] == [str(template(world))]


def find_return(world: World) -> None:
    made = create_return(world)
    assert [one.external_id for one in world.odoo.find_return("N-1-B1")] == [made.external_id]


def find_refund(world: World) -> None:
    made = world.odoo.create_refund(world.refund(world.invoiced()))
    assert [one.external_id for one in world.odoo.find_refund("N-1-R1")] == [made.external_id]


def update_customer(world: World) -> None:
    firm = replace(customer("C-1").customer, company="Engines Ltd", tax_number="GB123456789")
    document = r.CustomerDocument(reference="C-1", external_id=world.buyer, customer=firm)
    assert world.odoo.update_customer(document).external_id == world.buyer


def list_values(world: World) -> None:
    for kind in Odoo.value_kinds:
        assert all(one.kind == kind and one.code for one in world.odoo.list_values(kind))


def pull_prices(world: World) -> None:
    world.live.receive(world.mug, quantity=4, price=2.5)
    settings = {"pricelist_id": price_list(world), "inward_prices": True}
    walk(small_pages(world.live.with_settings(**settings)).pull_prices)


def pull_products(world: World) -> None:
    world.odoo.create_product(world.matrix())
    walk(small_pages(world.odoo).pull_products)


def pull_stock(world: World) -> None:
    walk(small_pages(world.odoo).pull_stock)
    walk(small_pages(world.live.with_settings(stock_by_warehouse=True)).pull_stock)


def pull_after(prepare: Callable[[World], object], name: str) -> Callable[[World], None]:
    def drive(world: World) -> None:
        prepare(world)
        walk(getattr(small_pages(world.odoo), name))

    return drive


DRIVES: dict[str, Callable[[World], Any]] = {
    "check": lambda world: world.odoo.check(),
    "pull_products": pull_products,
    "pull_stock": pull_stock,
    "pull_prices": pull_prices,
    "pull_customers": pull_after(lambda world: world.odoo.create_customer(customer("C-2")), "pull_customers"),
    "pull_shipments": pull_after(World.shipped, "pull_shipments"),
    "pull_returns": pull_after(create_return, "pull_returns"),
    "pull_orders": pull_after(World.placed, "pull_orders"),
    "pull_payments": pull_after(create_payments, "pull_payments"),
    "pull_invoices": pull_after(create_refunds, "pull_invoices"),
    "fetch_product": lambda world: world.odoo.fetch_product(str(template(world))),
    "fetch_customer": lambda world: world.odoo.fetch_customer(world.buyer),
    "fetch_order": lambda world: world.odoo.fetch_order(world.placed()),
    "count_products": lambda world: [world.odoo.count_products(since) for since in (None, PLACED_AT)],
    "list_locations": lambda world: world.odoo.list_locations(),
    "list_values": list_values,
    "get_account": lambda world: world.odoo.get_account(world.buyer),
    "list_ledger": list_ledger,
    "list_customer_orders": lambda world: [
        world.odoo.list_customer_orders(world.buyer, since) for since in (None, PLACED_AT) if world.placed()
    ],
    "quote_prices": quote,
    "push_stock": push_stock,
    "push_prices": push_prices,
    "push_products": push_products,
    "create_product": create_products,
    "create_customer": lambda world: world.odoo.create_customer(customer("C-9")),
    "update_customer": update_customer,
    "create_order": create_orders,
    "complete_order": complete_order,
    "update_order": update_order,
    "update_order_status": update_order_status,
    "cancel_order": cancel_order,
    "create_invoice": lambda world: (world.invoiced_alone(), world.invoiced_alone(), World(world.live).invoiced()),
    "cancel_invoice": lambda world: world.odoo.cancel_invoice(world.invoiced_alone()),
    "create_payment": create_payments,
    "complete_payment": complete_payment,
    "find_payment": find_payment,
    "create_return": create_return,
    "create_refund": create_refunds,
    "complete_refund": complete_refund,
    "find_product": find_product,
    "find_customer": find_customer,
    "find_order": lambda world: world.placed() and world.odoo.find_order("N-1"),
    "find_invoice": lambda world: world.invoiced() and world.odoo.find_invoice("N-1"),
    "find_return": find_return,
    "find_refund": find_refund,
}
