"""The simulators as processes, and their control plane: what the world outside does, and what it holds in the end."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import requests
from django.conf import settings

from portal.management.supervisor import end_with_parent

SECONDS = 120


class FarSide:
    """One simulator over HTTP."""

    def __init__(self, described: Mapping[str, Any]) -> None:
        self.platform: str = described["platform"]
        self.base_url: str = described["base_url"]
        self.credentials: dict[str, str] = dict(described["credentials"])
        self.dials_url: str = described["dials_url"]
        self._http = requests.Session()
        self._http.trust_env = False

    def post(self, what: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Let something happen there: catalogue, orders, refunds, cancellations, shipments, invoices."""
        answer = self._http.post(f"{self.base_url}/_sim/{what}", json=body, timeout=SECONDS)
        if answer.status_code >= 400:
            raise RuntimeError(f"The {self.platform} simulator refused {what}: {answer.text[:500]}")
        found: dict[str, Any] = answer.json()
        return found

    def turn(self, dials: Mapping[str, Any]) -> None:
        """Make it fail, or stop failing."""
        answer = self._http.put(self.dials_url, json=dict(dials), timeout=SECONDS)
        answer.raise_for_status()

    def list_facts(self, kind: str) -> list[dict[str, Any]]:
        """What it holds: orders, refunds, stock, shipments, invoices."""
        answer = self._http.get(f"{self.base_url}/_sim/facts/{kind}", timeout=SECONDS)
        answer.raise_for_status()
        return [json.loads(line) for line in answer.text.splitlines()]


@contextmanager
def simulate(platform: str, arguments: Sequence[str] = ()) -> Iterator[FarSide]:
    """Run `manage.py simulate PLATFORM` while the block runs."""
    argv = [sys.executable, str(settings.BASE_DIR / "manage.py"), "simulate", platform, *arguments]
    process = subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        text=True,
        cwd=settings.BASE_DIR,
        preexec_fn=end_with_parent(),  # noqa: PLW1509  the demo has one thread
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError(f"The {platform} simulator did not start.")
        yield FarSide(json.loads(line))
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
