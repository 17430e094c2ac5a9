"""Their words for our option values, what was learnt from them, and each set of mapping changes with its undo."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models.product import OptionAxis, OptionValue, Product
from integrations.models import Connection
from portal.tenancy.scoping import MerchantModel


class AxisValueMapping(MerchantModel):
    """At this product of the connection "Rot" of "Farbe" is our "Red". One of theirs ↔ one of ours; `axis` is
    `value.axis`, kept so that a page of them is one query."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="axis_values")
    parent_external_id = models.CharField(max_length=200)
    axis = models.ForeignKey(OptionAxis, on_delete=models.CASCADE, related_name="+")
    value = models.ForeignKey(OptionValue, on_delete=models.CASCADE, related_name="mappings")
    their_axis = models.CharField(max_length=200)
    their_value = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("merchant", "connection", "parent_external_id", "value"), name="axis_value_ours"
            ),
            models.UniqueConstraint(
                fields=("merchant", "connection", "parent_external_id", "their_axis", "their_value"),
                name="axis_value_theirs",
            ),
        )

    def __str__(self) -> str:
        return f"{self.their_axis}: {self.their_value}"


class Synonym(MerchantModel):
    """This merchant's shops call our `ours` (of an axis called `axis`) `theirs`: learnt from `product`, offered for
    the next. All three are folded as `catalog.mapping.axes.fold` does."""

    axis = models.CharField(max_length=100)
    ours = models.CharField(max_length=200)
    theirs = models.CharField(max_length=200)
    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    learnt_at = models.DateTimeField()

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "axis", "ours", "theirs"), name="synonym_once"),)

    def __str__(self) -> str:
        return f"{self.ours} ↔ {self.theirs}"


class MappingChange(MerchantModel):
    """What one person decided or changed in one go, with its undo.

    `images` has, for every row touched, its fields before and after: {"binding": {pk: [{…}, {…}]}, "variant": {…}};
    and what undoing needs besides: "axes"; "synonyms" added; "remembered" codes, before and after; conflicts "ended"
    and "opened"; "neighbours" (articles bound to the same variants then).
    """

    class Kind(models.TextChoices):
        ARTICLES = "articles", _("Articles decided")
        GRID = "grid", _("Cells of the grid")
        AXES = "axes", _("Axis values")
        CODES = "codes", _("Generated codes")
        TABLE = "table", _("A table taken over")

    kind = models.CharField(max_length=10, choices=Kind)
    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    connection = models.ForeignKey(Connection, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    summary = models.CharField(max_length=300)
    images = models.JSONField(default=dict)
    made_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta(MerchantModel.Meta):
        constraints = (
            models.CheckConstraint(
                condition=Q(undone_by__isnull=True) | Q(undone_at__isnull=False), name="change_undone_when"
            ),
        )
        indexes = (
            models.Index(fields=("product", "made_at"), name="change_product"),
            models.Index(fields=("merchant", "made_at"), name="change_made"),
        )

    def __str__(self) -> str:
        return self.summary
