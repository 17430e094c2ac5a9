"""Orders of the simulated shop: totals and taxes, the life of a status, what it does to stock, notes and refunds.

documented: https://woocommerce.github.io/woocommerce-rest-api-docs/#orders and, for the rules behind it, WooCommerce's
class-wc-rest-orders-controller.php, abstract-wc-order.php, wc-stock-functions.php and wc-order-functions.php:
https://github.com/woocommerce/woocommerce/tree/trunk/plugins/woocommerce/includes
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from integrations.simulators.woocommerce.args import WpError
from integrations.simulators.woocommerce.shop import (
    ADDRESS,
    GATEWAYS,
    VERSION,
    Catalogue,
    Index,
    Record,
    amount_of,
    fold,
)

CENT = Decimal("0.01")
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


class Shop(Catalogue):
    """The whole shop. Money is kept as text, unrounded in lines, in cents in totals, as WooCommerce does."""

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
        self.calculate(order)
        order["id"] = self.next_id("post")
        order["number"] = str(order["id"])  # documented: WC_Order::get_order_number; plugins make it another
        self.orders[order["id"]] = order
        self.notes[order["id"]] = []
        self.emit("order", "created", order["id"])
        return order

    def apply_order(self, order: Record, given: Mapping[str, Any]) -> bool:
        """Take over what was posted, but the status; whether totals must be worked out again."""
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
        for name in ("line_items", "shipping_lines", "fee_lines"):
            for item in given.get(name) or []:
                self._set_item(order, name, item)
        self.merge_meta(order["meta_data"], list(given.get("meta_data") or []))
        if given.get("coupon_lines") is not None:
            self._set_coupons(order, given["coupon_lines"])
        touching = ("billing", "shipping", "line_items", "shipping_lines", "fee_lines", "coupon_lines")
        return any(given.get(name) is not None for name in touching)

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

    # lines ----------------------------------------------------------------------------------------------------------
    def _set_item(self, order: Record, kind: str, given: Mapping[str, Any]) -> None:
        items: list[Record] = order[kind]
        # documented: WC_REST_Orders_V2_Controller::item_is_null: null in its name or a quantity of 0 removes a line
        names = ("product_id", "method_id", "method_title", "name", "code")
        if any(name in given and given[name] is None for name in names) or given.get("quantity") == 0:
            items[:] = [item for item in items if item["id"] != given.get("id")]
            return
        if given.get("id"):
            item = next((i for i in items if i["id"] == given["id"]), None)
            if item is None:
                text = "Order item ID provided is not associated with order."
                raise WpError("woocommerce_rest_invalid_item_id", text, 400)
        else:
            item = {"line_items": self._new_line, "shipping_lines": _new_shipping, "fee_lines": _new_fee}[kind](given)
            item |= {"id": self.next_id("item"), "meta_data": [], "taxes": [], "total_tax": "0"}
            items.append(item)
        fields = {
            "line_items": ("name", "quantity", "total", "subtotal", "tax_class"),
            "shipping_lines": ("method_id", "method_title", "total", "instance_id"),
            "fee_lines": ("name", "tax_class", "tax_status", "total"),
        }[kind]
        item.update({name: given[name] for name in fields if given.get(name) is not None})
        self.merge_meta(item["meta_data"], list(given.get("meta_data") or []))

    def _new_line(self, given: Mapping[str, Any]) -> Record:
        """documented: WC_REST_Orders_V2_Controller::get_product_id and prepare_line_items."""
        wanted = self.sku_ids.get(fold(str(given["sku"])), 0) if given.get("sku") else given.get("variation_id")
        wanted = wanted or given.get("product_id")
        if not wanted:
            text = "Product ID or SKU is required."
            raise WpError("woocommerce_rest_required_product_reference", text, 400)
        product = self.products.get(int(amount_of(wanted)))
        line: Record = {"name": "", "product_id": 0, "variation_id": 0, "quantity": 1, "tax_class": ""}
        line |= {"subtotal": "0", "total": "0", "subtotal_tax": "0", "reduced": 0}
        if product is None:
            return line
        is_variation = product["type"] == "variation"
        line["name"] = self.line_name(product)
        line["product_id"] = product["parent_id"] if is_variation else product["id"]
        line["variation_id"] = product["id"] if is_variation else 0
        line["tax_class"] = "" if product["tax_class"] in {"standard", "parent"} else product["tax_class"]
        net = amount_of(product["sale_price"] or product["regular_price"]) * int(given.get("quantity") or 1)
        if self.prices_include_tax:
            net = self.without_tax(net, line["tax_class"], "")
        line["subtotal"] = line["total"] = str(net)
        return line

    def line_name(self, product: Record) -> str:
        if product["type"] != "variation":
            return str(product["name"])
        options = ", ".join(str(a.get("option", "")) for a in product["attributes"])
        parent = self.products.get(product["parent_id"])
        return f"{parent['name'] if parent else product['name']} - {options}"

    def _set_coupons(self, order: Record, given: list[Record]) -> None:
        """documented: WC_REST_Orders_Controller::calculate_coupons: the list given replaces the one there."""
        lines: list[Record] = []
        for item in given:
            if item.get("id"):
                raise WpError("woocommerce_rest_coupon_item_id_readonly", "Coupon item ID is readonly.", 400)
            code = str(item.get("code") or "").lower()
            if not code:
                raise WpError("woocommerce_rest_invalid_coupon", "Coupon code is required.", 400)
            if code not in self.coupons:
                raise WpError("woocommerce_rest_invalid_coupon", f'Coupon "{code}" does not exist!', 400)
            lines.append({"id": self.next_id("item"), "code": code, "discount": "0", "meta_data": []})
        order["coupon_lines"] = lines
        self._apply_coupons(order)

    def _apply_coupons(self, order: Record) -> None:
        """judgement: percent and fixed_cart, spread over the lines by value; product rules are left out."""
        for line in order["line_items"]:
            line["total"] = line["subtotal"]
        for coupon_line in order["coupon_lines"]:
            coupon, given_off = self.coupons[coupon_line["code"]], Decimal(0)
            goods = sum((amount_of(line["total"]) for line in order["line_items"]), Decimal(0))
            for line in order["line_items"]:
                total = amount_of(line["total"])
                share = amount_of(coupon["amount"])
                if coupon["discount_type"] == "percent":
                    off = total * share / 100
                else:
                    off = min(total, share * total / goods) if goods else Decimal(0)
                off = off.quantize(CENT, ROUND_HALF_UP)
                line["total"] = str(total - off)
                given_off += off
            coupon_line["discount"] = str(given_off)

    # money ----------------------------------------------------------------------------------------------------------
    def rates_for(self, tax_class: str, country: str) -> list[Record]:
        """documented: WC_Tax::find_rates: per priority the first rate that fits; no country means every country."""
        if self.settings["general"]["woocommerce_calc_taxes"] != "yes":
            return []
        fitting: dict[int, Record] = {}
        for rate in sorted(self.taxes.values(), key=lambda r: (r["priority"], r["order"], r["id"])):
            if rate["class"] == (tax_class or "standard") and rate["country"] in {"", country}:
                fitting.setdefault(rate["priority"], rate)
        return list(fitting.values())

    def without_tax(self, gross: Decimal, tax_class: str, country: str) -> Decimal:
        whole = 1 + sum((amount_of(r["rate"]) for r in self.rates_for(tax_class, country)), Decimal(0)) / 100
        return (gross / whole).quantize(Decimal("0.000001"))

    def calculate(self, order: Record) -> None:
        """documented: WC_Abstract_Order::calculate_taxes and calculate_totals; tax is rounded line by line unless the
        shop rounds at the subtotal, half down where prices include it."""
        base = self.settings["general"]["woocommerce_default_country"].partition(":")[0]
        country = order["shipping"]["country"] or order["billing"]["country"] or base
        rounding = ROUND_HALF_DOWN if order["prices_include_tax"] else ROUND_HALF_UP
        by_rate: dict[int, list[Decimal]] = {}
        for kind in ("line_items", "fee_lines", "shipping_lines"):
            for item in order[kind]:
                self._tax_item(item, kind, country, rounding, by_rate)
        shipping, fees = _sum(order["shipping_lines"], "total"), _sum(order["fee_lines"], "total")
        goods = _sum(order["line_items"], "total")
        cart_tax = _sum(order["line_items"], "total_tax") + _sum(order["fee_lines"], "total_tax")
        shipping_tax = _sum(order["shipping_lines"], "total_tax")
        off = _sum(order["line_items"], "subtotal") - goods
        off_tax = _sum(order["line_items"], "subtotal_tax") - _sum(order["line_items"], "total_tax")
        order["discount_total"], order["discount_tax"] = str(off), str(off_tax)
        order["shipping_total"], order["shipping_tax"] = str(shipping), str(shipping_tax)
        order["cart_tax"], order["total_tax"] = str(cart_tax), str(cart_tax + shipping_tax)
        total = (goods + fees + shipping + cart_tax + shipping_tax).quantize(CENT, ROUND_HALF_UP)
        order["total"] = str(max(total, Decimal("0.00")))
        self._set_tax_lines(order, by_rate)

    def _tax_item(
        self, item: Record, kind: str, country: str, rounding: str, by_rate: dict[int, list[Decimal]]
    ) -> None:
        rates = [] if item.get("tax_status") == "none" else self.rates_for(item.get("tax_class", ""), country)
        product = self.products.get(item.get("variation_id") or item.get("product_id") or 0)
        if product is not None and product["tax_status"] != "taxable":
            rates = []
        shipping = kind == "shipping_lines"
        item["taxes"] = []
        for rate in rates if not shipping else [r for r in rates if r["shipping"]]:
            share = amount_of(rate["rate"]) / 100
            tax = (amount_of(item["total"]) * share).quantize(CENT, rounding)
            entry = {"id": rate["id"], "total": str(tax)}
            if not shipping:
                before = amount_of(item.get("subtotal", item["total"]))
                entry["subtotal"] = str((before * share).quantize(CENT, rounding))
            item["taxes"].append(entry)
            sums = by_rate.setdefault(rate["id"], [Decimal(0), Decimal(0)])
            sums[1 if shipping else 0] += tax
        item["total_tax"] = str(_sum(item["taxes"], "total"))
        if kind == "line_items":
            item["subtotal_tax"] = str(_sum(item["taxes"], "subtotal"))

    def _set_tax_lines(self, order: Record, by_rate: dict[int, list[Decimal]]) -> None:
        known = {line["rate_id"]: line["id"] for line in order["tax_lines"]}
        order["tax_lines"] = []
        for rate_id, (goods, shipping) in by_rate.items():
            rate = self.taxes[rate_id]
            code = "-".join(part for part in (rate["country"], rate["state"], rate["name"].upper()) if part)
            order["tax_lines"].append(
                {
                    "id": known.get(rate_id) or self.next_id("item"),
                    "rate_code": f"{code}-{rate['priority']}",
                    "rate_id": rate_id,
                    "label": rate["name"],
                    "compound": rate["compound"],
                    "tax_total": str(goods),
                    "shipping_tax_total": str(shipping),
                    "rate_percent": float(amount_of(rate["rate"])),
                    "meta_data": [],
                }
            )

    # life -----------------------------------------------------------------------------------------------------------
    def set_status(self, order: Record, status: str) -> None:
        """documented: WC_Order::status_transition, maybe_set_date_paid; stock as in wc-stock-functions."""
        old = order["status"]
        if status == old and not (status in SOLD and not order["stock_reduced"]):
            return
        order["status"] = status
        if status in {"processing", "completed"} and order["paid"] is None:
            order["paid"] = self.now()
        if status == "completed":
            order["completed"] = self.now()
        if status != old and order["id"]:
            self.add_note(order, f"Order status changed from {LABELS[old]} to {LABELS[status]}.")
        if status in SOLD and not order["stock_reduced"]:
            self._reduce_stock(order)
        if status in GIVEN_BACK and order["stock_reduced"]:
            self._restore_stock(order)

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
                changes.append(f"{line['name']} -{line['quantity']}")
        order["stock_reduced"] = True
        if changes and order["id"]:
            self.add_note(order, "Stock levels reduced: " + ", ".join(changes))

    def _restore_stock(self, order: Record) -> None:
        changes = []
        for line in order["line_items"]:
            product_id = line["variation_id"] or line["product_id"]
            if line["reduced"] and self.move_stock(product_id, line["reduced"]):
                changes.append(f"{line['name']} +{line['reduced']}")
                line["reduced"] = 0
        order["stock_reduced"] = False
        if changes:
            self.add_note(order, "Stock levels increased: " + ", ".join(changes))

    # refunds --------------------------------------------------------------------------------------------------------
    def refunded(self, order: Record) -> Decimal:
        return sum((amount_of(self.refunds[r]["amount"]) for r in order["refunds"]), Decimal(0))

    def add_refund(self, order: Record, given: Mapping[str, Any]) -> Record:
        """documented: WC_REST_Order_Refunds_Controller, RestApiUtil::adjust_create_refund_request_parameters and
        wc_create_refund. Quirk: its refusals carry a bare number as data, so WordPress answers HTTP 500."""
        amount = _refund_amount(given)
        if amount < 0:
            text = "Refund amount must be greater than zero."
            raise WpError("woocommerce_rest_invalid_order_refund", text, 500, 400)
        left = amount_of(order["total"]) - self.refunded(order)
        if amount > left:
            raise _no_refund("Invalid refund amount.")
        by_gateway = given.get("api_refund", True) is not False
        if by_gateway and "refunds" not in GATEWAYS.get(order["payment_method"], ("", []))[1]:
            raise _no_refund("The payment gateway for this order does not support automatic refunds.")
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
        restock = given.get("api_restock", True) is not False
        for posted in given.get("line_items") or []:
            self._refund_item(order, refund, posted, restock)
        self.merge_meta(refund["meta_data"], list(given.get("meta_data") or []))
        self.refunds[refund["id"]] = refund
        order["refunds"].append(refund["id"])
        if left - amount <= 0:  # documented: wc_create_refund: fully refunded → status refunded, stock untouched
            self.set_status(order, "refunded")
        self.save_order(order)
        return refund

    def _refund_item(self, order: Record, refund: Record, posted: Mapping[str, Any], restock: bool) -> None:
        for kind in ("line_items", "shipping_lines", "fee_lines"):
            item = next((i for i in order[kind] if i["id"] == posted.get("id")), None)
            if item is not None:
                break
        else:
            return  # documented: wc_create_refund goes through the order's own items only
        quantity = int(amount_of(posted.get("quantity", posted.get("qty", 0))))
        total = amount_of(posted.get("refund_total", 0))
        taxes = [t for t in posted.get("refund_tax") or [] if isinstance(t, dict) and "id" in t]
        if not quantity and not total and not taxes:
            return
        line = {key: value for key, value in item.items() if key not in {"reduced", "meta_data", "taxes"}}
        line |= {"id": self.next_id("item"), "total": str(-total), "meta_data": []}
        line["taxes"] = [
            {
                "id": t["id"],
                "total": str(-amount_of(t.get("refund_total"))),
                "subtotal": str(-amount_of(t.get("refund_total"))),
            }
            for t in taxes
        ]
        line["total_tax"] = str(_sum(line["taxes"], "total"))
        self.merge_meta(line["meta_data"], [{"key": "_refunded_item_id", "value": str(item["id"])}])
        if kind == "line_items":
            line |= {"quantity": -quantity, "subtotal": line["total"], "subtotal_tax": line["total_tax"]}
            # documented: wc_restock_refunded_items: only what this order took, and never more
            back = min(quantity, item["reduced"])
            if restock and back > 0 and self.move_stock(item["variation_id"] or item["product_id"], back):
                item["reduced"] -= back
        refund[kind].append(line)


def _new_shipping(given: Mapping[str, Any]) -> Record:
    if not given.get("method_id"):
        raise WpError("woocommerce_rest_invalid_shipping_item", "Shipping method ID is required.", 400)
    return {"method_title": "", "method_id": "", "instance_id": "", "total": "0", "tax_status": "taxable"}


def _new_fee(given: Mapping[str, Any]) -> Record:
    if not given.get("name"):
        raise WpError("woocommerce_rest_invalid_fee_item", "Fee name is required.", 400)
    return {"name": "", "tax_class": "", "tax_status": "taxable", "amount": "", "total": "0"}


def _no_refund(text: str) -> WpError:
    return WpError("woocommerce_rest_cannot_create_order_refund", text, 500, 500)


def _refund_amount(given: Mapping[str, Any]) -> Decimal:
    """documented: RestApiUtil::calculate_refund_amount_from_line_items where no amount is given."""
    if given.get("amount") is not None:
        return amount_of(given["amount"]).quantize(CENT, ROUND_HALF_UP)
    lines = [line for line in given.get("line_items") or [] if isinstance(line, dict)]
    taxes = [tax for line in lines for tax in line.get("refund_tax") or [] if isinstance(tax, dict)]
    return _sum(lines, "refund_total") + _sum(taxes, "refund_total")


def _sum(items: list[Record], name: str) -> Decimal:
    return sum((amount_of(item.get(name, 0)) for item in items), Decimal(0))
