"""What every record of the simulated Shopify shop is made of: global ids, money in two currencies, moments.

A record is a dictionary of the API's own field names; a relation is the other record's global id. Names that begin with
an underscore are the simulator's own.

documented: https://shopify.dev/docs/api/usage/gids and https://shopify.dev/docs/api/admin-graphql/2026-07/objects/MoneyBag
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

Record = dict[str, Any]
Bag = dict[str, Any]

_GID = re.compile(r"gid://shopify/(\w+)/(\d+)(\?.*)?")
_NO_CENTS = {"JPY", "KRW", "VND", "CLP", "ISK", "HUF"}


class UserError(Exception):
    """A mutation refused for what it was given: HTTP 200, an entry of `userErrors`, nothing changed."""

    def __init__(self, message: str, field: Iterable[str] | None = None, code: str = "INVALID") -> None:
        super().__init__(message)
        self.entry: Record = {"message": message, "field": list(field) if field else None, "code": code}


def make_gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def parse_gid(gid: str) -> tuple[str, int] | None:
    """(type, number); None for what is no global id. An InventoryLevel's carries its item as a query."""
    found = _GID.fullmatch(gid)
    return (found[1], int(found[2])) if found else None


def number_of(gid: str) -> int:
    found = parse_gid(gid)
    return found[1] if found else 0


def plain_id(given: str, kind: str) -> str:
    """judgement: an ID argument takes the bare number of the type the argument is about, as the API does."""
    return make_gid(kind, int(given)) if given.isdecimal() else given


# money ----------------------------------------------------------------------------------------------------------------
def amount_of(value: Any) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise UserError(f"{value} is not a number") from None
    if not amount.is_finite():
        raise UserError(f"{value} is not a number")
    return amount


def places(currency: str) -> Decimal:
    return Decimal(1) if currency in _NO_CENTS else Decimal("0.01")


def round_to(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(places(currency), ROUND_HALF_UP)


def money(amount: Decimal, currency: str) -> Record:
    return {"amount": str(round_to(amount, currency)), "currencyCode": currency}


def make_bag(shop: Record, presentment: Record | None = None) -> Bag:
    return {"shopMoney": shop, "presentmentMoney": presentment or shop}


def add(first: Bag, *others: Bag) -> Bag:
    total = {}
    for side in ("shopMoney", "presentmentMoney"):
        amount = sum((Decimal(other[side]["amount"]) for other in others), Decimal(first[side]["amount"]))
        total[side] = money(amount, first[side]["currencyCode"])
    return total


def scale(bag: Bag, by: Decimal | int) -> Bag:
    """`bag` times a number, each side rounded to its currency's smallest coin."""
    return {
        side: money(Decimal(bag[side]["amount"]) * by, bag[side]["currencyCode"])
        for side in ("shopMoney", "presentmentMoney")
    }


def minus(first: Bag, *others: Bag) -> Bag:
    return add(first, *(scale(other, -1) for other in others))


def shop_amount(bag: Bag) -> Decimal:
    return Decimal(bag["shopMoney"]["amount"])


def parse_bag(given: Mapping[str, Any], shop_currency: str) -> Bag:
    """A MoneyBagInput. judgement: without presentmentMoney both sides are the shop's."""

    def side(value: Mapping[str, Any]) -> Record:
        return money(amount_of(value["amount"]), value["currencyCode"])

    shop = side(given["shopMoney"])
    if shop["currencyCode"] != shop_currency:
        raise UserError(f"The shop's currency is {shop_currency}, not {shop['currencyCode']}")
    presentment = given.get("presentmentMoney")
    return make_bag(shop, side(presentment) if presentment else None)


# moments --------------------------------------------------------------------------------------------------------------
def stamp(moment: datetime) -> str:
    """A DateTime as the API writes it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_moment(text: str) -> datetime:
    """An ISO 8601 moment; ValueError for what is none. judgement: without a zone it is UTC."""
    moment = datetime.fromisoformat(text.strip().upper().replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
