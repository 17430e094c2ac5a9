"""What each shop should charge: found in few statements however many articles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import Q
from django.utils.translation import gettext as _

from catalog.models import Binding, ChannelPrice, Figures, Price, PriceList, PriceRule, ShopFigure, Variant
from catalog.services.pricing import Steps, check_rounding, compute_price, describe_price, get_terms
from integrations.models import Connection

ONE = Decimal(1)
BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Amount:
    """A row of a list that holds now."""

    amount: Decimal
    min_quantity: Decimal
    valid_from: datetime


@dataclass(slots=True)
class Amounts:
    """The amounts of some lists for some variants that hold now."""

    found: dict[tuple[int, int], list[_Amount]] = field(default_factory=lambda: defaultdict(list))

    def find(self, price_list_id: int, variant_id: int, quantity: Decimal) -> Decimal | None:
        """The price from the largest quantity that is reached; of several, the one that began last."""
        rows = [row for row in self.found.get((price_list_id, variant_id), ()) if row.min_quantity <= quantity]
        if not rows:
            return None
        return max(rows, key=lambda row: (row.min_quantity, row.valid_from)).amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The rule that decides an article's price there, and the steps it took."""

    rule: PriceRule
    steps: Steps

    @property
    def words(self) -> str:
        return f"{self.rule.price_list.name}: {describe_price(self.steps, get_terms(self.rule))}"


# --- shops ------------------------------------------------------------------------------------------------------------


def refresh_wanted_prices(*, merchant_id: int, variant_ids: Iterable[int], at: datetime) -> int:
    """Work out anew what each shop with rules should charge for these variants; how many prices changed.

    Where no price holds any more the shop keeps the last one: nothing is sold for nothing because a list ended.
    """
    ids = sorted(set(variant_ids))
    rules = list_rules(merchant_id)
    if not ids or not rules:
        return 0
    changed = 0
    for start in range(0, len(ids), BATCH):
        bindings = Binding.plain.filter(
            connection_id__in=list(rules), variant_id__in=ids[start : start + BATCH], state=Binding.State.BOUND
        ).order_by("pk")
        changed += _write(merchant_id, decide_prices(bindings, rules, at=at), at)
    return changed


def list_rules(merchant_id: int, connection: Connection | None = None) -> dict[int, list[PriceRule]]:
    """Each shop's rules in their order, those that are refused left out."""
    rows = PriceRule.plain.filter(merchant_id=merchant_id).select_related("price_list", "floor_list", "connection")
    if connection is not None:
        rows = rows.filter(connection=connection)
    found: dict[int, list[PriceRule]] = defaultdict(list)
    currencies: dict[int, str] = {}
    for rule in rows.order_by("connection_id", "position"):
        currency = currencies.get(rule.connection_id)
        if currency is None:
            currency = find_shop_currency(rule.connection) or rule.price_list.currency
            currencies[rule.connection_id] = currency
        if not check_rule(rule, currency):
            found[rule.connection_id].append(rule)
    return dict(found)


def decide_prices(
    bindings: Iterable[Binding], rules: dict[int, list[PriceRule]], *, at: datetime
) -> list[tuple[Binding, Decision]]:
    """The price each article should have there, for those that have one. Two statements, three with categories."""
    rows = [row for row in bindings if row.variant_id is not None]
    variants = sorted({row.variant_id for row in rows if row.variant_id is not None})
    lists = {rule.price_list for mine in rules.values() for rule in mine}
    floors = {rule.floor_list for mine in rules.values() for rule in mine if rule.floor_list is not None}
    most = max([ONE, *(row.factor for row in rows)])
    prices = read_amounts(lists | floors, variants, most, at)
    categories = read_categories(variants) if any(rule.category for mine in rules.values() for rule in mine) else {}
    found = []
    for row in rows:
        mine = categories.get(row.variant_id or 0, frozenset())
        here = rules.get(row.connection_id, ())
        if decision := decide(here, row.variant_id or 0, mine, prices, pieces=row.factor, factor=row.factor):
            found.append((row, decision))
    return found


