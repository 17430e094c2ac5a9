"""The tabs of a connection: what each says, and what its buttons do."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from integrations.admin.tabs import TABS
from integrations.models import Command, Connection, Credential, Exchange, Flow, Retention, SyncRun
from integrations.sync import connections
from integrations.sync.outbox import enqueue
from integrations.sync.vault import read_credentials, store_credentials
from portal.tenancy.models import Location
from tests.portal.people import log_in
from tests.world import NOON, D, World, make_world

SECRETS = {"consumer_key": "ck_CANARY", "consumer_secret": "cs_CANARY"}


@pytest.fixture
def world(db: None) -> World:
    world = make_world()
    store_credentials(world.shop, SECRETS)
    return world


@pytest.fixture
def owner(world: World) -> Client:
    return log_in(world.merchant, "owner")


def address(row: Connection, name: str = "change") -> str:
    return reverse(f"admin:integrations_connection_{name}", args=(row.pk,))


def show(client: Client, row: Connection, tab: str, **query: str) -> str:
    response = client.get(address(row), {"tab": tab, **query})
    assert response.status_code == 200
    return response.content.decode()


def wait(world: World, *amounts: int) -> None:
    for number, amount in enumerate(amounts):
        enqueue(connection=world.erp, kind="create_order", stream="order", subject=("order", number), line=str(number),
                reference=f"A-{number}", amount=amount, currency="GBP", at=NOON)  # type: ignore[arg-type]  # fmt: skip


@pytest.mark.parametrize("role", ["owner", "mapper", "support", "auditor"])
@pytest.mark.parametrize("tab", list(TABS))
def test_every_tab_opens_and_never_shows_a_secret(world: World, role: str, tab: str) -> None:
    for row in (world.shop, world.erp):
        page = show(log_in(world.merchant, role), row, tab)
        assert "CANARY" not in page
        assert f'<a href="?tab={tab}" class="here" aria-current="page">' in page


def test_an_unknown_tab_is_the_overview(world: World, owner: Client) -> None:
    assert "What happens next" in show(owner, world.shop, "nonsense")


def test_the_overview_says_what_waits_and_what_to_do(world: World, owner: Client) -> None:
    wait(world, 10, 5)
    Connection.plain.filter(pk=world.erp.pk).update(
        checked_at=NOON, check_ok=False, check_code="DNS_FAILED", check_message="No such host.", check_latency_ms=41
    )
    page = show(owner, world.erp, "overview")
    assert "✗ No such host." in page
    assert "Check the address in the settings: there is no server of that name." in page
    assert "2 messages" in page
    assert "15.00 GBP" in page
    assert "It reads and sends by itself; you do nothing." in page
    backlog = connections.count_backlog(world.erp)
    assert (backlog.messages, backlog.money, backlog.oldest) == (2, (("GBP", D("15")),), NOON)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("draft", "Nothing happens yet: test the connection"),
        ("watching", "It reads and plans, and writes nothing."),
        ("needs_reauth", "Nothing is read or sent until it has new credentials"),
        ("disabled", "until it is switched on again"),
    ],
)
def test_each_state_says_what_happens_next(world: World, owner: Client, state: str, words: str) -> None:
    Connection.plain.filter(pk=world.shop.pk).update(state=state)
    assert words in show(owner, world.shop, "overview")


def test_what_it_can_is_computed_and_what_it_cannot_is_not_offered(world: World, owner: Client) -> None:
    page = show(owner, world.erp, "overview")
    assert "✓ create there, once" in page
    assert 'title="Odoo does not offer it to us.">tell us at once' in page
    flows = owner.get(address(world.shop), {"tab": "flows"}).context
    offered = {(stream, direction) for stream, direction, _ in flows["possible"]}
    assert ("order", "pull") in offered
    assert ("invoice", "pull") not in offered, "WooCommerce has no invoices"
    assert ("order", "push") not in offered, "a shop gives orders"
    assert ("Invoices", "read") in [(subject, one.what) for subject, one in flows["impossible"]]


def test_a_flow_is_added_once_and_an_impossible_one_never(world: World, owner: Client) -> None:
    add = address(world.shop, "flows")
    for _ in range(2):
        owner.post(add, {"stream": "order", "direction": "pull"})
    assert world.shop.flows.filter(stream="order", direction="pull").count() == 1
    page = owner.post(add, {"stream": "invoice", "direction": "pull"}, follow=True).content.decode()
    assert "WooCommerce does not offer it to us." in page
    page = owner.post(add, {"stream": "order", "direction": "push"}, follow=True).content.decode()
    assert "Shop A sells: orders come from it" in page
    assert owner.post(add, {"stream": "x", "direction": "y"}).status_code == 302
    assert world.shop.flows.count() == 2
    form = reverse("admin:integrations_flow_add")
    given = {"connection": world.shop.pk, "stream": "invoice", "direction": "pull", "settings": "{}",
             "overlap_seconds": "120"}  # fmt: skip
    assert "WooCommerce does not offer it to us." in owner.post(form, given).content.decode()
    assert log_in(world.merchant, "support").post(add, {"stream": "price", "direction": "push"}).status_code == 403


def test_support_runs_a_flow_and_an_auditor_does_not(world: World) -> None:
    flow = world.shop.flows.get()
    for role, status, count in (("auditor", 403, 0), ("support", 302, 1)):
        answer = log_in(world.merchant, role).post(address(world.shop, "flows"), {"do": "run", "flow": flow.pk})
        assert (answer.status_code, SyncRun.plain.count()) == (status, count)
    other = world.erp.flows.get()
    support = log_in(world.merchant, "support")
    assert support.post(address(world.shop, "flows"), {"do": "run", "flow": other.pk}).status_code == 404


def test_resume_shows_the_backlog_and_sends_five_first(world: World, owner: Client) -> None:
    wait(world, 1, 2, 3, 4, 5, 6, 7)
    sending = address(world.erp, "sending")
    owner.post(sending, {"part": "orders", "do": "pause"})
    assert "Sending orders is paused" in show(owner, world.erp, "overview")
    page = owner.get(sending, {"part": "orders"}).content.decode()
    assert "<b>7</b>" in page
    assert "28.00 GBP" in page
    assert Connection.plain.get(pk=world.erp.pk).orders_paused, "looking resumes nothing"
    page = owner.post(sending, {"part": "orders", "do": "resume"}, follow=True).content.decode()
    assert "7 messages wait. 5 go now, the others once these have arrived" in page
    soon = Command.plain.filter(next_attempt_at__lte=timezone.now()).values_list("reference", flat=True)
    assert sorted(soon) == ["A-0", "A-1", "A-2", "A-3", "A-4"]


def test_resuming_stock_runs_its_flow(world: World, owner: Client) -> None:
    sending = address(world.shop, "sending")
    owner.post(sending, {"part": "stock", "do": "pause"})
    owner.post(sending, {"part": "stock", "do": "resume"})
    run = SyncRun.plain.get()
    assert (run.flow.stream, run.flow.direction, run.state) == ("stock", "push", "queued")


def test_switching_off_and_on_again(world: World, owner: Client) -> None:
    switch = address(world.shop, "switch")
    Connection.plain.filter(pk=world.shop.pk).update(check_ok=True)
    owner.get(switch)
    assert Connection.plain.get(pk=world.shop.pk).state == "active"
    owner.post(switch, {"do": "off"})
    assert Connection.plain.get(pk=world.shop.pk).state == "disabled"
    owner.post(switch, {"do": "on"})
    assert Connection.plain.get(pk=world.shop.pk).state == "active"
    for live_since, check_ok, state in ((None, True, "watching"), (None, False, "draft"), (NOON, True, "active")):
        Connection.plain.filter(pk=world.shop.pk).update(state="disabled", live_since=live_since, check_ok=check_ok)
        connections.switch_on(Connection.plain.get(pk=world.shop.pk), at=NOON)
        assert Connection.plain.get(pk=world.shop.pk).state == state


def test_credentials_go_in_with_their_end_and_never_come_out(world: World, owner: Client) -> None:
    given = {"secret_consumer_secret": "cs_NEW_CANARY", "secret_consumer_key": "", "expires_on": "2027-01-31"}
    page = owner.post(address(world.shop, "credentials"), given, follow=True).content.decode()
    assert "Test the connection next." in page
    assert "CANARY" not in page
    assert read_credentials(world.shop) == {"consumer_key": "ck_CANARY", "consumer_secret": "cs_NEW_CANARY"}
    ends = Credential.plain.get(connection=world.shop).expires_at
    assert ends == timezone.make_aware(datetime(2027, 1, 31))  # noqa: DTZ001  the portal's own midnight
    bad = owner.post(address(world.shop, "credentials"), {"secret_consumer_key": "one\\ntwo".replace("\\n", chr(10))})
    assert "there is a line break inside" in bad.content.decode()
    assert read_credentials(world.shop)["consumer_key"] == "ck_CANARY"
    assert log_in(world.merchant, "support").post(address(world.shop, "credentials"), given).status_code == 403


def test_today_tells_of_credentials_about_to_end_and_of_lost_webhooks(world: World, owner: Client) -> None:
    Credential.plain.filter(connection=world.shop).update(expires_at=timezone.now() + timedelta(days=4, minutes=1))
    Connection.plain.filter(pk=world.other.pk).update(webhooks_missing=["order.created"])
    needs = owner.get(reverse("admin:index")).context["needs"]
    said = [(need["words"].replace("\xa0", " "), need["verb"], need["url"].partition("?")[2]) for need in needs]
    assert said == [
        ("Shop A: its credentials end 4 days from now", "Renew them", "tab=credentials"),
        ("Shop B: no longer tells us of order.created; it is polled meanwhile", "Register again", "tab=webhooks"),
    ]
    Credential.plain.update(expires_at=timezone.now() + timedelta(days=15))
    assert len(owner.get(reverse("admin:index")).context["needs"]) == 1


def test_webhooks_without_a_public_address_say_so(world: World, owner: Client, settings: Settings) -> None:
    settings.PUBLIC_URL = ""
    assert "orders are polled every 2 minutes" in show(owner, world.shop, "webhooks")
    assert "sends no webhooks" in show(owner, world.erp, "webhooks")
    settings.PUBLIC_URL = "https://portal.example.org"
    page = show(owner, world.shop, "webhooks")
    assert f"https://portal.example.org/hooks/{world.shop.public_id}/" in page
    assert "Register again" in page
    assert "Register again" not in show(log_in(world.merchant, "support"), world.shop, "webhooks")


def test_captures_show_request_and_answer_and_are_kept_as_long_as_said(world: World, owner: Client) -> None:
    for status in (200, 500):
        Exchange(merchant=world.merchant, connection=world.shop, at=NOON, method="POST", url="https://example.com/x",
                 request_headers={"Authorization": "•••"}, request_body=b'{"asked": 1}', status=status,
                 response_body=f"answer {status}".encode()).save()  # fmt: skip
    page = show(owner, world.shop, "captures")
    assert "{&quot;asked&quot;: 1}" in page
    assert "answer 200" in page
    assert "answer 200" not in show(owner, world.shop, "captures", only="errors")
    keep = address(world.shop, "retention")
    owner.post(keep, {"days": "0"})
    assert Retention.plain.count() == 0
    owner.post(keep, {"days": "90"})
    assert Retention.plain.get().captures_days == 90
    assert "Kept 90 days." in show(owner, world.other, "captures"), "for all connections of the merchant"
    assert log_in(world.merchant, "support").post(keep, {"days": "1"}).status_code == 403


def test_the_history_says_who_changed_what(world: World, owner: Client) -> None:
    owner.post(address(world.shop, "sending"), {"part": "orders", "do": "pause"})
    row = Connection.plain.get(pk=world.shop.pk)
    row.settings = {**row.settings, "url": "https://other.example.com"}
    row.save()
    row.allowed_private, row.state = ["10.0.0.1:80"], "paused"
    row.save()
    changes = owner.get(address(world.shop), {"tab": "history"}).context["changes"]
    assert [one["what"] for one in changes] == [
        ["allowed private: – → 10.0.0.1:80", "state: Live → Paused"],
        ["url: https://example.com → https://other.example.com"],
        ["orders paused: no → yes"],
        ["The connection is made."],
    ]
    assert str(changes[2]["by"]).startswith("owner-")


def test_a_person_limited_to_a_location_sees_no_backlog(world: World) -> None:
    wait(world, 10)
    north = Location(merchant=world.merchant, code="NORTH", name="North")
    north.save()
    page = show(log_in(world.merchant, "support", north), world.erp, "overview")
    assert "10.00 GBP" not in page
    assert "You see some locations only" in page


def test_flows_of_a_connection_are_its_own(world: World, owner: Client) -> None:
    assert [one["row"].pk for one in owner.get(address(world.shop), {"tab": "flows"}).context["flows"]] == list(
        Flow.plain.filter(connection=world.shop).values_list("pk", flat=True)
    )
