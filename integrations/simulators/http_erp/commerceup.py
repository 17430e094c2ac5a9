"""The sample API that Commerceup asks an ERP to offer: /createCustomer, /createOrder, /cancelOrder, /returnOrder.

documented: https://help.commerceup.io/how-to-integrate-any-erp-with-commerceup: user name and password in headers (or
Basic, or a bearer token); POST, in the reference GET with a body; JSON, or XML; the customer's and the order's new id
come back; cancelling tells of success or not. An item as {"sku": quantity}:
https://help.commerceup.io/api-docs/sales-order-apis.
judgement: the page leaves the body open (`{}`), so that each field is read under the names usual for it; the path is
taken in any case, the page itself has two; returns answer as cancelling does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from integrations.simulators.http_erp.books import MISSING, Books, Record, Refusal
from integrations.simulators.http_erp.markup import rows

KINDS = frozenset({"headers", "basic", "bearer"})
NAMES = {
    "reference": ("orderNumber", "orderNo", "reference", "webOrderId", "orderId"),
    "customer": ("customerId", "customerID", "customer_id"),
    "order": ("orderId", "erpOrderId", "order_id", "id"),
    "currency": ("currency", "currencyCode"),
    "date": ("orderDate", "placedAt", "createdAt", "date"),
    "payment": ("paymentMethod", "paymentType", "payment"),
    "paid": ("paidAmount", "paid"),
    "total": ("total", "orderTotal", "grandTotal", "totalAmount"),
    "name": ("name", "customerName", "fullName"),
    "email": ("email", "emailId", "emailAddress"),
    "phone": ("phone", "mobile", "phoneNumber", "mobileNumber"),
    "address": ("address", "billingAddress"),
    "code": ("sku", "itemCode", "code"),
    "text": ("name", "title", "description"),
    "quantity": ("quantity", "qty"),
    "price": ("price", "unitPrice", "rate"),
    "amount": ("amount", "lineTotal", "total"),
    "reason": ("reason", "returnReason"),
}


def find_call(path: str) -> Callable[[Books, Record], Record] | None:
    return CALLS.get(path.strip("/").lower())


def _create_customer(books: Books, given: Record) -> Record:
    fields = {name: _read(given, name) for name in ("name", "email", "phone", "address")}
    fields["reference"] = given.get("customerReference") or given.get("reference") or given.get("customerId")
    fields["name"] = fields["name"] or " ".join(filter(None, (given.get("firstName"), given.get("lastName"))))
    return {"customerId": books.add_customer(fields)["no"]}


def _create_order(books: Books, given: Record) -> Record:
    names = ("reference", "customer", "currency", "date", "payment", "paid", "total")
    fields = {name: _read(given, name) for name in names}
    lines = [
        {name: _read(line, name) for name in ("code", "text", "quantity", "price", "amount")}
        for line in rows(given, "items", "item")
    ]
    return {"orderId": books.add_order({**fields, "lines": lines})["no"]}


def _cancel_order(books: Books, given: Record) -> Record:
    return {"orderId": books.cancel(_order_of(given), _items(given))["no"]}


def _return_order(books: Books, given: Record) -> Record:
    reference = str(given.get("returnReference") or given.get("reference") or "")
    made = books.give_back(_order_of(given), _items(given), reference, str(_read(given, "reason") or ""))
    return {"orderId": made["order"], "returnId": made["no"]}


def _order_of(given: Record) -> str:
    found = _read(given, "order")
    if not found:
        raise Refusal(MISSING, "orderId is missing.")
    return str(found)


def _items(given: Record) -> list[Record]:
    """documented: {"sku of the article": quantity}; judgement: or {"sku": …, "quantity": …}."""
    found: list[Record] = []
    for one in rows(given, "items", "item"):
        if _read(one, "quantity") is not None:
            found.append({name: _read(one, name) for name in ("code", "quantity")})
        else:
            found += [{"code": code, "quantity": quantity} for code, quantity in one.items()]
    return found


def _read(given: Record, name: str) -> Any:
    return next((given[one] for one in NAMES[name] if given.get(one) not in (None, "")), None)


CALLS: dict[str, Callable[[Books, Record], Record]] = {
    "createcustomer": _create_customer,
    "createorder": _create_order,
    "cancelorder": _cancel_order,
    "returnorder": _return_order,
}
