"""What support's desk is for, in a browser, with a simulated shop and a simulated ERP: found, mended, released, placed.

The test is the worker: `scene.work()` delivers what is due.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from integrations.models import Command, Connection, Problem, Release, Replay
from integrations.sync import documents, lease, releases
from integrations.sync.client import Captures, build_connector
from integrations.sync.handlers import call
from orders.models import FulfilmentOrder, Order
from tests.browser.conftest import DESK, PHONE, Visitor
from tests.scene import PLENTY, Scene, open_scene

pytestmark = [pytest.mark.browser, pytest.mark.slow]
WIDTHS = pytest.mark.parametrize("width", [DESK, PHONE])
WEEKEND = timedelta(hours=62)


@pytest.fixture
def scene(transactional_db: None) -> Iterator[Scene]:
    with open_scene({"MUG": Decimal("2.50")}) as scene:
        yield scene


def refuse(scene: Scene, count: int) -> list[Command]:
    """So many paid orders that the ERP refuses."""
    for _ in range(count):
        scene.order("MUG")
    scene.run(scene.shop, "order")
    scene.odoo.dials(match="sale.order/create", status={"422": 1.0})
    assert set(scene.work()) == {"needs_fix"}
    scene.odoo.dials(match="", status={})
    return list(Command.plain.order_by("pk"))


def die(command: Command, after: str) -> None:
    """A worker takes it and stops, before or after the request; its lease runs out."""
    taken = lease.take(command.pk, timezone.now())
    assert taken is not None
    if after == "sent":
        now = timezone.now()
        document = call(taken.stream, "build", taken.merchant_id, command=taken, at=now)
        assert lease.mark_sending(taken, documents.encode(document), now)
        documents.send(build_connector(taken.connection, Captures()), taken.kind, document)
    Command.plain.filter(pk=command.pk).update(lease_until=timezone.now())
    lease.recover(timezone.now())


def leave_unclear(scene: Scene, *, there: bool) -> Command:
    """An order over whose sending three workers died: after the ERP took it, or before."""
    number = scene.order("MUG")
    scene.run(scene.shop, "order")
    command: Command = Command.plain.get(reference=f"A-{number}")
    for _ in range(3):
        command.refresh_from_db()
        die(command, "sent" if there and command.state == "pending" else "taken")
    command.refresh_from_db()
    assert command.state == "needs_human"
    return command


def list_sales(scene: Scene, command: Command) -> list[str]:
    return [row["number"] for row in scene.odoo.facts("orders") if row["reference"] == command.reference]


@WIDTHS
def test_an_order_with_an_unmapped_sku_is_found_from_today_mapped_released_and_placed(
    scene: Scene, visit: Visitor, width: int
) -> None:
    scene.odoo.product("TEA-01", price="9.00", stock=str(PLENTY))
    scene.run(scene.erp, "product")
    scene.store.product("POT-RED", price="9.00", stock=PLENTY)
    number = scene.order("POT-RED")
    scene.run(scene.shop, "order")
    assert scene.work() == [], "it waits"
    visitor = visit(scene.world.merchant, "owner", width)
    page = visitor.open("admin:index")
    page.locator(".sb-row", has_text="waits for articles nobody has mapped").get_by_role("link").click()
    card = page.locator("section.sb-card", has_text="POT-RED")
    expect(card.get_by_text("1 order waits, 9.00 GBP")).to_be_visible()
    card.get_by_role("link", name="Other…").click()
    page.get_by_label("Search ours").fill("tea")
    page.get_by_label("Search ours").press("Enter")
    page.get_by_role("radio", name=re.compile("TEA-01")).check()
    page.get_by_role("button", name="Map to the chosen one").click()
    expect(page.get_by_text("1 order, 9.00 GBP, goes on.")).to_be_visible()
    visitor.assert_sound()
    assert scene.work() == ["verified"]
    sale = next(row for row in scene.odoo.facts("orders") if row["reference"] == f"A-{number}")
    assert [(line["sku"], line["quantity"]) for line in sale["lines"]] == [("TEA-01", "1")]
    page = visitor.open("admin:orders_order_change", Order.plain.get().pk)
    expect(
        page.get_by_text(f"In Odoo as {sale['number']}").or_(page.get_by_text(f"as {sale['number']}")).first
    ).to_be_visible()
    visitor.assert_sound()


@WIDTHS
def test_a_problem_of_fifty_orders_is_released_five_first(scene: Scene, visit: Visitor, width: int) -> None:
    refuse(scene, 50)
    visitor = visit(scene.world.merchant, "support", width)
    page = visitor.open("admin:integrations_problem_changelist", query="?state__exact=open")
    page.get_by_role("link", name=re.compile("422")).first.click()
    expect(page.get_by_text("It stops 50 messages")).to_be_visible()
    expect(page.get_by_text("125.00 GBP").first).to_be_visible()
    visitor.assert_sound()
    page.get_by_role("button", name="Release 50: 5 first").click()
    expect(page.get_by_text("The other 45 follow by themselves")).to_be_visible()
    assert Command.plain.filter(state="pending").count() == 5
    releases.advance_all(timezone.now())
    assert Command.plain.filter(state="pending").count() == 5, "the others wait for the first"
    assert scene.work() == ["verified"] * 5
    releases.advance_all(timezone.now())
    assert scene.work() == ["verified"] * 45
    releases.advance_all(timezone.now())
    page.reload()
    expect(page.get_by_text("50 released")).to_be_visible()
    expect(page.get_by_text("50 arrived, 0 on the way")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Resolved by support.*Rebuilt under the current rules")).first).to_be_visible()
    visitor.assert_sound()
    assert len(scene.odoo.facts("orders")) == 50
    assert FulfilmentOrder.plain.filter(state="placed").count() == 50


def test_a_release_stops_at_a_new_error(scene: Scene, visit: Visitor) -> None:
    refuse(scene, 8)
    visitor = visit(scene.world.merchant, "support", DESK)
    page = visitor.open("admin:integrations_problem_change", Problem.plain.get().pk)
    page.get_by_role("button", name="Release 8: 5 first").click()
    scene.odoo.dials(match="sale.order/create", status={"403": 1.0})
    assert scene.work() == ["needs_fix"] * 5
    scene.odoo.dials(match="", status={})
    releases.advance_all(timezone.now())
    page.reload()
    expect(page.get_by_text("Stopped at a new error")).to_be_visible()
    visitor.assert_sound()
    assert Release.plain.get().sent == 5
    assert set(Command.plain.values_list("state", flat=True)) == {"needs_fix"}
    assert scene.odoo.facts("orders") == []


@WIDTHS
def test_a_message_is_edited_by_hand_and_sent(scene: Scene, visit: Visitor, width: int) -> None:
    (command,) = refuse(scene, 1)
    visitor = visit(scene.world.merchant, "support", width)
    page = visitor.open("admin:integrations_command_change", command.pk)
    page.get_by_role("link", name="See what would be sent").click()
    expect(page.get_by_text("it is the same as what was sent")).to_be_visible()
    visitor.assert_sound()
    page.get_by_text("Edit it for this once").click()
    record = page.get_by_label("The record to be sent")
    text = record.input_value()
    assert '"note": ""' in text
    record.fill(text.replace('"note": ""', '"note": "Ring twice"'))
    page.get_by_role("button", name="See what changes").click()
    expect(page.get_by_role("cell", name="Ring twice")).to_be_visible()
    visitor.assert_sound()
    assert not Replay.plain.exists(), "looking changes nothing"
    page.get_by_label("Why it is sent differently").fill("The courier asked")
    page.get_by_role("button", name="Send it as edited").click()
    expect(page.get_by_text("is sent as you edited it")).to_be_visible()
    expect(page.get_by_text("note: — → Ring twice")).to_be_visible()
    visitor.assert_sound()
    row = Replay.plain.get()
    assert (row.action, row.reason, row.edit) == ("edit", "The courier asked", {"note": ["", "Ring twice"]})
    assert scene.work() == ["verified"]
    assert len(list_sales(scene, command)) == 1


def test_an_order_nobody_can_vouch_for_is_said_to_be_there(scene: Scene, visit: Visitor) -> None:
    command = leave_unclear(scene, there=True)
    (number,) = list_sales(scene, command)
    visitor = visit(scene.world.merchant, "support", PHONE)
    page = visitor.open("admin:orders_order_change", Order.plain.get().pk)
    expect(page.get_by_role("heading", name="A person must decide")).to_be_visible()
    visitor.assert_sound()
    page.get_by_role("button", name="Look there now").click()
    expect(page.get_by_text("total and lines agree")).to_be_visible()
    visitor.assert_sound()
    page.get_by_role("button", name="It is this one").click()
    page.wait_for_url("**/command/*/change/")
    command.refresh_from_db()
    assert (command.state, command.external_number) == ("accepted", number)
    assert FulfilmentOrder.plain.get().external_number == number
    assert list_sales(scene, command) == [number]


def test_an_order_nobody_can_vouch_for_is_sent(scene: Scene, visit: Visitor) -> None:
    command = leave_unclear(scene, there=False)
    visitor = visit(scene.world.merchant, "support", DESK)
    page = visitor.open("admin:orders_order_change", Order.plain.get().pk)
    page.get_by_role("button", name="It is not there: send").click()
    expect(page.get_by_role("heading", name="A person must decide")).to_have_count(0)
    visitor.assert_sound()
    assert scene.work() == ["verified"]
    assert len(list_sales(scene, command)) == 1


def test_an_order_nobody_can_vouch_for_is_never_sent(scene: Scene, visit: Visitor) -> None:
    command = leave_unclear(scene, there=False)
    visitor = visit(scene.world.merchant, "support", DESK)
    page = visitor.open("admin:orders_order_change", Order.plain.get().pk)
    page.get_by_label("Why it is never sent").fill("A test order")
    page.get_by_role("button", name="Never send").click()
    expect(page.get_by_text("Never sent: A test order").first).to_be_visible()
    visitor.assert_sound()
    assert scene.work() == []
    assert list_sales(scene, command) == []
    assert FulfilmentOrder.plain.get().state == "never"


@WIDTHS
def test_an_erp_paused_over_a_weekend_goes_on_five_first(scene: Scene, visit: Visitor, width: int) -> None:
    visitor = visit(scene.world.merchant, "owner", width)
    page = visitor.open("admin:integrations_connection_change", scene.erp.pk)
    pause(page)
    expect(page.get_by_text("Sending orders to ERP is paused; receiving goes on.")).to_be_visible()
    visitor.assert_sound()
    for _ in range(8):
        scene.order("MUG")
    scene.run(scene.shop, "order")
    # From Friday evening to Monday morning: what was written then lies so long back now.
    for row in Command.plain.all():
        Command.plain.filter(pk=row.pk).update(
            created_at=row.created_at - WEEKEND, state_at=row.state_at - WEEKEND,
            next_attempt_at=row.next_attempt_at - WEEKEND,
        )  # fmt: skip
    assert scene.work() == []
    page = visitor.open("admin:orders_order_changelist")
    expect(page.get_by_text("ERP is paused: it goes when that goes on").first).to_be_visible()
    visitor.assert_sound()
    page = visitor.open("admin:integrations_connection_sending", scene.erp.pk, query="?part=orders")
    expect(page.get_by_text("20.00 GBP")).to_be_visible()
    expect(page.get_by_text("2 days")).to_be_visible()
    visitor.assert_sound()
    page.get_by_role("button", name="Resume: send 5 first").click()
    expect(page.get_by_text("8 messages wait")).to_be_visible()
    visitor.assert_sound()
    assert scene.work() == ["verified"] * 5
    assert Command.plain.filter(state="pending", tried_seconds=0).count() == 3
    page = visitor.open("admin:integrations_connection_change", scene.erp.pk)
    expect(page.get_by_text("5 arrived, 0 on the way")).to_be_visible()
    visitor.assert_sound()
    releases.advance_all(timezone.now())
    assert scene.work() == ["verified"] * 3
    assert len(scene.odoo.facts("orders")) == 8
    assert Connection.plain.get(pk=scene.erp.pk).orders_paused is False


def pause(page: Page) -> None:
    page.get_by_role("button", name="Pause sending orders").click()
