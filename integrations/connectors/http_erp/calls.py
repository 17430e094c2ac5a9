"""The calls a person may configure, what each may say of its answer, and the form that comes of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.contract.connector import Field, Safety, Section

BASIC = ("create_customer", "create_order")
ADVANCED = ("cancel_order", "create_return")
METHODS = (("", "not used"), *((name, name) for name in ("GET", "POST", "PUT", "PATCH", "DELETE")))
SAFETIES = (
    (Safety.NONE, "it makes a second one: ask a person"),
    (Safety.SEARCH, "it makes a second one: look for our reference first (needs the search)"),
    (Safety.UNIQUE_KEY, "it refuses the number it has already (needs the search)"),
    (Safety.KEY_HEADER, "it knows the idempotency key in the header"),
    (Safety.REPEATABLE, "it answers with the first one again"),
)
ORDER = (
    "reference, number, external_id, currency, total, placed_at, requested_at, customer_external_id, customer (name, "
    "company, email, phone, tax_number), billing and shipping (name, company, line1, line2, city, region, postcode, "
    "country, phone, email), location_external_id, payment_method, note, purchase_order, shipping_method, salesperson, "
    "custom, prices_include_tax, lines"
)
LINE = "Of each line: key, kind, variant_external_id, item_external_id, sku, name, quantity, unit_price, discount, net, tax, gross, tax_codes"  # noqa: E501 - one sentence for people
PAGE = "since, page (1, 2 …), offset, limit, cursor"
RESULT = ("id", "number", "total", "currency", "lines")
EACH = "each"  # the list inside each row whose items are the rows meant; the row itself is their `parent`
ORDER_ROW = ("id", "number", "status", "cancelled", "currency", "total", "placed_at", "updated_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call: `answers` are the names its answer may be read by, `needs` those it must; `fields` is what its
    templates may use. `rows`: it answers with a list. `writes`: it changes something there."""

    name: str
    label: str
    answers: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    fields: str = ""
    rows: bool = False
    writes: bool = False
    safety: bool = False

    @property
    def method_name(self) -> str:
        """The connector's method it is for."""
        return "cancel_order" if self.name == "cancel_order_lines" else self.name

    def setting(self, part: str) -> str:
        return f"{self.name}_{part}"


def _create(name: str, label: str, fields: str, *answers: str) -> Call:
    return Call(
        name=name, label=label, fields=fields, answers=("id", *answers), needs=("id",), writes=True, safety=True
    )


def _find(name: str, label: str, *answers: str) -> Call:
    return Call(
        name=name, label=label, fields=f"reference, {PAGE}", rows=True, needs=("id",),
        answers=("id", "reference", "cancelled", *answers, "next", EACH),
    )  # fmt: skip


def _list(name: str, label: str, needs: tuple[str, ...], *answers: str, fields: str = PAGE) -> Call:
    paged = ("next",) if fields == PAGE else ()
    return Call(name=name, label=label, fields=fields, rows=True, needs=needs, answers=(*needs, *answers, *paged, EACH))


