"""Landed rows come through."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.db.migrations.executor import MigrationExecutor

from catalog import services as catalog
from catalog.models import Binding
from orders.models import OrderLine
from tests.orders.test_intake import take
from tests.world import NOON, D, make_world, order, stocked

NAME = ("orders", "0003_orders_followed_exactly")


def migrate(*, before: bool) -> None:
    """To this migration, or to the one it follows."""
    executor = MigrationExecutor(database)
    parents = [node.key for node in executor.loader.graph.node_map[NAME].parents if node.key[0] == "orders"]
    executor.migrate(parents if before else executor.loader.graph.leaf_nodes())


@pytest.mark.django_db(transaction=True)
def test_a_line_keeps_how_many_base_units_its_article_is() -> None:
    world = make_world()
    stocked(world, "MUG", "CUP")
    crate = Binding.plain.get(connection=world.shop, external_id="s-MUG")
    catalog.bind(binding_id=crate.pk, variant_id=world.variant("MUG").pk, factor=D(24), at=NOON)
    take(world, order("1001", ("MUG", 2, "48.00"), ("CUP", 1, "3.00"), ("NOBODYS", 1, "1.00")))
    migrate(before=True)
    migrate(before=False)
    assert list(OrderLine.plain.order_by("position").values_list("factor", flat=True)) == [D(24), D(1), D(1)]
