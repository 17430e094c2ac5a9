"""What is there, what is promised, and what each shop should show."""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from catalog import outbound, services
from catalog.models import AllocationRule, Binding, ChannelPrice, ChannelStock, PriceList, PriceRule, Reservation
from catalog.services.availability import compute_wanted
from integrations.contract import records as r
from integrations.models import ValueMapping
from portal.tenancy.models import Location
from tests.world import NOON, D, World, stocked

MINUTE = timedelta(minutes=1)
SENT, REFUSED, UNKNOWN = r.PushOutcome.SENT, r.PushOutcome.REFUSED, r.PushOutcome.UNKNOWN


def wanted(world: World) -> dict[str, Decimal]:
    rows = ChannelStock.plain.select_related("connection")
    return {row.connection.name: row.wanted for row in rows}


def test_both_shops_want_what_the_erp_has(world: World) -> None:
    stocked(world, "MUG")
    assert wanted(world) == {"Shop A": 10, "Shop B": 10}


def test_a_promise_lowers_every_shop_and_is_never_below_zero(world: World) -> None:
    stocked(world, "MUG")
    quantities = {world.variant("MUG").pk: D(12)}
    services.reserve(merchant_id=world.merchant.pk, subject=("order", 1), quantities=quantities, at=NOON)
    assert wanted(world) == {"Shop A": 0, "Shop B": 0}
    services.cancel_reservation(merchant_id=world.merchant.pk, subject=("order", 1), at=NOON)
    assert wanted(world) == {"Shop A": 10, "Shop B": 10}


def test_a_promise_ends_with_the_first_figure_read_after_the_back_office_took_it(world: World) -> None:
    stocked(world, "MUG")
    who: dict[str, Any] = {"merchant_id": world.merchant.pk, "subject": ("order", 1)}
    services.reserve(**who, quantities={world.variant("MUG").pk: D(4)}, at=NOON)
    services.settle_reservation(**who, at=NOON + MINUTE)
    figure = r.StockRow("e-MUG-MUG", "", D(10))
    world.apply(world.erp, "stock", figure, read_at=NOON)  # read before it was taken
    assert wanted(world)["Shop A"] == 6
    world.apply(world.erp, "stock", r.StockRow("e-MUG-MUG", "", D(6)), read_at=NOON + 2 * MINUTE)
    assert wanted(world)["Shop A"] == 6
    assert Reservation.plain.get().ended_at is not None


def test_an_older_answer_never_replaces_a_newer_figure(world: World) -> None:
    stocked(world, "MUG")
    world.apply(world.erp, "stock", r.StockRow("e-MUG-MUG", "", D(3)), read_at=NOON + MINUTE)
    world.apply(world.erp, "stock", r.StockRow("e-MUG-MUG", "", D(99)), read_at=NOON)
    assert wanted(world)["Shop A"] == 3


def test_locations_add_up_and_unknown_articles_are_skipped(world: World) -> None:
    stocked(world, "MUG")
    Location(merchant=world.merchant, code="NORTH", name="North").save()
    ValueMapping(merchant=world.merchant, connection=world.erp, kind="location", theirs="2", ours="NORTH").save()
    applied = world.apply(world.erp, "stock", r.StockRow("e-MUG-MUG", "2", D(5)), r.StockRow("nobody", "", D(1)))
    assert [one.code for one in applied.skipped] == ["unknown_article"]
    assert wanted(world)["Shop A"] == 15


def test_a_crate_and_a_buffer(world: World) -> None:
    stocked(world, "MUG", quantity="100")
    Binding.plain.filter(connection=world.shop).update(factor=D(24))
    AllocationRule(merchant=world.merchant, connection=world.shop, buffer=D(5), stop_below=D(0)).save()
    services.refresh_wanted(merchant_id=world.merchant.pk, variant_ids=[world.variant("MUG").pk], at=NOON)
    assert wanted(world) == {"Shop A": 3, "Shop B": 100}


