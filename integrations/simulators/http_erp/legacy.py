"""The calls of a home-made ERP of some age, in XML or JSON: /legacy/….

documented: that such systems answer 200 whatever happened and say the error in the body, as
http://www.workflowmax.com/api-response.aspx and https://wiki.apix.fi/response-message-structure describe theirs.
judgement: the names of calls and fields; paging by page number; times to the second, in UTC, `ChangedSince` inclusive;
what a list is asked for stands in the query or in the body of the GET.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from werkzeug.exceptions import MethodNotAllowed, NotFound

from integrations.simulators.http_erp.books import (
    BAD_REQUEST,
    MAIN,
    MISSING,
    Books,
    Record,
    Refusal,
    money,
    plain,
    state_of,
    total_of,
)
from integrations.simulators.http_erp.markup import rows

COMPANY = "Legacy Trading Ltd"
PAGE_SIZE, LARGEST_PAGE = 50, 500


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request: `given` is the body over the query; `visible(touched)` whether lists show a record yet."""

    books: Books
    given: Record
    visible: Callable[[float], bool]

    def text(self, name: str) -> str:
        value = self.given.get(name)
        return "" if value is None else str(value)

    def lines(self) -> list[Record]:
        names = {"Code": "code", "Text": "text", "Quantity": "quantity", "UnitPrice": "price", "Amount": "amount"}
        found = rows(self.given, "Lines", "Line")
        return [{ours: line.get(theirs) for theirs, ours in names.items()} for line in found]

    def fields(self, names: Mapping[str, str]) -> Record:
        return {ours: self.given.get(theirs) for theirs, ours in names.items()}


CUSTOMER = {"Reference": "reference", "Name": "name", "Email": "email", "Phone": "phone", "Address": "address"}
ORDER = {
    "Reference": "reference",
    "CustomerNo": "customer",
    "Currency": "currency",
    "Date": "date",
    "Payment": "payment",
    "Paid": "paid",
    "Remark": "remark",
    "Total": "total",
}


def find_call(method: str, path: str) -> tuple[Callable[..., Record], tuple[str, ...]]:
    """What does it, and the parts of the path; 404 and 405 as the web server words them."""
    allowed = []
    for verb, pattern, do in ROUTES:
        found = re.fullmatch(pattern, path)
        if found and verb == method:
            return do, found.groups()
        if found:
            allowed.append(verb)
    raise MethodNotAllowed(allowed) if allowed else NotFound()


def _ping(call: Call) -> Record:
    return {"Company": COMPANY, "Version": "7.4", "Currency": "GBP"}


# customers -----------------------------------------------------------------------------------------------------------
def _add_customer(call: Call) -> Record:
    return {"CustomerNo": call.books.add_customer(call.fields(CUSTOMER))["no"]}


def _change_customer(call: Call, number: str) -> Record:
    return {"CustomerNo": call.books.change_customer(number, call.fields(CUSTOMER))["no"]}


def _list_customers(call: Call) -> Record:
    found = [
        one for one in call.books.customers.values()
        if all(call.text(name) in ("", one[ours]) for name, ours in CUSTOMER.items())
    ]  # fmt: skip
    return _page(call, found, "Customers", "Customer", _customer)


def _one_customer(call: Call, number: str) -> Record:
    return {"Customer": _customer(call, call.books.customer(number))}


def _customer(call: Call, one: Record) -> Record:
    return {"CustomerNo": one["no"], **{name: one[ours] for name, ours in CUSTOMER.items()}, "Changed": one["changed"]}


# orders --------------------------------------------------------------------------------------------------------------
def _add_order(call: Call) -> Record:
    made = call.books.add_order({**call.fields(ORDER), "lines": call.lines()})
    return {"OrderNo": made["no"], "Total": money(total_of(made))}


def _change_order(call: Call, number: str) -> Record:
    made = call.books.change_order(number, call.lines(), call.given.get("Total"))
    return {"OrderNo": made["no"], "Total": money(total_of(made))}


def _cancel(call: Call, number: str) -> Record:
    made = call.books.cancel(number, call.lines())
    return {"Cancelled": True, "OrderNo": made["no"], "OrderStatus": state_of(made)}


