"""The inbox: a webhook is verified and stored before it is answered; then the record itself is fetched and applied."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Any

import structlog
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from integrations.contract import errors as e
from integrations.contract import records as r
from integrations.contract.connector import Connector
from integrations.contract.http import HttpClient
from integrations.models import Connection, InboundEvent
from integrations.registry import get_connector
from integrations.sync import unread
from integrations.sync.alerts import stop_connection
from integrations.sync.client import (
    CREDENTIALS_MISSING,
    Captures,
    block_budget,
    build_connector,
    list_allowed_private,
    require_credentials,
)
from integrations.sync.handlers import call, has_handler
from integrations.sync.lease import lease_length
from integrations.sync.outbox import ring_on_commit
from integrations.sync.retry import MOST_CRASHES, backoff
from integrations.sync.schedule import fire_event
from integrations.sync.vault import loaded_secrets
from integrations.sync.words import keep_words

log = structlog.get_logger(__name__)
State = InboundEvent.State
MOST_TRIES = 30
DIED = "WORKER_DIED"
PAYLOAD_INVALID = "payload_invalid"
FETCHES = {"product": "fetch_product", "customer": "fetch_customer", "order": "fetch_order"}
KEPT_HEADERS = 30


class LeaseLost(Exception):
    """Another worker has the event; what this one read does not count."""


def receive(public_id: str, request: r.WebhookRequest) -> r.WebhookAnswer:
    """Verify a delivery and store it; the answer the platform gets. WebhookRejected where it is not proven."""
    found = Connection.plain.select_related("credential").filter(public_id=public_id)
    connection = found.exclude(state=Connection.State.DISABLED).first()
    if connection is None:
        _take_as_long(request.body)
        raise e.WebhookRejected("This delivery is not proven.")
    cls = get_connector(connection.platform)
    try:
        credentials = require_credentials(connection, cls, loaded_secrets(connection))
    except e.AuthFailed as error:
        if error.code != CREDENTIALS_MISSING:
            raise  # ours to mend, a key that is not configured: the platform is asked to come again
        raise e.WebhookRejected("This delivery is not proven.") from error
    address = cls.base_url(credentials, connection.settings)
    http = HttpClient(base_url=address, allowed_private=list_allowed_private(connection))
    try:
        answer = cls(http=http, credentials=credentials, settings=connection.settings).receive_webhook(request)
    except e.PayloadInvalid as error:
        _store_unreadable(connection, request, error)
        return r.WebhookAnswer(body=b"quarantined")
    except e.Unsupported as error:
        raise e.WebhookRejected(f"{connection} takes no deliveries.") from error
    if not answer.events:
        return answer
    words = [_store(connection, request, event) for event in answer.events]
    return r.WebhookAnswer(status=answer.status, body=answer.body or words[0].encode(), content_type="text/plain")


def _take_as_long(body: bytes) -> None:
    """An unknown address costs what a wrong signature costs, so that nobody can tell the two apart."""
    expected = hmac.new(b"no such connection", body, hashlib.sha256).digest()
    hmac.compare_digest(expected, secrets.token_bytes(len(expected)))


def _store(connection: Connection, request: r.WebhookRequest, event: r.WebhookEvent) -> str:
    now = timezone.now()
    state, word = State.RECEIVED, "stored"
    if event.stream not in FETCHES:
        state, word = State.IGNORED, "ignored_topic"
    elif not event.external_id:
        # Proven, but nobody can tell which record it is about: kept for a person.
        state, word = State.QUARANTINED, "quarantined"
    elif _is_stale(connection, event):
        state, word = State.STALE, "stale"
    row = InboundEvent(
        stream=event.stream,
        external_id=keep_words(event.external_id, 200),
        topic=keep_words(event.topic, 100),
        dedupe_key=keep_words(event.dedupe_key, 200),
        occurred_at=event.occurred_at,
        state=state,
        error_code=PAYLOAD_INVALID if state == State.QUARANTINED else "",
    )
    return word if _insert(connection, request, row, now) else "duplicate"


def _store_unreadable(connection: Connection, request: r.WebhookRequest, error: e.PayloadInvalid) -> None:
    row = InboundEvent(
        dedupe_key=f"unreadable:{hashlib.sha256(request.body).hexdigest()}",
        state=State.QUARANTINED,
        error_code=PAYLOAD_INVALID,
        message=error.message[:2000],
    )
    if _insert(connection, request, row, timezone.now()):
        unread.note_event(row, timezone.now())


def _insert(connection: Connection, request: r.WebhookRequest, row: InboundEvent, at: datetime) -> bool:
    """Store the row, or count the copy where we have it; False then."""
    row.merchant_id, row.connection, row.received_at = connection.merchant_id, connection, at
    row.headers, row.body = dict(list(request.headers.items())[:KEPT_HEADERS]), request.body
    row.next_attempt_at = at
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            if row.state == State.RECEIVED:
                ring_on_commit("integrations.inbox", event_ids=[row.pk])
    except IntegrityError:
        same = InboundEvent.plain.filter(connection=connection, dedupe_key=row.dedupe_key)
        if not same.update(duplicates=F("duplicates") + 1):
            raise  # refused for another reason: it is not stored, and must not be answered as if it were
        return False
    return True


def _is_stale(connection: Connection, event: r.WebhookEvent) -> bool:
    """Whether a later word on the same record has been taken already."""
    if event.occurred_at is None:
        return False
    return InboundEvent.plain.filter(
        connection=connection,
        stream=event.stream,
        external_id=event.external_id,
        state=State.DONE,
        occurred_at__gt=event.occurred_at,
    ).exists()


# --- applying --------------------------------------------------------------------------------------------------------


def due(at: datetime) -> QuerySet[InboundEvent]:
    """Events that may be applied now: of a connection that reads, and not in another worker's hands."""
    waiting = Q(state=State.RECEIVED, next_attempt_at__lte=at) | Q(state=State.LEASED, lease_until__lte=at)
    return InboundEvent.plain.filter(waiting, connection__state__in=Connection.READING_STATES)


