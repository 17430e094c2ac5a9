"""`manage.py bench NAME`: what an operation costs, as a ratio to a floor measured in the same run."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from portal.management.api_benches import API_BENCHES
from portal.management.benches import BENCHES, Bench
from portal.management.costs import cost_of_one, middle
from portal.management.feed_benches import FEED_BENCHES
from portal.management.list_benches import LIST_BENCHES
from portal.management.order_benches import ORDER_BENCHES

OWN_DATABASE = {**API_BENCHES, **FEED_BENCHES, **LIST_BENCHES, **ORDER_BENCHES}
RUNS = 7
OWN_RUNS = 3


@dataclass(frozen=True, slots=True)
class Ratio:
    """CPU milliseconds per operation, the database's among them: the median over the runs."""

    subject: float
    floor: float

    @property
    def ratio(self) -> float:
        return self.subject / self.floor


class RolledBack(Exception):
    """The bench leaves nothing behind."""


class Command(BaseCommand):
    help = (
        f"Measure one of: {', '.join(sorted(BENCHES))}. Everything it writes is rolled back. "
        f"Or, in a database of its own: {', '.join(sorted(OWN_DATABASE))}."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", default="all")
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--runs", type=int, default=0)
        parser.add_argument("--rows", type=int, default=0, help="Of a feed or a list, or orders a turn.")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["name"] in OWN_DATABASE:
            run_bench, rows = OWN_DATABASE[options["name"]]
            self.stdout.write(json.dumps(run_bench(options["rows"] or rows, options["runs"] or OWN_RUNS)))
            return
        runs = options["runs"] or RUNS
        names = sorted(BENCHES) if options["name"] == "all" else [options["name"]]
        if unknown := set(names) - set(BENCHES):
            known = ", ".join(sorted({*BENCHES, *OWN_DATABASE}))
            raise CommandError(f"There is no bench {min(unknown)}; there are: {known}.")
        for name in names:
            bench = BENCHES[name]
            cost = measure(bench, runs)
            row = {
                "name": name,
                "subject": round(cost.subject, 4),
                "floor": round(cost.floor, 4),
                "ratio": round(cost.ratio, 2),
                "runs": runs,
                "goal": bench.goal,
                "met": cost.ratio <= bench.goal,
            }
            if options["json"]:
                self.stdout.write(json.dumps(row))
            else:
                words = "met" if row["met"] else "missed"
                self.stdout.write(f"{name}: {row['ratio']} × {bench.floor_is} (goal {bench.goal}, {words})")


def measure(bench: Bench, runs: int) -> Ratio:
    """Subject and floor in turns, so that a machine that slows down slows both."""
    subject, floor = [], []
    try:
        with transaction.atomic():
            do_subject, do_floor = bench.prepare()
            for _ in range(runs):
                floor.append(cost_of_one(do_floor, bench.operations))
                subject.append(cost_of_one(do_subject, bench.operations))
            raise RolledBack
    except RolledBack:
        pass
    return Ratio(middle(subject).cpu * 1000, middle(floor).cpu * 1000)
