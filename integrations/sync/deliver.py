"""Delivering a command exactly once: take it, build it, say that it is being sent, send it, settle what came of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import SystemRandom
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from integrations.contract import errors as e
from integrations.contract import records as r
from integrations.contract.connector import FIND_FOR, Connector, Idempotency, Safety
from integrations.models import Attempt, Command, Connection
from integrations.sync import documents, lease
from integrations.sync.alerts import stop_connection
from integrations.sync.client import Captures, block_budget, build_connector
from integrations.sync.handlers import call
from integrations.sync.locking import lock_subject
from integrations.sync.problems import close_problem, note_problem
from integrations.sync.retry import GIVE_UP_AFTER, backoff
from integrations.sync.vault import loaded_secrets

log = structlog.get_logger(__name__)
State = Command.State
Outcome = Attempt.Outcome
SETTLED = (
    *("state", "state_at", "lease_token", "lease_until", "next_attempt_at", "tried_seconds", "search_first"),
    *("error_code", "message", "external_id", "external_number", "remote_total", "finished_at"),
)


def deliver(command_id: int) -> str:
    """Try one command; the state it is in afterwards, '' where it was not ours to try."""
    command = lease.take(command_id, timezone.now())
    if command is None:
        return ""
    captures = Captures()
    delivery = _Delivery(command, captures)
    try:
        delivery.run()
    finally:
        captures.save(command.connection, attempt=command.attempt)
    return delivery.ended or Command.plain.values_list("state", flat=True).get(pk=command.pk)


class _Delivery:
    """One try at one leased command."""

    def __init__(self, command: Command, captures: Captures) -> None:
        self.command = command
        self.connection: Connection = command.connection
        self.captures = captures
        self.ended = ""  # the state it was brought to; '' where the lease was lost

    def run(self) -> None:
        command = self.command
        try:
            connector = build_connector(
                self.connection, self.captures, before_request=self._still_ours, stored=loaded_secrets(self.connection)
            )
            document = self._document()
        except e.ConnectorError as error:
            self._refuse(error)
            return
        except (OperationalError, InterfaceError):
            raise  # the database: the lease runs out, and the command goes again
        except Exception as error:
            log.exception("A command could not be built.", command=command.pk)
            self._not_built(error)
            return
        safety = connector.safety(documents.safety_name(command.kind, document), self.connection.settings)
        if command.state == State.UNKNOWN or command.search_first:
            if not self._look_there(connector, document, safety):
                return
            # Not there: the same record goes again, under this lease.
            Command.plain.filter(pk=command.pk, fence=command.fence).update(state=State.LEASED)
            command.state = State.LEASED
        if lease.mark_sending(command, bytes(command.payload or documents.encode(document)), timezone.now()):
            self._send(connector, document, safety.lag_seconds)

    def _document(self) -> Any:
        """The record as stored at the first sending, else as built now."""
        command = self.command
        if command.payload is not None:
            return documents.decode(command.kind, bytes(command.payload))
        return call(command.stream, "build", command.merchant_id, command=command, at=timezone.now())

    def _not_built(self, error: Exception) -> None:
        """Our own fault: said at once, to a person, instead of after three leases as if a worker had died."""
        words = f"It could not be built, so nothing was sent: {type(error).__name__}: {error}"
        state = State.NEEDS_HUMAN if self.command.state == State.UNKNOWN else State.NEEDS_FIX
        self._finish(state, Outcome.NOT_SENT, error=e.Rejected(words, code="BUILD_FAILED"))

    def _still_ours(self) -> None:
        """Runs ahead of each request: one whose answer could come after the lease is not made."""
        until = self.command.lease_until
        if until is None or timezone.now() + timedelta(seconds=self.connection.deadline_seconds) >= until:
            raise e.NotSent("The lease ran out before the request; nothing was sent.", code="LEASE_RAN_OUT")

    # --- sending ---------------------------------------------------------------------------------------------------

    def _send(self, connector: Connector, document: Any, lag_seconds: int) -> None:
        try:
            result = documents.send(connector, self.command.kind, document)
        except e.OutcomeUnknown as error:
            self._unknown(error, lag_seconds)
        except e.ConnectorError as error:
            self._refuse(error)
        else:
            self._accept(document, result, Outcome.ACCEPTED)

    def _refuse(self, error: e.ConnectorError) -> None:
        """Surely not done there: wait and send again, or wait for a person."""
        now = timezone.now()
        match error:
            case e.RateLimited():
                block_budget(self.connection, seconds=error.retry_after, at=now)
                self._again(error, now + timedelta(seconds=error.retry_after))
            case e.Retryable():
                self._again(error, now + backoff(self.command.attempts, SystemRandom()))
            case e.AuthFailed():
                stop_connection(
                    self.connection.pk,
                    state=Connection.State.NEEDS_REAUTH,
                    reason=error.message,
                    among=Connection.WRITING_STATES,
                    at=now,
                )
                self._again(error, now)
            case _:
                self._finish(State.NEEDS_FIX, Outcome.REFUSED, error=error)

    def _again(self, error: e.ConnectorError, when: datetime) -> None:
        if self._gave_up():
            self._finish(State.NEEDS_HUMAN, Outcome.NOT_SENT, error=error)
        else:
            # An unknown outcome stays unknown while the platform cannot be asked.
            state = State.UNKNOWN if self.command.state == State.UNKNOWN else State.PENDING
            self._finish(state, Outcome.NOT_SENT, error=error, next_attempt_at=when)

    def _gave_up(self) -> bool:
        return timedelta(seconds=self.command.tried_seconds) > GIVE_UP_AFTER

    def _unknown(self, error: e.ConnectorError, lag_seconds: int) -> None:
        if self._gave_up():
            self._finish(State.NEEDS_HUMAN, Outcome.UNKNOWN, error=error)
            return
        settle = timedelta(seconds=max(self.connection.settle_seconds, lag_seconds))
        self._finish(State.UNKNOWN, Outcome.UNKNOWN, error=error, next_attempt_at=timezone.now() + settle)

    # --- looking there ---------------------------------------------------------------------------------------------

    def _look_there(self, connector: Connector, document: Any, declared: Idempotency) -> bool:
        """Whether to send: True only where the platform surely does not have it, or takes the same for the one it has.
        All else is settled here."""
        safety = declared.safety
        if safety is Safety.REPEATABLE or (safety is Safety.KEY_HEADER and self._is_remembered(declared)):
            return True
        finder = FIND_FOR.get(self.command.kind)
        if finder is None or safety not in {Safety.SEARCH, Safety.UNIQUE_KEY}:
            self._ask_a_person("OUTCOME_UNKNOWN", "Nobody but you can tell whether it is there.")
            return False
        try:
            found = [x for x in getattr(connector, finder)(self.command.reference) if not _is_cancelled(x)]
            if len(found) == 1 and found[0].state is r.DocumentState.DRAFT:
                found = [self._complete(connector, found[0])]
        except e.OutcomeUnknown as error:
            self._unknown(error, 0)
            return False
        except e.ConnectorError as error:
            self._refuse_search(error)
            return False
        if not found:
            return True
        if len(found) > 1:
            self._ask_a_person(
                "MULTIPLE_REMOTE_MATCHES", f"{len(found)} documents there carry {self.command.reference}."
            )
        elif words := documents.difference(document, found[0]):
            self._ask_a_person("AMOUNT_MISMATCH", f"It is there as {found[0].number}, but {words}.")
        else:
            self._accept(document, found[0], Outcome.FOUND)
        return False

    def _is_remembered(self, declared: Idempotency) -> bool:
        """Whether the platform still knows the key of the first try when the same record comes again. One that a person
        has changed is another, under the same key."""
        command = self.command
        tries = Attempt.plain.filter(command=command).exclude(outcome=Outcome.NOT_SENT).order_by("number")
        first = tries.values_list("started_at", flat=True).first()
        if command.search_first or first is None:
            return False
        longest = timedelta(seconds=declared.window_seconds - self.connection.deadline_seconds)
        return timezone.now() - first < longest

    def _refuse_search(self, error: e.ConnectorError) -> None:
        """A search that failed says nothing about the document: a person only where it can never be asked."""
        if isinstance(error, e.Retryable | e.AuthFailed):
            self._refuse(error)
        elif isinstance(error, e.NotFound):
            # Found, and gone when it was read again: its lists lag behind. It is looked for anew.
            self._unknown(error, 0)
        else:
            self._ask_a_person(error.code, f"It could not be looked for there: {error.message}")

    def _complete(self, connector: Connector, draft: r.CommandResult) -> r.CommandResult:
        complete = getattr(connector, self.command.kind.replace("create_", "complete_"), None)
        return complete(draft.external_id) if complete else draft

    def _ask_a_person(self, code: str, words: str) -> None:
        self._finish(State.NEEDS_HUMAN, Outcome.UNKNOWN, error=e.OutcomeUnknown(words, code=code))

    # --- settling --------------------------------------------------------------------------------------------------

    def _accept(self, document: Any, result: r.CommandResult, outcome: Outcome) -> None:
        """Done there. VERIFIED where total, currency and lines were read back and are ours."""
        words = documents.difference(document, result)
        error = e.Rejected(f"It is there as {result.number}, but {words}.", code="AMOUNT_MISMATCH") if words else None
        checked = result.total is not None and result.line_count is not None and not words
        self._finish(State.VERIFIED if checked else State.ACCEPTED, outcome, error=error, result=result)

    def _finish(
        self,
        state: State,
        outcome: Outcome,
        *,
        error: e.ConnectorError | None = None,
        result: r.CommandResult | None = None,
        next_attempt_at: datetime | None = None,
    ) -> None:
        """Write the outcome, tell the subject, and count the problem it is or was of."""
        now = timezone.now()
        row = self._write(state, outcome, error, result, next_attempt_at, now)
        if row is not None:
            note_problem(row, now)
            if state in Command.DONE_STATES:
                close_problem(row, now)

    @transaction.atomic
    def _write(
        self,
        state: State,
        outcome: Outcome,
        error: e.ConnectorError | None,
        result: r.CommandResult | None,
        next_attempt_at: datetime | None,
        now: datetime,
    ) -> Command | None:
        """Under the fence: a worker whose lease was taken changes nothing."""
        command = self.command
        is_told = state not in {State.PENDING, State.UNKNOWN} or outcome == Outcome.UNKNOWN
        if is_told:
            lock_subject(command)
        row = Command.plain.select_for_update().filter(pk=command.pk, fence=command.fence).first()
        if row is None or row.state not in Command.BUSY_STATES:
            log.warning("A late answer came after the lease was lost; it is ignored.", command=command.pk)
            return None
        row.connection = self.connection
        row.state, row.state_at, row.lease_token, row.lease_until = state, now, "", None
        row.error_code, row.message = (error.code, error.message[:2000]) if error else ("", "")
        if next_attempt_at is not None:
            # Only the waits we chose count towards giving up: time paused does not.
            row.tried_seconds += max(0, round((next_attempt_at - now).total_seconds()))
            row.next_attempt_at = next_attempt_at
        if result is not None:
            row.external_id, row.external_number, row.remote_total = result.external_id, result.number, result.total
        if state in Command.DONE_STATES:
            row.finished_at = now
        if row.search_first and state in {State.PENDING, *Command.DONE_STATES}:
            row.search_first = state == State.PENDING
        row.save(update_fields=SETTLED)
        self.ended = state
        Attempt.plain.filter(command=row, fence=row.fence).update(
            outcome=outcome, finished_at=now, error_code=row.error_code, message=row.message
        )
        if is_told:
            call(row.stream, "settle", row.merchant_id, command=row, result=result, at=now)
        return row


def _is_cancelled(result: r.CommandResult) -> bool:
    return result.state is r.DocumentState.CANCELLED
