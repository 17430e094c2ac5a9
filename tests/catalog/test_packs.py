"""Units and case packs: a crate of 24 is stock, promises and prices of its bottles, whoever sells it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import Binding, ChannelPrice, ChannelStock, MappingChange, Price, PriceRule, Reservation, Variant
from catalog.services import price_lists
from integrations.contract import records as r
from tests.catalog.test_prices import add_price, make_list, make_rule
from tests.portal.people import log_in
from tests.world import NOON, D, World, order, product, stocked


@pytest.fixture
def client(world: World) -> Client:
    return log_in(world.merchant, "mapper")


def decide(client: Client, row: Binding, variant: Variant | None, factor: str) -> str:
    """As a person does on the article's page."""
    form = {"variant": variant.pk if variant else "", "factor": factor}
    inline = {f"conflicts-{name}_FORMS": 0 for name in ("TOTAL", "INITIAL")}
    address = reverse("admin:catalog_binding_change", args=(row.pk,))
    return client.post(address, {**form, **inline}, follow=True).content.decode()


def crate(world: World) -> Binding:
    """Shop A sells the bottle by the crate, under a code nobody knows."""
    record = r.ProductRecord(
        external_id="c", name="Cola, crate", variants=(r.VariantRecord(external_id="s-24", sku="COLA-24"),)
    )
    world.apply(world.shop, "product", record)
    row: Binding = Binding.plain.get(connection=world.shop, external_id="s-24")
    return row


def shown(world: World) -> dict[str, Decimal]:
    return dict(ChannelStock.plain.filter(connection=world.shop).values_list("binding__external_id", "wanted"))


def charged(world: World) -> dict[str, Decimal]:
    return dict(ChannelPrice.plain.filter(connection=world.shop).values_list("binding__external_id", "wanted"))


def test_a_crate_set_by_a_person_shows_whole_crates_costs_its_bottles_and_promises_them(
    world: World, client: Client
) -> None:
    stocked(world, "COLA", quantity="50")
    base = make_list(world, "base", {"COLA": "1.00"})
    add_price(base, world, "COLA", "0.80", min_quantity=D(24))
    make_rule(world, base)
    page = decide(client, crate(world), world.variant("COLA"), "24")
    assert "COLA-24 Cola, crate is COLA" in page
    assert shown(world) == {"s-COLA": 50, "s-24": 2}
    assert charged(world) == {"s-COLA": D("1.00"), "s-24": D("19.20")}, "24 have the price from 24 on"
    line = r.OrderLineRecord(
        external_id="l", variant_external_id="s-24", sku="COLA-24", name="x", unit_price=D("19.2"), net=D("19.2"),
        gross=D("19.2"),
    )  # fmt: skip
    world.apply(world.shop, "order", order("7", lines=(line,), total=D("19.2")))
    assert list(Reservation.plain.values_list("variant__code", "quantity")) == [("COLA", D(24))]
    assert shown(world) == {"s-COLA": 26, "s-24": 1}
    others = ChannelStock.plain.get(connection=world.other)
    assert others.wanted == 26, "the other shop sells bottles of the same stock"


def test_a_person_changes_a_pack_and_undoes_it(world: World, client: Client) -> None:
    stocked(world, "COLA", "LIME", quantity="50")
    row = crate(world)
    decide(client, row, world.variant("COLA"), "24")
    page = decide(client, row, world.variant("LIME"), "12")
    assert "COLA-24 Cola, crate is LIME" in page
    assert shown(world) == {"s-COLA": 50, "s-LIME": 50, "s-24": 4}
    first, last = MappingChange.plain.order_by("pk")
    assert (str(last), last.product) == ("COLA-24 Cola, crate is LIME × 12", world.variant("LIME").product)
    answer = client.post(reverse("admin:catalog_binding_undo", args=(last.pk,)), follow=True).content.decode()
    assert "1 article is as it was." in answer
    row.refresh_from_db()
    assert (row.variant, row.factor, row.state) == (world.variant("COLA"), D(24), "bound")
    assert shown(world) == {"s-COLA": 50, "s-LIME": 50, "s-24": 2}
    client.post(reverse("admin:catalog_binding_undo", args=(first.pk,)))
    row.refresh_from_db()
    assert (row.variant, row.state) == (None, "conflict")
    assert row.conflicts.filter(resolved_at__isnull=True).count() == 1, "it waits for a person again"


def test_an_article_taken_off_by_its_form_is_ignored_and_put_back_by_undo(world: World, client: Client) -> None:
    stocked(world, "COLA")
    row = Binding.plain.get(connection=world.shop)
    assert "is ignored: orders that sell it still wait" in decide(client, row, None, "1")
    row.refresh_from_db()
    assert (row.state, row.variant) == ("ignored", None)
    client.post(reverse("admin:catalog_binding_undo", args=(MappingChange.plain.get().pk,)))
    row.refresh_from_db()
    assert (row.state, row.variant, row.reason) == ("bound", world.variant("COLA"), "the same code")


