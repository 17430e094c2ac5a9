"""`manage.py connection add|list|test|pause|resume|go-live`: what an operator does in the admin, from a script."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from integrations.models import Connection
from integrations.sync import connections
from integrations.sync.platforms import Platform, get_platform, list_platforms
from integrations.sync.vault import store_credentials
from portal.tenancy.models import Merchant
from portal.tenancy.scoping import scope


class Command(BaseCommand):
    help = "Add, list, test, pause and resume connections, and go live. Secrets come from a file or the environment."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--merchant", help="slug; not needed where there is one merchant")
        actions = parser.add_subparsers(dest="action", required=True)
        add = actions.add_parser(
            "add", help="settings and secrets: JSON {name, platform, role, settings, credentials …}"
        )
        add.add_argument("--file", help="a JSON file; - reads standard input")
        add.add_argument("--name")
        add.add_argument("--platform")
        add.add_argument("--role")
        add.add_argument("--order-prefix", default="")
        add.add_argument("--environment", choices=Connection.Environment.values, default="live")
        actions.add_parser("list").add_argument("--json", action="store_true")
        for name in ("test", "pause", "resume", "go-live"):
            one = actions.add_parser(name)
            one.add_argument("connection", help="its name or public id")
            if name in {"pause", "resume"}:
                one.add_argument("--parts", nargs="+", choices=connections.PARTS, default=list(connections.PARTS))
            if name == "go-live":
                one.add_argument("--yes", action="store_true", help="go live; without it only the plan is shown")

    def handle(self, *_args: Any, **options: Any) -> None:
        merchant = find_merchant(options["merchant"])
        with scope(merchant.pk):
            action = options["action"].replace("-", "_")
            if action in {"add", "list"}:
                getattr(self, f"_{action}")(options)
            else:
                getattr(self, f"_{action}")(find_connection(options["connection"]), options)

    def _add(self, options: dict[str, Any]) -> None:
        given = _read(options["file"]) if options["file"] else {}
        given = {**given, **{key: options[key] for key in ("name", "platform", "role") if options[key]}}
        platform = _find_platform(given.get("platform", ""))
        credentials = _fill(platform, "credential_fields", given.get("credentials", {}))
        row = Connection(
            name=given.get("name") or platform.label,
            platform=platform.key,
            role=given.get("role") or min(platform.roles),
            environment=given.get("environment") or options["environment"],
            order_prefix=given.get("order_prefix") or options["order_prefix"],
            settings=_fill(platform, "settings_fields", given.get("settings", {})),
            allowed_private=given.get("allowed_private", []),
        )
        row.full_clean(exclude=["merchant"])
        row.save()
        store_credentials(row, credentials)
        self.stdout.write(f"{row.name} is added as a draft ({row.public_id}). Next: connection test {row.name!r}")

    def _list(self, options: dict[str, Any]) -> None:
        rows = [
            {"id": row.public_id, "name": row.name, "platform": row.platform, "role": row.role, "state": row.state,
             "tested": row.check_ok, "message": row.check_message}
            for row in Connection.objects.order_by("name")
        ]  # fmt: skip
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=2))
            return
        for row in rows:
            self.stdout.write("{id}  {name} ({platform}, {role}): {state}. {message}".format(**row))

    def _test(self, row: Connection, options: dict[str, Any]) -> None:
        result = connections.check_connection(row, at=timezone.now())
        if result is None:
            raise CommandError(row.check_message)
        self.stdout.write(f"{row.check_message} {row.check_latency_ms} ms. It is {row.get_state_display().lower()}.")

    def _pause(self, row: Connection, options: dict[str, Any]) -> None:
        connections.pause(row, tuple(options["parts"]))
        self.stdout.write(f"Sending {', '.join(options['parts'])} to {row} is paused; receiving goes on.")

    def _resume(self, row: Connection, options: dict[str, Any]) -> None:
        waiting = connections.resume(row, tuple(options["parts"]), at=timezone.now())
        self.stdout.write(f"{row} sends again; {waiting} commands wait.")

    def _go_live(self, row: Connection, options: dict[str, Any]) -> None:
        plan = connections.plan_go_live(row)
        self.stdout.write(
            f"{row}: {plan.products} product details, {plan.stock} stock figures, {plan.prices} prices "
            f"and {plan.orders} orders would be sent; "
            f"{plan.unmapped} articles are not mapped."
        )
        if not options["yes"]:
            self.stdout.write("Nothing was changed. Add --yes to go live.")
            return
        try:
            connections.go_live(row, at=timezone.now())
        except connections.NotWatching as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{row} is live.")


def find_merchant(slug: str | None) -> Merchant:
    rows = Merchant.objects.filter(slug=slug) if slug else Merchant.objects.all()[:2]
    found = list(rows)
    if len(found) != 1:
        names = ", ".join(Merchant.objects.values_list("slug", flat=True)[:20]) or "none yet: make start creates one"
        raise CommandError(f"Name the merchant with --merchant: {names}.")
    return found[0]


def find_connection(name: str) -> Connection:
    row: Connection | None = Connection.objects.filter(public_id=name).first()
    row = row or Connection.objects.filter(name=name).first()
    if row is None:
        names = ", ".join(Connection.objects.values_list("name", flat=True)) or "none yet"
        raise CommandError(f"There is no connection {name!r}. There are: {names}.")
    return row


def _read(path: str) -> dict[str, Any]:
    try:
        text = Path("/dev/stdin" if path == "-" else path).read_text(encoding="utf-8")
        given = json.loads(text)
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(given, dict):
        raise CommandError(f"{path} must hold one JSON object.")
    return given


def _find_platform(key: str) -> Platform:
    try:
        return get_platform(key)
    except KeyError:
        keys = ", ".join(platform.key for platform in list_platforms())
        raise CommandError(f"Name the platform with --platform: {keys}.") from None


def _fill(platform: Platform, kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """Each field from the file, else from the environment (ODOO_API_KEY or ODOO_API_KEY_FILE), else its default."""
    values = {}
    for field in getattr(platform, kind):
        variable = f"{platform.key}_{field.name}".upper()
        value = given.get(field.name, os.environ.get(variable))
        if value is None and (path := os.environ.get(f"{variable}_FILE")):
            value = Path(path).read_text(encoding="utf-8").strip()
        if value is None and field.required and field.default == "":
            raise CommandError(
                f"{platform.label} needs {field.name}: in the file, or as {variable} in the environment."
            )
        values[field.name] = field.default if value is None else value
    if unknown := set(given) - set(values):
        raise CommandError(f"{platform.label} has no {', '.join(sorted(unknown))}.")
    return values
