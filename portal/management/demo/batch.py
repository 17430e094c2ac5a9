"""The demo on a file: the real processes, every order and refund of the file through them, and a count at the end."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from django.conf import settings
from django.db import connection as database
from django.utils import timezone

from integrations.models import Command, InboundEvent, SyncRun
from orders.models import Order, Refund
from portal.management.commands.run import run_flow
from portal.management.demo.catalogue import build_catalogue
from portal.management.demo.far_side import simulate
from portal.management.demo.feed import Feed, seed_catalogue
from portal.management.demo.platforms import Pair, get_needs
from portal.management.demo.report import build_report, is_quiet
from portal.management.demo.setup import Demo, Pace, listen, make_login, read_first, set_up
from portal.management.demo.source import match_credits, read_invoices, sold
from portal.management.supervisor import end_with_parent
from portal.tenancy.scoping import scope

# One call in ten fails, in all the ways PROMISES 4 lists; late commits and search lag stay below the settle window.
FAULTS = {
    "timeout_after_commit": 0.04,
    "timeout_before_commit": 0.02,
    "late_commit": 0.01,
    "late_commit_seconds": 1.0,
    "error_after_commit": 0.02,
    "status": {"503": 0.01},
    "timeout_seconds": 3.0,
    "search_lag_seconds": 2.0,
}
NO_FAULTS = {"timeout_after_commit": 0, "timeout_before_commit": 0, "late_commit": 0, "error_after_commit": 0,
             "status": {}, "search_lag_seconds": 0}  # fmt: skip
PACE = Pace(deadline_seconds=2, settle_seconds=6)
NO_PROGRESS_SECONDS = 600
OPEN_EVENTS = (InboundEvent.State.RECEIVED, InboundEvent.State.LEASED)
OPEN_COMMANDS = (Command.State.PENDING, *Command.BUSY_STATES)


@dataclass
class Kills:
    """Kills the worker -9, spread evenly over the work to be done."""

    wanted: int
    of: int
    pid_file: Path
    done: int = 0
    pids: set[int] = field(default_factory=set)

    def look(self, finished: int) -> None:
        """The n-th kill comes when n/(wanted + 1) of the work is done; the same process is not killed twice."""
        if self.done >= self.wanted or finished < self.of * (self.done + 1) / (self.wanted + 1):
            return
        try:
            pid = int(self.pid_file.read_text())
        except (OSError, ValueError):
            return  # it is just being started again
        if pid not in self.pids:
            self.pids.add(pid)
            os.kill(pid, signal.SIGKILL)
            self.done += 1


def run_file(
    path: Path, *, pair: Pair, limit: int | None, faults: bool, kill_workers: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Everything from the file to the report; what the environment names is the database and the broker."""
    invoices = read_invoices(path, limit)
    credits_ = list(match_credits(invoices))
    everything = invoices if limit is None else read_invoices(path)
    products = build_catalogue(invoices, sold(everything))
    say(f"{len(invoices)} invoices and {len(products)} products; starting the shop, the ERP and the portal.")
    with simulate(pair.erp) as erp, simulate(pair.store) as shop:
        for far in (erp, shop):
            seed_catalogue(far, products)
        name = f"Demo {secrets.token_hex(4)}"
        made = set_up(make_login(secrets.token_urlsafe(12)), erp, shop, pace=PACE, at=timezone.now(), name=name)
        read_first(made)
        with portal() as address:
            listen(made, address)
            if faults:
                erp.turn({**FAULTS, "match": get_needs(erp.platform).calls})
            feed = Feed(shop, invoices, credits_)
            orders = sum(bool(invoice.placeable) for invoice in invoices if not invoice.is_credit)
            kills = Kills(kill_workers, orders, settings.VAR_DIR / "run" / "worker.pid")
            feed.play(lambda: kills.look(count_placed(made)) if kills.done < kills.wanted else None)
            say(f"All {orders} orders and {feed.refunds} refunds are in the shop; waiting for the ERP.")
            wait_for(made, orders, feed.refunds, kills)
            erp.turn(NO_FAULTS)
            settle_stock(made)
        return build_report(invoices, credits_, made, erp, shop)


@contextmanager
def portal() -> Iterator[str]:
    """Web, worker and beat, supervised, while the block runs; gives the address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    argv = [sys.executable, str(settings.BASE_DIR / "manage.py"), "portal", "--port", str(port)]
    log = (settings.VAR_DIR / "demo.log").open("w")
    process = subprocess.Popen(
        argv,
        stdout=log,
        stderr=log,
        cwd=settings.BASE_DIR,
        preexec_fn=end_with_parent(),  # noqa: PLW1509  the demo has one thread
    )
    try:
        _wait_until_up(process, address)
        yield address
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def _wait_until_up(process: subprocess.Popen[bytes], address: str) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"The portal did not start; {settings.VAR_DIR / 'demo.log'} says why.")
        try:
            if requests.get(f"{address}/healthz", timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise RuntimeError("The portal does not answer.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def count_placed(made: Demo) -> int:
    return Command.plain.filter(connection=made.erp, kind="create_order", state__in=Command.DONE_STATES).count()


def wait_for(made: Demo, orders: int, refunds: int, kills: Kills) -> None:
    """Until everything that was sold has an end, or nothing has moved for minutes."""
    last, since = (-1, -1, -1, -1), time.monotonic()
    while time.monotonic() - since < NO_PROGRESS_SECONDS:
        database.close_if_unusable_or_obsolete()
        kills.look(count_placed(made))
        now = (
            Order.plain.filter(connection=made.shop).count(),
            Refund.plain.filter(order__connection=made.shop).count(),
            InboundEvent.plain.filter(connection=made.shop, state__in=OPEN_EVENTS).count(),
            Command.plain.filter(connection=made.erp, state__in=OPEN_COMMANDS).count(),
        )
        if now == (orders, refunds, 0, 0):
            return
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.5)


def settle_stock(made: Demo) -> None:
    """Read the ERP's stock once more and send the shop what it should show."""
    for connection, direction in ((made.erp, "pull"), (made.shop, "push")):
        with scope(made.merchant.pk):
            flow = connection.flows.get(stream="stock", direction=direction)
        for _ in range(60):
            SyncRun.plain.filter(flow=flow, state=SyncRun.State.QUEUED).update(next_attempt_at=timezone.now())
            run = run_flow(flow)
            if run.state == run.State.DONE and (direction == "pull" or is_quiet(made.shop)):
                break
            time.sleep(1)
