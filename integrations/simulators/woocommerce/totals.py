"""What an order of the simulated shop comes to: taxes, rounding and sums.

documented: WC_Abstract_Order (calculate_totals, calculate_taxes, update_taxes, get_tax_location), WC_Tax and the
classes of order items: https://github.com/woocommerce/woocommerce/blob/trunk/plugins/woocommerce/includes/abstracts/abstract-wc-order.php
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from integrations.simulators.woocommerce.records import Record, amount_of
from integrations.simulators.woocommerce.shop import Catalogue

PRECISE = Decimal("0.000001")  # documented: WC_ROUNDING_PRECISION
NO_RATE: Record = {"country": "", "state": "", "name": "Tax", "priority": 1, "compound": False, "rate": "0"}
PICKUPS = {"legacy_local_pickup", "local_pickup"}


class Totals(Catalogue):
    """Money is kept as text: lines and their taxes to six places, sums to the shop's decimals."""

    @property
    def cent(self) -> Decimal:
        return Decimal(1).scaleb(-self.decimals)

    @property
    def rounds_at_subtotal(self) -> bool:
        return self.settings["tax"]["woocommerce_tax_round_at_subtotal"] == "yes"

    def round_tax(self, amount: Decimal) -> Decimal:
        """documented: wc_round_tax_total: halves go down where prices include tax."""
        return amount.quantize(self.cent, ROUND_HALF_DOWN if self.prices_include_tax else ROUND_HALF_UP)

    def rates_for(self, tax_class: str, country: str) -> list[Record]:
        """documented: WC_Tax::find_rates: per priority the first rate that fits; no country means every country.
        judgement: states, postcodes and cities are left out."""
        if self.settings["general"]["woocommerce_calc_taxes"] != "yes":
            return []
        fitting: dict[int, Record] = {}
        for rate in sorted(self.taxes.values(), key=lambda r: (r["priority"], not r["country"], r["order"], r["id"])):
            if rate["class"] == (tax_class or "standard") and rate["country"] in {"", country}:
                fitting.setdefault(rate["priority"], rate)
        return list(fitting.values())

    def without_tax(self, gross: Decimal, tax_class: str) -> Decimal:
        """documented: wc_get_price_excluding_tax: the shop's own rates are taken out of a price that includes them.
        judgement: no compound rates among them."""
        whole = 1 + sum((amount_of(r["rate"]) for r in self.rates_for(tax_class, self.base_country)), Decimal(0)) / 100
        return (gross / whole).quantize(PRECISE)

    def calculate(self, order: Record) -> None:
        goods = sum((self._rounded(item["total"]) for item in order["line_items"]), Decimal(0))
        before = sum((self._rounded(item["subtotal"]) for item in order["line_items"]), Decimal(0))
        shipping = sum((to_cent(item["total"], self.cent) for item in order["shipping_lines"]), Decimal(0))
        fees = self._sum_fees(order, goods + shipping)
        by_rate = self._tax_items(order)
        cart_tax = sum((goods_tax for goods_tax, _ in by_rate.values()), Decimal(0))
        shipping_tax = sum((tax for _, tax in by_rate.values()), Decimal(0))
        taken_off = [
            amount_of(tax["subtotal"]) - amount_of(tax["total"]) for i in order["line_items"] for tax in i["taxes"]
        ]
        order["discount_total"] = str(to_cent(before - goods, self.cent))
        order["discount_tax"] = str(self.round_tax(sum(taken_off, Decimal(0))))
        order["shipping_total"], order["shipping_tax"] = str(shipping), str(shipping_tax)
        order["cart_tax"], order["total_tax"] = str(cart_tax), str(cart_tax + shipping_tax)
        total = to_cent(goods + fees + shipping + cart_tax + shipping_tax, self.cent)
        order["total"] = str(max(total, Decimal(0)))
        self.set_tax_lines(order, by_rate)

    def _rounded(self, value: Any) -> Decimal:
        """documented: round_item_subtotal: line by line, unless the shop rounds at the subtotal."""
        return amount_of(value) if self.rounds_at_subtotal else to_cent(value, self.cent)

    def _sum_fees(self, order: Record, most: Decimal) -> Decimal:
        """documented: a negative fee takes off no more than what there is."""
        fees = Decimal(0)
        for item in order["fee_lines"]:
            limit = -to_cent(most + fees, self.cent)
            if amount_of(item["total"]) < limit < 0:
                item["total"] = str(limit)
            fees += amount_of(item["total"])
        return fees

    # taxes ----------------------------------------------------------------------------------------------------------
    def tax_country(self, order: Record) -> str:
        """documented: get_tax_location: local pickup and orders without an address are taxed where the shop is."""
        based_on = self.settings["tax"]["woocommerce_tax_based_on"]
        if based_on == "base" or PICKUPS & {str(item.get("method_id", "")) for item in order["shipping_lines"]}:
            return self.base_country
        if based_on == "shipping" and order["shipping"]["country"]:
            return str(order["shipping"]["country"])
        return str(order["billing"]["country"] or self.base_country)

    def line_rates(self, order: Record, item: Record) -> list[Record]:
        if self._tax_status(item) != "taxable":
            return []
        return self.rates_for(item.get("tax_class", ""), self.tax_country(order))

    def _tax_status(self, item: Record) -> str:
        product = self.products.get(item.get("variation_id") or item.get("product_id") or 0)
        return str(product["tax_status"] if product is not None else item.get("tax_status", "taxable"))

    def _tax_items(self, order: Record) -> dict[int, tuple[Decimal, Decimal]]:
        """Taxes every line; rate → (on goods and fees, on shipping), rounded as the shop rounds."""
        by_rate: dict[int, tuple[Decimal, Decimal]] = {}
        for kind in ("line_items", "fee_lines", "shipping_lines"):
            for item in order[kind]:
                is_shipping = kind == "shipping_lines"
                rates = self._shipping_rates(order) if is_shipping else self.line_rates(order, item)
                self._tax_item(item, kind, rates)
                for tax in item["taxes"]:
                    amount = amount_of(tax["total"])
                    amount = amount if self.rounds_at_subtotal else self.round_tax(amount)
                    goods, shipping = by_rate.get(tax["id"], (Decimal(0), Decimal(0)))
                    by_rate[tax["id"]] = (goods, shipping + amount) if is_shipping else (goods + amount, shipping)
        return by_rate

    def _shipping_rates(self, order: Record) -> list[Record]:
        """documented: woocommerce_shipping_tax_class is "inherit": the first class the goods have, the standard one
        before all; none of the goods taxable: none."""
        classes = {
            i.get("tax_class", "") for i in order["line_items"] if self._tax_status(i) in {"taxable", "shipping"}
        }
        found = next((name for name in ("", *self.tax_classes) if name in classes), None)
        if found is None and order["line_items"]:
            return []
        return [rate for rate in self.rates_for(found or "", self.tax_country(order)) if rate["shipping"]]

    def _tax_item(self, item: Record, kind: str, rates: list[Record]) -> None:
        """documented: set_taxes of the order items: the parts are kept to six places, their sum is rounded. Quirk: fees
        and shipping have no subtotal, which shows as ""."""
        taxes = calc_tax(amount_of(item["total"]), rates)
        subtotals = calc_tax(amount_of(item["subtotal"]), rates) if kind == "line_items" else {}
        if sum(subtotals.values()) < sum(taxes.values()):
            subtotals = taxes if kind == "line_items" else {}
        item["taxes"] = [
            {"id": rate, "total": plain(tax), "subtotal": plain(subtotals[rate]) if rate in subtotals else ""}
            for rate, tax in taxes.items()
        ]
        item["total_tax"] = str(self._sum_taxes(taxes.values()))
        if kind == "line_items":
            item["subtotal_tax"] = str(self._sum_taxes(subtotals.values()))

    def _sum_taxes(self, taxes: Iterable[Decimal]) -> Decimal:
        return sum((tax if self.rounds_at_subtotal else self.round_tax(tax) for tax in taxes), Decimal(0))

    def set_tax_lines(self, order: Record, by_rate: dict[int, tuple[Decimal, Decimal]]) -> None:
        known = {line["rate_id"]: line["id"] for line in order["tax_lines"]}
        order["tax_lines"] = []
        for rate_id, (goods, shipping) in by_rate.items():
            rate = self.taxes.get(rate_id, NO_RATE)
            code = "-".join(part for part in (rate["country"], rate["state"], rate["name"].upper() or "TAX") if part)
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


def calc_tax(amount: Decimal, rates: list[Record]) -> dict[int, Decimal]:
    """documented: WC_Tax::calc_exclusive_tax: a compound rate is taken of the amount with the taxes before it."""
    taxes = {r["id"]: amount * amount_of(r["rate"]) / 100 for r in rates if not r["compound"]}
    for rate in rates:
        if rate["compound"]:
            taxes[rate["id"]] = (amount + sum(taxes.values())) * amount_of(rate["rate"]) / 100
    return taxes


def plain(amount: Decimal) -> str:
    """documented: wc_format_decimal of a float: six places at most, no zeros at the end."""
    text = format(amount.quantize(PRECISE, ROUND_HALF_UP), "f").rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text


def to_cent(value: Any, cent: Decimal) -> Decimal:
    return amount_of(value).quantize(cent, ROUND_HALF_UP)
