"""The order in which everybody takes locks, so that no two wait for each other.

1. The record something is about, as its stream's `lock` handler says: of orders, refunds and deliveries the orders, by
   primary key.
2. What is written about it: its Holds, its part at a back office, its messages (Command).
3. What counts many of those: the promises of stock. Problems too, but in a transaction of their own after all else
   (`problems.refresh`), because each is shared by many records.

A shop's word, a person at the desk and what they cause hold the order first and reach for its messages. So whoever
begins at a message (an answer from there, a worker that died, a person's decision) or at a Hold (a release) asks here
for the record before it locks the message or the Hold. Taking a lease (`lease.take`) locks one message, reaches for
nothing else, and needs no record.
"""

from __future__ import annotations

from collections.abc import Collection

from integrations.models import Command
from integrations.sync.handlers import call, has_handler


def lock_subjects(stream: str, merchant_id: int, ids: Collection[int]) -> None:
    """Hold these records of the stream until the transaction ends; nothing where the stream has nothing to lock."""
    if ids and has_handler(stream, "lock"):
        call(stream, "lock", merchant_id, merchant_id=merchant_id, ids=sorted(ids))


def lock_subject(command: Command) -> None:
    """Hold what the message is about; the caller locks the message itself afterwards."""
    lock_subjects(command.stream, command.merchant_id, [command.subject_id])
