"""`manage.py simulate PLATFORM`: a stand-in of a platform's HTTP API on this machine, until Ctrl-C."""

from __future__ import annotations

import json
import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.registry import SIMULATORS, get_simulator
from integrations.simulators.base import serve


class Command(BaseCommand):
    help = "Serve a simulator. The first line printed is JSON: platform, base_url, credentials, dials_url."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("platform", help=", ".join(sorted(SIMULATORS)))
        parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--seed", type=int, default=1, help="decides keys and which requests the dials hit")
        parser.add_argument("--state", type=Path, metavar="FILE", help="keeps what the simulator holds between starts")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            simulator = get_simulator(options["platform"])(seed=options["seed"], state_path=options["state"])
        except KeyError:
            known = ", ".join(sorted(SIMULATORS))
            raise CommandError(f"There is no simulator of {options['platform']!r}; there are: {known}.") from None
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        with serve(simulator, port=options["port"], host=options["host"]) as address:
            described = {
                "platform": simulator.platform,
                "base_url": address,
                "credentials": simulator.credentials,
                "dials_url": f"{address}/_sim/dials",
            }
            self.stdout.write(json.dumps(described))
            self.stdout.flush()
            stopped.wait()
