"""The two halves of the mapping as one: what each learns the other reads, one undo, and the way between the pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from catalog.models import AxisValueMapping, Binding, MappingChange, MappingConflict, Product, RememberedCode, Synonym
from catalog.services import match_again
from catalog.services.accepting import accept_suggestions
from catalog.services.axis_values import save_axes
from catalog.services.axis_views import get_axes
from catalog.services.cells import Edit, save_cells
from catalog.services.changes import undo
from catalog.services.decisions import Choice, choose
from catalog.services.suggesting import suggest
from portal.tenancy.models import Role
from tests.catalog.toys import ABROAD, TOY, make_product, put_in_shop, values_of
from tests.portal.people import log_in
from tests.world import NOON, World, make_world

State = Binding.State
LATER = NOON + timedelta(hours=1)
WORKLIST, CHANGES = "admin:catalog_binding_worklist", "admin:catalog_binding_changes"
WORDS = {"Red": ("Farbe", "Rot"), "Green": ("Farbe", "Grün"), "Small": ("Größe", "Small")}


@pytest.fixture
def toy(world: World) -> Product:
    return make_product(world, TOY)


def article(external_id: str) -> Binding:
    return Binding.plain.get(external_id=external_id)


def decide(world: World, external_id: str, code: str, *, remember: bool = False, hours: int = 0) -> int:
    choice = Choice(binding_id=article(external_id).pk, variant_id=world.variant(code).pk)
    at = NOON + timedelta(hours=hours)
    done = choose(merchant_id=world.merchant.pk, choices=[choice], remember=remember, by=None, at=at)
    assert done.refused == ()
    return done.change_id or 0


def put(world: World, toy: Product, code: str, text: str, was: str = "") -> int:
    edit = Edit(variant_id=world.variant(code).pk, connection_id=world.shop.pk, text=text, was=was)
    saved = save_cells(product=toy, edits=[edit], by=None, at=LATER)
    assert saved.refused == ()
    assert saved.change is not None
    return saved.change.pk


# what is learnt ------------------------------------------------------------------------------------------------------


def test_a_word_taught_on_one_product_is_a_reason_for_a_suggestion_on_another(world: World, toy: Product) -> None:
    shown = {"Farbe": ("Rot", "Grün"), "Größe": ("Small",)}
    put_in_shop(world, world.shop, shown)
    pks = values_of(toy)
    words = {pks[ours]: pair for ours, pair in WORDS.items()}
    save_axes(product=toy, connection=world.shop, parent="77", words=words, by=None, at=NOON)
    Binding.plain.update(variant=None, state=State.IGNORED)
    assert set(Synonym.plain.values_list("ours", "theirs")) == {("red", "rot"), ("green", "grün")}
    make_product(world, {"Colour": ("Red", "Green"), "Size": ("Small",)}, code="BUS", name="Bus")
    put_in_shop(world, world.shop, {"Farbe": ("Rot", "Grün"), "Größe": ("Small",)}, parent="88", name="Bus")
    decide(world, "88-Grün-Small", "BUS-Green-Small")
    Binding.plain.filter(external_id="88-Grün-Small").update(options=[])  # so that only the taught word tells
    suggest(connection_id=world.shop.pk, at=LATER)
    row = article("88-Rot-Small")
    assert (row.state, row.variant) == (State.SUGGESTED, world.variant("BUS-Red-Small"))
    assert "as you mapped before: Rot, Small is Red, Small here (learnt on Toy car)" in row.reason


def test_a_word_two_products_mean_differently_tells_nothing(world: World, toy: Product) -> None:
    for ours in ("red", "green"):
        Synonym(merchant=world.merchant, axis="colour", ours=ours, theirs="rot", product=toy, learnt_at=NOON).save()
    put_in_shop(world, world.shop, {"Farbe": ("Rot",), "Größe": ("Small",)}, name="Toy car")
    suggest(connection_id=world.shop.pk, at=NOON)
    assert "as you mapped before" not in article("77-Rot-Small").reason


def test_what_articles_taught_is_offered_for_axis_values(world: World, toy: Product) -> None:
    put_in_shop(world, world.shop, {"Farbe": ("Rot",), "Größe": ("Small",)})
    decide(world, "77-Rot-Small", "TOY-Red-Small")
    bus = make_product(world, {"Colour": ("Red",)}, code="BUS", name="Bus")
    put_in_shop(world, world.other, {"Farbe": ("Rot", "Schwarz")}, parent="88", name="Bus")
    view = get_axes(product=bus, connection=world.other, parent="88")
    (line,) = view.axes[0][1]
    assert line.offer is not None
    assert (line.offer.pair, line.offer.reason) == (("Farbe", "Rot"), "learnt: Red ↔ Rot")


# what was taken off --------------------------------------------------------------------------------------------------


def test_what_a_person_took_off_is_bound_by_a_person_only(world: World, toy: Product) -> None:
    skus = {("Red", "Small"): "toy red small"}
    put_in_shop(world, world.shop, {"Colour": ("Red",), "Size": ("Small",)}, skus=skus, name="Toy car")
    suggest(connection_id=world.shop.pk, at=NOON)
    assert article("77-Red-Small").state == State.SUGGESTED
    accept_suggestions(merchant_id=world.merchant.pk, least=50, by=None, at=NOON)
    row = article("77-Red-Small")
    assert row.variant == world.variant("TOY-Red-Small")
    put(world, toy, "TOY-Red-Small", "", was=str(row.pk))
    Binding.plain.filter(pk=row.pk).update(reference_code="TOY-Red-Small")
    suggest(connection_id=world.shop.pk, at=LATER)
    assert match_again(merchant_id=world.merchant.pk, codes=["TOY-Red-Small"], barcodes=[], at=LATER) == 0
    assert accept_suggestions(merchant_id=world.merchant.pk, least=50, by=None, at=LATER).count == 0
    row = article("77-Red-Small")
    assert (row.state, row.variant_id) == (State.CONFLICT, None)
    assert row.reason == "taken off TOY-Red-Small by the portal"
    conflict = MappingConflict.plain.get(binding=row, resolved_at__isnull=True)
    assert conflict.candidates[0]["code"] == "TOY-Red-Small", "a person may still pick it"
    decide(world, "77-Red-Small", "TOY-Red-Small")
    assert article("77-Red-Small").state == State.BOUND


# one undo ------------------------------------------------------------------------------------------------------------


def test_undo_gives_a_remembered_code_its_meaning_of_before_again(world: World, toy: Product) -> None:
    put_in_shop(world, world.shop, {"Size": ("S",)}, skus={("S",): "X"})
    first = decide(world, "77-S", "TOY-Red-Small", remember=True)
    Binding.plain.filter(external_id="77-S").update(variant=None, state=State.CONFLICT)
    second = decide(world, "77-S", "TOY-Red-Large", remember=True, hours=1)
    assert RememberedCode.plain.get().variant == world.variant("TOY-Red-Large")
    assert undo(change_id=second, by=None, at=LATER).kept == ()
    assert RememberedCode.plain.get().variant == world.variant("TOY-Red-Small")
    undone = undo(change_id=first, by=None, at=LATER)
    assert undone.kept == ("X Spielzeugauto is “Needs a decision” now (chosen); it stays so.",)
    assert not RememberedCode.plain.exists()


def test_a_remembered_code_that_was_changed_since_is_kept(world: World, toy: Product) -> None:
    put_in_shop(world, world.shop, {"Size": ("S",)}, skus={("S",): "X"})
    first = decide(world, "77-S", "TOY-Red-Small", remember=True)
    RememberedCode.plain.update(variant=world.variant("TOY-Red-Large"))
    undone = undo(change_id=first, by=None, at=LATER)
    assert (undone.restored, undone.kept) == (1, ("What is remembered of the code X was changed since; it stays so.",))
    assert RememberedCode.plain.get().variant == world.variant("TOY-Red-Large")


def test_undo_of_the_grid_gives_a_suggestion_its_score_again(world: World, toy: Product) -> None:
    put_in_shop(world, world.shop, {"Size": ("S",)}, skus={("S",): "X"})
    variant = world.variant("TOY-Red-Small")
    Binding.plain.filter(external_id="77-S").update(variant=variant, state=State.SUGGESTED, score=91, reason="alike")
    change = put(world, toy, "TOY-Red-Small", "X")
    assert (article("77-S").state, article("77-S").score) == (State.BOUND, 0)
    undo(change_id=change, by=None, at=LATER)
    row = article("77-S")
    assert (row.state, row.score, row.reason, row.variant) == (State.SUGGESTED, 91, "alike", variant)


def test_changes_of_both_halves_are_listed_and_undone_on_one_page(world: World, toy: Product) -> None:
    put_in_shop(world, world.shop, {"Size": ("S", "L")}, skus={("S",): "X", ("L",): "Y"})
    client = log_in(world.merchant, Role.MAPPER)
    decide(world, "77-S", "TOY-Red-Small")
    change = put(world, toy, "TOY-Red-Large", "Y")
    page = client.get(reverse(CHANGES))
    assert [str(one) for one in page.context["changes"]] == ["1 cell of TOY, Shop A", "X Spielzeugauto mapped"]
    grid = client.get(reverse("admin:catalog_product_matrix", args=(toy.pk,)))
    assert [one.kind for one in grid.context["changes"]] == ["grid", "articles"]
    client.post(reverse("admin:catalog_binding_undo", args=(change,)), {"next": reverse(CHANGES)})
    assert {row.external_id: row.state for row in Binding.plain.all()} == {"77-S": "bound", "77-L": "conflict"}
    after = client.get(reverse(CHANGES)).content.decode()
    assert "undone by" in after
    stranger = log_in(make_world("Southwind").merchant, Role.OWNER).get(reverse(CHANGES))
    assert (stranger.context["changes"], b"TOY" in stranger.content) == ([], False)
    assert log_in(world.merchant, Role.SALES).get(reverse(CHANGES)).status_code == 403
    assert MappingChange.plain.filter(undone_at__isnull=True).count() == 1


# from page to page ---------------------------------------------------------------------------------------------------


def test_the_way_to_the_grid_and_back_keeps_the_place(world: World, toy: Product) -> None:
    bus = make_product(world, {"Colour": ("Red",)}, code="BUS", name="Bus")
    client = log_in(world.merchant, Role.MAPPER)
    place = f"shop={world.shop.pk}&show=missing"
    page = client.get(f"{reverse(WORKLIST)}?{place}")
    url = {row.product.pk: url for row, url, _cells in page.context["rows"]}[bus.pk]
    grid = client.get(url)
    assert grid.context["shop"] == world.shop
    back = grid.context["back_url"]
    assert back == f"{reverse(WORKLIST)}?show=missing&shop={world.shop.pk}#p{bus.pk}"
    assert f'id="p{bus.pk}"' in client.get(back).content.decode()
    further = client.get(grid.context["further_url"], follow=True)
    assert further.context["product"] == toy
    assert further.context["back_url"].endswith(f"shop={world.shop.pk}#p{toy.pk}")
    assert f'data-next="{reverse("admin:catalog_binding_next")}?after={toy.pk}' in further.content.decode()
    plain = client.get(reverse("admin:catalog_product_matrix", args=(toy.pk,)))
    assert plain.context["back_url"] == f"{reverse(WORKLIST)}#p{toy.pk}"


def test_conflicts_of_the_axes_are_listed_with_the_way_to_the_grid(world: World) -> None:
    toy = make_product(world, TOY, leave_out=[("Blue", "Large")])
    put_in_shop(world, world.shop, ABROAD)
    pks = values_of(toy)
    mapped = {"Red": "Rot", "Blue": "Blau"}
    words = {pks[ours]: ("Farbe", theirs) for ours, theirs in mapped.items()}
    words |= {pks["Small"]: ("Größe", "S"), pks["Large"]: ("Größe", "L")}
    save_axes(product=toy, connection=world.shop, parent="77", words=words, by=None, at=NOON)
    assert AxisValueMapping.plain.count() == 4
    client = log_in(world.merchant, Role.MAPPER)
    conflicts = reverse("admin:catalog_mappingconflict_changelist")
    (missing,) = client.get(conflicts, {"type": "missing_combination"}).context["sides"]
    assert missing.grid == f"{reverse('admin:catalog_product_matrix', args=(toy.pk,))}?shop={world.shop.pk}"
    page = client.get(conflicts, {"type": "axis_mismatch"})
    assert {side.case.conflict.binding.external_id for side in page.context["sides"]} == {"77-Grün-S", "77-Grün-L"}
    axes = f"{reverse('admin:catalog_product_axes', args=(toy.pk,))}?shop={world.shop.pk}&there=77"
    assert {side.grid for side in page.context["sides"]} == {axes}
    assert "Open the grid" in page.content.decode()


@pytest.mark.parametrize(("role", "count"), [(Role.MAPPER, 8), (Role.SUPPORT, 6)])
def test_every_page_of_the_mapping_shows_the_same_tabs(world: World, toy: Product, role: str, count: int) -> None:
    client = log_in(world.merchant, role)
    names = ["catalog_binding_worklist", "catalog_mappingconflict_changelist", "catalog_product_changelist"]
    names += ["catalog_binding_changelist", "integrations_valuemapping_changelist", "catalog_binding_changes"]
    names += ["catalog_product_codes", "catalog_binding_exchange"] if role == Role.MAPPER else []
    pages = [reverse(f"admin:{name}") for name in names]
    pages += [reverse(f"admin:catalog_product_{name}", args=(toy.pk,)) for name in ("matrix", "axes")]
    for page in pages:
        content = client.get(page).content.decode()
        tabs = content[content.index('class="sb-tabs sb-mapping"') :].split("</nav>")[0]
        assert (tabs.count("<a "), tabs.count("aria-current")) == (count, 1), page
