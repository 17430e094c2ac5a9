"""Rules asked of an order, and its money in parts: pure, and to the last cent for any order and any rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.models import Connection
from orders.models import RoutingRule
from orders.services.conditions import Facts, Goods, match_order, parse_words, pick_goods
from orders.services.planning import Plan, make_plan
from orders.services.sharing import Money, share_order
from portal.base.money import currency_quantum

D = Decimal
ERP = Connection(pk=1, name="Odoo Main")
OTHER = Connection(pk=2, name="Odoo Berlin")
MUG = Goods(line_id=1, name="MUG", quantity=D(2), variant_id=11, brand="Acme", categories=("Kitchen", "Mugs"))
CUP = Goods(line_id=2, name="CUP", quantity=D(3), variant_id=12, brand="Other", categories=("Kitchen",))
PLACES = {5: [(51, "Berlin"), (52, "Leeds")]}


def rule(**values: Any) -> RoutingRule:
    values = {"pk": 1, "name": "R", "position": 1, "destination": ERP, **values}
    return RoutingRule(**values)


def facts(**values: Any) -> Facts:
    given: dict[str, Any] = {
        "shop_id": 7, "shop": "Shop A", "country": "DE", "postcode": "10115", "shipping": ("DHL Paket",),
        "payments": ("ppcp-gateway", "PayPal"), "tags": ("vip",), "currency": "GBP", "total": D("99.50"),
        "goods": (MUG, CUP),
    }  # fmt: skip
    return Facts(**{**given, **values})


def parts(plan: Plan) -> list[tuple[str, int | None, dict[int, Decimal]]]:
    return [(one.rule.destination.name, one.location_id, dict(one.quantities)) for one in plan.parts]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"shop_id": 7}, ["sold by Shop A"]),
        ({"shop_id": 8}, None),
        ({"countries": "at, de"}, ["country is DE"]),
        ({"countries": "AT"}, None),
        ({"postcodes": "20, 101"}, ["postcode is 10115"]),
        ({"postcodes": "115"}, None),
        ({"shipping_methods": "dhl*"}, ["shipping is DHL Paket"]),
        ({"shipping_methods": "DHL"}, None),
        ({"payment_types": "PayPal"}, ["payment is PayPal"]),
        ({"payment_types": "cod"}, None),
        ({"tags": "gold, VIP"}, ["tag is vip"]),
        ({"tags": "vi"}, None),
        ({"currency": "EUR"}, None),
        ({"total_over": D("99.49")}, ["total 99.50 GBP is over 99.49 GBP"]),
        ({"total_over": D("99.50")}, None),
        ({"total_under": D("99.51")}, ["total 99.50 GBP is under 99.51 GBP"]),
        ({"total_under": D("99.50")}, None),
        ({"countries": "DE", "tags": "vip"}, ["country is DE", "tag is vip"]),
        ({"countries": "DE", "tags": "gold"}, None),
        ({}, []),
    ],
)
def test_a_rule_takes_an_order_that_meets_all_it_asks(asked: dict[str, Any], words: list[str] | None) -> None:
    assert match_order(rule(**asked), facts()) == words


def test_a_star_stands_for_anything_and_other_signs_for_themselves() -> None:
    assert parse_words(" a ,, b,") == ["a", "b"]
    assert match_order(rule(tags="[v]ip"), facts()) is None
    assert match_order(rule(tags="v?p"), facts()) is None
    assert match_order(rule(tags="[v]ip"), facts(tags=("[v]ip",))) == ["tag is [v]ip"]


def test_no_delivery_address_fits_no_country() -> None:
    assert match_order(rule(countries="DE"), facts(country="")) is None
    assert match_order(rule(postcodes="1"), facts(postcode="")) is None


def test_categories_take_the_whole_order_or_only_their_lines() -> None:
    assert pick_goods(rule(categories="mugs"), [MUG, CUP]) == ([MUG, CUP], ["category is Mugs"])
    only = rule(categories="mugs", brands="ACME", takes="lines")
    assert pick_goods(only, [MUG, CUP]) == ([MUG], ["category is Mugs (MUG)", "brand is Acme"])
    assert pick_goods(rule(brands="Nobody"), [MUG, CUP]) is None


def test_the_first_rule_that_takes_it_wins_and_says_why() -> None:
    rules = [
        rule(pk=1, position=1, name="Austria", countries="AT"),
        rule(pk=2, position=2, name="Germany from Berlin", countries="DE", destination=OTHER),
        rule(pk=3, position=3, name="All else"),
    ]
    plan = make_plan(rules, facts(), {}, {})
    assert [(one.rule.pk, one.why) for one in plan.targets] == [
        (2, "Odoo Berlin, because rule 2 “Germany from Berlin”: country is DE.")
    ]
    elsewhere = make_plan(rules, facts(country="FR"), {}, {})
    assert [one.why for one in elsewhere.targets] == ["Odoo Main, because rule 3 “All else”: it takes everything."]


def test_what_no_rule_takes_is_said() -> None:
    plan = make_plan([rule(categories="mugs", takes="lines")], facts(), {}, {})
    assert (plan.is_complete, plan.untaken) == (False, (CUP,))
    assert not make_plan([], facts(), {}, {}).is_complete


def test_an_order_without_articles_goes_to_the_first_that_takes_all() -> None:
    rules = [rule(categories="x"), rule(brands="Acme", takes="lines"), rule(pk=3, destination=OTHER)]
    assert parts(make_plan(rules, facts(goods=()), {}, {})) == [("Odoo Berlin", None, {})]
    assert not make_plan(rules[:2], facts(goods=()), {}, {}).is_complete


def test_a_rule_that_goes_on_gets_the_order_besides() -> None:
    rules = [rule(pk=1, goes_on=True), rule(pk=2, destination=OTHER)]
    plan = make_plan(rules, facts(), {}, {})
    assert [(one.rule.pk, one.is_copy) for one in plan.targets] == [(1, True), (2, False)]
    assert not make_plan(rules[:1], facts(), {}, {}).is_complete, "a copy is not the order"


def test_lines_go_where_their_rules_say() -> None:
    rules = [rule(categories="mugs", takes="lines", destination=OTHER), rule(pk=2)]
    assert parts(make_plan(rules, facts(), {}, {})) == [
        ("Odoo Berlin", None, {1: D(2)}),
        ("Odoo Main", None, {2: D(3)}),
    ]


@pytest.mark.parametrize(
    ("stock", "split", "found"),
    [
        ({(51, 11): 2, (51, 12): 3}, False, {51: {1: 2, 2: 3}}),  # the first has everything
        ({(51, 11): 2, (52, 11): 2, (52, 12): 3}, False, {52: {1: 2, 2: 3}}),  # one parcel rather than two
        ({(51, 11): 2, (52, 12): 3}, False, {51: {1: 2}, 52: {2: 3}}),
        ({(51, 11): 2, (52, 12): 2}, False, {51: {1: 2, 2: 3}}),  # nowhere enough: the first
        ({(51, 11): 2, (51, 12): 1, (52, 12): 2}, True, {51: {1: 2, 2: 1}, 52: {2: 2}}),
        ({(51, 11): 2, (52, 12): 1}, True, {51: {1: 2, 2: 2}, 52: {2: 1}}),
        ({(51, 11): -4}, True, {51: {1: 2, 2: 3}}),
        ({}, False, {51: {1: 2, 2: 3}}),
    ],
)
def test_goods_go_where_the_stock_is(
    stock: dict[tuple[int, int], int], split: bool, found: dict[int, dict[int, int]]
) -> None:
    by_stock = rule(takes="stock", group_id=5, split_lines=split)
    plan = make_plan([by_stock], facts(), {key: D(n) for key, n in stock.items()}, PLACES)
    assert {place: {pk: int(n) for pk, n in mine.items()} for _, place, mine in parts(plan)} == found


def test_where_the_stock_is_is_said() -> None:
    by_stock = rule(takes="stock", group_id=5)
    plan = make_plan([by_stock], facts(), {(51, 11): D(2)}, PLACES)
    assert plan.parts[0].why == "Odoo Main, because rule 1 “R”: no location of its group has CUP."
    plan = make_plan([by_stock], facts(), {(51, 11): D(2), (52, 12): D(3)}, PLACES)
    assert [one.why.rpartition(": ")[2] for one in plan.parts] == ["Berlin has MUG.", "Leeds has CUP."]


def test_a_rule_that_wants_it_in_stock_is_passed_over_without() -> None:
    rules = [rule(in_stock=True, location_id=51), rule(pk=2, destination=OTHER)]
    there = {(51, 11): D(2), (51, 12): D(3)}
    assert parts(make_plan(rules, facts(), there, {}))[0][:2] == ("Odoo Main", 51)
    assert parts(make_plan(rules, facts(), {**there, (51, 12): D(2)}, {}))[0][:2] == ("Odoo Berlin", None)
    twice = (MUG, Goods(line_id=3, name="MUG", quantity=D(1), variant_id=11))
    assert parts(make_plan(rules, facts(goods=twice), there, {}))[0][0] == "Odoo Berlin", "two lines of one article"


def test_a_crate_counts_its_bottles() -> None:
    crate = Goods(line_id=1, name="CRATE", quantity=D(2), factor=D(24), variant_id=11)
    by_stock = rule(takes="stock", group_id=5, split_lines=True)
    plan = make_plan([by_stock], facts(goods=(crate,)), {(51, 11): D(47), (52, 11): D(24)}, PLACES)
    assert parts(plan) == [("Odoo Main", 51, {1: D(1)}), ("Odoo Main", 52, {1: D(1)})]


# --- money ------------------------------------------------------------------------------------------------------------

CURRENCIES = st.sampled_from(["GBP", "JPY", "KWD"])


@st.composite
def orders(draw: st.DrawFn) -> tuple[str, dict[int, Money], dict[int, Money], dict[int, Goods]]:
    currency = draw(CURRENCIES)
    unit = currency_quantum(currency)
    amounts = st.integers(-2_000, 200_000).map(lambda n: n * unit)

    def line(quantity: int) -> Money:
        return Money(quantity=D(quantity), discount=abs(draw(amounts)), net=draw(amounts), tax=abs(draw(amounts)))

    lines = {pk: line(draw(st.integers(0, 9))) for pk in range(1, draw(st.integers(1, 6)) + 1)}
    extras = {pk: line(1) for pk in range(101, 101 + draw(st.integers(0, 3)))}
    kinds = {pk: draw(st.sampled_from(["Mugs", "Cups", "Plates", ""])) for pk in lines}
    goods = {
        pk: Goods(line_id=pk, name=str(pk), quantity=one.quantity, factor=D(draw(st.sampled_from([1, 6]))),
                  variant_id=10 + draw(st.integers(0, 3)), categories=(kinds[pk],) if kinds[pk] else ())
        for pk, one in lines.items()
    }  # fmt: skip
    return currency, lines, extras, goods


@st.composite
def rule_books(draw: st.DrawFn) -> list[RoutingRule]:
    made = []
    for pk in range(1, draw(st.integers(0, 4)) + 1):
        takes = draw(st.sampled_from(["order", "lines", "stock"]))
        made.append(
            rule(
                pk=pk,
                position=pk,
                name=str(pk),
                takes=takes,
                destination=draw(st.sampled_from([ERP, OTHER])),
                categories=draw(st.sampled_from(["Mugs", "Cups, Plates"])) if takes == "lines" else "",
                group_id=5 if takes == "stock" else None,
                split_lines=draw(st.booleans()),
                countries=draw(st.sampled_from(["", "DE", "FR"])),
                goes_on=takes == "order" and draw(st.booleans()),
            )
        )
    return [*made, rule(pk=99, position=99, name="all else")]


@given(orders(), rule_books(), st.booleans(), st.dictionaries(
    st.tuples(st.sampled_from([51, 52]), st.integers(10, 13)), st.integers(-3, 30).map(D)))  # fmt: skip
def test_the_parts_come_to_the_order_to_the_last_unit(
    order: tuple[str, dict[int, Money], dict[int, Money], dict[int, Goods]],
    rules: list[RoutingRule],
    by_value: bool,
    stock: dict[tuple[int, int], Decimal],
) -> None:
    currency, lines, extras, goods = order
    plan = make_plan(rules, facts(goods=tuple(goods.values())), stock, PLACES)
    assert plan.is_complete
    quantities = [one.quantities for one in plan.parts]
    for pk, line in lines.items():
        assert sum((one.get(pk, D(0)) for one in quantities), D(0)) == line.quantity
    shares = share_order(lines, extras, quantities, by_value=by_value, currency=currency)
    unit = currency_quantum(currency)
    for pk, line in {**lines, **extras}.items():
        mine = [part[pk] for part in shares if pk in part]
        for name in ("discount", "net", "tax", "gross"):
            assert sum((getattr(one, name) for one in mine), D(0)) == getattr(line, name), (pk, name)
            assert all(getattr(one, name) % unit == 0 for one in mine)
    total = sum((one.gross for one in {**lines, **extras}.values()), D(0))
    assert sum((one.gross for part in shares for one in part.values()), D(0)) == total


def test_freight_goes_with_the_first_or_by_value() -> None:
    lines = {
        1: Money(quantity=D(1), discount=D(0), net=D("10.00"), tax=D("2.00")),
        2: Money(quantity=D(2), discount=D("0.05"), net=D("20.00"), tax=D("4.00")),
    }
    freight = {3: Money(quantity=D(1), discount=D(0), net=D("5.00"), tax=D("1.00"))}
    plan = [{1: D(1)}, {2: D(2)}]
    first = share_order(lines, freight, plan, by_value=False, currency="GBP")
    assert [sorted(part) for part in first] == [[1, 3], [2]]
    shared = share_order(lines, freight, plan, by_value=True, currency="GBP")
    assert [part[3].net for part in shared] == [D("1.67"), D("3.33")]
    assert [part[3].tax for part in shared] == [D("0.33"), D("0.67")]
    free = {3: Money(quantity=D(1), discount=D(0), net=D(0), tax=D(0))}
    assert [3 in part for part in share_order(lines, free, plan, by_value=True, currency="GBP")] == [True, False]
