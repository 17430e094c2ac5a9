"""`manage.py rotate_keys`: seal every credential with the first of CREDENTIAL_KEYS."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from integrations.contract.errors import AuthFailed
from integrations.sync.vault import rotate_keys


class Command(BaseCommand):
    help = "Encrypt all credentials anew with the first key of CREDENTIAL_KEYS; the older ones may be dropped after it."

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            changed = rotate_keys()
        except AuthFailed as error:
            raise CommandError(error.message) from error
        first = next(iter(settings.CREDENTIAL_KEYS))
        self.stdout.write(f"{changed} credentials were sealed anew with the key {first!r}.")
