"""How many records, and how much money, wait for something: counted before it is fixed, and told after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Count, Min, Sum
from django.utils.translation import ngettext

from integrations.models import Hold
from portal.base.money import describe_money

BATCH = 500
MOST_KEYS = 1000  # the costliest; what lies beyond is found when those are done
Subject = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """So many records, and the money of each currency that waits in them."""

    records: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)

    @property
    def total(self) -> Decimal:
        """For sorting; currencies are not converted."""
        return sum(self.amounts.values(), Decimal(0))

    @property
    def money(self) -> str:
        """ "1,240.50 GBP + 3.00 EUR", '' for none."""
        parts = sorted(self.amounts.items(), key=lambda one: -one[1])
        return " + ".join(_describe(amount, currency) for currency, amount in parts if amount)


def _describe(amount: Decimal, currency: str) -> str:
    number, _, unit = describe_money(amount, currency).partition(" ")
    return f"{Decimal(number):,} {unit}".strip()


def list_waiting(*, merchant_id: int, prefix: str, most: int = MOST_KEYS) -> dict[str, Waiting]:
    """key → what waits for it, of the open keys that begin like this, the costliest first."""
    rows = (
        Hold.plain.filter(merchant_id=merchant_id, ended_at__isnull=True, key__startswith=prefix)
        .values("key", "currency")
        .annotate(records=Count("subject_id", distinct=True), amount=Sum("amount"), since=Min("since"))
        .order_by("-amount", "since")[:most]
    )
    return _collect((row["key"], row["currency"], row["records"], row["amount"]) for row in rows)


def sum_waiting(*, merchant_id: int, keys: Sequence[str]) -> dict[str, Waiting]:
    """key → what waits for it; keys nothing waits for are left out."""
    found: dict[str, Waiting] = {}
    for start in range(0, len(keys), BATCH):
        rows = (
            Hold.plain.filter(merchant_id=merchant_id, ended_at__isnull=True, key__in=keys[start : start + BATCH])
            .values("key", "currency")
            .annotate(records=Count("subject_id", distinct=True), amount=Sum("amount"))
            .order_by()
        )
        found |= _collect((row["key"], row["currency"], row["records"], row["amount"]) for row in rows)
    return found


def _collect(rows: Iterable[tuple[str, str, int, Decimal]]) -> dict[str, Waiting]:
    found: dict[str, Waiting] = {}
    for key, currency, records, amount in rows:
        before = found.get(key, Waiting())
        found[key] = Waiting(records=before.records + records, amounts={**before.amounts, currency: amount})
    return found


def list_subjects(*, merchant_id: int, keys: Sequence[str]) -> dict[Subject, dict[str, Decimal]]:
    """The records that wait for one of these keys, and the money that does."""
    found: dict[Subject, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for start in range(0, len(keys), BATCH):
        rows = Hold.plain.filter(merchant_id=merchant_id, ended_at__isnull=True, key__in=keys[start : start + BATCH])
        for kind, pk, currency, amount in rows.values_list("subject_type", "subject_id", "currency", "amount"):
            found[kind, pk][currency] += amount
    return found


def add_up_gone_on(*, merchant_id: int, before: dict[Subject, dict[str, Decimal]]) -> Waiting:
    """Of the records that waited `before`, those that wait for nothing any more, and the money that did."""
    held: set[Subject] = set()
    ids = sorted({pk for _, pk in before})
    for start in range(0, len(ids), BATCH):
        rows = Hold.plain.filter(
            merchant_id=merchant_id, ended_at__isnull=True, subject_id__in=ids[start : start + BATCH]
        )
        held.update(rows.values_list("subject_type", "subject_id"))
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    gone = [subject for subject in before if subject not in held]
    for subject in gone:
        for currency, amount in before[subject].items():
            amounts[currency] += amount
    return Waiting(records=len(gone), amounts=dict(amounts))


def add_up(parts: Iterable[Waiting]) -> Waiting:
    """All of them together; a record that waits for two things counts twice."""
    records, amounts = 0, dict[str, Decimal]()
    for part in parts:
        records += part.records
        for currency, amount in part.amounts.items():
            amounts[currency] = amounts.get(currency, Decimal(0)) + amount
    return Waiting(records=records, amounts=amounts)


def say_gone_on(waited: int, went: Waiting) -> str:
    """ "3 orders, 120.00 GBP, go on. 1 order still waits for something else."; '' where nothing waited."""
    words = []
    if went.records:
        many = ngettext("%d order", "%d orders", went.records) % went.records
        money = f", {went.money}," if went.money else ""
        words.append(ngettext("%s goes on.", "%s go on.", went.records) % f"{many}{money}")
    if left := waited - went.records:
        words.append(
            ngettext("%d order still waits for something else.", "%d orders still wait for something else.", left)
            % left
        )
    return " ".join(words)
