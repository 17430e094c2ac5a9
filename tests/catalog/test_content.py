"""What shops are told of products, by field group: owners, hashes, pushes, and products made where they are missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from catalog import outbound, services
from catalog.models import Binding, ChannelProduct, Product
from catalog.services.content import hash_fields
from integrations.contract import records as r
from integrations.models import Command, Connection, Cursor, Flow, SyncRun
from portal.tenancy.models import Role
from portal.tenancy.scoping import scope
from tests.portal.people import log_in
from tests.world import NOON, World, make_world, product

LATER = NOON.replace(hour=13)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def add_flow(connection: Connection, direction: str, *groups: str) -> Flow:
    row = Flow(
        merchant_id=connection.merchant_id, connection=connection, stream="product", direction=direction,
        settings={"groups": list(groups)},
    )  # fmt: skip
    row.save()
    return row


def in_shop(*skus: str, parent: str = "70") -> r.ProductRecord:
    return r.ProductRecord(
        external_id=parent, name="Their name",
        variants=tuple(r.VariantRecord(external_id=f"s-{sku}", sku=sku) for sku in skus),
    )  # fmt: skip


def wanted(connection: Connection) -> dict[str, str]:
    return dict(ChannelProduct.plain.filter(connection=connection).values_list("slot", "wanted"))


def claim(connection: Connection, at: Any = NOON) -> list[r.ProductPush]:
    return outbound.claim_products(connection=connection, after=0, limit=100, at=at)


def settle(connection: Connection, items: list[r.ProductPush], outcome: r.PushOutcome) -> None:
    results = [r.PushResult(key=item.key, outcome=outcome, message="words") for item in items]
    outbound.settle_products(connection=connection, items=items, results=results, at=NOON)


def test_a_shop_is_told_the_groups_its_flow_names_and_nothing_twice(world: World) -> None:
    add_flow(world.shop, "push", "text", "codes")
    world.apply(world.erp, "product", product("1", "MUG", name="Mug"))
    world.apply(world.shop, "product", in_shop("MUG"))
    assert set(wanted(world.shop)) == {"text", "codes"}
    items = claim(world.shop)
    assert [(item.external_id, dict(item.fields)) for item in items] == [
        ("70", {"name": "Mug", "description": ""}),
        ("70", {"codes": (r.ArticleCodes("s-MUG", "MUG", ""),)}),
    ]
    settle(world.shop, items, r.PushOutcome.SENT)
    assert claim(world.shop) == []
    world.apply(world.erp, "product", product("1", "MUG", name="Mug"))
    assert claim(world.shop) == [], "nothing was changed"
    world.apply(world.erp, "product", product("1", "MUG", name="Big mug"))
    assert [dict(item.fields) for item in claim(world.shop)] == [{"name": "Big mug", "description": ""}]


def test_a_shop_whose_flow_names_nothing_is_told_nothing(world: World) -> None:
    add_flow(world.shop, "push")
    world.apply(world.erp, "product", product("1", "MUG"))
    world.apply(world.shop, "product", in_shop("MUG"))
    assert ChannelProduct.plain.count() == 0


def test_refused_waits_for_a_change_and_unknown_goes_again_after_the_settle_window(world: World) -> None:
    add_flow(world.shop, "push", "text")
    world.apply(world.erp, "product", product("1", "MUG"))
    world.apply(world.shop, "product", in_shop("MUG"))
    settle(world.shop, claim(world.shop), r.PushOutcome.UNKNOWN)
    assert claim(world.shop) == []
    again = claim(world.shop, LATER)
    assert len(again) == 1
    settle(world.shop, again, r.PushOutcome.REFUSED)
    assert claim(world.shop, LATER) == []
    assert ChannelProduct.plain.get().refused == hash_fields(again[0].fields)
    world.apply(world.erp, "product", product("1", "MUG", name="Other"))
    assert len(claim(world.shop, LATER)) == 1


def test_a_remote_product_with_articles_of_two_of_ours_is_left_alone(world: World) -> None:
    add_flow(world.shop, "push", "text")
    world.apply(world.erp, "product", product("1", "MUG"), product("2", "CUP", name="Cup"))
    world.apply(world.shop, "product", in_shop("MUG", "CUP"))
    assert ChannelProduct.plain.count() == 0
    services.ignore(binding_id=Binding.plain.get(connection=world.shop, reference_code="CUP").pk, at=NOON)
    services.refresh_wanted_products(
        merchant_id=world.merchant.pk, product_ids=[world.variant("MUG").product_id], at=NOON
    )
    assert [row.product.code for row in ChannelProduct.plain.select_related("product")] == ["MUG"]


def test_a_back_office_writes_only_the_groups_it_owns(world: World) -> None:
    flow = add_flow(world.erp, "pull", "codes", "status")
    world.apply(world.erp, "product", product("1", "MUG", name="First name"))
    row = Product.plain.get()
    row.name, row.description = "Ours", "Written here"
    row.save()
    record = replace(product("1", "MUG", name="Theirs"), description="x", status=r.ProductStatus.DRAFT)
    world.apply(world.erp, "product", record)
    row.refresh_from_db()
    assert (row.name, row.description, row.status) == ("Ours", "Written here", "draft")
    flow.settings = {}
    flow.save()
    world.apply(world.erp, "product", record)
    row.refresh_from_db()
    assert (row.name, row.description) == ("Theirs", "x"), "a flow that names no groups owns them all"


def test_a_back_office_that_reads_no_photos_does_not_own_them(world: World) -> None:
    """Odoo gives photos only where its setting says so: until then they are people's, whatever its flow names."""
    flow = add_flow(world.erp, "pull", "text", "photos")
    world.apply(world.erp, "product", product("1", "MUG", name="First name"))
    row = Product.plain.get()
    Product.plain.update(image_urls=["https://x.org/ours.jpg"])
    client = log_in(world.merchant, Role.OWNER)
    page = reverse("admin:catalog_product_change", args=(row.pk,))
    for settings in ({"groups": ["text", "photos"]}, {}):
        flow.settings = settings
        flow.save()
        assert services.find_owners(world.merchant.pk)["name"] == world.erp
        assert "image_urls" not in services.find_owners(world.merchant.pk)
        world.apply(world.erp, "product", product("1", "MUG", name="Theirs"))
        row.refresh_from_db()
        assert (row.name, row.image_urls) == ("Theirs", ["https://x.org/ours.jpg"])
        assert 'name="image_urls"' in client.get(page).content.decode()
    form = {"connection": world.erp.pk, "stream": "product", "direction": "pull", "enabled": "on", "settings": "{}",
            "overlap_seconds": 120, "groups": ["photos"]}  # fmt: skip
    refused = client.post(reverse("admin:integrations_flow_change", args=(flow.pk,)), form).content.decode()
    assert "ERP gives no photos as it is set: switch them on in its settings first." in refused
    world.erp.settings = {**world.erp.settings, "photos": True}
    world.erp.save()
    assert services.find_owners(world.merchant.pk)["image_urls"] == world.erp
    world.apply(world.erp, "product", product("1", "MUG", name="Theirs"))
    row.refresh_from_db()
    assert row.image_urls == []


