"""What `order_intake` is measured against: the same rows by a nested ModelSerializer, as a good DRF tutorial has it.

Validation is on, in one transaction, one save a row; what was read once is not read again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Model
from rest_framework import serializers

from catalog.models import Binding, ChannelStock, Reservation, StockRecord
from integrations.models import Command, Connection, Flow, InboundEvent
from integrations.sync.outbox import ring_on_commit
from orders.models import Customer, FulfilmentOrder, Order, OrderEvent, OrderLine, Payment, TaxLine
from portal.base.fields import FixedPointField

ADDRESS = ("name", "line1", "city", "postcode", "country", "phone", "email")


class RowSerializer(serializers.ModelSerializer[Any]):
    """Our money and quantities are Decimals; DRF would take them for whole numbers."""

    def build_standard_field(self, field_name: str, model_field: Any) -> Any:
        if not isinstance(model_field, FixedPointField):
            return super().build_standard_field(field_name, model_field)
        decimal = {"max_digits": 19, "decimal_places": model_field.places}
        return serializers.DecimalField, {**decimal, "required": not model_field.has_default()}


class AddressSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)
    line1 = serializers.CharField(max_length=200)
    city = serializers.CharField(max_length=100)
    postcode = serializers.CharField(max_length=20)
    country = serializers.CharField(max_length=2)
    phone = serializers.CharField(max_length=50, allow_blank=True)
    email = serializers.EmailField(allow_blank=True)


class CustomerSerializer(RowSerializer):
    billing = AddressSerializer()

    class Meta:
        model = Customer
        fields = ("name", "company", "email", "phone", "phone_as_given", "tax_number", "is_guest", "billing")


class TaxSerializer(RowSerializer):
    class Meta:
        model = TaxLine
        fields = ("code", "name", "rate", "amount")


class ArticleField(serializers.SlugRelatedField[Any]):
    """The shop's article, which must be mapped."""

    def get_queryset(self) -> Any:
        found = Binding.plain.filter(connection=self.context["connection"], state=Binding.State.BOUND)
        return found.select_related("variant")


class LineSerializer(RowSerializer):
    binding = ArticleField(slug_field="external_id", queryset=Binding.plain.none())
    taxes = TaxSerializer(many=True)

    class Meta:
        model = OrderLine
        fields = (
            "position", "external_id", "kind", "binding", "variant_external_id", "sku", "name", "quantity",
            "unit_price", "discount", "net", "tax", "gross", "taxes",
        )  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["net"] + attrs["tax"] != attrs["gross"]:
            raise serializers.ValidationError("Net and tax are not gross.")
        return attrs


class PaymentSerializer(RowSerializer):
    class Meta:
        model = Payment
        fields = ("external_id", "kind", "method", "amount", "at")


class OfContext:
    """The default of a hidden field: what the view knows."""

    requires_context = True

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, field: Any) -> Any:
        return field.context[self.name]


class OrderSerializer(RowSerializer):
    """Context: merchant, connection (the shop), at."""

    merchant = serializers.HiddenField(default=OfContext("merchant"))
    connection = serializers.HiddenField(default=OfContext("connection"))
    idempotency_key = serializers.CharField(max_length=200, write_only=True)
    customer = CustomerSerializer()
    billing = AddressSerializer()
    lines = LineSerializer(many=True)
    payments = PaymentSerializer(many=True)

    class Meta:
        model = Order
        fields = (
            "merchant", "connection", "idempotency_key", "external_id", "number", "customer", "financial",
            "status_text", "cash_on_delivery", "currency", "total", "captured", "placed_at", "source_updated_at",
            "email", "phone", "customer_name", "billing", "note", "lines", "payments",
        )  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if sum(line["gross"] for line in attrs["lines"]) != attrs["total"]:
            raise serializers.ValidationError("The lines do not come to the total.")
        return attrs

    @transaction.atomic
    def create(self, validated_data: dict[str, Any]) -> Order:
        shop, at = self.context["connection"], self.context["at"]
        lines, payments = validated_data.pop("lines"), validated_data.pop("payments")
        _remember(shop, validated_data.pop("idempotency_key"), validated_data["external_id"], at)
        mine = {"merchant_id": shop.merchant_id}
        customer: Customer = _save(Customer, **mine, **validated_data.pop("customer"))
        order: Order = _save(
            Order, customer=customer, intake=Order.Intake.READY, received_at=at, location_id=shop.location_id,
            **validated_data,
        )  # fmt: skip
        rows = [self._save_line(order, line) for line in lines]
        for payment in payments:
            _save(Payment, **mine, order=order, **payment)
        _save(OrderEvent, **mine, order=order, at=at, code="received", message=f"Received from {shop.name}.")
        for row in rows:
            _reserve(row, order, at)
        _offer(order, at)
        return order

    def _save_line(self, order: Order, values: dict[str, Any]) -> OrderLine:
        taxes, binding = values.pop("taxes"), values["binding"]
        line: OrderLine = _save(OrderLine, merchant_id=order.merchant_id, order=order, variant=binding.variant,
                     factor=binding.factor, **values)  # fmt: skip
        for tax in taxes:
            _save(TaxLine, merchant_id=order.merchant_id, line=line, **tax)
        return line


def _save(model: type[Model], **values: Any) -> Any:
    return model._base_manager.create(**values)


def _remember(shop: Connection, key: str, external_id: str, at: datetime) -> None:
    """Each key once."""
    if InboundEvent.plain.filter(connection=shop, dedupe_key=key).exists():
        raise serializers.ValidationError("This order was sent before.")
    _save(InboundEvent, merchant_id=shop.merchant_id, connection=shop, stream="order", external_id=external_id,
          dedupe_key=key, body=b"{}", state=InboundEvent.State.DONE, received_at=at, finished_at=at)  # fmt: skip


def _reserve(line: OrderLine, order: Order, at: datetime) -> None:
    """Promise the goods, and lower what the shops show by as much."""
    variant = line.variant
    list(StockRecord.plain.select_for_update().filter(variant=variant))
    _save(Reservation, merchant_id=order.merchant_id, subject_type="order", subject_id=order.pk,
          variant_id=line.variant_id, quantity=line.base_quantity, created_at=at)  # fmt: skip
    for shown in ChannelStock.plain.filter(binding__variant=variant):
        shown.wanted, shown.wanted_at = shown.wanted - line.base_quantity, at
        shown.save(update_fields=["wanted", "wanted_at"])


def _offer(order: Order, at: datetime) -> None:
    """To the back office that takes orders."""
    mine = {"merchant_id": order.merchant_id}
    flow = Flow.plain.select_related("connection").get(**mine, stream="order", direction="push", enabled=True)
    reference = f"{order.connection.order_prefix}{order.number}"
    part = _save(FulfilmentOrder, **mine, order=order, destination=flow.connection, location_id=order.location_id,
                 reference=reference, state=FulfilmentOrder.State.QUEUED)  # fmt: skip
    command = _save(Command, **mine, connection=flow.connection, kind="create_order", stream="order",
                    subject_type="order", subject_id=order.pk, line=f"fulfilment:{part.pk}", sequence=1,
                    reference=reference, operation_key=f"{reference}:create_order:1", amount=order.total,
                    currency=order.currency, state_at=at, next_attempt_at=at, created_at=at)  # fmt: skip
    _save(OrderEvent, **mine, order=order, at=at, code="queued", message="On its way.", command=command)
    ring_on_commit("integrations.deliver", command_ids=[command.pk])
