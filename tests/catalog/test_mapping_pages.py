"""The worklist, the conflicts and the values as people use them: what they show, who may change, what is said."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.messages import get_messages
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.models import Binding, MappingChange, MappingConflict, Product, RememberedCode, Variant
from catalog.services import worklist
from catalog.services.suggesting import suggest
from integrations.models import Hold, ValueMapping
from integrations.sync.release import hold
from integrations.sync.values import map_values
from portal.tenancy.models import Role
from tests.catalog.shops import article, binding, have, sell, wait_for
from tests.portal.people import log_in
from tests.world import NOON, World, make_world

State = Binding.State
WORKLIST, ACCEPT = "admin:catalog_binding_worklist", "admin:catalog_binding_accept"
CONFLICTS, CONFLICT = "admin:catalog_mappingconflict_changelist", "admin:catalog_mappingconflict_change"
VALUES = "admin:integrations_valuemapping_changelist"


@pytest.fixture
def toys(world: World) -> World:
    have(world, "1", article("1a", "TOY-RED-S"), article("1b", "TOY-RED-L"), name="Toy car")
    have(world, "2", article("2a", "CUP"), name="Cup")
    have(world, "3", article("3a", "POT"), name="A pot")
    sell(world, "9", article("9a", "toy red s"), article("9b", "TOY-RED-L"), name="Toy car")
    sell(world, "8", article("8a", "XYZ", title="Nobody knows it"))
    sell(world, "7", article("7a", "CUP"), name="Cup")
    wait_for(world, "1001", ("9a", "10.00"))
    wait_for(world, "1002", ("8a", "99.00"))
    suggest(connection_id=world.shop.pk, at=NOON)
    return world


def said(response) -> list[str]:
    return [str(one) for one in get_messages(response.wsgi_request)]


def rows(world: World, **more) -> list[tuple[str, list[tuple[int, int, int, int]]]]:
    shops = more.pop("shops", None) or [world.shop]
    page = worklist.list_work(merchant_id=world.merchant.pk, shops=shops, **more)
    return [
        (row.product.name, [(cell.bound, cell.suggested, cell.conflict, cell.missing) for cell in row.cells])
        for row in page.rows
    ]


# Worklist ------------------------------------------------------------------------------------------------------------


def test_the_worklist_has_a_row_a_product_and_a_column_a_shop(toys: World) -> None:
    found = rows(toys, shops=[toys.shop, toys.other])
    assert found == [
        ("Toy car", [(1, 1, 0, 0), (0, 0, 0, 2)]),
        ("A pot", [(0, 0, 0, 1), (0, 0, 0, 1)]),
        ("Cup", [(1, 0, 0, 0), (0, 0, 0, 1)]),
    ], "money first, then by name"
    first = worklist.list_work(merchant_id=toys.merchant.pk, shops=[toys.shop]).rows[0]
    assert (first.waiting.records, first.waiting.money) == (1, "10.00 GBP")


def test_the_worklist_is_filtered_by_state_and_text(toys: World) -> None:
    names = {show: [name for name, _ in rows(toys, show=show)] for show in worklist.FILTERS}
    assert names == {"missing": ["A pot"], "suggested": ["Toy car"], "conflict": [], "bound": ["Cup"]}
    sell(toys, "9", article("9a", "toy red s"), article("9b", "TOY-RED-L"), article("9c", "no idea"), name="Toy car")
    suggest(connection_id=toys.shop.pk, at=NOON)
    assert [name for name, _ in rows(toys, show="conflict")] == ["Toy car"], "its siblings tell where it belongs"
    assert [name for name, _ in rows(toys, query="po")] == ["A pot"]
    assert [name for name, _ in rows(toys, query="TOY")] == ["Toy car"]
    assert rows(toys, show="missing", shops=[toys.other])[0][0] == "Toy car"


def test_pages_of_the_worklist_follow_each_other_and_miss_nothing(toys: World) -> None:
    for n in range(7):
        have(toys, f"p{n}", article(f"p{n}a", f"MORE-{n}"), name="Same name")
    seen, after = [], ""
    while True:
        page = worklist.list_work(merchant_id=toys.merchant.pk, shops=[toys.shop], after=after, size=3)
        seen += [row.product.pk for row in page.rows]
        if not page.next:
            break
        after = page.next
    assert len(seen) == len(set(seen)) == 10


def test_next_goes_through_what_is_unfinished_and_begins_again(toys: World) -> None:
    shops = [toys.shop]
    toy, pot = (Product.plain.get(name=name).pk for name in ("Toy car", "A pot"))

    def after(pk: int | None) -> int | None:
        return worklist.find_next(merchant_id=toys.merchant.pk, shops=shops, after=pk)

    assert (after(None), after(toy), after(pot)) == (toy, pot, toy)
    client = log_in(toys.merchant, Role.SUPPORT)
    response = client.get(reverse("admin:catalog_binding_next"), {"after": toy})
    assert response.status_code == 302
    Binding.plain.filter(connection=toys.shop).update(state=State.BOUND, variant=toys.variant("CUP"))
    MappingConflict.plain.update(resolved_at=NOON)
    Variant.plain.exclude(code="CUP").update(is_active=False)
    assert after(None) is None


@pytest.mark.slow
def test_a_page_of_ten_thousand_products_costs_as_many_queries_as_one_of_ten(toys: World, full_run: bool) -> None:
    client = log_in(toys.merchant, Role.OWNER)
    size = 10_000 if full_run else 3_000
    counts = []
    for many in (False, True):
        if many:
            Product.plain.bulk_create(
                Product(merchant=toys.merchant, code=f"N{n}", name=f"Name {n:05}") for n in range(size)
            )
            made = Product.plain.filter(code__startswith="N")
            Variant.plain.bulk_create(
                Variant(merchant=toys.merchant, product=row, code=f"V{row.pk}") for row in made.order_by("pk")
            )
        for show in ("", "missing", "bound"):
            with CaptureQueriesContext(database) as asked:
                assert client.get(reverse(WORKLIST), {"show": show}).status_code == 200
            counts.append(len(asked))
    assert counts[3:] == counts[:3]
    assert max(counts) <= 40


def test_accepting_is_counted_done_and_undone_on_the_page(toys: World) -> None:
    client = log_in(toys.merchant, Role.MAPPER)
    page = client.get(reverse(ACCEPT), {"least": 90}).content.decode()
    assert "Accept 1 suggestion of 90 % and more?" in page
    assert "1 · 10.00 GBP" in page
    response = client.post(reverse(ACCEPT), {"least": 90})
    assert said(response) == ["1 suggestion is accepted. 1 order, 10.00 GBP, goes on."]
    assert binding(toys, "9a").state == State.BOUND
    page = client.get(reverse(WORKLIST)).content.decode()
    assert "1 suggestion of 90 % and more accepted" in page
    decision = MappingChange.plain.get()
    response = client.post(reverse("admin:catalog_binding_undo", args=(decision.pk,)))
    assert said(response)[-1] == "Undone: 1 suggestion of 90 % and more accepted. 1 article is as it was."
    assert binding(toys, "9a").state == State.SUGGESTED


# Conflicts -----------------------------------------------------------------------------------------------------------


def act(client: Client, do: str, **more):
    return client.post(reverse(CONFLICTS), {"do": do, **more})


def test_the_conflicts_show_both_sides_and_what_waits(toys: World) -> None:
    page = log_in(toys.merchant, Role.SUPPORT).get(reverse(CONFLICTS)).content.decode()
    assert page.index("Nobody knows it") < page.index("toy red s"), "the costliest first"
    for words in (
        "1 order waits, 99.00 GBP",
        "1 order waits, 10.00 GBP",
        "The same code in another spelling",
        "TOY-RED-S",
    ):
        assert words in page, words
    assert "Accept</button>" not in page, "support only reads"


def test_a_conflict_is_accepted_and_the_page_says_what_went_on(toys: World) -> None:
    client = log_in(toys.merchant, Role.MAPPER)
    row = MappingConflict.plain.get(binding=binding(toys, "9a"))
    candidate = {f"candidate-{row.pk}": toys.variant("TOY-RED-S").pk}
    response = act(client, f"accept:{row.pk}", **candidate)
    assert said(response) == ["1 article is mapped. 1 order, 10.00 GBP, goes on."]
    assert binding(toys, "9a").state == State.BOUND
    response = act(client, f"accept:{row.pk}", **candidate)
    assert said(response)[-1].startswith("Tick the articles it is about first")


def test_many_are_decided_at_once_and_remembered(toys: World) -> None:
    client = log_in(toys.merchant, Role.OWNER)
    picked = list(MappingConflict.plain.order_by("pk").values_list("pk", flat=True))
    response = act(client, "accept", pick=picked)
    assert said(response) == ["2 articles have no candidate chosen: choose one each first."]
    response = act(client, "ignore", pick=picked, remember="yes")
    assert said(response)[-2:] == [
        "2 articles are ignored: orders that sell them still wait.",
        "It is remembered for this shop: articles with the same code follow by themselves.",
    ]
    assert RememberedCode.plain.filter(variant__isnull=True).count() == 2
    assert Hold.plain.filter(ended_at__isnull=True).count() == 2


def test_an_article_becomes_ours_from_the_page(toys: World) -> None:
    client = log_in(toys.merchant, Role.OWNER)
    row = MappingConflict.plain.get(binding=binding(toys, "8a"))
    response = act(client, f"create:{row.pk}")
    assert said(response) == ["1 article was made here and mapped. 1 order still waits for something else."]
    assert Variant.plain.get(code="XYZ").product.name == "Nobody knows it"


def test_ours_are_searched_and_chosen_with_a_factor(toys: World) -> None:
    client = log_in(toys.merchant, Role.MAPPER)
    row = MappingConflict.plain.get(binding=binding(toys, "8a"))
    address = reverse(CONFLICT, args=(row.pk,))
    page = client.get(address, {"q": "cup"}).content.decode()
    cup = toys.variant("CUP")
    assert f'value="{cup.pk}"' in page
    given = {"do": "accept", "variant": cup.pk}
    assert "“How many of ours" in said(client.post(address, {**given, "factor": "none"}))[0]
    assert said(client.post(address, given))[-1] == "XYZ Nobody knows it: CUP is “CUP Cup” there already."
    response = client.post(address, {**given, "factor": "24", "remember": "yes"})
    assert response.headers["Location"] == reverse(CONFLICTS)
    assert (binding(toys, "8a").factor, binding(toys, "8a").variant) == (24, cup)
    assert RememberedCode.plain.get().factor == 24
    assert "Decided" in client.get(address).content.decode()


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR, Role.SALES, Role.RESELLER])
def test_others_change_nothing(toys: World, role: str) -> None:
    client = log_in(toys.merchant, role)
    row = MappingConflict.plain.get(binding=binding(toys, "9a"))
    decision = MappingChange(merchant=toys.merchant, kind="articles", summary="x", made_at=NOON)
    decision.save()
    value = ValueMapping(merchant=toys.merchant, connection=toys.shop, kind="tax", theirs="standard")
    value.save()
    tried = [
        (reverse(CONFLICTS), {"do": f"ignore:{row.pk}"}),
        (reverse(CONFLICTS), {"do": "look"}),
        (reverse(CONFLICT, args=(row.pk,)), {"do": "ignore"}),
        (reverse(ACCEPT), {"least": 50}),
        (reverse("admin:catalog_binding_undo", args=(decision.pk,)), {}),
        (reverse(VALUES), {"do": f"save:{value.pk}", f"new-{value.pk}": "x"}),
        (reverse(VALUES), {"do": "discover"}),
    ]
    for address, given in tried:
        assert client.post(address, given).status_code == 403, address
    reads = role in {Role.SUPPORT, Role.AUDITOR}
    for address in (reverse(WORKLIST), reverse(CONFLICTS), reverse(CONFLICT, args=(row.pk,)), reverse(VALUES)):
        assert client.get(address).status_code == (200 if reads else 403), address
    assert binding(toys, "9a").state == State.SUGGESTED
    value.refresh_from_db()
    assert value.ours == ""


def test_another_merchants_conflicts_are_not_there(toys: World) -> None:
    client = log_in(make_world("Southwind").merchant, Role.OWNER)
    row = MappingConflict.plain.get(binding=binding(toys, "9a"))
    assert client.get(reverse(CONFLICT, args=(row.pk,))).status_code == 404
    assert client.post(reverse(CONFLICT, args=(row.pk,)), {"do": "ignore"}).status_code == 404
    act(client, f"ignore:{row.pk}")
    assert "toy red s" not in client.get(reverse(CONFLICTS)).content.decode()
    assert binding(toys, "9a").state == State.SUGGESTED


def test_who_sees_one_location_sees_no_money_of_the_others(toys: World) -> None:
    client = log_in(toys.merchant, Role.MAPPER, toys.place)
    for name in (WORKLIST, CONFLICTS):
        page = client.get(reverse(name)).content.decode()
        assert "GBP" not in page, name
        assert "Toy car" in page, name
    assert "GBP" not in client.get(reverse(ACCEPT), {"least": 90}).content.decode()
    assert said(client.post(reverse(ACCEPT), {"least": 90})) == ["1 suggestion is accepted."]


# Values --------------------------------------------------------------------------------------------------------------


def value(world: World, connection, theirs: str, *, kind: str = "tax", label: str = "", ours: str = "") -> ValueMapping:
    row = ValueMapping(merchant=world.merchant, connection=connection, kind=kind, theirs=theirs, label=label, ours=ours)
    row.save()
    return row


def wait_for_value(world: World, subject: int, key: str, amount: int) -> None:
    hold(
        merchant_id=world.merchant.pk,
        subject=("order", subject),
        reason="tax",
        key=key,
        message="waits",
        amount=Decimal(amount),
        currency="GBP",
        at=NOON,
    )


def test_one_choice_names_the_value_on_both_sides_and_frees_what_waited(world: World) -> None:
    shop, erp = value(world, world.shop, "standard"), value(world, world.erp, "12", label="20 % S")
    wait_for_value(world, 1, f"value:{world.shop.pk}:tax:standard", 30)
    wait_for_value(world, 2, f"value:{world.shop.pk}:tax:reduced", 5)
    client = log_in(world.merchant, Role.MAPPER)
    page = client.get(reverse(VALUES)).content.decode()
    for words in ("standard", "30.00 GBP", "ERP: 20 % S", f'value="row:{erp.pk}"'):
        assert words in page, words
    response = client.post(reverse(VALUES), {"do": f"save:{shop.pk}", f"ours-{shop.pk}": f"row:{erp.pk}"})
    assert said(response) == ["standard ↔ 20 % S, 20 % S ↔ 20 % S is saved. 1 order, 30.00 GBP, goes on."]
    assert set(ValueMapping.plain.values_list("theirs", "ours")) == {("standard", "20 % S"), ("12", "20 % S")}
    assert list(Hold.plain.filter(ended_at__isnull=True).values_list("subject_id", flat=True)) == [2]


def test_naming_the_back_offices_value_frees_what_came_with_the_shops(world: World) -> None:
    value(world, world.shop, "standard", ours="VAT")
    row = value(world, world.erp, "12")
    wait_for_value(world, 1, f"value:{world.shop.pk}:tax:standard", 30)
    wait_for_value(world, 2, f"value:{world.other.pk}:tax:standard", 5)
    row.ours = "VAT"
    waited, went = map_values([row], at=NOON)
    assert (waited, went.records, went.money) == (1, 1, "30.00 GBP")
    assert Hold.plain.get(ended_at__isnull=True).subject_id == 2, "that shop's own value is not mapped"


def test_two_values_of_the_back_office_never_get_one_name(world: World) -> None:
    first, second = value(world, world.shop, "a"), value(world, world.shop, "b")
    one, two = value(world, world.erp, "1", label="20 %"), value(world, world.erp, "2", label="20 %")
    client = log_in(world.merchant, Role.MAPPER)
    for row, other in ((first, one), (second, two)):
        client.post(reverse(VALUES), {"do": f"save:{row.pk}", f"ours-{row.pk}": f"row:{other.pk}"})
    found = dict(ValueMapping.plain.filter(connection=world.erp).values_list("theirs", "ours"))
    assert found == {"1": "20 %", "2": "20 % (2)"}


def test_a_special_line_gets_its_item_in_the_back_office(world: World) -> None:
    wait_for_value(world, 1, f"value:{world.erp.pk}:special_line:shipping", 4)
    client = log_in(world.merchant, Role.MAPPER)
    assert "Shipping → ERP" in client.get(reverse(VALUES), {"kind": "special_line"}).content.decode()
    key = f"{world.erp.pk}:shipping"
    response = client.post(reverse(VALUES), {"do": f"line:{key}", f"theirs-{key}": "77"})
    assert said(response) == ["77 ↔ shipping is saved. 1 order, 4.00 GBP, goes on."]
    fee = f"{world.erp.pk}:fee"
    response = client.post(reverse(VALUES), {"do": f"line:{fee}", f"theirs-{fee}": "77"})
    assert said(response)[-1] == "77 is what shipping is booked on already; each needs an item of its own."


# Today ---------------------------------------------------------------------------------------------------------------


def test_today_says_how_far_each_shop_is(toys: World) -> None:
    found = worklist.list_progress(merchant_id=toys.merchant.pk)
    assert [(row.connection.name, row.bound, row.suggested, row.conflict, row.missing) for row in found] == [
        ("Shop A", 2, 1, 1, 1),
        ("Shop B", 0, 0, 0, 4),
    ]
    page = log_in(toys.merchant, Role.OWNER).get(reverse("admin:index")).content.decode()
    assert "50.0 %" in page
    assert f"{reverse(CONFLICTS)}?shop={toys.shop.pk}" in page
    assert f"{reverse(WORKLIST)}?shop={toys.shop.pk}&amp;show=missing" in page