def test_changed_settings_of_a_back_office_read_its_catalogue_anew_and_not_its_orders(world: World) -> None:
    add_flow(world.erp, "pull", "text")
    for stream in ("stock", "order", "price"):
        enabled = stream != "price"
        Flow(merchant=world.merchant, connection=world.erp, stream=stream, direction="pull", enabled=enabled).save()
    client = log_in(world.merchant, Role.OWNER)
    address = reverse("admin:integrations_connection_edit", args=(world.erp.pk,))
    form = {"name": "ERP", "role": "back_office", "environment": "live", "order_prefix": "", "location": world.place.pk,
            "deadline_seconds": 30, "settle_seconds": 60, "setting_url": "https://example.com",
            "setting_search_lag_seconds": 0, "secret_api_key": "k"}  # fmt: skip
    client.post(address, form, follow=True)
    SyncRun.plain.all().delete()
    assert "begin anew" not in client.post(address, {**form, "name": "Our ERP"}, follow=True).content.decode()
    assert not SyncRun.plain.exists(), "a name is no setting of what is read"
    page = client.post(address, {**form, "setting_stock_by_warehouse": "on"}, follow=True).content.decode()
    assert "these begin anew, with everything: Products from there to us, Stock from there to us." in page
    assert list(SyncRun.plain.order_by("flow__stream").values_list("flow__stream", "trigger")) == [
        ("product", "settings"), ("stock", "settings"),
    ]  # fmt: skip


