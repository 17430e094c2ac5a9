"""`manage.py demo`: a shop and an ERP on loopback, and the portal between them."""

from __future__ import annotations

import json
import signal
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from portal.management.demo.batch import run_file
from portal.management.demo.live import run_live
from portal.management.demo.platforms import ERP, STORE, Pair, list_demo_platforms


class Command(BaseCommand):
    help = (
        "Without arguments: a living demo to look at, until Ctrl-C. With --orders-from: every order of a file of sales "
        "lines through the same processes, and a count that must balance."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--store", choices=list_demo_platforms("store"), default=STORE)
        parser.add_argument("--erp", choices=list_demo_platforms("back_office"), default=ERP)
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--orders-from", type=Path, metavar="FILE", help="sales lines as .csv or .csv.xz")
        parser.add_argument("--limit", type=int, help="only the first N distinct invoices, credits included")
        parser.add_argument("--until-done", action="store_true", help="end by itself (with --orders-from)")
        parser.add_argument("--json", action="store_true", help="print the count as one JSON object")
        parser.add_argument("--faults", action="store_true", help="the ERP fails one call in ten")
        parser.add_argument("--kill-workers", type=int, default=0, metavar="N", help="kill -9 the worker N times")

    def handle(self, *_args: Any, **options: Any) -> None:
        # Asked to stop, it stops what it started, as with Ctrl-C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        call_command("migrate", verbosity=0)
        path = options["orders_from"]
        pair = Pair(store=options["store"], erp=options["erp"])
        if path is None:
            run_live(pair=pair, port=options["port"], say=self.stdout.write)
            return
        if not options["until_done"]:
            raise CommandError("--orders-from needs --until-done.")
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        report = run_file(
            path,
            pair=pair,
            limit=options["limit"],
            faults=options["faults"],
            kill_workers=options["kill_workers"],
            say=self.stderr.write,
        )
        self._print(report, as_json=options["json"])
        if not report["balanced"]:
            raise CommandError("It does not balance.")

    def _print(self, report: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report))
            return
        for name, figures in report.items():
            self.stdout.write(f"{name}: {json.dumps(figures)}")
