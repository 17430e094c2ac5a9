"""What a webhook carries: the records in the shape of the older REST API.

documented: https://shopify.dev/docs/api/webhooks/2026-07 (a payload a topic) and the resources' pages under
https://shopify.dev/docs/api/admin-rest/2026-07/resources; moments are at the shop's own offset, ids are numbers.
judgement: of the many properties those that the simulated shop has something to say about.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Any

from integrations.simulators.shopify import bulk, customers, edits, inventory, totals
from integrations.simulators.shopify.records import Bag, Record, number_of, parse_gid, parse_moment, shop_amount
from integrations.simulators.shopify.shop import DOMAIN, UTC_OFFSET, Shop
from integrations.simulators.shopify.variants import options_of

_HOURS, _MINUTES = int(UTC_OFFSET[1:3]), int(UTC_OFFSET[4:])
ZONE = timezone(timedelta(hours=_HOURS, minutes=_MINUTES))


def build_payload(shop: Shop, topic: str, gid: str) -> Record | None:
    """The body of a delivery; None where there is nothing left to tell of."""
    kind, number = parse_gid(gid) or ("", 0)
    if topic.endswith("/delete"):
        return {"id": number}
    record = shop.find(gid)
    if topic == "orders/edited" and record is not None:
        return edits.build_payload(record)
    return _BUILDERS[kind](shop, record) if record is not None and kind in _BUILDERS else None


def local(moment: str | None) -> str | None:
    return parse_moment(moment).astimezone(ZONE).isoformat(timespec="seconds") if moment else None


def _amount(bag: Bag) -> str:
    return str(bag["shopMoney"]["amount"])


def _set(bag: Bag) -> Record:
    return {
        old: {"amount": bag[new]["amount"], "currency_code": bag[new]["currencyCode"]}
        for old, new in (("shop_money", "shopMoney"), ("presentment_money", "presentmentMoney"))
    }


def _both(name: str, bag: Bag) -> Record:
    return {name: _amount(bag), f"{name}_set": _set(bag)}


def _base(row: Record) -> Record:
    return {"id": number_of(row["id"]), "admin_graphql_api_id": row["id"]}


def _moments(row: Record, *names: str) -> Record:
    words = {
        "createdAt": "created_at",
        "updatedAt": "updated_at",
        "processedAt": "processed_at",
        "closedAt": "closed_at",
    }
    words |= {"cancelledAt": "cancelled_at", "publishedAt": "published_at"}
    return {words[name]: local(row[name]) for name in ("createdAt", "updatedAt", *names)}


# orders ---------------------------------------------------------------------------------------------------------------
def order(shop: Shop, row: Record) -> Record:
    buyer = shop.find(row["customer"]) if row["customer"] else None
    state = totals.fulfillment_status(shop, row)
    return {
        **_base(row), **_moments(row, "processedAt", "closedAt", "cancelledAt"), **_sums(shop, row),
        "name": row["name"], "number": row["number"] - 1000, "order_number": row["number"], "email": row["email"] or "",
        "contact_email": row["email"], "phone": row["phone"], "note": row["note"], "tags": ", ".join(row["tags"]),
        "note_attributes": [{"name": one["key"], "value": one["value"]} for one in row["customAttributes"]],
        "currency": row["currencyCode"], "presentment_currency": row["presentmentCurrencyCode"], "test": row["test"],
        "financial_status": totals.financial_status(shop, row).lower(),
        "fulfillment_status": {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial"}.get(state),
        "cancel_reason": row["cancelReason"].lower() if row["cancelReason"] else None,
        "confirmed": row["confirmed"], "confirmation_number": row["confirmationNumber"], "po_number": row["poNumber"],
        "taxes_included": row["taxesIncluded"], "tax_exempt": row["taxExempt"], "source_name": row["sourceName"],
        "source_identifier": row["sourceIdentifier"], "payment_gateway_names": row["paymentGatewayNames"],
        "customer_locale": row["customerLocale"], "buyer_accepts_marketing": False, "duties_included": False,
        "estimated_taxes": False, "total_weight": 0, "app_id": None, "user_id": None,
        "location_id": number_of(row["retailLocation"] or "") or None,
        "order_status_url": f"https://{DOMAIN}/orders/{number_of(row['id'])}/authenticate",
        "discount_applications": [_application(one) for one in row["_discounts"]],
        "discount_codes": [
            {"code": one["code"], "amount": _amount(totals.discount_total(shop, row)), "type": "percentage"}
            for one in row["_discounts"] if "code" in one
        ],
        "tax_lines": [_tax(one) for one in totals.tax_lines(shop, row)],
        "line_items": [_line(shop, one) for one in totals.lines_of(shop, row)],
        "shipping_lines": [_shipping(one) for one in row["_shipping"]],
        "fulfillments": [fulfillment(shop, one) for one in shop.many(row["fulfillments"])],
        "refunds": [refund(shop, one) for one in shop.many(row["refunds"])],
        "customer": customer(shop, buyer) if buyer else None,
        "billing_address": _address_of(shop, row["billingAddress"]),
        "shipping_address": _address_of(shop, row["shippingAddress"]),
    }  # fmt: skip


def _application(one: Record) -> Record:
    """documented: https://shopify.dev/docs/api/admin-rest/2026-07/resources/order: discount_applications."""
    value = one["value"]
    return {
        "type": "discount_code" if "code" in one else "manual", "title": one.get("title"), "code": one.get("code"),
        "value": str(value.get("amount", value.get("percentage"))),
        "value_type": "fixed_amount" if "amount" in value else "percentage",
        "allocation_method": one["allocationMethod"].lower(), "target_selection": one["targetSelection"].lower(),
        "target_type": one["targetType"].lower(),
    }  # fmt: skip


