"""Plan, apply, undo: what was looked at is sent and nothing else, and what was taken back stays so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalog import outbound, services
from catalog.models import (
    Binding,
    ChannelPrice,
    ChannelStock,
    KeptFigure,
    PlanLine,
    PriceList,
    PriceRule,
    Product,
    PushPlan,
)
from catalog.services import plan as plans
from catalog.services.figures import from_whole
from integrations.contract import records as r
from integrations.models import Connection, SyncRun
from integrations.sync import runs
from integrations.sync.execute import execute
from tests.integrations.shop import LiveShop, live_shop
from tests.portal.people import log_in
from tests.world import NOON, D, World, product, stocked

State = PushPlan.State
SKUS = [f"S{n:02}" for n in range(12)]
HOUR = timedelta(hours=1)


@pytest.fixture
def shop(transactional_db: None) -> Iterator[LiveShop]:
    with live_shop() as live:
        live.stock(*SKUS, quantity=20)
        for sku in SKUS:
            live.world.apply(live.world.erp, "product", product(f"e{sku}", sku))
        live.run("product")
        set_stock(live, dict.fromkeys(SKUS, 20))
        live.run("stock", "push")
        yield live


def set_stock(shop: LiveShop, figures: dict[str, int]) -> None:
    rows = [r.StockRow(f"e{sku}-{sku}", "", D(quantity)) for sku, quantity in figures.items()]
    shop.world.apply(shop.world.erp, "stock", *rows, read_at=timezone.now())


def shown(shop: LiveShop, key: str = "stock_quantity") -> dict[str, Any]:
    return {row["sku"]: row[key] for row in shop.simulator.shop.products.values() if row["sku"]}


def plan_it(shop: LiveShop, stream: str = "stock") -> PushPlan:
    return plans.make_plan(connection=Connection.plain.get(pk=shop.connection.pk), stream=stream, by=None, at=NOON)


def carry_out(run: SyncRun | None) -> SyncRun:
    assert run is not None
    SyncRun.plain.filter(pk=run.pk).update(next_attempt_at=NOON)
    execute(run.pk)
    return SyncRun.plain.get(pk=run.pk)


def apply(plan: PushPlan) -> SyncRun:
    return carry_out(plans.apply_plan(plan_id=plan.pk, by=None, at=NOON).run)


def undo(plan: PushPlan) -> SyncRun:
    return carry_out(plans.undo_plan(plan_id=plan.pk, by=None, at=timezone.now()).undo_run)


# --- plan and apply ---------------------------------------------------------------------------------------------------


def test_a_plan_says_what_would_change_and_sends_nothing(shop: LiveShop) -> None:
    set_stock(shop, {"S00": 0, "S01": 0, "S02": 25})
    plan = plan_it(shop)
    assert (plan.changes, plan.total, plan.braked) == (3, 12, 2)
    assert plan.brake.startswith("2 of 12 articles of Shop A would go to zero.")
    lines = PlanLine.plain.filter(plan=plan).select_related("binding").order_by("binding__reference_code")
    assert [(row.binding.reference_code, row.before, row.after, row.braked) for row in lines] == [
        ("S00", 20_000, 0, True),
        ("S01", 20_000, 0, True),
        ("S02", 20_000, 25_000, False),
    ]
    assert set(shown(shop).values()) == {20}
    assert plan_it(shop).pk != plan.pk
    assert PushPlan.plain.count() == 1, "a plan nobody applied gives way to the next"


def test_applying_overrides_the_brake_for_what_was_looked_at_and_nothing_else(shop: LiveShop) -> None:
    set_stock(shop, {"S00": 0, "S01": 0, "S02": 25})
    plan = plan_it(shop)
    set_stock(shop, {"S02": 30, "S03": 0, "S04": 0})
    assert shop.run("stock", "push").error_code == "BRAKE"
    run = apply(plan)
    assert (run.state, run.updated, run.trigger) == ("done", 2, f"plan {plan.pk}")
    after = shown(shop)
    assert {sku: after[sku] for sku in ("S00", "S01", "S02", "S03", "S04")} == {
        "S00": 0, "S01": 0, "S02": 20, "S03": 20, "S04": 20,
    }  # fmt: skip
    assert PlanLine.plain.filter(plan=plan, sent_at__isnull=False).count() == 2
    assert shop.run("stock", "push").error_code == "BRAKE", "the others are braked as before"


def test_a_plan_is_applied_beside_a_push_that_waits_already(shop: LiveShop) -> None:
    set_stock(shop, {"S00": 7})
    plan = plan_it(shop)
    waiting = runs.start_flow(shop.flow("stock", "push"), trigger="timer", at=NOON)
    applied = plans.apply_plan(plan_id=plan.pk, by=None, at=NOON)
    assert applied.run_id != waiting.pk
    assert carry_out(applied.run).updated == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "watching"}, "Shop A is watching and gets nothing: go live with it first."),
        ({"stock_paused": True}, "Sending stock to Shop A is paused: resume it on the connection's page."),
    ],
)
def test_nothing_is_applied_where_nothing_may_be_sent(shop: LiveShop, change: dict[str, Any], words: str) -> None:
    set_stock(shop, {"S00": 7})
    Connection.plain.filter(pk=shop.connection.pk).update(**change)
    plan = plan_it(shop)
    with pytest.raises(plans.NotPossible, match=words.replace(".", r"\.")):
        plans.apply_plan(plan_id=plan.pk, by=None, at=NOON)
    assert PushPlan.plain.get(pk=plan.pk).state == State.READY


def test_a_plan_is_applied_once_and_undone_once(shop: LiveShop) -> None:
    set_stock(shop, {"S00": 7})
    plan = plan_it(shop)
    with pytest.raises(plans.NotPossible, match="is to look at already"):
        plans.undo_plan(plan_id=plan.pk, by=None, at=NOON)
    plans.apply_plan(plan_id=plan.pk, by=None, at=NOON)
    with pytest.raises(plans.NotPossible, match="nothing to undo"):
        plans.undo_plan(plan_id=plan.pk, by=None, at=NOON)
    with pytest.raises(plans.NotPossible, match="is applied already"):
        plans.apply_plan(plan_id=plan.pk, by=None, at=NOON)


# --- undo -------------------------------------------------------------------------------------------------------------


def test_undo_brings_the_former_figures_back_and_keeps_them_until_they_may_follow(shop: LiveShop) -> None:
    set_stock(shop, dict.fromkeys(SKUS[:6], 0) | {"S11": 25})
    plan = plan_it(shop)
    apply(plan)
    assert sorted(shown(shop).values()) == [0] * 6 + [20] * 5 + [25]
    run = undo(plan)
    assert (run.state, run.updated) == ("done", 7)
    assert set(shown(shop).values()) == {20}
    set_stock(shop, {"S00": 3, "S01": 0, "S06": 19})
    assert shop.run("stock", "push").updated == 1, "only what was not taken back follows"
    assert {sku: shown(shop)[sku] for sku in ("S00", "S01", "S06")} == {"S00": 20, "S01": 20, "S06": 19}
    assert ChannelStock.plain.get(binding__reference_code="S00", connection=shop.connection).wanted == 3
    some = Binding.plain.filter(connection=shop.connection, reference_code="S00").values_list("pk", flat=True)
    assert plans.follow_again(plan_id=plan.pk, binding_ids=some) == 1
    shop.run("stock", "push")
    assert (shown(shop)["S00"], shown(shop)["S01"]) == (3, 20)
    assert plans.follow_again(plan_id=plan.pk) == 6
    assert PushPlan.plain.get(pk=plan.pk).state == State.FOLLOWING
    assert shop.run("stock", "push").error_code == "BRAKE", "what follows again is braked like anything else"


def test_what_is_sold_while_stock_is_kept_is_not_shown(shop: LiveShop) -> None:
    world = shop.world
    set_stock(shop, {"S00": 0})
    plan = plan_it(shop)
    apply(plan)
    undo(plan)
    who: dict[str, Any] = {"merchant_id": world.merchant.pk}
    later = timezone.now() + HOUR
    ours = {world.variant("S00").pk: D(3)}
    with transaction.atomic():
        services.reserve(**who, subject=("order", 1), quantities=ours, at=later)
        services.reserve(**who, subject=("order", 2), quantities=ours, at=later)
    services.cancel_reservation(**who, subject=("order", 2), at=later)
    assert shop.run("stock", "push").updated == 1
    assert shown(shop)["S00"] == 17
    services.settle_reservation(**who, subject=("order", 1), at=later)
    world.apply(world.erp, "stock", r.StockRow("eS00-S00", "", D(0)), read_at=later + HOUR, at=later + HOUR)
    shop.run("stock", "push")
    assert shown(shop)["S00"] == 17, "sold stays sold once the back office counts it"


def test_a_plan_undone_on_its_way_takes_back_what_arrives_late(shop: LiveShop) -> None:
    set_stock(shop, {"S00": 5, "S01": 6})
    plan = plan_it(shop)
    plans.apply_plan(plan_id=plan.pk, by=None, at=NOON)
    items = outbound.claim_stock(connection=shop.connection, after=0, limit=10, at=NOON, only=f"plan {plan.pk}")
    results = [r.PushResult(key=one.key, outcome=r.PushOutcome.SENT) for one in items]

    def settle(n: int) -> None:
        with transaction.atomic():
            outbound.settle_stock(
                connection=shop.connection, items=[items[n]], results=[results[n]], at=NOON, only=f"plan {plan.pk}"
            )

    settle(0)
    undone = plans.undo_plan(plan_id=plan.pk, by=None, at=timezone.now())
    assert SyncRun.plain.get(pk=undone.run_id or 0).cancel_requested
    settle(1)
    assert KeptFigure.plain.filter(plan=plan).count() == 2
    more = outbound.claim_stock(connection=shop.connection, after=0, limit=10, at=NOON, only=f"plan {plan.pk}")
    assert more == []
    assert carry_out(undone.undo_run).updated == 2
    assert set(shown(shop).values()) == {20}


def test_a_figure_that_was_refused_says_so_and_is_not_undone(shop: LiveShop) -> None:
    set_stock(shop, {"S00": 5, "S01": 6})
    Binding.plain.filter(connection=shop.connection, reference_code="S00").update(
        external_id="987654", parent_external_id=""
    )
    plan = plan_it(shop)
    run = apply(plan)
    assert (run.updated, run.failed) == (1, 1)
    refused, taken = PlanLine.plain.filter(plan=plan).order_by("binding__reference_code")
    assert refused.sent_at is None
    assert refused.message
    assert taken.message == ""
    assert undo(plan).updated == 1


def test_a_figure_nobody_knows_of_is_taken_back_as_well(shop: LiveShop) -> None:
    set_stock(shop, {"S00": 5})
    plan = plan_it(shop)
    shop.dial(error_after_commit=1, writes_only=True)
    assert apply(plan).failed == 1
    shop.dial(error_after_commit=0)
    line = PlanLine.plain.get(plan=plan)
    assert (line.before, line.sent_at is not None) == (20_000, True)
    assert undo(plan).updated == 1
    assert shown(shop)["S00"] == 20


# --- prices -----------------------------------------------------------------------------------------------------------


def test_prices_are_planned_applied_and_undone(shop: LiveShop) -> None:
    world = shop.world
    row = PriceList(merchant=world.merchant, code="base", name="Base", currency="GBP", connection=world.erp)
    row.save()
    rule = PriceRule(merchant=world.merchant, connection=world.shop, price_list=row)
    rule.save()
    rows = [r.PriceRow(f"e{sku}-{sku}", "", D("2.00"), "GBP") for sku in SKUS]
    world.apply(world.erp, "price", *rows)
    assert shop.run("price", "push").updated == 12
    world.apply(world.erp, "price", r.PriceRow("eS00-S00", "", D("3.00"), "GBP"),
                r.PriceRow("eS01-S01", "", D("2.20"), "GBP"))  # fmt: skip
    plan = plan_it(shop, "price")
    assert (plan.changes, plan.braked) == (2, 1)
    assert plan.brake.startswith("1 price of Shop A would move by more than 30 %: S00 from 2 to 3 GBP.")
    assert shop.run("price", "push").error_code == "BRAKE"
    assert apply(plan).updated == 2
    assert (shown(shop, "regular_price")["S00"], shown(shop, "regular_price")["S01"]) == ("3.00", "2.20")
    assert undo(plan).updated == 2
    assert set(shown(shop, "regular_price").values()) == {"2.00"}
    world.apply(world.erp, "price", r.PriceRow("eS00-S00", "", D("3.50"), "GBP"))
    assert shop.run("price", "push").seen == 0
    assert ChannelPrice.plain.get(binding__reference_code="S00", connection=world.shop).wanted == D("3.50")
    assert plans.follow_again(plan_id=plan.pk) == 2
    assert apply(plan_it(shop, "price")).updated == 2
    assert shown(shop, "regular_price")["S00"] == "3.50"


# --- ten thousand -----------------------------------------------------------------------------------------------------


COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s) INSERT INTO "


def fill(world: World, count: int) -> None:
    """So many articles of one product; every second has a figure to send."""
    family = Product(merchant=world.merchant, code="FAMILY", name="Family")
    family.save()
    mine: Any = {"merchant": world.merchant.pk, "family": family.pk, "shop": world.shop.pk, "at": NOON.isoformat(" ")}
    statements = (
        """catalog_variant (merchant_id, public_id, product_id, code, barcode, name, option_key, position, is_active,
        created_at, updated_at) SELECT {merchant}, 'p' || i, {family}, 'V' || i, '', '', i, 0, true, '{at}', '{at}'
        FROM n""",
        """catalog_binding (merchant_id, connection_id, variant_id, external_id, parent_external_id, reference_code,
        barcode, title, options, factor, state, reason, score, created_at, updated_at)
        SELECT {merchant}, {shop}, id, code, '', code, '', '', '[]', 1000, 'bound', '', 0, '{at}', '{at}'
        FROM catalog_variant WHERE product_id = {family} AND (SELECT max(i) FROM n) > 0""",
        """catalog_channelstock (merchant_id, connection_id, binding_id, slot, wanted, wanted_at, sent, sent_at,
        message)
        SELECT {merchant}, {shop}, id, '', 9000 - 1000 * (id %% 2), '{at}', 9000, '{at}', ''
        FROM catalog_binding WHERE connection_id = {shop} AND (SELECT max(i) FROM n) > 0""",
    )
    with database.cursor() as cursor:
        for statement in statements:
            cursor.execute(COUNT + statement.format(**mine), [count])
        if database.vendor == "postgresql":  # what autovacuum does soon after rows were loaded
            cursor.execute("ANALYZE catalog_variant, catalog_binding, catalog_channelstock")


def test_ten_thousand_changes_are_planned_looked_at_and_kept_in_few_statements(world: World) -> None:
    fill(world, 20_000)
    with CaptureQueriesContext(database) as made:
        plan = plans.make_plan(connection=world.shop, stream="stock", by=None, at=NOON)
    assert (plan.changes, plan.total) == (10_000, 20_000)
    assert len(made) <= 15
    client = log_in(world.merchant, "owner")
    address = reverse("admin:catalog_pushplan_change", args=(plan.pk,))
    with CaptureQueriesContext(database) as first:
        page = client.get(address).content.decode()
    assert len(first) <= 40
    assert "10,000 of 20,000 would change" in page
    deep = PlanLine.plain.filter(plan=plan).order_by("pk").values_list("pk", flat=True)[9_949]
    with CaptureQueriesContext(database) as last:
        page = client.get(f"{address}?after={deep}").content.decode()
    assert len(last) == len(first)
    assert page.count("8</b>") == 50
    assert "Next 100" not in page
    PlanLine.plain.filter(plan=plan).update(sent_at=NOON)
    PushPlan.plain.filter(pk=plan.pk).update(state=State.APPLIED)
    with CaptureQueriesContext(database) as kept:
        plans.undo_plan(plan_id=plan.pk, by=None, at=NOON)
    assert len(kept) <= 20
    assert KeptFigure.plain.count() == 10_000
    assert outbound.count_stock(connection=world.shop) == 0, "the shop has the former figures still"


# --- the page ---------------------------------------------------------------------------------------------------------


def test_a_person_plans_applies_and_undoes(shop: LiveShop) -> None:
    set_stock(shop, {"S00": 0, "S01": 0, "S02": 25})
    client = log_in(shop.world.merchant, "support")
    choose = reverse("admin:catalog_pushplan_add")
    assert "3 would change" in client.get(choose).content.decode()
    answer = client.post(choose, {"flow": shop.flow("stock", "push").pk})
    plan = PushPlan.plain.get()
    assert answer["Location"] == reverse("admin:catalog_pushplan_change", args=(plan.pk,))
    page = client.get(answer["Location"]).content.decode()
    for words in ("3 of 12 would change", "2 of 12 articles of Shop A would go to zero", "the brake stops it",
                  "25 there", "Apply: send 3 to Shop A"):  # fmt: skip
        assert words in page
    braked = client.get(f"{answer['Location']}?show=braked").content.decode()
    assert ("S00" in braked, "S02" in braked) == (True, False)
    client.post(reverse("admin:catalog_pushplan_apply", args=(plan.pk,)))
    carry_out(PushPlan.plain.get().run)
    assert "3 of 3 sent" in client.get(answer["Location"]).content.decode()
    client.post(reverse("admin:catalog_pushplan_undo", args=(plan.pk,)))
    carry_out(PushPlan.plain.get().undo_run)
    page = client.get(answer["Location"]).content.decode()
    assert "3 articles of Shop A keep the former figure, less what was sold since" in page
    assert "keeps 20" in page
    kept = client.get(reverse("admin:catalog_keptfigure_changelist")).content.decode()
    assert kept.count(f">plan {plan.pk}</a>") == 3
    client.post(reverse("admin:catalog_pushplan_follow", args=(plan.pk,)))
    assert (PushPlan.plain.get().state, KeptFigure.plain.count()) == (State.FOLLOWING, 0)


@pytest.mark.parametrize("role", ["mapper", "auditor", "sales"])
def test_who_may_not_send_may_not_apply(world: World, role: str) -> None:
    stocked(world, "MUG")
    plan = plans.make_plan(connection=world.shop, stream="stock", by=None, at=NOON)
    client = log_in(world.merchant, role)
    for name in ("apply", "undo", "follow"):
        assert client.post(reverse(f"admin:catalog_pushplan_{name}", args=(plan.pk,))).status_code == 403
    assert client.post(reverse("admin:catalog_pushplan_add"), {"flow": 1}).status_code == 403
    assert PushPlan.plain.get().state == State.READY


def test_figures_are_whole_numbers_in_the_units_of_their_tables() -> None:
    assert from_whole("stock", 20_500) == Decimal("20.5")
    assert from_whole("price", 5_990_000) == Decimal("5.99")
