"""Changing price lists, and bringing to the shops what the clock or a person changed in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.utils.translation import gettext as _

from catalog.models import ALWAYS, Figures, Price, PriceList, PriceRule
from catalog.services.prices import BATCH, refresh_wanted_prices
from catalog.services.sending import RULE, send_on_commit
from integrations.contract import records as r
from integrations.models import Connection
from integrations.sync.outbox import ring_on_commit

Inward = tuple[Decimal, datetime]  # a price a base unit, and when the goods came in that were paid with it
ONE = Decimal(1)
AT_ONCE = 10 * BATCH  # variants a transaction
DUE_TASK = "catalog.refresh_prices"


@transaction.atomic
def save_price(*, price: Price, at: datetime) -> Price:
    """Save a price a person entered; the shops' prices follow at once, and again when it begins or ends."""
    before = Price.plain.filter(pk=price.pk).values_list("variant_id", flat=True)
    variants = {*before, price.variant_id}
    price.save()
    look_again(price.price_list_id, [price.valid_from, price.valid_until], at)
    _tell_shops(price.merchant_id, variants, at)
    return price


@transaction.atomic
def delete_price(*, price: Price, at: datetime) -> None:
    merchant_id, variant_id = price.merchant_id, price.variant_id
    price.delete()
    _tell_shops(merchant_id, [variant_id], at)


@transaction.atomic
def save_price_list(*, price_list: PriceList, at: datetime) -> PriceList:
    price_list.save()
    mark_changed(price_list_ids=[price_list.pk], at=at)
    return price_list


@transaction.atomic
def save_rule(*, rule: PriceRule, at: datetime) -> PriceRule:
    """Save a shop's rule; all prices made by it, before and now, are worked out again."""
    before = PriceRule.plain.filter(pk=rule.pk).values_list("price_list_id", flat=True)
    lists = {*before, rule.price_list_id}
    rule.save()
    mark_changed(price_list_ids=sorted(lists), at=at)
    return rule


@transaction.atomic
def delete_rule(*, rule: PriceRule, at: datetime) -> None:
    price_list_id = rule.price_list_id
    rule.delete()
    mark_changed(price_list_ids=[price_list_id], at=at)


def open_list(*, connection: Connection, slot: str, currency: str) -> PriceList:
    """The list that the back office's prices of this slot go into, made with the first of them; its currency is the one
    it was made with. INWARD_SLOT is that of the last inward prices."""
    inward = slot == r.INWARD_SLOT
    name = _("last inward prices") if inward else slot or _("base prices")
    row, _made = PriceList.plain.get_or_create(
        merchant_id=connection.merchant_id,
        connection=connection,
        external_id=slot,
        defaults={
            "code": f"{connection.pk}-{slot or 'base'}"[:60],
            "name": f"{connection.name}: {name}"[:100],
            "kind": PriceList.Kind.INWARD if inward else PriceList.Kind.PRICES,
            "currency": currency,
        },
    )
    return row


@transaction.atomic
def take_inward(*, price_list: PriceList, amounts: Mapping[int, Inward], at: datetime) -> int:
    """What was paid a base unit for the last goods that came in, by variant id. An older arrival never replaces a newer
    one, the same one may be corrected (its bill came); how many prices changed. `price_list`: see `open_list`."""
    created, updated = write_inward(price_list=price_list, amounts=amounts)
    refresh_wanted_prices(merchant_id=price_list.merchant_id, variant_ids=[*created, *updated], at=at)
    return len(created) + len(updated)


def write_inward(*, price_list: PriceList, amounts: Mapping[int, Inward]) -> tuple[list[int], list[int]]:
    """The variants whose price is new, and those whose price changed; the shops' prices are the caller's to refresh."""
    rows = Price.plain.filter(price_list=price_list, variant_id__in=list(amounts), min_quantity=ONE, valid_from=ALWAYS)
    before = {row.variant_id: row for row in rows.select_for_update().order_by("pk")}
    new, changed = [], []
    for variant_id, (amount, came_at) in sorted(amounts.items()):
        row = before.get(variant_id)
        if row is None:
            new.append(
                Price(
                    merchant_id=price_list.merchant_id,
                    price_list=price_list,
                    variant_id=variant_id,
                    amount=amount,
                    inward_at=came_at,
                )
            )
        elif (row.inward_at is None or row.inward_at <= came_at) and (row.amount, row.inward_at) != (amount, came_at):
            row.amount, row.inward_at = amount, came_at
            changed.append(row)
    Price.plain.bulk_create(new)
    Price.plain.bulk_update(changed, ["amount", "inward_at"])
    return [row.variant_id for row in new], [row.variant_id for row in changed]


