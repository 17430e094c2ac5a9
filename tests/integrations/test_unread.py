"""Problems of what could not be read: counted, shown, read again, and closed by themselves when it is read."""

from __future__ import annotations

import ast
import html
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.admin import advice
from integrations.models import Connection, Flow, InboundEvent, Mail, Problem, Release, SyncRun
from integrations.sync import releases, runs, unread
from integrations.sync.execute import execute
from integrations.sync.inbox import process
from integrations.sync.problems import MENDED_AFTER
from tests.integrations.test_inbox import event_for, post
from tests.integrations.test_runs import MakeFlow
from tests.integrations.toy_shop import ToyShop, ToyShopConnector
from tests.portal.people import log_in

State = InboundEvent.State


def read(flow: Flow) -> SyncRun:
    run = runs.start_flow(flow, trigger="manual", at=timezone.now())
    execute(run.pk)
    run.refresh_from_db()
    return run


def page(client: Client, problem: Problem) -> str:
    address = reverse("admin:integrations_problem_change", args=(problem.pk,))
    return html.unescape(client.get(address).content.decode())


def act(client: Client, problem: Problem, do: str) -> str:
    address = reverse("admin:integrations_problem_act", args=(problem.pk,))
    return html.unescape(client.post(address, {"do": do}, follow=True).content.decode())


def spoil(far_shop: ToyShop, place: int) -> None:
    far_shop.orders[place].pop("number")


def mend(far_shop: ToyShop, place: int) -> None:
    far_shop.orders[place]["number"] = str(far_shop.orders[place]["id"])


def test_records_set_aside_for_one_reason_are_one_problem_that_closes_when_they_are_read(
    far_shop: ToyShop, make_flow: MakeFlow
) -> None:
    far_shop.add_orders(5)
    spoil(far_shop, 1)
    spoil(far_shop, 3)
    flow = make_flow("order")
    assert read(flow).failed == 2
    problem = Problem.plain.get()
    assert (problem.kind, problem.code, problem.state, problem.count) == ("read_order", "SET_ASIDE", "open", 2)
    assert (problem.title, problem.connection_id) == ("It has no number.", flow.connection_id)
    mend(far_shop, 1)
    read(flow)
    problem.refresh_from_db()
    assert (problem.state, problem.count) == ("open", 1)
    mend(far_shop, 3)
    read(flow)
    problem.refresh_from_db()
    assert (problem.state, problem.count, problem.resolution) == (
        "resolved", 0, "What it stopped went through by itself.",
    )  # fmt: skip
    assert set(InboundEvent.plain.values_list("state", flat=True)) == {State.STALE}


def test_a_record_that_is_read_badly_twice_is_counted_once(far_shop: ToyShop, make_flow: MakeFlow) -> None:
    far_shop.add_orders(1)
    spoil(far_shop, 0)
    flow = make_flow("order")
    read(flow)
    far_shop.orders[0]["version"] = 2
    read(flow)
    assert Problem.plain.values_list("count", "state").get() == (1, "open")


def test_an_event_that_fails_is_a_problem_and_one_that_succeeds_closes_it(
    far_shop: ToyShop, toy_store: Connection
) -> None:
    far_shop.add_orders(2)
    spoil(far_shop, 0)
    assert process(event_for(toy_store, "1").pk) == State.FAILED
    assert process(event_for(toy_store, "2").pk) == State.DONE
    problem = Problem.plain.get()
    assert (problem.kind, problem.state, problem.count) == ("read_order", "open", 1)
    mend(far_shop, 0)
    assert process(event_for(toy_store, "1", "later").pk) == State.DONE
    problem.refresh_from_db()
    assert (problem.state, problem.count) == ("resolved", 0)


def test_nothing_is_a_problem_where_all_goes_well(far_shop: ToyShop, toy_store: Connection) -> None:
    far_shop.add_orders(1)
    assert process(event_for(toy_store, "1").pk) == State.DONE
    assert Problem.plain.count() == 0


