"""The three calls of a shop's POS: items with price and stock, and sales orders, posted and read.

documented: https://community.gofrugal.com/portal/en/kb/articles/api-integration (what an item and an order hold; the
API key in X-Auth-Token), …/api-for-create-a-sales-order, …/api-for-list-all-sales-orders (answers; `q` with fields
compared and commas), …/e-commerce-integration (one reference code for each combination of a matrix item; an unknown
mobile number makes a customer; a sales order becomes a bill; its status is pending, delivered or canceled; payment
types are not checked).
judgement: `page`, `limit` and `total_pages`, the answer {"result": {"status", "id"}} and one order at salesOrders/<id>
are as others' clients use them; what the total holds beyond the items is one more line; times are UTC; an order is
delivered once it is shipped or billed; the reference may hold letters, though its type is said to be numeric.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Request

from integrations.simulators.http_erp.books import (
    BAD_REQUEST,
    MISSING,
    UNKNOWN_ITEM,
    WAREHOUSES,
    Books,
    Record,
    Refusal,
    money,
    number_of,
    state_of,
    total_of,
)

PATH = "/WebReporter/api/v1/"
REQUIRED = ("onlineReferenceNo", "createdAt", "totalQuantity", "totalAmount", "orderItems")
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "<=": operator.le, "==": operator.eq, ">": operator.gt, "<": operator.lt, "=": operator.eq,
}  # fmt: skip
PAGE_SIZE = 100
STATES = {"CANCELLED": "canceled", "SHIPPED": "delivered"}


def answer(books: Books, request: Request, given: Record, visible: Callable[[float], bool]) -> Record:
    path = request.path.removeprefix(PATH).strip("/")
    if request.method == "POST" and path == "salesOrders":
        return {"result": {"status": "Success", "id": _create_order(books, given)}}
    if request.method != "GET":
        raise NotFound
    if path == "items":
        products: dict[int, list[Record]] = {}
        for one in books.items.values():
            if visible(one["touched"]):
                products.setdefault(one["product"], []).append(one)
        listed = [row for articles in products.values() for row in _item_rows(books, articles)]
        return _page(request, listed, "items")
    if path == "salesOrders":
        orders = [_order(books, one) for one in books.orders.values() if visible(one["touched"])]
        return _page(request, orders, "salesOrders")
    if path.startswith("salesOrders/"):
        return {"salesOrder": _order(books, books.order(f"SO{path.removeprefix('salesOrders/')}"))}
    raise NotFound


def _item_rows(books: Books, articles: Sequence[Record]) -> list[Record]:
    """A product at each of its locations, with a row of stock for each combination."""
    first = articles[0]
    places = [name for name in WAREHOUSES if any(name in one["stock"] for one in articles)]
    changed = max(one["changed"] for one in articles)
    return [
        {
            "itemId": first["product"], "itemName": first["product_name"], "detailedDescription": first["description"],
            "locationId": WAREHOUSES[place], "status": "R", "appliesOnline": 1,
            "itemTimeStamp": int(re.sub(r"\D", "", changed)),
            "stock": [_stock_row(one, place) for one in articles if place in one["stock"]],
        }
        for place in places
    ]  # fmt: skip


def _stock_row(one: Record, place: str) -> Record:
    price = float(one["price"])
    return {"itemReferenceCode": one["code"], "stock": float(one["stock"][place]), "mrp": price, "salePrice": price,
            "taxPercentage": float(one["tax_rate"]), "discountpercentage": 0, **one["options"]}  # fmt: skip


def _create_order(books: Books, given: Record) -> int:
    if not isinstance(given.get("orderItems"), list):
        given = {**given, "orderItems": None}
    missing = [name for name in REQUIRED if given.get(name) in (None, "", [])]
    if missing:
        raise Refusal(MISSING, f"{', '.join(missing)} missing.")
    lines = [_line(books, one) for one in given["orderItems"]]
    total = number_of(given["totalAmount"], "totalAmount")
    beyond = total - sum((number_of(line["amount"], "itemAmount") for line in lines), Decimal(0))
    if beyond:
        lines.append({"code": "", "text": "Shipping, tax and discount", "quantity": 1, "amount": beyond})
    made = books.add_order({
        "reference": given["onlineReferenceNo"], "customer": _customer(books, given), "lines": lines, "total": total,
        "payment": given.get("paymentMode"), "remark": given.get("orderRemarks"), "currency": "GBP",
        "date": _stamp(given["createdAt"]), "more": {k: v for k, v in given.items() if k != "orderItems"},
    })  # fmt: skip
    return int(made["no"].removeprefix("SO"))


def _line(books: Books, given: Record) -> Record:
    code, number = str(given.get("itemReferenceCode") or ""), given.get("itemId")
    if not code:
        named = [one["code"] for one in books.items.values() if str(one["product"]) == str(number)]
        if len(named) != 1:
            why = f"There is no item {number}." if not named else f"Item {number} is a matrix: which combination?"
            raise Refusal(UNKNOWN_ITEM, why)
        code = named[0]
    quantity, price = number_of(given.get("quantity"), "quantity"), number_of(given.get("salePrice"), "salePrice")
    amount = given.get("itemAmount")
    return {"code": code, "text": given.get("itemName"), "quantity": quantity, "price": price,
            "amount": price * quantity if amount in (None, "") else amount}  # fmt: skip


def _customer(books: Books, given: Record) -> str:
    """Whoever has the mobile number; a new customer for a new one; nobody without one."""
    mobile = str(given.get("customerMobile") or "")
    if not mobile:
        return ""
    known = next((one["no"] for one in books.customers.values() if one["phone"] == mobile), None)
    address = ", ".join(str(given[key]) for key in ("customerAddressLine1", "customerCity") if given.get(key))
    new = {"name": given.get("customerName") or mobile, "phone": mobile, "email": given.get("customerEmail")}
    return str(known or books.add_customer({**new, "address": address})["no"])


def _order(books: Books, one: Record) -> Record:
    items = [
        {"rowNo": row, "id": int(one["no"].removeprefix("SO")), "itemId": books.items[line["code"]]["product"],
         "itemName": line["text"], "itemReferenceCode": line["code"], "salePrice": float(line["price"]),
         "quantity": float(line["quantity"]), "itemAmount": float(line["amount"])}
        for row, line in enumerate((line for line in one["lines"] if line["code"]), start=1)
    ]  # fmt: skip
    billed = any(bill["order"] == one["no"] for bill in books.invoices.values())
    state = state_of(one)
    return {
        **one["more"],
        "orderPK": int(one["no"].removeprefix("SO")),
        "onlineReferenceNo": one["more"].get("onlineReferenceNo", one["reference"]),
        "createdAt": one["date"], "updatedAt": _stamp(one["changed"]),
        "status": "delivered" if billed and state != "CANCELLED" else STATES.get(state, "pending"),
        "totalAmount": float(money(total_of(one))), "paymentMode": one["payment"],
        "customerId": one["customer"].removeprefix("C"), "orderItems": items,
    }  # fmt: skip


def _stamp(text: Any) -> str:
    """2026-11-21 09:30:00, whatever is between; documented: the vendor's own examples have "13: 00: 00"."""
    return re.sub(r"(\d{4}-\d\d-\d\d)[T ](\d\d):\s*(\d\d):\s*(\d\d)Z?", r"\1 \2:\3:\4", str(text))


