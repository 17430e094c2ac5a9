"""Delivering at once what somebody waits for: under the same leases as a worker, for as long as he waits.

A request beyond that goes on in its thread, and what it brings is settled as ever; should the process end, the lease
runs out and a worker goes on from there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

import structlog
from django.db import connections

from integrations.models import Command
from integrations.sync.deliver import deliver

log = structlog.get_logger(__name__)
LOOK_AGAIN = 0.1  # seconds, while another worker has it
State = Command.State
WITH_OTHERS = (State.LEASED, State.SENDING)
MOST_AT_ONCE = 8  # requests a process waits for in threads of their own; what is beyond is left to the workers
_places = threading.BoundedSemaphore(MOST_AT_ONCE)


def deliver_at_once(
    subjects: Iterable[tuple[str, int]],
    *,
    is_done: Callable[[], bool],
    seconds: float,
    first: Callable[[], object] | None = None,
) -> bool:
    """Deliver what is due of these records until `is_done`, or the time is over; whether it was done in time. Never in
    a transaction: what is to be sent must be there for all to see. `first`: what it waits for is asked before."""
    until = time.monotonic() + seconds
    wanted = list(subjects)
    if is_done() or not _places.acquire(blocking=False):
        return is_done()
    worker = threading.Thread(target=_work, args=(wanted, until, first), daemon=True, name="deliver-at-once")
    worker.start()
    while worker.is_alive() and time.monotonic() < until:
        worker.join(timeout=LOOK_AGAIN)
        if is_done():
            return True
    return is_done()


def _work(wanted: list[tuple[str, int]], until: float, first: Callable[[], object] | None) -> None:
    """Until nothing of it moves any more: what is left waits for something else than time."""
    tried: set[int] = set()
    try:
        if first is not None:
            first()
        while time.monotonic() < until:
            states = _read_states(wanted)
            mine = [pk for pk, state in states.items() if state == State.PENDING and pk not in tried]
            for pk in mine:
                if deliver(pk) or _read_states(wanted).get(pk) == State.PENDING:  # or it is not due
                    tried.add(pk)
            if not mine and not any(state in WITH_OTHERS for state in states.values()):
                return
            if not mine:
                time.sleep(LOOK_AGAIN)
    except Exception:
        log.exception("What somebody waits for could not be delivered at once; a worker goes on with it.")
    finally:
        _places.release()
        connections.close_all()


def _read_states(wanted: list[tuple[str, int]]) -> dict[int, str]:
    """What is to be sent, or is being sent, of these records and how far it is; the oldest first."""
    found: dict[int, str] = {}
    for kind, pk in wanted:
        mine = Command.plain.filter(subject_type=kind, subject_id=pk, state__in=(State.PENDING, *WITH_OTHERS))
        found |= dict(mine.order_by("pk").values_list("pk", "state"))
    return dict(sorted(found.items()))
