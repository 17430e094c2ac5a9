"""Which remote article is which Variant, and where that is in doubt."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models.product import Product, Variant
from integrations.models import Connection
from portal.base.fields import QuantityField
from portal.tenancy.scoping import MerchantModel


class Binding(MerchantModel):
    """A remote article (`external_id`, of the remote product `parent_external_id`) and the Variant it is.

    `factor`: how many base units one of the remote article is (a crate = 24). `stale`: gone there. `suggested`: the
    variant is our guess, `score` of 100 sure of it, and waits for a person; the other candidates stand in the open
    MappingConflict.
    """

    class State(models.TextChoices):
        SUGGESTED = "suggested", _("Suggested")
        CONFLICT = "conflict", _("Needs a decision")
        BOUND = "bound", _("Mapped")
        IGNORED = "ignored", _("Ignored")
        STALE = "stale", _("Gone there")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="bindings")
    variant = models.ForeignKey(Variant, null=True, blank=True, on_delete=models.SET_NULL, related_name="bindings")
    external_id = models.CharField(max_length=200)
    parent_external_id = models.CharField(max_length=200, blank=True, default="")
    reference_code = models.CharField(max_length=100, blank=True, default="")
    barcode = models.CharField(max_length=50, blank=True, default="")
    title = models.CharField(max_length=300, blank=True, default="")
    options = models.JSONField(default=list, blank=True)
    factor = QuantityField(default=Decimal(1))
    state = models.CharField(max_length=10, choices=State, default=State.CONFLICT)
    reason = models.CharField(max_length=200, blank=True, default="")
    score = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(MerchantModel.Meta):
        verbose_name = _("article of a shop or back office")
        verbose_name_plural = _("articles of shops and back offices")
        constraints = (
            models.UniqueConstraint(fields=("merchant", "connection", "external_id"), name="binding_once"),
            models.CheckConstraint(
                condition=~Q(state="bound") | Q(variant__isnull=False), name="binding_bound_has_variant"
            ),
            models.CheckConstraint(condition=Q(factor__gt=0), name="binding_factor"),
            models.CheckConstraint(condition=Q(score__lte=100), name="binding_score"),
            models.CheckConstraint(
                condition=~Q(state="suggested") | Q(variant__isnull=False), name="binding_suggested_has_variant"
            ),
        )
        indexes = (
            models.Index(fields=("connection", "barcode"), name="binding_barcode"),
            models.Index(fields=("connection", "reference_code"), name="binding_code"),
            models.Index(fields=("variant", "connection"), name="binding_variant"),
            models.Index(fields=("connection", "state"), name="binding_state"),
        )

    def __str__(self) -> str:
        return f"{self.reference_code or self.external_id} {self.title}".strip()


class MappingConflict(MerchantModel):
    """Why a remote article could not be bound by itself.

    `candidates`: ours it may be, the best first, as {"variant": id, "code", "name", "score", "reason"} and, where an
    article there is it already, "taken": which; `product`: the one of ours it most likely belongs to.
    """

    class Type(models.TextChoices):
        DUPLICATE_CODE = "duplicate_code", _("The same code twice")
        AMBIGUOUS_MATCH = "ambiguous_match", _("Several of ours match")
        MISSING_COMBINATION = "missing_combination", _("This combination is missing here")
        AXIS_MISMATCH = "axis_mismatch", _("Other options than ours")
        UNKNOWN_REFERENCE = "unknown_reference", _("No article of ours has this code")
        DELETED_AT_SOURCE = "deleted_at_source", _("Deleted there")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="conflicts")
    binding = models.ForeignKey(Binding, null=True, blank=True, on_delete=models.CASCADE, related_name="conflicts")
    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.CASCADE, related_name="conflicts")
    type = models.CharField(max_length=20, choices=Type)
    message = models.CharField(max_length=500)
    candidates = models.JSONField(default=list, blank=True)
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.CharField(max_length=40, blank=True, default="")

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("merchant", "binding", "type"), condition=Q(resolved_at__isnull=True), name="conflict_once"
            ),
        )
        indexes = (
            models.Index(
                fields=("merchant", "type", "id"), condition=Q(resolved_at__isnull=True), name="conflict_open"
            ),
        )

    def __str__(self) -> str:
        return self.message


class RememberedCode(MerchantModel):
    """What a person decided about one of a connection's codes: an article that comes with it later follows by itself.

    Without a variant: such an article is none of ours.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="remembered_codes")
    code = models.CharField(max_length=100)
    variant = models.ForeignKey(Variant, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    factor = QuantityField(default=Decimal(1))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField()

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "connection", "code"), name="remembered_code"),
            models.CheckConstraint(condition=~Q(code=""), name="remembered_code_not_empty"),
        )

    def __str__(self) -> str:
        return self.code
