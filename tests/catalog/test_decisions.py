"""What people decide: bound, told what went on, remembered for the shop, and undone."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from catalog.models import Binding, MappingChange, MappingConflict, OptionValue, Product, RememberedCode, Variant
from catalog.services.accepting import accept_suggestions, plan_accepting
from catalog.services.changes import NotPossible, undo
from catalog.services.conflicts import Wanted, count_by_type, list_cases
from catalog.services.decisions import Choice, choose, ignore_all
from catalog.services.making import create_here
from catalog.services.suggesting import suggest
from integrations.models import Hold
from tests.catalog.shops import article, binding, have, sell, wait_for
from tests.world import NOON, World, make_world

State = Binding.State
D = Decimal


@pytest.fixture
def toys(world: World) -> World:
    """Two articles with a suggestion, one nobody knows; three orders wait."""
    have(world, "1", article("1a", "TOY-RED-S"), article("1b", "TOY-RED-L"), article("1c", "TOY-GRN-S"))
    sell(world, "9", article("9a", "toy red s"), article("9b", "toy/red/l"), article("9c", "XYZ"), name="Toy car")
    wait_for(world, "1001", ("9a", "10.00"))
    wait_for(world, "1002", ("9a", "20.00"), ("9c", "5.00"))
    wait_for(world, "1003", ("9b", "40.00"))
    suggest(connection_id=world.shop.pk, at=NOON)
    return world


def decide(world: World, *pairs: tuple[str, str], **more):
    choices = [
        Choice(
            binding_id=binding(world, external_id).pk,
            variant_id=world.variant(code).pk,
            factor=more.get("factor", D(1)),
            again=more.get("again", False),
        )
        for external_id, code in pairs
    ]
    remember = more.get("remember", False)
    return choose(merchant_id=world.merchant.pk, choices=choices, remember=remember, by=None, at=NOON)


def test_a_choice_says_what_waited_and_what_went_on(toys: World) -> None:
    done = decide(toys, ("9a", "TOY-RED-S"))
    assert (done.count, done.waited, done.refused) == (1, 2, ())
    assert (done.gone_on.records, done.gone_on.amounts) == (1, {"GBP": D("10.00")}), "1002 still waits for 9c"
    row = binding(toys, "9a")
    assert (row.state, row.variant, row.score, row.reason) == (State.BOUND, toys.variant("TOY-RED-S"), 0, "chosen")
    assert not MappingConflict.plain.filter(binding=row, resolved_at__isnull=True).exists()
    done = decide(toys, ("9c", "TOY-GRN-S"))
    assert (done.waited, done.gone_on.records, done.gone_on.amounts) == (1, 1, {"GBP": D("5.00")})


def test_a_variant_another_article_has_there_is_refused_but_for_another_factor(toys: World) -> None:
    decide(toys, ("9a", "TOY-RED-S"))
    done = decide(toys, ("9c", "TOY-RED-S"))
    assert (done.count, done.change_id) == (0, None)
    assert done.refused == ("XYZ Toy car: TOY-RED-S is “toy red s Toy car” there already.",)
    assert binding(toys, "9c").state == State.CONFLICT
    assert decide(toys, ("9c", "TOY-RED-S"), factor=D(24)).count == 1
    assert binding(toys, "9c").factor == 24


def test_the_same_variant_twice_only_where_a_person_says_so(toys: World) -> None:
    done = decide(toys, ("9a", "TOY-RED-S"), ("9c", "TOY-RED-S"))
    assert (done.count, len(done.refused)) == (1, 1)
    assert decide(toys, ("9c", "TOY-RED-S"), again=True).count == 1


def test_what_was_mapped_meanwhile_is_not_mapped_again(toys: World) -> None:
    decide(toys, ("9a", "TOY-RED-S"))
    done = decide(toys, ("9a", "TOY-GRN-S"))
    assert done.refused == ("toy red s Toy car was mapped meanwhile (chosen).",)
    assert binding(toys, "9a").variant == toys.variant("TOY-RED-S")


def test_another_merchants_rows_are_not_there(toys: World) -> None:
    other = make_world("Southwind")
    have(other, "1", article("1a", "THEIRS"))
    mine, theirs = binding(toys, "9a"), other.variant("THEIRS")
    choice = [Choice(binding_id=mine.pk, variant_id=theirs.pk)]
    assert choose(merchant_id=toys.merchant.pk, choices=choice, by=None, at=NOON).count == 0
    assert choose(merchant_id=other.merchant.pk, choices=choice, by=None, at=NOON).count == 0
    assert ignore_all(merchant_id=other.merchant.pk, binding_ids=[mine.pk], by=None, at=NOON).count == 0
    assert binding(toys, "9a").state == State.SUGGESTED


def test_accepting_counts_first_and_changes_nothing(toys: World) -> None:
    plan = plan_accepting(merchant_id=toys.merchant.pk, least=95)
    assert (plan.count, dict(plan.by_shop)) == (2, {"Shop A": 2})
    assert (plan.waiting.records, plan.waiting.amounts) == (3, {"GBP": D("70.00")})
    assert {row.external_id for row in plan.examples} == {"9a", "9b"}
    assert plan_accepting(merchant_id=toys.merchant.pk, least=98).count == 0
    assert plan_accepting(merchant_id=toys.merchant.pk, least=95, connection_id=toys.other.pk).count == 0
    assert Binding.plain.filter(connection=toys.shop, state=State.SUGGESTED).count() == 2


def test_accepting_all_and_undoing_it(toys: World) -> None:
    before = list(Binding.plain.order_by("pk").values("pk", "state", "variant", "score", "reason", "factor"))
    done = accept_suggestions(merchant_id=toys.merchant.pk, least=95, by=None, at=NOON)
    assert (done.count, done.waited, done.gone_on.records) == (2, 3, 2)
    assert done.gone_on.amounts == {"GBP": D("50.00")}
    assert MappingChange.plain.get().summary == "2 suggestions of 95 % and more accepted"
    assert {binding(toys, pk).state for pk in ("9a", "9b")} == {State.BOUND}
    back = undo(change_id=done.change_id or 0, by=None, at=NOON)
    assert (back.restored, back.kept) == (2, ())
    assert list(Binding.plain.order_by("pk").values("pk", "state", "variant", "score", "reason", "factor")) == before
    assert MappingConflict.plain.filter(resolved_at__isnull=True).count() == 3
    with pytest.raises(NotPossible, match="It was undone already"):
        undo(change_id=done.change_id or 0, by=None, at=NOON)


def test_an_undo_leaves_alone_what_was_changed_since(toys: World) -> None:
    done = accept_suggestions(merchant_id=toys.merchant.pk, least=95, by=None, at=NOON)
    ignore_all(merchant_id=toys.merchant.pk, binding_ids=[binding(toys, "9b").pk], by=None, at=NOON)
    back = undo(change_id=done.change_id or 0, by=None, at=NOON)
    assert (back.restored, back.kept) == (1, ("toy/red/l Toy car is “Ignored” now (ignored); it stays so.",))
    assert [binding(toys, pk).state for pk in ("9a", "9b")] == [State.SUGGESTED, State.IGNORED]


def test_a_remembered_code_binds_the_article_that_replaces_it(toys: World) -> None:
    decide(toys, ("9c", "TOY-GRN-S"), factor=D(6), remember=True)
    assert RememberedCode.plain.get().code == "XYZ"
    sell(toys, "9", article("9a", "toy red s"), article("9b", "toy/red/l"), name="Toy car")
    assert binding(toys, "9c").state == State.STALE
    sell(toys, "11", article("11a", "XYZ"))
    row = binding(toys, "11a")
    assert (row.state, row.variant, row.factor) == (State.BOUND, toys.variant("TOY-GRN-S"), 6)
    assert row.reason == "the same code as chosen before"


def test_an_ignored_code_is_remembered_for_this_shop_only(toys: World) -> None:
    done = ignore_all(
        merchant_id=toys.merchant.pk, binding_ids=[binding(toys, "9c").pk], remember=True, by=None, at=NOON
    )
    assert (done.count, done.gone_on.records) == (1, 0)
    sell(toys, "9", article("9a", "toy red s"), article("9b", "toy/red/l"), name="Toy car")
    sell(toys, "11", article("11a", "XYZ"))
    sell(toys, "11", article("12a", "XYZ"), shop=toys.other)
    assert binding(toys, "11a").state == State.IGNORED
    assert binding(toys, "12a", toys.other).state == State.CONFLICT


def test_undoing_forgets_what_was_remembered(toys: World) -> None:
    done = decide(toys, ("9c", "TOY-GRN-S"), remember=True)
    undo(change_id=done.change_id or 0, by=None, at=NOON)
    assert not RememberedCode.plain.exists()
    assert binding(toys, "9c").state == State.CONFLICT


def test_articles_become_ours_with_their_options_and_what_waited_goes_on(world: World) -> None:
    sell(
        world,
        "7",
        article("7a", "HAT-R", title="Hat, red", Colour="Red"),
        article("7b", "HAT-B", title="Hat, blue", Colour="Blue"),
        article("7c", "", title="Hat, odd", Colour="Odd"),
    )
    wait_for(world, "1001", ("7a", "10.00"), ("7b", "1.00"))
    ids = [binding(world, pk).pk for pk in ("7a", "7b", "7c")]
    done = create_here(merchant_id=world.merchant.pk, binding_ids=ids, by=None, at=NOON)
    assert (done.count, done.waited, done.gone_on.records) == (2, 1, 0)
    assert Hold.plain.filter(ended_at__isnull=True, reason="no_article_there").count() == 2, "the ERP has neither yet"
    assert done.refused == ("7c Hat, odd has no code there; give it one there first.",)
    product = Product.plain.get()
    assert (product.code, product.name) == ("HAT", "Hat")
    assert sorted(Variant.plain.values_list("code", "option_key")) == [
        ("HAT-B", "Colour=Blue"),
        ("HAT-R", "Colour=Red"),
    ]
    assert sorted(OptionValue.plain.values_list("value", flat=True)) == ["Blue", "Red"]
    sell(world, "7", article("7a", "HAT-R", Colour="Red"), article("7d", "HAT-G", Colour="Green"))
    create_here(merchant_id=world.merchant.pk, binding_ids=[binding(world, "7d").pk], by=None, at=NOON)
    assert Product.plain.count() == 1, "it joins its siblings' product"
    again = create_here(merchant_id=world.merchant.pk, binding_ids=[binding(world, "7c").pk], by=None, at=NOON)
    assert again.count == 0


def test_a_code_that_is_ours_already_is_not_made_again(toys: World) -> None:
    sell(toys, "20", article("20a", "TOY-RED-S"), article("20b", "TOY-RED-S"))
    done = create_here(merchant_id=toys.merchant.pk, binding_ids=[binding(toys, "20a").pk], by=None, at=NOON)
    assert done.count == 0
    assert done.refused == ("TOY-RED-S: TOY-RED-S is an article of yours already; choose it instead.",)


def test_conflicts_come_by_the_money_they_hold_up_then_by_age(toys: World) -> None:
    sell(toys, "30", *(article(f"30{n}", f"OTHER-{n}") for n in range(5)))
    seen: list[str] = []
    after, pages = "", 0
    while True:
        page = list_cases(merchant_id=toys.merchant.pk, wanted=Wanted(), after=after, size=2)
        seen += [case.conflict.binding.external_id for case in page.cases if case.conflict.binding]
        pages += 1
        if not page.next:
            break
        after = page.next
    assert seen == ["9b", "9a", "9c", "300", "301", "302", "303", "304"]
    assert pages == 4
    first = list_cases(merchant_id=toys.merchant.pk, wanted=Wanted()).cases[:3]
    assert [(case.waiting.records, case.waiting.money) for case in first] == [
        (1, "40.00 GBP"),
        (2, "30.00 GBP"),
        (1, "5.00 GBP"),
    ]
    assert count_by_type(merchant_id=toys.merchant.pk) == {"unknown_reference": 8}
    found = list_cases(merchant_id=toys.merchant.pk, wanted=Wanted(query="other-3")).cases
    assert [case.conflict.binding.external_id for case in found if case.conflict.binding] == ["303"]


def test_both_sides_of_a_code_carried_twice_are_shown(toys: World) -> None:
    sell(toys, "20", article("20a", "TOY-RED-S"), article("20b", "TOY-RED-S"))
    cases = list_cases(merchant_id=toys.merchant.pk, wanted=Wanted(type="duplicate_code")).cases
    assert [[one.external_id for one in case.rivals] for case in cases] == [["20b"], ["20a"]]


def test_a_page_of_conflicts_costs_the_same_however_many_there_are(toys: World) -> None:
    counts = []
    for number in (3, 60):
        sell(toys, f"p{number}", *(article(f"{number}-{n}", f"N{number}-{n}") for n in range(number)))
        with CaptureQueriesContext(database) as asked:
            list_cases(merchant_id=toys.merchant.pk, wanted=Wanted())
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 8


def test_accepting_a_thousand_costs_few_queries(world: World, full_run: bool) -> None:
    size = 5_000 if full_run else 1_000
    home = Product(merchant=world.merchant, code="P", name="P")
    home.save()
    Variant.plain.bulk_create(
        Variant(merchant=world.merchant, product=home, code=f"V{n:05}", option_key=str(n)) for n in range(size)
    )
    variants = list(Variant.plain.order_by("pk").values_list("pk", flat=True))
    Binding.plain.bulk_create(
        Binding(
            merchant=world.merchant,
            connection=world.shop,
            external_id=str(n),
            variant_id=pk,
            state=State.SUGGESTED,
            score=96,
        )
        for n, pk in enumerate(variants)
    )
    with CaptureQueriesContext(database) as asked:
        done = accept_suggestions(merchant_id=world.merchant.pk, least=95, by=None, at=NOON)
    assert done.count == size
    assert len(asked) <= 30 * size // 500


def test_another_reason_takes_the_place_of_the_one_before(world: World) -> None:
    have(world, "1", article("1a", "CUP"))
    sell(world, "9", article("9a", "CUP"), article("9b", "CUP"))
    sell(world, "9", article("9a", "CUP-1"), article("9b", "CUP-2"))
    row = binding(world, "9a")
    found = MappingConflict.plain.filter(binding=row).order_by("pk").values_list("type", "resolution")
    assert list(found) == [("duplicate_code", "replaced"), ("unknown_reference", "")]


def test_what_is_gone_there_is_put_aside_and_known_when_it_comes_back(world: World) -> None:
    have(world, "1", article("1a", "CUP"))
    sell(world, "9", article("9a", "CUP"), article("9b", "POT"))
    sell(world, "9", article("9b", "POT"))
    conflict = MappingConflict.plain.get(type="deleted_at_source")
    done = ignore_all(merchant_id=world.merchant.pk, binding_ids=[conflict.binding_id or 0], by=None, at=NOON)
    assert (done.count, binding(world, "9a").state) == (1, State.STALE)
    conflict.refresh_from_db()
    assert conflict.resolution == "ignored"
    sell(world, "9", article("9a", "CUP"), article("9b", "POT"))
    assert (binding(world, "9a").state, binding(world, "9a").variant) == (State.BOUND, world.variant("CUP"))
