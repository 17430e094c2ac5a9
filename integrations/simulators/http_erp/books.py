"""What the simulated ERP keeps, whichever door is used: items, customers, orders and what follows them.

judgement: throughout. No vendor stands behind it; it does what a small ERP does: it numbers its documents, refuses what
it does not know, reserves what is ordered, takes out of stock what is shipped and writes each bill in the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

Record = dict[str, Any]

# Codes of refusals. documented: 1 to 6 as in
# https://edu-ix.atlassian.net/wiki/pages/diffpages.action?originalId=207388775&pageId=210698262; the rest judgement.
AUTHENTICATION, SESSION_EXPIRED, BAD_REQUEST, MISSING = 2, 3, 5, 6
UNKNOWN_ITEM, UNKNOWN_CUSTOMER, UNKNOWN_ORDER, DUPLICATE, WRONG_STATE, WRONG_SUM = 10, 11, 12, 13, 14, 15

MAIN = "MAIN"
WAREHOUSES = {MAIN: 1, "SHOP": 2}  # the POS knows them by number
CENT = Decimal("0.01")
FREIGHT, FREE_FROM = Decimal("4.90"), Decimal("50.00")
MANY, MANY_DISCOUNT = Decimal(10), Decimal("0.95")  # ten or more of an article: 5 % off


class Refusal(Exception):
    """What the ERP does not do; `code` is one of the numbers above."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def number_of(value: Any, name: str) -> Decimal:
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise Refusal(MISSING, f"{name} is no number: {value!r}.")
    return found


def money(value: Decimal) -> str:
    return str(value.quantize(CENT))


def plain(value: Decimal) -> str:
    """Without a tail of noughts: 12, 0.5."""
    return f"{value.normalize():f}"


