"""Customers: made known to us, and to the back office at once."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from orders.api.door import ERRORS, WAITS_SECONDS, SalesView, refusals
from orders.api.shapes import CustomerSerializer
from orders.mapping.sales import Buyer
from orders.models import Customer
from orders.services import sales
from portal.base.bodies import read_body
from portal.base.idempotency import PARAMETER, idempotent_beyond
from portal.base.problems import Problem


class CustomersView(SalesView):
    """Make a customer."""

    key_scope = "customers:write"
    write_scope = "customers:write"
    open_to_sessions = False

    @extend_schema(
        operation_id="create_customer",
        parameters=[PARAMETER],
        request=Buyer,
        responses={200: CustomerSerializer, 201: CustomerSerializer, 202: CustomerSerializer, **ERRORS},
    )
    @idempotent_beyond
    def post(self, request: Request) -> Response:
        """201 with `erp_customer_id`, or 202 with null and `pending` while the back office makes him; 200 for one who
        is known already."""
        self.require_live()
        body = read_body(request, Buyer)
        if body.id:
            raise Problem(400, "unknown_field", "A new customer has no id yet.", field="id")
        reference = sales.build_own_reference(self.build_seed(request))
        with refusals():
            customer, is_new = sales.take_customer(self.connection, body, reference=reference, at=timezone.now())
        sales.make_at_once(customer, seconds=WAITS_SECONDS)
        shown = show_customer(customer)
        return Response(shown, status=202 if shown["pending"] else 201 if is_new else 200)


def show_customer(customer: Customer) -> dict[str, Any]:
    there = sales.find_there(customer)
    return {
        "id": customer.public_id,
        "erp_customer_id": there or None,
        "pending": not there,
        "name": customer.name,
        "company": customer.company,
        "email": customer.email,
        "phone": customer.phone or customer.phone_as_given,
    }
