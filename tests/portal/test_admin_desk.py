"""Support's desk: Today adds up, orders are found by what people know, and many messages go again together."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from integrations.contract import records as r
from integrations.models import Command, Replay
from integrations.sync.outbox import enqueue
from orders.models import FulfilmentOrder, Order
from tests.portal.people import log_in
from tests.world import World, make_world, order, stocked

LIST = "admin:orders_order_changelist"


@pytest.fixture
def world(db: None) -> World:
    world = make_world()
    stocked(world, "MUG")
    return world


def sell(world: World, number: str, sku: str = "MUG", **more: Any) -> Order:
    now = timezone.now()
    world.apply(world.shop, "order", order(number, (sku, 1, "4.50"), placed_at=now, **more), at=now)
    return Order.plain.get(merchant=world.merchant, number=number)


def put(row: Order, state: str) -> Command:
    """The order's part and message as a back office's answer left them."""
    FulfilmentOrder.plain.filter(order=row).update(state=state)
    command = Command.plain.get(subject_type="order", subject_id=row.pk, kind="create_order")
    Command.plain.filter(pk=command.pk).update(
        state="verified" if state == "placed" else state, message="No such tax", payload=b"{}"
    )
    command.refresh_from_db()
    return command


def test_today_accounts_for_every_order_and_links_to_its_rows(world: World) -> None:
    for number, state in (("1", "placed"), ("2", "placed"), ("3", "needs_fix"), ("4", "needs_human"), ("5", "queued")):
        put(sell(world, number), state)
    sell(world, "6", sku="nobody-knows-it")
    old = sell(world, "7")
    Order.plain.filter(pk=old.pk).update(received_at=timezone.now() - timedelta(days=3))
    client = log_in(world.merchant, "support")
    context = client.get(reverse("admin:index")).context
    lines = {line["words"]: line for line in context["orders"]["lines"]}
    assert {words: (line["count"], line["money"]) for words, line in lines.items()} == {
        "in the back office": (2, "9.00 GBP"),
        "refused": (1, "4.50 GBP"),
        "for a person to decide": (1, "4.50 GBP"),
        "on the way": (1, "4.50 GBP"),
        "waiting for a mapping or a person": (1, "4.50 GBP"),
    }
    assert (context["orders"]["total"], context["orders"]["money"], context["orders"]["balanced"]) == (
        6, "27.00 GBP", True,
    )  # fmt: skip
    for line in lines.values():
        assert client.get(line["url"]).context["cl"].result_count == line["count"], line["words"]
    needs = client.get(reverse(LIST), {"see": "needs"}).context["cl"]
    why = {row.number: row.why for row in needs.result_list}
    assert (sorted(why), why["3"], why["4"]) == (["3", "4", "6"], "No such tax", "No such tax")
    assert "nobody-knows-it" in why["6"]
    words = [need["words"] for need in context["needs"]]
    assert "ERP refuses 1 message" in words
    assert "1 order waits for articles nobody has mapped" in words


@pytest.mark.parametrize("term", ["#1001", "1001", "+44 20 7946 0018", "020 7946 0018", "ANNA@example.com", "S00731"])
def test_an_order_is_found_by_what_people_know(world: World, term: str) -> None:
    address = r.AddressRecord(name="Anna", country="GB", phone="(020) 7946 0018", email="anna@example.com")
    found = sell(world, "1001", billing=address)
    FulfilmentOrder.plain.filter(order=found).update(external_number="S00731")
    sell(world, "1002")
    rows = log_in(world.merchant, "sales").get(reverse(LIST), {"q": term}).context["cl"].result_list
    assert [row.number for row in rows] == ["1001"]


def test_the_list_costs_as_many_queries_for_thirty_orders_as_for_two(world: World) -> None:
    client = log_in(world.merchant, "support")

    def count_queries() -> int:
        with CaptureQueriesContext(
            database,
        ) as queries:
            assert client.get(reverse(LIST)).status_code == 200
        counts = [one["sql"] for one in queries if "COUNT(*)" in one["sql"] and "orders_order" in one["sql"]]
        assert [one for one in counts if "LIMIT" not in one] == [], "no list is counted to its end"
        return len(queries)

    for number in ("1", "2"):
        sell(world, number, sku="unknown")
    few = count_queries()
    for more in range(3, 31):
        sell(world, str(more), sku="unknown")
    assert count_queries() == few


def refuse(world: World, count: int) -> None:
    now = timezone.now()
    row = sell(world, "1")
    line = str(FulfilmentOrder.plain.get(order=row).pk)
    for number in range(count):
        enqueue(connection=world.erp, kind="create_order", stream="order", subject=("order", row.pk), line=line,
                reference=f"R-{number}", at=now)  # fmt: skip
    Command.plain.filter(reference__startswith="R-").update(state="needs_fix", message="No such tax", amount=1)


def test_bad_input_68_more_than_a_hundred_are_shown_first(world: World) -> None:
    refuse(world, 101)
    client = log_in(world.merchant, "support")
    page = reverse("admin:integrations_command_changelist")
    one = Command.plain.filter(reference="R-0").get()
    chosen = {"action": "send_again", "_selected_action": str(one.pk), "select_across": "1"}
    asked = client.post(page, chosen)
    assert "Send 101 messages again?" in asked.content.decode()
    assert "No such tax" in asked.content.decode()
    assert Replay.plain.count() == 0
    assert Command.plain.filter(state="needs_fix").count() == 101, "looking sends nothing"
    for typed in ("", "100"):
        again = client.post(page, {**chosen, "how": "rebuild", "typed": typed})
        assert "Type 101 to say that you mean all of them." in again.content.decode()
        assert Replay.plain.count() == 0
    done = client.post(page, {**chosen, "how": "rebuild", "typed": "101"}, follow=True)
    assert "101 messages are sent." in done.content.decode()
    assert Command.plain.filter(state="needs_fix").count() == 0
    assert set(Replay.plain.values_list("action", "reason")) == {("rebuild", "many at once")}
    assert Replay.plain.count() == 101


def test_one_refused_message_goes_again_at_once_and_others_are_left_alone(world: World) -> None:
    refused, unclear, placed = (put(sell(world, n), s) for n, s in (("1", "needs_fix"), ("2", "needs_human"),
                                                                  ("3", "placed")))  # fmt: skip
    chosen = {"action": "send_again", "_selected_action": list(Order.plain.values_list("pk", flat=True))}
    chosen["how"] = "rebuild"
    log_in(world.merchant, "auditor").post(reverse(LIST), chosen)
    refused.refresh_from_db()
    assert refused.state == "needs_fix", "an auditor only looks"
    log_in(world.merchant, "support").post(reverse(LIST), chosen)
    for row in (refused, unclear, placed):
        row.refresh_from_db()
    assert (refused.state, refused.revision, refused.search_first) == ("pending", 2, True)
    assert (unclear.state, placed.state) == ("needs_human", "verified")


def test_bad_input_67_a_message_of_unknown_outcome_is_looked_for_first(world: World) -> None:
    row = sell(world, "1")
    command = put(row, "needs_fix")
    Command.plain.filter(pk=command.pk).update(state="unknown")
    address = reverse("admin:orders_order_decide", args=(row.pk,))
    page = log_in(world.merchant, "support").post(address, {"command": command.pk, "do": "retry"}, follow=True)
    assert "Outcome unknown: looking in the ERP first." in page.content.decode()
    command.refresh_from_db()
    assert command.state == "unknown"
