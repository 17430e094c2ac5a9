"""A back office tells us what became of orders, in bulk: shipments, invoices, statuses; each is answered for itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from msgspec import Meta
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.back_office import BackOfficeView
from integrations.contract.records import DocumentState
from orders.services.reported import (
    REFUSED,
    Result,
    Teller,
    ToldInvoice,
    ToldShipment,
    ToldStatus,
    report_invoices,
    report_shipments,
    report_statuses,
)
from portal.base.answers import Answer, Refusal, build
from portal.base.bodies import Amount, Body, Moment, Quantity, read_body
from portal.base.idempotency import PARAMETER, idempotent
from portal.base.money import currency_quantum
from portal.base.problems import Problem, ProblemSerializer

MOST = 200
LARGEST_AMOUNT = Decimal(10**12)
ERRORS = dict.fromkeys((400, 401, 403, 409, 429), ProblemSerializer)
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Short = Annotated[str, Meta(max_length=100)]
Address = Annotated[str, Meta(max_length=500, pattern=r"^(https?://[^\s]+)?$")]


class ShippedLine(Body, kw_only=True):
    """So many units of an article, by its code."""

    code: Name
    quantity: Quantity


class ShipmentReport(Body, kw_only=True):
    """`order`: our id of it, its reference, or its number in the back office; `id`: the back office's own of the
    shipment, by which it is changed when it comes again. Without lines: all that has not left yet."""

    order: Name
    id: Name
    number: Short = ""
    state: Literal["open", "done", "cancelled"] = "done"
    carrier: Short = ""
    tracking_number: Annotated[str, Meta(max_length=200)] = ""
    tracking_url: Address = ""
    shipped_at: Moment | None = None
    lines: Annotated[list[ShippedLine], Meta(max_length=500)] = []


class InvoiceReport(Body, kw_only=True):
    """An invoice, or with `credit` a credit note; amounts are 0 or more, in the order's currency."""

    order: Name
    id: Name
    number: Annotated[str, Meta(min_length=1, max_length=100)]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
    total: Amount
    open_amount: Amount = msgspec.field(default_factory=lambda: Amount(0))
    credit: bool = False
    state: Literal["draft", "open", "done", "cancelled"] = "open"
    issued_at: Moment | None = None
    due_at: Moment | None = None


class StatusReport(Body, kw_only=True):
    """How far the goods on their way to the buyer's door are, or that the back office has cancelled the order. Say why
    where it could not be delivered."""

    order: Name
    status: Literal["packed", "out", "delivered", "failed", "back", "cancelled"]
    reason: Annotated[str, Meta(max_length=300)] = ""
    shipment: Annotated[str, Meta(max_length=200)] = ""


class ShipmentReports(Body, kw_only=True):
    items: Annotated[list[ShipmentReport], Meta(min_length=1, max_length=MOST)]


class InvoiceReports(Body, kw_only=True):
    items: Annotated[list[InvoiceReport], Meta(min_length=1, max_length=MOST)]


class StatusReports(Body, kw_only=True):
    items: Annotated[list[StatusReport], Meta(min_length=1, max_length=MOST)]


class ReportResult(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """What became of the item at the same place of the request."""

    order: str
    status: Literal["created", "updated", "unchanged", "refused"]
    error: Refusal | None = None


class ReportAnswer(Answer, frozen=True, kw_only=True):
    """What is refused stopped none of the others. The counts add up to the number of items."""

    results: list[ReportResult]
    created: int
    updated: int
    unchanged: int
    refused: int


class ReportView(BackOfficeView):
    def find_teller(self) -> Teller:
        self.require_back_office()
        return Teller(connection=self.connection, places=self.location_ids, is_test=self.key.is_test)


class ShipmentsView(ReportView):
    """Goods that left."""

    key_scope = "shipments:write"

    @extend_schema(
        operation_id="report_shipments",
        parameters=[PARAMETER],
        request=ShipmentReports,
        responses={200: ReportAnswer, **ERRORS},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """The shop is told, with the tracking. The same `id` again changes the shipment it was."""
        teller, items = self.find_teller(), read_body(request, ShipmentReports).items
        told = [
            ToldShipment(
                order=one.order, id=one.id, number=one.number, state=DocumentState(one.state), carrier=one.carrier,
                tracking_number=one.tracking_number, tracking_url=one.tracking_url, shipped_at=one.shipped_at,
                lines=tuple((line.code, line.quantity) for line in one.lines),
            )
            for one in items
        ]  # fmt: skip
        return answer(items, report_shipments(teller=teller, told=told, at=timezone.now()))


class InvoicesView(ReportView):
    """What was invoiced."""

    key_scope = "invoices:write"

    @extend_schema(
        operation_id="report_invoices",
        parameters=[PARAMETER],
        request=InvoiceReports,
        responses={200: ReportAnswer, **ERRORS},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """The same `id` again changes the invoice it was."""
        teller, items = self.find_teller(), read_body(request, InvoiceReports).items
        for place, one in enumerate(items):
            for name in ("total", "open_amount"):
                _check_amount(getattr(one, name), one.currency, f"items[{place}].{name}")
        told = [
            ToldInvoice(
                order=one.order, id=one.id, number=one.number, currency=one.currency, total=one.total,
                credit=one.credit, state=DocumentState(one.state), open_amount=one.open_amount,
                issued_at=one.issued_at, due_at=one.due_at,
            )
            for one in items
        ]  # fmt: skip
        return answer(items, report_invoices(teller=teller, told=told, at=timezone.now()))


class StatusesView(ReportView):
    """How far orders are."""

    key_scope = "shipments:write"

    @extend_schema(
        operation_id="report_statuses",
        parameters=[PARAMETER],
        request=StatusReports,
        responses={200: ReportAnswer, **ERRORS},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Packed, out, delivered or not; or cancelled. The shop is told where it has a word for it."""
        teller, items = self.find_teller(), read_body(request, StatusReports).items
        told = [
            ToldStatus(order=one.order, status=one.status, reason=one.reason, shipment=one.shipment) for one in items
        ]
        return answer(items, report_statuses(teller=teller, told=told, at=timezone.now()))


def answer(items: Sequence[ShipmentReport | InvoiceReport | StatusReport], results: Sequence[Result]) -> Response:
    counts = Counter(one.status for one in results)
    names = ("created", "updated", "unchanged", "refused")
    rows = [_describe(item.order, one) for item, one in zip(items, results, strict=True)]
    return Response(build(ReportAnswer(results=rows, **{name: counts[name] for name in names})))


def _describe(order: str, one: Result) -> ReportResult:
    if one.status != REFUSED:
        return ReportResult(order=order, status=one.status)  # type: ignore[arg-type]  # one of the four
    refusal = Refusal(code=one.error, detail=one.message, field=one.field)
    return ReportResult(order=order, status="refused", error=refusal)


def _check_amount(amount: Decimal, currency: str, field: str) -> None:
    if not 0 <= amount <= LARGEST_AMOUNT:
        raise Problem(400, "amount_out_of_range", "An amount is 0 or more.", field=field)
    if amount % currency_quantum(currency):
        words = f"{currency} has no amounts as fine as {amount}."
        raise Problem(400, "currency_precision", words, field=field)
