"""Products and their variants: a matrix item is a Product whose Variants are the combinations of its axes."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.base.models import PublicIdMixin
from portal.tenancy.scoping import MerchantModel


class Product(PublicIdMixin, MerchantModel):
    """What a merchant sells. `code` is unique in the merchant; a simple product has one Variant and no axes."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        DRAFT = "draft", _("Draft")
        ARCHIVED = "archived", _("Archived")

    code = models.CharField(max_length=100)
    name = models.CharField(max_length=300)
    description = models.TextField(blank=True, default="")
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    brand = models.CharField(max_length=100, blank=True, default="")
    categories = models.JSONField(default=list, blank=True)
    image_urls = models.JSONField(default=list, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "code"), name="product_code"),)
        indexes = (models.Index(fields=("merchant", "name", "id"), name="product_name"),)

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class OptionAxis(MerchantModel):
    """One option of a product: "Colour"."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="axes")
    name = models.CharField(max_length=100)
    position = models.PositiveIntegerField(default=0)

    class Meta(MerchantModel.Meta):
        verbose_name_plural = "option axes"
        constraints = (models.UniqueConstraint(fields=("merchant", "product", "name"), name="axis_name"),)

    def __str__(self) -> str:
        return self.name


class OptionValue(MerchantModel):
    """One value of an axis: "Red", with the code that reference codes are built from."""

    axis = models.ForeignKey(OptionAxis, on_delete=models.CASCADE, related_name="values")
    value = models.CharField(max_length=100)
    code = models.CharField(max_length=40, blank=True, default="")
    position = models.PositiveIntegerField(default=0)

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "axis", "value"), name="option_value"),)

    def __str__(self) -> str:
        return self.value


class Variant(PublicIdMixin, MerchantModel):
    """One article that can be bought. `code` is our SKU, unique in the merchant; `option_key` names the combination
    ("Colour=Red|Size=Small", '' for a product without axes); `unit` is what one of it is ("bottle"), in which stock,
    prices and promises are counted, whatever packs shops sell it in; '' where nobody said."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="variants")
    code = models.CharField(max_length=100)
    barcode = models.CharField(max_length=50, blank=True, default="")
    name = models.CharField(max_length=300, blank=True, default="")
    unit = models.CharField(max_length=30, blank=True, default="", db_default="")
    option_key = models.CharField(max_length=300, blank=True, default="")
    position = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(MerchantModel.Meta):
        verbose_name = _("article")
        verbose_name_plural = _("articles")
        constraints = (
            models.UniqueConstraint(fields=("merchant", "code"), name="variant_code"),
            models.UniqueConstraint(fields=("merchant", "product", "option_key"), name="variant_combination"),
        )
        indexes = (
            models.Index(fields=("merchant", "barcode"), name="variant_barcode"),
            models.Index(fields=("merchant", "updated_at", "id"), name="variant_changed"),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.name}".strip()


class VariantOption(MerchantModel):
    """Which value a variant has on which axis."""

    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="options")
    axis = models.ForeignKey(OptionAxis, on_delete=models.CASCADE, related_name="+")
    value = models.ForeignKey(OptionValue, on_delete=models.CASCADE, related_name="+")

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "variant", "axis"), name="variant_axis"),)

    def __str__(self) -> str:
        return f"{self.axis_id}={self.value_id}"