def _give_back(call: Call, number: str) -> Record:
    made = call.books.give_back(number, call.lines(), call.text("Reference"), call.text("Reason"))
    return {"ReturnNo": made["no"], "Credited": made["total"]}


def _list_returns(call: Call) -> Record:
    found = [one for one in call.books.returns.values() if call.text("Reference") in ("", one["reference"])]
    return _page(call, found, "Returns", "Return", _return)


def _return(call: Call, one: Record) -> Record:
    return {"ReturnNo": one["no"], "OrderNo": one["order"], "Reference": one["reference"], "Reason": one["reason"],
            "Total": one["total"], "Date": one["date"], "Lines": {"Line": _goods(one)}}  # fmt: skip


def _list_orders(call: Call) -> Record:
    wanted = {"reference": call.text("Reference"), "customer": call.text("CustomerNo")}
    found = [
        one for one in call.books.orders.values() if all(value in ("", one[name]) for name, value in wanted.items())
    ]
    return _page(call, found, "Orders", "Order", _order)


def _one_order(call: Call, number: str) -> Record:
    return {"Order": _order(call, call.books.order(number))}


def _status(call: Call, number: str) -> Record:
    one = call.books.order(number)
    return {"OrderNo": number, "OrderStatus": state_of(one), **_papers(call.books, number)}


def _order(call: Call, one: Record) -> Record:
    lines = [
        {"Code": line["code"], "Text": line["text"], "Quantity": line["quantity"], "UnitPrice": line["price"],
         "Amount": line["amount"], "Shipped": line["shipped"], "Cancelled": line["cancelled"],
         "Returned": line["returned"]}
        for line in one["lines"]
    ]  # fmt: skip
    return {
        "OrderNo": one["no"], "Reference": one["reference"], "CustomerNo": one["customer"], "Date": one["date"],
        "OrderStatus": state_of(one), "Currency": one["currency"], "Total": money(total_of(one)), "Paid": one["paid"],
        "Changed": one["changed"], "Lines": {"Line": lines}, **_papers(call.books, one["no"]),
    }  # fmt: skip


def _papers(books: Books, number: str) -> Record:
    """What was shipped and billed of an order."""
    shipments = [
        {"ShipmentNo": one["no"], "Date": one["date"], "Tracking": one["tracking"], "Lines": {"Line": _goods(one)}}
        for one in books.shipments.values() if one["order"] == number
    ]  # fmt: skip
    invoices = [
        {"InvoiceNo": one["no"], "Date": one["date"], "Total": one["total"]}
        for one in books.invoices.values() if one["order"] == number
    ]  # fmt: skip
    return {"Shipments": {"Shipment": shipments}, "Invoices": {"Invoice": invoices}}


def _goods(document: Record) -> list[Record]:
    return [{"Code": line["code"], "Quantity": line["quantity"]} for line in document["lines"]]


# items ---------------------------------------------------------------------------------------------------------------
def _list_items(call: Call) -> Record:
    found = [one for one in call.books.items.values() if call.text("Code") in ("", one["code"])]
    return _page(call, found, "Items", "Item", _item)


def _item(call: Call, one: Record) -> Record:
    options = [{"Name": name, "Value": value} for name, value in one["options"].items()]
    return {
        "ItemNo": one["no"], "Code": one["code"], "Barcode": one["barcode"], "Name": one["name"],
        "Description": one["description"], "ProductNo": one["product"], "ProductCode": one["product_code"],
        "ProductName": one["product_name"], "Options": {"Option": options}, "Price": one["price"],
        "TaxRate": one["tax_rate"], "Changed": one["changed"],
    }  # fmt: skip


def _list_stock(call: Call) -> Record:
    wanted = call.text("Warehouse")
    found = [
        {**one, "warehouse": place, "on_hand": amount}
        for one in call.books.items.values() for place, amount in one["stock"].items()
        if call.text("Code") in ("", one["code"]) and wanted in ("", place)
    ]  # fmt: skip
    return _page(call, found, "Stock", "Row", _stock)


