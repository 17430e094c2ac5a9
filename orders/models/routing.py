"""Which back office gets what of an order."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from integrations.models import Connection
from portal.base.fields import MoneyField
from portal.tenancy.models import Location, LocationGroup
from portal.tenancy.scoping import MerchantModel

SEVERAL = _("Several: part them by commas.")


class RoutingRule(MerchantModel):
    """An order that meets all the conditions filled in goes to `destination`; the first rule that takes it wins.

    Conditions of several words are lists parted by commas, one of which must fit. Without any condition it takes
    everything: the stated default. `version` counts its changes; a part of an order keeps the one that chose it.
    """

    class Takes(models.TextChoices):
        ORDER = "order", _("all that is left of the order")
        LINES = "lines", _("only the lines of its categories and brands")
        STOCK = "stock", _("each line at the location of its group that has it")

    class Extras(models.TextChoices):
        FIRST = "first", _("go with the first part")
        VALUE = "value", _("are shared by the value of the goods")

    name = models.CharField(max_length=100)
    position = models.PositiveIntegerField(
        _("place"), default=10, help_text=_("They are asked from the smallest to the largest.")
    )
    enabled = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    shop = models.ForeignKey(
        Connection,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Empty: any shop."),
    )
    sold_at = models.ForeignKey(
        Location,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Where it was sold; empty: anywhere."),
    )
    countries = models.CharField(
        max_length=500, blank=True, default="", help_text=_("Of the delivery address, two letters: DE, AT.")
    )
    postcodes = models.CharField(
        max_length=500, blank=True, default="", help_text=_("What the postcode begins with: 10, 11, SW1.")
    )
    shipping_methods = models.CharField(
        max_length=500, blank=True, default="", help_text=_("As the shop names them; a * stands for anything: DHL*.")
    )
    payment_types = models.CharField(
        max_length=500,
        blank=True,
        default="",
        help_text=_("The shop's word or yours; cod is cash on delivery. A * stands for anything."),
    )
    categories = models.CharField(max_length=500, blank=True, default="", help_text=SEVERAL)
    brands = models.CharField(max_length=500, blank=True, default="", help_text=SEVERAL)
    tags = models.CharField(max_length=500, blank=True, default="", help_text=SEVERAL)
    currency = models.CharField(max_length=3, blank=True, default="", help_text=_("GBP; empty: any."))
    total_over = MoneyField(_("total over"), null=True, blank=True)
    total_under = MoneyField(_("total under"), null=True, blank=True)
    in_stock = models.BooleanField(
        _("all of it is in stock there"),
        default=False,
        help_text=_("At its location, or at the locations of its group together."),
    )
    destination = models.ForeignKey(
        Connection, verbose_name=_("back office"), on_delete=models.PROTECT, related_name="routing_rules"
    )
    location = models.ForeignKey(
        Location,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Where the goods leave; empty: where it was sold."),
    )
    group = models.ForeignKey(
        LocationGroup,
        verbose_name=_("group of locations"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Asked in its order; what none of them has goes to the first."),
    )
    takes = models.CharField(max_length=5, choices=Takes, default=Takes.ORDER)
    split_lines = models.BooleanField(
        _("may split a line"),
        default=False,
        help_text=_("Three from here and two from there; else a line stays together."),
    )
    extras = models.CharField(_("shipping, fees and the like"), max_length=5, choices=Extras, default=Extras.FIRST)
    goes_on = models.BooleanField(
        _("and ask the next rules too"),
        default=False,
        help_text=_("It gets the whole order besides what the next rules say."),
    )
    history = HistoricalRecords()

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("merchant", "name"),
                name="routing_rule_name",
                violation_error_message=_("There is a rule of that name already."),
            ),
            models.CheckConstraint(
                condition=Q(location__isnull=True) | Q(group__isnull=True),
                name="routing_rule_one_place",
                violation_error_message=_("Choose a location or a group of them, not both."),
            ),
            models.CheckConstraint(
                condition=~Q(takes="stock") | Q(group__isnull=False),
                name="routing_rule_stock_group",
                violation_error_message=_("“Where the stock is” needs a group of locations to look at."),
            ),
            models.CheckConstraint(
                condition=~Q(takes="lines") | ~Q(categories="") | ~Q(brands=""),
                name="routing_rule_lines_of",
                violation_error_message=_("Name the categories or brands whose lines it takes."),
            ),
            models.CheckConstraint(
                condition=Q(in_stock=False) | Q(location__isnull=False) | Q(group__isnull=False),
                name="routing_rule_stock_where",
                violation_error_message=_("“In stock there” needs a location or a group of them."),
            ),
            models.CheckConstraint(
                condition=Q(goes_on=False) | Q(takes="order"),
                name="routing_rule_goes_on",
                violation_error_message=_("Only a rule that takes the whole order can let the next ones take it too."),
            ),
        )
        indexes = (models.Index(fields=("merchant", "position", "id"), name="routing_rule_order"),)

    def __str__(self) -> str:
        return self.name
