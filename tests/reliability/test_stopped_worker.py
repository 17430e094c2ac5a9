"""PROMISES 8: a worker that slept past its lease sends nothing more, and its job is done by another, never at once."""

from __future__ import annotations

import io
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug import Request, Response

from integrations.models import Attempt, Command, Connection
from tests.integrations import toy
from tests.integrations.conftest import connection, make_command
from tests.processes import wait_until
from tests.reliability.running import worker

__all__ = ["connection", "make_command"]  # fixtures

LEASE = {"TOY_LEASE": "2 3"}  # with the toy's deadline of 1 s: 5 s
LEASE_SECONDS, RECOVERED_WITHIN = 5, 30
STAGES = ["building", "sending", "sending and failing", "searching"]


class StoppingErp(toy.ToyErp):
    """Stops the worker that asks (SIGSTOP) at one stage of its work."""

    def __init__(self) -> None:
        super().__init__()
        self.stop_at = ""
        self.worker = 0
        self.stopped = threading.Event()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        stage = {"/building": "building"}.get(request.path, "searching" if request.method == "GET" else "sending")
        if self.stop_at == stage:
            environ["wsgi.input"] = io.BytesIO(request.get_data())  # all of it is here before the worker sleeps
            self.stop_at = ""
            os.kill(self.worker, signal.SIGSTOP)
            self.stopped.set()
        if stage == "building":
            return Response("go on")(environ, start_response)
        return super().__call__(environ, start_response)


@pytest.fixture
def erp() -> StoppingErp:
    return StoppingErp()


@pytest.mark.reliability
@pytest.mark.parametrize("stage", STAGES)
def test_promise_08_a_worker_stopped_past_its_lease_sends_nothing_more(
    erp: StoppingErp, connection: Connection, make_command: Callable[..., Command], stage: str, full_run: bool
) -> None:
    environment = {**LEASE, "TOY_BUILDING": f"{connection.settings['url']}/building"}
    for number in range(5 if full_run else 1):
        erp.stopped.clear()
        stop_and_go_on(erp, make_command, f"A-{number}", stage, environment)
    assert len(erp.orders) == Command.plain.count()


def stop_and_go_on(
    erp: StoppingErp, make_command: Callable[..., Command], reference: str, stage: str, environment: dict[str, str]
) -> None:
    erp.faults = {"sending and failing": ["500"], "searching": ["500"]}.get(stage, [])
    posts = erp.posts
    with worker(**environment) as first:
        erp.worker, erp.stop_at = first.pid, stage.partition(" ")[0]
        command = make_command(reference)
        assert erp.stopped.wait(30), "the first worker never came to that stage"
        with worker(**environment):
            wait_until(lambda: is_done(command), LEASE_SECONDS + RECOVERED_WITHIN, "another worker did it")
            done_by_the_second = erp.posts
            tries = Attempt.plain.filter(command=command).count()
            os.kill(first.pid, signal.SIGCONT)
            other = make_command(f"{reference}-next")
            wait_until(lambda: is_done(other), 30, "the next one is done")
        # The first worker is awake and alone: whatever it still meant to send would come now.
        last = make_command(f"{reference}-last")
        wait_until(lambda: is_done(last), 30, "the worker that slept works again")
    assert [row["reference"] for row in erp.orders].count(reference) == 1
    assert erp.posts == done_by_the_second + 2, "nothing but the next two was sent after it woke"
    sends = {"building": 1, "sending": 1, "sending and failing": 2, "searching": 2}[stage]
    assert done_by_the_second - posts == sends
    command.refresh_from_db()
    assert command.state == "verified"
    # A search that was left may be taken up again before the sweeper has counted it as a crash.
    assert command.crashes in ({0, 1} if stage == "searching" else {1})
    assert Attempt.plain.filter(command=command).count() == tries, "its late word changed nothing"


def is_done(command: Command) -> bool:
    return Command.plain.filter(pk=command.pk, state="verified").exists()
