"""`manage.py doctor`: looks at a running installation and says what is wrong with it and what to do."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core import checks
from django.core.management.base import BaseCommand, CommandError

from orders.services.accounting import find_unbalanced
from portal.base.health import check_broker, check_database, check_migrations
from portal.tenancy.doctor import cross_merchant_rows


def look_at_settings() -> list[str]:
    return [f"{item.id}: {item.msg} {item.hint or ''}".strip() for item in checks.run_checks() if item.is_serious()]


def look_at_merchants() -> list[str]:
    if check_database() or check_migrations():
        return []  # said by their own examinations
    return [f"{label}: row {pk} points at {wrong} of another merchant." for label, pk, wrong in cross_merchant_rows()]


def look_at_orders() -> list[str]:
    return [] if check_database() or check_migrations() else find_unbalanced()


# A new examination is one line: name → a function that lists what is wrong, for operators.
EXAMINATIONS: dict[str, Callable[[], list[str]]] = {
    "settings": look_at_settings,
    "database": lambda: list(filter(None, [check_database()])),
    "migrations": lambda: list(filter(None, [check_migrations()])),
    "merchants": look_at_merchants,
    "orders": look_at_orders,
    "broker": lambda: list(filter(None, [check_broker()])),
}


class Command(BaseCommand):
    help = "Examine settings, database, migrations, rows, orders and broker. Exit status 1 where something is wrong."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(EXAMINATIONS))
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *_args: Any, **options: Any) -> None:
        unknown = set(options["names"]) - set(EXAMINATIONS)
        if unknown:
            raise CommandError(f"No examination {', '.join(sorted(unknown))}. There are: {', '.join(EXAMINATIONS)}.")
        findings = {name: EXAMINATIONS[name]() for name in options["names"] or EXAMINATIONS}
        if options["as_json"]:
            self.stdout.write(json.dumps(findings))
        else:
            for name, found in findings.items():
                self.stdout.write(f"{name}: {'ok' if not found else ''}")
                for line in found:
                    self.stdout.write(f"  {line}")
        if any(findings.values()):
            raise SystemExit(1)
