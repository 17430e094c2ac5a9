"""The shapes of answers about orders, for the schema."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from integrations.contract.records import Progress
from orders.models import OrderLine


class OrderStepSerializer(serializers.Serializer[Any]):
    """How far the order came, and when."""

    step = serializers.ChoiceField(choices=[(one.value, one.value) for one in Progress])
    at = serializers.DateTimeField()


class WaitSerializer(serializers.Serializer[Any]):
    """One thing the order waits for, and since when."""

    code = serializers.CharField()
    message = serializers.CharField()
    since = serializers.DateTimeField()


class SoldLineSerializer(serializers.Serializer[Any]):
    """Amounts are strings with the currency's decimals; net + tax = gross."""

    line = serializers.CharField()
    kind = serializers.ChoiceField(choices=OrderLine.Kind.choices)
    code = serializers.CharField(allow_blank=True)
    name = serializers.CharField(allow_blank=True)
    quantity = serializers.CharField()
    cancelled_quantity = serializers.CharField()
    unit_price = serializers.CharField()
    discount = serializers.CharField()
    net = serializers.CharField()
    tax = serializers.CharField()
    gross = serializers.CharField()


class SalesOrderSerializer(serializers.Serializer[Any]):
    """An order. `erp_number` is null until the back office has it; `url` is where to ask."""

    id = serializers.CharField()
    url = serializers.CharField()
    reference = serializers.CharField()
    number = serializers.CharField()
    status = serializers.ChoiceField(choices=["Pending", "Delivered", "Cancelled"])
    progress = OrderStepSerializer(many=True)
    erp_number = serializers.CharField(allow_null=True)
    erp_id = serializers.CharField(allow_null=True)
    placed_at = serializers.DateTimeField()
    location = serializers.CharField(allow_null=True)
    customer = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    total = serializers.CharField()
    paid = serializers.CharField()
    lines = SoldLineSerializer(many=True)
    waiting_for = WaitSerializer(many=True)


class SalesOrderPageSerializer(serializers.Serializer[Any]):
    """`next` is the cursor of the page that follows, null on the last one."""

    next = serializers.CharField(allow_null=True)
    results = SalesOrderSerializer(many=True)


class ReturnSerializer(serializers.Serializer[Any]):
    """A return that was taken down, and the order as it is now."""

    reference = serializers.CharField()
    state = serializers.CharField()
    order = SalesOrderSerializer()


class BillSerializer(serializers.Serializer[Any]):
    """A bill; its number is null until the back office has made it."""

    number = serializers.CharField(allow_null=True)
    state = serializers.CharField()
    payment_type = serializers.CharField()
    currency = serializers.CharField()
    total = serializers.CharField()
    order = SalesOrderSerializer()


class CustomerSerializer(serializers.Serializer[Any]):
    """A customer; `erp_customer_id` is null and `pending` true while the back office makes him."""

    id = serializers.CharField()
    erp_customer_id = serializers.CharField(allow_null=True)
    pending = serializers.BooleanField()
    name = serializers.CharField(allow_blank=True)
    company = serializers.CharField(allow_blank=True)
    email = serializers.CharField(allow_blank=True)
    phone = serializers.CharField(allow_blank=True)
