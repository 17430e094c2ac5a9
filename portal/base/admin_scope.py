"""What keeps forms and filters of the admin inside the merchant picked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import get_fields_from_path
from django.db import models
from django.http import HttpRequest

from portal.tenancy.scoping import current_scope


class MerchantForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Constraints lead with the merchant, which is no field: it is set before they are checked, so that a second
    row of the same name is an error of the form and not of the database."""

    def _post_clean(self) -> None:
        current = current_scope()
        if current is not None and current.merchant_id is not None and not self.instance.merchant_id:
            self.instance.merchant_id = current.merchant_id
        super()._post_clean()  # type: ignore[misc]  # Django's hook for the model's own checks

    def _get_validation_exclusions(self) -> set[str]:
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # Django's
        return excluded - {"merchant"}


class ScopedRelatedFilter(admin.RelatedFieldListFilter):
    """Offers only rows that the person sees on their own page; Django would offer every merchant's."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        model = field.remote_field.model
        rows = model_admin.admin_site.get_model_admin(model).get_queryset(request)
        ordering = self.field_admin_ordering(field, request, model_admin)
        choices: list[Any] = field.get_choices(
            include_blank=False, ordering=ordering, limit_choices_to={"pk__in": rows.order_by().values("pk")}
        )
        return choices


def scope_filters(model: type[models.Model], wanted: Any) -> list[Any]:
    """The list filters, those over a relation made to stay inside the merchant."""
    return [(one, ScopedRelatedFilter) if _is_relation(model, one) else one for one in wanted]


def _is_relation(model: type[models.Model], wanted: Any) -> bool:
    if not isinstance(wanted, str):
        return False
    last: Any = get_fields_from_path(model, wanted)[-1]
    return bool(last.is_relation)
