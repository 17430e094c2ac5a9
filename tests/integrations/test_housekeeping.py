"""What is deleted when it was kept long enough, and what stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from integrations.models import (
    Exchange,
    InboundEvent,
    Problem,
    Procedure,
    ProcedureRun,
    Retention,
    RunLogLine,
    RunOutcome,
    SyncRun,
)
from integrations.sync import housekeeping
from integrations.sync.housekeeping import keep_captures, read_captures_days, sweep, wake_problems
from tests.world import NOON, World, make_world

DAY = timedelta(days=1)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def capture(world: World, days_ago: int) -> None:
    Exchange(merchant=world.merchant, connection=world.shop, at=NOON - DAY * days_ago, method="GET",
             url=f"https://example.com/{days_ago}", request_body=b"", response_body=b"").save()  # fmt: skip


def event(world: World, state: str, days_ago: int) -> None:
    InboundEvent(merchant=world.merchant, connection=world.shop, dedupe_key=f"{state}-{days_ago}", body=b"{}",
                 state=state, received_at=NOON - DAY * days_ago).save()  # fmt: skip


def make_run(world: World, days_ago: int, state: str = "done") -> SyncRun:
    at = NOON - DAY * days_ago
    row = SyncRun(merchant=world.merchant, flow=world.shop.flows.get(), state=state, created_at=at, next_attempt_at=at,
                  finished_at=None if state == "running" else at)  # fmt: skip
    row.save()
    return row


def test_captures_and_finished_webhooks_go_after_the_merchants_days(world: World) -> None:
    patient = make_world("Southwind")
    keep_captures(merchant_id=patient.merchant.pk, days=60)
    for one in (world, patient):
        for days_ago in (29, 31, 61):
            capture(one, days_ago)
            event(one, "done", days_ago)
        event(one, "quarantined", 400)
        event(one, "failed", 400)
    assert (read_captures_days(world.merchant.pk), read_captures_days(patient.merchant.pk)) == (30, 60)
    assert sweep(NOON) == 6
    assert list(Exchange.plain.filter(connection=world.shop).values_list("url", flat=True)) == [
        "https://example.com/29"
    ]
    assert Exchange.plain.filter(connection=patient.shop).count() == 2
    kept = InboundEvent.plain.order_by("pk").values_list("connection__merchant__name", "dedupe_key")
    assert list(kept) == [
        ("Northwind", "done-29"), ("Northwind", "quarantined-400"), ("Northwind", "failed-400"),
        ("Southwind", "done-29"), ("Southwind", "done-31"), ("Southwind", "quarantined-400"),
        ("Southwind", "failed-400"),
    ]  # fmt: skip


@pytest.mark.parametrize("days", [0, 366])
def test_captures_are_kept_between_a_day_and_a_year(world: World, days: int) -> None:
    with pytest.raises(ValidationError):
        keep_captures(merchant_id=world.merchant.pk, days=days)
    assert Retention.plain.count() == 0


def test_old_runs_go_but_never_the_last_hundred_of_a_flow_nor_one_at_work(world: World) -> None:
    at_work = make_run(world, 200, "running")
    old = [make_run(world, 91) for _ in range(3)]
    young = [make_run(world, 89) for _ in range(2)]
    newest = [make_run(world, 95) for _ in range(100)]  # old, but the newest there are
    RunOutcome(merchant=world.merchant, run=old[0], outcome="failed", code="SET_ASIDE", message="m", at=NOON).save()
    assert sweep(NOON) == 3
    left = set(SyncRun.plain.values_list("pk", flat=True))
    assert left == {at_work.pk, *(run.pk for run in young), *(run.pk for run in newest)}
    assert RunOutcome.plain.count() == 0, "what a run left out goes with it"


def test_log_lines_and_skipped_records_go_after_thirty_days_and_failed_ones_stay(world: World) -> None:
    run = make_run(world, 40)
    for days_ago in (29, 31):
        at = NOON - DAY * days_ago
        RunLogLine(merchant=world.merchant, run=run, at=at, message=f"{days_ago}").save()
        for outcome in ("skipped", "failed"):
            RunOutcome(merchant=world.merchant, run=run, outcome=outcome, external_id=f"{days_ago}", code="x",
                       message="m", at=at).save()  # fmt: skip
    assert sweep(NOON) == 2
    assert list(RunLogLine.plain.values_list("message", flat=True)) == ["29"]
    assert sorted(RunOutcome.plain.values_list("outcome", "external_id")) == [
        ("failed", "29"), ("failed", "31"), ("skipped", "29"),
    ]  # fmt: skip


def test_old_runs_of_procedures_go_and_one_that_waits_for_a_person_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "RUNS_KEPT", 1)
    row = Procedure(merchant=world.merchant, name="Stock")
    row.save()
    for slot, state, finished in (("1", "waiting", None), ("2", "done", 91), ("3", "done", 89), ("4", "done", 91)):
        ProcedureRun(merchant=world.merchant, procedure=row, slot=slot, state=state, created_at=NOON,
                     finished_at=NOON - DAY * finished if finished else None).save()  # fmt: skip
    assert sweep(NOON) == 1
    assert sorted(ProcedureRun.plain.values_list("slot", flat=True)) == ["1", "3", "4"]


def test_it_deletes_in_batches_and_leaves_the_rest_for_the_next_round(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    monkeypatch.setattr(housekeeping, "MOST_BATCHES", 2)
    for _ in range(5):
        capture(world, 40)
    assert (sweep(NOON), sweep(NOON), sweep(NOON)) == (4, 1, 0)


def test_a_problem_put_off_is_open_again_when_its_time_comes(world: World) -> None:
    for number, until in enumerate((NOON, NOON + DAY)):
        Problem(merchant=world.merchant, fingerprint=str(number), code="X", title="t", state="snoozed",
                snoozed_until=until, first_seen_at=NOON, last_seen_at=NOON).save()  # fmt: skip
    assert wake_problems(NOON) == 1
    assert sorted(Problem.plain.values_list("fingerprint", "state")) == [("0", "open"), ("1", "snoozed")]
