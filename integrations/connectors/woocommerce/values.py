"""Single values as wc/v3 writes them: ids, texts, dates, amounts, meta fields; and the cursors of our walks.

https://woocommerce.github.io/woocommerce-rest-api-docs/#request-response-format
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from html import unescape
from typing import Any

from integrations.contract.errors import PayloadInvalid

Row = Mapping[str, Any]


def parse_id(value: Any) -> str:
    """An id as text; '' for none, which WooCommerce writes as 0."""
    return str(value) if value not in (None, "", 0, "0") else ""


def parse_text(value: Any) -> str:
    """Quirk: names are stored as HTML ("Ship Your Idea &ndash; Black")."""
    return unescape(value).strip() if isinstance(value, str) else ""


def parse_time(value: Any) -> datetime | None:
    """The `*_gmt` dates have no zone; None for null and nonsense."""
    try:
        return datetime.fromisoformat(value).replace(tzinfo=UTC) if value else None
    except (TypeError, ValueError):
        return None


def build_time(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def parse_money(value: Any, name: str) -> Decimal:
    """Amounts are strings ("10.00", in refunds "-10.00"), but a line's `price` is a number. Required."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise PayloadInvalid(f"{name} is {value!r}, no amount.", field=name)
    return amount


def parse_optional(value: Any, name: str) -> Decimal | None:
    return None if value in (None, "") else parse_money(value, name)


def parse_rows(row: Row, name: str) -> list[Row]:
    found = row.get(name) or []
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        raise PayloadInvalid(f"{name} is no list of objects.", field=name)
    return found


def parse_object(row: Row, name: str) -> Row:
    """Quirk: PHP writes an empty object as []."""
    found = row.get(name)
    return found if isinstance(found, Mapping) else {}


def parse_error(body: Any) -> str:
    """`{"code", "message"}` → "message (code)", '' for anything else."""
    if not isinstance(body, Mapping) or "code" not in body:
        return ""
    return f"{parse_text(body.get('message'))} ({body['code']})"


def parse_meta(row: Row, key: str) -> str:
    """The text of the record's own meta field, '' where it has none."""
    found = [meta.get("value") for meta in parse_rows(row, "meta_data") if meta.get("key") == key]
    return str(found[-1]) if found and isinstance(found[-1], str | int) else ""


def split_words(text: Any) -> tuple[str, ...]:
    """ "a, b" → ("a", "b")"""
    return tuple(filter(None, (word.strip() for word in str(text or "").split(","))))


def require(row: Row, name: str) -> Any:
    if row.get(name) in (None, "", 0):
        raise PayloadInvalid(f"{name} is missing.", field=name)
    return row[name]


def row_stamp(row: Row) -> datetime | None:
    """When the record last changed. Refunds never do and say only when they were made."""
    return parse_time(row.get("date_modified_gmt")) or parse_time(row.get("date_created_gmt"))


def build_cursor(stamp: datetime | None, seen: Iterable[str]) -> str:
    return f"{build_time(stamp) if stamp else ''}|{','.join(seen)}"


def parse_cursor(cursor: str) -> tuple[datetime | None, tuple[str, ...]]:
    stamp, _, seen = cursor.partition("|")
    return parse_time(stamp), tuple(filter(None, seen.split(",")))