def _tell_shops(merchant_id: int, variant_ids: Collection[int], at: datetime) -> None:
    """Their prices change in this transaction, and are sent as soon as it is durable."""
    if refresh_wanted_prices(merchant_id=merchant_id, variant_ids=variant_ids, at=at):
        send_on_commit(
            merchant_id=merchant_id, stream=Figures.PRICE, variant_ids=variant_ids, trigger=RULE, at=at
        )  # fmt: skip


# --- what is due ------------------------------------------------------------------------------------------------------


def mark_changed(*, price_list_ids: list[int], at: datetime) -> None:
    """Every price made of these lists is to be worked out again, in the background."""
    PriceList.plain.filter(pk__in=price_list_ids).update(due_at=at, due_after=0, refreshed_at=None)
    ring_on_commit(DUE_TASK, price_list_ids=price_list_ids)


def list_due(*, at: datetime) -> list[int]:
    """Lists of all merchants in which something began, ended or was changed."""
    rows = PriceList.plain.filter(due_at__lte=at).order_by("due_at")
    return list(rows.values_list("pk", flat=True)[:100])


def refresh_due(*, price_list_id: int, at: datetime) -> bool:
    """Bring one batch of what is due in a list to the shops; whether there is more. Safe to repeat, and beside others:
    another worker's list is left to it."""
    with transaction.atomic():
        due = PriceList.plain.filter(pk=price_list_id, due_at__lte=at).select_for_update(skip_locked=True)
        row = due.first()
        if row is None or row.due_at is None:
            return False
        ids = list(_due_variants(row).filter(variant_id__gt=row.due_after)[:AT_ONCE])
        _tell_shops(row.merchant_id, ids, at)
        if len(ids) == AT_ONCE:
            row.due_after = ids[-1]
        else:
            row.due_after, row.refreshed_at = 0, row.due_at
            row.due_at = _find_next(row, row.due_at)
        row.save(update_fields=["due_at", "due_after", "refreshed_at"])
        return row.due_at is not None and row.due_at <= at


def _due_variants(row: PriceList) -> QuerySet[Price, int]:
    """Whose prices began or ended since the list was last right; all, where the list itself did or was changed."""
    prices = Price.plain.filter(price_list=row)
    since, until = row.refreshed_at, row.due_at
    own = [moment for moment in (row.valid_from, row.valid_until) if moment and since and since < moment <= until]  # type: ignore[operator]  # due
    if since is not None and not own:
        began = Q(valid_from__gt=since, valid_from__lte=until)
        prices = prices.filter(began | Q(valid_until__gt=since, valid_until__lte=until))
    return prices.order_by("variant_id").values_list("variant_id", flat=True).distinct()


def _find_next(row: PriceList, after: datetime) -> datetime | None:
    """The next moment at which something of the list begins or ends."""
    prices = Price.plain.filter(price_list=row)
    begins = prices.filter(valid_from__gt=after).aggregate(first=Min("valid_from"))["first"]
    ends = prices.filter(valid_until__gt=after).aggregate(first=Min("valid_until"))["first"]
    own = [moment for moment in (row.valid_from, row.valid_until) if moment and moment > after]
    return min([moment for moment in (begins, ends, *own) if moment], default=None)


def look_again(price_list_id: int, moments: Iterable[datetime | None], at: datetime) -> None:
    """The list is due at the next of these moments, if not before."""
    coming = min([moment for moment in moments if moment and moment > at], default=None)
    if coming is not None:
        sooner = Q(due_at__isnull=True) | Q(due_at__gt=coming)
        PriceList.plain.filter(sooner, pk=price_list_id).update(due_at=coming)
