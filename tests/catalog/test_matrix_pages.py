"""The mapping pages without JavaScript: what they show, what a plain form saves, and who may."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.models import AxisValueMapping, Binding, MappingChange, OptionValue, Product, Variant
from portal.tenancy.models import Role
from tests.catalog.toys import ABROAD, TOY, make_product, put_in_shop, values_of
from tests.portal.people import log_in
from tests.world import World, make_world

MAY = {Role.OWNER, Role.MAPPER}
READ = {Role.SUPPORT, Role.AUDITOR}


@pytest.fixture
def toy(world: World) -> Product:
    row = make_product(world, TOY, leave_out=[("Blue", "Large")])
    put_in_shop(world, world.shop, ABROAD, skus={("Rot", "S"): "R-S", ("Rot", "L"): "R-L"})
    return row


def address(name: str, *args: Any, **query: Any) -> str:
    model = "binding" if name == "undo" else "product"
    return reverse(f"admin:catalog_{model}_{name}", args=args, query=query)


def key(world: World, code: str) -> str:
    return f"{Variant.plain.get(code=f'TOY-{code}').pk}-{world.shop.pk}"


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def test_the_grid_shows_axes_codes_and_what_is_missing(world: World, toy: Product) -> None:
    response = log_in(world.merchant, "mapper").get(address("matrix", toy.pk, shop=world.shop.pk))
    (part,) = response.context["parts"]
    assert (part.section.corner, part.section.columns) == ("Colour", ("Small", "Large"))
    assert [(row.label, [one.cell.state for one in row.cells]) for row in part.rows] == [
        ("Red", ["missing", "missing"]),
        ("Green", ["missing", "missing"]),
        ("Blue", ["missing", "none"]),
    ]
    assert response.context["counts"] == [("missing", 5, "○")]
    assert b"no such article here" in response.content
    assert b"TOY-Red-Small" in response.content


@pytest.mark.parametrize(
    ("axes", "shape"),
    [
        ({}, [("", 1, 1)]),
        ({"Size": ("S", "M", "L")}, [("", 3, 1)]),
        ({"Size": ("S", "M"), "Colour": ("R", "G", "B")}, [("", 2, 3)]),
        ({"A": ("1", "2"), "B": ("1", "2"), "C": ("x", "y")}, [("x", 2, 2), ("y", 2, 2)]),
        ({"A": ("1",), "B": ("1", "2"), "C": ("x", "y"), "D": ("o", "p")},
         [("x / o", 1, 2), ("x / p", 1, 2), ("y / o", 1, 2), ("y / p", 1, 2)]),
    ],
)  # fmt: skip
def test_any_number_of_axes_is_a_grid(world: World, axes: Any, shape: Any) -> None:
    row = make_product(world, axes, code="X")
    response = log_in(world.merchant, "mapper").get(address("matrix", row.pk))
    parts = response.context["parts"]
    assert [(part.section.label, len(part.rows), len(part.rows[0].cells)) for part in parts] == shape
    states = {one.cell.state for part in parts for line in part.rows for one in line.cells}
    assert states == {"missing"}


def test_a_variant_outside_the_axes_is_listed_by_itself(world: World, toy: Product) -> None:
    Variant(merchant=world.merchant, product=toy, code="TOY-GIFT", name="Gift", option_key="gift").save()
    parts = log_in(world.merchant, "mapper").get(address("matrix", toy.pk)).context["parts"]
    assert [(part.section.label, len(part.rows)) for part in parts] == [("", 3), ("Outside the axes", 1)]


def test_all_shops_are_columns(world: World, toy: Product) -> None:
    response = log_in(world.merchant, "mapper").get(address("matrix", toy.pk, shop="all"))
    (part,) = response.context["parts"]
    assert part.section.columns == ("Shop A", "Shop B")
    assert [row.label for row in part.rows] == [
        "Red / Small", "Red / Large", "Green / Small", "Green / Large", "Blue / Small",
    ]  # fmt: skip


def test_a_plain_form_saves_and_keeps_what_is_refused(world: World, toy: Product) -> None:
    client = log_in(world.merchant, "mapper")
    small, large = key(world, "Red-Small"), key(world, "Red-Large")
    form = {f"cell-{small}": "R-S", f"was-{small}": "|", f"cell-{large}": "typo", f"was-{large}": "|"}
    response = client.post(address("matrix", toy.pk, shop=world.shop.pk), form)
    assert response.status_code == 200
    assert said(response) == ["1 cell is saved; 1 is not, see why."]
    cells = {one.cell.key: one for part in response.context["parts"] for row in part.rows for one in row.cells}
    assert (cells[large].value, cells[large].error) == ("typo", "Shop A has no article with the code or id typo.")
    assert cells[small].value == "R-S"
    form = {f"cell-{small}": "R-S", f"was-{small}": cells[small].cell.was + "|R-S", f"cell-{large}": "R-L",
            f"was-{large}": "|"}  # fmt: skip
    response = client.post(address("matrix", toy.pk, shop=world.shop.pk), form, follow=True)
    assert said(response) == ["1 cell is saved."], "what stands as it was is no change"
    assert response.redirect_chain[0][1] == 302


def test_a_suggestion_is_accepted_and_ignored_by_buttons(world: World, toy: Product) -> None:
    client = log_in(world.merchant, "mapper")
    red, green = key(world, "Red-Small"), key(world, "Green-Small")
    for text, cell in (("77-Rot-S", red), ("77-Grün-S", green)):
        Binding.plain.filter(external_id=text).update(
            variant_id=int(cell.split("-")[0]), state="suggested", reason="80 %: title"
        )
    client.post(address("matrix", toy.pk), {"pick": f"{red}|id:77-Rot-S", f"cell-{red}": "", f"was-{red}": "|"})
    client.post(address("matrix", toy.pk), {"ignore": green, f"cell-{green}": "", f"was-{green}": "|"})
    states = dict(Binding.plain.filter(external_id__in=["77-Rot-S", "77-Grün-S"]).values_list("external_id", "state"))
    assert states == {"77-Rot-S": "bound", "77-Grün-S": "ignored"}


def test_the_page_is_told_in_json_what_became_of_each_cell(world: World, toy: Product) -> None:
    client = log_in(world.merchant, "mapper")
    small, large = key(world, "Red-Small"), key(world, "Red-Large")
    form = {f"cell-{small}": "R-S", f"was-{small}": "|", f"cell-{large}": "<b>typo", f"was-{large}": "|"}
    told = client.post(
        address("matrix", toy.pk, shop=world.shop.pk), form, headers={"Accept": "application/json"}
    ).json()
    assert (told["refused"], set(told["cells"])) == (1, {small, large})
    assert 'value="R-S"' in told["cells"][small]
    assert "&lt;b&gt;typo" in told["cells"][large]
    assert "<b>typo" not in told["cells"][large]
    assert "1 mapped" in told["counts"]
    assert "1 cell of TOY, Shop A" in told["changes"]


def test_many_changes_come_as_one_field(world: World, toy: Product) -> None:
    client = log_in(world.merchant, "mapper")
    small, large = key(world, "Red-Small"), key(world, "Red-Large")
    given = json.dumps([[small, " R-S ", "", False], [large, "R-L", "", False], ["nonsense", "x", "", False]])
    page = address("matrix", toy.pk, shop=world.shop.pk)
    told = client.post(page, {"changes": given}, headers={"Accept": "application/json"}).json()
    assert told["message"] == "2 cells are saved; 1 is not, see why."
    for wrong in ('{"a": 1}', "[[1, 2]]", "[", '[["1-1", "x", "", 1]]', "[" * 50, '[["1-1", "x", NaN, true]]'):
        assert client.post(page, {"changes": wrong}).status_code == 400, wrong
    assert Binding.plain.filter(state="bound").count() == 2


def test_bad_input_is_told_and_never_breaks_the_page(world: World, toy: Product) -> None:
    client = log_in(world.merchant, "mapper")
    small, huge = key(world, "Red-Small"), "9" * 30
    page = address("matrix", toy.pk, shop=world.shop.pk)
    form = {f"cell-{small}": "R\x00-S", f"was-{small}": "|", f"cell-{huge}-1": "x", "cell-²-³": "x", "cell-": "x",
            f"cell-{small}-1": "x", "pick": "|", "ignore": huge}  # fmt: skip
    response = client.post(page, form)
    assert response.status_code == 200
    assert said(response) == ["1 cell is saved; 1 is not, see why."], "fields that name no cell are one cell nobody has"
    assert Binding.plain.get(external_id="77-Rot-S").state == "bound"
    for query in (
        {"shop": huge},
        {"shop": "²"},
        {"part": huge, "from": huge},
        {"part": "7"},
        {"rows": "1", "part": "9"},
    ):
        assert client.get(address("matrix", toy.pk, **query)).status_code == 200, query
    assert client.get(address("matrix", huge)).status_code == 404
    assert client.get(address("axes", toy.pk, q="\x00", there="\x00")).status_code == 200
    assert (
        client.post(address("axes", toy.pk), {f"value-{huge}": "a\tb", "value-x": "", "value-1": "no tab"}).status_code
        == 302
    )
    response = client.get(address("codes", ids=f"{huge},²,x", pattern="{product.code}-{n}"))
    assert (response.context["preview"].proposals, response.context["ids"]) == ((), "none"), "never all of them"
    assert client.post(address("codes"), {"pattern": "{product.code}\x00", "token": "\x00"}).status_code == 200
    assert client.post(address("values", toy.pk), {f"code-{huge}": "x", "code-y": "x"}).status_code == 302
    assert client.post(address("undo", 9**18)).status_code == 404


def test_undo_is_a_button_under_the_grid(world: World, toy: Product) -> None:
    client = log_in(world.merchant, "mapper")
    small = key(world, "Red-Small")
    page = address("matrix", toy.pk, shop=world.shop.pk)
    client.post(page, {f"cell-{small}": "R-S", f"was-{small}": "|"})
    change = MappingChange.plain.get()
    response = client.post(address("undo", change.pk), {"next": page}, follow=True)
    assert said(response) == [
        "1 cell is saved.",
        "Undone: 1 cell of TOY, Shop A. 1 article is as it was.",
    ]
    assert Binding.plain.get(external_id="77-Rot-S").state == "conflict"
    response = client.post(address("undo", change.pk), {"next": "https://evil.example/"})
    assert response["Location"] == reverse("admin:catalog_binding_changes")


def test_axis_values_are_offered_saved_and_undone(world: World, toy: Product) -> None:
    client = log_in(world.merchant, "mapper")
    page = address("axes", toy.pk, shop=world.shop.pk, there="77")
    assert client.get(page).status_code == 200
    pks = values_of(toy)
    words = {
        "Red": "Farbe\tRot",
        "Green": "Farbe\tGrün",
        "Blue": "Farbe\tBlau",
        "Small": "Größe\tS",
        "Large": "Größe\tL",
    }
    response = client.post(page, {f"value-{pks[ours]}": theirs for ours, theirs in words.items()}, follow=True)
    assert said(response) == [
        "5 values are mapped; 5 articles of Shop A follow.",
        "This combination is missing here: 77-Blau-L Spielzeugauto: We have no article Blue / Large.",
    ]
    assert [str(row) for row in response.context["conflicts"]] == ["Spielzeugauto: We have no article Blue / Large."]
    wrong = {f"value-{pks['Red']}": "Farbe\tRot", f"value-{pks['Blue']}": "Farbe\tRot"}
    response = client.post(page, wrong, follow=True)
    assert said(response) == ["“Rot” is given to Red and to Blue; it can be only one."]
    assert AxisValueMapping.plain.count() == 5
    client.post(address("undo", MappingChange.plain.get().pk))
    assert AxisValueMapping.plain.count() == 0


def test_codes_are_looked_at_and_saved_from_the_products_list(world: World, toy: Product) -> None:
    client = log_in(world.merchant, "mapper")
    other = make_product(world, {"Colour": ("Red",)}, code="CAR")
    chosen = {"action": "make_codes", "_selected_action": [toy.pk]}
    response = client.post(reverse("admin:catalog_product_changelist"), chosen)
    assert response.context["ids"] == str(toy.pk)
    pattern = {"ids": str(toy.pk), "pattern": "{product.code}-{colour.code}-{size|1}"}
    response = client.post(address("codes"), pattern)
    assert len(response.context["preview"].problems) == 5
    codes = {"Red": "R", "Green": "G", "Blue": "B"}
    given = {f"code-{pk}": codes.get(value, "") for value, pk in values_of(toy).items()}
    client.post(address("values", toy.pk), given)
    assert OptionValue.plain.get(value="Green").code == "G"
    response = client.post(address("codes"), pattern)
    assert [one.code for one in response.context["preview"].changing] == [
        "TOY-R-S",
        "TOY-R-L",
        "TOY-G-S",
        "TOY-G-L",
        "TOY-B-S",
    ]
    response = client.post(address("codes"), {**pattern, "token": response.context["preview"].token}, follow=True)
    assert said(response)[-1] == "5 codes are saved."
    assert Variant.plain.filter(product=toy, code="TOY-R-S").exists()
    assert Variant.plain.get(product=other).code == "CAR-Red"
    response = client.post(address("codes"), {**pattern, "token": "old"})
    assert response.context["error"] == "Something changed meanwhile; nothing is saved. Look at the codes again."
    response = client.post(address("codes"), {**pattern, "pattern": "{product.code"})
    assert response.context["error"].startswith("“{” at character 1")


@pytest.mark.parametrize("role", Role.values)
def test_mapper_and_owner_change_the_office_reads(world: World, toy: Product, role: str) -> None:
    client = log_in(world.merchant, role)
    small = key(world, "Red-Small")
    reads = 200 if role in MAY | READ else 403
    assert client.get(address("matrix", toy.pk)).status_code == reads
    assert client.get(address("axes", toy.pk)).status_code == reads
    assert client.get(address("codes")).status_code == (200 if role in MAY else 403)
    change = MappingChange(merchant=world.merchant, kind="grid", summary="x", made_at=world.shop.created_at)
    change.save()
    tries = {
        address("matrix", toy.pk): {f"cell-{small}": "R-S", f"was-{small}": "|"},
        address("axes", toy.pk): {},
        address("codes"): {"pattern": "{product.code}"},
        address("values", toy.pk): {f"code-{values_of(toy)['Red']}": "R"},
        address("undo", change.pk): {},
    }
    answers = {client.post(page, form).status_code for page, form in tries.items()}
    assert answers == ({200, 302} if role in MAY else {403})
    bound = Binding.plain.filter(state="bound").count()
    change.refresh_from_db()
    assert (bound, change.undone_at is not None) == ((1, True) if role in MAY else (0, False))


@pytest.mark.parametrize("role", Role.values)
def test_another_merchants_product_and_change_are_not_there(world: World, toy: Product, role: str) -> None:
    other = make_world("Southwind")
    change = MappingChange(merchant=world.merchant, kind="grid", summary="x", made_at=world.shop.created_at)
    change.save()
    client = log_in(other.merchant, role)
    pages = [address(name, toy.pk) for name in ("matrix", "axes", "values")]
    for page in [*pages, address("undo", change.pk)]:
        for response in (client.get(page), client.post(page, {})):
            assert response.status_code in {403, 404}, page
    response = client.post(address("codes"), {"ids": str(toy.pk), "pattern": "{product.code}-{n}"})
    assert response.status_code == (200 if role in MAY else 403)
    if role in MAY:
        assert response.context["preview"].proposals == ()
    foreign = make_product(other, {"Colour": ("Red",)}, code="OWN")
    cell = f"{Variant.plain.get(product=foreign).pk}-{world.shop.pk}"
    client.post(address("matrix", foreign.pk), {f"cell-{cell}": "R-S", f"was-{cell}": "|"})
    assert not Binding.plain.filter(state="bound").exists()
    assert client.get(address("axes", foreign.pk, shop=world.shop.pk, there="77")).status_code in {200, 403}
    assert b"Spielzeugauto" not in client.get(address("axes", foreign.pk, shop=world.shop.pk, there="77")).content


def big(world: World) -> Product:
    row = make_product(
        world, {"Colour": [f"C{i}" for i in range(50)], "Size": [f"S{i}" for i in range(20)]}, code="BIG"
    )
    Binding.plain.bulk_create(
        Binding(
            merchant=world.merchant, connection=world.shop, external_id=f"x{one.pk}", parent_external_id="9",
            variant=one, state="bound", reference_code=one.code,
        )
        for one in Variant.plain.filter(product=row)
    )  # fmt: skip
    return row


def test_a_thousand_variants_cost_few_queries_and_load_as_one_scrolls(world: World) -> None:
    row = big(world)
    client = log_in(world.merchant, "mapper")
    page = address("matrix", row.pk, shop=world.shop.pk)
    client.get(page)
    with CaptureQueriesContext(database) as caught:
        response = client.get(page)
    assert len(caught) <= 40, len(caught)
    (part,) = response.context["parts"]
    assert (len(part.rows), part.following, part.left) == (20, 20, 30)
    assert response.content.count(b'<tr><th scope="row">') == 20
    rows = client.get(f"{page}&part=0&from=20&rows=1")
    assert rows.content.count(b'<tr><th scope="row">') == 10
    assert b"from=30&amp;rows=1" in rows.content
    last = client.get(f"{page}&part=0&from=40&rows=1")
    assert last.content.count(b'<tr><th scope="row">') == 10
    assert b"sbm-more" not in last.content
    plain = client.get(f"{page}&part=0&from=20")
    assert (len(plain.context["parts"][0].rows), plain.context["parts"][0].before) == (20, 0)


def test_a_grid_without_a_shop_says_so(world: World, toy: Product) -> None:
    type(world.shop).plain.filter(role="store").update(state="disabled")
    client = log_in(world.merchant, "mapper")
    assert b"There is no shop yet" in client.get(address("matrix", toy.pk)).content
    assert client.get(address("axes", toy.pk)).status_code == 302


def test_nobody_comes_in_without_logging_in(world: World, toy: Product) -> None:
    assert Client().get(address("matrix", toy.pk)).status_code == 302
