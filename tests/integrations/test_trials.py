"""Trying calls of a connection configured by form, and certifying its creates, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.urls import reverse

from integrations.models import Connection, Exchange
from integrations.sync import trials
from integrations.sync.vault import store_credentials
from tests.connectors.http_erp.far_side import Answer, Asked, RawErp
from tests.contract.far_side import serve_wsgi
from tests.integrations.test_connection_pages import login
from tests.world import NOON, World, make_world

SAMPLE = trials.Sample(reference="TEST-1", customer="C7", article="17", sku="MUG")
SETTINGS: dict[str, Any] = {
    "auth": "headers", "error_path": "error",
    "create_order_method": "POST", "create_order_path": "orders", "create_order_answer": "id: id",
    "create_order_body": '{"ref": {{ reference }}, "rows": [{% each lines %}{{ sku }}{% end %}]}',
    "find_order_method": "GET", "find_order_path": "orders?ref={{ reference }}", "find_order_answer": "id: id",
    "pull_stock_method": "GET", "pull_stock_path": "stock", "pull_stock_answer": "id: id\nquantity: n",
}  # fmt: skip


class Erp:
    """Keeps what it is given; `twice` says what it does with a reference it has."""

    def __init__(self, twice: str = "again") -> None:
        self.twice = twice
        self.orders: list[str] = []

    def __call__(self, asked: Asked) -> Answer:
        if asked.path == "/stock":
            return 200, [{"id": "17", "n": 3}]
        if asked.method == "GET":
            return 200, [{"id": n} for n, ref in enumerate(self.orders) if f"ref={ref}" == asked.query]
        ref = json.loads(asked.body)["ref"]
        if ref in self.orders and self.twice == "first":
            return 200, {"id": self.orders.index(ref)}
        if ref in self.orders and self.twice == "refused":
            return 200, {"error": f"{ref} is there already"}
        self.orders.append(ref)
        return 200, {"id": len(self.orders) - 1}


@contextmanager
def connected(world: World, answer: Callable[[Asked], Answer], **settings: Any) -> Iterator[tuple[Connection, RawErp]]:
    erp = RawErp(answer)
    with serve_wsgi(erp) as address:
        row = Connection(
            merchant=world.merchant, name="Custom ERP", platform="http_erp", role="back_office", environment="sandbox",
            settings={"url": address, **SETTINGS, **settings}, allowed_private=[urlsplit(address).netloc],
        )  # fmt: skip
        row.save()
        store_credentials(row, {"username": "u", "password": "pw-1"})
        yield row, erp


@pytest.fixture
def world(transactional_db: None) -> World:
    return make_world()


def test_a_call_that_reads_shows_the_real_request_and_what_was_read(world: World) -> None:
    with connected(world, Erp()) as (row, _):
        trial = trials.try_call(row, "pull_stock", SAMPLE, at=NOON)
    (exchange,) = trial.exchanges
    assert (exchange.method, urlsplit(exchange.url).path, exchange.status) == ("GET", "/stock", 200)
    assert exchange.request_headers["password"] == "•••"
    assert json.loads(exchange.response_body) == [{"id": "17", "n": 3}]
    assert trial.found == ("external_id: 17 · quantity: 3",)
    assert Exchange.plain.get(connection=row).status == 200


def test_a_call_that_writes_needs_a_yes_and_an_error_is_said_in_their_words(world: World) -> None:
    with connected(world, Erp("refused")) as (row, erp):
        with pytest.raises(trials.NotAgreed):
            trials.try_call(row, "create_order", SAMPLE, at=NOON)
        with pytest.raises(trials.NotAgreed):
            trials.certify(row, SAMPLE, at=NOON)
        assert erp.asked == []
        assert trials.try_call(row, "create_order", SAMPLE, at=NOON, agreed=True).error == ""
        again = trials.try_call(row, "create_order", SAMPLE, at=NOON, agreed=True)
        assert again.code == "REJECTED"
        assert "TEST-1 is there already" in again.error
        assert erp.asked[-1].json == {"ref": "TEST-1", "rows": ["MUG"]}


@pytest.mark.parametrize(
    ("twice", "safety", "does", "agrees", "left"),
    [
        ("again", "none", "It makes a second one. The search finds 2.", True, ("0", "1")),
        ("again", "search", "It makes a second one. The search finds 2.", True, ("0", "1")),
        ("again", "repeatable", "It makes a second one. The search finds 2.", False, ("0", "1")),
        ("again", "unique_key", "It makes a second one. The search finds 2.", False, ("0", "1")),
        ("first", "repeatable", "It answers with the first one again. The search finds 1.", True, ("0",)),
        ("refused", "unique_key", "It refuses the same number", True, ("0",)),
        ("refused", "repeatable", "It refuses the same number", False, ("0",)),
    ],
)
def test_each_create_is_sent_twice_and_what_came_is_held_against_the_form(
    world: World, twice: str, safety: str, does: str, agrees: bool, left: tuple[str, ...]
) -> None:
    erp = Erp(twice)
    with connected(world, erp, create_order_safety=safety) as (row, _):
        (finding,) = trials.certify(row, SAMPLE, at=NOON, agreed=True)
    assert finding.does.startswith(does)
    assert (finding.name, finding.agrees, finding.left) == ("create_order", agrees, left)
    assert len(set(erp.orders)) == 1
    assert erp.orders[0] != SAMPLE.reference, "a reference of its own, so that a trial before does not count"


def test_a_search_that_misses_one_is_not_certified(world: World) -> None:
    with connected(world, Erp(), create_order_safety="search", find_order_path="orders?ref=nothing") as (row, _):
        (finding,) = trials.certify(row, SAMPLE, at=NOON, agreed=True)
    assert not finding.agrees
    assert "does not find all" in finding.advice


def test_the_page_tries_certifies_and_asks_twice_on_a_live_connection(world: World) -> None:
    client = login(world)
    with connected(world, Erp()) as (row, erp):
        address = reverse("admin:integrations_connection_calls", args=(row.pk,))
        given = {"reference": "TEST-9", "article": "17", "sku": "MUG", "price": "1.00", "currency": "GBP"}
        assert "Certify: send each create twice" in client.get(address).content.decode()
        page = client.post(address, {**given, "call": "pull_stock"}).content.decode()
        assert "GET http://127.0.0.1" in page
        assert "pw-1" not in page
        page = client.post(address, {**given, "call": "certify"}).content.decode()
        assert "Nothing was sent." in page
        assert len(erp.asked) == 1
        page = client.post(address, {**given, "call": "certify", "agreed": "1"}).content.decode()
        assert "It makes a second one. The search finds 2." in page
        Connection.plain.filter(pk=row.pk).update(environment="live")
        before = len(erp.asked)
        page = client.post(address, {**given, "call": "create_order", "agreed": "1"}).content.decode()
        assert "Type the connection&#x27;s name, too" in page
        assert len(erp.asked) == before
        client.post(address, {**given, "call": "create_order", "agreed": "1", "name": "Custom ERP"})
        assert len(erp.asked) == before + 1


def test_the_page_is_for_owners_and_for_what_is_configured_by_form(world: World) -> None:
    client = login(world)
    assert client.get(reverse("admin:integrations_connection_calls", args=(world.shop.pk,))).status_code == 404
