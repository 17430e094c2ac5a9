"""Photos of products that we keep as files; those that are addresses elsewhere stand in Product.image_urls."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models.product import Product
from portal.base.models import PublicIdMixin
from portal.tenancy.scoping import MerchantModel

LONGEST_ADDRESS = 2000


class Photo(PublicIdMixin, MerchantModel):
    """One file of a product. Its content never changes: another picture is another row, with another `public_id`.

    `position` is its place among all photos of the product, the addresses counted, from 0. One with an `address` was
    fetched from there, because shops cannot reach it, and stands in for that address, wherever the product has it. A
    file that cannot be taken has a `problem`, of the fetching told in `message`, and no content.
    """

    class Problem(models.TextChoices):
        TOO_LARGE = "too_large", _("It is larger than 10 MB; make it smaller.")
        NO_PICTURE = "no_picture", _("It is no JPEG, PNG, WebP or GIF picture; save it as one of these.")
        TOO_MANY_PIXELS = "too_many_pixels", _("It has more than 100 million pixels; make it smaller.")

        NOT_FETCHED = "not_fetched", _("It could not be fetched.")

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="photos")
    position = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    content_type = models.CharField(max_length=20, blank=True, default="")
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    size = models.PositiveIntegerField()
    problem = models.CharField(max_length=20, choices=Problem, blank=True, default="")
    address = models.CharField(max_length=LONGEST_ADDRESS, blank=True, default="")
    message = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("merchant", "product", "sha256"), condition=models.Q(address=""), name="photo_once"
            ),
            models.CheckConstraint(
                condition=models.Q(problem="", content_type__gt="") | models.Q(content_type="", problem__gt=""),
                name="photo_content_or_problem",
            ),
        )
        indexes = (models.Index(fields=("merchant", "sha256"), name="photo_file"),)

    def __str__(self) -> str:
        return f"photo-{self.pk}"
