"""orderCreate: an order brought in by an app.

documented: https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/orderCreate: what stock it takes is said by
inventoryBehaviour (by default none), what is paid by transactions or financialStatus; one discount code at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from integrations.simulators.shopify import customers, fulfillments, inventory, placing, totals
from integrations.simulators.shopify.metafields import check_metafields, split_tags, unique_tags, write_metafields
from integrations.simulators.shopify.orders import MANUAL
from integrations.simulators.shopify.records import (
    Bag,
    Record,
    UserError,
    add,
    minus,
    parse_bag,
    parse_moment,
    plain_id,
    scale,
    shop_amount,
    stamp,
)
from integrations.simulators.shopify.shop import Shop

_PLAIN = (
    "name",
    "email",
    "phone",
    "note",
    "poNumber",
    "processedAt",
    "sourceName",
    "sourceIdentifier",
    "closedAt",
    "test",
)


def order_create(shop: Shop, args: dict[str, Any]) -> Record:
    """judgement: of the inventory behaviours only the policy of "obeying" refuses an order."""
    given, options = args["order"], args.get("options") or {}
    if not given.get("lineItems"):
        raise UserError("Line items must have at least one line item", ["order", "lineItems"])
    currency = given.get("currency") or shop.currency
    lines = [_read_line(shop, one, place, currency) for place, one in enumerate(given["lineItems"])]
    shipping = [_read_shipping(one, currency) for one in given.get("shippingLines") or []]
    behaviour = options.get("inventoryBehaviour") or "BYPASS"
    if behaviour == "DECREMENT_OBEYING_POLICY":
        _check_stock(shop, lines)
    check_metafields(given.get("metafields"), ["order", "metafields"])
    discounts = _spread(given.get("discountCode"), lines, currency)
    fields = {name: given[name] for name in _PLAIN if given.get(name) is not None}
    if "processedAt" in fields:
        fields["processedAt"] = _past(shop, fields["processedAt"])
    fields |= {"currencyCode": currency, "presentmentCurrencyCode": _presentment(given, lines, currency)}
    fields |= {"sourceName": given.get("sourceName") or "app", "taxesIncluded": bool(given.get("taxesIncluded"))}
    fields |= {"customAttributes": list(given.get("customAttributes") or []), "_discounts": discounts}
    fields |= {"tags": unique_tags(split_tags(given.get("tags")))}
    for name in ("billingAddress", "shippingAddress"):
        if given.get(name):
            fields[name] = customers.add_address(shop, given[name])["id"]
    fields["customer"] = _customer(shop, given)
    order = placing.place_order(shop, fields, lines, shipping, commit=behaviour != "BYPASS")
    _add_order_taxes(order, shop, given, currency)
    _pay(shop, order, given, currency)
    write_metafields(shop, order, given.get("metafields"))
    if given.get("fulfillment") or given.get("fulfillmentStatus") == "FULFILLED":
        fulfillments.fulfill_all(shop, order, given.get("fulfillment") or {})
    announce_new(shop, order)
    return {"order": order["id"]}


def announce_new(shop: Shop, order: Record) -> None:
    shop.touch(order, "orders/create")
    if totals.financial_status(shop, order) == "PAID":
        shop.emit(order["id"], "orders/paid")


def _read_line(shop: Shop, given: Mapping[str, Any], place: int, currency: str) -> dict[str, Any]:
    field = ["order", "lineItems", str(place)]
    variant = None
    if given.get("variantId"):
        gid = plain_id(given["variantId"], "ProductVariant")
        variant = shop.need(gid, "ProductVariant", [*field, "variantId"], "INVALID", "Product variant does not exist")
    if variant is None and not given.get("title"):
        raise UserError("Title can't be blank", [*field, "title"])
    if given["quantity"] < 1:
        raise UserError("Quantity must be greater than 0", [*field, "quantity"])
    if given.get("priceSet"):
        unit = parse_bag(given["priceSet"], currency)
    elif variant is not None:
        price = {"amount": variant["price"], "currencyCode": currency}
        unit = parse_bag({"shopMoney": price}, currency)
    else:
        raise UserError("Price can't be blank", [*field, "priceSet"])
    properties = [{"key": one["name"], "value": one["value"]} for one in given.get("properties") or []]
    return {
        "variant": variant, "title": given.get("title"), "sku": given.get("sku"), "quantity": given["quantity"],
        "variantTitle": given.get("variantTitle"), "vendor": given.get("vendor"), "unit": unit,
        "taxes": [_read_tax(one, unit) for one in given.get("taxLines") or []], "properties": properties,
        "requiresShipping": bool(given.get("requiresShipping")), "taxable": given.get("taxable") is not False,
        "giftCard": bool(given.get("giftCard")),
    }  # fmt: skip


def _read_tax(given: Mapping[str, Any], like: Bag) -> Record:
    price = parse_bag(given["priceSet"], like["shopMoney"]["currencyCode"]) if given.get("priceSet") else scale(like, 0)
    return totals.make_tax_line(given["title"], float(given["rate"]), price)


def _read_shipping(given: Mapping[str, Any], currency: str) -> dict[str, Any]:
    price = parse_bag(given["priceSet"], currency)
    return {
        "title": given["title"], "code": given.get("code"), "source": given.get("source"), "price": price,
        "taxes": [_read_tax(one, price) for one in given.get("taxLines") or []],
    }  # fmt: skip


def _check_stock(shop: Shop, lines: list[dict[str, Any]]) -> None:
    for place, line in enumerate(lines):
        variant = line["variant"]
        if variant is None or variant["inventoryPolicy"] == "CONTINUE":
            continue
        item = shop.get(variant["inventoryItem"])
        if item["tracked"] and inventory.available_of(shop, item) < line["quantity"]:
            field = ["order", "lineItems", str(place)]
            raise UserError("Unable to reserve inventory", field, "INVENTORY_CLAIM_FAILED")


def _spread(given: Mapping[str, Any] | None, lines: list[dict[str, Any]], currency: str) -> list[Record]:
    """documented: OrderCreateDiscountCodeInput: one code. judgement: free shipping takes nothing off the lines."""
    if not given:
        return []
    kind, code = next((kind, code) for kind, code in given.items() if code)
    value: Record
    whole = add(*(scale(line["unit"], line["quantity"]) for line in lines))
    if kind == "itemPercentageDiscountCode":
        percentage = code.get("percentage") or 0
        value = {"__typename": "PricingPercentageValue", "percentage": float(percentage)}
        amount = scale(whole, Decimal(str(percentage)) / 100)
    elif kind == "itemFixedDiscountCode" and code.get("amountSet"):
        amount = parse_bag(code["amountSet"], currency)
        value = {"__typename": "MoneyV2", **amount["presentmentMoney"]}
    else:
        amount = scale(whole, 0)
        value = {"__typename": "PricingPercentageValue", "percentage": 100.0}
    application = {
        "__typename": "DiscountCodeApplication", "code": code["code"], "index": 0, "allocationMethod": "ACROSS",
        "targetSelection": "ALL", "value": value,
        "targetType": "SHIPPING_LINE" if kind == "freeShippingDiscountCode" else "LINE_ITEM",
    }  # fmt: skip
    if shop_amount(amount):
        placing.spread_discount(lines, amount, application)
    return [application]


def _presentment(given: Mapping[str, Any], lines: list[dict[str, Any]], currency: str) -> str:
    """judgement: said, or what the lines' presentment money is in."""
    return str(given.get("presentmentCurrency") or lines[0]["unit"]["presentmentMoney"]["currencyCode"] or currency)


