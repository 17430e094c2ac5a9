"""Sends a simulator's webhooks from a thread of its own; loses, repeats, delays or swaps them as dials say."""

from __future__ import annotations

import heapq
import itertools
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import requests

SWAP_SECONDS = 0.3  # how long a swapped delivery waits for later ones to overtake it


class WebhookDials(Protocol):
    webhook_duplicate: float
    webhook_reorder: float
    webhook_drop: float
    webhook_delay_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One POST: `body` exactly as signed."""

    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the receiver said; status None where nobody answered (`error` says why)."""

    status: int | None
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    elapsed_ms: int = 0


class WebhookSender:
    """Delivers in order of due time; one thread, so that only the dials change the order.

    `send(build, done)`: `build` makes the Message when it is due (None: nothing to send any more), `done` hears the
    Answer. A dropped message is lost on the way: `done` is never called. Both run outside the simulator's lock.
    """

    def __init__(self, dials: WebhookDials, rng: random.Random, timeout: float = 5.0) -> None:
        self._dials = dials
        self._rng = rng
        self._timeout = timeout
        self._heap: list[tuple[float, int, Callable[[], Message | None], Callable[[Answer], None]]] = []
        self._numbers = itertools.count()
        self._condition = threading.Condition()
        self._busy = 0
        self._thread: threading.Thread | None = None
        self._closed = False

    def send(self, build: Callable[[], Message | None], done: Callable[[Answer], None], delay: float = 0.0) -> None:
        """Queue one delivery, `delay` seconds from now plus what the dials add."""
        dials, rng = self._dials, self._rng
        with self._condition:
            if self._closed or (dials.webhook_drop and rng.random() < dials.webhook_drop):
                return
            due = time.monotonic() + delay + dials.webhook_delay_seconds
            if dials.webhook_reorder and rng.random() < dials.webhook_reorder:
                due += SWAP_SECONDS
            heapq.heappush(self._heap, (due, next(self._numbers), build, done))
            if dials.webhook_duplicate and rng.random() < dials.webhook_duplicate:
                heapq.heappush(self._heap, (due + 0.01, next(self._numbers), build, done))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
                self._thread.start()
            self._condition.notify_all()

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until everything queued has been delivered or given up; False where `timeout` seconds were too short."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._heap and not self._busy, timeout)

    def close(self) -> None:
        """Forget what is still queued and end the thread."""
        with self._condition:
            self._closed = True
            self._heap.clear()
            self._condition.notify_all()

    def _run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while (entry := self._next()) is not None:
                build, done = entry
                try:
                    message = build()
                    if message is not None:
                        done(self._post(session, message))
                finally:
                    with self._condition:
                        self._busy -= 1
                        self._condition.notify_all()

    def _next(self) -> tuple[Callable[[], Message | None], Callable[[Answer], None]] | None:
        with self._condition:
            while not self._closed:
                wait = self._heap[0][0] - time.monotonic() if self._heap else None
                if wait is not None and wait <= 0:
                    _, _, build, done = heapq.heappop(self._heap)
                    self._busy += 1
                    return build, done
                self._condition.wait(wait)
            return None

    def _post(self, session: requests.Session, message: Message) -> Answer:
        started = time.monotonic()
        options: dict[str, Any] = {"timeout": self._timeout, "allow_redirects": False}
        try:
            answer = session.post(message.url, data=message.body, headers=dict(message.headers), **options)
        except (requests.RequestException, ValueError) as error:
            return Answer(status=None, error=str(error), elapsed_ms=int((time.monotonic() - started) * 1000))
        return Answer(
            status=answer.status_code,
            body=answer.text[:1000],
            headers=dict(answer.headers),
            elapsed_ms=int((time.monotonic() - started) * 1000),
        )
