"""Having the shops told at once what is left after a sale, without waiting for their timer or for the back office."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from catalog.models import ChannelStock
from integrations.models import Connection, Flow, Stream, SyncRun
from integrations.sync import runs

SALE = "sale"  # the trigger of such a run


def send_on_commit(*, merchant_id: int, variant_ids: Iterable[int], at: datetime) -> None:
    """Once this transaction is durable, ask for a run of each shop that shows another figure of these variants.

    After the commit, so that the run finds the figures, and so that sales of one merchant do not wait for each other.
    If the process dies in between, the shop's timer sends them.
    """
    transaction.on_commit(partial(_start, merchant_id, tuple(variant_ids), at), robust=True)


def _start(merchant_id: int, variant_ids: tuple[int, ...], at: datetime) -> None:
    differs = ChannelStock.plain.filter(
        Q(sent__isnull=True) | ~Q(sent=F("wanted")),
        connection=OuterRef("connection"),
        binding__variant_id__in=variant_ids,
    )
    # A run that waits to begin will find these figures, too.
    waiting = SyncRun.plain.filter(flow=OuterRef("pk"), state=SyncRun.State.QUEUED, procedure_run__isnull=True).exclude(
        trigger=runs.FEED
    )
    flows = Flow.plain.filter(
        Exists(differs),
        ~Exists(waiting),
        merchant_id=merchant_id,
        stream=Stream.STOCK,
        direction=Flow.Direction.PUSH,
        enabled=True,
        connection__state__in=Connection.WRITING_STATES,
        connection__stock_paused=False,
    )
    for flow in flows.order_by("pk"):
        runs.start_flow(flow, trigger=SALE, at=at)