def _sums(shop: Shop, row: Record) -> Record:
    goods = totals.total_of(row, (totals.original_total(line) for line in totals.lines_of(shop, row)))
    sums = _both("total_line_items_price", goods) | {"total_shipping_price_set": _set(totals.shipping_total(shop, row))}
    for name, compute in (
        ("total_price", totals.compute_total),
        ("subtotal_price", totals.subtotal),
        ("total_tax", totals.tax_total),
        ("total_discounts", totals.discount_total),
    ):
        sums |= _both(name, compute(shop, row, current=False))
        sums |= _both(f"current_{name}", compute(shop, row, current=True))
    return sums | {"total_outstanding": _amount(totals.outstanding(shop, row)), "total_tip_received": "0.00"}


def _line(shop: Shop, row: Record) -> Record:
    state = "fulfilled" if row["_fulfilled"] and not totals.unfulfilled_quantity(row) else None
    discount = totals.total_of(shop.get(row["order"]), totals.discounts_of(row, codes=False))
    return {
        **_base(row), "title": row["title"], "name": row["name"], "variant_title": row["variantTitle"],
        "sku": row["sku"], "vendor": row["vendor"], "quantity": row["quantity"],
        "current_quantity": totals.current_quantity(row), "fulfillable_quantity": totals.unfulfilled_quantity(row),
        "fulfillment_service": "manual", "fulfillment_status": "partial" if row["_fulfilled"] and not state else state,
        "gift_card": row["isGiftCard"], "grams": 0, **_both("price", row["originalUnitPriceSet"]),
        "product_exists": shop.find(row["product"]) is not None, "requires_shipping": row["requiresShipping"],
        "product_id": number_of(row["product"] or "") or None, "variant_id": number_of(row["variant"] or "") or None,
        "taxable": row["taxable"], **_both("total_discount", discount), "variant_inventory_management": "shopify",
        "properties": [{"name": one["key"], "value": one["value"]} for one in row["customAttributes"]],
        "tax_lines": [_tax(one) for one in row["taxLines"]], "duties": [],
        "discount_allocations": [
            {**_both("amount", one["allocatedAmountSet"]), "discount_application_index": 0}
            for one in row["discountAllocations"]
        ],
    }  # fmt: skip


def _tax(one: Record) -> Record:
    return {"title": one["title"], "rate": one["rate"], "channel_liable": False, **_both("price", one["priceSet"])}


def _shipping(one: Record) -> Record:
    price = one["originalPriceSet"]
    return {
        "id": number_of(one["id"]), "title": one["title"], "code": one["code"], "source": one["source"],
        "carrier_identifier": None, "phone": None, "requested_fulfillment_service_id": None, "is_removed": False,
        **_both("price", price), **_both("discounted_price", price), "discount_allocations": [],
        "tax_lines": [_tax(tax) for tax in one["taxLines"]],
    }  # fmt: skip


