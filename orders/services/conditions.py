"""Whether a routing rule takes an order, and in words why. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase

from orders.models import RoutingRule
from portal.base.money import describe_money

CASH_ON_DELIVERY = "cod"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """One line of articles. `quantity` is of the shop's article, `factor` base units each; `value` with tax."""

    line_id: int
    name: str
    quantity: Decimal
    factor: Decimal = Decimal(1)
    value: Decimal = Decimal(0)
    variant_id: int | None = None
    brand: str = ""
    categories: tuple[str, ...] = ()

    @property
    def needed(self) -> Decimal:
        return self.quantity * self.factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What rules may ask of an order. `payments` are the shop's words and ours."""

    shop_id: int
    shop: str
    sold_at_id: int | None = None
    country: str = ""
    postcode: str = ""
    shipping: tuple[str, ...] = ()
    payments: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    currency: str
    total: Decimal
    goods: tuple[Goods, ...] = ()


def parse_words(text: str) -> list[str]:
    """ "DE, AT" → ["DE", "AT"]"""
    return [word.strip() for word in text.split(",") if word.strip()]


def asks_of_goods(rule: RoutingRule) -> bool:
    """Whether it looks at what the lines are, so that they must be known first."""
    return bool(rule.categories or rule.brands) or asks_of_stock(rule)


def asks_of_stock(rule: RoutingRule) -> bool:
    return rule.in_stock or bool(rule.group_id)


def match_order(rule: RoutingRule, facts: Facts) -> list[str] | None:
    """Why it fits, a phrase for each condition ([]: it has none); None where one does not fit. What it asks of the
    goods is not looked at."""
    found: list[str] = []
    tests = (
        (bool(rule.shop_id), f"sold by {facts.shop}" if rule.shop_id == facts.shop_id else ""),
        (bool(rule.sold_at_id), f"sold at {rule.sold_at}" if rule.sold_at_id == facts.sold_at_id else ""),
        (bool(rule.countries), _say("country is", _find(rule.countries, [facts.country]))),
        (bool(rule.postcodes), _say("postcode is", _find_prefix(rule.postcodes, facts.postcode))),
        (bool(rule.shipping_methods), _say("shipping is", _find(rule.shipping_methods, facts.shipping))),
        (bool(rule.payment_types), _say("payment is", _find(rule.payment_types, facts.payments))),
        (bool(rule.tags), _say("tag is", _find(rule.tags, facts.tags))),
        (bool(rule.currency), _say("currency is", _find(rule.currency, [facts.currency]))),
        (rule.total_over is not None, _test_over(rule, facts)),
        (rule.total_under is not None, _test_under(rule, facts)),
    )
    for is_asked, words in tests:
        if is_asked and not words:
            return None
        if is_asked:
            found.append(words)
    return found


def pick_goods(rule: RoutingRule, goods: Sequence[Goods]) -> tuple[list[Goods], list[str]] | None:
    """The lines it takes of these, and why; None where it takes none, by what it asks of categories and brands. One
    that takes all that is left takes them all as soon as one of them fits."""
    if not rule.categories and not rule.brands:
        return list(goods), []
    words: dict[str, None] = {}
    fitting = []
    for one in goods:
        found = [
            _say("category is", _find(rule.categories, one.categories)),
            _say("brand is", _find(rule.brands, [one.brand])),
        ]
        if all(word or not asked for word, asked in zip(found, (rule.categories, rule.brands), strict=True)):
            fitting.append(one)
            words |= dict.fromkeys(filter(None, found))
    if not fitting:
        return None
    if rule.takes == RoutingRule.Takes.LINES:
        names = ", ".join(one.name for one in fitting)
        return fitting, [f"{phrase} ({names})" if place == 0 else phrase for place, phrase in enumerate(words)]
    return list(goods), list(words)


def _find(wanted: str, values: Iterable[str]) -> str:
    """The first value that one of the words fits, case apart; a * in a word stands for anything."""
    patterns = [word.casefold() for word in parse_words(wanted)]
    fits = (value for value in values if value and any(_fits(value.casefold(), one) for one in patterns))
    return next(fits, "")


def _fits(value: str, pattern: str) -> bool:
    return fnmatchcase(value, pattern.replace("[", "[[]").replace("?", "[?]"))


def _find_prefix(wanted: str, postcode: str) -> str:
    plain = postcode.replace(" ", "").casefold()
    begins = any(plain.startswith(word.replace(" ", "").casefold()) for word in parse_words(wanted))
    return postcode if plain and begins else ""


def _say(words: str, value: str) -> str:
    return f"{words} {value}" if value else ""


def _test_over(rule: RoutingRule, facts: Facts) -> str:
    limit: Decimal | None = rule.total_over
    if limit is None or facts.total <= limit:
        return ""
    return f"total {describe_money(facts.total, facts.currency)} is over {describe_money(limit, facts.currency)}"


def _test_under(rule: RoutingRule, facts: Facts) -> str:
    limit: Decimal | None = rule.total_under
    if limit is None or facts.total >= limit:
        return ""
    return f"total {describe_money(facts.total, facts.currency)} is under {describe_money(limit, facts.currency)}"
