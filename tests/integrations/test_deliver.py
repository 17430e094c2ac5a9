"""Each way a create can end, against a real HTTP server; after each, the far side holds at most one document."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.contract.connector import Idempotency, Safety
from integrations.models import Attempt, Command, Connection, Exchange, Problem, RateBudget
from integrations.sync import lease
from integrations.sync.deliver import deliver
from tests.integrations import toy

Make = Callable[..., Command]
DELIVERY = 15


def make_due(command: Command) -> None:
    Command.plain.filter(pk=command.pk).update(next_attempt_at=timezone.now())


def test_a_create_is_sent_once_and_read_back(erp: toy.ToyErp, make_command: Make) -> None:
    command = make_command()
    assert deliver(command.pk) == "verified"
    command.refresh_from_db()
    assert (command.external_id, command.external_number, command.remote_total) == ("1", "T1", Decimal("12.50"))
    assert erp.orders == [{"reference": "A-1", "total": "12.50", "lines": 1, "id": 1}]
    assert toy.settled == [("A-1", "verified")]
    assert deliver(command.pk) == ""
    assert erp.posts == 1


def test_a_delivery_costs_so_many_statements_and_no_more(make_command: Make) -> None:
    """The lease, what is sent, the budget of one request, the answer and its capture; two savepoints among them, which
    outside a test are a BEGIN and a COMMIT each. What the subject makes of it comes on top."""
    deliver(make_command().pk)  # begins the budget
    command = make_command("A-2")
    with CaptureQueriesContext(database) as asked:
        assert deliver(command.pk) == "verified"
    assert len(asked) <= DELIVERY


@pytest.mark.parametrize("fault", ["time-out after", "500 after", "html after"])
def test_done_there_without_an_answer_is_found_and_not_sent_again(
    fault: str, erp: toy.ToyErp, make_command: Make
) -> None:
    erp.faults = [fault]
    command = make_command()
    assert deliver(command.pk) == "unknown"
    make_due(command)
    assert deliver(command.pk) == "verified"
    assert (len(erp.orders), erp.posts) == (1, 1)
    outcomes = list(Attempt.plain.filter(command=command).order_by("number").values_list("outcome", flat=True))
    assert outcomes == ["unknown", "found"]


@pytest.mark.parametrize(("window", "ended", "posts"), [(3600, "verified", 2), (60, "needs_human", 1)])
def test_with_a_key_the_same_goes_again_while_the_key_is_remembered(
    window: int, ended: str, posts: int, erp: toy.ToyErp, make_command: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = Idempotency(safety=Safety.KEY_HEADER, window_seconds=window)
    monkeypatch.setitem(toy.ToyConnector.idempotency, "create_order", declared)
    erp.faults = ["500"]
    command = make_command()
    assert deliver(command.pk) == "unknown"
    Attempt.plain.filter(command=command).update(started_at=timezone.now() - timedelta(minutes=5))
    make_due(command)
    assert deliver(command.pk) == ended
    assert erp.posts == posts


def test_what_a_person_changed_never_goes_again_under_the_key_of_the_first(
    erp: toy.ToyErp, make_command: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = Idempotency(safety=Safety.KEY_HEADER, window_seconds=3600)
    monkeypatch.setitem(toy.ToyConnector.idempotency, "create_order", declared)
    erp.faults = ["500"]
    command = make_command()
    assert deliver(command.pk) == "unknown"
    Command.plain.filter(pk=command.pk).update(search_first=True)
    make_due(command)
    assert deliver(command.pk) == "needs_human"
    assert erp.posts == 1


@pytest.mark.parametrize("fault", ["time-out before", "500"])
def test_not_done_there_is_sent_again_after_the_search(fault: str, erp: toy.ToyErp, make_command: Make) -> None:
    erp.faults = [fault]
    command = make_command()
    assert deliver(command.pk) == "unknown"
    make_due(command)
    assert deliver(command.pk) == "verified"
    assert (len(erp.orders), erp.posts) == (1, 2)


def test_an_unknown_outcome_waits_for_the_settle_window(
    erp: toy.ToyErp, connection: Connection, make_command: Make
) -> None:
    Connection.plain.update(settle_seconds=60)
    erp.faults = ["500"]
    command = make_command()
    deliver(command.pk)
    assert deliver(command.pk) == ""
    command.refresh_from_db()
    assert timedelta(seconds=55) < command.next_attempt_at - timezone.now() <= timedelta(seconds=60)


def test_a_refusal_waits_for_a_person_with_the_words_of_the_platform(erp: toy.ToyErp, make_command: Make) -> None:
    erp.faults = ["422"]
    command = make_command()
    assert deliver(command.pk) == "needs_fix"
    command.refresh_from_db()
    assert command.message == "The platform answered 422: no"
    assert erp.orders == []


def test_bad_input_59_search_finds_two(erp: toy.ToyErp, make_command: Make) -> None:
    erp.faults = ["500 after"]
    command = make_command()
    deliver(command.pk)
    erp.add({"reference": "A-1", "total": "12.50", "lines": 1})
    make_due(command)
    assert deliver(command.pk) == "needs_human"
    command.refresh_from_db()
    assert command.error_code == "MULTIPLE_REMOTE_MATCHES"
    assert erp.posts == 1


def test_bad_input_60_read_back_total_differs(erp: toy.ToyErp, make_command: Make) -> None:
    erp.faults = ["other total"]
    command = make_command()
    assert deliver(command.pk) == "accepted"
    command.refresh_from_db()
    assert command.error_code == "AMOUNT_MISMATCH"
    assert command.message == "It is there as T1, but the total there is 99.00, ours is 12.50."


def test_too_many_requests_blocks_the_budget_and_goes_again(
    erp: toy.ToyErp, connection: Connection, make_command: Make
) -> None:
    erp.faults = ["429"]
    command = make_command()
    assert deliver(command.pk) == "pending"
    until = RateBudget.plain.get(connection=connection).blocked_until
    assert until is not None
    assert timedelta(seconds=5) < until - timezone.now() <= timedelta(seconds=7)


def test_refused_credentials_stop_the_connection(erp: toy.ToyErp, connection: Connection, make_command: Make) -> None:
    erp.faults = ["401"]
    first, second = make_command("A-1"), make_command("A-2")
    assert deliver(first.pk) == "pending"
    connection.refresh_from_db()
    assert connection.state == "needs_reauth"
    assert deliver(second.pk) == ""
    assert erp.posts == 1


@pytest.mark.parametrize("state", ["draft", "watching", "paused", "needs_reauth", "disabled"])
def test_a_connection_that_is_not_live_sends_nothing(state: str, erp: toy.ToyErp, make_command: Make) -> None:
    command = make_command()
    Connection.plain.update(state=state)
    assert deliver(command.pk) == ""
    assert erp.posts == 0


def test_commands_of_one_line_go_one_after_another(erp: toy.ToyErp, make_command: Make) -> None:
    erp.faults = ["422"]
    first, second = make_command("A-1", line="order:1"), make_command("A-2", line="order:1")
    assert deliver(second.pk) == ""
    assert deliver(first.pk) == "needs_fix"
    assert deliver(second.pk) == ""  # a refused create holds its line
    Command.plain.filter(pk=first.pk).update(state="withdrawn")
    assert deliver(second.pk) == "verified"
    assert [row["reference"] for row in erp.orders] == ["A-2"]


def test_the_same_operation_is_one_command(make_command: Make) -> None:
    assert make_command().pk == make_command().pk
    assert Command.plain.count() == 1


def test_a_worker_that_dies_while_sending_is_looked_for_and_a_late_answer_changes_nothing(
    erp: toy.ToyErp, make_command: Make
) -> None:
    command = make_command()
    now = timezone.now()
    taken = lease.take(command.pk, now)
    assert taken is not None
    assert lease.mark_sending(taken, b"{}", now)
    assert lease.recover(now) == 0  # its lease still runs
    later = now + timedelta(hours=1)
    assert lease.recover(later) == 1
    command.refresh_from_db()
    assert (command.state, command.crashes, command.error_code) == ("unknown", 1, "WORKER_DIED")
    assert not lease.mark_sending(taken, b"{}", now)


def test_a_dead_workers_command_tells_its_subject_and_is_counted_when_a_person_must_decide(make_command: Make) -> None:
    command = make_command()
    now = timezone.now()
    for _ in range(3):
        taken = lease.take(command.pk, now)
        assert taken is not None
        assert taken.state == "unknown" or lease.mark_sending(taken, b"{}", now)
        now += timedelta(hours=1)
        assert lease.recover(now) == 1
        now += timedelta(hours=1)
    assert toy.settled == [("A-1", "unknown"), ("A-1", "unknown"), ("A-1", "needs_human")]
    problem = Problem.plain.get()
    assert (problem.count, problem.title, problem.code) == (
        1,
        "The worker died 3 times at this message.",
        "WORKER_DIED",
    )
    outcomes = Attempt.plain.filter(command=command).order_by("number").values_list("outcome", flat=True)
    assert list(outcomes) == ["crashed"] * 3


def test_a_command_our_own_code_cannot_build_stops_in_words_and_sends_nothing(
    erp: toy.ToyErp, make_command: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers = {"order": {**toy.HANDLERS["order"], "build": "tests.integrations.toy_handlers.build_order"}}
    monkeypatch.setattr(settings, "SYNC_HANDLERS", handlers)
    command = make_command()
    assert deliver(command.pk) == "needs_fix"
    command.refresh_from_db()
    assert command.error_code == "BUILD_FAILED"
    assert command.message == "It could not be built, so nothing was sent: KeyError: 'no such order'"
    assert (erp.posts, command.payload, command.lease_until) == (0, None, None)


def test_the_third_crash_ends_with_a_person(make_command: Make) -> None:
    command = make_command()
    now = timezone.now()
    for crash in range(1, 4):
        taken = lease.take(command.pk, now)
        assert taken is not None
        now += timedelta(hours=1)
        assert lease.recover(now) == 1
        command.refresh_from_db()
        assert command.crashes == crash
    assert command.state == "needs_human"
    assert lease.take(command.pk, now) is None


def test_captures_hold_the_exchange_and_no_secret(erp: toy.ToyErp, make_command: Make) -> None:
    deliver(make_command().pk)
    row = Exchange.plain.get()
    assert (row.method, row.status, row.attempt.number if row.attempt else None) == ("POST", 200, 1)
    assert row.request_headers["Authorization"] == "•••"
    kept = (
        f"{row.url}{row.request_headers}{bytes(row.request_body)!r}{row.response_headers}{bytes(row.response_body)!r}"
    )
    assert toy.SECRET not in kept


def test_what_is_ahead_of_a_command_is_read_from_the_index_of_its_line(make_command: Make) -> None:
    """Else a backlog of thousands, after a weekend without the ERP, is compared with itself at each tick."""
    one = make_command()
    columns = {
        f.attname: getattr(one, f.attname) for f in Command._meta.concrete_fields if f.name not in ("id", "public_id")
    }
    Command.plain.bulk_create(
        Command(**columns | {"line": f"B-{number}", "operation_key": f"B-{number}"}) for number in range(3_000)
    )
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute("ANALYZE integrations_command")
        plan = lease.due(timezone.now()).explain()
    if database.vendor == "sqlite":
        assert "(merchant_id=? AND connection_id=? AND line=? AND sequence<?)" in plan
    else:
        assert any("Index Cond" in line and ".line)" in line for line in plan.splitlines()), plan
