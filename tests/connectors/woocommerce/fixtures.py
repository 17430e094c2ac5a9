"""Payloads in the shape of the vendor's examples (woocommerce-rest-api-docs, Apache-2.0), shortened and adapted."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any


def load(name: str) -> Any:
    """As the HTTP client reads it: fractions are Decimal."""
    return json.loads((Path(__file__).parent / "payloads" / name).read_text(), parse_float=Decimal)