CALLS: dict[str, Call] = {
    call.name: call
    for call in (
        _create("create_customer", "Create a customer", "reference, customer (name, company, email, phone, tax_number, "
                "billing, shipping)", "number"),
        _create("create_order", "Create an order", f"{ORDER}. {LINE}", *RESULT[1:]),
        Call(name="cancel_order", label="Cancel an order", writes=True, fields="external_id",
             answers=("success", "message")),
        Call(name="cancel_order_lines", label="Cancel some items of an order", writes=True, safety=True,
             fields=f"external_id, lines. {LINE}", answers=("success", "message")),
        _create("create_return", "Create a return", f"reference, order_external_id, order_reference, reason, restock, "
                f"lines. {LINE}", "number"),
        Call(name="update_order", label="Change an order", writes=True, fields=f"{ORDER}. {LINE}", answers=RESULT),
        Call(name="update_customer", label="Change a customer", writes=True, fields="external_id, reference, customer",
             answers=("id", "number")),
        Call(name="update_order_status", label="Tell an order's status", writes=True,
             fields="external_id, status, note", answers=("success", "message")),
        _find("find_order", "Search an order by our reference", *RESULT[1:]),
        _find("find_customer", "Search a customer by our reference", "number"),
        _find("find_return", "Search a return by our reference", "number"),
        _list("pull_products", "Items", ("id", "name"), "sku", "barcode", "code", "description", "brand", "category",
              "image", "unit", "price", "currency", "active", "deleted", "updated_at"),
        _list("pull_stock", "Stock", ("id", "quantity"), "location", "updated_at"),
        _list("pull_prices", "Prices", ("id", "amount"), "list", "currency", "min_quantity", "updated_at"),
        _list("pull_orders", "Status of orders", ("id",), *ORDER_ROW[1:]),
        _list("pull_shipments", "Deliveries", ("id", "order"), "number", "carrier", "tracking_number", "tracking_url",
              "shipped_at", "updated_at", "lines", "line_item", "line_quantity"),
        _list("pull_invoices", "Bills", ("id", "order"), "number", "credit", "total", "open", "currency", "issued_at",
              "due_at", "updated_at"),
        Call(name="get_account", label="A customer's account", fields="customer_external_id", needs=("balance",),
             answers=("balance", "currency", "credit_limit", "terms")),
        _list("list_ledger", "A customer's ledger", ("id", "at"), "kind", "number", "debit", "credit", "amount", "open",
              "currency", fields="customer_external_id, since"),
        _list("list_customer_orders", "A customer's orders", ("id",), *ORDER_ROW[1:],
              fields="customer_external_id, since"),
        _list("quote_prices", "Quote prices", ("unit_price",), "id", "quantity", "currency",
              fields="customer_external_id, lines. Of each line: variant_external_id, quantity"),
        Call(name="check", label="Test the connection", answers=("account", "version")),
    )
}  # fmt: skip


def is_used(settings: Mapping[str, Any], name: str) -> bool:
    return bool(settings.get(f"{name}_method"))


def build_sections() -> tuple[Section, ...]:
    return (
        Section(key="access", label="How it lets us in", help_text="Requests go to the host of the address only."),
        Section(key="answers", label="Bodies, answers and times"),
        *(Section(key=call.name, label=call.label, help_text=_describe(call)) for call in CALLS.values()),
    )


def build_fields() -> tuple[Field, ...]:
    """The inputs of every call, in the order of CALLS."""
    return tuple(one for call in CALLS.values() for one in _fields_of(call))


def _fields_of(call: Call) -> list[Field]:
    def make(part: str, label: str, kind: str = "text", **more: Any) -> Field:
        return Field(
            name=call.setting(part), label=label, kind=kind, required=False, section=call.name, **more
        )  # fmt: skip

    found = [
        make("method", "Method", "choice", choices=METHODS),
        make("path", "Path", help_text="Below the address, with its query: customers/{{ customer_external_id }}"),
        make("headers", "Headers", "multiline", help_text="One a line, as Name: value"),
        make("body", "Body", "multiline", help_text="Sent with any method, GET too. Empty: none."),
    ]
    if call.rows:
        found.append(make("rows", "Where the list is", help_text="As in data.items. Empty: the answer is the list."))
    if call.answers:
        needed = f" Needed: {', '.join(call.needs)}." if call.needs else ""
        words = f"One a line, as id: data.order.id. There are {', '.join(call.answers)}.{needed}"
        found.append(make("answer", "What is where in the answer", "multiline", help_text=words))
    if call.name.startswith("find_"):
        choices = (("empty", "with an empty list"), ("404", "with 404 Not Found"))
        found.append(make("none", "Where there is none it answers", "choice", default="empty", choices=choices))
    if call.safety:
        offered = [pair for pair in SAFETIES if call.name.startswith("create_") or pair[0] in NOT_CREATING]
        answers = tuple((str(key), label) for key, label in offered)
        found.append(make("safety", "The same sent twice", "choice", default=str(Safety.NONE), choices=answers))
    return found


NOT_CREATING = (Safety.NONE, Safety.REPEATABLE)


def _describe(call: Call) -> str:
    if not call.fields:
        return ""
    return f"Fields to use as {{{{ … }}}}: {call.fields}."
