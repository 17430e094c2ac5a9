"""What each location has, what is promised, who may sell how much, and what each shop should show."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from catalog.models.binding import Binding
from catalog.models.product import Variant
from integrations.models import Connection
from portal.base.fields import QuantityField
from portal.tenancy.models import Location, LocationGroup
from portal.tenancy.scoping import MerchantModel


class StockRecord(MerchantModel):
    """What a back office says a location has of a variant, in base units. `read_at`: when the request began."""

    class Basis(models.TextChoices):
        ON_HAND = "on_hand", _("On hand")
        AVAILABLE = "available", _("Available")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="stock_records")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="stock_records")
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="stock_records")
    quantity = QuantityField()
    basis = models.CharField(max_length=10, choices=Basis)
    read_at = models.DateTimeField()

    class Meta(MerchantModel.Meta):
        verbose_name = _("stock at a location")
        verbose_name_plural = _("stock")
        constraints = (
            models.UniqueConstraint(fields=("merchant", "variant", "location", "connection"), name="stock_once"),
        )

    def __str__(self) -> str:
        return f"{self.quantity} of variant {self.variant_id}"


class Reservation(MerchantModel):
    """What an order has promised, in base units, of one variant.

    `settled_at`: when the back office took it over (accepted, where its figure is *available*; shipped, where it is *on
    hand*). It ends with the first figure read after that.
    """

    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="reservations")
    location = models.ForeignKey(Location, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    quantity = QuantityField()
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("merchant", "subject_type", "subject_id", "variant"), name="reservation_once"
            ),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="reservation_not_negative"),
        )
        indexes = (models.Index(fields=("variant",), condition=Q(ended_at__isnull=True), name="reservation_open"),)

    def __str__(self) -> str:
        return f"{self.quantity} of variant {self.variant_id} for {self.subject_type} {self.subject_id}"


class AllocationRule(MerchantModel):
    """How much of what is available a shop may sell; one of a category (of the merchant's own word) counts instead of
    the shop's general one ('').

    Quantities are base units, `share` is percent. `location` or `group`: where its stock is (neither: everywhere).
    `source`: the back office whose figures count (none: all of them together).
    """

    class Pick(models.TextChoices):
        TOGETHER = "together", _("All of its locations together")
        FIRST = "first", _("The first of its locations that has any")

    connection = models.ForeignKey(
        Connection, verbose_name=_("shop"), on_delete=models.CASCADE, related_name="allocation_rules"
    )
    category = models.CharField(
        max_length=200, blank=True, default="", help_text=_("Empty: everything without a rule of its own category.")
    )
    location = models.ForeignKey(
        Location,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Sells what is there; empty: what is anywhere."),
    )
    group = models.ForeignKey(
        LocationGroup,
        verbose_name=_("group of locations"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Several locations instead of one."),
    )
    pick = models.CharField(_("of a group"), max_length=10, choices=Pick, default=Pick.TOGETHER)
    source = models.ForeignKey(
        Connection,
        verbose_name=_("back office"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Whose figures count; empty: those of all back offices together."),
    )
    stop_below = QuantityField(
        _("stop below"), default=Decimal(0), help_text=_("Shows none while less than this is available.")
    )
    buffer = QuantityField(_("buffer"), default=Decimal(0), help_text=_("Kept back from what is available."))
    share = models.PositiveSmallIntegerField(
        _("share, %"), default=100, help_text=_("How much of the rest this shop may sell.")
    )
    maximum = QuantityField(_("at most"), null=True, blank=True, help_text=_("Empty: no limit."))
    history = HistoricalRecords()

    class Meta(MerchantModel.Meta):
        verbose_name = _("stock rule")
        verbose_name_plural = _("stock rules")
        constraints = (
            models.UniqueConstraint(
                fields=("merchant", "connection", "category"),
                name="allocation_once",
                violation_error_message=_("This shop has a rule for this category already: change that one."),
            ),
            models.CheckConstraint(
                condition=Q(location__isnull=True) | Q(group__isnull=True),
                name="allocation_one_place",
                violation_error_message=_("Choose a location or a group of them, not both."),
            ),
            models.CheckConstraint(
                condition=Q(share__lte=100),
                name="allocation_share",
                violation_error_message=_("A share is 0 to 100 %."),
            ),
            models.CheckConstraint(
                condition=Q(buffer__gte=0, stop_below__gte=0) & (Q(maximum__isnull=True) | Q(maximum__gte=0)),
                name="allocation_not_negative",
                violation_error_message=_("Quantities of a rule are not negative."),
            ),
        )

    def __str__(self) -> str:
        return f"{self.category or 'Everything'}: buffer {self.buffer}, stop below {self.stop_below}"


class ChannelStock(MerchantModel):
    """What a shop should show of an article (`wanted`), and what it last took (`sent`), in units of that article.

    Dirty: wanted differs from sent, and is not what was refused. `sent` NULL: never sent, or nobody knows.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="channel_stock")
    binding = models.ForeignKey(Binding, on_delete=models.CASCADE, related_name="channel_stock")
    slot = models.CharField(max_length=100, blank=True, default="")
    wanted = QuantityField()
    wanted_at = models.DateTimeField()
    sent = QuantityField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    refused = QuantityField(null=True, blank=True)
    unknown_at = models.DateTimeField(null=True, blank=True)
    message = models.CharField(max_length=500, blank=True, default="")

    class Meta(MerchantModel.Meta):
        verbose_name = _("stock in a shop")
        verbose_name_plural = _("stock in the shops")
        constraints = (
            models.UniqueConstraint(fields=("merchant", "connection", "binding", "slot"), name="channel_stock_once"),
        )

    def __str__(self) -> str:
        return f"{self.wanted} for binding {self.binding_id}"
