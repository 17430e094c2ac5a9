"""Orders of the simulated shop: the life of a status, what it does to stock, notes and refunds.

documented: https://woocommerce.github.io/woocommerce-rest-api-docs/#orders and, for the rules behind it, WooCommerce's
class-wc-rest-orders-controller.php, class-wc-order.php, wc-stock-functions.php and wc-order-functions.php:
https://github.com/woocommerce/woocommerce/tree/trunk/plugins/woocommerce/includes
"""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from integrations.simulators.woocommerce.args import WpError
from integrations.simulators.woocommerce.lines import KINDS, Lines
from integrations.simulators.woocommerce.records import ADDRESS, GATEWAYS, VERSION, Index, Record, amount_of
from integrations.simulators.woocommerce.totals import plain

SOLD = ("processing", "completed", "on-hold")  # documented: wc_maybe_reduce_stock_levels
GIVEN_BACK = ("cancelled", "pending")  # documented: wc_maybe_increase_stock_levels; a refund is not among them
LABELS = {
    "pending": "Pending payment",
    "processing": "Processing",
    "on-hold": "On hold",
    "completed": "Completed",
    "cancelled": "Cancelled",
    "refunded": "Refunded",
    "failed": "Failed",
    "checkout-draft": "Draft",
    "auto-draft": "Draft",
}


