"""Values are known from both sides before the first order, and proposals are made once all products were read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from catalog.models import Binding
from integrations import tasks
from integrations.contract.errors import ConnectorError
from integrations.models import Connection, Exchange, ValueMapping
from integrations.sync import connections
from integrations.sync.values import discover_values
from tests.catalog.shops import article, have
from tests.integrations.shop import LiveShop, live_shop
from tests.world import NOON


@pytest.fixture
def live(transactional_db: None) -> Iterator[LiveShop]:
    with live_shop() as shop:
        yield shop


def test_a_shops_values_are_noted_once_and_relabelled(live: LiveShop) -> None:
    found = discover_values(live.connection, at=NOON)
    rows = ValueMapping.plain.filter(connection=live.connection)
    assert found == rows.count() >= 4
    assert set(rows.values_list("kind", flat=True)) >= {"payment", "status"}
    assert set(rows.values_list("ours", "seen")) == {("", 0)}, "seen there, in no order yet"
    row = rows.filter(kind="payment").order_by("pk").first()
    assert row is not None
    label, row.label, row.ours = row.label, "old words", "Bank"
    row.save()
    assert discover_values(live.connection, at=NOON) == 0
    row.refresh_from_db()
    assert (row.label, row.ours) == (label, "Bank"), "what was mapped stays"
    assert Exchange.plain.filter(connection=live.connection).exists()


def test_what_a_shop_cannot_answer_now_is_the_callers(live: LiveShop) -> None:
    live.dial(status={"500": 1})
    with pytest.raises(ConnectorError):
        discover_values(live.connection, at=NOON)
    assert not ValueMapping.plain.exists()
    tasks.discover(connection_ids=[live.connection.pk])
    assert not ValueMapping.plain.exists(), "a person can ask again"


def test_go_live_says_how_many_values_are_not_mapped(live: LiveShop) -> None:
    assert connections.plan_go_live(live.connection).values == 0
    Connection.plain.filter(pk=live.connection.pk).update(state=Connection.State.WATCHING)
    tasks.discover(connection_ids=[live.connection.pk])
    count = ValueMapping.plain.filter(connection=live.connection).count()
    assert connections.plan_go_live(live.connection).values == count
    ValueMapping.plain.filter(kind="payment").update(ours="Bank")
    left = ValueMapping.plain.filter(connection=live.connection, ours="").count()
    assert connections.plan_go_live(live.connection).values == left < count


def test_a_pull_of_products_ends_with_proposals(live: LiveShop) -> None:
    have(live.world, "1", article("1a", "TOY-RED-S"), name="Toy car")
    live.stock("toy red s", "TOY-RED-S2")
    run = live.run("product")
    assert (run.state, run.created) == ("done", 2)
    row = Binding.plain.get(connection=live.connection, reference_code="toy red s")
    assert (row.state, row.variant, row.score) == ("suggested", live.world.variant("TOY-RED-S"), 92)
    words = "It has the code toy red s there; none of our articles has it."
    Binding.plain.filter(pk=row.pk).update(state="conflict", variant=None, score=0, reason=words)
    assert live.run("product").unchanged == 2
    row.refresh_from_db()
    assert row.state == "conflict", "nothing was new, so nothing was compared"
