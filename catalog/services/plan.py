"""Plan, apply, undo: a push is looked at first, carries exactly what was looked at, and can be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.db.models import BigIntegerField, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from catalog.models import Figures, KeptFigure, PlanLine, PushPlan, ShopFigure
from catalog.services.figures import (
    FIELDS,
    MODELS,
    MOST_ZEROED,
    PAUSED_BY,
    SMALLEST_SHOP,
    describe_moved,
    describe_zeroed,
    from_whole,
    list_dirty,
    list_figures,
    lower_kept_stock,
)
from integrations.contract import records as r
from integrations.models import Connection, Flow, SyncRun
from integrations.sync import runs
from portal.tenancy.models import User

State = PushPlan.State
NOBODY_KNOWS = "Nobody knows yet whether it was taken; it goes again."


class NotPossible(Exception):
    """Why a plan cannot be applied or taken back; words for the person who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of one figure of a planned push. `former`: what the shop had taken before."""

    binding_id: int
    slot: str
    former: int | None
    outcome: r.PushOutcome
    message: str = ""


@transaction.atomic
def make_plan(*, connection: Connection, stream: str, by: User | None, at: datetime) -> PushPlan:
    """Write down what a push would change now; nothing is sent. Older plans nobody applied go."""
    if stream == Figures.STOCK:
        lower_kept_stock(connection)
    ready = PushPlan.plain.filter(connection=connection, stream=stream, state=State.READY)
    ready.delete()
    plan = PushPlan(merchant_id=connection.merchant_id, connection=connection, stream=stream, made_at=at, made_by=by)
    plan.save()
    plan.changes = _write_lines(plan, at)
    plan.total = list_figures(stream, connection).count()
    plan.brake, plan.braked = _find_braked(plan)
    plan.save(update_fields=["changes", "total", "brake", "braked"])
    return plan


def _write_lines(plan: PushPlan, at: datetime) -> int:
    """One statement, however many lines: INSERT … SELECT of what differs, with what the shop shows where nobody knows
    what it took last."""
    field = FIELDS[plan.stream]()
    priced = plan.stream == Figures.PRICE
    shown = ShopFigure.plain.filter(
        merchant_id=plan.merchant_id, connection=plan.connection, stream=plan.stream,
        binding=OuterRef("binding_id"), slot=OuterRef("slot"),
    )  # fmt: skip
    if priced:
        shown = shown.filter(currency=OuterRef("currency"))
    rows = list_dirty(plan.stream, plan.connection, at).annotate(
        its_plan=Value(plan.pk, output_field=BigIntegerField()),
        its_currency=F("currency") if priced else Value(""),
        before=Coalesce(F("sent"), Subquery(shown.values("shown")[:1], output_field=field), output_field=field),
        is_braked=Value(False),
        no_words=Value(""),
    )
    names = (
        "merchant_id",
        "its_plan",
        "binding_id",
        "slot",
        "its_currency",
        "before",
        "target",
        "is_braked",
        "no_words",
    )
    columns = ("merchant_id", "plan_id", "binding_id", "slot", "currency", "before", "after", "braked", "message")
    return _insert(PlanLine, columns, rows.order_by().values_list(*names))


def _insert(model: type[Any], columns: Sequence[str], rows: QuerySet[Any, Any], conflict: str = "") -> int:
    select, params = rows.query.sql_with_params()
    quote = database.ops.quote_name
    into = f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(map(quote, columns))}) {select} {conflict}"
    with database.cursor() as cursor:
        cursor.execute(into, params)
        return int(cursor.rowcount)


def _find_braked(plan: PushPlan) -> tuple[str, int]:
    """The brake's words on the whole plan, and how many lines it would stop; they are marked."""
    lines = PlanLine.plain.filter(plan=plan, before__gt=0)
    if plan.stream == Figures.STOCK:
        found = lines.filter(after=0)
        count = found.count()
        if plan.total < SMALLEST_SHOP or count <= plan.total * MOST_ZEROED:
            return "", 0
        found.update(braked=True)
        return describe_zeroed(count, plan.total, plan.connection), count
    # 30 % up or down, in whole numbers.
    tenfold = lines.alias(tenfold=F("after") * 10)
    moved = tenfold.filter(Q(tenfold__gt=F("before") * 13) | Q(tenfold__lt=F("before") * 7))
    first = moved.order_by("pk").select_related("binding").first()
    if first is None or first.before is None:
        return "", 0
    count = moved.update(braked=True)
    before, after = from_whole(plan.stream, first.before), from_whole(plan.stream, first.after)
    example = f"{first.binding.reference_code} from {before.normalize():f} to {after.normalize():f} {first.currency}"
    return describe_moved(count, example, plan.connection), count


def find_flow(plan: PushPlan) -> Flow | None:
    """The flow that sends these figures there."""
    flows = Flow.plain.filter(connection=plan.connection, stream=plan.stream, direction=Flow.Direction.PUSH)
    return flows.filter(enabled=True).select_related("connection").first()


def check_sending(plan: PushPlan) -> str:
    """Words where nothing can be sent there now; '' where it can."""
    connection = plan.connection
    if not connection.may_write:
        words = _("%(shop)s is %(state)s and gets nothing: go live with it first.")
        return words % {"shop": connection, "state": connection.get_state_display().lower()}
    if getattr(connection, PAUSED_BY[plan.stream]):
        words = _("Sending %(what)s to %(shop)s is paused: resume it on the connection's page.")
        return words % {"what": plan.get_stream_display().lower(), "shop": connection}
    if find_flow(plan) is None:
        words = _("No flow sends %(what)s to %(shop)s: add one under Flows.")
        return words % {"what": plan.get_stream_display().lower(), "shop": connection}
    return ""


