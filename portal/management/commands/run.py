"""`manage.py run FLOW_OR_PROCEDURE`: carry one out now, in this process, and say what came of it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from integrations.models import Flow, Procedure, ProcedureRun, SyncRun
from integrations.sync import runs, schedule
from integrations.sync.execute import execute
from portal.management.commands.connection import find_merchant
from portal.tenancy.scoping import scope

COUNTS = ("seen", "created", "updated", "unchanged", "skipped", "failed")


class Command(BaseCommand):
    help = "Run a procedure by its name, or a flow as CONNECTION:STREAM:pull|push."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", metavar="FLOW_OR_PROCEDURE")
        parser.add_argument("--merchant", help="slug; not needed where there is one merchant")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        with scope(find_merchant(options["merchant"]).pk):
            procedure = Procedure.objects.filter(name=options["what"]).first()
            found = run_procedure(procedure) if procedure else [run_flow(find_flow(options["what"]))]
        for run in found:
            self._print(run, as_json=options["json"])
        if any(run.state == SyncRun.State.FAILED for run in found):
            raise CommandError("Not everything went well; see above.")

    def _print(self, run: SyncRun, *, as_json: bool) -> None:
        counts = {name: getattr(run, name) for name in COUNTS}
        flow = f"{run.flow.connection}: {run.flow}"
        if as_json:
            row = {"id": run.public_id, "flow": flow, "state": run.state, **counts, "message": run.message}
            self.stdout.write(json.dumps(row))
            return
        words = ", ".join(f"{number} {name}" for name, number in counts.items())
        self.stdout.write(f"{flow}: {run.get_state_display().lower()}; {words}. {run.message}".rstrip())


def find_flow(what: str) -> Flow:
    name, _, rest = what.rpartition(":")
    name, _, stream = name.rpartition(":")
    flow: Flow | None = Flow.objects.filter(connection__name=name, stream=stream, direction=rest).first()
    if flow is None:
        known = [
            f"{one.connection.name}:{one.stream}:{one.direction}" for one in Flow.objects.select_related("connection")
        ]
        procedures = [procedure.name for procedure in Procedure.objects.all()]
        raise CommandError(f"There is no {what!r}. There are: {', '.join([*procedures, *known]) or 'none yet'}.")
    return flow


def run_flow(flow: Flow) -> SyncRun:
    """To its end; one that another worker has already begun is left to it."""
    run = runs.start_flow(flow, trigger="command", at=timezone.now())
    execute(run.pk)
    return SyncRun.plain.select_related("flow__connection").get(pk=run.pk)


def run_procedure(procedure: Procedure) -> list[SyncRun]:
    """Step by step, as the workers would."""
    started = schedule.start_procedure(procedure, trigger="command", at=timezone.now())
    while True:
        schedule.advance(started.pk, at=timezone.now())
        mine = SyncRun.plain.filter(procedure_run=started)
        waiting = mine.filter(state=SyncRun.State.QUEUED, next_attempt_at__lte=timezone.now()).first()
        if waiting is None or execute(waiting.pk) == "":
            break
    state = ProcedureRun.plain.get(pk=started.pk)
    if state.state == ProcedureRun.State.FAILED and not mine.exists():
        raise CommandError(state.message)
    return list(mine.select_related("flow__connection").order_by("pk"))
