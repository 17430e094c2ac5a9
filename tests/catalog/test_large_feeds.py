"""Files so large that a worker checks them: the door answers at once, the page says how far it is."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.models import Feed, Product, StockRecord
from catalog.services import feeds
from catalog.services.item_feeds import ItemFeed
from catalog.services.stock_feeds import StockFeed
from integrations.models import Connection, RunLogLine, SyncRun
from integrations.sync import runs
from integrations.sync.execute import execute
from tests.catalog.feed_door import Door
from tests.portal.people import log_in
from tests.world import D, World, stocked

LONG = "x" * 9_000


@pytest.fixture
def door(world: World) -> Door:
    stocked(world, "MUG", "CUP")
    return Door(world, "stock")


def stock_file(*rows: str) -> str:
    """More than eight megabytes, most of it in a column that means nothing to us."""
    empty = [f"NOBODY-{number},1,{LONG}" for number in range(1_000)]
    return "\n".join(["sku,quantity,remark", *(f"{row}," for row in rows), *empty]) + "\n"


def item_file(*rows: str) -> str:
    made = [f"N-{number},New {number},{LONG}" for number in range(130)]
    return "\n".join(["sku,name,description", *rows, *made]) + "\n"


def on_hand(code: str) -> Any:
    return StockRecord.plain.get(variant__code=code).quantity


def look(door: Door, url: str) -> Any:
    return door.client.get(url, headers={"Authorization": f"Bearer {door.key}"}).json()


def work() -> list[str]:
    return [execute(pk) for pk in runs.due(timezone.now()).order_by("pk").values_list("pk", flat=True)]


def test_a_large_file_is_answered_at_once_checked_by_a_worker_and_taken_over_by_the_same_run(door: Door) -> None:
    answer = door.send(stock_file("MUG,4"), only_good_rows="1")
    assert answer.status_code == 202
    said = answer.json()
    assert (said["state"], said["message"], said["seen"]) == ("checking", "It waits for a worker.", 0)
    assert on_hand("MUG") == 10
    assert work() == ["done"]
    found = look(door, said["url"])
    assert (found["state"], found["seen"], found["updated"], found["skipped"]) == ("applied", 1_001, 1, 1_000)
    assert on_hand("MUG") == 4
    assert SyncRun.plain.filter(trigger="feed").count() == 1
    assert RunLogLine.plain.filter(message="1,001 rows are read; now they are compared with what we have.").exists()


def test_a_dry_run_of_a_large_file_ends_with_its_report(door: Door) -> None:
    answer = door.send(stock_file("MUG,4"), dry_run="1")
    assert (answer.status_code, answer.json()["state"]) == (202, "checking")
    assert work() == ["done"]
    found = look(door, answer.json()["url"])
    assert (found["state"], found["updated"], found["skipped"]) == ("checked", 1, 1_000)
    assert on_hand("MUG") == 10
    feed = Feed.plain.get()
    assert feed.run_id is not None
    SyncRun.plain.filter(pk=feed.run_id).update(state="running", finished_at=None)
    assert work() == ["done"], "a worker that died after the check is followed by one that has nothing to do"
    assert on_hand("MUG") == 10


def test_what_is_wrong_with_a_large_file_is_said_where_it_went(door: Door) -> None:
    for body, code, words in (
        (stock_file("MUG,many"), "INVALID_DECIMAL", "'many' is no number."),
        (stock_file("MUG,4", "MUG,5"), "DUPLICATE_ROW", "MUG is in line 2 and again in line 3."),
    ):
        answer = door.send(body)
        assert answer.status_code == 202
        assert work() == ["failed"]
        found = look(door, answer.json()["url"])
        assert (found["state"], found["message"]) == ("failed", words)
        assert words in [note["message"] for note in found["errors"]]
        assert SyncRun.plain.latest("pk").error_code == code
    assert on_hand("MUG") == 10


def test_a_large_file_that_nobody_may_send_is_refused_at_once(door: Door) -> None:
    Connection.plain.filter(pk=door.world.erp.pk).update(state="needs_reauth")
    assert door.refuse(stock_file("MUG,4"), status=409)["code"] == "connection_not_reading"
    assert Feed.plain.filter(state="checking").count() == 0


def test_a_file_is_in_one_workers_hands_only(door: Door) -> None:
    door.send(stock_file("MUG,4"))
    feed = Feed.plain.select_related("connection").get()
    with pytest.raises(feeds.NotPossible, match="being checked"):
        feeds.check_later(feed=feed, goes_on=True, at=timezone.now())
    with pytest.raises(feeds.NotPossible, match="being checked"):
        feeds.queue(feed=feed, at=timezone.now())
    assert SyncRun.plain.count() == 1


def test_a_person_stops_the_check_between_two_steps(door: Door) -> None:
    door.send(stock_file("MUG,4"))
    SyncRun.plain.update(cancel_requested=True)
    assert work() == ["cancelled"]
    assert Feed.plain.get().state == "failed"
    assert on_hand("MUG") == 10


@pytest.mark.parametrize(
    ("stream", "filename", "size", "large"),
    [
        ("stock", "a.csv", StockFeed.checked_at_once, False),
        ("stock", "a.csv", StockFeed.checked_at_once + 1, True),
        ("stock", "a.XLSX", StockFeed.checked_at_once // 8 + 1, True),
        ("product", "a.csv", ItemFeed.checked_at_once, False),
        ("product", "a.csv", ItemFeed.checked_at_once + 1, True),
        ("customer", "a.xlsx", (1 << 17) + 1, True),
    ],
)
def test_what_is_large(world: World, stream: str, filename: str, size: int, large: bool) -> None:
    row = Feed(merchant=world.merchant, connection=world.erp, stream=stream, filename=filename, size=size)
    assert feeds.is_large(row) is large


def test_the_page_of_a_large_file_says_how_far_it_is_and_then_what_would_change(world: World) -> None:
    client: Client = log_in(world.merchant, "mapper")
    from django.core.files.uploadedfile import SimpleUploadedFile

    file = SimpleUploadedFile("items.csv", item_file("MUG,Mug,short").encode())
    client.post(
        reverse("admin:catalog_feed_add"),
        {"stream": "product", "connection": world.erp.pk, "mode": "partial", "file": file},
    )
    address = reverse("admin:catalog_feed_change", args=(Feed.plain.get().pk,))
    client.post(address, {"sku": "sku", "name": "name", "description": "description"})
    page = client.get(address).content.decode()
    assert "A worker is checking it" in page
    assert "It waits for a worker." in page
    assert 'http-equiv="refresh" content="3"' in page
    assert work() == ["done"]
    assert RunLogLine.plain.filter(message="0 of 131 are compared with what we have.").exists()
    page = client.get(address).content.decode()
    assert "131 rows, 131 products: 131 new" in page
    assert "http-equiv" not in page
    assert Product.plain.count() == 0
    client.post(address)
    assert work() == ["done"]
    assert (Feed.plain.get().state, Product.plain.count()) == ("applied", 131)
    assert SyncRun.plain.filter(trigger="feed").count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_large_file_that_is_no_table_says_so_on_its_page(world: World) -> None:
    stocked(world, "MUG")
    door = Door(world, "stock")
    answer = door.send(stock_file("MUG,4") + 'BAD,"never ends\n')
    assert answer.status_code == 202
    assert work() == ["failed"]
    feed = Feed.plain.get()
    page = log_in(world.merchant, "mapper").get(reverse("admin:catalog_feed_change", args=(feed.pk,))).content.decode()
    assert "Nothing of it was taken over" in page
    assert feed.run is not None
    assert feed.run.message in page.replace("&#x27;", "'")
    assert on_hand("MUG") == D(10)
