"""Price lists, rules and validity: what each shop charges, what a customer pays, and when that changes by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from celery import current_app
from django.db import IntegrityError, transaction
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalog import outbound, services
from catalog.models import Binding, ChannelPrice, Price, PriceList, PriceRule, Product, Variant
from catalog.services import price_lists
from catalog.services.prices import check_rule, find_shop_currency
from catalog.tasks import refresh_prices
from integrations.contract import records as r
from integrations.tasks import tick
from tests.portal.people import log_in
from tests.world import NOON, D, World, make_world, product, stocked

HOUR = timedelta(hours=1)


def make_list(world: World, code: str, amounts: dict[str, str] | None = None, **more: Any) -> PriceList:
    values: dict[str, Any] = {"name": code.title(), "currency": "GBP", **more}
    row = PriceList(merchant=world.merchant, code=code, **values)
    row.save()
    for sku, amount in (amounts or {}).items():
        add_price(row, world, sku, amount)
    return row


def add_price(row: PriceList, world: World, sku: str, amount: str, *, at: datetime = NOON, **more: Any) -> Price:
    price = Price(merchant=world.merchant, price_list=row, variant=world.variant(sku), amount=D(amount), **more)
    return services.save_price(price=price, at=at)


def make_rule(world: World, row: PriceList, *, at: datetime = NOON, **more: Any) -> PriceRule:
    rule = PriceRule(merchant=world.merchant, **{"connection": world.shop, "price_list": row, **more})
    services.save_rule(rule=rule, at=at)
    run_due(at)
    return rule


def run_due(at: datetime) -> None:
    for pk in price_lists.list_due(at=at):
        while price_lists.refresh_due(price_list_id=pk, at=at):
            pass


def charged(world: World) -> dict[str, Decimal]:
    rows = ChannelPrice.plain.filter(connection=world.shop).select_related("binding")
    return {row.binding.reference_code: row.wanted for row in rows}


# --- rules ------------------------------------------------------------------------------------------------------------


def test_a_rule_reaches_every_price_of_its_list(world: World) -> None:
    stocked(world, "MUG", "CUP")
    row = make_list(world, "base", {"MUG": "4.00", "CUP": "10.00"})
    rule = make_rule(world, row, method="margin", margin=D(20), plus=D("0.30"), rounding=".99")
    assert charged(world) == {"MUG": D("4.99"), "CUP": D("12.99")}
    rule.plus = D("3")
    services.save_rule(rule=rule, at=NOON)
    run_due(NOON)
    assert charged(world) == {"MUG": D("7.99"), "CUP": D("15.99")}


def test_the_first_rule_that_fits_the_category_decides(world: World) -> None:
    stocked(world, "MUG", "CUP", "POT")
    Product.plain.filter(code="CUP").update(categories=["Kitchen", "sale"])
    base = make_list(world, "base", {"MUG": "4.00", "CUP": "4.00", "POT": "4.00"})
    special = make_list(world, "special", {"POT": "1.00"})
    make_rule(world, base, position=1, category="Sale", factor=D("0.5"))
    make_rule(world, special, position=2)
    make_rule(world, base, position=3, factor=D(2))
    assert charged(world) == {"MUG": D(8), "CUP": D(2), "POT": D(1)}


def test_no_price_falls_below_the_list_that_is_its_limit(world: World) -> None:
    stocked(world, "MUG")
    cost = make_list(world, "cost", {"MUG": "4.40"}, kind="cost")
    base = make_list(world, "base", {"MUG": "8.00"})
    make_rule(world, base, factor=D("0.5"), floor_list=cost, rounding="0.05")
    assert charged(world) == {"MUG": D("4.40")}
    PriceRule.plain.update(rounding=".90")
    services.refresh_wanted_prices(merchant_id=world.merchant.pk, variant_ids=[world.variant("MUG").pk], at=NOON)
    assert charged(world) == {"MUG": D("4.90")}, "rounded up: 3.90 would be below cost"


def test_a_crate_costs_its_pieces_rounded_once_and_has_the_price_of_so_many(world: World) -> None:
    stocked(world, "MUG", "CUP")
    Binding.plain.filter(connection=world.shop).update(factor=D(24))
    base = make_list(world, "base", {"MUG": "0.335", "CUP": "1.00"})
    add_price(base, world, "CUP", "0.80", min_quantity=D(20))
    add_price(base, world, "CUP", "0.10", min_quantity=D(25))
    make_rule(world, base, factor=D("1.1"))
    assert charged(world) == {"MUG": D("8.84"), "CUP": D("21.12")}
    found = services.find_price(variant=world.variant("CUP"), connection=world.shop, at=NOON)
    assert found.amount == D("1.10"), "one piece has the price of one"


def test_rules_that_mix_currencies_or_tax_are_refused_with_words_and_set_no_price(world: World) -> None:
    stocked(world, "MUG")
    assert find_shop_currency(world.shop) == ""
    world.shop.settings = {**world.shop.settings, "currency": "gbp"}
    world.shop.save()
    euros = make_list(world, "euros", {"MUG": "5.00"}, currency="EUR")
    rule = make_rule(world, euros)
    assert charged(world) == {}
    assert check_rule(rule, "GBP") == "Shop A sells in GBP, “Euros” is in EUR: choose a list in GBP."
    pounds = make_list(world, "pounds", {"MUG": "6.00"})
    gross = make_list(world, "gross", {"MUG": "6.00"}, includes_tax=True)
    others = make_list(world, "others", {"MUG": "1.00"}, channel=world.other)
    agreed = make_list(world, "agreed", {"MUG": "1.00"}, customer="C1")
    limit = "“Euros” is in EUR, “Pounds” in GBP: one cannot be the other's limit."
    tax = "One of “Gross” and “Pounds” includes tax, the other does not: they cannot be compared."
    cases = [
        (PriceRule(price_list=pounds, floor_list=euros), limit),
        (PriceRule(price_list=pounds, floor_list=gross), tax),
        (PriceRule(price_list=others), "“Others” is for another shop."),
        (PriceRule(price_list=agreed), "“Agreed” was agreed with customers; a shop shows its prices to everybody."),
        (PriceRule(price_list=pounds), ""),
    ]
    for one, words in cases:
        one.connection = world.shop
        assert check_rule(one, "GBP") == words
    make_rule(world, pounds, position=2)
    assert charged(world) == {"MUG": D(6)}, "the next rule decides"


def test_two_rules_cannot_have_one_place(world: World) -> None:
    row = make_list(world, "base")
    make_rule(world, row)
    with pytest.raises(IntegrityError, match="position"), transaction.atomic():
        PriceRule(merchant=world.merchant, connection=world.shop, price_list=row).save()


# --- the clock --------------------------------------------------------------------------------------------------------


def test_a_price_begins_and_ends_by_the_clock(world: World, django_capture_on_commit_callbacks: Any) -> None:
    stocked(world, "MUG", "CUP")
    row = make_list(world, "base", {"MUG": "5.00", "CUP": "1.00"})
    make_rule(world, row)
    add_price(row, world, "MUG", "3.00", valid_from=NOON + HOUR, valid_until=NOON + 2 * HOUR)
    assert charged(world)["MUG"] == 5
    assert price_lists.list_due(at=NOON + HOUR - timedelta(seconds=1)) == []
    for moment, expected in ((NOON + HOUR, 3), (NOON + 2 * HOUR, 5)):
        with django_capture_on_commit_callbacks() as rung:
            outbound.ring_due_prices(at=moment)
        assert len(rung) == 1
        run_due(moment)
        assert charged(world) == {"MUG": D(expected), "CUP": D(1)}
    assert PriceList.plain.get(pk=row.pk).due_at is None
    with django_capture_on_commit_callbacks() as rung:
        outbound.ring_due_prices(at=NOON + 9 * HOUR)
    assert rung == []


def test_what_began_while_everything_stood_still_is_made_up_for(world: World) -> None:
    stocked(world, "MUG")
    row = make_list(world, "base", {"MUG": "5.00"})
    make_rule(world, row)
    add_price(row, world, "MUG", "3.00", valid_from=NOON + HOUR, valid_until=NOON + 2 * HOUR)
    add_price(row, world, "MUG", "4.00", valid_from=NOON + 3 * HOUR)
    run_due(NOON + 9 * HOUR)
    assert charged(world) == {"MUG": D(4)}
    assert PriceList.plain.get(pk=row.pk).due_at is None


def test_a_whole_list_ends_and_the_next_rule_takes_over(world: World) -> None:
    stocked(world, "MUG")
    sale = make_list(world, "sale", {"MUG": "2.00"})
    base = make_list(world, "base", {"MUG": "5.00"})
    make_rule(world, sale, position=1)
    make_rule(world, base, position=2)
    assert charged(world) == {"MUG": D(2)}
    sale.valid_until = NOON + HOUR
    services.save_price_list(price_list=sale, at=NOON)
    run_due(NOON)
    assert charged(world) == {"MUG": D(2)}
    run_due(NOON + HOUR)
    assert charged(world) == {"MUG": D(5)}


def test_where_no_price_holds_any_more_the_shop_keeps_the_last(world: World) -> None:
    stocked(world, "MUG")
    row = make_list(world, "base")
    add_price(row, world, "MUG", "5.00", valid_until=NOON + HOUR)
    make_rule(world, row)
    run_due(NOON + HOUR)
    assert charged(world) == {"MUG": D(5)}
    words = services.find_price(variant=world.variant("MUG"), connection=world.shop, at=NOON + HOUR).words
    assert words.startswith("No price of MUG holds for Shop A now")


def test_a_long_list_is_brought_to_the_shops_batch_by_batch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_lists, "AT_ONCE", 2)
    skus = [f"M{n}" for n in range(5)]
    stocked(world, *skus)
    row = make_list(world, "base", dict.fromkeys(skus, "5.00"))
    services.save_rule(rule=PriceRule(merchant=world.merchant, connection=world.shop, price_list=row), at=NOON)
    assert price_lists.refresh_due(price_list_id=row.pk, at=NOON)
    assert len(charged(world)) == 2
    refresh_prices(price_list_ids=[row.pk])
    assert charged(world) == dict.fromkeys(skus, D(5))


def test_the_tick_rings_for_prices_that_are_due(transactional_db: None) -> None:
    world = make_world()
    stocked(world, "MUG")
    row = make_list(world, "base", {"MUG": "5.00"})
    make_rule(world, row)
    PriceList.plain.filter(pk=row.pk).update(due_at=timezone.now() - HOUR)
    make_list(world, "later")
    PriceList.plain.filter(code="later").update(due_at=timezone.now() + HOUR)
    rung: list[Any] = []
    with current_app.connection_for_read() as broker:
        queue = broker.SimpleQueue("celery")
        queue.clear()
        tick()
        while len(queue):
            message = queue.get_nowait()
            if message.headers["task"] == "catalog.refresh_prices":
                rung.append(message.payload[1])
            message.ack()
    assert rung == [{"price_list_ids": [row.pk]}]
    refresh_prices(**rung[0])
    assert price_lists.list_due(at=timezone.now()) == []


# --- customers --------------------------------------------------------------------------------------------------------


def test_what_was_agreed_comes_first_then_the_group_then_the_shop(world: World) -> None:
    stocked(world, "MUG")
    make_rule(world, make_list(world, "base", {"MUG": "5.00"}), factor=D("1.2"))
    group = make_list(world, "dealers", {"MUG": "4.50"}, customer_group="dealer")
    add_price(group, world, "MUG", "4.00", min_quantity=D(10))
    make_list(world, "their own", {"MUG": "3.90"}, customer="C7", valid_until=NOON + HOUR)
    make_list(world, "elsewhere", {"MUG": "1.00"}, customer="C7", channel=world.other)
    make_list(world, "abroad", {"MUG": "1.00"}, customer="C7", currency="EUR", includes_tax=True)
    world.shop.settings = {**world.shop.settings, "currency": "GBP"}
    world.shop.save()

    def find(buyer: services.Buyer | None, quantity: int = 1, at: datetime = NOON) -> tuple[Decimal | None, str]:
        found = services.find_price(
            variant=world.variant("MUG"), connection=world.shop, customer=buyer, quantity=D(quantity), at=at
        )
        return found.amount, found.words

    dealer = services.Buyer(number="C8", group="dealer")
    seven = services.Buyer(number="C7", group="dealer")
    assert find(None) == (D(6), "Base: 5 × 1.2 = 6 GBP")
    assert find(dealer) == (D("4.50"), "Agreed with group dealer (Dealers): 4.5 GBP.")
    assert find(dealer, 10)[0] == 4
    assert find(seven) == (D("3.90"), "Agreed with customer C7 (Their Own): 3.9 GBP.")
    assert find(seven, at=NOON + HOUR)[0] == D("4.50"), "what was agreed has ended"
    with pytest.raises(services.CurrencyMismatch, match="costs 6 GBP; the order is in EUR"):
        services.find_price(variant=world.variant("MUG"), connection=world.shop, currency="EUR", at=NOON)


# --- inward -----------------------------------------------------------------------------------------------------------


def test_the_price_of_the_last_goods_in_is_a_list_that_an_older_arrival_never_changes(world: World) -> None:
    stocked(world, "MUG")
    row = make_list(world, "inward", kind="inward")
    make_rule(world, row, method="margin", margin=D(50))
    pk = world.variant("MUG").pk
    assert services.take_inward(price_list=row, amounts={pk: (D("2.00"), NOON)}, at=NOON) == 1
    assert charged(world) == {"MUG": D(4)}
    assert services.take_inward(price_list=row, amounts={pk: (D("1.00"), NOON - HOUR)}, at=NOON) == 0
    assert services.take_inward(price_list=row, amounts={pk: (D("3.00"), NOON + HOUR)}, at=NOON) == 1
    assert charged(world) == {"MUG": D(6)}
    assert Price.plain.get().inward_at == NOON + HOUR


def test_a_pulled_list_of_inward_prices_says_when_they_changed(world: World) -> None:
    stocked(world, "MUG")
    make_list(world, "inward", kind="inward", connection=world.erp, external_id="in")
    for amount, moment in (("2.00", NOON), ("2.00", NOON + HOUR), ("2.50", NOON + 2 * HOUR)):
        world.apply(world.erp, "price", r.PriceRow("e-MUG-MUG", "in", D(amount), "GBP"), read_at=moment)
    row = Price.plain.get()
    assert (row.amount, row.inward_at) == (D("2.50"), NOON + 2 * HOUR)


def test_a_price_in_another_currency_than_its_list_is_skipped_with_words(world: World) -> None:
    stocked(world, "MUG", "CUP")
    world.apply(world.erp, "price", r.PriceRow("e-MUG-MUG", "", D(5), "GBP"))
    applied = world.apply(
        world.erp, "price", r.PriceRow("e-MUG-MUG", "", D(6), "GBP"), r.PriceRow("e-CUP-CUP", "", D(7), "EUR")
    )
    assert (applied.updated, applied.created) == (1, 0)
    assert [(one.code, one.message) for one in applied.skipped] == [
        ("other_currency", "7 EUR does not belong into “ERP: base prices”, which is in GBP.")
    ]
    assert Price.plain.get().amount == 6


def test_a_price_given_to_another_article_leaves_the_first(world: World) -> None:
    stocked(world, "MUG", "CUP")
    row = make_list(world, "base", {"MUG": "5.00"})
    make_rule(world, make_list(world, "fallback", {"MUG": "9.00"}), position=2)
    make_rule(world, row)
    price = row.prices.get()
    price.variant = world.variant("CUP")
    services.save_price(price=price, at=NOON)
    assert charged(world) == {"MUG": D(9), "CUP": D(5)}


# --- cost -------------------------------------------------------------------------------------------------------------


def test_a_batch_of_prices_costs_the_same_however_many_articles_it_has(world: World) -> None:
    row = make_list(world, "base")
    cost = make_list(world, "cost", kind="cost")
    make_rule(world, row, floor_list=cost, category="kitchen")
    make_rule(world, row, position=2, floor_list=cost)
    asked = []
    for family, size in (("S", 3), ("L", 400)):
        skus = [f"{family}{n}" for n in range(size)]
        world.apply(world.erp, "product", product(f"e{family}", *skus))
        theirs = product(f"s{family}", *skus)
        world.apply(world.shop, "product", theirs)
        ids = list(Variant.plain.filter(code__in=skus).values_list("pk", flat=True))
        Price.plain.bulk_create(
            Price(merchant=world.merchant, price_list=row, variant_id=pk, amount=D(5)) for pk in ids
        )
        ChannelPrice.plain.all().delete()
        with CaptureQueriesContext(database) as queries:
            assert services.refresh_wanted_prices(merchant_id=world.merchant.pk, variant_ids=ids, at=NOON) == size
        # SQLite takes 999 values a statement, so the writing of many rows is split there; the reading never is.
        asked.append([one["sql"] for one in queries if not one["sql"].startswith("INSERT")])
    assert len(asked[0]) == len(asked[1]) <= 8


# --- the admin --------------------------------------------------------------------------------------------------------


def test_a_person_enters_a_rule_and_is_told_why_one_is_refused(world: World) -> None:
    stocked(world, "MUG")
    world.shop.settings = {**world.shop.settings, "currency": "GBP"}
    world.shop.save()
    pounds = make_list(world, "pounds", {"MUG": "5.00"})
    euros = make_list(world, "euros", currency="EUR")
    client = log_in(world.merchant, "owner")
    form = {
        "connection": world.shop.pk, "position": 1, "category": "", "price_list": euros.pk, "method": "factor",
        "factor": "1.5", "margin": "0", "plus": "0", "rounding": "unit", "floor_list": "",
    }  # fmt: skip
    address = reverse("admin:catalog_pricerule_add")
    assert "choose a list in GBP" in client.post(address, form).content.decode()
    assert PriceRule.plain.count() == 0
    assert client.post(address, {**form, "price_list": pounds.pk}).status_code == 302
    run_due(timezone.now())
    assert charged(world) == {"MUG": D("7.50")}
    row = ChannelPrice.plain.get()
    page = client.get(reverse("admin:catalog_channelprice_change", args=(row.pk,))).content.decode()
    assert "Pounds: 5 × 1.5 = 7.5 GBP" in page


def test_prices_of_a_back_office_are_not_changed_here_and_a_list_keeps_its_currency(world: World) -> None:
    stocked(world, "MUG")
    theirs = make_list(world, "theirs", {"MUG": "5.00"}, connection=world.erp)
    ours = make_list(world, "ours", {"MUG": "6.00"})
    make_rule(world, ours)
    client = log_in(world.merchant, "owner")
    page = client.get(reverse("admin:catalog_price_change", args=(theirs.prices.get().pk,))).content.decode()
    assert 'name="amount"' not in page
    form = {
        "price_list": ours.pk, "variant": world.variant("MUG").pk, "amount": "7.25", "min_quantity": "1",
        "valid_from_0": "1970-01-01", "valid_from_1": "00:00:00", "valid_until_0": "", "valid_until_1": "",
    }  # fmt: skip
    assert client.post(reverse("admin:catalog_price_change", args=(ours.prices.get().pk,)), form).status_code == 302
    assert charged(world) == {"MUG": D("7.25")}
    answer = client.post(reverse("admin:catalog_price_add"), {**form, "price_list": theirs.pk})
    assert "would overwrite it: change the price there" in answer.content.decode()
    change = client.post(
        reverse("admin:catalog_pricelist_change", args=(ours.pk,)),
        {"name": "Ours", "code": "ours", "kind": "prices", "currency": "eur", "valid_from_0": "1970-01-01",
         "valid_from_1": "00:00:00"},
    )  # fmt: skip
    assert "are not converted: make another list for EUR" in change.content.decode()
