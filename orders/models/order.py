"""What a store sold: the order, its lines, taxes, payments and its append-only timeline."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from catalog.models import Binding, Variant
from integrations.models import Connection, InboundEvent
from orders.models.customer import Customer
from portal.base.fields import MoneyField, QuantityField
from portal.base.models import PublicIdMixin
from portal.tenancy.models import Location
from portal.tenancy.scoping import MerchantModel


class Order(PublicIdMixin, MerchantModel):
    """An order as the store has it, saved before anything is mapped. It waits while it has open Holds."""

    class Intake(models.TextChoices):
        RECEIVED = "received", _("Received")
        READY = "ready", _("Ready")
        SOURCE_DELETED = "source_deleted", _("Deleted in the shop")

    class Financial(models.TextChoices):
        PENDING = "pending", _("Not paid")
        AUTHORIZED = "authorized", _("Authorized")
        PARTIALLY_PAID = "partially_paid", _("Partly paid")
        PAID = "paid", _("Paid")
        PARTIALLY_REFUNDED = "partially_refunded", _("Partly refunded")
        REFUNDED = "refunded", _("Refunded")
        VOIDED = "voided", _("Voided")

    class Fulfilment(models.TextChoices):
        UNFULFILLED = "unfulfilled", _("Not shipped")
        PARTIALLY_FULFILLED = "partially_fulfilled", _("Partly shipped")
        FULFILLED = "fulfilled", _("Shipped")
        RETURNED = "returned", _("Returned")
        CANCELLED = "cancelled", _("Cancelled")

    class Admission(models.TextChoices):
        TAKEN = "", _("Taken in")
        EXCLUDED = "excluded", _("Left out by a rule")
        HISTORY = "history", _("From before, for the record")
        BY_HAND = "by_hand", _("Taken in by hand")

    STAYS_HERE = (Admission.EXCLUDED, Admission.HISTORY)

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="orders")
    external_id = models.CharField(max_length=200)
    number = models.CharField(max_length=60)
    location = models.ForeignKey(Location, null=True, blank=True, on_delete=models.PROTECT, related_name="orders")
    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="orders")
    intake = models.CharField(max_length=20, choices=Intake, default=Intake.RECEIVED)
    financial = models.CharField(max_length=20, choices=Financial, default=Financial.PENDING)
    fulfilment = models.CharField(max_length=20, choices=Fulfilment, default=Fulfilment.UNFULFILLED)
    status_text = models.CharField(max_length=100, blank=True, default="")
    cash_on_delivery = models.BooleanField(default=False)
    currency = models.CharField(max_length=3)
    total = MoneyField()
    prices_include_tax = models.BooleanField(default=False)  # of the lines' unit prices
    presentment_currency = models.CharField(max_length=3, blank=True, default="")  # what the buyer saw, if another
    presentment_total = MoneyField(null=True, blank=True)
    captured = MoneyField(default=Decimal(0))
    refund_pending = MoneyField(default=Decimal(0))
    refunded = MoneyField(default=Decimal(0))
    placed_at = models.DateTimeField()
    source_updated_at = models.DateTimeField()  # the shop's own time of the newest word
    source_read_at = models.DateTimeField(null=True, blank=True)  # when the shop was asked for it
    received_at = models.DateTimeField()
    email = models.CharField(max_length=254, blank=True, default="")
    phone = models.CharField(max_length=20, blank=True, default="")
    customer_name = models.CharField(max_length=200, blank=True, default="")
    billing = models.JSONField(default=dict, blank=True)
    shipping = models.JSONField(default=dict, blank=True)
    note = models.TextField(blank=True, default="")
    admission = models.CharField(
        max_length=10, choices=Admission, blank=True, default=Admission.TAKEN, db_default=Admission.TAKEN.value
    )
    admission_words = models.CharField(max_length=300, blank=True, default="", db_default="")  # the rule, or who
    tags = models.TextField(blank=True, default="", db_default="")  # one a line
    flagged = models.CharField(max_length=200, blank=True, default="", db_default="")  # why the shop suspects fraud
    payment_method = models.CharField(max_length=100, blank=True, default="", db_default="")
    on_account = models.BooleanField(default=False, db_default=False)
    erased_at = models.DateTimeField(null=True, blank=True)  # the buyer's data; nothing brings it back
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "connection", "external_id"), name="order_once"),
            models.CheckConstraint(
                condition=Q(captured__gte=F("refunded") + F("refund_pending")), name="order_refunds_within_captured"
            ),
        )
        indexes = (
            models.Index(fields=("merchant", "-placed_at"), name="order_placed"),
            models.Index(fields=("merchant", "number"), name="order_number"),
            models.Index(fields=("merchant", "email"), name="order_email"),
            models.Index(fields=("merchant", "phone"), name="order_phone"),
            models.Index(fields=("merchant", "admission"), name="order_admission", condition=~Q(admission="")),
        )

    def __str__(self) -> str:
        return f"#{self.number}"

    @property
    def is_over(self) -> bool:
        """Whether nothing is to be done for it any more, so that it has nothing to wait for."""
        return self.fulfilment == self.Fulfilment.CANCELLED or self.intake == self.Intake.SOURCE_DELETED

    @property
    def stays_here(self) -> bool:
        """Whether no back office is to have it: left out by a rule, or kept for the record only."""
        return self.admission in self.STAYS_HERE


class OrderLine(MerchantModel):
    """One line as sold: net + tax = gross, net after discount; Σ gross of all lines = the order's total.

    `quantity` and `unit_price` are of the shop's article, `factor` base units each, as it was mapped when it was last
    looked at before sending.
    """

    class Kind(models.TextChoices):
        ITEM = "item", _("Article")
        SHIPPING = "shipping", _("Shipping")
        FEE = "fee", _("Fee")
        TIP = "tip", _("Tip")
        DEPOSIT = "deposit", _("Deposit")
        DUTY = "duty", _("Duty")
        ROUNDING = "rounding", _("Rounding")

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    external_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.ITEM)
    binding = models.ForeignKey(Binding, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    variant = models.ForeignKey(Variant, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    variant_external_id = models.CharField(max_length=200, blank=True, default="")
    sku = models.CharField(max_length=100, blank=True, default="")
    name = models.CharField(max_length=300, blank=True, default="")
    quantity = QuantityField()
    factor = QuantityField(default=Decimal(1))
    unit_price = MoneyField(default=Decimal(0))
    discount = MoneyField(default=Decimal(0))
    net = MoneyField()
    tax = MoneyField(default=Decimal(0))
    gross = MoneyField()
    cancelled_quantity = QuantityField(default=Decimal(0))

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "order", "external_id"), name="line_once"),
            models.CheckConstraint(condition=Q(gross=F("net") + F("tax")), name="line_gross"),
        )

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku or self.name}"

    @property
    def base_quantity(self) -> Decimal:
        """What is still to be delivered and was, in base units: what stock, deliveries and returns count in."""
        left: Decimal = max(self.quantity - self.cancelled_quantity, Decimal(0)) * self.factor
        return left


class TaxLine(MerchantModel):
    """One tax on a line. `code` is the store's."""

    line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="taxes")
    code = models.CharField(max_length=200)
    name = models.CharField(max_length=200, blank=True, default="")
    rate = models.DecimalField(max_digits=9, decimal_places=4, null=True, blank=True)
    amount = MoneyField()

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "line", "code"), name="tax_once"),)

    def __str__(self) -> str:
        return f"{self.name or self.code} {self.amount}"


