"""A run's page and a procedure's: how far it is, what it said, what it left out, and what its buttons do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from integrations.models import Procedure, ProcedureRun, ProcedureStep, RunLogLine, RunOutcome, SyncRun
from integrations.sync import runs, schedule
from integrations.sync.progress import Progress, measure
from portal.tenancy.models import User
from tests.portal.people import log_in
from tests.world import NOON, World, make_world

State = SyncRun.State


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def make_run(world: World, state: str = "running", **values: Any) -> SyncRun:
    flow = world.shop.flows.get()
    started = None if state == "queued" else NOON
    common = {"created_at": NOON, "started_at": started, "next_attempt_at": NOON, "state": state}
    row = SyncRun(merchant=world.merchant, flow=flow, **{**common, **values})
    row.save()
    return row


def page_of(run: SyncRun, name: str = "change") -> str:
    return reverse(f"admin:integrations_syncrun_{name}", args=(run.pk,))


def test_progress_counts_rate_and_what_is_left(world: World) -> None:
    run = make_run(world, seen=250, created=250, total=1000)
    assert measure(run, at=NOON + timedelta(seconds=10)) == Progress(
        seen=250, total=1000, percent=25, per_second=25.0, took=timedelta(seconds=10), remaining=timedelta(seconds=30)
    )
    queued = make_run(world, "queued")
    assert measure(queued, at=NOON + timedelta(hours=1)) == Progress(
        seen=0, total=None, percent=None, per_second=0.0, took=timedelta(0), remaining=None
    )
    done = make_run(world, "done", seen=7, created=7, finished_at=NOON + timedelta(seconds=2))
    assert measure(done, at=NOON + timedelta(days=1)) == Progress(
        seen=7, total=None, percent=100, per_second=3.5, took=timedelta(seconds=2), remaining=None
    )
    more = make_run(world, seen=12, created=12, total=10)  # the source grew meanwhile
    assert measure(more, at=NOON + timedelta(seconds=6)).percent == 100
    assert measure(more, at=NOON + timedelta(seconds=6)).remaining == timedelta(0)


def test_a_run_that_waits_is_cancelled_at_once_and_one_at_work_is_asked_to_stop(world: World) -> None:
    queued, running, done = (make_run(world, state) for state in ("queued", "running", "done"))
    assert [runs.cancel(run, by="anna@example.com", at=NOON) for run in (queued, running, done)] == [True, True, False]
    for run in (queued, running, done):
        run.refresh_from_db()
    assert (queued.state, queued.finished_at, queued.message) == (
        "cancelled", NOON, "Cancelled by anna@example.com before it began.",
    )  # fmt: skip
    assert (running.state, running.cancel_requested) == ("running", True)
    assert (done.state, done.cancel_requested) == ("done", False)
    assert list(running.log.values_list("level", "message")) == [("warning", "anna@example.com asked the run to stop.")]


def test_a_cancelled_run_that_waited_is_not_taken(world: World) -> None:
    queued = make_run(world, "queued")
    runs.cancel(queued, by="anna@example.com", at=NOON)
    assert runs.take(queued.pk, NOON + timedelta(seconds=1)) is None


def test_the_page_says_what_was_seen_and_names_what_was_left_out(world: World) -> None:
    run = make_run(world, "done", seen=9_884, created=120, updated=40, unchanged=9_709, skipped=12, failed=3,
                   finished_at=NOON + timedelta(seconds=4))  # fmt: skip
    for number in range(12):
        RunOutcome(merchant=world.merchant, run=run, outcome="skipped", external_id=f"S{number}", code="not_ours",
                   message="By rule.", at=NOON).save()  # fmt: skip
    for number in range(3):
        RunOutcome(merchant=world.merchant, run=run, outcome="failed", external_id=f"F{number}", code="SET_ASIDE",
                   message="It has no number.", at=NOON).save()  # fmt: skip
    client = log_in(world.merchant, "auditor")
    response = client.get(page_of(run))
    context, page = response.context, response.content.decode()
    assert [(one["key"], one["count"], one["reasons"], len(one["rows"])) for one in context["outcomes"]] == [
        ("failed", 3, [{"code": "SET_ASIDE", "n": 3}], 3),
        ("skipped", 12, [{"code": "not_ours", "n": 12}], 12),
    ]
    words = "<b>9,884</b> = 120 created + 40 updated + 9,709 unchanged + "
    assert words in page
    assert ">12 skipped</a>" in page
    assert "2471.0 a second" in page
    assert "every 2s" not in page, "a run that is over is not asked for again"
    assert "Run again" not in page, "an auditor only looks"
    only = client.get(page_of(run), {"outcome": "failed"}).context["outcomes"]
    assert [one["key"] for one in only] == ["failed"]


def test_the_live_part_is_asked_for_until_the_run_is_over(world: World) -> None:
    run = make_run(world, seen=50, created=50, total=100)
    client = log_in(world.merchant, "support")
    page = client.get(page_of(run)).content.decode()
    assert f'hx-get="{page_of(run, "live")}?open=1"' in page
    assert 'hx-trigger="every 2s, change from:#log-filter"' in page
    assert "50 of about 100 seen" in page
    again = client.get(page_of(run, "live"), {"open": "1"})
    assert (again.status_code, again.headers.get("HX-Refresh")) == (200, None)
    SyncRun.plain.filter(pk=run.pk).update(state="done", finished_at=NOON)
    over = client.get(page_of(run, "live"), {"open": "1"})
    assert over.headers["HX-Refresh"] == "true", "the page as a whole, with its lists and buttons"
    assert "HX-Refresh" not in client.get(page_of(run, "live")).headers, "filtering an old log reloads nothing"


def test_the_log_is_filtered_by_level_and_words(world: World) -> None:
    run = make_run(world)
    for level, words in (("info", "50 seen: 50 created."), ("warning", "50 seen: 49 created, 1 failed.")):
        RunLogLine(merchant=world.merchant, run=run, at=NOON, level=level, message=words).save()
    client = log_in(world.merchant, "support")

    def lines(**query: str) -> list[str]:
        return [line.message for line in client.get(page_of(run, "live"), query).context["lines"]]

    assert lines() == ["50 seen: 49 created, 1 failed.", "50 seen: 50 created."]
    assert lines(level="warning") == ["50 seen: 49 created, 1 failed."]
    assert lines(text="50 CREATED") == ["50 seen: 50 created."]
    assert lines(level="warning", text="nothing") == []


def test_buttons_cancel_and_run_again_and_the_run_says_who(world: World) -> None:
    run = make_run(world)
    auditor, support = log_in(world.merchant, "auditor"), log_in(world.merchant, "support")
    for name in ("cancel", "again"):
        assert auditor.post(page_of(run, name)).status_code == 403
    assert SyncRun.plain.get().cancel_requested is False
    support.get(page_of(run, "cancel"))
    assert SyncRun.plain.get().cancel_requested is False, "looking cancels nothing"
    support.post(page_of(run, "cancel"))
    assert SyncRun.plain.get().cancel_requested is True
    page = support.post(page_of(run, "again"), follow=True).content.decode()
    new = SyncRun.plain.latest("pk")
    person = User.objects.get(email__startswith="support")
    assert (new.flow_id, new.state, new.trigger, new.started_by) == (run.flow_id, "queued", "manual", person)
    assert f"Started by hand, {person.email}" in page


def test_a_run_the_brake_stopped_goes_past_it_the_next_time(world: World) -> None:
    run = make_run(world, "failed", error_code="BRAKE", message="60 of 100 would go to zero.")
    client = log_in(world.merchant, "support")
    assert "Run again, past the brake" in client.get(page_of(run)).content.decode()
    client.post(page_of(run, "again"))
    assert SyncRun.plain.latest("pk").trigger == "anyway"


def test_the_next_slots_of_a_timer(world: World) -> None:
    row = Procedure(merchant=world.merchant, name="Stock", every_seconds=300, next_due_at=NOON)
    soon = NOON - timedelta(seconds=20)
    minutes = [NOON + timedelta(minutes=n) for n in (0, 5, 10)]
    assert schedule.list_next_slots(row, at=soon) == minutes
    late = NOON + timedelta(minutes=7)
    assert schedule.list_next_slots(row, at=late) == [late, NOON + timedelta(minutes=10), NOON + timedelta(minutes=15)]
    row.enabled = False
    assert schedule.list_next_slots(row, at=soon) == []
    by_hand = Procedure(merchant=world.merchant, name="By hand")
    assert schedule.list_next_slots(by_hand, at=soon) == []


def test_a_procedures_page_shows_its_steps_gates_and_runs_and_starts_it(world: World) -> None:
    row = Procedure(merchant=world.merchant, name="Stock to the shop", event="stock.created")
    row.save()
    flow = world.shop.flows.get()
    ProcedureStep(merchant=world.merchant, procedure=row, position=1, flow=flow, gate="if_changed").save()
    address = reverse("admin:integrations_procedure_change", args=(row.pk,))
    support = log_in(world.merchant, "support")
    page = support.get(address).content.decode()
    for words in ("Runs at stock.created", "Shop A: Stock from us to there", "Go on only if something changed",
                  "Whenever stock.created happens.", "It has not run yet."):  # fmt: skip
        assert words in page, words
    start = reverse("admin:integrations_procedure_run", args=(row.pk,))
    assert log_in(world.merchant, "auditor").post(start).status_code == 403
    support.get(start)
    assert ProcedureRun.plain.count() == 0, "looking starts nothing"
    support.post(start)
    run = ProcedureRun.plain.get()
    assert (run.trigger, run.started_by) == ("manual", User.objects.get(email__startswith="support"))
    schedule.advance(run.pk, at=NOON)
    assert SyncRun.plain.get().started_by == run.started_by, "a step knows who started the whole"
