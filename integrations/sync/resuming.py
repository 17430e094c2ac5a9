"""Sending again after a pause: the oldest five first, the others by the batch once those have arrived, and none after a
new error: sending is paused again then.

However it goes on (a person resumes or switches it on, a test succeeds), it goes through here. A step is a Replay of
each message it rang for; what has not had its turn is put off as long as the release goes, and goes by itself soon
after if nobody advances it any more.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, QuerySet

from integrations.models import Command, Connection, Release, Replay
from integrations.sync import lease
from integrations.sync.alerts import tell_paused
from integrations.sync.outbox import ring_on_commit
from portal.tenancy.models import User

KEY = "resume:"
FIRST = 5
REST_AFTER = timedelta(minutes=2)  # a step nothing is heard of for so long is over
WHENEVER = timedelta(days=400)
ORDERS = ("orders",)


@transaction.atomic
def send_first(connection: Connection, *, by: User | None, at: datetime) -> None:
    """Ring for the oldest five; the others, where there are any, follow as a Release."""
    key = f"{KEY}{connection.pk}"
    going = Release.plain.filter(merchant_id=connection.merchant_id, key=key, state=Release.State.GOING)
    going.update(state=Release.State.STOPPED, message="It was resumed anew.", ended_at=at)
    if not connection.may_write or connection.orders_paused:
        return
    if list_waiting(connection.pk).count() <= FIRST:
        _ring(list(list_waiting(connection.pk).values_list("pk", flat=True)), at)
        return
    one = Release.plain.create(merchant_id=connection.merchant_id, key=key, by=by, started_at=at, step=1)
    one.sent = send(one, FIRST, at)
    one.save(update_fields=["sent"])


def list_waiting(connection_id: int) -> QuerySet[Command]:
    """What waits to be sent there, the oldest first."""
    waiting = Command.plain.filter(connection=connection_id, state=Command.State.PENDING)
    return waiting.order_by("created_at", "pk")


def find_connection(one: Release) -> Connection:
    return Connection.plain.get(pk=int(one.key.removeprefix(KEY)))


@transaction.atomic
def send(one: Release, many: int, at: datetime) -> int:
    """Ring for the oldest that have not had their turn, and put the others off; how many."""
    connection = find_connection(one)
    rest = _list_rest(one, connection)
    may_go = lease.due(at + WHENEVER).filter(pk__in=rest.values("pk")).order_by("created_at", "pk")
    ids = list(may_go.values_list("pk", flat=True)[:many])
    Replay.plain.bulk_create(
        Replay(merchant_id=one.merchant_id, command_id=pk, action=Replay.Action.RESUME, by=one.by, at=at, release=one)
        for pk in ids
    )
    _ring(ids, at)
    hold_back(one, at)
    return len(ids)


def hold_back(one: Release, at: datetime) -> None:
    """Those that have not had their turn wait for it."""
    rest = _list_rest(one, find_connection(one))
    rest.filter(next_attempt_at__lt=at + REST_AFTER / 2).update(next_attempt_at=at + REST_AFTER)


def pause_again(one: Release, *, at: datetime) -> None:
    """After a new error nothing more goes until a person resumes."""
    connection = find_connection(one)
    if Connection.plain.filter(pk=connection.pk, orders_paused=False).update(orders_paused=True):
        tell_paused(connection, ORDERS, at=at)


def why_not(one: Release) -> str:
    """'' while it may go on."""
    connection = find_connection(one)
    return "" if connection.may_write and not connection.orders_paused else "Sending was paused again."


def is_step_over(one: Release, sent: QuerySet[Command], at: datetime) -> bool:
    """All of it has arrived, or what is left waits for something else."""
    if sent.filter(state__in=Command.BUSY_STATES).exists():
        return False
    newest = one.replays.aggregate(at=Max("at"))["at"]
    late = newest is None or at >= newest + REST_AFTER
    return late or not sent.filter(state=Command.State.PENDING).exists()


def _list_rest(one: Release, connection: Connection) -> QuerySet[Command]:
    waiting = list_waiting(connection.pk).filter(created_at__lte=one.started_at)
    return waiting.exclude(pk__in=one.replays.values("command_id"))


def _ring(ids: list[int], at: datetime) -> None:
    if ids:
        Command.plain.filter(pk__in=ids, next_attempt_at__gt=at).update(next_attempt_at=at)
        ring_on_commit("integrations.deliver", command_ids=ids)
