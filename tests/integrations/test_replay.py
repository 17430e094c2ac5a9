"""The ways out for a person, each written down with who and why."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from integrations.models import Command, Connection, Problem, Replay
from integrations.sync import replay
from integrations.sync.deliver import deliver
from portal.tenancy.models import User
from tests.integrations import toy

State = Command.State


@pytest.fixture
def who(transactional_db: None) -> User:
    return User.objects.create_user("anna@example.com", "pw")


def test_it_is_there_links_it_and_sends_nothing(
    erp: toy.ToyErp, make_command: Callable[..., Command], who: User
) -> None:
    command = make_command()
    Command.plain.update(state=State.NEEDS_HUMAN, payload=b"{}")
    replay.say_it_is_there(command=command, external_id="17", by=who, at=timezone.now(), reason="seen in Odoo")
    command.refresh_from_db()
    assert (command.state, command.external_id) == (State.ACCEPTED, "17")
    assert erp.posts == 0
    row = Replay.plain.get()
    assert (row.action, row.by, row.reason) == ("is_there", who, "seen in Odoo")
    assert toy.settled[-1] == ("A-1", "accepted")


def test_it_is_not_there_sends_the_record_as_it_was(
    erp: toy.ToyErp, make_command: Callable[..., Command], who: User
) -> None:
    erp.faults = ["500 after"]
    command = make_command()
    deliver(command.pk)
    erp.orders.clear()
    stored = bytes(Command.plain.get().payload or b"")
    Command.plain.update(state=State.NEEDS_HUMAN)
    replay.say_it_is_not_there(command=command, by=who, at=timezone.now())
    assert deliver(command.pk) == State.VERIFIED
    assert bytes(Command.plain.get().payload or b"") == stored
    assert len(erp.orders) == 1


def test_never_needs_a_reason_and_ends_it(make_command: Callable[..., Command], who: User) -> None:
    command = make_command()
    Command.plain.update(state=State.NEEDS_HUMAN)
    with pytest.raises(ValueError, match="Say why"):
        replay.say_never(command=command, by=who, at=timezone.now(), reason=" ")
    replay.say_never(command=command, by=who, at=timezone.now(), reason="test order")
    command.refresh_from_db()
    assert command.state == State.WITHDRAWN
    assert deliver(command.pk) == ""


def test_a_rebuild_raises_the_revision_and_goes_only_after_a_search_found_nothing(
    erp: toy.ToyErp, make_command: Callable[..., Command], who: User
) -> None:
    command = make_command()
    erp.add({"reference": "A-1", "total": "12.50", "lines": 1})
    Command.plain.update(state=State.NEEDS_FIX, payload=b'{"old": true}')
    replay.rebuild(command=command, by=who, at=timezone.now())
    command.refresh_from_db()
    assert (command.revision, command.operation_key, command.search_first) == (2, "A-1:create_order:2", True)
    assert deliver(command.pk) == State.VERIFIED
    assert erp.posts == 0, "it was there: not sent again"


def test_bad_input_67_replaying_what_nobody_knows_is_refused_in_words(
    make_command: Callable[..., Command], who: User
) -> None:
    command = make_command()
    Command.plain.update(state=State.UNKNOWN)
    with pytest.raises(replay.NotPossible, match=r"Outcome unknown: looking in the ERP first\."):
        replay.retry(command=command, by=who, at=timezone.now())
    assert not Replay.plain.exists()


def test_promise_17_replaying_what_succeeded_makes_nothing_new(
    erp: toy.ToyErp, make_command: Callable[..., Command], who: User
) -> None:
    command = make_command()
    deliver(command.pk)
    for way in (replay.retry, replay.rebuild, replay.say_it_is_not_there):
        with pytest.raises(replay.NotPossible):
            way(command=command, by=who, at=timezone.now())
    assert len(erp.orders) == 1


def test_refusals_of_one_cause_are_one_problem_that_ends_with_its_last(
    erp: toy.ToyErp, make_command: Callable[..., Command], who: User
) -> None:
    erp.faults = ["422", "422"]
    first, second = make_command("A-1"), make_command("A-2")
    for command in (first, second):
        assert deliver(command.pk) == State.NEEDS_FIX
    problem = Problem.plain.get()
    assert (problem.count, problem.state) == (2, "open")
    for command in (first, second):
        replay.retry(command=command, by=who, at=timezone.now())
        assert deliver(command.pk) == State.VERIFIED
    problem.refresh_from_db()
    assert problem.state == "resolved"
    assert Connection.plain.get().state == "active"
