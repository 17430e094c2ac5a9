"""Goods promised on request: all of it, or none and why."""

from __future__ import annotations

from datetime import timedelta

import pytest

from catalog import services
from catalog.models import AllocationRule, ChannelStock, Reservation, StockRecord
from catalog.services.stock import save_rule
from integrations.models import Connection
from tests.world import NOON, D, World, make_world, product, stocked

MINUTE = timedelta(minutes=1)


def ask(world: World, basket: int, **wanted: int) -> services.Promise:
    quantities = {world.variant(code).pk: D(quantity) for code, quantity in wanted.items()}
    return services.reserve_if_available(
        merchant_id=world.merchant.pk,
        connection_id=world.shop.pk,
        subject=("basket", basket),
        quantities=quantities,
        at=NOON,
    )


def wanted_of(world: World, code: str) -> set[D]:
    return set(ChannelStock.plain.filter(binding__variant__code=code).values_list("wanted", flat=True))


def test_what_is_there_is_promised_and_the_shops_show_less(world: World) -> None:
    stocked(world, "MUG", "PLATE")
    promise = ask(world, 1, MUG=4, PLATE=10)
    assert (promise.reserved, promise.short) == (True, ())
    assert promise.available == {world.variant("MUG").pk: 10, world.variant("PLATE").pk: 10}
    assert wanted_of(world, "MUG") == {6}
    assert wanted_of(world, "PLATE") == {0}


def test_too_little_of_one_promises_nothing_and_says_what_there_is(world: World) -> None:
    stocked(world, "MUG", "PLATE")
    ask(world, 1, MUG=7)
    promise = ask(world, 2, MUG=4, PLATE=1)
    mug, plate = world.variant("MUG").pk, world.variant("PLATE").pk
    assert promise == services.Promise(reserved=False, available={mug: D(3), plate: D(10)}, short=(mug,))
    assert not Reservation.plain.filter(subject_id=2).exists()
    assert wanted_of(world, "PLATE") == {10}


def test_what_it_has_already_counts_for_it(world: World) -> None:
    stocked(world, "MUG")
    ask(world, 1, MUG=7)
    assert ask(world, 1, MUG=11).reserved is False
    assert Reservation.plain.get().quantity == 7
    assert ask(world, 1, MUG=10).reserved is True
    assert Reservation.plain.get().quantity == 10


def test_an_article_nobody_counts_is_not_promised(world: World) -> None:
    world.apply(world.erp, "product", product("e-NEW", "NEW"))
    promise = ask(world, 1, NEW=1)
    assert promise.reserved is False
    assert promise.available == {world.variant("NEW").pk: D(0)}


def test_an_order_of_more_than_there_is_leaves_nothing_to_promise_and_not_less(world: World) -> None:
    stocked(world, "MUG")
    mug = world.variant("MUG").pk
    services.reserve(merchant_id=world.merchant.pk, subject=("order", 1), quantities={mug: D(12)}, at=NOON)
    promise = ask(world, 1, MUG=1)
    assert promise.reserved is False
    assert promise.available == {mug: D(0)}


def test_what_a_back_office_took_over_is_not_changed(world: World) -> None:
    stocked(world, "MUG")
    ask(world, 1, MUG=2)
    services.settle_reservation(merchant_id=world.merchant.pk, subject=("basket", 1), at=NOON + MINUTE)
    with pytest.raises(services.TakenOver, match="basket 1"):
        ask(world, 1, MUG=3)
    assert Reservation.plain.get().quantity == 2


def test_a_basket_is_offered_what_its_shop_shows_by_the_rule_of_that_shop(world: World) -> None:
    stocked(world, "MUG")
    mug = world.variant("MUG").pk
    till = Connection(merchant=world.merchant, name="Till", platform="odoo", role="back_office", state="active")
    till.save()
    StockRecord(
        merchant=world.merchant, connection=till, location=world.place, variant_id=mug, quantity=D(90),
        basis="on_hand", read_at=NOON,
    ).save()  # fmt: skip
    rule = AllocationRule(merchant=world.merchant, connection=world.shop, source=world.erp, buffer=D(2), share=50)
    save_rule(rule=rule, at=NOON)
    assert ask(world, 1, MUG=5).available == {mug: D(4)}, "half of the 8 the ERP has left, not of the till's"
    assert not Reservation.plain.exists()
    assert ask(world, 1, MUG=4).reserved is True
    assert ChannelStock.plain.get(connection=world.shop).wanted == 2
    assert ask(world, 1, MUG=4).available == {mug: D(4)}, "its own promise counts as there"
    everything = services.list_available(merchant_id=world.merchant.pk, connection_id=world.other.pk, variant_ids=[mug])
    assert everything == {mug: D(96)}, "the other shop has no rule: both back offices together"


def test_another_merchants_article_is_not_offered(world: World) -> None:
    stocked(world, "MUG")
    other = make_world("Southwind")
    found = services.list_available(
        merchant_id=other.merchant.pk, connection_id=other.shop.pk, variant_ids=[world.variant("MUG").pk]
    )
    assert found == {}