def _address_of(shop: Shop, gid: str | None) -> Record | None:
    row = shop.find(gid) if gid else None
    if row is None:
        return None
    return {
        "first_name": row["firstName"], "last_name": row["lastName"], "name": customers.name_of(row),
        "company": row["company"], "address1": row["address1"], "address2": row["address2"], "city": row["city"],
        "province": row["province"], "province_code": row["provinceCode"], "zip": row["zip"],
        "country": row["country"], "country_code": row["countryCodeV2"], "phone": row["phone"], "latitude": None,
        "longitude": None,
    }  # fmt: skip


def transaction(shop: Shop, row: Record) -> Record:
    bag = row["amountSet"]
    return {
        **_base(row), "order_id": number_of(row["order"]), "kind": row["kind"].lower(), "gateway": row["gateway"],
        "status": row["status"].lower(), "created_at": local(row["createdAt"]), "test": row["test"],
        "processed_at": local(row["processedAt"]), "parent_id": number_of(row["parentTransaction"] or "") or None,
        "amount": bag["presentmentMoney"]["amount"], "currency": bag["presentmentMoney"]["currencyCode"],
        "payment_id": row["paymentId"], "error_code": None, "manual_payment_gateway": True,
    }  # fmt: skip


def refund(shop: Shop, row: Record) -> Record:
    return {
        **_base(row), "order_id": number_of(row["order"]), "note": row["note"], "user_id": None, "duties": [],
        "created_at": local(row["createdAt"]), "processed_at": local(row["processedAt"]),
        "restock": any(one["restocked"] for one in shop.many(row["refundLineItems"])),
        "return": {**_base({"id": row["return"]})} if row["return"] else None,
        "refund_line_items": [_refund_line(shop, one) for one in shop.many(row["refundLineItems"])],
        "transactions": [transaction(shop, one) for one in shop.many(row["_transactions"])],
        "order_adjustments": [
            {"id": number_of(one["id"]), "kind": "refund_discrepancy", "reason": "Refund discrepancy",
             **_both("amount", one["amountSet"])}
            for one in row["_adjustments"]
        ],
        "refund_shipping_lines": [
            {"id": number_of(one["id"]), "subtotal_amount_set": _set(one["subtotalAmountSet"])}
            for one in row["_shipping"]
        ],
    }  # fmt: skip


def _refund_line(shop: Shop, row: Record) -> Record:
    return {
        "id": number_of(row["id"]), "line_item_id": number_of(row["lineItem"]), "quantity": row["quantity"],
        "restock_type": row["restockType"].lower(), "location_id": number_of(row["location"] or "") or None,
        "subtotal": float(shop_amount(row["subtotalSet"])), "subtotal_set": _set(row["subtotalSet"]),
        "total_tax": float(shop_amount(row["totalTaxSet"])), "total_tax_set": _set(row["totalTaxSet"]),
        "line_item": _line(shop, shop.get(row["lineItem"])),
    }  # fmt: skip


def fulfillment(shop: Shop, row: Record) -> Record:
    tracking = row["trackingInfo"]
    numbers = [one["number"] for one in tracking if one["number"]]
    urls = [one["url"] for one in tracking if one["url"]]
    return {
        **_base(row), **_moments(row), "order_id": number_of(row["order"]), "status": row["status"].lower(),
        "service": "manual", "shipment_status": None, "location_id": number_of(row["location"]), "name": row["name"],
        "tracking_company": tracking[0]["company"] if tracking else None, "tracking_numbers": numbers,
        "tracking_number": numbers[0] if numbers else None, "tracking_urls": urls,
        "tracking_url": urls[0] if urls else None, "receipt": {},
        "line_items": [
            _line(shop, shop.get(one["lineItem"])) | {"quantity": one["quantity"]}
            for one in shop.many(row["fulfillmentLineItems"])
        ],
    }  # fmt: skip


def fulfillment_order(shop: Shop, row: Record) -> Record:
    return {"fulfillment_order": {"id": row["id"], "status": row["status"].lower()}}


