"""What a person decides about stock and prices is sent at once, where sending is on and the brake lets it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from catalog import services
from catalog.models import AllocationRule, ChannelStock, Price, PriceList, PriceRule, StockRecord
from catalog.services import plan as plans
from catalog.services import price_lists
from catalog.services.stock import delete_rule, save_rule
from integrations.models import Connection, Flow, SyncRun
from integrations.sync.execute import execute
from portal.tenancy.models import Location, LocationGroup, LocationGroupMember
from tests.integrations.shop import LiveShop, live_shop
from tests.portal.people import log_in
from tests.world import NOON, D, World, product, stocked

SKUS = [f"S{n:02}" for n in range(12)]
RULES, PRICE_RULES = "admin:catalog_allocationrule_add", "admin:catalog_pricerule_add"


def queued() -> list[tuple[str, str, str]]:
    rows = SyncRun.plain.filter(state="queued").select_related("flow__connection").order_by("pk")
    return [(row.flow.connection.name, row.flow.stream, row.trigger) for row in rows]


def settle(*, stream: str = "stock") -> None:
    """Every figure was sent, as after a push."""
    from django.db.models import F

    from catalog.services.figures import MODELS

    MODELS[stream].plain.update(sent=F("wanted"), sent_at=NOON)


def stock_form(world: World, **more: Any) -> dict[str, Any]:
    return {"connection": world.shop.pk, "category": "", "pick": "together", "buffer": "3", "share": "100",
            "stop_below": "0", "maximum": "", **more}  # fmt: skip


# --- stock rules ------------------------------------------------------------------------------------------------------


def test_a_stock_rule_saved_in_the_admin_is_sent_to_its_shop_now(
    world: World, django_capture_on_commit_callbacks: Any
) -> None:
    stocked(world, "MUG", "CUP")
    settle()
    client = log_in(world.merchant, "owner")
    with django_capture_on_commit_callbacks(execute=True):
        page = client.post(reverse(RULES), stock_form(world), follow=True)
    assert "2 figures of Shop A change and are sent now." in page.content.decode()
    assert queued() == [("Shop A", "stock", "rule")]
    assert set(ChannelStock.plain.filter(connection=world.shop).values_list("wanted", flat=True)) == {D(7)}
    rule = AllocationRule.plain.get()
    SyncRun.plain.all().delete()
    settle()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("admin:catalog_allocationrule_delete", args=(rule.pk,)), {"post": "yes"})
    assert queued() == [("Shop A", "stock", "rule")]
    assert set(ChannelStock.plain.values_list("wanted", flat=True)) == {D(10)}


def test_a_stock_rule_that_changes_nothing_asks_for_nothing(
    world: World, django_capture_on_commit_callbacks: Any
) -> None:
    stocked(world, "MUG")
    settle()
    with django_capture_on_commit_callbacks(execute=True) as rung:
        assert save_rule(rule=AllocationRule(merchant=world.merchant, connection=world.shop), at=NOON) == 0
    assert (rung, queued()) == ([], [])


def test_a_rule_that_moves_to_another_shop_frees_the_first(
    world: World, django_capture_on_commit_callbacks: Any
) -> None:
    stocked(world, "MUG")
    rule = AllocationRule(merchant=world.merchant, connection=world.shop, buffer=D(4))
    save_rule(rule=rule, at=NOON)
    settle()
    rule.connection = world.other
    with django_capture_on_commit_callbacks(execute=True):
        assert save_rule(rule=rule, at=NOON) == 2
    rows = ChannelStock.plain.order_by("connection_id").values_list("connection__name", "wanted")
    assert list(rows) == [("Shop A", D(10)), ("Shop B", D(6))]
    assert queued() == [("Shop A", "stock", "rule"), ("Shop B", "stock", "rule")]


@pytest.mark.parametrize(
    "change",
    [{"state": "watching"}, {"state": "paused"}, {"state": "needs_reauth"}, {"stock_paused": True}, {"flow": False}],
    ids=str,
)
def test_where_sending_is_off_a_rule_asks_for_no_run(
    world: World, change: dict[str, Any], django_capture_on_commit_callbacks: Any
) -> None:
    stocked(world, "MUG")
    settle()
    if "flow" in change:
        Flow.plain.filter(connection=world.shop, stream="stock").update(enabled=False)
    else:
        Connection.plain.filter(pk=world.shop.pk).update(**change)
    with django_capture_on_commit_callbacks(execute=True):
        page = log_in(world.merchant, "owner").post(reverse(RULES), stock_form(world), follow=True)
    figures = 0 if "flow" in change else 1
    said = "1 figure of Shop A changes." if figures else "0 figures of Shop A change."
    assert said in page.content.decode()
    assert queued() == []
    assert ChannelStock.plain.get(connection=world.shop).wanted == (7 if figures else 10)


def test_a_planned_push_that_waits_does_not_swallow_it(world: World, django_capture_on_commit_callbacks: Any) -> None:
    stocked(world, "MUG")
    plan = plans.make_plan(connection=world.shop, stream="stock", by=None, at=NOON)
    plans.apply_plan(plan_id=plan.pk, by=None, at=NOON)
    with django_capture_on_commit_callbacks(execute=True):
        save_rule(rule=AllocationRule(merchant=world.merchant, connection=world.shop, buffer=D(1)), at=NOON)
        save_rule(rule=AllocationRule(merchant=world.merchant, connection=world.shop, category="x"), at=NOON)
    assert queued() == [("Shop A", "stock", f"plan {plan.pk}"), ("Shop A", "stock", "rule")]


@pytest.fixture
def shop(transactional_db: None) -> Iterator[LiveShop]:
    with live_shop() as live:
        live.stock(*SKUS, quantity=20)
        for sku in SKUS:
            live.world.apply(live.world.erp, "product", product(f"e{sku}", sku))
        live.run("product")
        stock = [services_row(sku) for sku in SKUS]
        live.world.apply(live.world.erp, "stock", *stock, read_at=timezone.now())
        live.run("stock", "push")
        yield live


def services_row(sku: str) -> Any:
    from integrations.contract import records as r

    return r.StockRow(f"e{sku}-{sku}", "", D(20))


def shown(shop: LiveShop) -> set[Decimal]:
    return {Decimal(row["quantity"]) for row in shop.simulator.fact_stock()}


def carry_out() -> list[tuple[str, str]]:
    """What is queued, as the worker does."""
    pks = list(SyncRun.plain.filter(state="queued").order_by("pk").values_list("pk", flat=True))
    for pk in pks:
        execute(pk)
    return list(SyncRun.plain.filter(pk__in=pks).order_by("pk").values_list("state", "error_code"))


def test_a_rule_reaches_the_shop_without_a_timer_and_the_brake_holds(shop: LiveShop) -> None:
    rule = AllocationRule(merchant=shop.world.merchant, connection=shop.connection, buffer=D(3))
    save_rule(rule=rule, at=timezone.now())
    assert carry_out() == [("done", "")]
    assert shown(shop) == {D(17)}
    rule.stop_below = D(50)
    save_rule(rule=rule, at=timezone.now())
    assert set(ChannelStock.plain.filter(connection=shop.connection).values_list("wanted", flat=True)) == {D(0)}
    assert carry_out() == [("failed", "BRAKE")]
    assert shown(shop) == {D(17)}, "twelve of twelve to zero waits for a person"
    delete_rule(rule=rule, at=timezone.now())
    assert carry_out() == [("done", "")]
    assert shown(shop) == {D(20)}


def group_form(*places: tuple[int, Location], group: LocationGroup | None = None) -> dict[str, Any]:
    known = list(LocationGroupMember.plain.filter(group=group).order_by("position")) if group else []
    form: dict[str, Any] = {"name": "Shops", "members-TOTAL_FORMS": len(places), "members-INITIAL_FORMS": len(known)}
    for number, (position, location) in enumerate(places):
        row = next((one for one in known if one.location_id == location.pk), None)
        form |= {f"members-{number}-position": position, f"members-{number}-location": location.pk}
        form |= {f"members-{number}-id": row.pk if row else "", f"members-{number}-group": group.pk if group else ""}
    return form


def test_a_group_is_made_and_reordered_in_the_admin_and_its_shop_follows_at_once(
    world: World, django_capture_on_commit_callbacks: Any
) -> None:
    stocked(world, "MUG")
    north = Location(merchant=world.merchant, code="NORTH", name="North")
    north.save()
    StockRecord(
        merchant=world.merchant, connection=world.erp, location=north, variant=world.variant("MUG"), quantity=D(4),
        basis="on_hand", read_at=NOON,
    ).save()  # fmt: skip
    client = log_in(world.merchant, "owner")
    client.post(reverse("admin:tenancy_locationgroup_add"), group_form((1, world.place), (2, north)))
    group = LocationGroup.plain.get()
    rule = AllocationRule(merchant=world.merchant, connection=world.shop, group=group, pick="first")
    save_rule(rule=rule, at=NOON)
    assert ChannelStock.plain.get(connection=world.shop).wanted == 10
    settle()
    address = reverse("admin:tenancy_locationgroup_change", args=(group.pk,))
    with django_capture_on_commit_callbacks(execute=True):
        page = client.post(address, group_form((2, world.place), (1, north), group=group), follow=True)
    assert "1 figure of the shops changes." in page.content.decode()
    assert "North → Northwind main" in page.content.decode()
    assert ChannelStock.plain.get(connection=world.shop).wanted == 4
    assert queued() == [("Shop A", "stock", "rule")]
    twice = client.post(address, group_form((1, world.place), (1, north), group=group)).content.decode()
    assert "Two of them have the same place: give each its own number." in twice


# --- prices -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def priced(world: World) -> PriceList:
    """Two articles at 4.00, and shops that may be sent prices."""
    stocked(world, "MUG", "CUP")
    for shop in (world.shop, world.other):
        Flow(merchant=world.merchant, connection=shop, stream="price", direction="push").save()
    row = PriceList(merchant=world.merchant, code="base", name="Base", currency="GBP")
    row.save()
    for sku in ("MUG", "CUP"):
        price = Price(merchant=world.merchant, price_list=row, variant=world.variant(sku), amount=D(4))
        services.save_price(price=price, at=NOON)
    return row


def work_out() -> None:
    now = timezone.now()
    for pk in price_lists.list_due(at=now):
        while price_lists.refresh_due(price_list_id=pk, at=now):
            pass


def test_a_price_rule_saved_in_the_admin_is_sent_as_soon_as_its_prices_are_worked_out(
    world: World, priced: PriceList, django_capture_on_commit_callbacks: Any
) -> None:
    form = {"connection": world.shop.pk, "position": "0", "category": "", "price_list": priced.pk, "method": "factor",
            "factor": "2", "margin": "0", "plus": "0", "floor_list": "", "rounding": "unit"}  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True):
        page = log_in(world.merchant, "owner").post(reverse(PRICE_RULES), form, follow=True)
    assert "worked out in the background and sent to Shop A as soon as they are" in page.content.decode()
    assert queued() == [], "there is nothing to send yet"
    with django_capture_on_commit_callbacks(execute=True):
        work_out()
    assert queued() == [("Shop A", "price", "rule")]
    settle(stream="price")
    SyncRun.plain.all().delete()
    price = Price.plain.get(variant__code="MUG")
    price.amount = D(5)
    with django_capture_on_commit_callbacks(execute=True):
        services.save_price(price=price, at=NOON)
    assert queued() == [("Shop A", "price", "rule")]


@pytest.mark.parametrize("change", [{"state": "watching"}, {"prices_paused": True}, {"flow": False}], ids=str)
def test_where_prices_are_not_sent_a_rule_and_a_price_ask_for_no_run(
    world: World, priced: PriceList, change: dict[str, Any], django_capture_on_commit_callbacks: Any
) -> None:
    if "flow" in change:
        Flow.plain.filter(connection=world.shop, stream="price").update(enabled=False)
    else:
        Connection.plain.filter(pk=world.shop.pk).update(**change)
    with django_capture_on_commit_callbacks(execute=True):
        services.save_rule(rule=PriceRule(merchant=world.merchant, connection=world.shop, price_list=priced), at=NOON)
        work_out()
        services.save_price(
            price=Price(
                merchant=world.merchant, price_list=priced, variant=world.variant("MUG"), amount=D(3),
                min_quantity=D(1), valid_from=NOON,
            ),
            at=NOON,
        )  # fmt: skip
    assert queued() == []