def _past(shop: Shop, moment: str) -> str:
    parsed = parse_moment(moment)
    if parsed > shop.now():
        raise UserError("Processed at can't be in the future", ["order", "processedAt"], "PROCESSED_AT_INVALID")
    return stamp(parsed)


def _customer(shop: Shop, given: Mapping[str, Any]) -> str | None:
    """documented: toAssociate takes a known customer, toUpsert makes one where none has the e-mail or id."""
    wanted = given.get("customer") or {}
    known = wanted.get("toAssociate") or wanted.get("toUpsert") or {}
    if given.get("customerId"):
        known = {"id": given["customerId"]}
    if not known:
        return None
    row = None
    if known.get("id"):
        gid = plain_id(known["id"], "Customer")
        row = shop.need(gid, "Customer", ["order", "customer"], "INVALID", "Customer does not exist")
    row = row or customers.find_by_email(shop, known.get("email"))
    if row is None:
        if not wanted.get("toUpsert"):
            raise UserError("Customer does not exist", ["order", "customer", "toAssociate"])
        row = customers.add_customer(shop, {name: value for name, value in known.items() if value is not None})
    return str(row["id"])


def _add_order_taxes(order: Record, shop: Shop, given: Mapping[str, Any], currency: str) -> None:
    """documented: OrderCreateOrderInput.taxLines: on the order, or on its lines, not both. judgement: shared out by
    worth."""
    lines = shop.many(order["lineItems"])
    if not given.get("taxLines") or any(line["taxLines"] for line in lines):
        return
    whole = shop_amount(totals.subtotal(shop, order))
    for one in given["taxLines"]:
        tax = _read_tax(one, order["totalPriceSet"])
        left = tax["priceSet"]
        for line in lines:
            share = scale(tax["priceSet"], shop_amount(totals.discounted_total(line)) / whole) if whole else left
            share = left if line is lines[-1] else share
            left = minus(left, share)
            line["taxLines"].append(totals.make_tax_line(tax["title"], tax["rate"], share))
    order["totalPriceSet"] = totals.compute_total(shop, order, current=False)


def _pay(shop: Shop, order: Record, given: Mapping[str, Any], currency: str) -> None:
    for one in given.get("transactions") or []:
        bag = parse_bag(one["amountSet"], currency)
        kind, status = one.get("kind") or "SALE", one.get("status") or "SUCCESS"
        gateway = one.get("gateway") or MANUAL
        placing.add_transaction(shop, order, kind, bag, gateway=gateway, status=status, test=bool(one.get("test")))
    if given.get("transactions"):
        return
    state = given.get("financialStatus")
    if state in {"PAID", "PARTIALLY_REFUNDED", "REFUNDED"}:
        placing.add_transaction(shop, order, "SALE", order["totalPriceSet"], gateway=MANUAL)
    elif state == "AUTHORIZED":
        placing.add_transaction(shop, order, "AUTHORIZATION", order["totalPriceSet"], gateway=MANUAL)
    elif state in {"PENDING", "PARTIALLY_PAID"} and shop_amount(order["totalPriceSet"]):
        placing.add_transaction(shop, order, "SALE", order["totalPriceSet"], gateway=MANUAL, status="PENDING")


MUTATIONS = {"orderCreate": order_create}
