"""`manage.py start`: the empty portal. Makes the first login and merchant where there is none, then runs everything."""

from __future__ import annotations

import getpass
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.urls import NoReverseMatch, reverse

from portal.base.health import check_database, check_migrations
from portal.tenancy.models import Merchant
from portal.tenancy.services import create_merchant

FIRST_MERCHANT = "My company"


class Command(BaseCommand):
    help = "Ask for an e-mail and a password once, then run the portal. FIRST_EMAIL and FIRST_PASSWORD answer for you."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--prepare-only", action="store_true", help="make login and merchant, start nothing")

    def handle(self, *_args: Any, **options: Any) -> None:
        if message := check_database() or check_migrations():
            raise CommandError(message)
        users = get_user_model()._default_manager
        if not users.exists():
            email, password = self._ask_email(), self._ask_password()
            get_user_model().objects.create_superuser(email=email, password=password)
            self.stdout.write(f"{email} may log in now.")
        owner = users.filter(is_superuser=True).order_by("pk").first()
        if owner and not Merchant.objects.exists():
            create_merchant(name=FIRST_MERCHANT, owner=owner)
        self.stdout.write(f"Begin here: http://{options['host']}:{options['port']}{find_first_page()}")
        if not options["prepare_only"]:
            call_command("portal", host=options["host"], port=options["port"])

    def _ask_email(self) -> str:
        while True:
            email = os.environ.get("FIRST_EMAIL") or ask("E-mail: ")
            try:
                validate_email(email)
            except ValidationError as error:
                self._refuse("FIRST_EMAIL", error)
                continue
            return email

    def _ask_password(self) -> str:
        while True:
            password = os.environ.get("FIRST_PASSWORD") or ask("Password: ", hidden=True)
            try:
                validate_password(password)
            except ValidationError as error:
                self._refuse("FIRST_PASSWORD", error)
                continue
            return password

    def _refuse(self, name: str, error: ValidationError) -> None:
        """Says what is wrong with a typed answer; one from the environment cannot be asked again."""
        if os.environ.get(name):
            raise CommandError(f"{name}: {' '.join(error.messages)}")
        self.stderr.write(" ".join(error.messages))


def ask(prompt: str, *, hidden: bool = False) -> str:
    if not sys.stdin.isatty():
        raise CommandError("There is no login yet and nobody to ask: set FIRST_EMAIL and FIRST_PASSWORD.")
    return getpass.getpass(prompt) if hidden else input(prompt)


def find_first_page() -> str:
    """The set-up path begins with a connection."""
    try:
        return reverse("admin:integrations_connection_add")
    except NoReverseMatch:
        return reverse("admin:index")