def _page(request: Request, listed: Sequence[Record], name: str) -> Record:
    found = list(listed)
    if request.args.get("locationId"):
        wanted = request.args["locationId"].lstrip("=")
        found = [row for row in found if str(row.get("locationId")) == wanted]
    for part in filter(None, request.args.get("q", "").split(",")):
        found = _filter(found, part)
    number, size = _whole(request, "page", 1), _whole(request, "limit", PAGE_SIZE)
    shown = found[(number - 1) * size : number * size]
    return {name: shown, "total_records": len(found), "total_pages": -(-len(found) // size), "current_page": number}


def _filter(listed: list[Record], part: str) -> list[Record]:
    found = re.fullmatch(r"\s*(\w+)\s*(>=|<=|==|=|>|<)(.*)", part)
    if found is None:
        raise Refusal(BAD_REQUEST, f"q is not understood: {part}.")
    name, sign, value = found[1], found[2], _stamp(found[3].strip())
    compare = COMPARE[sign]
    return [row for row in listed if name in row and compare(*_alike(row[name], value))]


def _alike(left: Any, right: str) -> tuple[Any, Any]:
    """Numbers as numbers, all else as text."""
    if isinstance(left, int | float):
        return Decimal(str(left)), number_of(right, "q")
    return str(left), right


def _whole(request: Request, name: str, default: int) -> int:
    text = request.args.get(name) or str(default)
    if not text.isdecimal() or not int(text):
        raise Refusal(BAD_REQUEST, f"{name} is no number of 1 or more: {text}.")
    return int(text)