def decide(
    rules: Sequence[PriceRule],
    variant_id: int,
    categories: frozenset[str],
    prices: Amounts,
    *,
    pieces: Decimal = ONE,
    factor: Decimal = ONE,
) -> Decision | None:
    """The first rule whose category fits and whose list has a price, for `factor` of them when buying `pieces`: a crate
    of 24 is as many pieces, so it has the price from 24 pieces on where the list has one."""
    pieces = max(ONE, pieces)
    for rule in rules:
        if rule.category and rule.category.casefold() not in categories:
            continue
        source = prices.find(rule.price_list_id, variant_id, pieces)
        if source is None:
            continue
        floor = prices.find(rule.floor_list_id, variant_id, pieces) if rule.floor_list_id else None
        return Decision(rule=rule, steps=compute_price(source, get_terms(rule), pieces=factor, floor=floor))
    return None


def read_amounts(lists: Iterable[PriceList], variant_ids: Sequence[int], most: Decimal, at: datetime) -> Amounts:
    prices = Amounts()
    valid = [one.pk for one in lists if one.valid_from <= at and (one.valid_until is None or one.valid_until > at)]
    rows = Price.plain.filter(
        Q(valid_until__isnull=True) | Q(valid_until__gt=at),
        price_list_id__in=valid,
        variant_id__in=variant_ids,
        min_quantity__lte=most,
        valid_from__lte=at,
    )
    names = ("price_list_id", "variant_id", "amount", "min_quantity", "valid_from")
    for price_list_id, variant_id, amount, quantity, valid_from in rows.values_list(*names):
        one = _Amount(amount=amount, min_quantity=quantity, valid_from=valid_from)
        prices.found[price_list_id, variant_id].append(one)
    return prices


def read_categories(variant_ids: Sequence[int]) -> dict[int, frozenset[str]]:
    rows = Variant.plain.filter(pk__in=variant_ids).values_list("pk", "product__categories")
    return {pk: frozenset(str(name).casefold() for name in names or ()) for pk, names in rows}


def _write(merchant_id: int, decided: list[tuple[Binding, Decision]], at: datetime) -> int:
    before = {
        pk: (wanted, currency)
        for pk, wanted, currency in ChannelPrice.plain.filter(
            binding_id__in=[row.pk for row, _decision in decided], slot=""
        ).values_list("binding_id", "wanted", "currency")
    }
    rows = [
        ChannelPrice(
            merchant_id=merchant_id,
            connection_id=row.connection_id,
            binding_id=row.pk,
            currency=decision.rule.price_list.currency,
            wanted=decision.steps.price,
            wanted_at=at,
        )
        for row, decision in decided
        if before.get(row.pk) != (decision.steps.price, decision.rule.price_list.currency)
    ]
    ChannelPrice.plain.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["merchant", "connection", "binding", "slot"],
        update_fields=["wanted", "wanted_at", "currency"],
    )
    return len(rows)


# --- what is refused --------------------------------------------------------------------------------------------------


def find_shop_currency(connection: Connection) -> str:
    """What a shop sells in: its own setting, else what its prices were read in, else '' (not known yet)."""
    if stated := str(connection.settings.get("currency") or ""):
        return stated.upper()
    rows = ShopFigure.plain.filter(
        merchant_id=connection.merchant_id, connection=connection, stream=Figures.PRICE
    ).exclude(currency="")
    return next(iter(rows.values_list("currency", flat=True)[:1]), "")


def check_rule(rule: PriceRule, shop_currency: str) -> str:
    """Words where a rule is refused: currencies and tax bases never mix, and a list may be another shop's or customer's
    own. '' where all is well."""
    mine, floor = rule.price_list, rule.floor_list
    if shop_currency and mine.currency != shop_currency:
        return _("%(shop)s sells in %(theirs)s, “%(list)s” is in %(ours)s: choose a list in %(theirs)s.") % {
            "shop": rule.connection, "theirs": shop_currency, "list": mine.name, "ours": mine.currency,
        }  # fmt: skip
    if floor is not None and floor.currency != mine.currency:
        return _("“%(floor)s” is in %(theirs)s, “%(list)s” in %(ours)s: one cannot be the other's limit.") % {
            "floor": floor.name, "theirs": floor.currency, "list": mine.name, "ours": mine.currency,
        }  # fmt: skip
    if floor is not None and floor.includes_tax != mine.includes_tax:
        return _("One of “%(floor)s” and “%(list)s” includes tax, the other does not: they cannot be compared.") % {
            "floor": floor.name, "list": mine.name,
        }  # fmt: skip
    if mine.channel_id not in {None, rule.connection_id}:
        return _("“%(list)s” is for another shop.") % {"list": mine.name}
    if mine.customer or mine.customer_group:
        return _("“%(list)s” was agreed with customers; a shop shows its prices to everybody.") % {"list": mine.name}
    return check_rounding(rule.rounding, mine.currency)
