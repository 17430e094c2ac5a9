"""Answers in the shape of the vendor's examples (shopify.dev), shortened and adapted, to queries of ours."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from integrations.connectors.shopify import queries as q

ANSWERS = {  # fixture → the document it answers
    "product__matrix": q.PRODUCT_BY_ID,
    "product__single": q.PRODUCT_BY_ID,
    "order__presentment_refunded": q.ORDER_BY_ID,
    "order__tax_included_cancelled": q.ORDER_BY_ID,
    "customer": q.CUSTOMER_BY_ID,
    "stock": q.STOCK,
    "returns": q.RETURNS,
    "shipped": q.SHIPPED,
    "set_stock__refused": q.SET_STOCK,
}


def read(name: str) -> bytes:
    return (Path(__file__).parent / "payloads" / f"{name}.json").read_bytes()


def load(name: str) -> Any:
    """As the HTTP client reads it: fractions are Decimal."""
    return json.loads(read(name), parse_float=Decimal)