def test_the_page_reads_five_again_and_stops_at_a_new_error(far_shop: ToyShop, toy_store: Connection) -> None:
    far_shop.add_orders(7)
    for place in range(7):
        spoil(far_shop, place)
        process(event_for(toy_store, str(place + 1)).pk)
    problem, support = Problem.plain.get(), log_in(toy_store.merchant, "support")
    shown = page(support, problem)
    for words in ("7 records could not be taken over", "Release 7: 5 first", advice.advise(problem.code)):
        assert words in shown, words
    assert "5 records are read again." in act(support, problem, "release")
    waiting = InboundEvent.plain.filter(state=State.RECEIVED).order_by("pk")
    assert waiting.count() == 5
    assert Problem.plain.get().state == "open", "they are on their way"
    for place in range(5):
        mend(far_shop, place)
    for event in list(waiting.all()):
        assert process(event.pk) == State.DONE
    releases.advance_all(timezone.now())
    for event in list(waiting.all()):
        assert process(event.pk) == State.FAILED
    releases.advance_all(timezone.now())
    one = Release.plain.get()
    assert (one.state, one.sent) == ("stopped", 7)
    problem.refresh_from_db()
    assert (problem.state, problem.count) == ("open", 2)


def test_what_is_read_again_closes_the_problem_in_the_name_of_who_did_it(
    far_shop: ToyShop, toy_store: Connection
) -> None:
    far_shop.add_orders(1)
    spoil(far_shop, 0)
    event = event_for(toy_store, "1")
    process(event.pk)
    act(log_in(toy_store.merchant, "support"), Problem.plain.get(), "release")
    mend(far_shop, 0)
    assert process(event.pk) == State.DONE
    problem = Problem.plain.get()
    assert (problem.state, problem.resolution) == ("resolved", "Applied again")
    assert str(problem.resolved_by).startswith("support")


def test_a_run_that_fails_is_a_problem_until_its_flow_goes_through(
    far_shop: ToyShop, make_flow: MakeFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = make_flow("order")
    with monkeypatch.context() as patch:
        patch.setattr(ToyShopConnector, "pull_orders", lambda *_: 1 / 0)
        read(flow)
        read(flow)
    problem = Problem.plain.get()
    assert (problem.kind, problem.code, problem.state, problem.count) == ("run_pull_order", "UNFORESEEN", "open", 1)
    support = log_in(flow.connection.merchant, "support")
    shown = page(support, problem)
    for words in ("1 flow fails", "Our fault", "Run it again", "ZeroDivisionError"):
        assert words in shown, words
    today = html.unescape(support.get(reverse("admin:index")).content.decode())
    assert f"{flow.connection.name}: reading orders fails" in today
    act(support, problem, "run")
    execute(SyncRun.plain.get(state="queued").pk)
    problem.refresh_from_db()
    assert (problem.state, problem.count) == ("resolved", 0)
    assert "reading orders fails" not in support.get(reverse("admin:index")).content.decode()


def test_a_problem_with_records_is_told_once_by_mail(far_shop: ToyShop, toy_store: Connection) -> None:
    log_in(toy_store.merchant, "owner")
    far_shop.add_orders(2)
    for place in range(2):
        spoil(far_shop, place)
        process(event_for(toy_store, str(place + 1)).pk)
    mail = Mail.plain.get(about__startswith="problem:")
    assert mail.subject.endswith("a record could not be taken over")


def test_a_delivery_nobody_can_read_is_shown_and_can_be_ignored(far_shop: ToyShop, toy_store: Connection) -> None:
    post(toy_store, "")
    unread.mend(timezone.now() + MENDED_AFTER * 2)
    problem = Problem.plain.get()
    assert (problem.code, problem.count) == ("payload_invalid", 1)
    today = html.unescape(log_in(toy_store.merchant, "support").get(reverse("admin:index")).content.decode())
    assert f"{toy_store.name}: 1 record could not be taken over" in today


def test_every_code_of_ours_has_a_class_and_a_fix() -> None:
    """What a connector, a rule or the engine refuses with is never shown as “refused there” for want of words."""
    root, found = Path(__file__).parents[2], set[str]()
    for path in [
        p for room in ("connectors", "contract", "sync") for p in (root / "integrations" / room).rglob("*.py")
    ]:
        found |= list_codes(path)
    for path in (root / "orders").rglob("*.py"):
        found |= list_codes(path)
    assert "RULE_FAILED" in found
    said_elsewhere = {"REJECTED", "ODOO_ERROR"}  # refusals there, in their own words
    missing = {code for code in found - said_elsewhere if advice.find_kind(code) == advice.REFUSAL}
    assert missing == set()
    assert {code for code in found if code not in advice.ADVICE} == set()


def list_codes(path: Path) -> set[str]:
    """Codes of errors: capitals given as `code=`."""
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
            code = str(node.value.value)
            if code and code == code.upper():
                found.add(code)
    return found