def take(event_id: int, at: datetime) -> InboundEvent | None:
    """Lease a due event. One that killed its worker three times running stops instead; None then, as where it is
    another's."""
    with transaction.atomic():
        found = due(at).select_for_update(skip_locked=True, of=("self",)).select_related("connection")
        event = found.filter(pk=event_id).first()
        if event is None:
            return None
        if event.state == State.LEASED and event.error_code != DIED:
            event.attempts, event.error_code = 1, DIED  # from here on `attempts` counts the crashes
        if event.error_code == DIED and event.attempts >= MOST_CRASHES:
            _close(event, State.FAILED, DIED, f"The worker died {event.attempts} times at this event.")
            return None
        event.state, event.lease_token, event.lease_until = (
            State.LEASED,
            secrets.token_hex(16),
            at + lease_length(event.connection),
        )
        event.attempts += 1
        event.save(update_fields=["state", "lease_token", "lease_until", "attempts", "error_code"])
    return event


def process(event_id: int) -> str:
    """Fetch the record an event is about and apply it; the event's state afterwards, '' where it was not ours."""
    event = take(event_id, timezone.now())
    if event is None:
        _count_if_over(event_id)
        return ""
    captures = Captures()
    try:
        _process(event, captures)
    finally:
        captures.save(event.connection)
    return _count_if_over(event_id)


def _count_if_over(event_id: int) -> str:
    """Tell the problems of an event that was set aside, or that makes good what was; the state it is in."""
    set_aside = unread.list_set_aside(OuterRef("connection"), OuterRef("stream"))
    older = Exists(set_aside.filter(external_id=OuterRef("external_id")))
    rows = InboundEvent.plain.filter(pk=event_id).annotate(older=older)
    state, matters, problem_id = rows.values_list("state", "older", "problem_id").get()
    if matters or problem_id is not None:
        unread.settle_event(event_id, timezone.now())
    return str(state)