@given(
    available=st.decimals(-50, 5000, places=3),
    factor=st.integers(1, 50),
    buffer=st.integers(0, 20),
    low=st.integers(0, 20),
)
def test_wanted_is_whole_never_negative_and_never_more_than_there_is(
    available: Decimal, factor: int, buffer: int, low: int
) -> None:
    rule = AllocationRule(buffer=D(buffer), stop_below=D(low))
    found = compute_wanted(available, D(factor), rule)
    expected = ((available - buffer) / factor).to_integral_value(ROUND_FLOOR)
    assert found == (0 if available < low else max(D(0), expected))
    assert found * factor <= max(available, D(0))


def claim(world: World) -> list[r.StockPush]:
    return outbound.claim_stock(connection=world.shop, after=0, limit=10, at=NOON)


def settle(world: World, item: r.StockPush, outcome: r.PushOutcome, message: str = "") -> None:
    result = r.PushResult(key=item.key, outcome=outcome, message=message)
    outbound.settle_stock(connection=world.shop, items=[item], results=[result], at=NOON)


def test_what_was_taken_is_not_sent_again(world: World) -> None:
    stocked(world, "MUG")
    (item,) = claim(world)
    assert (item.external_id, item.parent_external_id, item.quantity) == ("s-MUG", "sp-MUG", D(10))
    settle(world, item, SENT)
    assert claim(world) == []


def test_what_was_refused_waits_for_another_figure(world: World) -> None:
    stocked(world, "MUG")
    (item,) = claim(world)
    settle(world, item, REFUSED, "Sold out there.")
    assert claim(world) == []
    world.apply(world.erp, "stock", r.StockRow("e-MUG-MUG", "", D(9)), read_at=NOON + MINUTE)
    assert [one.quantity for one in claim(world)] == [9]


def test_what_nobody_knows_goes_again_after_the_settle_window(world: World) -> None:
    stocked(world, "MUG")
    (item,) = claim(world)
    settle(world, item, UNKNOWN)
    assert claim(world) == []
    later = NOON + timedelta(seconds=world.shop.settle_seconds + 1)
    assert len(outbound.claim_stock(connection=world.shop, after=0, limit=10, at=later)) == 1


def test_the_brake_holds_where_a_tenth_of_a_shop_would_vanish(world: World) -> None:
    skus = [f"M{n}" for n in range(12)]
    stocked(world, *skus)
    for item in outbound.claim_stock(connection=world.shop, after=0, limit=100, at=NOON):
        settle(world, item, SENT)
    assert outbound.brake_stock(connection=world.shop, at=NOON) == ""
    gone = [r.StockRow(f"e-{sku}-{sku}", "", D(0)) for sku in skus[:2]]
    world.apply(world.erp, "stock", *gone, read_at=NOON + MINUTE)
    assert "2 of 12 articles of Shop A would go to zero" in outbound.brake_stock(connection=world.shop, at=NOON)


def test_prices_follow_the_rule_and_the_brake_holds_a_jump(world: World) -> None:
    stocked(world, "MUG")
    prices = PriceList(merchant=world.merchant, code="erp", name="ERP", currency="GBP", connection=world.erp)
    prices.save()
    PriceRule(merchant=world.merchant, connection=world.shop, price_list=prices, factor=D("1.2")).save()
    world.apply(world.erp, "price", r.PriceRow("e-MUG-MUG", "", D("4.99"), "GBP"))
    row = ChannelPrice.plain.get()
    assert (row.wanted, row.currency) == (D("5.99"), "GBP")
    (item,) = outbound.claim_prices(connection=world.shop, after=0, limit=10, at=NOON)
    outbound.settle_prices(
        connection=world.shop, items=[item], results=[r.PushResult(key=item.key, outcome=SENT)], at=NOON
    )
    world.apply(world.erp, "price", r.PriceRow("e-MUG-MUG", "", D("9.99"), "GBP"))
    assert "MUG from 5.99" in outbound.brake_prices(connection=world.shop, at=NOON)