def _stock(call: Call, one: Record) -> Record:
    """judgement: what is ordered is reserved in the main warehouse."""
    free = Decimal(one["on_hand"]) - (call.books.reserved(one["code"]) if one["warehouse"] == MAIN else 0)
    return {"Code": one["code"], "Warehouse": one["warehouse"], "OnHand": one["on_hand"], "Available": plain(free)}


def _list_prices(call: Call) -> Record:
    found = [one for one in call.books.items.values() if call.text("Code") in ("", one["code"])]
    return _page(call, found, "Prices", "Row", _price)


def _price(call: Call, one: Record) -> Record:
    return {"Code": one["code"], "PriceList": "RETAIL", "Currency": "GBP", "Price": one["price"],
            "TaxRate": one["tax_rate"]}  # fmt: skip


# customers' questions ------------------------------------------------------------------------------------------------
def _ledger(call: Call) -> Record:
    if not call.text("CustomerNo"):
        raise Refusal(MISSING, "CustomerNo is missing.")
    entries = [
        {"Type": one["kind"], "No": one["no"], "OrderNo": one["order"], "Date": one["date"], "Amount": one["amount"],
         "Balance": one["balance"], "Currency": "GBP"}
        for one in call.books.ledger(call.text("CustomerNo"))
    ]  # fmt: skip
    return {"Balance": entries[-1]["Balance"] if entries else "0.00", "Entries": {"Entry": entries}}


def _quote(call: Call) -> Record:
    if call.text("CustomerNo"):
        call.books.customer(call.text("CustomerNo"))
    priced, freight = call.books.quote(call.lines())
    lines = [
        {"Code": one["code"], "Quantity": one["quantity"], "UnitPrice": one["price"], "Available": one["available"]}
        for one in priced
    ]
    return {"Currency": "GBP", "Lines": {"Line": lines}, "Freight": money(freight)}


# lists ---------------------------------------------------------------------------------------------------------------
def _page(
    call: Call, found: Iterable[Record], outer: str, inner: str, write: Callable[[Call, Record], Record]
) -> Record:
    number, size = _whole(call, "Page", 1), min(_whole(call, "PageSize", PAGE_SIZE), LARGEST_PAGE)
    since = _moment(call.text("ChangedSince"))
    listed = [one for one in found if call.visible(one["touched"])]
    if since is not None:
        listed = [one for one in listed if datetime.fromisoformat(one.get("changed") or one["date"]) >= since]
    shown = [write(call, one) for one in listed[(number - 1) * size : number * size]]
    return {"Page": number, "Pages": -(-len(listed) // size), "Records": len(listed), outer: {inner: shown}}


def _whole(call: Call, name: str, default: int) -> int:
    text = call.text(name) or str(default)
    if not text.isdecimal() or not int(text):
        raise Refusal(BAD_REQUEST, f"{name} is no number of 1 or more: {text}.")
    return int(text)


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refusal(BAD_REQUEST, f"ChangedSince is no time: {text}.") from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).replace(microsecond=0)


NUMBER = r"/([^/]+)"
ROUTES: tuple[tuple[str, str, Callable[..., Record]], ...] = (
    ("GET", "Ping", _ping),
    ("POST", "Customers", _add_customer),
    ("GET", "Customers", _list_customers),
    ("GET", f"Customers{NUMBER}", _one_customer),
    ("PUT", f"Customers{NUMBER}", _change_customer),
    ("POST", "Orders", _add_order),
    ("GET", "Orders", _list_orders),
    ("GET", f"Orders{NUMBER}", _one_order),
    ("PUT", f"Orders{NUMBER}", _change_order),
    ("GET", f"Orders{NUMBER}/Status", _status),
    ("POST", f"Orders{NUMBER}/Cancel", _cancel),
    ("POST", f"Orders{NUMBER}/Returns", _give_back),
    ("GET", "Returns", _list_returns),
    ("GET", "Items", _list_items),
    ("GET", "Stock", _list_stock),
    ("GET", "Prices", _list_prices),
    ("GET", "Ledger", _ledger),
    ("POST", "Quote", _quote),
)