def _process(event: InboundEvent, captures: Captures) -> None:
    read_at = timezone.now()
    try:
        connector = build_connector(event.connection, captures)
        record = _fetch(connector, event)
        try:
            apply_record(event, record, read_at)
        except IntegrityError:
            # Another worker saved the same record first: now it is there to be changed.
            apply_record(event, record, read_at)
    except LeaseLost:
        log.warning("The event was taken by another worker; what this one read is dropped.", id=event.pk)
    except e.AuthFailed as error:
        stop_connection(
            event.connection_id,
            state=Connection.State.NEEDS_REAUTH,
            reason=error.message,
            among=Connection.READING_STATES,
            at=timezone.now(),
        )
        _again(event, error.code, error.message, timedelta(0))
    except (e.Retryable, e.OutcomeUnknown) as error:
        wait = backoff(event.attempts, SystemRandom())
        if isinstance(error, e.RateLimited):
            wait = timedelta(seconds=error.retry_after)
            block_budget(event.connection, seconds=error.retry_after, at=timezone.now())
            event.attempts = 0  # being asked to wait is no failed try
        _again(event, error.code, error.message, wait)
    except e.ConnectorError as error:
        _close(event, State.FAILED, error.code, error.message)
    except (OperationalError, InterfaceError) as error:
        _again(event, "DATABASE", str(error), backoff(event.attempts, SystemRandom()))
    except Exception as error:
        log.exception("An event could not be applied; it is set aside.", id=event.pk)
        _close(event, State.FAILED, "APPLY_FAILED", str(error) or type(error).__name__)


def _fetch(connector: Connector, event: InboundEvent) -> Any:
    """The record as it is there now; None where it is gone."""
    try:
        return getattr(connector, FETCHES[event.stream])(event.external_id)
    except e.NotFound:
        return None


@transaction.atomic
def apply_record(event: InboundEvent, record: Any, read_at: datetime) -> None:
    """Apply what was read of a leased event, and close it, all or nothing; None: it is gone there."""
    now, connection = timezone.now(), event.connection
    _prove_ours(event)
    if record is None:
        _gone(event, now)
        return
    applied = call(
        event.stream, "apply", event.merchant_id, connection=connection, records=[record], read_at=read_at, at=now
    )
    if applied.created:
        fire_event(event.merchant_id, f"{event.stream}.created", at=now)
    if applied.skipped:
        _close(event, State.IGNORED, applied.skipped[0].code, applied.skipped[0].message)
    else:
        _close(event, State.DONE)


def _prove_ours(event: InboundEvent) -> None:
    """Lock the event for this transaction, so that one event has one effect."""
    if not InboundEvent.plain.filter(pk=event.pk, lease_token=event.lease_token).update(state=State.LEASED):
        raise LeaseLost


def _gone(event: InboundEvent, at: datetime) -> None:
    """The record was deleted there before we could read it."""
    if has_handler(event.stream, "gone"):
        call(
            event.stream, "gone", event.merchant_id,
            connection=event.connection, external_id=event.external_id, at=at,
        )  # fmt: skip
    _close(event, State.DONE, message="It does not exist there any more.")


def _again(event: InboundEvent, code: str, message: str, wait: timedelta) -> None:
    if event.attempts >= MOST_TRIES:
        _close(event, State.FAILED, code, message)
        return
    InboundEvent.plain.filter(pk=event.pk, lease_token=event.lease_token).update(
        state=State.RECEIVED,
        lease_token="",
        lease_until=None,
        next_attempt_at=timezone.now() + wait,
        attempts=event.attempts,
        error_code=code[:60],
        message=keep_words(message, 2000),
    )


def _close(event: InboundEvent, state: str, code: str = "", message: str = "") -> None:
    """Say how the event ended; a worker whose lease was taken says nothing."""
    now = timezone.now()
    InboundEvent.plain.filter(pk=event.pk, lease_token=event.lease_token).update(
        state=state,
        lease_token="",
        lease_until=None,
        finished_at=now,
        error_code=code[:60],
        message=keep_words(message, 2000),
    )
