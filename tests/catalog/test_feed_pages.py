"""Upload a feed: from the file to its report to the run, on the pages of the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from catalog.models import AllocationRule, ChannelStock, Feed, FeedMapping, Price, StockRecord
from integrations.models import SyncRun
from integrations.sync.execute import execute
from tests.portal.people import log_in
from tests.world import D, World, stocked

COLUMNS = {"article": "Code", "quantity": "Pieces", "location": "", "identify": "code"}


@pytest.fixture
def mapper(world: World) -> Client:
    stocked(world, "CUP", "MUG")
    return log_in(world.merchant, "mapper")


def upload(client: Client, world: World, text: str, name: str = "stock.csv", **more: str) -> Any:
    file = SimpleUploadedFile(name, text.encode())
    given = {"stream": "stock", "connection": world.erp.pk, "mode": "partial", "file": file, **more}
    return client.post(reverse("admin:catalog_feed_add"), given, follow=True)


def page() -> str:
    return reverse("admin:catalog_feed_change", args=(Feed.plain.get().pk,))


def test_a_person_uploads_maps_columns_looks_and_takes_over(mapper: Client, world: World) -> None:
    asked = upload(mapper, world, "Code;Pieces\nMUG;7\nCUP;10\nWHO;1\n")
    assert b"What its columns mean" in asked.content
    report = mapper.post(page(), COLUMNS, follow=True)
    assert "3 rows: 1 changed, 1 as they were, 1 nobody knows" in report.content.decode()
    assert "Change 1 figure</button>" in report.content.decode()
    assert set(StockRecord.plain.values_list("quantity", flat=True)) == {10}
    taken = mapper.post(page(), follow=True)
    assert b"stock.csv is being taken over." in taken.content
    execute(SyncRun.plain.get().pk)
    assert ChannelStock.plain.get(connection=world.shop, binding__variant__code="MUG").wanted == 7
    assert "Taken over" in mapper.get(page()).content.decode()
    assert FeedMapping.plain.get().columns == {"article": "Code", "quantity": "Pieces"}
    upload_again = upload(mapper, world, "Pieces;Code\n7;MUG\n")
    assert b'<option value="Pieces" selected>' in upload_again.content


def test_wrong_rows_are_shown_and_left_out_only_when_asked(mapper: Client, world: World) -> None:
    upload(mapper, world, "Code,Pieces\nMUG,7\nCUP,few\n")
    report = mapper.post(page(), COLUMNS, follow=True).content.decode()
    assert "Line 3:" in report
    assert "&#x27;few&#x27; is no number." in report
    assert "Change 1 figure, leave the wrong rows out" in report
    refused = mapper.post(page(), follow=True).content.decode()
    assert "is no number" in refused
    assert not SyncRun.plain.exists()
    mapper.post(page(), {"only_good_rows": "1"})
    assert execute(SyncRun.plain.get().pk) == "done"
    assert StockRecord.plain.get(variant__code="MUG").quantity == 7


def test_a_file_that_is_no_table_is_refused_in_words(mapper: Client, world: World) -> None:
    answer = upload(mapper, world, "\x00PNG", name="photo.png")
    assert ".png files are not taken: save it as CSV or as XLSX without macros." in answer.content.decode()
    upload(mapper, world, "Code,Pieces\nMUG,7\nMUG,7\n")
    feed = Feed.plain.order_by("-pk")[0]
    address = reverse("admin:catalog_feed_change", args=(feed.pk,))
    report = mapper.post(address, COLUMNS, follow=True).content.decode()
    assert "MUG is in line 2 and again in line 3." in report
    assert "Change 1 figure" not in report


def test_items_with_options_are_mapped_on_the_page_and_remembered(mapper: Client, world: World) -> None:
    text = "Handle,SKU,Farbe,Size\nTOY,T-1,Rot,S\nTOY,T-2,Rot,L\n"
    asked = upload(mapper, world, text, "items.csv", stream="product").content.decode()
    assert "Items: products, their articles and options" in asked
    assert '<input type="checkbox" name="options" value="Size"' in asked
    given = {"sku": "SKU", "product": "Handle", "options": ["Farbe", "Size"]}
    report = mapper.post(page(), given, follow=True).content.decode()
    assert "2 rows, 1 product: 1 new" in report
    assert "Change 1 product</button>" in report
    mapper.post(page())
    assert execute(SyncRun.plain.get().pk) == "done"
    assert world.variant("T-2").option_key == "Farbe=Rot|Size=L"
    assert FeedMapping.plain.get().columns == {
        "sku": "SKU", "product": "Handle", "option:Farbe": "Farbe", "option:Size": "Size",
    }  # fmt: skip
    again = upload(mapper, world, text, "items.csv", stream="product")
    assert again.context["form"].initial["options"] == ["Farbe", "Size"]


def test_a_price_that_moves_too_much_is_shown_and_goes_only_when_a_person_says_so(mapper: Client, world: World) -> None:
    columns = {"article": "sku", "price": "price", "currency": "currency", "identify": "code"}
    upload(mapper, world, "sku,price,currency\nMUG,10,GBP\n", "prices.csv", stream="price")
    mapper.post(page(), columns)
    mapper.post(page())
    execute(SyncRun.plain.get().pk)
    upload(mapper, world, "sku,price,currency\nMUG,20,GBP\n", "prices.csv", stream="price")
    address = reverse("admin:catalog_feed_change", args=(Feed.plain.latest("pk").pk,))
    report = mapper.post(address, columns, follow=True).content.decode()
    assert "1 price would move by more than 30 %: MUG from 10.00 GBP to 20.00 GBP (line 2)." in report
    assert "Change 1 price all the same</button>" in report
    mapper.post(address)
    assert SyncRun.plain.count() == 1
    mapper.post(address, {"ignore_brake": "1"})
    assert execute(SyncRun.plain.latest("pk").pk) == "done"
    assert Price.plain.get().amount == 20


def test_nobody_is_deleted_by_a_file_of_customers(mapper: Client, world: World) -> None:
    answer = upload(mapper, world, "code\n1\n", "customers.csv", stream="customer", mode="complete")
    assert "Nobody is deleted because a file leaves him out: choose the first." in answer.content.decode()
    assert not Feed.plain.exists()


def test_a_thousand_wrong_rows_show_fifty_and_say_so(mapper: Client, world: World) -> None:
    upload(mapper, world, "Code,Pieces\nMUG,7\n" + "".join(f"A{n},x\n" for n in range(1000)))
    report = mapper.post(page(), COLUMNS, follow=True).content.decode()
    assert "1,001 rows: 1 changed, 1,000 wrong" in report
    assert "The first 50; 950 more are as wrong." in report
    assert report.count("is no number.") == 51, "fifty, and the first of them as what is in the way"


def test_without_a_back_office_the_page_says_what_to_do(world: World, mapper: Client) -> None:
    world.erp.role = "store"
    world.erp.save()
    answer = mapper.get(reverse("admin:catalog_feed_add")).content.decode()
    assert "There is no back office yet" in answer
    assert 'type="file"' not in answer


@pytest.mark.parametrize(("role", "status"), [("owner", 200), ("mapper", 200), ("support", 403), ("sales", 403)])
def test_only_those_who_map_upload(world: World, role: str, status: int) -> None:
    assert log_in(world.merchant, role).get(reverse("admin:catalog_feed_add")).status_code == status


def test_a_person_limited_to_a_location_uploads_nothing(world: World) -> None:
    client = log_in(world.merchant, "mapper", world.place)
    assert client.get(reverse("admin:catalog_feed_add")).status_code == 403


def test_the_variants_page_says_why_a_shop_shows_what_it_shows(mapper: Client, world: World) -> None:
    AllocationRule(merchant=world.merchant, connection=world.shop, buffer=D(1)).save()
    address = reverse("admin:catalog_variant_change", args=(world.variant("MUG").pk,))
    assert "10 on hand − 0 reserved − 1 buffer = 9 for Shop A" in mapper.get(address).content.decode()
    limited = log_in(world.merchant, "mapper", world.place)
    assert "on hand" not in limited.get(address).content.decode()


def test_a_rule_is_saved_and_its_shop_changes(world: World) -> None:
    stocked(world, "MUG")
    owner = log_in(world.merchant, "owner")
    given = {
        "connection": world.shop.pk,
        "category": "",
        "pick": "together",
        "buffer": "4",
        "stop_below": "0",
        "share": "50",
    }
    answer = owner.post(reverse("admin:catalog_allocationrule_add"), given, follow=True)
    assert "1 figure of Shop A changes and is sent now." in answer.content.decode()
    assert ChannelStock.plain.get(connection=world.shop).wanted == 3
    again = owner.post(reverse("admin:catalog_allocationrule_add"), given).content.decode()
    assert "This shop has a rule for this category already: change that one." in again
    rule = AllocationRule.plain.get()
    owner.post(reverse("admin:catalog_allocationrule_delete", args=(rule.pk,)), {"post": "yes"})
    assert ChannelStock.plain.get(connection=world.shop).wanted == 10
