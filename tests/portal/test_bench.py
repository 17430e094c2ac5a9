"""`manage.py bench` says what it measured, and leaves nothing behind."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database

from orders.models import Order
from portal.management.benches import BENCHES
from portal.tenancy.models import Merchant


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", sorted(BENCHES))
def test_a_bench_prints_one_object_and_rolls_back(name: str) -> None:
    out = StringIO()
    call_command("bench", name, "--json", "--runs", "1", stdout=out)
    said = json.loads(out.getvalue())
    assert set(said) == {"name", "subject", "floor", "ratio", "runs", "goal", "met"}
    assert said["subject"] > 0
    assert said["floor"] > 0
    assert said["met"] == (said["ratio"] <= said["goal"])
    assert not Merchant.objects.exists()
    assert not Order.plain.exists()


def test_a_feeds_bench_wants_its_own_database() -> None:
    other = "feed_1m" if database.vendor == "sqlite" else "feed_sqlite"
    with pytest.raises(CommandError, match="is measured on") as raised:
        call_command("bench", other)
    assert raised.value.returncode == 2


def test_an_unknown_bench_is_named_with_those_there_are() -> None:
    with pytest.raises(CommandError, match="changelist, feed_1m, feed_sqlite, order_delivery, order_intake, webhook"):
        call_command("bench", "speed")


@pytest.mark.skipif(database.vendor == "postgresql", reason="There it would be measured.")
def test_the_lists_bench_wants_postgresql() -> None:
    with pytest.raises(CommandError, match="measured on PostgreSQL") as raised:
        call_command("bench", "changelist")
    assert raised.value.returncode == 2
