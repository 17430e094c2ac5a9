"""Pushes that are planned first and can be taken back, what was taken back, and what shops really show.

Figures are whole numbers here, in the units of the table they belong to: thousandths of a remote article's unit in
ChannelStock, millionths of the currency in ChannelPrice.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models.binding import Binding
from integrations.models import Connection, SyncRun
from portal.tenancy.scoping import MerchantModel


class Figures(models.TextChoices):
    """Which figures: the engine's names of their streams."""

    STOCK = "stock", _("Stock")
    PRICE = "price", _("Prices")


class PushPlan(MerchantModel):
    """What a push would change, looked at before it is sent. `total`: articles mapped there; `changes`: lines;
    `braked`: lines the brake would stop, `brake`: why."""

    class State(models.TextChoices):
        READY = "ready", _("To look at")
        APPLIED = "applied", _("Applied")
        UNDONE = "undone", _("Undone")
        FOLLOWING = "following", _("Undone, follows again")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="push_plans")
    stream = models.CharField(max_length=10, choices=Figures)
    state = models.CharField(max_length=10, choices=State, default=State.READY)
    total = models.PositiveIntegerField(default=0)
    changes = models.PositiveIntegerField(default=0)
    braked = models.PositiveIntegerField(default=0)
    brake = models.CharField(max_length=500, blank=True, default="")
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    applied_at = models.DateTimeField(null=True, blank=True)
    applied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    run = models.ForeignKey(SyncRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    undo_run = models.ForeignKey(SyncRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta(MerchantModel.Meta):
        pass

    def __str__(self) -> str:
        return f"Plan {self.pk} of {self.connection}: {self.get_stream_display()}"


class PlanLine(MerchantModel):
    """One figure of a plan: `before` is the image of what the shop had last taken (NULL: nobody knows), `after` what
    it would get. `sent_at`: taken there; `undone_at`: the former figure taken again."""

    plan = models.ForeignKey(PushPlan, on_delete=models.CASCADE, related_name="lines")
    binding = models.ForeignKey(Binding, on_delete=models.CASCADE, related_name="+")
    slot = models.CharField(max_length=100, blank=True, default="")
    currency = models.CharField(max_length=3, blank=True, default="")
    before = models.BigIntegerField(null=True)
    after = models.BigIntegerField()
    braked = models.BooleanField(default=False)
    sent_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    message = models.CharField(max_length=500, blank=True, default="")

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "plan", "binding", "slot"), name="plan_line_once"),)
        indexes = (models.Index(fields=("plan", "id"), name="plan_line_page"),)

    def __str__(self) -> str:
        return f"Binding {self.binding_id}: {self.before} → {self.after}"


class KeptFigure(MerchantModel):
    """A figure a person took back: the shop keeps it, whatever is worked out, until it may follow again.

    `undone_to` is the former figure; `figure` what the shop shall show: for stock that less what was sold since.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="kept_figures")
    stream = models.CharField(max_length=10, choices=Figures)
    binding = models.ForeignKey(Binding, on_delete=models.CASCADE, related_name="+")
    slot = models.CharField(max_length=100, blank=True, default="")
    plan = models.ForeignKey(PushPlan, on_delete=models.CASCADE, related_name="kept")
    undone_to = models.BigIntegerField()
    figure = models.BigIntegerField()
    since = models.DateTimeField()

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "connection", "stream", "binding", "slot"), name="kept_once"),
        )

    def __str__(self) -> str:
        return f"Binding {self.binding_id} keeps {self.figure}"


class ShopFigure(MerchantModel):
    """What a shop itself shows, as last read there. `changed_at`: when it was first read with this figure."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="shop_figures")
    stream = models.CharField(max_length=10, choices=Figures)
    binding = models.ForeignKey(Binding, on_delete=models.CASCADE, related_name="+")
    slot = models.CharField(max_length=100, blank=True, default="")
    currency = models.CharField(max_length=3, blank=True, default="")
    shown = models.BigIntegerField()
    read_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("merchant", "connection", "stream", "binding", "slot"), name="shop_figure_once"
            ),
        )

    def __str__(self) -> str:
        return f"Binding {self.binding_id} shows {self.shown}"
