"""Quotes: what a basket costs now, signed, and good for one order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from orders.api.door import ERRORS, SalesView, refusals
from orders.mapping.sales import QuoteWanted, SalesOrder
from orders.models import Order, Quote
from orders.services import quotes, sales, sessions
from portal.base.bodies import read_body
from portal.base.idempotency import PARAMETER, idempotent_beyond
from portal.base.problems import Problem


class QuotedLineSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    quantity = serializers.CharField()
    unit_price = serializers.CharField()
    amount = serializers.CharField()


class QuoteSerializer(serializers.Serializer[Any]):
    """`price_source`: live, from the back office just now; cached, our own as of `as_of`. Send `quote` with the order
    before it expires."""

    quote = serializers.CharField()
    price_source = serializers.ChoiceField(choices=Quote.Source.choices)
    as_of = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    reserved = serializers.BooleanField()
    currency = serializers.CharField()
    lines = QuotedLineSerializer(many=True)
    freight = serializers.CharField()
    total = serializers.CharField()


class QuotesView(SalesView):
    """Ask what a basket costs."""

    @extend_schema(
        operation_id="create_quote",
        parameters=[PARAMETER],
        request=QuoteWanted,
        responses={201: QuoteSerializer, **ERRORS},
    )
    @idempotent_beyond
    def post(self, request: Request) -> Response:
        """The back office is asked for its prices; where it does not answer in time, ours are told."""
        self.require_live()
        body, customer = read_body(request, QuoteWanted), self.caller.customer
        if customer is not None and body.customer is not None:
            raise Problem(400, "not_allowed_in_session", "A session quotes for its own customer.", field="customer")
        with refusals(), quote_refusals():
            if body.customer is not None:
                customer = sessions.find_named(self.connection, body.customer)
            quote = quotes.make(
                self.caller,
                body.lines,
                customer=customer,
                currency=body.currency,
                reserve=body.reserve,
                tests_only=self.key.is_test,
                at=timezone.now(),
            )
        return Response(show_quote(quote), status=201)


def take_quoted(view: SalesView, body: SalesOrder, raw: Any) -> Order:
    """The order of a quote; 409 with what is different by now."""
    with refusals(), quote_refusals():
        if view.caller.customer is not None:
            sales.refuse_trust(body)
        if body.charges or body.total is not None:
            raise Problem(400, "field_not_allowed", "What a quote comes to is in the quote.", field="charges")
        order, _ = quotes.take(view.caller, body, raw=raw, tests_only=view.key.is_test, at=timezone.now())
    return order


@contextmanager
def quote_refusals() -> Iterator[None]:
    try:
        yield
    except quotes.QuoteExpired as error:
        words = "The quote has expired, or is not yours: ask for a new one."
        raise Problem(409, "quote_expired", words, field="quote") from error
    except quotes.PriceChanged as error:
        extra = {"quote": show_quote(error.quote)}
        raise Problem(409, "price_changed", str(error), field="quote", extra=extra) from error
    except quotes.OutOfStock as error:
        short = [{"code": code, "available": f"{left.normalize():f}"} for code, left in error.short.items()]
        raise Problem(409, "out_of_stock", str(error), field="lines", extra={"lines": short}) from error


def show_quote(quote: Quote) -> dict[str, Any]:
    content = quote.content
    return {
        "quote": quotes.sign(quote),
        "price_source": quote.price_source,
        "as_of": content["as_of"],
        "expires_at": quote.expires_at,
        "reserved": quote.reserved,
        **{name: content[name] for name in ("currency", "lines", "freight", "total")},
    }
