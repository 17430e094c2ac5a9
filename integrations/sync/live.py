"""Asking a platform while somebody waits for the answer: within a deadline for all of it, under its rate budget."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from typing import TypeVar

from integrations.contract.connector import Connector
from integrations.contract.errors import Retryable
from integrations.models import Connection
from integrations.sync.client import Captures, build_connector
from integrations.sync.platforms import list_capabilities

T = TypeVar("T")


def can_ask(connection: Connection, what: str) -> bool:
    """Whether the connection is one that is read, and its platform answers this at all."""
    return connection.may_read and what in list_capabilities(connection.platform, connection.settings)


def ask(connection: Connection, what: Callable[[Connector], T], *, seconds: float) -> T:
    """What a read of the platform brings; a ConnectorError where it does not come in time. Only for reads: a write
    whose outcome nobody waits for goes by the outbox."""
    short, captures = copy.copy(connection), Captures()
    short.deadline_seconds = max(1, min(connection.deadline_seconds, math.floor(seconds)))
    until = time.monotonic() + seconds

    def still_waited_for() -> None:
        if time.monotonic() >= until:
            raise Retryable(f"{connection.name} did not answer within {seconds:g} s.", code="TOO_SLOW")

    try:
        return what(build_connector(short, captures, before_request=still_waited_for))
    finally:
        captures.save(connection)
