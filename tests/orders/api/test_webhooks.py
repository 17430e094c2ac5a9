"""Apps are told how far orders are: signed, once, in order; private addresses refused; what fails is tried again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from integrations.contract.signing import verify
from integrations.models import Command, Connection
from integrations.sync.deliver import deliver
from orders.models import FulfilmentOrder, Order
from orders.services.status import tell_status
from tests.api_world import Caller, connect_api, make_caller, refused
from tests.contract.servers import RawServer
from tests.orders.test_goods import place
from tests.world import World, make_world, order, stocked


class Receiver:
    """An app's own server."""

    def __init__(self) -> None:
        self.status = b"204 No Content"
        self.server = RawServer(lambda connection: connection.sendall(
            b"HTTP/1.1 " + self.status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ))  # fmt: skip
        self.address = f"127.0.0.1:{self.server.port}"

    @property
    def notices(self) -> list[tuple[dict[str, str], bytes]]:
        found = []
        for raw in self.server.requests:
            head, _, body = raw.partition(b"\r\n\r\n")
            lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
            found.append(({name.lower(): value for name, _, value in lines}, body))
        return found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.close()


@pytest.fixture(autouse=True)
def world(db: None) -> World:
    cache.clear()
    return make_world()


@pytest.fixture
def wms(world: World, receiver: Receiver) -> Connection:
    return connect_api(world, "Warehouse", role="back_office", allowed_private=[receiver.address])


@pytest.fixture
def caller(wms: Connection) -> Caller:
    return make_caller(wms, "webhooks", "shipments:write")


def ask(caller: Caller, receiver: Receiver) -> dict[str, Any]:
    body = {"url": f"http://{receiver.address}/notices", "topics": ["order.status"]}
    answer = caller.post("/webhooks", body)
    assert answer.status_code == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


@pytest.fixture
def placed(world: World, wms: Connection) -> Order:
    """An order of the shop that is the warehouse's."""
    stocked(world, "MUG")
    row = place(world, order("1001", ("MUG", 2, "4.50")))
    FulfilmentOrder.plain.update(destination=wms)
    return row


def tell(order: Order) -> None:
    with transaction.atomic():
        tell_status(Order.plain.select_for_update(of=("self",)).get(pk=order.pk), at=timezone.now())


def send() -> list[str]:
    rows = Command.plain.filter(kind="notify", state="pending").order_by("pk")
    return [deliver(pk) for pk in rows.values_list("pk", flat=True)]


def test_an_order_that_goes_on_is_told_once_and_signed(
    world: World, caller: Caller, receiver: Receiver, placed: Order
) -> None:
    made = ask(caller, receiver)
    tell(placed)
    tell(placed)
    assert send() == ["accepted"], "asked twice, told once"
    ((headers, body),) = receiver.notices
    verify(made["secret"], body, headers["stockbridge-signature"], now=timezone.now())
    told = json.loads(body)
    assert (told["topic"], headers["stockbridge-topic"]) == ("order.status", "order.status")
    assert told["id"] == headers["stockbridge-id"] == Command.plain.get(kind="notify").public_id
    assert told["data"] == {
        "id": placed.public_id, "reference": "1001", "number": "1001", "status": "Pending",
        "progress": ["placed", "pending"],
    }  # fmt: skip
    tell(placed)
    assert send() == [], "nothing has changed since"
    answer = caller.post("/shipments", {"items": [{"order": placed.public_id, "id": "P1"}]})
    assert answer.json()["created"] == 1
    tell(placed)
    assert send() == ["accepted"]
    assert json.loads(receiver.notices[1][1])["data"]["status"] == "Delivered"
    assert made["secret"] not in str(list(Command.plain.values_list("payload", flat=True)))


def test_what_is_not_taken_comes_again_with_the_same_id(caller: Caller, receiver: Receiver, placed: Order) -> None:
    ask(caller, receiver)
    receiver.status = b"503 Service Unavailable"
    tell(placed)
    assert send() == ["unknown"]
    receiver.status = b"200 OK"
    Command.plain.filter(kind="notify").update(next_attempt_at=timezone.now())
    assert deliver(Command.plain.get(kind="notify").pk) == "accepted"
    first, second = receiver.notices
    assert first[1] == second[1]
    assert first[0]["stockbridge-id"] == second[0]["stockbridge-id"]


def test_only_ones_own_orders_are_told(world: World, receiver: Receiver, placed: Order) -> None:
    stranger = connect_api(world, "Other app", prefix="O-", allowed_private=[receiver.address])
    ask(make_caller(stranger, "webhooks"), receiver)
    theirs = make_world("Other")
    far = connect_api(theirs, "Far", allowed_private=[receiver.address])
    ask(make_caller(far, "webhooks"), receiver)
    tell(placed)
    assert Command.plain.filter(kind="notify").count() == 0


def test_listed_read_and_deleted_by_its_own_connection(world: World, caller: Caller, receiver: Receiver) -> None:
    made = ask(caller, receiver)
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert caller.get("/webhooks").json() == {"results": [made]}
    assert caller.get(f"/webhooks/{made['id']}").json() == made
    again = caller.post("/webhooks", {"url": made["url"], "topics": made["topics"]})
    assert refused(again) == (409, "webhook_exists")
    stranger = make_caller(connect_api(world, "Other app", prefix="O-"), "webhooks")
    assert stranger.get("/webhooks").json() == {"results": []}
    for method in ("GET", "DELETE"):
        assert refused(stranger.call(method, f"/webhooks/{made['id']}")) == (404, "not_found")
    assert caller.call("DELETE", f"/webhooks/{made['id']}").status_code == 204
    assert caller.get("/webhooks").json() == {"results": []}
    assert refused(caller.call("DELETE", f"/webhooks/{made['id']}")) == (404, "not_found")


def test_a_deleted_one_is_told_nothing_any_more(caller: Caller, receiver: Receiver, placed: Order) -> None:
    made = ask(caller, receiver)
    tell(placed)
    caller.call("DELETE", f"/webhooks/{made['id']}")
    tell(placed)
    assert send() == []
    assert [one.state for one in Command.plain.filter(kind="notify")] == ["withdrawn"]
    assert receiver.notices == []


@pytest.mark.parametrize("url", [
    "http://169.254.169.254/latest", "http://127.0.0.1:6379/", "https://localhost/", "http://10.0.0.1/", "x",
    "https://user:pw@example.com/", "http://[::1]/", "ftp://example.com/",
])  # fmt: skip
def test_private_addresses_are_refused(caller: Caller, url: str) -> None:
    answer = caller.post("/webhooks", {"url": url, "topics": ["order.status"]})
    assert (refused(answer), answer.json()["field"]) == ((400, "address_not_allowed"), "url")
    assert Connection.plain.filter(platform="webhook").count() == 0


def test_bad_input_29_topics_and_fields_nobody_offers(caller: Caller, wms: Connection) -> None:
    url = "https://app.example.com/"
    assert refused(caller.post("/webhooks", {"url": url, "topics": ["passwords"]})) == (400, "invalid_value")
    body = {"url": url, "topics": ["order.status"], "secret": "mine"}
    assert refused(caller.post("/webhooks", body)) == (400, "unknown_field")
    assert refused(make_caller(wms, "items:read").get("/webhooks")) == (403, "permission_denied")
