"""Having the shops told at once what a sale left or a person decided, without waiting for their timer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from catalog.models import Figures
from catalog.services.figures import MODELS, PAUSED_BY
from integrations.models import Connection, Flow
from integrations.sync import runs

SALE, RULE = "sale", "rule"  # the triggers of such runs: goods were promised; a rule or a price was changed


def send_on_commit(
    *,
    merchant_id: int,
    at: datetime,
    stream: str = Figures.STOCK,
    variant_ids: Iterable[int] | None = None,
    connection_id: int | None = None,
    trigger: str = SALE,
) -> None:
    """Once this transaction is durable, ask for a run of each shop that shows another figure of these variants, or of
    one shop that shows another figure of anything.

    After the commit, so that the run finds the figures, and so that sales of one merchant do not wait for each other.
    If the process dies in between, the shop's timer sends them. A shop that is watching or paused, or whose flow is
    off, is not asked; the run itself looks at the brake.
    """
    differs = Q() if variant_ids is None else Q(binding__variant_id__in=tuple(variant_ids))
    flows = list_senders(merchant_id=merchant_id, stream=stream)
    if connection_id is not None:
        flows = flows.filter(connection_id=connection_id)
    transaction.on_commit(partial(_start, flows, stream, differs, trigger, at), robust=True)


def list_senders(*, merchant_id: int, stream: str) -> QuerySet[Flow]:
    """The flows that may send such figures now."""
    return Flow.plain.filter(
        merchant_id=merchant_id,
        stream=stream,
        direction=Flow.Direction.PUSH,
        enabled=True,
        connection__state__in=Connection.WRITING_STATES,
        **{f"connection__{PAUSED_BY[stream]}": False},
    )


def sends_at_once(shop: Connection, stream: str) -> bool:
    """Whether what changes is sent there now, as far as anybody but the brake is concerned."""
    return list_senders(merchant_id=shop.merchant_id, stream=stream).filter(connection=shop).exists()


def _start(flows: QuerySet[Flow], stream: str, of: Q, trigger: str, at: datetime) -> None:
    differs = MODELS[stream].plain.filter(
        Q(sent__isnull=True) | ~Q(sent=F("wanted")),
        Q(refused__isnull=True) | ~Q(refused=F("wanted")),
        of,
        connection=OuterRef("connection"),
    )
    waiting = runs.list_waiting().filter(flow=OuterRef("pk"), procedure_run__isnull=True)
    for flow in flows.filter(Exists(differs), ~Exists(waiting)).order_by("pk"):
        runs.start_flow(flow, trigger=trigger, at=at)
