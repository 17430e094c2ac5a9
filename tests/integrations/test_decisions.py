"""What a person may decide about a command that stopped; who did and why is written down."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.utils import timezone

from integrations.models import Attempt, Command, Problem, Replay
from integrations.sync import replay
from integrations.sync.deliver import deliver
from portal.tenancy.models import User
from tests.integrations import toy

Make = Callable[..., Command]
NOW = timezone.now


@pytest.fixture
def mapper(transactional_db: None) -> User:
    return User.objects.create_user(email="mapper@example.org", password="a long one 4711")


def stopped(erp: toy.ToyErp, make_command: Make, *faults: str) -> Command:
    """A command that was tried once, and what the platform says then."""
    erp.faults = list(faults)
    command = make_command()
    deliver(command.pk)
    if faults[-1] != "422":
        Command.plain.update(next_attempt_at=NOW())
    command.refresh_from_db()
    return command


def needs_human(erp: toy.ToyErp, make_command: Make) -> Command:
    """Two documents there carry its reference."""
    command = stopped(erp, make_command, "500 after")
    erp.add({"reference": "A-1", "total": "12.50", "lines": 1})
    assert deliver(command.pk) == "needs_human"
    command.refresh_from_db()
    return command


def written(command: Command) -> tuple[str, str, str]:
    row = Replay.plain.get(command=command)
    return row.action, row.reason, str(row.by.email) if row.by else ""


def test_a_refused_command_is_sent_again_as_stored_after_a_search(
    erp: toy.ToyErp, make_command: Make, mapper: User
) -> None:
    command = stopped(erp, make_command, "422")
    before = bytes(command.payload or b"")
    assert (command.state, command.attempts) == ("needs_fix", 1)
    replay.retry(command=command, by=mapper, at=NOW(), reason="The customer was added there.")
    assert deliver(command.pk) == "verified"
    command.refresh_from_db()
    assert bytes(command.payload or b"") == before
    assert (len(erp.orders), erp.posts, command.revision) == (1, 2, 1)
    assert written(command) == ("retry", "The customer was added there.", "mapper@example.org")
    tries = Attempt.plain.filter(command=command).order_by("number").values_list("number", "outcome")
    assert list(tries) == [(1, "refused"), (2, "accepted")]


def test_a_retry_of_what_is_there_after_all_links_it_and_sends_nothing(erp: toy.ToyErp, make_command: Make) -> None:
    command = stopped(erp, make_command, "422")
    erp.add({"reference": "A-1", "total": "12.50", "lines": 1})
    replay.retry(command=command, by=None, at=NOW())
    assert deliver(command.pk) == "verified"
    assert (len(erp.orders), erp.posts) == (1, 1)


def test_a_rebuild_raises_the_revision_and_searches_first(erp: toy.ToyErp, make_command: Make) -> None:
    command = stopped(erp, make_command, "422")
    replay.rebuild(command=command, by=None, at=NOW(), reason="Mapped the tax.")
    command.refresh_from_db()
    assert (command.revision, command.operation_key, command.payload) == (2, "A-1:create_order:2", None)
    assert command.search_first
    erp.add({"reference": "A-1", "total": "11.00", "lines": 1})
    assert deliver(command.pk) == "needs_human", "the search found one that is not ours"
    assert erp.posts == 1
    command.refresh_from_db()
    assert command.error_code == "AMOUNT_MISMATCH"
    assert written(command)[:2] == ("rebuild", "Mapped the tax.")


def test_a_rebuild_goes_where_the_search_found_nothing(erp: toy.ToyErp, make_command: Make) -> None:
    command = stopped(erp, make_command, "422")
    replay.rebuild(command=command, by=None, at=NOW())
    assert deliver(command.pk) == "verified"
    assert (len(erp.orders), erp.posts) == (1, 2)


def test_it_is_there_links_it_and_sends_nothing(erp: toy.ToyErp, make_command: Make, mapper: User) -> None:
    command = needs_human(erp, make_command)
    replay.say_it_is_there(
        command=command, external_id="1", external_number="T1", by=mapper, at=NOW(), reason="The other one is a test."
    )
    command.refresh_from_db()
    assert (command.state, command.external_id, command.external_number) == ("accepted", "1", "T1")
    assert deliver(command.pk) == ""
    assert erp.posts == 1
    assert written(command) == ("is_there", "The other one is a test.", "mapper@example.org")
    assert toy.settled[-1] == ("A-1", "accepted")


def test_it_is_not_there_sends_the_stored_record_without_a_search(erp: toy.ToyErp, make_command: Make) -> None:
    command = needs_human(erp, make_command)
    stored = bytes(command.payload or b"")
    erp.orders.clear()
    replay.say_it_is_not_there(command=command, by=None, at=NOW(), reason="Looked by hand.")
    assert deliver(command.pk) == "verified"
    command.refresh_from_db()
    assert (bytes(command.payload or b""), erp.posts, len(erp.orders)) == (stored, 2, 1)
    assert written(command)[0] == "not_there"


def test_never_needs_a_reason_and_withdraws(erp: toy.ToyErp, make_command: Make, mapper: User) -> None:
    command = needs_human(erp, make_command)
    with pytest.raises(ValueError, match="Say why"):
        replay.say_never(command=command, by=mapper, at=NOW(), reason="  ")
    assert not Replay.plain.exists()
    replay.say_never(command=command, by=mapper, at=NOW(), reason="Typed in by hand.")
    command.refresh_from_db()
    assert (command.state, command.message) == ("withdrawn", "Never sent: Typed in by hand.")
    assert deliver(command.pk) == ""
    assert erp.posts == 1
    assert written(command) == ("never", "Typed in by hand.", "mapper@example.org")
    assert toy.settled[-1] == ("A-1", "withdrawn")


def test_bad_input_67_an_unknown_outcome_is_looked_for_and_not_replayed(erp: toy.ToyErp, make_command: Make) -> None:
    command = stopped(erp, make_command, "500 after")
    assert command.state == "unknown"
    ways: list[Callable[[], None]] = [
        lambda: replay.retry(command=command, by=None, at=NOW()),
        lambda: replay.rebuild(command=command, by=None, at=NOW()),
        lambda: replay.say_it_is_not_there(command=command, by=None, at=NOW()),
        lambda: replay.say_never(command=command, by=None, at=NOW(), reason="because"),
    ]
    for way in ways:
        with pytest.raises(replay.NotPossible, match=r"^Outcome unknown: looking in the ERP first\.$"):
            way()
    assert not Replay.plain.exists()
    assert deliver(command.pk) == "verified"
    assert (len(erp.orders), erp.posts) == (1, 1)


def test_promise_17_replaying_what_was_done_creates_nothing(erp: toy.ToyErp, make_command: Make) -> None:
    commands = [make_command(f"A-{n}") for n in range(20)]
    for command in commands:
        assert deliver(command.pk) == "verified"
    for command in commands:
        for way in (replay.retry, replay.rebuild, replay.say_it_is_not_there):
            with pytest.raises(replay.NotPossible, match="there is nothing to decide"):
                way(command=command, by=None, at=NOW())
        assert deliver(command.pk) == ""
    assert (len(erp.orders), erp.posts) == (20, 20)


# --- problems: what stopped for the same cause, counted


def refused(erp: toy.ToyErp, make_command: Make, *references: str) -> list[Command]:
    erp.faults = ["422"] * len(references)
    commands = [make_command(reference) for reference in references]
    Command.plain.update(amount=Decimal("12.50"), currency="GBP")
    for command in commands:
        assert deliver(command.pk) == "needs_fix"
    return commands


def problem() -> tuple[int, Decimal, str]:
    row = Problem.plain.get()
    return row.count, row.amount, row.state


def test_refusals_of_one_cause_are_one_problem_with_their_money(erp: toy.ToyErp, make_command: Make) -> None:
    first, second = refused(erp, make_command, "A-1", "A-2")
    assert problem() == (2, Decimal("25.00"), "open")
    assert Problem.plain.get().title == "The platform answered 422: no"
    erp.faults = ["422"]
    replay.retry(command=first, by=None, at=NOW())
    assert problem() == (1, Decimal("12.50"), "open")
    deliver(first.pk)
    assert problem() == (2, Decimal("25.00"), "open"), "the same command refused twice is not counted twice"
    for command in (first, second):
        replay.retry(command=command, by=None, at=NOW())
        assert deliver(command.pk) == "verified"
    assert problem() == (0, Decimal(0), "resolved")
    refused(erp, make_command, "A-3")
    assert problem() == (1, Decimal("12.50"), "open"), "it came back"


def test_a_problem_is_resolved_when_the_last_one_is_withdrawn_or_found(erp: toy.ToyErp, make_command: Make) -> None:
    first, second = refused(erp, make_command, "A-1", "A-2")
    replay.say_never(command=first, by=None, at=NOW(), reason="Not ours.")
    assert problem() == (1, Decimal("12.50"), "open")
    replay.say_it_is_there(command=second, external_id="9", by=None, at=NOW())
    assert problem() == (0, Decimal(0), "resolved")


def test_a_problem_a_person_ignores_stays_ignored(erp: toy.ToyErp, make_command: Make) -> None:
    refused(erp, make_command, "A-1")
    Problem.plain.update(state="ignored")
    refused(erp, make_command, "A-2")
    assert problem() == (2, Decimal("25.00"), "ignored")
