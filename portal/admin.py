"""Locations, people and keys."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest

from portal.base.admin import EVERYBODY, OWNERS, MerchantAdmin
from portal.tenancy.models import ApiKey, Location, LocationGroup, Membership, Merchant


@admin.register(Location)
class LocationAdmin(MerchantAdmin):
    view_roles = EVERYBODY
    list_display = ("code", "name", "is_active")
    ordering = ("code",)
    exclude = ("public_id",)

    def at_locations(self, rows: Any, places: frozenset[int]) -> Any:
        return rows.filter(pk__in=places)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # stock and orders name it; switch it off instead


@admin.register(LocationGroup)
class LocationGroupAdmin(MerchantAdmin):
    list_display = ("name",)


@admin.register(Membership)
class MembershipAdmin(MerchantAdmin):
    """Who works for the merchant, and as what."""

    list_display = ("user", "role")
    list_select_related = ("user",)
    raw_id_fields = ("user",)
    filter_horizontal = ("locations",)


@admin.register(ApiKey)
class ApiKeyAdmin(MerchantAdmin):
    """Keys to the API; a key is shown once, when it is made."""

    list_display = ("name", "prefix", "created_at")
    fields = ("name", "scopes", "locations")
    view_roles = OWNERS

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        merchant: Merchant = request.merchant  # type: ignore[attr-defined]  # ScopeMiddleware's
        made, secret = ApiKey.create_key(merchant=merchant, name=obj.name, scopes=obj.scopes)
        obj.pk, obj.prefix, obj.key_hash, obj.merchant_id = made.pk, made.prefix, made.key_hash, made.merchant_id
        obj._state.adding = False
        messages.success(request, f"The key is {secret} — copy it now, it is not shown again.")
