"""The part of an order given to one destination, and what follows from it."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from integrations.models import Command, Connection
from orders.models.customer import Customer
from orders.models.order import Order, OrderLine
from orders.models.routing import RoutingRule
from portal.base.fields import MoneyField, QuantityField
from portal.base.models import PublicIdMixin
from portal.tenancy.models import Location
from portal.tenancy.scoping import MerchantModel


class FulfilmentOrder(PublicIdMixin, MerchantModel):
    """What one back office is asked to do for an order. `reference` is its one name there, for life.

    It is about the whole order (`amount` NULL), or about its `shares`, which come to `amount`. `why` says in words what
    chose the destination: the rule (in its version then), the flow, or a person (`moved_by`). `after` is whose
    acceptance it waits for; none: that of all that wait for nobody's.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        QUEUED = "queued", _("On its way")
        PLACED = "placed", _("Placed there")
        NEEDS_FIX = "needs_fix", _("Refused there")
        NEEDS_HUMAN = "needs_human", _("A person must decide")
        CANCELLED = "cancelled", _("Cancelled")
        NEVER = "never", _("Never sent")

    OVER = (State.CANCELLED, State.NEVER)

    class SendWhen(models.TextChoices):
        CREATED = "created", _("as soon as it is created")
        CONFIRMED = "confirmed", _("when it is confirmed")
        PAID = "paid", _("when it is paid, cash on delivery or on account")
        ACCEPTED = "accepted", _("when another back office has accepted it")
        SHIPPED = "shipped", _("when it is shipped")

    AFTER_OTHERS = (SendWhen.ACCEPTED, SendWhen.SHIPPED)

    class Document(models.TextChoices):
        ORDER = "order", _("order")
        INVOICE = "invoice", _("invoice")

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="fulfilment_orders")
    destination = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="fulfilment_orders")
    location = models.ForeignKey(Location, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField(default=1, db_default=1)
    document = models.CharField(max_length=7, choices=Document, default=Document.ORDER, db_default=Document.ORDER.value)
    amount = MoneyField(null=True, blank=True)
    reference = models.CharField(max_length=20)
    state = models.CharField(max_length=12, choices=State, default=State.WAITING)
    send_when = models.CharField(max_length=12, choices=SendWhen, default=SendWhen.PAID)
    after = models.ForeignKey(Connection, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    rule = models.ForeignKey(RoutingRule, null=True, blank=True, on_delete=models.SET_NULL, related_name="parts")
    rule_version = models.PositiveIntegerField(default=0, db_default=0)
    why = models.CharField(max_length=500, blank=True, default="", db_default="")
    moved_by = models.CharField(max_length=100, blank=True, default="", db_default="")
    external_id = models.CharField(max_length=200, blank=True, default="")
    external_number = models.CharField(max_length=200, blank=True, default="")
    remote_total = MoneyField(null=True, blank=True)
    remote_tax = MoneyField(null=True, blank=True)  # what of it is tax, where it says so
    placed_at = models.DateTimeField(null=True, blank=True)
    shipped_at = models.DateTimeField(null=True, blank=True)

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "destination", "reference"), name="fulfilment_reference"),
            models.UniqueConstraint(fields=("merchant", "order", "number"), name="fulfilment_number"),
        )
        indexes = (models.Index(fields=("merchant", "state"), name="fulfilment_state"),)

    def __str__(self) -> str:
        return self.external_number or self.reference

    @property
    def create_kind(self) -> str:
        """The message that makes it there."""
        return f"create_{self.document}"

    @property
    def cancel_kind(self) -> str:
        """The message that takes it back there."""
        return f"cancel_{self.document}"


