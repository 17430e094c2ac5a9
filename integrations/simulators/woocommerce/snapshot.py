"""The shop as JSON and back, for `state_path`."""

from __future__ import annotations

from typing import Any

from integrations.simulators.woocommerce.orders import Shop

PLAIN = ("settings", "counters", "tax_classes", "coupons")
RECORDS = ("products", "customers", "attributes", "terms", "categories", "taxes", "orders", "refunds", "webhooks")


def dump(shop: Shop) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(shop, name) for name in PLAIN}
    found |= {name: list(getattr(shop, name).values()) for name in RECORDS}
    return found | {"notes": [[pk, notes] for pk, notes in shop.notes.items()]}


def load(shop: Shop, saved: dict[str, Any]) -> None:
    """Put a dump in the place of what the shop holds, and build its indexes anew."""
    for name in PLAIN:
        setattr(shop, name, saved[name])
    for name in RECORDS:
        setattr(shop, name, {row["id"]: row for row in saved[name]})
    shop.notes = dict(saved["notes"])
    for order in shop.orders.values():  # states of older versions
        for line in order["line_items"]:
            line.setdefault("restocked", 0)
        for coupon in order["coupon_lines"]:
            coupon.setdefault("discount_tax", "0")
    shop.build_indexes()
