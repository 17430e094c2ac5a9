"""Single values as the Admin API writes them: ids, dates, money, user errors.

https://shopify.dev/docs/api/usage/gids, https://shopify.dev/docs/api/admin-graphql/2026-07/objects/MoneyBag
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from integrations.contract.errors import PayloadInvalid, Rejected

Row = Mapping[str, Any]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class UserError:
    """One of a mutation's `userErrors`: `path` leads to the input that is wrong, "input.quantities.3"."""

    message: str
    path: tuple[str, ...] = ()
    code: str = ""

    @property
    def field(self) -> str:
        return ".".join(self.path)

    @property
    def words(self) -> str:
        return f"{self.message} ({self.field})" if self.path else self.message

    def index(self, after: str) -> int | None:
        """The position in the list `after` the error is about."""
        if after in self.path[:-1] and (place := self.path[self.path.index(after) + 1]).isdecimal():
            return int(place)
        return None


def gid(kind: str, external_id: str) -> str:
    """From "123" to "gid://shopify/Product/123"."""
    if not (external_id.isascii() and external_id.isdigit()):
        raise Rejected(f"'{external_id}' is not an id of a Shopify {kind}: link the right one.", code="ID_INVALID")
    return f"gid://shopify/{kind}/{external_id}"


def parse_id(value: Any) -> str:
    """The number at the end: "gid://shopify/Order/4711?x=1" → "4711"; '' for null."""
    return str(value).partition("?")[0].rpartition("/")[2] if value else ""


def require_id(row: Row, name: str = "id") -> str:
    found = parse_id(row.get(name))
    if not found:
        raise PayloadInvalid(f"{name} is missing.", field=name)
    return found


def parse_text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def parse_time(value: Any) -> datetime | None:
    """None for null and nonsense."""
    try:
        found = datetime.fromisoformat(value) if value else None
    except (TypeError, ValueError):
        return None
    return found.astimezone(UTC) if found is not None and found.tzinfo else None


def build_time(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_amount(value: Any, name: str) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise PayloadInvalid(f"{name} is {value!r}, no amount.", field=name)
    return amount


def parse_money(row: Row, name: str, side: str = "shopMoney") -> Decimal:
    """Of a MoneyBag, in the shop's currency unless `side` says presentmentMoney; 0 for null."""
    bag = row.get(name)
    if bag is None:
        return ZERO
    return parse_amount(parse_object(bag, side).get("amount") if isinstance(bag, Mapping) else bag, name)


def build_amount(amount: Decimal) -> str:
    return f"{amount:f}"


def build_bag(amount: Decimal, currency: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": build_amount(amount), "currencyCode": currency}}


def parse_rows(row: Row, name: str) -> list[Row]:
    """A list, or the nodes of a connection."""
    found = row.get(name) or []
    if isinstance(found, Mapping):
        found = found.get("nodes") or []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise PayloadInvalid(f"{name} is no list of objects.", field=name)
    return found


def parse_object(row: Row, name: str) -> Row:
    found = row.get(name)
    return found if isinstance(found, Mapping) else {}


def user_errors(payload: Row) -> list[UserError]:
    """Of whatever name: orderCancel calls its own orderCancelUserErrors."""
    name = next((one for one in payload if one.endswith("serErrors")), "userErrors")
    return [
        UserError(
            message=str(one.get("message") or "refused"),
            path=tuple(map(str, one.get("field") or ())),
            code=str(one.get("code") or ""),
        )
        for one in parse_rows(payload, name)
    ]