class FulfilmentShare(MerchantModel):
    """What of a line is a part's: so many of the shop's article, and so much of the line's money. Of what is no article
    (shipping, a fee) the quantity is the line's on every part that has some of its money."""

    fulfilment_order = models.ForeignKey(FulfilmentOrder, on_delete=models.CASCADE, related_name="shares")
    order_line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="shares")
    quantity = QuantityField()
    discount = MoneyField(default=Decimal(0))
    net = MoneyField()
    tax = MoneyField(default=Decimal(0))
    gross = MoneyField()

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("merchant", "fulfilment_order", "order_line"), name="fulfilment_share_once"
            ),
            models.CheckConstraint(condition=Q(gross=models.F("net") + models.F("tax")), name="fulfilment_share_gross"),
        )

    def __str__(self) -> str:
        return f"{self.quantity} of line {self.order_line_id}"


class FulfilmentLine(MerchantModel):
    """Which line there is which of ours: of one article there may be several."""

    fulfilment_order = models.ForeignKey(FulfilmentOrder, on_delete=models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="placed")
    external_id = models.CharField(max_length=200)

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("merchant", "fulfilment_order", "external_id"), name="fulfilment_line_external"
            ),
            models.UniqueConstraint(fields=("merchant", "fulfilment_order", "order_line"), name="fulfilment_line_once"),
        )

    def __str__(self) -> str:
        return f"Line {self.order_line_id} is {self.external_id}"


class Shipment(MerchantModel):
    """Goods that left, as the back office says."""

    fulfilment_order = models.ForeignKey(FulfilmentOrder, on_delete=models.CASCADE, related_name="shipments")
    external_id = models.CharField(max_length=200)
    number = models.CharField(max_length=100, blank=True, default="")
    state = models.CharField(max_length=12)
    carrier = models.CharField(max_length=100, blank=True, default="")
    tracking_number = models.CharField(max_length=200, blank=True, default="")
    tracking_url = models.CharField(max_length=500, blank=True, default="")
    shipped_at = models.DateTimeField(null=True, blank=True)

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "fulfilment_order", "external_id"), name="shipment_once"),
        )
        indexes = (models.Index(fields=("merchant", "number"), name="shipment_number"),)

    def __str__(self) -> str:
        return self.number or self.external_id


class ShipmentLine(MerchantModel):
    """How many of an order line left with a shipment, in base units."""

    shipment = models.ForeignKey(Shipment, on_delete=models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="shipped")
    quantity = QuantityField()

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "shipment", "order_line"), name="shipment_line_once"),
        )

    def __str__(self) -> str:
        return f"{self.quantity} of line {self.order_line_id}"


class Invoice(MerchantModel):
    """An invoice or credit note that exists in the back office."""

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="invoices")
    fulfilment_order = models.ForeignKey(
        FulfilmentOrder, null=True, blank=True, on_delete=models.CASCADE, related_name="invoices"
    )
    external_id = models.CharField(max_length=200)
    number = models.CharField(max_length=100, blank=True, default="")
    is_credit = models.BooleanField(default=False)
    state = models.CharField(max_length=12)
    currency = models.CharField(max_length=3)
    total = MoneyField()
    open_amount = MoneyField(default=Decimal(0))
    issued_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "connection", "external_id"), name="invoice_once"),)
        indexes = (models.Index(fields=("merchant", "number"), name="invoice_number"),)

    def __str__(self) -> str:
        return self.number or self.external_id


class Cancellation(MerchantModel):
    """Somebody asked to cancel an order or items of it; `answer` is kept as proof. Asked is the part's destination, or
    (without a part) the order's shop. `command` carries the question, `success` is None until it is answered."""

    fulfilment_order = models.ForeignKey(
        FulfilmentOrder, null=True, blank=True, on_delete=models.CASCADE, related_name="cancellations"
    )
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.CASCADE, related_name="cancellations")
    command = models.ForeignKey(Command, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=100)
    reason = models.CharField(max_length=500, blank=True, default="")
    success = models.BooleanField(null=True)
    answer = models.CharField(max_length=2000, blank=True, default="")
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta(MerchantModel.Meta):
        pass

    def __str__(self) -> str:
        return f"Cancellation of {self.fulfilment_order_id or self.order_id}"