def return_(shop: Shop, row: Record) -> Record:
    return {
        **_base(row), "name": row["name"], "status": row["status"].lower(),
        "order": {**_base({"id": row["order"]})},
        "total_return_line_items": len(row["returnLineItems"]),
        "return_line_items": [
            {
                **_base(one), "quantity": one["quantity"], "return_reason": one["_reason"].lower(),
                "return_reason_note": one["returnReasonNote"], "customer_note": one["customerNote"],
                "fulfillment_line_item": {**_base({"id": one["fulfillmentLineItem"]})},
            }
            for one in shop.many(row["returnLineItems"])
        ],
    }  # fmt: skip


# the rest -------------------------------------------------------------------------------------------------------------
def customer(shop: Shop, row: Record) -> Record:
    addresses = [_address_of(shop, gid) for gid in row["_addresses"]]
    return {
        **_base(row), **_moments(row), "email": row["_email"], "phone": row["_phone"], "first_name": row["firstName"],
        "last_name": row["lastName"], "state": row["state"].lower(), "note": row["note"],
        "verified_email": row["verifiedEmail"], "multipass_identifier": None, "tax_exempt": row["taxExempt"],
        "tags": ", ".join(row["tags"]), "currency": shop.currency, "addresses": addresses, "tax_exemptions": [],
        "default_address": addresses[0] if addresses else None,
    }  # fmt: skip


def product(shop: Shop, row: Record) -> Record:
    variants = shop.many(row["variants"])
    return {
        **_base(row), **_moments(row, "publishedAt"), "title": row["title"], "body_html": row["descriptionHtml"],
        "vendor": row["vendor"], "product_type": row["productType"], "handle": row["handle"],
        "template_suffix": row["templateSuffix"], "published_scope": "global", "tags": ", ".join(row["tags"]),
        "status": row["status"].lower(), "variants": [_variant(shop, one) for one in variants],
        "options": [
            {"id": number_of(one["id"]), "product_id": number_of(row["id"]), "name": one["name"],
             "position": one["position"], "values": [shop.get(gid)["name"] for gid in one["_values"]]}
            for one in options_of(shop, row)
        ],
        "images": [{"id": number_of(one["id"]), "src": one["image"]["url"]} for one in shop.many(row["_media"])],
        "image": None,
    }  # fmt: skip


def _variant(shop: Shop, row: Record) -> Record:
    item = shop.get(row["inventoryItem"])
    values = [*row["_values"], None, None, None]
    return {
        **_base(row), **_moments(row), "product_id": number_of(row["product"]), "title": row["title"],
        "price": row["price"], "position": row["position"], "inventory_policy": row["inventoryPolicy"].lower(),
        "compare_at_price": row["compareAtPrice"], "option1": values[0], "option2": values[1], "option3": values[2],
        "taxable": row["taxable"], "barcode": row["barcode"], "sku": row["sku"], "image_id": None,
        "inventory_item_id": number_of(item["id"]), "inventory_quantity": inventory.available_of(shop, item),
        "old_inventory_quantity": inventory.available_of(shop, item),
    }  # fmt: skip


def inventory_level(shop: Shop, row: Record) -> Record:
    return {
        "inventory_item_id": number_of(row["item"]), "location_id": number_of(row["location"]),
        "available": inventory.quantity_of(row, "available"), "updated_at": local(row["updatedAt"]),
        "admin_graphql_api_id": row["id"],
    }  # fmt: skip


def inventory_item(shop: Shop, row: Record) -> Record:
    return {
        **_base(row), **_moments(row), "sku": shop.get(row["variant"])["sku"], "tracked": row["tracked"],
        "requires_shipping": row["requiresShipping"], "cost": row["unitCost"]["amount"] if row["unitCost"] else None,
        "country_code_of_origin": row["countryCodeOfOrigin"], "province_code_of_origin": row["provinceCodeOfOrigin"],
        "harmonized_system_code": row["harmonizedSystemCode"], "country_harmonized_system_codes": [],
    }  # fmt: skip


_BUILDERS: dict[str, Callable[[Shop, Record], Any]] = {
    "Order": order,
    "Product": product,
    "Customer": customer,
    "Refund": refund,
    "Fulfillment": fulfillment,
    "FulfillmentOrder": fulfillment_order,
    "Return": return_,
    "InventoryLevel": inventory_level,
    "InventoryItem": inventory_item,
    "BulkOperation": lambda shop, row: bulk.build_finish(row),
}
