"""What a customer pays for articles at a connection, found in few statements however many they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Q
from django.utils.translation import gettext as _

from catalog.models import PriceList, Variant
from catalog.services.prices import ONE, Amounts, decide, find_shop_currency, list_rules, read_amounts, read_categories
from catalog.services.pricing import plain
from integrations.models import Connection


class CurrencyMismatch(Exception):
    """Prices of one currency were asked for in another; words for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who buys: the customer's `number` as price lists name it, and the `group` prices were agreed for."""

    number: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPrice:
    """A price a base unit, None where there is none; `words` say how it came about."""

    amount: Decimal | None
    currency: str = ""
    includes_tax: bool = False
    price_list: PriceList | None = None
    words: str = ""


def find_price(
    *,
    variant: Variant,
    connection: Connection,
    customer: Buyer | None = None,
    quantity: Decimal = ONE,
    currency: str = "",
    at: datetime,
) -> FoundPrice:
    """What `customer` pays at `connection` for a base unit of `variant` when buying `quantity` of them; see
    `find_prices`."""
    found = find_prices(
        quantities={variant: quantity}, connection=connection, customer=customer, currency=currency, at=at
    )
    return found[variant.pk]


def find_prices(
    *,
    quantities: Mapping[Variant, Decimal],
    connection: Connection,
    customer: Buyer | None = None,
    currency: str = "",
    at: datetime,
) -> dict[int, FoundPrice]:
    """variant id → what a base unit costs `customer` at `connection` when buying so many.

    First what was agreed with the customer, then with the group, then the shop's rules. `currency`: of the order to be
    quoted; CurrencyMismatch where a price is in another, for we never convert.
    """
    agreed = _list_agreed(connection, customer) if customer else []
    rules = list_rules(connection.merchant_id, connection).get(connection.pk, [])
    lists = {*agreed, *(rule.price_list for rule in rules)}
    lists |= {rule.floor_list for rule in rules if rule.floor_list is not None}
    ids = [variant.pk for variant in quantities]
    prices = read_amounts(lists, ids, max([ONE, *quantities.values()]), at)
    categories = read_categories(ids) if any(rule.category for rule in rules) else {}
    found = {}
    for variant, quantity in quantities.items():
        one = _find_agreed(agreed, variant.pk, quantity, prices)
        if one is None and (
            decision := decide(rules, variant.pk, categories.get(variant.pk, frozenset()), prices, pieces=quantity)
        ):
            price_list = decision.rule.price_list
            one = FoundPrice(
                amount=decision.steps.price, currency=price_list.currency, includes_tax=price_list.includes_tax,
                price_list=price_list, words=decision.words,
            )  # fmt: skip
        found[variant.pk] = one or FoundPrice(amount=None, words=_say_none(variant, connection))
        _check_currency(found[variant.pk], variant, currency)
    return found


def _list_agreed(connection: Connection, customer: Buyer) -> list[PriceList]:
    """The customer's own lists before the group's; one for this shop before one for all; the oldest first."""
    whose = Q(pk__in=())
    if customer.number:
        whose |= Q(customer=customer.number)
    if customer.group:
        whose |= Q(customer="", customer_group=customer.group)
    here = Q(channel__isnull=True) | Q(channel=connection)
    lists = PriceList.plain.filter(whose, here, merchant_id=connection.merchant_id)
    shop = find_shop_currency(connection)
    mine = [one for one in lists if not shop or one.currency == shop]
    return sorted(mine, key=lambda one: (not one.customer, one.channel_id is None, one.pk))


def _find_agreed(lists: Sequence[PriceList], variant_id: int, quantity: Decimal, prices: Amounts) -> FoundPrice | None:
    for one in lists:
        amount = prices.find(one.pk, variant_id, quantity)
        if amount is None:
            continue
        who = _("customer %(who)s") if one.customer else _("group %(who)s")
        whom = who % {"who": one.customer or one.customer_group}
        words = _("Agreed with %(whom)s (%(list)s): %(amount)s %(currency)s.") % {
            "whom": whom, "list": one.name, "amount": plain(amount), "currency": one.currency,
        }  # fmt: skip
        return FoundPrice(
            amount=amount, currency=one.currency, includes_tax=one.includes_tax, price_list=one, words=words
        )
    return None


def _say_none(variant: Variant, connection: Connection) -> str:
    words = _("No price of %(variant)s holds for %(shop)s now: give one of its lists a price, or add a price rule.")
    return words % {"variant": variant.code, "shop": connection}


def _check_currency(found: FoundPrice, variant: Variant, currency: str) -> None:
    if currency and found.amount is not None and found.currency != currency:
        raise CurrencyMismatch(
            _("%(variant)s costs %(amount)s %(ours)s; the order is in %(theirs)s, and amounts are not converted.")
            % {"variant": variant.code, "amount": plain(found.amount), "ours": found.currency, "theirs": currency}
        )
