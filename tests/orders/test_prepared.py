"""Queries compiled once give what the ORM gives, whatever they are asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.db.models import Count, F
from django.test.utils import CaptureQueriesContext

from integrations.models import Command
from orders.models import FulfilmentOrder, Order
from portal.base.prepared import Prepared, given
from tests.world import NOON, World, order, stocked

PART = Prepared(
    lambda: (
        FulfilmentOrder.plain.filter(pk=given("pk"))
        .select_related("order__customer", "location", "destination")
        .annotate(events=Count("order__timeline"), twice=F("number") + F("number"))
    )
)
BEFORE = Prepared(
    lambda: (
        Order.plain.filter(received_at__lt=given("at"), number=given("number"), currency="GBP")
        .select_for_update(of=("self",))
        .select_related("connection")
    )
)


def test_rows_their_relations_and_annotations_are_as_the_orm_reads_them(world: World) -> None:
    stocked(world, "MUG")
    world.apply(world.shop, "order", order("1001", ("MUG", 1, "4.50")), order("1002", ("MUG", 2, "4.50")))
    for wanted in FulfilmentOrder.plain.select_related("order__customer", "location", "destination"):
        with CaptureQueriesContext(database) as asked:
            found: Any = PART.get(pk=wanted.pk)
            assert (found.order, found.destination, found.location) == (
                wanted.order, wanted.destination, wanted.location,
            )  # fmt: skip
            assert (found.order.total, found.order.placed_at) == (wanted.order.total, wanted.order.placed_at)
            assert found.order.customer is None
            assert found.order.billing == wanted.order.billing
        assert len(asked) == 1
        assert (found.events, found.twice) == (2, 2)
        for one in FulfilmentOrder._meta.concrete_fields:
            assert getattr(found, one.attname) == getattr(wanted, one.attname)


def test_each_call_has_its_own_values(world: World) -> None:
    world.apply(world.shop, "order", order("1001", ("MUG", 1, "4.50")))
    row = Order.plain.get()
    with transaction.atomic():
        assert BEFORE.list(at=row.received_at, number="1001") == []
        assert BEFORE.list(at=row.received_at + timedelta(seconds=1), number="1001") == [row]
        assert BEFORE.list(at=NOON + timedelta(days=9999), number="1'; --") == []
        assert BEFORE.first(at=NOON, number="9") is None


def test_one_that_is_not_there_is_the_models_own_error(world: World) -> None:
    with pytest.raises(FulfilmentOrder.DoesNotExist):
        PART.get(pk=0)
    assert not Command.plain.exists()