class DiscountLine(MerchantModel):
    """A discount of the order, for people to read; its money is inside the lines."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="discounts")
    code = models.CharField(max_length=200)
    amount = MoneyField()

    class Meta(MerchantModel.Meta):
        pass

    def __str__(self) -> str:
        return f"{self.code} −{self.amount}"


class Payment(MerchantModel):
    """One movement of money, amount ≥ 0. `connection` is the back office that registered it, None for the order's
    shop; `reference` is what we call it where we tell of it."""

    class Kind(models.TextChoices):
        AUTHORIZATION = "authorization", _("Authorized")
        CAPTURE = "capture", _("Paid")
        REFUND = "refund", _("Paid back")
        VOID = "void", _("Voided")

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="payments")
    external_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=13, choices=Kind)
    method = models.CharField(max_length=100)
    amount = MoneyField()
    at = models.DateTimeField(null=True, blank=True)
    connection = models.ForeignKey(Connection, null=True, blank=True, on_delete=models.PROTECT, related_name="payments")
    reference = models.CharField(max_length=40, blank=True, default="")

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "order", "kind", "external_id"), name="payment_once"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="payment_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount} {self.method}"


class OrderEvent(MerchantModel):
    """One thing that happened to an order. Never changed, never deleted before its order."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="timeline")
    at = models.DateTimeField()
    code = models.CharField(max_length=40)
    message = models.CharField(max_length=500)
    actor = models.CharField(max_length=100, blank=True, default="")
    event = models.ForeignKey(InboundEvent, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    command = models.ForeignKey(
        "integrations.Command", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta(MerchantModel.Meta):
        indexes = (models.Index(fields=("order", "at", "id"), name="orderevent_time"),)

    def __str__(self) -> str:
        return self.message