@pytest.mark.parametrize("factor", ["0", "-24", "1.0005", "", "24 pcs"])
def test_a_pack_of_nothing_is_refused(world: World, client: Client, factor: str) -> None:
    stocked(world, "COLA")
    row = Binding.plain.get(connection=world.shop)
    before = Binding.plain.filter(pk=row.pk).values().get()
    page = decide(client, row, world.variant("COLA"), factor)
    assert "Please correct the errors below." in page
    assert Binding.plain.filter(pk=row.pk).values().get() == before
    assert not MappingChange.plain.exists()


def test_a_back_offices_crate_is_priced_by_its_bottles(world: World) -> None:
    """The ERP sells the bottle and the crate; the crate's price is that of 24 bottles and more."""
    stocked(world, "COLA")
    world.apply(world.erp, "product", product("x", "CRATE"))
    Binding.plain.filter(connection=world.erp, external_id="x-CRATE").update(
        variant=world.variant("COLA"), factor=D(24)
    )
    rows = (r.PriceRow("e-COLA-COLA", "", D("1.00"), "GBP"), r.PriceRow("x-CRATE", "", D("20.00"), "GBP"))
    applied = world.apply(world.erp, "price", *rows)
    assert (applied.created, applied.updated, applied.unchanged) == (2, 0, 0)
    found = list(Price.plain.order_by("min_quantity").values_list("variant__code", "min_quantity", "amount"))
    assert found == [("COLA", D(1), D("1.00")), ("COLA", D(24), D("0.833333"))]
    Binding.plain.filter(connection=world.shop, external_id="s-COLA").update(factor=D(24))
    make_rule(world, Price.plain.all()[0].price_list)
    assert charged(world) == {"s-COLA": D("20.00")}
    assert world.apply(world.erp, "price", *rows).unchanged == 2


def test_the_unit_is_set_in_the_list_and_shown_with_every_figure(world: World, client: Client) -> None:
    stocked(world, "COLA", quantity="50")
    variant = world.variant("COLA")
    listed = reverse("admin:catalog_variant_changelist")
    form = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": variant.pk, "form-0-unit": " bottle "}
    client.post(listed, {**form, "_save": "Save"})
    variant.refresh_from_db()
    assert variant.unit == "bottle"
    Binding.plain.filter(connection=world.shop).update(factor=D(24))
    assert "50 bottle" in client.get(listed).content.decode()
    assert "50 bottle" in client.get(reverse("admin:catalog_stockrecord_changelist")).content.decode()
    assert "24 × bottle" in client.get(reverse("admin:catalog_binding_changelist")).content.decode()
    world.apply(world.erp, "product", product("e-COLA", "COLA", name="Renamed"))
    variant.refresh_from_db()
    assert variant.unit == "bottle", "a back office that says nothing of units leaves it"


@pytest.mark.parametrize(("role", "may"), [("mapper", True), ("support", False), ("sales", False)])
def test_who_maps_may_set_units(world: World, role: str, may: bool) -> None:
    stocked(world, "COLA")
    variant, client = world.variant("COLA"), log_in(world.merchant, role)
    form: dict[str, Any] = {"unit": "bottle", "bindings-TOTAL_FORMS": 0, "bindings-INITIAL_FORMS": 0}
    client.post(reverse("admin:catalog_variant_change", args=(variant.pk,)), form)
    variant.refresh_from_db()
    assert (variant.unit == "bottle") is may


def test_the_last_inward_price_comes_with_a_pull_and_makes_the_shops_price(world: World) -> None:
    stocked(world, "COLA")
    row = r.PriceRow("e-COLA-COLA", r.INWARD_SLOT, D("0.50"), "GBP", inward_at=NOON)
    assert world.apply(world.erp, "price", row).created == 1
    price = Price.plain.get()
    assert (price.price_list.kind, price.price_list.name) == ("inward", "ERP: last inward prices")
    make_rule(world, price.price_list, method=PriceRule.Method.MARGIN, margin=D(50))
    assert charged(world) == {"s-COLA": D("1.00")}
    older = row._replace(amount=D("0.10"), inward_at=NOON.replace(hour=1))
    assert world.apply(world.erp, "price", older).unchanged == 1
    newer = row._replace(amount=D("0.75"), inward_at=NOON.replace(hour=13))
    assert world.apply(world.erp, "price", newer).updated == 1
    assert charged(world) == {"s-COLA": D("1.50")}
    assert price_lists.open_list(connection=world.erp, slot=r.INWARD_SLOT, currency="EUR") == price.price_list
    euros = world.apply(world.erp, "price", newer._replace(currency="EUR", amount=D(9)))
    assert [one.code for one in euros.skipped] == ["other_currency"]
    assert charged(world) == {"s-COLA": D("1.50")}


@pytest.mark.parametrize(
    ("name", "words"),
    [("variant", "read the products of a back office"), ("stockrecord", "No back office has said yet what there is"),
     ("channelprice", "which list its prices are made of")],
)  # fmt: skip
def test_a_list_without_rows_says_what_to_do(world: World, client: Client, name: str, words: str) -> None:
    address = reverse(f"admin:catalog_{name}_changelist")
    page = client.get(address).content.decode()
    assert words in page
    assert "Create a new item" not in page
    found = client.get(address, {"q": "nobody"}).content.decode()
    assert "Nothing matches what you look for." in found
    assert words not in found
