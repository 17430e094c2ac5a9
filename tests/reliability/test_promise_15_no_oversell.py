"""PROMISES 15: many buyers of few goods at once; what may be refused is never promised twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import pytest
from django.db import connection as database
from django.db.models import Sum

from catalog import services
from catalog.models import ChannelStock, Reservation
from catalog.services import Promise
from tests.world import NOON, D, World, make_world, stocked

PLENTY = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Form:
    buyers: int
    units: int
    runs: int
    at_once: int


FULL = Form(buyers=200, units=50, runs=100, at_once=40)
SHORT = Form(buyers=30, units=8, runs=3, at_once=10)


@pytest.mark.reliability
@pytest.mark.timeout(14_400)
def test_promise_15_no_more_is_promised_than_there_is(transactional_db: None, full_run: bool) -> None:
    form = FULL if full_run else SHORT
    world = make_world()
    for run in range(form.runs):
        scarce, plenty = f"MUG-{run}", f"PLATE-{run}"
        stocked(world, scarce, quantity=str(form.units))
        stocked(world, plenty, quantity=str(PLENTY))
        baskets = range(run * form.buyers + 1, (run + 1) * form.buyers + 1)
        with watched(world, scarce) as seen, ThreadPoolExecutor(form.at_once) as pool:
            promises = list(pool.map(partial(buy, world, scarce, plenty), baskets))
        check(world, scarce, plenty, promises, form)
        assert min(seen) >= 0
        assert max(seen) <= form.units


def buy(world: World, scarce: str, plenty: str, basket: int) -> Promise:
    """One of each; every second buyer names them the other way round."""
    try:
        articles = [world.variant(scarce).pk, world.variant(plenty).pk]
        quantities = dict.fromkeys(articles if basket % 2 else articles[::-1], D(1))
        return services.reserve_if_available(
            merchant_id=world.merchant.pk,
            connection_id=world.shop.pk,
            subject=("basket", basket),
            quantities=quantities,
            at=NOON,
        )
    finally:
        database.close()


def check(world: World, scarce: str, plenty: str, promises: list[Promise], form: Form) -> None:
    """As many have one as there were; the others have nothing of either, and were told so."""
    mug = world.variant(scarce).pk
    assert Counter(one.reserved for one in promises) == {True: form.units, False: form.buyers - form.units}
    refused = [one for one in promises if not one.reserved]
    assert {one.short for one in refused} == {(mug,)}
    assert {one.available[mug] for one in refused} == {0}
    assert sorted(one.available[mug] for one in promises if one.reserved) == list(range(1, form.units + 1))
    for code in (scarce, plenty):
        assert promised(world, code) == form.units
        rows = ChannelStock.plain.filter(binding__variant__code=code)
        left = 0 if code == scarce else PLENTY - form.units
        assert set(rows.values_list("wanted", flat=True)) == {left}, "what each shop shows"


def promised(world: World, code: str) -> Decimal:
    rows = Reservation.plain.filter(variant=world.variant(code), ended_at__isnull=True)
    return rows.aggregate(total=Sum("quantity"))["total"] or D(0)


@contextmanager
def watched(world: World, code: str) -> Iterator[list[Decimal]]:
    """What is left, as somebody else sees it again and again meanwhile."""
    seen, over = list[Decimal](), threading.Event()
    variant = world.variant(code).pk

    def look() -> None:
        try:
            while not over.is_set():
                stock = services.read_stock(merchant_id=world.merchant.pk, variant_ids=[variant])[variant]
                seen.append(stock.on_hand - stock.reserved)
                over.wait(0.01)
        finally:
            database.close()

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()