def test_saving_a_product_sends_it_at_once_and_owned_fields_cannot_be_typed(world: World) -> None:
    add_flow(world.erp, "pull", "text")
    push = add_flow(world.shop, "push", "status", "photos")
    world.apply(world.erp, "product", product("1", "MUG", name="Theirs"))
    world.apply(world.shop, "product", in_shop("MUG"))
    settle(world.shop, claim(world.shop), r.PushOutcome.SENT)
    row, client = Product.plain.get(), log_in(world.merchant, Role.MAPPER)
    typed = {"name": "Mine", "status": "draft", "categories": "Cups\nGifts\n", "image_urls": "https://x.org/a.jpg",
             "variants-TOTAL_FORMS": 0, "variants-INITIAL_FORMS": 0}  # fmt: skip
    response = client.post(reverse("admin:catalog_product_change", args=(row.pk,)), typed, follow=True)
    assert "Sent to Shop A now." in response.content.decode()
    row.refresh_from_db()
    assert (row.name, row.status, row.categories, row.image_urls) == (
        "Theirs", "draft", ["Cups", "Gifts"], ["https://x.org/a.jpg"],
    )  # fmt: skip
    assert SyncRun.plain.filter(flow=push, state="queued").count() == 1
    assert {item.fields.get("status") for item in claim(world.shop)} == {None, r.ProductStatus.DRAFT}


@pytest.mark.parametrize("state", ["watching", "paused"])
def test_a_product_saved_while_its_shop_is_not_written_to_waits_and_nobody_says_it_was_sent(
    world: World, state: str
) -> None:
    add_flow(world.shop, "push", "text")
    world.apply(world.erp, "product", product("1", "MUG"))
    world.apply(world.shop, "product", in_shop("MUG"))
    settle(world.shop, claim(world.shop), r.PushOutcome.SENT)
    Connection.plain.filter(pk=world.shop.pk).update(state=state)
    row = Product.plain.get()
    row.name = "Beaker"
    assert services.save_product(product=row, at=NOON) == []
    assert not SyncRun.plain.exists()
    assert [item.fields["name"] for item in claim(world.shop)] == ["Beaker"], (
        "it goes when the shop is written to again"
    )


@pytest.mark.parametrize("address", ["ftp://x.org/a", "javascript:alert(1)", "nonsense"])
def test_a_photo_is_a_web_address(world: World, address: str) -> None:
    world.apply(world.erp, "product", product("1", "MUG"))
    add_flow(world.erp, "pull")
    row, client = Product.plain.get(), log_in(world.merchant, Role.OWNER)
    typed = {"name": "Mug", "status": "active", "image_urls": address}
    response = client.post(reverse("admin:catalog_product_change", args=(row.pk,)), typed)
    assert f"{address} is no web address." in response.content.decode()


def test_one_owner_a_group(world: World) -> None:
    add_flow(world.erp, "pull", "text")
    pim = Connection(merchant=world.merchant, name="PIM", platform="odoo", role="back_office", state="active")
    pim.settings = {"photos": True}
    pim.save()
    client = log_in(world.merchant, Role.OWNER)
    form = {"connection": pim.pk, "stream": "product", "direction": "pull", "enabled": "on", "settings": "{}",
            "overlap_seconds": 120, "groups": ["text", "photos"]}  # fmt: skip
    response = client.post(reverse("admin:integrations_flow_add"), form)
    assert "Name and description come from ERP already" in response.content.decode()
    response = client.post(reverse("admin:integrations_flow_add"), {**form, "groups": ["photos"]})
    assert response.status_code == 302
    flow = Flow.plain.get(connection=pim)
    assert flow.settings == {"groups": ["photos"]}
    assert SyncRun.plain.get(flow=flow).trigger == "settings"


def test_other_groups_make_everything_anew(world: World) -> None:
    flow = add_flow(world.shop, "push", "text")
    world.apply(world.erp, "product", product("1", "MUG"))
    world.apply(world.shop, "product", in_shop("MUG"))
    client = log_in(world.merchant, Role.OWNER)
    form = {"connection": world.shop.pk, "stream": "product", "direction": "push", "enabled": "on", "settings": "{}",
            "overlap_seconds": 120, "groups": ["status"]}  # fmt: skip
    address = reverse("admin:integrations_flow_change", args=(flow.pk,))
    refused = client.post(address, {**form, "connection": world.erp.pk, "groups": ["photos"]})
    assert "ERP takes no photos." in refused.content.decode()
    assert client.post(address, form).status_code == 302
    assert set(wanted(world.shop)) == {"status"}
    assert SyncRun.plain.filter(flow=flow, trigger="settings").count() == 1


