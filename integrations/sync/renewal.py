"""Renewing a token after a 401: one worker asks, the others take what it was given, or come again."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from integrations.contract.connector import Connector
from integrations.contract.errors import NotSent
from integrations.models import Connection, Credential
from integrations.sync.vault import read_credentials, store_credentials

REQUESTS = 3  # that one renewal may take, each as long as the connection's deadline
LOOK_AGAIN_SECONDS = 0.1


class Renewal:
    """Renews what a connector was built with. A refresh token is often good for one use, so two workers that ask at the
    same time would lock the connection out."""

    def __init__(self, connection: Connection, connector: Connector, credentials: Mapping[str, str]) -> None:
        self._connection = connection
        self._connector = connector
        self._known = dict(credentials)

    def renew(self) -> bool:
        """Whether the connector now speaks with other secrets than those that were refused.

        AuthFailed where the platform gives no new ones. NotSent where another worker is still asking: what was refused
        did nothing, and goes again later.
        """
        give_up = time.monotonic() + self._connection.deadline_seconds
        while True:
            if self._take_newer():
                return True
            if token := self._lease():
                return self._ask(token)
            if time.monotonic() >= give_up:
                raise NotSent(f"Another worker is renewing the access to {self._connection}.", code="RENEWING")
            time.sleep(LOOK_AGAIN_SECONDS)

    def _take_newer(self) -> bool:
        stored = read_credentials(self._connection)
        if stored == self._known:
            return False
        self._use(stored)
        return True

    def _lease(self) -> str:
        """A token where it is ours to ask now, else ''."""
        now, token = timezone.now(), secrets.token_hex(16)
        free = Credential.plain.filter(Q(lease_until__isnull=True) | Q(lease_until__lte=now))
        until = now + timedelta(seconds=self._connection.deadline_seconds * REQUESTS)
        taken = free.filter(connection=self._connection).update(lease_token=token, lease_until=until)
        return token if taken else ""

    def _ask(self, token: str) -> bool:
        try:
            if self._take_newer():  # between our look and our lease another had just finished
                return True
            store_credentials(self._connection, self._connector.refresh_credentials())
        finally:
            Credential.plain.filter(connection=self._connection, lease_token=token).update(
                lease_token="", lease_until=None
            )
        return self._take_newer()

    def _use(self, stored: Mapping[str, str]) -> None:
        self._connector.http.hide([value for name, value in stored.items() if self._known.get(name) != value])
        self._known = dict(stored)
        self._connector.use_credentials(self._known)
