"""Locations, people and keys."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import UnfoldAdminEmailInputWidget

from portal.base.admin import EVERYBODY, OWNERS, MerchantAdmin, ago
from portal.base.admin_scope import MerchantForm
from portal.tenancy import services
from portal.tenancy.models import ApiKey, Location, LocationGroup, Membership, Merchant, Role


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


class PersonForm(MerchantForm):
    """A person by e-mail; whose accounts there are at other merchants is nobody's business here."""

    email = forms.EmailField(label="E-mail", widget=UnfoldAdminEmailInputWidget())

    class Meta:
        model = Membership
        fields = ("role", "locations")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["email"].initial = self.instance.user.email
            self.fields["email"].disabled = True

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"])
        if not self.instance.pk and Membership.objects.filter(user__email__iexact=email).exists():
            raise forms.ValidationError(f"{email} works for you already.")
        return email

    def clean_role(self) -> str:
        role = str(self.cleaned_data["role"])
        row = self.instance
        was_owner = row.pk and self.initial.get("role") == Role.OWNER
        if was_owner and role != Role.OWNER and not services.has_other_owner(row):
            raise forms.ValidationError("Make somebody else an owner first: the merchant would have none.")
        return role


@admin.register(Membership)
class MembershipAdmin(MerchantAdmin):
    """Who works for the merchant, and as what."""

    form = PersonForm
    list_display = ("user", "role", "places")
    list_select_related = ("user",)
    fields = ("email", "role", "locations")
    ordering = ("user__email",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("locations")

    @admin.display(description="sees")
    def places(self, row: Membership) -> str:
        return ", ".join(place.name for place in row.locations.all()) or "all locations"

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        if not change:
            obj.user, password = services.find_or_create_user(email=form.cleaned_data["email"])
            if password:
                words = f"{obj.user} logs in with {password} — pass it on now, it is not shown again."
                messages.success(request, words)
        super().save_model(request, obj, form, change)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """One by one: all owners together could be deleted at once."""
        return {name: one for name, one in super().get_actions(request).items() if name != "delete_selected"}

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        last = obj is not None and obj.role == Role.OWNER and not services.has_other_owner(obj)
        return super().has_delete_permission(request, obj) and not last


@admin.register(ApiKey)
class ApiKeyAdmin(MerchantAdmin):
    """Keys to the API; a key is shown once, when it is made."""

    list_display = ("name", "prefix", "created", "used", "works")
    fields = ("name", "scopes", "locations", "expires_at")
    view_roles = OWNERS
    actions = ("revoke",)

    @admin.display(description="created", ordering="pk")
    def created(self, row: ApiKey) -> str:
        return ago(row.created_at)

    @admin.display(description="last used", ordering="last_used_at")
    def used(self, row: ApiKey) -> str:
        return ago(row.last_used_at)

    @admin.display(description="works", boolean=True)
    def works(self, row: ApiKey) -> bool:
        return row.revoked_at is None and (row.expires_at is None or row.expires_at > timezone.now())

    @admin.action(description="Revoke: they stop working at once", permissions=["change"])
    def revoke(self, request: HttpRequest, rows: Any) -> None:
        revoked = rows.filter(revoked_at__isnull=True).update(revoked_at=timezone.now())
        messages.success(request, f"{revoked} keys are revoked.")

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        merchant: Merchant = request.merchant  # type: ignore[attr-defined]  # ScopeMiddleware's
        made, secret = ApiKey.create_key(merchant=merchant, name=obj.name, scopes=obj.scopes)
        obj.pk, obj.prefix, obj.key_hash, obj.merchant_id = made.pk, made.prefix, made.key_hash, made.merchant_id
        obj._state.adding = False
        if obj.expires_at:
            obj.save(update_fields=["expires_at"])
        messages.success(request, f"The key is {secret} — copy it now, it is not shown again.")
