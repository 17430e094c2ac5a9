"""Products sent to a simulated WooCommerce: changed groups of those it has, and those it lacks, made there once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from catalog import services
from catalog.models import Binding, ChannelProduct
from integrations.contract import records as r
from integrations.models import Command, Flow, SyncRun
from integrations.sync.client import Captures, build_connector
from integrations.sync.deliver import deliver
from integrations.sync.outbox import enqueue
from tests.integrations.shop import LiveShop, live_shop
from tests.world import NOON, product


@pytest.fixture
def shop(transactional_db: None) -> Iterator[LiveShop]:
    with live_shop() as live:
        yield live


def send(shop: LiveShop, *groups: str) -> None:
    flow = Flow(
        merchant=shop.world.merchant, connection=shop.connection, stream="product", direction="push",
        settings={"groups": list(groups)},
    )  # fmt: skip
    flow.save()


def shown(shop: LiveShop) -> list[r.ProductRecord]:
    connector = build_connector(shop.connection, Captures())
    return list(connector.pull_products(None, "").records)


def test_changed_groups_reach_the_shop_and_a_group_nobody_chose_stays_as_it_is(shop: LiveShop) -> None:
    shop.stock("MUG")
    send(shop, "text", "status")
    shop.world.apply(shop.world.erp, "product", product("1", "MUG", name="Our mug", description="With a handle"))
    assert shop.run("product").state == SyncRun.State.DONE
    run = shop.run("product", "push")
    assert (run.state, run.updated, run.failed) == (SyncRun.State.DONE, 2, 0)
    there = shown(shop)[0]
    assert (there.name, there.status) == ("Our mug", r.ProductStatus.ACTIVE)
    assert "With a handle" in there.description
    assert shop.run("product", "push").seen == 0, "nothing differs any more"
    shop.world.apply(shop.world.erp, "product", product("1", "MUG", name="Our mug", status=r.ProductStatus.DRAFT))
    shop.run("product", "push")
    assert shown(shop)[0].status is r.ProductStatus.DRAFT


def test_our_codes_are_written_into_the_shops_articles(shop: LiveShop) -> None:
    shop.stock("THEIR-1")
    send(shop, "codes")
    shop.world.apply(shop.world.erp, "product", product("1", "OUR-1"))
    shop.run("product")
    binding = Binding.plain.get(connection=shop.connection)
    services.bind(binding_id=binding.pk, variant_id=shop.world.variant("OUR-1").pk, at=NOON)
    assert shop.run("product", "push").updated == 1
    assert [one.sku for one in shown(shop)[0].variants] == ["OUR-1"]
    assert shop.run("product").state == SyncRun.State.DONE
    binding.refresh_from_db()
    assert (binding.reference_code, binding.state) == ("OUR-1", "bound"), (
        "what we wrote comes back, and changes nothing"
    )


def test_categories_go_by_name_and_one_the_shop_lacks_is_made_once(shop: LiveShop) -> None:
    shop.stock("MUG", "CUP")
    send(shop, "characteristics")
    shop.world.apply(
        shop.world.erp, "product",
        product("1", "MUG", categories=("Mugs & cups", "Gifts")), product("2", "CUP", categories=("Mugs & cups",)),
    )  # fmt: skip
    shop.run("product")
    run = shop.run("product", "push")
    assert (run.updated, run.failed) == (2, 0)
    assert sorted((one.name, sorted(one.categories)) for one in shown(shop)) == [
        ("CUP", ["Mugs & cups"]),
        ("MUG", ["Gifts", "Mugs & cups"]),
    ]
    assert len(shop.simulator.shop.categories) == 3, "each made once, beside the shop's own"


def test_a_code_another_article_has_is_refused_and_said(shop: LiveShop) -> None:
    shop.stock("MUG", "CUP")
    send(shop, "codes")
    shop.world.apply(shop.world.erp, "product", product("1", "MUG"), product("2", "CUP"))
    shop.run("product")
    shop.run("product", "push")
    cup = Binding.plain.get(connection=shop.connection, reference_code="CUP")
    mug = shop.world.variant("MUG")
    Binding.plain.filter(connection=shop.connection, reference_code="MUG").update(state="ignored", variant=None)
    services.bind(binding_id=cup.pk, variant_id=mug.pk, at=NOON)
    run = shop.run("product", "push")
    assert (run.updated, run.failed) == (0, 1)
    row = ChannelProduct.plain.get(external_id=cup.external_id)
    assert row.refused == row.wanted
    assert "SKU" in row.message


@pytest.mark.parametrize("fault", [{}, {"error_after_commit": 1}], ids=["", "the answer is lost"])
def test_a_product_the_shop_lacks_is_made_once_with_its_variations(shop: LiveShop, fault: dict[str, Any]) -> None:
    shop.world.apply(shop.world.erp, "product", product("1", "MUG-R", "MUG-G", code="MUG", name="Mug"))
    ours = shop.world.variant("MUG-R").product
    command = enqueue(
        connection=shop.connection, kind="create_product", stream="product", subject=("product", ours.pk),
        line=f"product:{ours.pk}", reference="MUG", at=NOON,
    )  # fmt: skip
    if fault:
        shop.dial(**fault, match="^POST ")
        assert deliver(command.pk) == Command.State.UNKNOWN
        shop.dial(error_after_commit=0)
        Command.plain.update(next_attempt_at=NOON)
    assert deliver(command.pk) in Command.DONE_STATES
    there = shown(shop)
    assert [(one.name, one.code, sorted(v.sku for v in one.variants)) for one in there] == [
        ("Mug", "MUG", ["MUG-G", "MUG-R"])
    ]
    rows = Binding.plain.filter(connection=shop.connection)
    assert {row.reference_code: row.variant_id for row in rows} == {
        code: shop.world.variant(code).pk for code in ("MUG-R", "MUG-G")
    }
    assert shop.run("product").created == 0
    assert shop.run("product").unchanged == 1