# --- what shops lack -------------------------------------------------------------------------------------------------


def read_once(connection: Connection) -> None:
    flow = add_flow(connection, "pull")
    Cursor(merchant_id=flow.merchant_id, flow=flow, since=NOON).save()


def missing(connection: Connection) -> list[str]:
    return [row.code for row in services.list_missing(connection)]


def test_matching_precedes_creating(world: World) -> None:
    barcode = "4006381333931"
    pen = product("3", "PEN", name="Pen")
    pen = replace(pen, variants=(replace(pen.variants[0], barcode=barcode),))
    world.apply(world.erp, "product", product("1", "MUG"), product("2", "CUP"), pen, product("4", "JAR"))
    other = r.ProductRecord(
        external_id="71", name="Their pen",
        variants=(r.VariantRecord(external_id="s-x", sku="X", barcode=barcode),
                  r.VariantRecord(external_id="s-y", sku="Y", barcode=barcode)),
    )  # fmt: skip
    world.apply(world.shop, "product", in_shop("CUP"), other)
    services.ignore(binding_id=Binding.plain.get(connection=world.shop, reference_code="CUP").pk, at=NOON)
    assert missing(world.shop) == ["MUG", "JAR"]
    Product.plain.filter(code="JAR").update(status="archived")
    assert missing(world.shop) == ["MUG"]
    assert missing(world.other) == ["MUG", "CUP", "PEN"]


def test_nothing_is_created_in_a_shop_that_was_never_read(world: World) -> None:
    assert (
        services.why_not_create(world.shop)
        == "Read the products of Shop A first: what it has already is mapped, not made again."
    )
    read_once(world.shop)
    assert services.why_not_create(world.shop) == ""


def test_what_is_missing_is_made_once_and_bound_by_its_codes(world: World) -> None:
    add_flow(world.shop, "push", "text")
    read_once(world.shop)
    world.apply(world.erp, "product", product("1", "MUG-R", "MUG-G", code="MUG"))
    ids = list(services.list_missing(world.shop).values_list("pk", flat=True))
    assert services.create_missing(connection=world.shop, product_ids=ids, at=NOON) == 1
    assert services.create_missing(connection=world.shop, product_ids=ids, at=NOON) == 0
    command = Command.plain.get(connection=world.shop)
    with scope(world.merchant.pk):
        document = outbound.build_product(command=command, at=NOON)
    assert document.reference == "MUG"
    assert document.product.axes == (r.AxisRecord(name="Colour", values=("MUG-R", "MUG-G")),)
    assert [(one.sku, one.options) for one in document.product.variants] == [
        ("MUG-R", (("Colour", "MUG-R"),)),
        ("MUG-G", (("Colour", "MUG-G"),)),
    ]
    command.state = Command.State.ACCEPTED
    result = r.CommandResult(external_id="90", number="MUG", children=(("MUG-R", "91"), ("MUG-G", "92")))
    outbound.settle_product(command=command, result=result, at=NOON)
    rows = Binding.plain.filter(connection=world.shop).order_by("external_id")
    assert [(row.external_id, row.parent_external_id, row.state) for row in rows] == [
        ("91", "90", "bound"),
        ("92", "90", "bound"),
    ]
    assert [row.external_id for row in ChannelProduct.plain.filter(connection=world.shop)] == ["90"]
    assert missing(world.shop) == []


def test_the_page_plans_first_and_makes_what_is_ticked(world: World) -> None:
    read_once(world.shop)
    world.apply(world.erp, "product", product("1", "MUG"), product("2", "CUP", name="Cup"))
    client: Client = log_in(world.merchant, Role.MAPPER)
    listed = client.get(reverse("admin:catalog_product_missing")).content.decode()
    assert "2 missing" in listed
    assert "Read the products of Shop B first" in listed
    address = reverse("admin:catalog_product_create_missing", args=(world.shop.pk,))
    assert "2 products would be made in Shop A" in client.get(address).content.decode()
    assert Command.plain.count() == 0, "a plan writes nothing"
    cup = Product.plain.get(code="CUP")
    done = client.post(address, {"product": [cup.pk]}, follow=True).content.decode()
    assert "1 product is on its way to Shop A" in done
    assert [command.reference for command in Command.plain.all()] == ["CUP"]
    client.post(address, {"all": "1"})
    assert sorted(command.reference for command in Command.plain.all()) == ["CUP", "MUG"]
    assert log_in(world.merchant, Role.SALES).get(address).status_code == 403
