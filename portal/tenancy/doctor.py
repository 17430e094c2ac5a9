"""Looks for rows that point at another merchant's rows, which no query in a scope can make or show."""

from __future__ import annotations

from django.apps import apps
from django.db.models import F, ForeignKey

from portal.tenancy.scoping import MerchantModel


def merchant_keys() -> list[ForeignKey[MerchantModel, MerchantModel]]:
    """Every foreign key from one merchants' model to another."""
    return [
        field
        for model in apps.get_models()
        if issubclass(model, MerchantModel) and not model._meta.proxy
        for field in model._meta.fields
        if isinstance(field, ForeignKey) and issubclass(field.related_model, MerchantModel)
    ]


def cross_merchant_rows() -> list[tuple[str, int, int]]:
    """(app.Model.field, the row's key, the key of the row of another merchant it points at)."""
    found: list[tuple[str, int, int]] = []
    for field in merchant_keys():
        # Without isnull, exclude() would also list the rows that point at nothing.
        rows = field.model._base_manager.filter(**{f"{field.name}__isnull": False}).exclude(
            **{f"{field.name}__merchant_id": F("merchant_id")}
        )
        found += [(str(field), pk, wrong) for pk, wrong in rows.order_by("pk").values_list("pk", field.attname)]
    return found
