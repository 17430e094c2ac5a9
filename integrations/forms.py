"""The forms of a connection and its flows: one field for each of the platform's own; secrets never come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from integrations.contract.addresses import check_base_url
from integrations.contract.connector import Field
from integrations.contract.errors import AddressRefused
from integrations.contract.records import FIELD_GROUPS
from integrations.models import Connection, Flow
from integrations.models.flow import Stream
from integrations.models.retention import LONGEST_DAYS
from integrations.sync import connections
from integrations.sync.client import list_allowed_private
from integrations.sync.platforms import Platform, check_settings, get_platform, list_given_groups
from integrations.sync.vault import list_stored
from portal.base.admin_scope import MerchantForm
from portal.tenancy.models import Location

GROUPS = (
    ("text", _("Name and description")),
    ("status", _("Status")),
    ("characteristics", _("Brand and categories")),
    ("photos", _("Photos")),
    ("codes", _("Codes and barcodes")),
)
KEPT = "•••••• kept as it is; type to replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormSection:
    """A part of the form; the first, without a label, does not fold. `used`: its call is configured."""

    label: str
    help_text: str
    fields: list[forms.BoundField]
    used: bool
    open: bool


class ConnectionForm(MerchantForm):
    """Name and role of the connection, the platform's settings, and its secrets."""

    class Meta:
        model = Connection
        fields = ("name", "role", "environment", "order_prefix", "location", "deadline_seconds", "settle_seconds")
        labels: ClassVar[dict[str, str]] = {
            "environment": "It is",
            "location": "Stock and orders belong to",
            "deadline_seconds": "Longest request (seconds)",
            "settle_seconds": "Wait before searching (seconds)",
        }
        widgets: ClassVar[dict[str, Any]] = {
            "name": UnfoldAdminTextInputWidget,
            "role": UnfoldAdminSelectWidget,
            "environment": UnfoldAdminSelectWidget,
            "order_prefix": UnfoldAdminTextInputWidget,
            "location": UnfoldAdminSelectWidget,
            "deadline_seconds": UnfoldAdminIntegerFieldWidget,
            "settle_seconds": UnfoldAdminIntegerFieldWidget,
        }

    def __init__(self, *args: Any, platform: Platform, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.platform = platform
        self.is_moved = False  # to another host, by what was typed
        self.fields["location"].queryset = Location.objects.all()  # type: ignore[attr-defined]  # of the merchant picked
        if self.instance.pk and has_orders(self.instance):
            self.fields["order_prefix"].disabled = True  # references of its orders begin with it, here and elsewhere
        role = self.fields["role"]
        role.choices = [pair for pair in Connection.Role.choices if pair[0] in platform.roles]  # type: ignore[attr-defined]
        for field in platform.settings_fields:
            self.fields[f"setting_{field.name}"] = build_field(
                field, initial=self.instance.settings.get(field.name, field.default)
            )
        for field in platform.credential_fields:
            made = build_field(field, initial="")
            if self.instance.pk:
                made.required = False
                made.widget.attrs["placeholder"] = KEPT
            self.fields[f"secret_{field.name}"] = made

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for field in self.platform.settings_fields:
            name = f"setting_{field.name}"
            if field.kind == "url" and cleaned.get(name):
                self._check_address(name, cleaned[name])
        clean_secrets(self, self.platform, cleaned)
        typed = {field.name: cleaned.get(f"setting_{field.name}") for field in self.platform.settings_fields}
        for name, words in check_settings(self.platform.key, typed).items():
            self.add_error(f"setting_{name}", words)
        self._check_prefix(cleaned)
        self._check_moved(cleaned)
        return cleaned

    def _check_prefix(self, cleaned: dict[str, Any]) -> None:
        prefix = cleaned.get("order_prefix")
        if cleaned.get("role") == Connection.Role.STORE and not prefix:
            self.add_error(
                "order_prefix", "Orders of a store need a prefix: it begins their reference everywhere else."
            )
        others = Connection.objects.exclude(pk=self.instance.pk)
        if prefix and others.filter(order_prefix=prefix).exists():
            self.add_error("order_prefix", f"Another connection's orders begin with {prefix}: choose another prefix.")

    def _check_moved(self, cleaned: dict[str, Any]) -> None:
        """Secrets kept for one host are not sent to another by a change of the address alone; those that are not typed
        again are forgotten."""
        for field in self.platform.settings_fields:
            name = f"setting_{field.name}"
            before, now = (self.instance.settings or {}).get(field.name), cleaned.get(name)
            if field.kind != "url" or not before or not now or urlsplit(before)[:2] == urlsplit(now)[:2]:
                continue
            self.is_moved = True
            typed = {one.name for one in self.platform.credential_fields if cleaned.get(f"secret_{one.name}")}
            needed = {one.name for one in self.platform.credential_fields if one.required}
            if self.instance.pk and (not needed <= typed or (not typed and list_stored(self.instance))):
                self.add_error(name, "It leads to another host: type all the secrets again, for that host.")

    def _check_address(self, name: str, address: str) -> None:
        """The address is looked at again when it is dialled; here a person is told at once."""
        try:
            check_base_url(address, list_allowed_private(self.instance))
        except AddressRefused as error:
            self.add_error(name, error.message)

    def list_sections(self) -> list[FormSection]:
        """What every form asks, then each part that folds; one with an error in it is open."""
        groups: dict[str, list[forms.BoundField]] = {section.key: [] for section in self.platform.sections}
        top: list[forms.BoundField] = []
        owners = {f"setting_{field.name}": field.section for field in self.platform.settings_fields}
        for bound in self:
            groups.get(owners.get(bound.name, ""), top).append(bound)
        folded = [
            FormSection(
                label=section.label,
                help_text=section.help_text,
                fields=groups[section.key],
                used=any(
                    bound.name == f"setting_{section.key}_method" and bound.value() for bound in groups[section.key]
                ),
                open=any(bound.errors for bound in groups[section.key]),
            )
            for section in self.platform.sections
        ]
        return [FormSection(label="", help_text="", fields=top, used=True, open=True), *folded]

    def read_settings(self) -> dict[str, Any]:
        """What the platform's own fields say, over what the connection had."""
        kept = dict(self.instance.settings or {})
        return kept | {
            field.name: self.cleaned_data[f"setting_{field.name}"] for field in self.platform.settings_fields
        }

    def read_secrets(self) -> Mapping[str, str]:
        """The secrets typed; empty ones keep what is stored."""
        return {field.name: self.cleaned_data[f"secret_{field.name}"] for field in self.platform.credential_fields}


class FlowForm(MerchantForm):
    """A flow; of products, with the field groups that travel. Refuses what the platform cannot do, and says why."""

    groups = forms.MultipleChoiceField(
        choices=GROUPS, required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget, label=_("Of products"),
        help_text=_("From a back office: what it may write into ours. To a shop: what is sent there."),
    )  # fmt: skip

    class Meta:
        model = Flow
        fields = ("connection", "stream", "direction", "enabled", "groups", "settings", "overlap_seconds")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "groups" in self.fields:
            self.fields["groups"].initial = list_groups(self.instance) if self.instance.pk else []

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        groups, connection = cleaned.get("groups") or [], cleaned.get("connection")
        stream, direction = cleaned.get("stream"), cleaned.get("direction")
        if connection and stream and direction and (words := connections.why_no_flow(connection, stream, direction)):
            raise forms.ValidationError(words)
        if cleaned.get("stream") != Stream.PRODUCT or connection is None:
            return cleaned
        pulls = cleaned.get("direction") == Flow.Direction.PULL
        if (
            pulls
            and connection.role not in Connection.SELLING_ROLES
            and (words := self._say_other_owner(connection, groups))
        ):
            self.add_error("groups", words)
        if pulls and (words := _say_not_given(connection, groups)):
            self.add_error("groups", words)
        taken = get_platform(connection.platform).product_fields
        refused = [group for group in groups if not taken.intersection(FIELD_GROUPS[group])]
        if not pulls and refused:
            names = ", ".join(str(dict(GROUPS)[group]).lower() for group in refused)
            self.add_error("groups", _("%(shop)s takes no %(groups)s.") % {"shop": connection, "groups": names})
        return cleaned

    def _say_other_owner(self, connection: Connection, groups: list[str]) -> str:
        """A group has one owner, so that no side damages the other's data."""
        others = Flow.objects.filter(stream=Stream.PRODUCT, direction=Flow.Direction.PULL, enabled=True)
        others = others.exclude(connection__role__in=Connection.SELLING_ROLES).exclude(connection=connection)
        for flow in others.order_by("pk"):
            if both := set(groups).intersection(list_groups(flow)):
                names = ", ".join(str(label).lower() for group, label in GROUPS if group in both)
                return _("%(names)s come from %(owner)s already: take them away there first.") % {
                    "names": names.capitalize(), "owner": flow.connection,
                }  # fmt: skip
        return ""


def _say_not_given(connection: Connection, groups: list[str]) -> str:
    """A back office is not made the owner of what it does not give: nobody could write it then."""
    given = list_given_groups(connection.platform, connection.settings)
    if missing := [group for group in groups if group not in given]:
        names = ", ".join(str(dict(GROUPS)[group]).lower() for group in missing)
        words = _("%(shop)s gives no %(groups)s as it is set: switch them on in its settings first.")
        return words % {"shop": connection, "groups": names}
    return ""


def list_groups(flow: Flow) -> list[str]:
    """The groups a product flow carries: where nobody has chosen all a back office gives, and none to a shop."""
    chosen = flow.settings.get("groups")
    if chosen is not None:
        return [group for group in FIELD_GROUPS if group in chosen]
    if flow.direction != Flow.Direction.PULL:
        return []
    given = list_given_groups(flow.connection.platform, flow.connection.settings)
    return [group for group in FIELD_GROUPS if group in given]


class CredentialsForm(forms.Form):
    """A connection's secrets: they go in, replace what is stored, and never come out. And when they end."""

    def __init__(self, *args: Any, platform: Platform, expires_at: datetime | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.platform = platform
        for field in platform.credential_fields:
            made = build_field(field, initial="")
            made.required = False
            made.widget.attrs["placeholder"] = KEPT
            self.fields[f"secret_{field.name}"] = made
        self.fields["expires_on"] = forms.DateField(
            label=_("They stop working on"),
            required=False,
            initial=timezone.localdate(expires_at) if expires_at else None,
            help_text=_("Leave it empty where they do not end. You are told two weeks ahead."),
            widget=forms.DateInput(attrs={"type": "date", "class": "sb-select"}),
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        clean_secrets(self, self.platform, cleaned)
        return cleaned

    def read_secrets(self) -> Mapping[str, str]:
        """The secrets typed; empty ones keep what is stored."""
        return {field.name: self.cleaned_data[f"secret_{field.name}"] for field in self.platform.credential_fields}

    def read_expiry(self) -> datetime | None:
        """The beginning of that day, in the portal's zone."""
        day = self.cleaned_data["expires_on"]
        return timezone.make_aware(datetime.combine(day, time.min)) if day else None


def clean_secrets(form: forms.BaseForm, platform: Platform, cleaned: dict[str, Any]) -> None:
    """Trimmed; one with a line break inside is refused."""
    for field in platform.credential_fields:
        name = f"secret_{field.name}"
        value = str(cleaned.get(name) or "").strip()
        if "\n" in value or "\r" in value:
            form.add_error(name, _("A secret is one line: there is a line break inside."))
        cleaned[name] = value


class RetentionForm(forms.Form):
    """How long the merchant keeps captures."""

    days = forms.IntegerField(
        label=_("Days"), min_value=1, max_value=LONGEST_DAYS, widget=UnfoldAdminIntegerFieldWidget()
    )


def has_orders(row: Connection) -> bool:
    return Connection.plain.filter(pk=row.pk, orders__isnull=False).exists()


def build_field(field: Field, *, initial: Any) -> forms.Field:
    """The input for one of the platform's fields."""
    common: dict[str, Any] = {
        "label": field.label,
        "required": field.required,
        "help_text": field.help_text,
        "initial": initial,
    }
    match field.kind:
        case "secret":
            return forms.CharField(widget=UnfoldAdminPasswordWidget(render_value=False), strip=False, **common)
        case "boolean":
            return forms.BooleanField(widget=UnfoldBooleanSwitchWidget(), **{**common, "required": False})
        case "integer":
            return forms.IntegerField(widget=UnfoldAdminTextInputWidget(), **common)
        case "decimal":
            return forms.DecimalField(widget=UnfoldAdminTextInputWidget(), **common)
        case "choice":
            return forms.ChoiceField(choices=field.choices, widget=UnfoldAdminSelectWidget(), **common)
        case "multiline":
            return forms.CharField(widget=UnfoldAdminTextareaWidget(), **common)
        case _:
            return forms.CharField(widget=UnfoldAdminTextInputWidget(), **common)
