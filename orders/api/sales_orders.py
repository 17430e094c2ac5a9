"""Sales orders: sent, listed, read; cancelled, taken back and billed."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from orders.api.after_bodies import BillWanted, CancelWanted, ReturnWanted, pick_lines
from orders.api.door import ERRORS, READ_ERRORS, WAITS_SECONDS, SalesView, refusals
from orders.api.quotes import take_quoted
from orders.api.shapes import BillSerializer, ReturnSerializer, SalesOrderPageSerializer, SalesOrderSerializer
from orders.mapping.sales import SalesOrder
from orders.models import Bill, Order
from orders.services import bills, cancelling, sales, telling
from portal.base import paging
from portal.base.bodies import parse_moment, read_body
from portal.base.idempotency import PARAMETER, idempotent_beyond
from portal.base.money import exact_money
from portal.base.problems import Problem

ID = OpenApiParameter("public_id", str, OpenApiParameter.PATH, description="The `id` of the order.")


class SalesOrdersView(SalesView):
    """Send an order; list those sent."""

    key_scope = "orders:read"
    query_parameters = paging.NAMES | {"reference", "placed_since", "placed_until"}

    @extend_schema(
        operation_id="list_sales_orders",
        parameters=[
            *paging.PARAMETERS,
            OpenApiParameter("reference", str, description="The caller's own name of the order."),
            OpenApiParameter("placed_since", str, description="With its zone: 2026-11-20T00:00:00Z. Inclusive."),
            OpenApiParameter("placed_until", str, description="Exclusive."),
        ],
        responses={200: SalesOrderPageSerializer, **READ_ERRORS},
    )
    def get(self, request: Request) -> Response:
        """The newest first."""
        rows, given = sales.list_visible(self.caller), request.query_params
        if "reference" in given:
            rows = rows.filter(external_id=given["reference"])
        for name, lookup in (("placed_since", "placed_at__gte"), ("placed_until", "placed_at__lt")):
            if name in given:
                rows = rows.filter(**{lookup: read_moment(given[name], name)})
        page = paging.read_page(request, rows, order=("-placed_at", "-pk"))
        return Response({"next": page.next or None, "results": show_orders(self, page.rows)})

    @extend_schema(
        operation_id="create_sales_order",
        parameters=[PARAMETER],
        request=SalesOrder,
        responses={201: SalesOrderSerializer, 202: SalesOrderSerializer, **ERRORS},
    )
    @idempotent_beyond
    def post(self, request: Request) -> Response:
        """201 with the back office's number, or 202 with `erp_number: null`: then ask `url`. The order is kept either
        way, and sent exactly once."""
        self.require_live()
        body = read_body(request, SalesOrder)
        if bool(body.lines) == bool(body.quote):
            raise Problem(400, "field_required", "An order has either lines or a quote.", field="lines")
        if body.quote:
            order = take_quoted(self, body, request.data)
        else:
            reference = body.reference or sales.build_own_reference(self.build_seed(request))
            with refusals():
                order, _ = sales.take(self.caller, body, reference=reference, at=timezone.now(), raw=request.data)
        placed = sales.place_at_once(order, seconds=WAITS_SECONDS)
        shown = show_order(self, order)
        return Response(shown, status=201 if placed else 202, headers={"Location": shown["url"]})


class SalesOrderView(SalesView):
    """One order."""

    key_scope = "orders:read"

    @extend_schema(
        operation_id="get_sales_order", parameters=[ID], responses={200: SalesOrderSerializer, **READ_ERRORS}
    )
    def get(self, request: Request, public_id: str) -> Response:
        return Response(show_order(self, self.find_order(public_id)))


class CancelView(SalesView):
    """Cancel an order, or some of it."""

    @extend_schema(
        operation_id="cancel_sales_order",
        parameters=[ID, PARAMETER],
        request=CancelWanted,
        responses={200: SalesOrderSerializer, 202: SalesOrderSerializer, **ERRORS},
    )
    @idempotent_beyond
    def post(self, request: Request, public_id: str) -> Response:
        """200 once the back office has said yes or no (`status` says which), 202 while it was not asked yet."""
        self.require_live()
        order, body = self.find_order(public_id, to_change=True), read_body(request, CancelWanted)
        with refusals():
            if body.lines:
                quantities = pick_lines(order, body.lines)
                cancelling.ask_items(
                    order_id=order.pk, quantities=quantities, reason=body.reason, by=self.actor, at=timezone.now()
                )
            else:
                cancelling.ask_whole(order_id=order.pk, reason=body.reason, by=self.actor, at=timezone.now())
        done = sales.settle_at_once(order, [("order", order.pk)], seconds=WAITS_SECONDS)
        return Response(show_order(self, self.find_order(public_id)), status=200 if done else 202)


class ReturnsView(SalesView):
    """Goods come back."""

    @extend_schema(
        operation_id="return_sales_order",
        parameters=[ID, PARAMETER],
        request=ReturnWanted,
        responses={201: ReturnSerializer, 202: ReturnSerializer, **ERRORS},
    )
    @idempotent_beyond
    def post(self, request: Request, public_id: str) -> Response:
        """The back office is told, of the goods and of the money the caller has given back for them."""
        self.require_live()
        order, body = self.find_order(public_id, to_change=True), read_body(request, ReturnWanted)
        if body.refund is not None and self.caller.customer is not None:
            words = "A session does not say that money was given back: the shop's own server does, with its key."
            raise Problem(400, "not_allowed_in_session", words, field="refund")
        with refusals():
            row = sales.take_back(
                order_id=order.pk,
                quantities=pick_lines(order, body.lines),
                reason_code=body.reason,
                reason=body.note,
                restock=body.restock,
                refund=body.refund,
                by=self.actor,
                at=timezone.now(),
            )
        done = sales.settle_at_once(order, [("return", row.pk)], seconds=WAITS_SECONDS)
        row.refresh_from_db()
        shown = {"reference": row.reference, "state": row.state, "order": show_order(self, self.find_order(public_id))}
        return Response(shown, status=201 if done else 202)


class BillView(SalesView):
    """Make the bill."""

    open_to_sessions = False

    @extend_schema(
        operation_id="bill_sales_order",
        parameters=[ID, PARAMETER],
        request=BillWanted,
        responses={201: BillSerializer, 202: BillSerializer, **ERRORS},
    )
    @idempotent_beyond
    def post(self, request: Request, public_id: str) -> Response:
        """The sales order becomes a sales bill, where the order is. Without a payment type, the one the caller's own
        way of paying is mapped to."""
        self.require_live()
        order, body = self.find_order(public_id, to_change=True), read_body(request, BillWanted)
        choice = next(iter(bills.list_choices(order)), None)
        if choice is None:
            words = f"No bill of order {order} can be made now: it has one, or is not placed yet."
            raise Problem(409, "not_possible", words)
        payment = find_payment_type(choice, body.payment_type)
        with refusals():
            bill = bills.make(
                order_id=order.pk,
                part_id=choice.part.pk if choice.part else None,
                payment=payment,
                paid=body.paid,
                remember=body.remember,
                by=self.actor,
                at=timezone.now(),
            )
        done = sales.settle_at_once(order, [("bill", bill.pk)], seconds=WAITS_SECONDS)
        bill.refresh_from_db()
        shown = show_bill(bill) | {"order": show_order(self, self.find_order(public_id))}
        return Response(shown, status=201 if done and bill.state == Bill.State.MADE else 202)


def find_payment_type(choice: bills.Choice, given: str) -> str:
    """The code of the way of paying: as named, else as mapped."""
    if given:
        for one in choice.types:
            if given in (one.code, one.name, one.label):
                return one.code
    elif choice.chosen:
        return choice.chosen
    labels = ", ".join(one.label for one in choice.types) or "none is mapped yet"
    words = f"Say how the bill is paid, with one of: {labels}."
    raise Problem(422, "payment_type_required", words, field="payment_type")


def show_bill(bill: Bill) -> dict[str, Any]:
    return {
        "number": bill.number or None,
        "state": bill.state,
        "payment_type": bill.payment_type,
        "currency": bill.currency,
        "total": f"{exact_money(bill.total, bill.currency):f}",
    }


def show_orders(view: SalesView, orders: list[Order]) -> list[dict[str, Any]]:
    """What an order waits for is told in the merchant's words to his own programs, and only that it waits to buyers."""
    shown = [
        {"id": told["id"], "url": reverse("sales-order", args=(told["id"],)), **told}
        for told in telling.tell_orders(orders)
    ]
    for hold in (hold for told in shown for hold in told["waiting_for"] if view.caller.customer is not None):
        hold |= {"code": "checked", "message": "The shop is checking the order."}
    return shown


def show_order(view: SalesView, order: Order) -> dict[str, Any]:
    order.refresh_from_db()
    return show_orders(view, [order])[0]


def read_moment(given: str, name: str) -> Any:
    try:
        return parse_moment(given)
    except ValueError as error:
        raise Problem(400, getattr(error, "code", "invalid_value"), str(error), field=name) from error
