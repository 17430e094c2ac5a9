"""Writing commands down, and ringing the doorbell for them. The row is the promise; the ring only saves seconds."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from django.db.models import Max
from kombu.exceptions import OperationalError

from integrations.models import Command, Connection

log = structlog.get_logger(__name__)


def enqueue(
    *,
    connection: Connection,
    kind: str,
    stream: str,
    subject: tuple[str, int],
    line: str,
    reference: str,
    revision: int = 1,
    amount: Decimal = Decimal(0),
    currency: str = "",
    at: datetime,
) -> Command:
    """Write a command down in the caller's transaction; the same operation twice is one row.

    The caller holds the lock of the record `line` is about, so that `sequence` has no gaps and no rivals.
    """
    operation_key = f"{reference}:{kind}:{revision}"
    last = Command.plain.filter(connection=connection, line=line).aggregate(last=Max("sequence"))["last"]
    command, created = Command.plain.get_or_create(
        merchant_id=connection.merchant_id,
        connection=connection,
        operation_key=operation_key,
        defaults={
            "kind": kind,
            "stream": stream,
            "subject_type": subject[0],
            "subject_id": subject[1],
            "line": line,
            "sequence": (last or 0) + 1,
            "reference": reference,
            "revision": revision,
            "amount": amount,
            "currency": currency,
            "state_at": at,
            "next_attempt_at": at,
            "created_at": at,
        },
    )
    if created:
        ring_on_commit("integrations.deliver", command_ids=[command.pk])
    return command


def ring_on_commit(task: str, **kwargs: Any) -> None:
    """Ring once the transaction is durable; a broker that is away costs nothing but the time to the next tick."""

    def ring() -> None:
        try:
            current_app.send_task(task, kwargs=kwargs, retry=False)
        except (OperationalError, OSError) as error:
            log.warning("The broker cannot be rung; the next tick finds the work.", task=task, error=str(error))

    # Robust: what is committed stays so, and is answered so, whatever way the broker's library fails.
    transaction.on_commit(ring, robust=True)
