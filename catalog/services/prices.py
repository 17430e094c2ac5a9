"""What each shop should charge."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.db.models import Q

from catalog.models import Binding, ChannelPrice, Price, PriceRule
from portal.base.money import round_money

ONE = Decimal(1)


def refresh_wanted_prices(*, merchant_id: int, variant_ids: Iterable[int], at: datetime) -> int:
    """Work out anew what each shop with a rule should charge for these variants; how many prices changed."""
    ids = sorted(set(variant_ids))
    changed = 0
    for rule in PriceRule.plain.filter(merchant_id=merchant_id).select_related("price_list").order_by("pk"):
        prices = _prices(rule, ids, at)
        bindings = Binding.plain.filter(
            connection_id=rule.connection_id, variant_id__in=list(prices), state=Binding.State.BOUND
        )
        wanted = {
            row.pk: compute_price(prices[row.variant_id] * row.factor, rule.factor, rule.price_list.currency)
            for row in bindings.order_by("pk")
            if row.variant_id is not None
        }
        changed += _write(rule, wanted, at)
    return changed


def compute_price(amount: Decimal, factor: Decimal, currency: str) -> Decimal:
    """amount × factor, half up to the currency's smallest unit."""
    return round_money(amount * factor, currency)


def _prices(rule: PriceRule, variant_ids: list[int], at: datetime) -> dict[int, Decimal]:
    """The price of one piece today; of several that hold, the one that began last."""
    rows = Price.plain.filter(
        Q(valid_until__isnull=True) | Q(valid_until__gt=at),
        price_list=rule.price_list,
        variant_id__in=variant_ids,
        min_quantity__lte=ONE,
        valid_from__lte=at,
    )
    return dict(rows.order_by("valid_from", "min_quantity").values_list("variant_id", "amount"))


def _write(rule: PriceRule, wanted: dict[int, Decimal], at: datetime) -> int:
    before = dict(ChannelPrice.plain.filter(binding_id__in=list(wanted), slot="").values_list("binding_id", "wanted"))
    rows = [
        ChannelPrice(
            merchant_id=rule.merchant_id,
            connection_id=rule.connection_id,
            binding_id=pk,
            currency=rule.price_list.currency,
            wanted=amount,
            wanted_at=at,
        )
        for pk, amount in wanted.items()
        if before.get(pk) != amount
    ]
    ChannelPrice.plain.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["merchant", "connection", "binding", "slot"],
        update_fields=["wanted", "wanted_at", "currency"],
    )
    return len(rows)