class Return(MerchantModel):
    """Goods that came back, or are to. Not a refund. `connection` is who said it first, with its id; of one that a
    person made here (`made_by`) it is the shop, and the id our own reference. `reason_code` is our word for the reason
    the value map gave."""

    class Restock(models.TextChoices):
        SELL = "sell", _("back into stock")
        DAMAGED = "damaged", _("damaged, not into stock")
        KEEP = "keep", _("the buyer keeps it")

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="returns")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="returns")
    external_id = models.CharField(max_length=200)
    number = models.CharField(max_length=100, blank=True, default="")
    state = models.CharField(max_length=12)
    reason = models.CharField(max_length=500, blank=True, default="")
    reason_code = models.CharField(max_length=200, blank=True, default="")
    reference = models.CharField(max_length=40, blank=True, default="")
    restock = models.CharField(max_length=10, choices=Restock, default=Restock.SELL)
    made_by = models.CharField(max_length=100, blank=True, default="")
    at = models.DateTimeField(null=True, blank=True)

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "connection", "external_id"), name="return_once"),)

    def __str__(self) -> str:
        return self.number or self.external_id


class ReturnLine(MerchantModel):
    """How many of an order line came back, in base units."""

    parent = models.ForeignKey(Return, on_delete=models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="returned")
    quantity = QuantityField()

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "parent", "order_line"), name="return_line_once"),)

    def __str__(self) -> str:
        return f"{self.quantity} of line {self.order_line_id}"


class Refund(MerchantModel):
    """Money given back, as the store says; `counted` is false for one beyond what was captured (held). One a person
    made here (`made_by`) is asked of the shop first, under our own reference until the shop gives it an id."""

    class State(models.TextChoices):
        ASKED = "asked", _("Asked of the shop")
        RECEIVED = "received", _("Received")
        QUEUED = "queued", _("On its way")
        DONE = "done", _("Done there")
        HELD = "held", _("Held")
        CLOSED = "closed", _("Nowhere to be booked")

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="refunds")
    external_id = models.CharField(max_length=200)
    reference = models.CharField(max_length=40, blank=True, default="")
    amount = MoneyField()
    reason = models.CharField(max_length=500, blank=True, default="")
    at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.RECEIVED)
    counted = models.BooleanField(default=True)
    made_by = models.CharField(max_length=100, blank=True, default="")
    remote_id = models.CharField(max_length=200, blank=True, default="")
    remote_number = models.CharField(max_length=200, blank=True, default="")

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "order", "external_id"), name="refund_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_positive"),
        )
        indexes = (models.Index(fields=("merchant", "remote_number"), name="refund_number"),)

    def __str__(self) -> str:
        return f"Refund {self.amount} of order {self.order_id}"


class RefundLine(MerchantModel):
    """Which line, how many (of the shop's article, as the line has it), how much: net + tax."""

    refund = models.ForeignKey(Refund, on_delete=models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="refunds")
    quantity = QuantityField()
    net = MoneyField()
    tax = MoneyField(default=Decimal(0))

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "refund", "order_line"), name="refund_line_once"),)

    def __str__(self) -> str:
        return f"{self.quantity} of line {self.order_line_id}"


class LedgerEntry(MerchantModel):
    """A journal entry of a customer, cached from the back office with its age."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="ledger")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="ledger")
    external_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=20)
    number = models.CharField(max_length=100)
    at = models.DateTimeField()
    currency = models.CharField(max_length=3)
    debit = MoneyField(default=Decimal(0))
    credit = MoneyField(default=Decimal(0))
    open_amount = MoneyField(default=Decimal(0))
    as_of = models.DateTimeField()

    class Meta(MerchantModel.Meta):
        verbose_name_plural = "ledger entries"
        constraints = (models.UniqueConstraint(fields=("merchant", "connection", "external_id"), name="ledger_once"),)

    def __str__(self) -> str:
        return self.number
