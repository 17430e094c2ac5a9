"""What a customer who is logged in sees of himself. `live` says whether the back office said it just now; if not,
`as_of` says when it did."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.door import ConnectedView
from orders.api.customers import show_customer
from orders.api.door import READ_ERRORS
from orders.api.shapes import CustomerSerializer
from orders.services import me
from portal.base.api import find_session_holder
from portal.base.problems import Problem


class AgedSerializer(serializers.Serializer[Any]):
    live = serializers.BooleanField()
    as_of = serializers.DateTimeField(allow_null=True)


class AccountSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    balance = serializers.CharField()
    credit_limit = serializers.CharField(allow_null=True)
    terms = serializers.CharField(allow_blank=True)


class PlaceSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(required=False)
    company = serializers.CharField(required=False)
    line1 = serializers.CharField(required=False)
    line2 = serializers.CharField(required=False)
    city = serializers.CharField(required=False)
    region = serializers.CharField(required=False)
    postcode = serializers.CharField(required=False)
    country = serializers.CharField(required=False)
    phone = serializers.CharField(required=False)


class MeSerializer(AgedSerializer):
    """The customer, his addresses, and how he stands; `account` is null where no back office ever said."""

    customer = CustomerSerializer()
    billing = PlaceSerializer(allow_null=True)
    shipping = PlaceSerializer(allow_null=True)
    account = AccountSerializer(allow_null=True)


class BoughtSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(allow_blank=True)
    name = serializers.CharField(allow_blank=True)
    quantity = serializers.CharField()
    gross = serializers.CharField()


class MyOrderSerializer(serializers.Serializer[Any]):
    """One of his orders, whoever took it; `id` is null of one that never came by here."""

    id = serializers.CharField(allow_null=True)
    erp_id = serializers.CharField(allow_null=True)
    erp_number = serializers.CharField(allow_null=True)
    placed_at = serializers.DateTimeField()
    status = serializers.ChoiceField(choices=["Pending", "Delivered", "Cancelled"])
    currency = serializers.CharField()
    total = serializers.CharField()
    lines = BoughtSerializer(many=True)


class MyOrdersSerializer(AgedSerializer):
    results = MyOrderSerializer(many=True)


class TransactionSerializer(serializers.Serializer[Any]):
    """A journal entry; `balance` is what he owed after it."""

    number = serializers.CharField()
    kind = serializers.CharField()
    at = serializers.DateTimeField()
    currency = serializers.CharField()
    debit = serializers.CharField()
    credit = serializers.CharField()
    open_amount = serializers.CharField()
    balance = serializers.CharField()


class TransactionsSerializer(AgedSerializer):
    results = TransactionSerializer(many=True)


class RecentItemSerializer(BoughtSerializer):
    last_bought_at = serializers.DateTimeField()


class RecentItemsSerializer(AgedSerializer):
    results = RecentItemSerializer(many=True)


class MyView(ConnectedView):
    """Needs a customer's session: a key alone is nobody."""

    open_to_sessions = True
    asker: me.Asker

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        holder = find_session_holder(request)
        if holder is None:
            words = "This is a customer's own: open a session for him with POST /sessions, and send its token."
            raise Problem(403, "session_required", words)
        self.asker = me.find_asker(holder, self.connection, tests_only=self.key.is_test)


class MeView(MyView):
    """My account."""

    @extend_schema(operation_id="get_me", responses={200: MeSerializer, **READ_ERRORS})
    def get(self, request: Request) -> Response:
        told, customer = me.read_account(self.asker, at=timezone.now()), self.asker.customer
        return Response(
            {
                "live": told.live,
                "as_of": told.as_of,
                "customer": show_customer(customer),
                "billing": customer.billing or None,
                "shipping": customer.shipping or None,
                "account": told.body,
            }
        )


class MyOrdersView(MyView):
    """My orders, those by phone and over the counter, too."""

    @extend_schema(operation_id="list_my_orders", responses={200: MyOrdersSerializer, **READ_ERRORS})
    def get(self, request: Request) -> Response:
        """The newest first, up to 200."""
        return show(me.read_orders(self.asker, at=timezone.now()))


class MyTransactionsView(MyView):
    """Invoices, credit notes and payments."""

    @extend_schema(operation_id="list_my_transactions", responses={200: TransactionsSerializer, **READ_ERRORS})
    def get(self, request: Request) -> Response:
        """The newest first, each with the balance after it."""
        return show(me.read_transactions(self.asker, at=timezone.now()))


class MyRecentItemsView(MyView):
    """What I bought last."""

    @extend_schema(operation_id="list_my_recent_items", responses={200: RecentItemsSerializer, **READ_ERRORS})
    def get(self, request: Request) -> Response:
        """Each article once, up to 50."""
        return show(me.read_recent_items(self.asker, at=timezone.now()))


def show(told: me.Told) -> Response:
    return Response({"live": told.live, "as_of": told.as_of, "results": told.body or []})