@transaction.atomic
def apply_plan(*, plan_id: int, by: User | None, at: datetime) -> PushPlan:
    """Send what is on the plan and still wanted as it was looked at, the brake overridden for that and nothing else."""
    plan = _lock(plan_id, {State.READY})
    plan.state, plan.applied_at, plan.applied_by = State.APPLIED, at, by
    plan.run = _start(plan, f"plan {plan.pk}", at)
    plan.save(update_fields=["state", "applied_at", "applied_by", "run"])
    return plan


@transaction.atomic
def undo_plan(*, plan_id: int, by: User | None, at: datetime) -> PushPlan:
    """The shop gets its former figures back and keeps them, whatever is worked out, until `follow_again`."""
    plan = _lock(plan_id, {State.APPLIED})
    if not PlanLine.plain.filter(plan=plan, sent_at__isnull=False, before__isnull=False).exists():
        raise NotPossible(_("Nothing of this plan was sent whose former figure is known: there is nothing to undo."))
    SyncRun.plain.filter(pk=plan.run_id or 0, state__in=SyncRun.OPEN_STATES).update(cancel_requested=True)
    plan.state, plan.undone_at, plan.undone_by = State.UNDONE, at, by
    _keep(plan)
    plan.undo_run = _start(plan, f"undo {plan.pk}", at)
    plan.save(update_fields=["state", "undone_at", "undone_by", "undo_run"])
    return plan


@transaction.atomic
def follow_again(*, plan_id: int, binding_ids: Iterable[int] | None = None) -> int:
    """Let what was taken back follow what is worked out again, all of it or some; how many figures."""
    plan = _lock(plan_id, {State.UNDONE})
    kept = KeptFigure.plain.filter(plan=plan)
    gone = (kept if binding_ids is None else kept.filter(binding_id__in=list(binding_ids))).delete()[0]
    if not kept.exists():
        PushPlan.plain.filter(pk=plan.pk).update(state=State.FOLLOWING)
    return gone


def settle_plan(*, only: str, settled: Sequence[Settled], at: datetime) -> None:
    """Note on the plan's lines what became of them; the former figure is the one the shop had at that moment."""
    word, _space, plan_id = only.partition(" ")
    plan = PushPlan.plain.get(pk=int(plan_id))
    lines = PlanLine.plain.filter(plan=plan, binding_id__in=[one.binding_id for one in settled])
    by_place = {(line.binding_id, line.slot): line for line in lines.select_for_update().order_by("pk")}
    for one in settled:
        line = by_place.get((one.binding_id, one.slot))
        if line is None:
            continue
        line.message = one.message[:500]
        if one.outcome is r.PushOutcome.REFUSED:
            continue
        if one.outcome is r.PushOutcome.UNKNOWN:
            line.message = line.message or NOBODY_KNOWS
        if word == "undo":
            line.undone_at = at
        else:
            line.sent_at = at
            line.before = line.before if one.former is None else one.former
    PlanLine.plain.bulk_update(by_place.values(), ["before", "sent_at", "undone_at", "message"])
    if word == "plan" and plan.state == State.UNDONE:
        _keep(plan)  # undone while these were on their way


def _lock(plan_id: int, states: set[str]) -> PushPlan:
    plan = PushPlan.plain.select_for_update(of=("self",)).select_related("connection").get(pk=plan_id)
    if plan.state not in states:
        raise NotPossible(_("This plan is %(state)s already.") % {"state": plan.get_state_display().lower()})
    return plan


def _start(plan: PushPlan, trigger: str, at: datetime) -> SyncRun:
    flow = find_flow(plan)
    if (words := check_sending(plan)) or flow is None:
        raise NotPossible(words)
    return runs.start_flow(flow, trigger=trigger, at=at, beside=True)


def _keep(plan: PushPlan) -> int:
    """Keep the former figure of every line that was sent, in the shop's currency of then; one statement."""
    rows = PlanLine.plain.filter(plan=plan, sent_at__isnull=False, before__isnull=False)
    if plan.stream == Figures.PRICE:
        now = MODELS[plan.stream].plain.filter(binding=OuterRef("binding_id"), slot=OuterRef("slot"))
        rows = rows.filter(currency=Subquery(now.values("currency")[:1]))
    rows = rows.annotate(
        its_connection=Value(plan.connection_id, output_field=BigIntegerField()),
        its_stream=Value(plan.stream),
        figure_now=F("before"),
        since=Value(plan.undone_at),
    )
    names = (
        "merchant_id",
        "its_connection",
        "its_stream",
        "binding_id",
        "slot",
        "plan_id",
        "before",
        "figure_now",
        "since",
    )
    columns = (
        "merchant_id", "connection_id", "stream", "binding_id", "slot", "plan_id", "undone_to", "figure", "since",
    )  # fmt: skip
    keys = ("merchant_id", "connection_id", "stream", "binding_id", "slot")
    values = ("plan_id", "undone_to", "figure", "since")
    conflict = (
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in values)}"
    )
    return _insert(KeptFigure, columns, rows.order_by().values_list(*names), conflict)