class Books:
    """Amounts and quantities are kept as text, so that the state is JSON as it stands."""

    def __init__(self) -> None:
        self.items: dict[str, Record] = {}
        self.customers: dict[str, Record] = {}
        self.orders: dict[str, Record] = {}
        self.returns: dict[str, Record] = {}
        self.shipments: dict[str, Record] = {}
        self.invoices: dict[str, Record] = {}
        self.counters: dict[str, int] = {}
        self.on_duplicate = "create"

    def dump(self) -> Record:
        names = ("items", "customers", "orders", "returns", "shipments", "invoices", "counters")
        return {name: getattr(self, name) for name in names}

    def load(self, saved: Record) -> None:
        for name, value in saved.items():
            setattr(self, name, value)

    # items -----------------------------------------------------------------------------------------------------------
    def add_product(self, given: Mapping[str, Any]) -> int:
        """A product with its articles; the number of articles."""
        product = self._next("product")
        for variant in given["variants"]:
            code = str(variant["sku"])
            self.items[code] = {
                "no": self._next("item"), "code": code, "barcode": variant.get("barcode") or "",
                "product": product, "product_code": given.get("code") or code, "product_name": given["name"],
                "name": variant.get("name") or given["name"], "description": given.get("description") or "",
                "options": dict(variant.get("options") or {}), "price": money(Decimal(str(variant["price"]))),
                "tax_rate": "20", "stock": {MAIN: plain(Decimal(str(variant.get("stock") or 0)))},
                "changed": _now(), "touched": 0.0,
            }  # fmt: skip
        return len(given["variants"])

    def item(self, code: Any) -> Record:
        found = self.items.get(str(code or ""))
        if found is None:
            raise Refusal(UNKNOWN_ITEM, f"There is no item {code}.")
        return found

    def available(self, code: str) -> Decimal:
        """On hand less what is ordered and not yet shipped."""
        on_hand = sum((Decimal(one) for one in self.items[code]["stock"].values()), Decimal(0))
        return on_hand - self.reserved(code)

    def reserved(self, code: str) -> Decimal:
        lines = (line for order in self.orders.values() for line in order["lines"] if line["code"] == code)
        return sum((open_quantity(line) for line in lines), Decimal(0))

    # customers -------------------------------------------------------------------------------------------------------
    def add_customer(self, given: Mapping[str, Any]) -> Record:
        if not given.get("name"):
            raise Refusal(MISSING, "A customer needs a name.")
        again = self._again(self.customers, given.get("reference"), "customer")
        if again is not None:
            return again
        number = f"C{self._next('customer')}"
        kept = {name: str(given.get(name) or "") for name in ("reference", "name", "email", "phone", "address")}
        self.customers[number] = {"no": number, **kept, "changed": _now(), "touched": time.time()}
        return self.customers[number]

    def customer(self, number: Any) -> Record:
        found = self.customers.get(str(number or ""))
        if found is None:
            raise Refusal(UNKNOWN_CUSTOMER, f"There is no customer {number}.")
        return found

    def change_customer(self, number: str, given: Mapping[str, Any]) -> Record:
        found = self.customer(number)
        found |= {name: str(given[name]) for name in ("name", "email", "phone", "address") if given.get(name)}
        return _touch(found)

    # orders ----------------------------------------------------------------------------------------------------------
    def add_order(self, given: Mapping[str, Any]) -> Record:
        """`given`: reference, customer, currency, date, lines of code, text, quantity, price, amount; total or None."""
        again = self._again(self.orders, given.get("reference"), "order")
        if again is not None:
            return again
        if given.get("customer"):
            self.customer(given["customer"])
        lines = self._lines(given.get("lines") or [], given.get("total"))
        number = f"SO{self._next('order')}"
        kept = {name: str(given.get(name) or "") for name in ("reference", "customer", "payment", "remark")}
        self.orders[number] = {
            "no": number, **kept, "currency": str(given.get("currency") or "GBP"), "lines": lines,
            "date": str(given.get("date") or _now()), "paid": money(number_of(given.get("paid") or 0, "Paid")),
            "more": dict(given.get("more") or {}), "created": _now(), "changed": _now(), "touched": time.time(),
        }  # fmt: skip
        return self.orders[number]

    def order(self, number: Any) -> Record:
        found = self.orders.get(str(number or ""))
        if found is None:
            raise Refusal(UNKNOWN_ORDER, f"There is no order {number}.")
        return found

    def change_order(self, number: str, lines: Sequence[Mapping[str, Any]], total: Any) -> Record:
        found = self.order(number)
        if state_of(found) != "NEW":
            raise Refusal(WRONG_STATE, f"Order {number} is {state_of(found)} and cannot be changed.")
        found["lines"] = self._lines(lines, total)
        return _touch(found)

    def cancel(self, number: str, lines: Sequence[Mapping[str, Any]] = ()) -> Record:
        """The lines named, or all of the order that is not shipped; harmless twice."""
        found = self.order(number)
        if not lines and state_of(found) in {"SHIPPED", "PARTLY_SHIPPED"}:
            raise Refusal(WRONG_STATE, f"Order {number} is {state_of(found)} and cannot be cancelled.")
        chosen = (
            self._chosen(found, lines, "cancelled") if lines else [(one, open_quantity(one)) for one in found["lines"]]
        )
        for line, quantity in chosen:
            line["cancelled"] = plain(Decimal(line["cancelled"]) + quantity)
        return _touch(found)

    def ship(self, number: str, lines: Sequence[Mapping[str, Any]] | None, tracking: str) -> Record:
        found = self.order(number)
        goods = [line for line in found["lines"] if line["code"]]
        chosen = self._chosen(found, lines, "shipped") if lines else [(one, open_quantity(one)) for one in goods]
        moved = [(line, quantity) for line, quantity in chosen if quantity > 0]
        if not moved:
            raise Refusal(WRONG_STATE, f"Nothing of order {number} is left to ship.")
        for line, quantity in moved:
            line["shipped"] = plain(Decimal(line["shipped"]) + quantity)
            stock = self.items[line["code"]]["stock"]
            stock[MAIN] = plain(Decimal(stock.get(MAIN, "0")) - quantity)
            _touch(self.items[line["code"]])
        self._finish_charges(found)
        _touch(found)
        return self._file(self.shipments, "D", {
            "order": number, "tracking": tracking, "date": _now(),
            "lines": [{"code": line["code"], "quantity": plain(quantity)} for line, quantity in moved],
        })  # fmt: skip

    def invoice(self, number: str) -> Record:
        found = self.order(number)
        if any(one["order"] == number for one in self.invoices.values()):
            raise Refusal(WRONG_STATE, f"Order {number} is billed already.")
        _touch(found)
        total = sum((_share(line, quantity_of(line)) for line in found["lines"]), Decimal(0))
        return self._file(self.invoices, "I", {"order": number, "date": _now(), "total": money(total)})

    def give_back(self, number: str, lines: Sequence[Mapping[str, Any]], reference: str, reason: str) -> Record:
        """Goods come back; they are credited and go into stock."""
        again = self._again(self.returns, reference, "return")
        if again is not None:
            return again
        found = self.order(number)
        chosen = self._chosen(found, lines, "returned")
        if not chosen:
            raise Refusal(MISSING, "A return needs lines.")
        for line, quantity in chosen:
            line["returned"] = plain(Decimal(line["returned"]) + quantity)
            stock = self.items[line["code"]]["stock"]
            stock[MAIN] = plain(Decimal(stock.get(MAIN, "0")) + quantity)
            _touch(self.items[line["code"]])
        total = sum((_share(line, quantity) for line, quantity in chosen), Decimal(0))
        _touch(found)
        return self._file(self.returns, "R", {
            "order": number, "reference": reference, "reason": reason, "date": _now(), "total": money(total),
            "lines": [{"code": line["code"], "quantity": plain(quantity)} for line, quantity in chosen],
        })  # fmt: skip

    # money -----------------------------------------------------------------------------------------------------------
    def ledger(self, customer: str) -> Iterator[Record]:
        """Bills, payments and credits of the customer in time, each with the balance after it."""
        self.customer(customer)
        own = {number for number, order in self.orders.items() if order["customer"] == customer}
        entries = [("INVOICE", one, Decimal(one["total"])) for one in self.invoices.values() if one["order"] in own]
        entries += [("CREDIT", one, -Decimal(one["total"])) for one in self.returns.values() if one["order"] in own]
        for number in own:
            order = self.orders[number]
            if Decimal(order["paid"]):
                paid = {"no": f"P-{number}", "order": number, "date": order["created"], "touched": order["touched"]}
                entries.append(("PAYMENT", paid, -Decimal(order["paid"])))
        balance = Decimal(0)
        for kind, document, amount in sorted(entries, key=lambda entry: (entry[1]["date"], entry[1]["no"])):
            balance += amount
            yield {"kind": kind, "no": document["no"], "order": document["order"], "date": document["date"],
                   "amount": money(amount), "balance": money(balance)}  # fmt: skip

    def quote(self, lines: Sequence[Mapping[str, Any]]) -> tuple[list[Record], Decimal]:
        """Today's price of each line, and the freight of all."""
        priced: list[Record] = []
        total = Decimal(0)
        for line in lines:
            item = self.item(line.get("code"))
            quantity = number_of(line.get("quantity") or 1, "Quantity")
            each = Decimal(item["price"]) * (MANY_DISCOUNT if quantity >= MANY else 1)
            total += each.quantize(CENT) * quantity
            priced.append({"code": item["code"], "quantity": plain(quantity), "price": money(each),
                           "available": plain(self.available(item["code"]))})  # fmt: skip
        return priced, Decimal(0) if total >= FREE_FROM else FREIGHT

    # helpers ---------------------------------------------------------------------------------------------------------
    def _next(self, kind: str) -> int:
        self.counters[kind] = self.counters.get(kind, 1000) + 1
        return self.counters[kind]

    def _file(self, drawer: dict[str, Record], letter: str, record: Record) -> Record:
        number = f"{letter}{self._next(letter)}"
        drawer[number] = {"no": number, **record, "touched": time.time()}
        return drawer[number]

    def _again(self, drawer: Mapping[str, Record], reference: Any, kind: str) -> Record | None:
        """The document that has this reference already, where the ERP looks."""
        if self.on_duplicate == "create" or not reference:
            return None
        known = next((one for one in drawer.values() if one.get("reference") == str(reference)), None)
        if known is not None and self.on_duplicate == "refuse":
            raise Refusal(DUPLICATE, f"There is {kind} {known['no']} of reference {reference} already.")
        return known

    def _lines(self, given: Sequence[Mapping[str, Any]], total: Any) -> list[Record]:
        if not given:
            raise Refusal(MISSING, "An order needs lines.")
        lines = [self._line(one) for one in given]
        added = sum((Decimal(line["amount"]) for line in lines), Decimal(0))
        if total not in (None, "") and abs(number_of(total, "Total") - added) > CENT * len(lines):
            raise Refusal(WRONG_SUM, f"The lines come to {money(added)}, the total says {total}.")
        return lines

    def _line(self, given: Mapping[str, Any]) -> Record:
        """A line without an item is a charge: a text and an amount."""
        code = str(given.get("code") or "")
        if code:
            self.item(code)
        elif not given.get("text"):
            raise Refusal(MISSING, "A line needs an item or a text.")
        quantity = number_of(given.get("quantity") or 1, "Quantity")
        if quantity <= 0:
            raise Refusal(MISSING, f"The quantity of {code or given['text']} is {plain(quantity)}.")
        price = number_of(given.get("price") or 0, "Price")
        amount = price * quantity if given.get("amount") in (None, "") else number_of(given["amount"], "Amount")
        text = str(given.get("text") or (self.items[code]["name"] if code else ""))
        return {"code": code, "text": text, "quantity": plain(quantity), "price": plain(price), "amount": money(amount),
                "shipped": "0", "cancelled": "0", "returned": "0"}  # fmt: skip

    def _chosen(
        self, order: Record, lines: Sequence[Mapping[str, Any]] | None, into: str
    ) -> list[tuple[Record, Decimal]]:
        """The order's lines of the codes named, each with as much as is asked for; never more than there is."""
        chosen = []
        for wanted in lines or ():
            code, quantity = str(wanted.get("code") or wanted.get("sku") or ""), wanted.get("quantity")
            line = next((one for one in order["lines"] if one["code"] == code), None)
            if line is None:
                raise Refusal(UNKNOWN_ITEM, f"Order {order['no']} has no line of {code}.")
            left = open_quantity(line) if into != "returned" else Decimal(line["shipped"]) - Decimal(line["returned"])
            asked = left if quantity in (None, "") else number_of(quantity, "Quantity")
            if not 0 < asked <= left:
                raise Refusal(WRONG_STATE, f"{plain(asked)} of {code} cannot be {into}: {plain(left)} left.")
            chosen.append((line, asked))
        return chosen

    def _finish_charges(self, order: Record) -> None:
        """What is no article leaves with the last of the goods."""
        if all(open_quantity(line) <= 0 for line in order["lines"] if line["code"]):
            for line in order["lines"]:
                if not line["code"]:
                    line["shipped"] = plain(quantity_of(line))


def quantity_of(line: Mapping[str, Any]) -> Decimal:
    return Decimal(line["quantity"]) - Decimal(line["cancelled"])


def open_quantity(line: Mapping[str, Any]) -> Decimal:
    """Ordered, not cancelled, not shipped."""
    return quantity_of(line) - Decimal(line["shipped"])


def state_of(order: Mapping[str, Any]) -> str:
    lines = order["lines"]
    if all(quantity_of(line) <= 0 for line in lines):
        return "CANCELLED"
    if not any(Decimal(line["shipped"]) for line in lines):
        return "NEW"
    return "PARTLY_SHIPPED" if any(open_quantity(line) > 0 for line in lines) else "SHIPPED"


def total_of(order: Mapping[str, Any]) -> Decimal:
    """As ordered; what is cancelled stays in it."""
    return sum((Decimal(line["amount"]) for line in order["lines"]), Decimal(0))


def _share(line: Mapping[str, Any], quantity: Decimal) -> Decimal:
    """What `quantity` of the line costs."""
    return (Decimal(line["amount"]) * quantity / Decimal(line["quantity"])).quantize(CENT)


def _touch(record: Record) -> Record:
    record |= {"changed": _now(), "touched": time.time()}
    return record


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
