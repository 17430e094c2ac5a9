"""Writing commands down, and ringing the doorbell for them. The row is the promise; the ring only saves seconds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from django.db.models import Q
from kombu.exceptions import OperationalError

from integrations.models import Command, Connection

log = structlog.get_logger(__name__)
RING_AT_ONCE = 10  # so that several workers share what is many


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

    The caller holds the lock of the record `line` is about, so that `sequence` has no gaps and no rivals: should two
    ask for the same all the same, the database refuses the second, whose transaction does nothing.
    """
    command = build_command(
        connection=connection,
        kind=kind,
        stream=stream,
        subject=subject,
        line=line,
        reference=reference,
        revision=revision,
        amount=amount,
        currency=currency,
        at=at,
    )
    mine = Command.plain.filter(merchant_id=connection.merchant_id, connection=connection)
    for known in mine.filter(Q(line=line) | Q(operation_key=command.operation_key)).order_by("sequence"):
        if known.operation_key == command.operation_key:
            return known
        command.sequence = known.sequence + 1
    command.save(force_insert=True)
    ring_on_commit("integrations.deliver", command_ids=[command.pk])
    return command


def enqueue_first(commands: Sequence[Command]) -> None:
    """Write these down, each the first of its line; the caller holds what the lines are about."""
    Command.plain.bulk_create(commands)
    ring_for(commands)


def ring_for(commands: Sequence[Command]) -> None:
    """Ring for commands that were written down in this transaction, a few at once."""
    for start in range(0, len(commands), RING_AT_ONCE):
        ids = [command.pk for command in commands[start : start + RING_AT_ONCE]]
        ring_on_commit("integrations.deliver", command_ids=ids)


def build_command(
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
    """One as it begins, not written down yet."""
    return Command(
        merchant_id=connection.merchant_id,
        connection=connection,
        operation_key=f"{reference}:{kind}:{revision}",
        kind=kind,
        stream=stream,
        subject_type=subject[0],
        subject_id=subject[1],
        line=line,
        sequence=1,
        reference=reference,
        revision=revision,
        amount=amount,
        currency=currency,
        state_at=at,
        next_attempt_at=at,
        created_at=at,
    )


def ring_on_commit(task: str, **kwargs: Any) -> None:
    """Ring once the transaction is durable; a broker that is away costs nothing but the time to the next tick."""

    def ring() -> None:
        try:
            current_app.send_task(task, kwargs=kwargs, retry=False)
        except (OperationalError, OSError) as error:
            log.warning("The broker cannot be rung; the next tick finds the work.", task=task, error=str(error))

    # Robust: what is committed stays so, and is answered so, whatever way the broker's library fails.
    transaction.on_commit(ring, robust=True)
