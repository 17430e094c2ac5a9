"""How well a connection answers: works only in part where many calls fail, pauses by itself where all do, and goes on
by itself when it answers again.

A platform that is down would otherwise use up each message's tries; while it is paused nothing is tried, and once a
test of the connection succeeds the messages go, five first.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db.models import Max, Min, Q
from django.utils.translation import gettext as _

from integrations.models import Connection, Exchange
from integrations.sync.alerts import stop_connection
from integrations.sync.connections import check_connection

log = structlog.get_logger(__name__)
State = Connection.State
WINDOW = timedelta(minutes=15)
FEWEST_CALLS = 10  # fewer say nothing
BAD_SHARE, GOOD_SHARE = 0.20, 0.05  # degraded from the one, well again at the other
DOWN_FOR = timedelta(minutes=5)  # every call has failed for so long
PROBE_EVERY = timedelta(minutes=5)
FAILED = ~Q(error="") | Q(status__gte=500) | Q(status=429)


def judge_all(at: datetime) -> None:
    """Look at each connection that is written to."""
    for pk in Connection.plain.filter(state__in=Connection.WRITING_STATES).order_by("pk").values_list("pk", flat=True):
        judge(pk, at=at)


def judge(connection_id: int, *, at: datetime) -> None:
    """Move a connection to the state its calls of the last quarter of an hour say; few calls say nothing."""
    calls = Exchange.plain.filter(connection_id=connection_id, at__gt=at - WINDOW, at__lte=at)
    failed = calls.filter(FAILED)
    seen = calls.aggregate(last_good=Max("at", filter=~FAILED), first=Min("at"))
    count, bad = calls.count(), failed.count()
    if count < FEWEST_CALLS:
        return
    facts = {"bad": bad, "count": count, "last": _describe(failed.order_by("-pk").first())}
    if bad == count and seen["first"] is not None and at - seen["first"] >= DOWN_FOR:
        words = _("None of its last %(count)s calls succeeded: %(last)s. It is tested every 5 minutes.") % facts
        stop_connection(connection_id, state=State.PAUSED, reason=words, among=Connection.WRITING_STATES, at=at)
    elif bad / count >= BAD_SHARE:
        words = _("%(bad)s of its last %(count)s calls failed: %(last)s") % facts
        stop_connection(connection_id, state=State.DEGRADED, reason=words, among=(State.ACTIVE,), at=at)
    elif bad / count <= GOOD_SHARE:
        well = Connection.plain.filter(pk=connection_id, state=State.DEGRADED)
        well.update(state=State.ACTIVE, state_reason="")


def list_to_probe(at: datetime) -> list[int]:
    """Those that paused by themselves and have not been tested lately."""
    lately = Q(checked_at__gt=at - PROBE_EVERY)
    return list(Connection.plain.filter(~lately, state=State.PAUSED).order_by("pk").values_list("pk", flat=True))


def probe(connection_id: int, *, at: datetime) -> bool:
    """Test one that is paused; whether it goes on."""
    row = Connection.plain.filter(pk=connection_id, state=State.PAUSED).first()
    if row is None or check_connection(row, at=at) is None:
        return False
    log.info("A paused connection answers again and goes on.", connection=connection_id)
    return True


def _describe(last: Exchange | None) -> str:
    if last is None:
        return ""
    return last.error or _("it answered %(status)s") % {"status": last.status}
