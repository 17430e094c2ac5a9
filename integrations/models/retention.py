"""How long a merchant keeps what passed through: requests, answers and webhooks as they came."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.tenancy.scoping import MerchantModel

CAPTURES_DAYS = 30  # for a merchant who has said nothing
LONGEST_DAYS = 365


class Retention(MerchantModel):
    """One row a merchant, once he said it. `captures_days`: requests with their answers, and finished webhooks."""

    captures_days = models.PositiveSmallIntegerField(
        default=CAPTURES_DAYS,
        validators=(MinValueValidator(1), MaxValueValidator(LONGEST_DAYS)),
        help_text=_("Requests, answers and webhooks are deleted after so many days."),
    )

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant",), name="retention_once"),
            models.CheckConstraint(
                condition=Q(captures_days__gte=1, captures_days__lte=LONGEST_DAYS), name="retention_days"
            ),
        )

    def __str__(self) -> str:
        return f"{self.captures_days} days"
