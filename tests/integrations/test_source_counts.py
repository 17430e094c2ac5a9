"""What the shop counts is compared with what is here; what is missing is read again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import Connection, Cursor, SourceCount, SyncRun
from integrations.sync import source_counts
from integrations.sync.execute import execute
from orders.models import Order
from tests.integrations.shop import LiveShop, live_shop

DAY = timedelta(days=1)


@pytest.fixture
def shop(db: None) -> Iterator[LiveShop]:
    with live_shop() as live:
        live.stock("MUG", "CUP")
        yield live


def test_what_is_missing_is_found_and_read_again(shop: LiveShop) -> None:
    for _ in range(3):
        shop.order("MUG")
    shop.run("order")
    now = timezone.now()
    (same,) = source_counts.check(shop.connection.pk, at=now)
    assert (same.theirs, same.ours, same.run, same.differs) == (3, 3, None, False)
    assert same.describe().endswith("and so many are here.")
    assert source_counts.check(shop.connection.pk, at=now + DAY / 2) == [], "once a day"

    Order.plain.filter(pk__in=Order.plain.order_by("pk")[:1].values("pk")).delete()  # as if it had been lost
    Cursor.plain.update(since=now + DAY)
    shop.run("order")
    assert Order.plain.count() == 2, "an ordinary pull does not look back so far"
    SourceCount.plain.update(checked_at=now - DAY * 2)
    (gap,) = source_counts.check(shop.connection.pk, at=now)
    assert (gap.theirs, gap.ours, gap.differs) == (3, 2, True)
    assert gap.describe().endswith("here are 2. 1 is missing here; they are read again.")
    run = gap.run
    assert run is not None
    assert run.trigger == "count"
    SyncRun.plain.filter(pk=run.pk).update(next_attempt_at=now - DAY)
    execute(run.pk)
    assert Order.plain.count() == 3


def test_products_are_counted_whole(shop: LiveShop) -> None:
    shop.run("product")
    (row,) = source_counts.check(shop.connection.pk, at=timezone.now())
    assert (row.stream, row.since, row.theirs, row.ours) == ("product", None, 2, 2)


def test_a_shop_that_does_not_answer_says_so_and_starts_nothing(shop: LiveShop) -> None:
    shop.run("order")
    shop.connection.settings = {"url": "http://127.0.0.1:1"}
    shop.connection.allowed_private = ["127.0.0.1:1"]
    shop.connection.save()
    runs = SyncRun.plain.count()
    (row,) = source_counts.check(shop.connection.pk, at=timezone.now())
    assert (row.theirs, row.run, row.differs) == (None, None, True)
    assert row.describe().startswith("Shop A did not say how many orders it has: ")
    assert SyncRun.plain.count() == runs


def test_only_shops_that_are_read_are_asked(shop: LiveShop) -> None:
    due = list(source_counts.list_due(timezone.now()))
    assert [row.name for row in due] == ["Shop A", "Shop B"]
    Connection.plain.filter(name="Shop B").update(state="paused")
    assert [row.name for row in source_counts.list_due(timezone.now())] == ["Shop A"]
