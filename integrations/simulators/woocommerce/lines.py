"""The lines of an order of the simulated shop: posted, changed, taken out; coupons.

documented: WC_REST_Orders_Controller and WC_REST_Orders_V2_Controller (set_item, prepare_line_items, remove_item,
calculate_coupons): https://github.com/woocommerce/woocommerce/tree/trunk/plugins/woocommerce/includes/rest-api/Controllers
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from integrations.simulators.woocommerce.args import WpError
from integrations.simulators.woocommerce.records import Record, amount_of, fold, title_slug
from integrations.simulators.woocommerce.totals import Totals, calc_tax

KINDS = ("line_items", "shipping_lines", "fee_lines")
FIELDS = {
    "line_items": ("name", "quantity", "tax_class"),
    "shipping_lines": ("method_id", "method_title", "total", "instance_id"),
    "fee_lines": ("name", "tax_class", "tax_status", "total"),
}
CRITICAL = "There has been a critical error on this website."


class Lines(Totals):
    """Lines remember what of them was taken from stock (`reduced`, the vendor's _reduced_stock) and what a refund has
    put back (`restocked`, _restock_refunded_items)."""

    def set_items(self, order: Record, given: Mapping[str, Any]) -> None:
        for kind in KINDS:
            for item in given.get(kind) or []:
                self._set_item(order, kind, item)

    def _set_item(self, order: Record, kind: str, given: Mapping[str, Any]) -> None:
        # documented: item_is_null: null in its name, or a quantity of 0, takes a line out
        names = ("product_id", "method_id", "method_title", "name", "code")
        if any(name in given and given[name] is None for name in names) or given.get("quantity") == 0:
            self._remove_item(order, kind, given)
            return
        if given.get("id"):
            item = self._find_item(order, kind, given["id"])
            if kind == "line_items":
                self._swap_product(item, given)
        else:
            new = {"line_items": self._new_line, "shipping_lines": _new_shipping, "fee_lines": _new_fee}[kind]
            item = {"id": self.next_id("item"), "taxes": [], "total_tax": "0", "meta_data": [], **new(given)}
            order[kind].append(item)
        item.update({name: given[name] for name in FIELDS[kind] if given.get(name) is not None})
        if kind == "line_items":
            _set_amounts(item, given)
        self.merge_meta(item["meta_data"], [meta for meta in given.get("meta_data") or [] if meta.get("key")])
        if kind == "line_items" and given.get("id"):
            self._adjust_stock(order, item, item["quantity"])

    def _find_item(self, order: Record, kind: str, number: Any) -> Record:
        item: Record | None = next((i for i in order[kind] if i["id"] == number), None)
        if item is None:
            text = "Order item ID provided is not associated with order."
            raise WpError("woocommerce_rest_invalid_item_id", text, 400)
        return item

    def _remove_item(self, order: Record, kind: str, given: Mapping[str, Any]) -> None:
        if not given.get("id"):  # judgement: PHP ends in a TypeError: remove_item wants a number
            raise WpError("internal_server_error", CRITICAL, 500)
        item = self._find_item(order, kind, given["id"])
        if kind == "line_items":
            self._adjust_stock(order, item, 0)
        order[kind].remove(item)

    def _adjust_stock(self, order: Record, item: Record, quantity: int) -> None:
        """documented: wc_maybe_adjust_line_item_product_stock. Quirk: a line that is changed takes its stock whatever
        state the order is in."""
        change = quantity - item["restocked"] - item["reduced"] if quantity else -item["reduced"]
        if not change or not self.move_stock(item["variation_id"] or item["product_id"], -change):
            return
        item["reduced"] = quantity - item["restocked"]
        if quantity > 0:
            order["stock_reduced"] = True

    # goods ----------------------------------------------------------------------------------------------------------
    def _wanted_product(self, given: Mapping[str, Any]) -> Any:
        """documented: get_product_id: the SKU first, then the variation, then the product."""
        if given.get("sku"):
            return self.sku_ids.get(fold(str(given["sku"])), 0)
        return given.get("variation_id") or given.get("product_id")

    def _new_line(self, given: Mapping[str, Any]) -> Record:
        wanted = self._wanted_product(given)
        if not wanted and not given.get("sku"):
            text = "Product ID or SKU is required."
            raise WpError("woocommerce_rest_required_product_reference", text, 400)
        product = self.products.get(int(amount_of(wanted)))
        line: Record = {"name": "", "product_id": 0, "variation_id": 0, "quantity": 1, "tax_class": ""}
        line |= {"subtotal": "0", "total": "0", "subtotal_tax": "0", "reduced": 0, "restocked": 0}
        if product is None:
            return line
        self._put_product(line, product)
        quantity = given["quantity"] if given.get("quantity") is not None else 1
        net = amount_of(self.price_of(product)) * int(quantity)
        if self.prices_include_tax and product["tax_status"] == "taxable":
            net = self.without_tax(net, line["tax_class"])
        line["subtotal"] = line["total"] = str(net)
        return line

    def _put_product(self, line: Record, product: Record) -> None:
        """documented: WC_Order_Item_Product::set_product: what a variation was chosen by becomes meta data."""
        is_variation = product["type"] == "variation"
        line["name"] = self.line_name(product)
        line["product_id"] = product["parent_id"] if is_variation else product["id"]
        line["variation_id"] = product["id"] if is_variation else 0
        tax_class = self.inherited(product, "tax_class")
        line["tax_class"] = "" if tax_class == "standard" else tax_class
        chosen = [{"key": title_slug(a["name"]), "value": str(a.get("option", ""))} for a in product["attributes"]]
        self.merge_meta(line.setdefault("meta_data", []), chosen if is_variation else [])

    def _swap_product(self, line: Record, given: Mapping[str, Any]) -> None:
        """documented: prepare_line_items sets the product of a line that names another; its amounts stay."""
        product = self.products.get(int(amount_of(self._wanted_product(given) or 0)))
        if product is not None and product["id"] != (line["variation_id"] or line["product_id"]):
            self._put_product(line, product)

    def line_name(self, product: Record) -> str:
        if product["type"] != "variation":
            return str(product["name"])
        options = ", ".join(str(a.get("option", "")) for a in product["attributes"])
        parent = self.products.get(product["parent_id"])
        return f"{parent['name'] if parent else product['name']} - {options}"

    # coupons --------------------------------------------------------------------------------------------------------
    def set_coupons(self, order: Record, given: list[Record]) -> None:
        """documented: calculate_coupons: the list given replaces the one there; the totals are worked out anew."""
        codes = []
        for item in given:
            if item.get("id"):
                raise WpError("woocommerce_rest_coupon_item_id_readonly", "Coupon item ID is readonly.", 400)
            code = str(item.get("code") or "").strip().lower()
            if not code:
                raise WpError("woocommerce_rest_invalid_coupon", "Coupon code is required.", 400)
            if code not in self.coupons:
                text = f"Coupon &quot;{code}&quot; cannot be applied because it does not exist."
                raise WpError("woocommerce_rest_invalid_coupon", text, 400)
            codes.append(code)
        if not codes and not order["coupon_lines"]:
            return
        order["coupon_lines"] = [
            {"id": self.next_id("item"), "code": code, "discount": "0", "discount_tax": "0", "meta_data": []}
            for code in codes
        ]
        self._apply_coupons(order)
        self.calculate(order)

    def _apply_coupons(self, order: Record) -> None:
        """judgement: percent and fixed_cart, spread over the lines by value; product rules are left out."""
        for line in order["line_items"]:
            line["total"] = line["subtotal"]
        for coupon_line in order["coupon_lines"]:
            coupon, given_off, tax_off = self.coupons[coupon_line["code"]], Decimal(0), Decimal(0)
            goods = sum((amount_of(line["total"]) for line in order["line_items"]), Decimal(0))
            for line in order["line_items"]:
                total, share = amount_of(line["total"]), amount_of(coupon["amount"])
                if coupon["discount_type"] == "percent":
                    off = total * share / 100
                else:
                    off = min(total, share * total / goods) if goods else Decimal(0)
                off = off.quantize(self.cent, ROUND_HALF_UP)
                line["total"] = str(total - off)
                given_off += off
                tax_off += self.round_tax(sum(calc_tax(off, self.line_rates(order, line)).values(), Decimal(0)))
            coupon_line |= {"discount": str(given_off), "discount_tax": str(tax_off)}


def _set_amounts(line: Record, given: Mapping[str, Any]) -> None:
    """documented: WC_Order_Item_Product::set_total: a subtotal below the total is raised to it; then the one posted is
    set."""
    if given.get("total") is not None:
        line["total"] = str(amount_of(given["total"]))
        if amount_of(line["subtotal"]) < amount_of(line["total"]):
            line["subtotal"] = line["total"]
    if given.get("subtotal") is not None:
        line["subtotal"] = str(amount_of(given["subtotal"]))


def _new_shipping(given: Mapping[str, Any]) -> Record:
    if not given.get("method_id"):
        raise WpError("woocommerce_rest_invalid_shipping_item", "Shipping method ID is required.", 400)
    return {"method_title": "", "method_id": "", "instance_id": "", "total": "0", "tax_status": "taxable"}


def _new_fee(given: Mapping[str, Any]) -> Record:
    if not given.get("name"):
        raise WpError("woocommerce_rest_invalid_fee_item", "Fee name is required.", 400)
    return {"name": "", "tax_class": "", "tax_status": "taxable", "amount": "", "total": "0"}
