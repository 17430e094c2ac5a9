"""Keeps the portal's processes running: restarts a dead one, stops all together, leaves no orphan."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

import structlog

log = structlog.get_logger(__name__)

GRACE_SECONDS = 10.0  # between SIGTERM and SIGKILL
SHORTEST_DELAY, LONGEST_DELAY = 0.5, 30.0
HEALTHY_SECONDS = 10.0  # having run that long, a death starts the back-off anew
PR_SET_PDEATHSIG = 1


class AlreadyRunning(Exception):
    """Another supervisor holds the same folder."""


@dataclass
class Child:
    """One process to keep running, in a process group of its own."""

    name: str
    argv: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    deaths: int = 0


def end_with_parent() -> Callable[[], None] | None:
    """What a new child does first, so that the kernel ends it with us (Linux); the reaper covers its children."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def ask_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask_kernel


def explain_exit(status: int) -> str:
    """A Popen.returncode in words."""
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-status).name}"
    return f"exit status {status}"


@dataclass
class Supervisor:
    """Runs `children` until SIGINT or SIGTERM. `address` (host, port): told once it answers, through `announce`."""

    children: list[Child]
    run_dir: Path
    cwd: Path
    env: Mapping[str, str] | None = None
    address: tuple[str, int] | None = None
    announce: Callable[[], None] = lambda: None
    grace_seconds: float = GRACE_SECONDS
    _stopping: bool = False
    _reaper: subprocess.Popen[str] | None = None
    _lock: IO[str] | None = field(default=None, repr=False)

    def run(self) -> None:
        """Returns when every child has ended. AlreadyRunning where another one owns `run_dir`."""
        self.run_dir.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        self._write_pid("portal", os.getpid())
        self._reaper = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("reaper.py")), str(self.grace_seconds)],
            stdin=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            while not self._stopping:
                for child in self.children:
                    self._keep_running(child)
                self._announce_when_up()
                time.sleep(0.1)
        finally:
            self._stop_all()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        log.info("The portal stops.", signal=signal.Signals(number).name)
        self._stopping = True

    def _take_lock(self) -> None:
        self._lock = (self.run_dir / "portal.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise AlreadyRunning(f"A portal already runs from {self.run_dir}: stop it first.") from None

    def _write_pid(self, name: str, pid: int) -> None:
        draft = self.run_dir / f".{name}.pid"
        draft.write_text(f"{pid}\n")
        draft.replace(self.run_dir / f"{name}.pid")

    def _keep_running(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.start_at and not self._stopping:
                self._start(child)
        elif (status := child.process.poll()) is not None:
            self._bury(child)
            child.deaths = 1 if now - child.started_at >= HEALTHY_SECONDS else child.deaths + 1
            delay = min(LONGEST_DELAY, SHORTEST_DELAY * 2 ** (child.deaths - 1))
            child.start_at = now + delay
            log.warning(
                f"{child.name} died ({explain_exit(status)}) and will be started again in {delay:g} s.",
                child=child.name,
                reason=explain_exit(status),
                deaths=child.deaths,
                restart_in=delay,
            )

    def _start(self, child: Child) -> None:
        child.process = subprocess.Popen(
            child.argv,
            cwd=self.cwd,
            env=self.env,
            stdin=subprocess.DEVNULL,
            process_group=0,
            preexec_fn=end_with_parent(),  # noqa: PLW1509  the supervisor has one thread
        )
        child.started_at = time.monotonic()
        self._tell_reaper("+", child.process.pid)
        self._write_pid(child.name, child.process.pid)
        log.info(f"{child.name} started.", child=child.name, pid=child.process.pid, deaths=child.deaths)

    def _tell_reaper(self, sign: str, group: int) -> None:
        if self._reaper and self._reaper.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._reaper.stdin.write(f"{sign}{group}\n")
                self._reaper.stdin.flush()

    def _bury(self, child: Child) -> None:
        """A dead child's own children must not hold its port or its work: they go with it."""
        if child.process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, signal.SIGKILL)
        self._tell_reaper("-", child.process.pid)
        (self.run_dir / f"{child.name}.pid").unlink(missing_ok=True)
        child.process = None

    def _announce_when_up(self) -> None:
        if self.address is None:
            return
        try:
            socket.create_connection(self.address, timeout=0.2).close()
        except OSError:
            return
        self.address = None
        self.announce()

    def _stop_all(self) -> None:
        running = [child for child in self.children if child.process is not None]
        for child in running:
            self._signal(child, signal.SIGTERM)
        deadline = time.monotonic() + self.grace_seconds
        for child in running:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning(f"{child.name} did not stop in {self.grace_seconds:g} s and is killed.", child=child.name)
                self._signal(child, signal.SIGKILL)
                child.process.wait()
            self._bury(child)
        if self._reaper and self._reaper.stdin:
            self._reaper.stdin.close()
            self._reaper.wait()
        (self.run_dir / "portal.pid").unlink(missing_ok=True)
        if self._lock:
            self._lock.close()

    @staticmethod
    def _signal(child: Child, number: int) -> None:
        """To the child alone, which passes SIGTERM on as it sees fit; SIGKILL to its whole group."""
        if child.process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if number == signal.SIGKILL:
                os.killpg(child.process.pid, number)
            else:
                child.process.send_signal(number)
