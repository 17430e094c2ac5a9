"""Logging customers in and out."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from msgspec import Meta
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.door import ConnectedView
from orders.api.customers import show_customer
from orders.api.door import ERRORS, READ_ERRORS, refusals
from orders.api.shapes import CustomerSerializer
from orders.mapping.sales import Buyer
from orders.models import CustomerSession
from orders.services import sessions
from portal.base.api import MerchantView, find_session_holder
from portal.base.bodies import Body, read_body
from portal.base.problems import Problem
from portal.tenancy.models import ApiKey

WAYS = ("id", "code", "phone", "email")


class SessionWanted(Body):
    """Whose session: of a secret key the `customer` it names; of an app first the `customer` by e-mail or phone, then
    the `challenge` it was answered with the `code` from the e-mail."""

    customer: Buyer | None = None
    challenge: Annotated[str, Meta(max_length=40)] = ""
    code: Annotated[str, Meta(max_length=10)] = ""


class SessionSerializer(serializers.Serializer[Any]):
    """A session; its token is told this once."""

    token = serializers.CharField()
    ends_at = serializers.DateTimeField()
    customer = CustomerSerializer()


class ChallengeSerializer(serializers.Serializer[Any]):
    """A code was sent, if there is such a customer with an e-mail address."""

    challenge = serializers.CharField()
    ends_at = serializers.DateTimeField()


class SessionsView(ConnectedView):
    """Log a customer in."""

    key_scope = "sessions"

    @extend_schema(
        operation_id="open_session",
        request=SessionWanted,
        responses={201: SessionSerializer, 202: ChallengeSerializer, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """201 with a token; an app's key is answered 202 with a `challenge` first, known customer or not. Asked again,
        it is another session: an Idempotency-Key would have to keep the token."""
        body = read_body(request, SessionWanted)
        if self.key.kind == ApiKey.Kind.APP:
            return self._redeem(body) if body.challenge else self._challenge(body)
        if body.challenge or body.code:
            raise Problem(400, "unknown_field", "Only an app's key logs in with a code.", field="challenge")
        with refusals():
            customer = sessions.find_named(self.connection, require_named(body, WAYS))
        session, token = sessions.open_session(key=self.key, customer=customer, at=timezone.now())
        return Response(show_session(session, token), status=201)

    def _challenge(self, body: SessionWanted) -> Response:
        named = require_named(body, ("phone", "email"))
        row = sessions.ask_code(key=self.key, connection=self.connection, named=named, at=timezone.now())
        return Response({"challenge": row.public_id, "ends_at": row.asked_at + sessions.CODE_LASTS}, status=202)

    def _redeem(self, body: SessionWanted) -> Response:
        try:
            session, token = sessions.redeem(
                key=self.key, challenge=body.challenge, code=body.code, at=timezone.now()
            )  # fmt: skip
        except sessions.CodeRefused as error:
            words = "This code does not work: it may be wrong, used, or too old. Ask for a new one."
            raise Problem(401, "code_refused", words, field="code") from error
        return Response(show_session(session, token), status=201)


class CurrentSessionView(MerchantView):
    """The caller's own session."""

    open_to_sessions = True

    @extend_schema(operation_id="close_session", request=None, responses={204: None, **READ_ERRORS})
    def delete(self, request: Request) -> Response:
        """Logged out: the token ends, and what was read for the customer is gone. No back office is asked."""
        holder = find_session_holder(request)
        if holder is None:
            raise Http404
        sessions.close(holder.session_id)
        return Response(status=204)


def require_named(body: SessionWanted, ways: tuple[str, ...]) -> Buyer:
    """The customer, named in exactly one of these ways."""
    named = body.customer or Buyer()
    given = [name for name in Buyer.__struct_fields__ if getattr(named, name)]
    if len(given) != 1 or given[0] not in ways:
        words = f"Name the customer by exactly one of: {', '.join(ways)}."
        raise Problem(400, "customer_required", words, field="customer")
    return named


def show_session(session: CustomerSession, token: str) -> dict[str, Any]:
    return {"token": token, "ends_at": session.ends_at, "customer": show_customer(session.customer)}
