"""What buyers and the shop's staff do, and what the shop holds: the neutral control plane's WooCommerce side.

judgement: a buyer's order is made as the checkout makes it: pending first, then paid; the staff's refunds and
cancellations use the same business methods as the API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations.simulators.woocommerce.args import WpError
from integrations.simulators.woocommerce.orders import Shop
from integrations.simulators.woocommerce.records import GATEWAYS, Record, amount_of, fold
from integrations.simulators.woocommerce.shapes import money

HELD_BACK = ("trash", "auto-draft", "checkout-draft")


def add_catalogue(shop: Shop, products: list[dict[str, Any]]) -> int:
    """Simple and variable products with their stock; the number of articles made."""
    return sum(_add_product(shop, product) for product in products)


def _add_product(shop: Shop, product: Mapping[str, Any]) -> int:
    variants = product["variants"]
    axes = product.get("axes") or []
    common = {"name": product["name"], "description": product.get("description") or ""}
    if not axes and len(variants) == 1:
        shop.add_product({**common, "type": "simple", **_article(variants[0])})
        return 1
    if not axes:
        axes = [{"name": "Variant", "values": [variant.get("name") or variant["sku"] for variant in variants]}]
        variants = [{**one, "options": {"Variant": one.get("name") or one["sku"]}} for one in variants]
    attributes = [
        {
            "id": 0,
            "name": axis["name"],
            "position": place,
            "visible": True,
            "variation": True,
            "options": axis["values"],
        }
        for place, axis in enumerate(axes)
    ]
    parent = shop.add_product({**common, "type": "variable", "attributes": attributes})
    for variant in variants:
        options = [{"id": 0, "name": name, "option": value} for name, value in variant["options"].items()]
        shop.add_product({**_article(variant), "attributes": options}, parent=parent)
    return len(variants)


def _article(variant: Mapping[str, Any]) -> Record:
    return {
        "sku": variant["sku"],
        "global_unique_id": variant.get("barcode") or "",
        "regular_price": str(variant["price"]),
        "manage_stock": True,
        "stock_quantity": int(Decimal(str(variant.get("stock") or 0))),
    }


def add_order(shop: Shop, given: Mapping[str, Any]) -> dict[str, Any]:
    """A buyer orders, and pays where he is said to."""
    created = int(datetime.fromisoformat(given["placed_at"]).timestamp()) if given.get("placed_at") else None
    customer = given.get("customer") or {}
    address = _address(customer)
    order = shop.add_order(
        {
            "customer_id": _customer(shop, customer),
            "billing": address | {"email": customer.get("email") or "", "phone": customer.get("phone") or ""},
            "shipping": address,
            "payment_method": given.get("payment") or "bacs",
            "payment_method_title": GATEWAYS.get(given.get("payment") or "bacs", ("Other", []))[0],
            "line_items": [_line(shop, line) for line in given["lines"]],
            "shipping_lines": _shipping(given.get("shipping")),
        },
        via="checkout",
        created=created,
    )
    if given.get("number"):
        order["number"] = str(given["number"])  # as a plugin for order numbers does
    shop.save_order(order, event="")
    if given.get("paid", True):
        shop.pay(order)
        shop.save_order(order)
    return {"id": str(order["id"]), "number": order["number"], "total": money(order["total"])}


def _line(shop: Shop, line: Mapping[str, Any]) -> Record:
    number = shop.sku_ids.get(fold(str(line["sku"])))
    if number is None:
        raise WpError("unknown_sku", f"The shop has no article {line['sku']}.", 400)
    quantity = int(Decimal(str(line["quantity"])))
    total = line.get("total") or str(Decimal(str(line["price"])) * quantity)
    return {"product_id": number, "variation_id": number if shop.products[number]["parent_id"] else 0,
            "quantity": quantity, "subtotal": total, "total": total}  # fmt: skip


def _shipping(amount: Any) -> list[Record]:
    if not amount or not Decimal(str(amount)):
        return []
    return [{"method_id": "flat_rate", "method_title": "Flat rate", "total": str(amount)}]


def _address(customer: Mapping[str, Any]) -> Record:
    first, _, last = str(customer.get("name") or "").partition(" ")
    return {"first_name": first, "last_name": last, "address_1": customer.get("address") or "",
            "country": customer.get("country") or "GB"}  # fmt: skip


def _customer(shop: Shop, customer: Mapping[str, Any]) -> int:
    """The account of a buyer who has one; 0 for a guest."""
    reference = customer.get("external_ref")
    if not reference:
        return 0
    email = customer.get("email") or f"{reference}@example.com"
    known = shop.accounts.get(email.lower())
    if known is not None:
        return known
    address = _address(customer)
    names = {"first_name": address["first_name"], "last_name": address["last_name"]}
    account = shop.add_customer({"email": email, "username": str(reference), "billing": address, **names})
    return int(account["id"])


def add_refund(shop: Shop, given: Mapping[str, Any]) -> dict[str, Any]:
    """The staff gives money back by hand, line by line."""
    order = find_order(shop, given["order"])
    lines = []
    for line in given.get("lines") or []:
        item = order["line_items"][int(line["index"])]
        quantity = int(Decimal(str(line.get("quantity") or 0)))
        lines.append({"id": item["id"], "quantity": quantity, "refund_total": str(line["amount"])})
    amount = given.get("amount") or str(sum((amount_of(line["refund_total"]) for line in lines), Decimal(0)))
    refund = shop.add_refund(
        order,
        {
            "amount": amount,
            "reason": given.get("reason") or "",
            "line_items": lines,
            "api_refund": False,
            "api_restock": bool(given.get("restock")),
        },
    )
    return {"id": str(refund["id"]), "amount": money(refund["amount"])}


def cancel(shop: Shop, number: Any) -> dict[str, Any]:
    order = find_order(shop, number)
    shop.set_status(order, "cancelled")
    shop.save_order(order)
    return {"id": str(order["id"]), "state": order["status"]}


def find_order(shop: Shop, number: Any) -> Record:
    order = shop.orders.get(int(number))
    if order is None:
        raise WpError("unknown_order", f"The shop has no order {number}.", 404)
    return order


def list_orders(shop: Shop) -> Iterator[dict[str, Any]]:
    for order in shop.orders.values():
        if order["status"] not in HELD_BACK:
            yield {
                "id": str(order["id"]), "number": order["number"], "reference": order["number"],
                "state": order["status"], "currency": order["currency"], "total": money(order["total"]),
                "lines": [
                    {"sku": _sku(shop, line), "quantity": str(line["quantity"]), "total": money(line["total"])}
                    for line in order["line_items"]
                ],
            }  # fmt: skip


def list_refunds(shop: Shop) -> Iterator[dict[str, Any]]:
    for refund in shop.refunds.values():
        yield {
            "id": str(refund["id"]), "order": str(refund["order_id"]), "reference": "",
            "amount": money(refund["amount"]),
            "lines": [
                {"sku": _sku(shop, line), "quantity": str(-line["quantity"]), "total": money(-amount_of(line["total"]))}
                for line in refund["line_items"]
            ],
        }  # fmt: skip


def list_stock(shop: Shop) -> Iterator[dict[str, Any]]:
    for product in shop.products.values():
        if product["sku"] and product["manage_stock"] is True:
            yield {"sku": product["sku"], "quantity": str(product["stock_quantity"] or 0)}


def _sku(shop: Shop, line: Record) -> str:
    product = shop.products.get(line["variation_id"] or line["product_id"])
    return str(product["sku"]) if product else ""
