"""Executing a run of a flow: the one edge where whatever goes wrong inside becomes a state and words."""

from __future__ import annotations

import structlog
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from integrations.contract import errors as e
from integrations.models import Flow, SyncRun
from integrations.sync import runs
from integrations.sync.client import Captures, block_budget, build_connector
from integrations.sync.handlers import call
from integrations.sync.pull import pull
from integrations.sync.push import push

log = structlog.get_logger(__name__)
State = SyncRun.State


def execute(run_id: int) -> str:
    """Carry out one run; the state it is in afterwards, '' where it was not ours to do."""
    run = runs.take(run_id, timezone.now())
    if run is None:
        return ""
    if runs.give_up_if_poison(run, timezone.now()):
        return run.state
    captures = Captures()
    try:
        _work(run, captures)
    finally:
        captures.save(run.flow.connection, run=run)
    return SyncRun.plain.values_list("state", flat=True).get(pk=run.pk)


def _work(run: SyncRun, captures: Captures) -> None:
    connection = run.flow.connection
    try:
        if not connection.may_read:
            words = f"{connection} is {connection.get_state_display().lower()}; nothing was read or sent."
            raise runs.RunFailed("CONNECTION_NOT_READING", words)
        if run.trigger == runs.FEED:
            call(run.flow.stream, "feed", run.merchant_id, run=run)
            runs.finish(run, State.DONE, at=timezone.now())
            return
        connector = build_connector(connection, captures, before_request=lambda: runs.renew(run, timezone.now()))
        work = pull if run.flow.direction == Flow.Direction.PULL else push
        work(run, connector, captures)
    except runs.LeaseLost:
        log.warning("The flow was taken by another worker; this one stops.", run=run.pk)
    except runs.RunPostponed:
        runs.postpone(run, timezone.now())
    except runs.RunCancelled:
        runs.finish(run, State.CANCELLED, at=timezone.now(), message="Cancelled by a person.")
    except runs.RunFailed as error:
        runs.finish(run, State.FAILED, at=timezone.now(), code=error.code, message=error.message)
    except e.ConnectorError as error:
        if isinstance(error, e.RateLimited):
            block_budget(connection, seconds=error.retry_after, at=timezone.now())
        runs.refuse(run, error, timezone.now())
    except (OperationalError, InterfaceError) as error:
        runs.refuse(run, e.Retryable(f"The database did not answer: {error}", code="DATABASE"), timezone.now())
    except Exception as error:
        log.exception("A run failed in an unforeseen way.", run=run.pk)
        words = f"Unforeseen, and not a matter of the records: {type(error).__name__}: {error}"
        runs.finish(run, State.FAILED, at=timezone.now(), code="UNFORESEEN", message=words)
    else:
        runs.finish(run, State.DONE, at=timezone.now())
