"""`manage.py demo --orders-from`: the real processes, from an empty database to a count that balances."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from portal.management.demo.live import SAMPLE
from tests.processes import list_processes_with, wait_until

ROOT = Path(__file__).resolve().parents[3]
LIMIT, KILLS = ("300", "20") if os.environ.get("RELIABILITY_FULL") == "1" else ("20", "1")


def run_demo(folder: Path, *arguments: str, **environment: str) -> dict[str, Any]:
    """Its report; nothing it started is left."""
    argv = [sys.executable, str(ROOT / "manage.py"), "demo", "--orders-from", str(SAMPLE), "--until-done", "--json"]
    done = subprocess.run(
        [*argv, *arguments],
        env={**os.environ, "VAR_DIR": str(folder), "DATABASE_URL": "", "BROKER_URL": "", **environment},
        capture_output=True,
        text=True,
        timeout=580,
    )
    log = folder / "demo.log"
    assert done.returncode == 0, done.stdout + done.stderr + (log.read_text()[-4000:] if log.exists() else "")
    wait_until(lambda: not list_processes_with(str(folder)), 15, "the demo left processes behind")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def check(report: dict[str, Any]) -> None:
    assert report["balanced"] is True
    assert report["duplicates"] == 0
    for name in ("orders", "lines", "value"):
        assert report["back_office"][name] == report["placed"][name]
    rejected = sum((Decimal(one["value"]) for one in report["rejected"].values()), Decimal(0))
    assert Decimal(report["source"]["value"]) == Decimal(report["placed"]["value"]) + rejected
    assert set(report["held"]) <= {"credit_without_sale"}
    assert set(report["rejected"]) <= {"negative_quantity", "zero_value", "adjustment"}
    assert len(set(report["stock"].values())) == 1


@pytest.mark.reliability
@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.timeout(600)
def test_promise_04_invoices_balance_although_the_erp_fails_and_the_worker_is_killed(tmp_path: Path) -> None:
    """In short form; `make demo` has 300 invoices, ../shared all 25,900."""
    report = run_demo(tmp_path, "--limit", LIMIT, "--faults", "--kill-workers", KILLS)
    check(report)
    assert report["placed"]["orders"] >= 10
    assert report["refunds"]["source"]["lines"] > 0


@pytest.mark.reliability
@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.timeout(600)
@pytest.mark.parametrize("broker", ["rabbitmq_url", "redis_url"])
def test_the_same_on_postgresql_with_a_broker(
    tmp_path: Path, postgres_url: str, broker: str, request: pytest.FixtureRequest
) -> None:
    name = f"demo_{os.getpid()}_{broker.partition('_')[0]}"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    try:
        database = postgres_url.rpartition("/")[0] + f"/{name}"
        address = request.getfixturevalue(broker)
        report = run_demo(tmp_path, "--limit", "20", DATABASE_URL=database, BROKER_URL=address)
        check(report)
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")
