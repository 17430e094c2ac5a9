"""An app says where it wants to be told of what changes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from msgspec import Meta
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.door import ConnectedView
from integrations.contract.errors import AddressRefused
from integrations.models import Connection
from integrations.sync import hooks
from portal.base.answers import Answer, build
from portal.base.bodies import Body, read_body
from portal.base.problems import Problem, ProblemSerializer

ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 429), ProblemSerializer)


class WebhookWanted(Body, kw_only=True):
    """An address of the app's own, over https, and what it wants to know."""

    url: Annotated[str, Meta(min_length=1, max_length=500)]
    topics: Annotated[list[Literal["order.status"]], Meta(min_length=1, max_length=10)]


class WebhookAnswer(Answer, frozen=True, kw_only=True):
    """`state` is that of a connection: "active" is told; what is not reached is tried again."""

    id: str
    url: str
    topics: list[str]
    state: str
    created_at: datetime


class WebhookMade(Answer, frozen=True, kw_only=True):
    """With the `secret` that signs its notices, told once: `Stockbridge-Signature: t=…,v1=…` is the HMAC-SHA256 of
    "<t>.<body>" in hexadecimal; refuse a `t` more than five minutes away."""

    id: str
    url: str
    topics: list[str]
    state: str
    created_at: datetime
    secret: str


class WebhookList(Answer, frozen=True, kw_only=True):
    results: list[WebhookAnswer]


class WebhooksView(ConnectedView):
    """Where the app is told."""

    key_scope = "webhooks"

    @extend_schema(operation_id="list_webhooks", responses={200: WebhookList, **ERRORS})
    def get(self, request: Request) -> Response:
        """The connection's own."""
        return Response(build(WebhookList(results=[describe(one) for one in hooks.list_hooks(self.connection)])))

    @extend_schema(
        operation_id="create_webhook",
        request=WebhookWanted,
        responses={201: WebhookMade, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Once an address, since the secret is told once. Each notice has an id; one whose answer got lost comes again
        with the same. Answer 2xx when you have kept it."""
        wanted = read_body(request, WebhookWanted)
        try:
            hook, secret = hooks.create_hook(
                owner=self.connection, url=wanted.url, topics=wanted.topics, places=self.location_ids,
                at=timezone.now(),
            )  # fmt: skip
        except AddressRefused as error:
            raise Problem(400, "address_not_allowed", error.message, field="url") from error
        except hooks.TooMany as error:
            raise Problem(409, "too_many_webhooks", str(error)) from error
        except hooks.ThereAlready as error:
            raise Problem(409, "webhook_exists", str(error), field="url") from error
        made = describe(hook)
        answer = WebhookMade(
            id=made.id, url=made.url, topics=made.topics, state=made.state, created_at=made.created_at, secret=secret
        )
        return Response(build(answer), status=201)


class WebhookView(ConnectedView):
    """One of them."""

    key_scope = "webhooks"

    @extend_schema(operation_id="get_webhook", responses={200: WebhookAnswer, **ERRORS})
    def get(self, request: Request, public_id: str) -> Response:
        return Response(build(describe(self.find(public_id))))

    @extend_schema(operation_id="delete_webhook", responses={204: None, **ERRORS})
    def delete(self, request: Request, public_id: str) -> Response:
        """What waited to be told there is not told."""
        hooks.delete_hook(hook=self.find(public_id), at=timezone.now())
        return Response(status=204)

    def find(self, public_id: str) -> Connection:
        found = hooks.list_hooks(self.connection).filter(public_id=public_id).first()
        if found is None:
            raise Http404
        return found


def describe(hook: Connection) -> WebhookAnswer:
    return WebhookAnswer(
        id=hook.public_id,
        url=hook.settings["url"],
        topics=list(hook.settings["topics"]),
        state=hook.state,
        created_at=hook.created_at,
    )
