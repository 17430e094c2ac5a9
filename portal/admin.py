"""Locations, people and keys."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import ngettext
from unfold.admin import TabularInline
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from catalog.services.stock import refresh_group
from integrations.models import ApiAccess, Connection
from integrations.sync.api_access import API, assign
from portal.base.admin import EVERYBODY, OFFICE, OWNERS, MerchantAdmin, ago, may
from portal.base.admin_places import PlacesFormSet, step_aside
from portal.base.admin_scope import MerchantForm
from portal.tenancy import services
from portal.tenancy.models import (
    ApiKey,
    KeyOrigin,
    Location,
    LocationGroup,
    LocationGroupMember,
    Membership,
    Merchant,
    Role,
)
from portal.tenancy.scopes import SCOPES

LIVE = Connection.Environment.LIVE


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


class MemberInline(TabularInline):
    model = LocationGroupMember
    formset = PlacesFormSet
    fields = ("position", "location")
    extra = 0
    ordering = ("position",)
    verbose_name = "location"
    verbose_name_plural = "locations, the first before the others"

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = Location.objects.filter(is_active=True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, OFFICE)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, OWNERS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, OWNERS)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, OWNERS)


@admin.register(LocationGroup)
class LocationGroupAdmin(MerchantAdmin):
    list_display = ("name", "in_order")
    ordering = ("name",)
    inlines = (MemberInline,)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("members__location")

    @admin.display(description="its locations, in their order")
    def in_order(self, row: LocationGroup) -> str:
        members = sorted(row.members.all(), key=lambda one: one.position)
        return " → ".join(one.location.name for one in members) or "none yet"

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        step_aside(formset)
        super().save_formset(request, form, formset, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Shops that sell from the group show what is in it now."""
        super().save_related(request, form, formsets, change)
        if changed := refresh_group(group=form.instance, at=timezone.now()):
            words = ngettext("%(n)s figure of the shops changes.", "%(n)s figures of the shops change.", changed)
            messages.success(request, words % {"n": changed})


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


class ApiKeyForm(MerchantForm):
    """A key: what it may, whose codes it speaks, and from where pages may use it."""

    connection = forms.ModelChoiceField(
        queryset=Connection.plain.none(),
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text="Whose codes it speaks, and whose orders it sends. Files and procedures go without.",
    )
    scopes = forms.MultipleChoiceField(
        choices=[*SCOPES.items()],
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="Nothing ticked: everything of yours. An app sees the catalogue, whatever is ticked.",
    )
    web_origins = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(),
        help_text="Of an app: the origins whose pages may use it, one a line, as https://shop.example.com",
    )

    class Meta:
        model = ApiKey
        fields = ("name", "kind", "mode", "scopes", "locations", "per_minute", "expires_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["connection"]
        choices.queryset = Connection.objects.filter(platform=API).order_by("name")
        if self.instance.pk:
            access = ApiAccess.plain.filter(api_key=self.instance).first()
            choices.initial = access.connection_id if access else None
            origins = self.instance.origins.order_by("pk").values_list("origin", flat=True)
            self.fields["web_origins"].initial = "\n".join(origins)

    def clean_web_origins(self) -> list[str]:
        found = [line.strip().rstrip("/").lower() for line in self.cleaned_data["web_origins"].splitlines()]
        origins = sorted({one for one in found if one})
        for one in origins:
            KeyOrigin._meta.get_field("origin").run_validators(one)
        return origins

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        connection = cleaned.get("connection")
        if connection and cleaned.get("mode") == ApiKey.Mode.TEST and connection.environment == LIVE:
            words = f"{connection} is live: a key for tests needs a connection that is a simulator or a sandbox."
            self.add_error("connection", words)
        if cleaned.get("kind") == ApiKey.Kind.APP and "connection" in cleaned and not connection:
            self.add_error("connection", "An app shows somebody's catalogue: choose the connection.")
        return cleaned


@admin.register(ApiKey)
class ApiKeyAdmin(MerchantAdmin):
    """Keys to the API; a key is shown once, when it is made."""

    form = ApiKeyForm
    list_display = ("name", "begin", "kind", "mode", "created", "used", "works")
    fields = (
        "name", "connection", "kind", "mode", "scopes", "locations", "web_origins", "per_minute", "expires_at",
    )  # fmt: skip
    view_roles = OWNERS
    actions = ("revoke",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What its plaintext says, or where it is in use, does not change under those who have it."""
        return ("kind", "mode") if obj else ()

    @admin.display(description="begins with", ordering="prefix")
    def begin(self, row: ApiKey) -> str:
        return f"{row.begins}_{row.prefix}"

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
        else:
            self._make(request, obj)
        assign(key=obj, connection=form.cleaned_data["connection"])
        services.set_origins(key=obj, origins=form.cleaned_data["web_origins"])

    def _make(self, request: HttpRequest, obj: ApiKey) -> None:
        merchant: Merchant = request.merchant  # type: ignore[attr-defined]  # ScopeMiddleware's
        made, secret = ApiKey.create_key(
            merchant=merchant, name=obj.name, scopes=obj.scopes, kind=obj.kind, mode=obj.mode
        )
        obj.pk, obj.prefix, obj.key_hash, obj.merchant_id = made.pk, made.prefix, made.key_hash, made.merchant_id
        obj._state.adding = False
        obj.save(update_fields=["expires_at", "per_minute"])
        messages.success(request, f"The key is {secret} — copy it now, it is not shown again.")