class Shop(Lines):
    """The whole shop."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.orders: dict[int, Record] = {}
        self.refunds: dict[int, Record] = {}
        self.notes: dict[int, list[Record]] = {}
        self.webhooks: dict[int, Record] = {}
        self.order_indexes = {"date": Index(), "modified": Index(), "id": Index()}

    def build_indexes(self) -> None:
        super().build_indexes()
        self.order_indexes = {"date": Index(), "modified": Index(), "id": Index()}
        for order in self.orders.values():
            self._index_order(order)

    def _index_order(self, order: Record) -> None:
        for name, value in (("date", order["created"]), ("modified", order["modified"]), ("id", order["id"])):
            self.order_indexes[name].put(order["id"], value)

    # creating and changing ------------------------------------------------------------------------------------------
    def add_order(self, given: Mapping[str, Any], *, via: str = "rest-api", created: int | None = None) -> Record:
        now = self.now()
        order: Record = {
            "id": 0,
            "parent_id": 0,
            "number": "",
            # documented: wc_generate_order_key: "wc_order_" and 13 characters
            "order_key": "wc_order_"
            + "".join(self.rng.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=13)),
            "created_via": via,
            "version": VERSION,
            "status": "pending",
            "currency": self.currency,
            "created": created or now,
            "modified": created or now,
            "paid": None,
            "completed": None,
            "prices_include_tax": self.prices_include_tax,
            "customer_id": 0,
            "customer_ip_address": "",
            "customer_user_agent": "",
            "customer_note": "",
            "billing": dict.fromkeys((*ADDRESS, "email", "phone"), ""),
            "shipping": dict.fromkeys((*ADDRESS, "phone"), ""),
            "payment_method": "",
            "payment_method_title": "",
            "transaction_id": "",
            "cart_hash": "",
            "meta_data": [],
            "line_items": [],
            "tax_lines": [],
            "shipping_lines": [],
            "fee_lines": [],
            "coupon_lines": [],
            "refunds": [],
            "stock_reduced": False,
        }
        self.apply_order(order, given)
        order["id"] = self.next_id("post")
        order["number"] = str(order["id"])  # documented: WC_Order::get_order_number; plugins make it another
        self.orders[order["id"]] = order
        self.notes[order["id"]] = []
        self.emit("order", "created", order["id"])
        self.calculate(order)
        try:
            self.set_coupons(order, given.get("coupon_lines") or [])
        except WpError as error:
            # documented: save_object: the order is there by now; it is kept as a draft, and the refusal names it
            order["status"] = "checkout-draft"
            self.save_order(order)
            error.data["new_draft_order_id"] = order["id"]
            raise
        return order

    def apply_order(self, order: Record, given: Mapping[str, Any]) -> None:
        """Take over what was posted, but coupons and the status."""
        customer_id = given.get("customer_id")
        if customer_id and customer_id not in self.customers:
            raise WpError("woocommerce_rest_invalid_customer_id", "Customer ID is invalid.", 400)
        simple = ("parent_id", "currency", "customer_id", "customer_note", "payment_method", "payment_method_title")
        for name in (*simple, "transaction_id"):
            if given.get(name) is not None:
                order[name] = given[name]
        for name in ("billing", "shipping"):
            known = order[name]
            known.update({k: v or "" for k, v in (given.get(name) or {}).items() if k in known})
        self.set_items(order, given)
        self.merge_meta(order["meta_data"], list(given.get("meta_data") or []))

    def change_order(self, order: Record, given: Mapping[str, Any]) -> None:
        """documented: save_object: sums are worked out anew only where lines or addresses were posted; the status is
        set before what is to happen on payment."""
        before = copy.deepcopy(order)
        try:
            self.apply_order(order, given)
        except WpError:
            _undo(order, before)
            raise
        touching = ("billing", "shipping", *KINDS, "coupon_lines")
        if any(given.get(name) is not None for name in touching):
            self.calculate(order)
        if given.get("coupon_lines") is not None:
            self.set_coupons(order, given["coupon_lines"])
        if given.get("status"):
            self.set_status(order, str(given["status"]))
        if given.get("set_paid") and self.needs_payment(order):
            self.pay(order, str(given.get("transaction_id") or ""))
        self.save_order(order)

    def needs_payment(self, order: Record) -> bool:
        """documented: WC_Order::needs_payment."""
        return order["status"] in {"pending", "failed"} and amount_of(order["total"]) > 0

    def save_order(self, order: Record, *, event: str = "updated", modified: int | None = None) -> None:
        order["modified"], order["touched"] = modified or self.now(), time.time()
        self._index_order(order)
        if event:
            self.emit("order", event, order["id"])

    def remove_order(self, order: Record) -> None:
        self.orders.pop(order["id"], None)
        for index in self.order_indexes.values():
            index.drop(order["id"])
        for refund_id in order["refunds"]:
            self.refunds.pop(refund_id, None)

    def add_note(self, order: Record, text: str, *, customer: bool = False, author: str = "WooCommerce") -> Record:
        note = {"id": self.next_id("comment"), "author": author, "created": self.now(), "note": text}
        note["customer_note"] = customer
        self.notes.setdefault(order["id"], []).append(note)
        return note

    # life -----------------------------------------------------------------------------------------------------------
    def set_status(self, order: Record, status: str) -> None:
        """documented: WC_Abstract_Order::set_status (what is no status is "pending"), WC_Order::status_transition,
        maybe_set_date_paid, wc_order_fully_refunded; stock as in wc-stock-functions."""
        old, status = order["status"], status if status in LABELS else "pending"
        if status == old:
            return
        order["status"] = status
        wanted = {"completed", "processing"} if self.needs_processing(order) else {"completed"}
        if status in wanted and order["paid"] is None:
            order["paid"] = self.now()
        if status == "completed":
            order["completed"] = self.now()
        self.add_note(order, f"Order status changed from {LABELS.get(old, old)} to {LABELS[status]}.")
        if status in SOLD and not order["stock_reduced"]:
            self._reduce_stock(order)
        if status in GIVEN_BACK and order["stock_reduced"]:
            self._restore_stock(order)
        if status == "refunded":
            self._refund_the_rest(order)

    def _refund_the_rest(self, order: Record) -> None:
        """documented: wc_order_fully_refunded: what was not given back yet becomes a refund without lines, by hand."""
        left = amount_of(order["total"]) - self.refunded(order)
        if left <= 0:
            return
        given = {"amount": str(left), "reason": "Order fully refunded.", "api_refund": False, "api_restock": False}
        self.add_refund(order, given)
        text = "Order status set to refunded. To return funds to the customer you will need to issue a refund through "
        self.add_note(order, f"{text}your payment gateway.")

    def pay(self, order: Record, transaction_id: str = "") -> None:
        """documented: WC_Order::payment_complete."""
        if order["status"] not in {"on-hold", "pending", "failed", "cancelled"}:
            return
        order["transaction_id"] = transaction_id or order["transaction_id"]
        order["paid"] = order["paid"] or self.now()
        self.set_status(order, "processing" if self.needs_processing(order) else "completed")
        customer = self.customers.get(order["customer_id"])
        if customer is not None:
            customer["is_paying_customer"] = True

    def needs_processing(self, order: Record) -> bool:
        """documented: WC_Order::needs_processing: some product is not both virtual and downloadable."""
        for line in order["line_items"]:
            product = self.products.get(line["variation_id"] or line["product_id"])
            if product is None or not (product["virtual"] and product["downloadable"]):
                return True
        return False

    def _reduce_stock(self, order: Record) -> None:
        changes = []
        for line in order["line_items"]:
            product_id = line["variation_id"] or line["product_id"]
            if not line["reduced"] and self.move_stock(product_id, -line["quantity"]):
                line["reduced"] = line["quantity"]
                changes.append(self._stock_change(product_id, -line["quantity"]))
        order["stock_reduced"] = True
        if changes:
            self.add_note(order, "Stock levels reduced: " + ", ".join(changes))

    def _restore_stock(self, order: Record) -> None:
        changes = []
        for line in order["line_items"]:
            product_id = line["variation_id"] or line["product_id"]
            if line["reduced"] and self.move_stock(product_id, line["reduced"]):
                changes.append(self._stock_change(product_id, line["reduced"]))
                line["reduced"] = 0
        order["stock_reduced"] = False
        if changes:
            self.add_note(order, "Stock levels increased: " + ", ".join(changes))

    def _stock_change(self, product_id: int, change: int) -> str:
        """documented: wc_trigger_stock_change_notifications: Name (SKU) 12→10."""
        product = self.products[product_id]
        now = (self.stock_holder(product) or product)["stock_quantity"]
        code = self.inherited(product, "sku") or f"#{product_id}"
        return f"{self.line_name(product)} ({code}) {now - change}&rarr;{now}"

    # refunds --------------------------------------------------------------------------------------------------------
    def refunded(self, order: Record) -> Decimal:
        return sum((amount_of(self.refunds[r]["amount"]) for r in order["refunds"]), Decimal(0))

    def add_refund(self, order: Record, given: Mapping[str, Any]) -> Record:
        """documented: WC_REST_Order_Refunds_Controller and wc_create_refund. Quirk: its refusals carry a bare number as
        data, so WordPress answers HTTP 500."""
        posted = _by_item(given.get("line_items"))
        amount = _refund_amount(given, posted)
        if amount < 0:
            text = "Refund amount must be greater than zero."
            raise WpError("woocommerce_rest_invalid_order_refund", text, 500, 400)
        left = amount_of(order["total"]) - self.refunded(order)
        if amount > left:
            raise _no_refund("Invalid refund amount.")
        by_gateway = given.get("api_refund", True) is not False
        if by_gateway:
            _check_gateway(order["payment_method"])
        refund: Record = {
            "id": self.next_id("post"),
            "order_id": order["id"],
            "created": self.now(),
            "touched": time.time(),
            "amount": str(amount),
            "reason": given.get("reason") or "",
            "refunded_by": 1,
            "refunded_payment": by_gateway,
            "meta_data": [],
            "line_items": [],
            "tax_lines": [],
            "shipping_lines": [],
            "fee_lines": [],
        }
        for kind in KINDS:  # documented: wc_create_refund goes through the order's own items; others are ignored
            for item in order[kind]:
                if item["id"] in posted:
                    self._refund_item(refund, kind, item, posted[item["id"]])
        self.set_tax_lines(refund, _refunded_taxes(refund))
        self.merge_meta(refund["meta_data"], list(given.get("meta_data") or []))
        self.refunds[refund["id"]] = refund
        order["refunds"].append(refund["id"])
        if given.get("api_restock", True) is not False:
            self._restock(order, posted)
        if left - amount <= 0:  # documented: wc_create_refund: fully refunded → status refunded
            self.set_status(order, "refunded")
        self.save_order(order)
        return refund

    def remove_refund(self, order: Record, refund_id: int) -> None:
        """judgement: deleting a refund puts nothing back into or out of stock, nor the status back; it is told of as
        order.updated, as the vendor does since 11.2."""
        order["refunds"].remove(refund_id)
        del self.refunds[refund_id]
        self.save_order(order)

    def _refund_item(self, refund: Record, kind: str, item: Record, posted: Mapping[str, Any]) -> None:
        quantity = int(amount_of(posted.get("qty", 0)))
        total, taxes = amount_of(posted.get("refund_total", 0)), posted["refund_tax"]
        if not quantity and not total and not taxes:
            return
        line = {key: value for key, value in item.items() if key not in {"reduced", "restocked", "meta_data", "taxes"}}
        line |= {"id": self.next_id("item"), "total": str(-total), "meta_data": []}
        line["taxes"] = [
            {"id": rate, "total": plain(-tax), "subtotal": plain(-tax) if kind == "line_items" else ""}
            for rate, tax in taxes.items()
        ]
        line["total_tax"] = str(-sum((self.round_tax(tax) for tax in taxes.values()), Decimal(0)))
        self.merge_meta(line["meta_data"], [{"key": "_refunded_item_id", "value": str(item["id"])}])
        if kind == "line_items":
            line |= {"quantity": -quantity, "subtotal": line["total"], "subtotal_tax": line["total_tax"]}
        refund[kind].append(line)

    def _restock(self, order: Record, posted: Mapping[int, Mapping[str, Any]]) -> None:
        """documented: wc_restock_refunded_items: lines that were taken from stock get back the quantity posted. Quirk:
        even if it is more than was taken."""
        for item in order["line_items"]:
            back = int(amount_of(posted.get(item["id"], {}).get("qty", 0)))
            product_id = item["variation_id"] or item["product_id"]
            if not back or not item["reduced"] or not self.move_stock(product_id, back):
                continue
            item["reduced"] -= back
            item["restocked"] += back
            product = self.products[product_id]
            now = (self.stock_holder(product) or product)["stock_quantity"]
            self.add_note(order, f"Item #{product_id} stock increased from {now - back} to {now}.")


def _undo(order: Record, before: Record) -> None:
    """documented: a refused change is not saved, but lines are saved one by one: those changed before the refusal stay
    so (set_item)."""
    for kind in KINDS:
        known = {line["id"] for line in before[kind]}
        before[kind] = [line for line in order[kind] if line["id"] in known]
    order.update(before)


def _no_refund(text: str) -> WpError:
    return WpError("woocommerce_rest_cannot_create_order_refund", text, 500, 500)


def _check_gateway(method: str) -> None:
    """documented: wc_refund_payment."""
    if method not in GATEWAYS:
        raise _no_refund("The payment gateway for this order does not exist.")
    if "refunds" not in GATEWAYS[method][1]:
        raise _no_refund("The payment gateway for this order does not support automatic refunds.")


def _by_item(given: Any) -> dict[int, dict[str, Any]]:
    """documented: RestApiUtil::adjust_create_refund_request_parameters: the list becomes item → what is refunded of it;
    a list in which a line has no id is left as it is, so that no item is found in it."""
    if isinstance(given, Mapping):
        rows = {int(amount_of(key)): dict(row) for key, row in given.items() if isinstance(row, Mapping)}
    else:
        lines = [dict(row) for row in given or [] if isinstance(row, Mapping)]
        rows = {int(amount_of(row["id"])): row for row in lines} if all(row.get("id") for row in lines) else {}
    for row in rows.values():
        if "quantity" in row:
            row.setdefault("qty", row["quantity"])
        row["refund_tax"] = _taxes(row.get("refund_tax"))
    return rows


def _taxes(given: Any) -> dict[int, Decimal]:
    """Both forms: [{"id": 1, "refund_total": 2}] and {"1": 2}; what is no number is left out."""
    if isinstance(given, Mapping):
        pairs: Iterable[tuple[Any, Any]] = given.items()
    else:
        rows = [row for row in given or [] if isinstance(row, Mapping)]
        pairs = [(row["id"], row["refund_total"]) for row in rows if "id" in row and "refund_total" in row]
    return {int(amount_of(rate)): amount_of(tax) for rate, tax in pairs if _is_number(tax)}


def _refund_amount(given: Mapping[str, Any], posted: Mapping[int, Mapping[str, Any]]) -> Decimal:
    """documented: RestApiUtil::calculate_refund_amount_from_line_items where no amount is given; one line without a
    number, and it is 0."""
    if given.get("amount") is not None:
        return amount_of(given["amount"])
    if not all(_is_number(row.get("refund_total")) for row in posted.values()):
        return Decimal(0)
    return sum(
        (amount_of(row["refund_total"]) + sum(row["refund_tax"].values()) for row in posted.values()), Decimal(0)
    )


def _refunded_taxes(refund: Record) -> dict[int, tuple[Decimal, Decimal]]:
    """documented: update_taxes of the refund."""
    by_rate: dict[int, tuple[Decimal, Decimal]] = {}
    for kind in KINDS:
        for line in refund[kind]:
            for tax in line["taxes"]:
                goods, shipping = by_rate.get(tax["id"], (Decimal(0), Decimal(0)))
                amount = amount_of(tax["total"]).quantize(Decimal("0.01"), ROUND_HALF_UP)
                is_shipping = kind == "shipping_lines"
                by_rate[tax["id"]] = (goods, shipping + amount) if is_shipping else (goods + amount, shipping)
    return by_rate


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or value is None:
        return False
    try:
        return Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False
