"""Field rules: the destinations that have some, and one version with what it would make of orders that are here."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integrations.contract.formulas.expressions import PICKING_FUNCTIONS
from integrations.contract.formulas.functions import FUNCTIONS
from integrations.models import Connection
from integrations.sync.platforms import get_platform
from orders.admin.acts import person
from orders.mapping.rules import Rule
from orders.mapping.targets import TARGETS
from orders.models import FieldRule, FieldRuleVersion
from orders.services import field_preview, field_rules
from portal.base.admin import MAPPERS, OFFICE, MerchantAdmin, badge

State = FieldRuleVersion.State
TONES = {State.DRAFT: "wait", State.PUBLISHED: "good", State.RETIRED: "plain"}
LIST, PAGE = "admin:orders_fieldruleversion_changelist", "admin:orders_fieldruleversion_change"


class RuleForm(forms.Form):
    """One rule, for one destination."""

    target = forms.ChoiceField(label=gettext_lazy("Fills"))
    name = forms.CharField(label=gettext_lazy("Name there"), max_length=63, required=False)
    shop = forms.TypedChoiceField(
        label=gettext_lazy("Orders of"), coerce=lambda pk: int(pk or 0), empty_value="0", required=False
    )
    source = forms.CharField(label=gettext_lazy("From (path)"), max_length=500, required=False)
    expression = forms.CharField(label=gettext_lazy("Then (expression)"), max_length=500, required=False)
    default = forms.CharField(label=gettext_lazy("If nothing"), max_length=500, required=False)
    required = forms.BooleanField(label=gettext_lazy("Hold the order if empty"), required=False)

    def __init__(self, *args: Any, there: Connection, shops: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.there = there
        offered = field_rules.list_targets(there)
        given = self.initial.get("target", "")
        if given and given not in offered:
            offered = [*offered, given]  # of another platform once: it is shown, and refused in words
        self.fields["target"].choices = [("", "…"), *((key, TARGETS[key].label) for key in offered)]  # type: ignore[attr-defined]
        self.fields["shop"].choices = [("0", _("all shops")), *shops]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if "target" in values and not self.errors:
            for name, words in field_rules.check(self.rule, self.there).items():
                self.add_error(name, words)
        return values

    @property
    def rule(self) -> Rule:
        values = self.cleaned_data
        return Rule(**{**{name: values[name] for name in self.declared_fields}, "shop": int(values["shop"])})


RuleFormSet = forms.formset_factory(
    RuleForm, extra=0, can_order=True, can_delete=True, max_num=field_rules.MOST_RULES,
    absolute_max=field_rules.MOST_RULES,
)  # fmt: skip


class FieldRulesAdmin(MerchantAdmin):
    """In place of Django's list and form."""

    view_roles = OFFICE
    change_roles = MAPPERS

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Each back office, and what is in force there."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self._start(request)
        versions = self.get_queryset(request).order_by("connection_id", "-number")
        rows = []
        for there in self._list_destinations():
            mine = [one for one in versions if one.connection_id == there.pk]
            rows.append({
                "there": there,
                "published": next((one for one in mine if one.state == State.PUBLISHED), None),
                "draft": next((one for one in mine if one.state == State.DRAFT), None),
                "newest": mine[0] if mine else None,
                "count": len(mine),
            })  # fmt: skip
        context = {**self._context(request), "title": _("Field rules"), "rows": rows}
        return TemplateResponse(request, "admin/order/field_rules.html", context)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """One begins at a destination."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(reverse(LIST))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        version = self.get_object(request, object_id)
        if version is None:
            raise Http404
        formset = self._build_formset(request, version)
        if request.method == "POST":
            if not self.may_change(request):
                raise PermissionDenied
            if answer := self._act(request, version, formset):
                return answer
        return TemplateResponse(request, "admin/order/field_rule_version.html", self._page(request, version, formset))

    # --- what is done ---------------------------------------------------------------------------------------------

    def _start(self, request: HttpRequest) -> HttpResponse:
        if not self.may_change(request):
            raise PermissionDenied
        wanted = request.POST.get("connection", "")
        there = self._list_destinations().filter(pk=int(wanted) if _is_key(wanted) else 0).first()
        if there is None:
            messages.error(request, _("Choose a back office."))
            return HttpResponseRedirect(reverse(LIST))
        published = field_rules.find_published(there)
        return self._open_draft(request, there.pk, published.pk if published else None)

    def _open_draft(self, request: HttpRequest, connection_id: int, copied_from: int | None) -> HttpResponse:
        draft = field_rules.start_draft(
            connection_id=connection_id, copied_from=copied_from, by=person(request), at=timezone.now()
        )
        return HttpResponseRedirect(reverse(PAGE, args=(draft.pk,)))

    def _act(self, request: HttpRequest, version: FieldRuleVersion, formset: Any) -> HttpResponse | None:
        """Do what the form says; None where it is shown again with what is wrong in it."""
        try:
            match request.POST.get("do"):
                case "save" | "more" as what:
                    return self._save(request, version, formset, more=what == "more")
                case "publish":
                    if formset.is_bound and not self._keep(request, version, formset):
                        return None
                    freed = field_rules.publish(version_id=version.pk, by=person(request), at=timezone.now())
                    messages.success(request, self._say_published(version, freed))
                case "discard":
                    field_rules.discard(version_id=version.pk)
                    messages.success(request, _("The draft is thrown away."))
                    return HttpResponseRedirect(reverse(LIST))
                case "copy":
                    return self._open_draft(request, version.connection_id, version.pk)
                case _:
                    messages.error(request, _("Choose what to do."))
        except field_rules.NotPossible as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(reverse(PAGE, args=(version.pk,)))

    def _save(
        self, request: HttpRequest, version: FieldRuleVersion, formset: Any, *, more: bool
    ) -> HttpResponse | None:
        if not self._keep(request, version, formset):
            return None
        messages.success(request, _("The draft is saved. Below is what it would do; nothing is in force yet."))
        return HttpResponseRedirect(reverse(PAGE, args=(version.pk,)) + ("?more=1" if more else ""))

    def _keep(self, request: HttpRequest, version: FieldRuleVersion, formset: Any) -> bool:
        """Save what was typed into the draft; False where something is wrong in it."""
        if not formset.is_valid():
            messages.error(request, _("Nothing is saved yet: correct what is marked."))
            return False
        kept = [form for form in formset.ordered_forms if form.has_changed() or form.initial]
        field_rules.save_draft(version_id=version.pk, rules=[form.rule for form in kept])
        return True

    def _say_published(self, version: FieldRuleVersion, freed: int) -> str:
        words = _("%(version)s is in force: orders are built by it from now on.") % {"version": version}
        goes = ngettext("%(n)s order that waited goes on.", "%(n)s orders that waited go on.", freed) % {"n": freed}
        return f"{words} {goes}" if freed else words

    # --- what is shown --------------------------------------------------------------------------------------------

    def _list_destinations(self) -> Any:
        """Who takes orders from us, and has a place for something a rule can fill."""
        able = [
            key for key in set(Connection.objects.values_list("platform", flat=True)) if get_platform(key).order_fields
        ]
        return Connection.objects.filter(platform__in=able).exclude(role__in=Connection.SELLING_ROLES).order_by("name")

    def _build_formset(self, request: HttpRequest, version: FieldRuleVersion) -> Any:
        shops = Connection.objects.filter(role__in=Connection.SELLING_ROLES).order_by("name")
        common = {"there": version.connection, "shops": list(shops.values_list("pk", "name"))}
        rows = [_read_initial(row) for row in version.rules.order_by("position")]
        is_saving = request.POST.get("do") in {"save", "more"} or "form-TOTAL_FORMS" in request.POST
        formset = RuleFormSet(request.POST if is_saving else None, initial=rows, form_kwargs=common)
        if not rows or request.GET.get("more"):
            formset.extra = 1
        return formset

    def _page(self, request: HttpRequest, version: FieldRuleVersion, formset: Any) -> dict[str, Any]:
        orders = field_preview.list_orders(version.connection, most=field_preview.MOST_SHOWN)
        wanted = request.GET.get("order", "")
        chosen = next((one for one in orders if str(one.pk) == wanted), orders[0] if orders else None)
        shown = field_preview.preview(version, [chosen], with_raw=True)[0] if chosen else None
        versions = self.get_queryset(request).filter(connection=version.connection).order_by("-number")
        return {
            **self._context(request),
            "title": f"{version.connection}: {_('field rules, version %(n)s') % {'n': version.number}}",
            "object": version,
            "version": version,
            "state": badge(str(State(version.state).label), TONES[State(version.state)]),
            "is_draft": version.state == State.DRAFT,
            "formset": formset,
            "rules": field_rules.list_rules(version),
            "shop_names": dict(Connection.objects.values_list("pk", "name")),
            "orders": orders,
            "shown": shown,
            "view": json.dumps(shown.view, indent=2, ensure_ascii=False, default=str)[:100_000] if shown else "",
            "trial": field_preview.try_out(version) if request.GET.get("try") else None,
            "most_tried": field_preview.MOST_TRIED,
            "versions": [(one, badge(str(State(one.state).label), TONES[State(one.state)])) for one in versions[:50]],
            "functions": [work.__doc__ or f"{name}(…)" for name, work in FUNCTIONS.items()],
            "picking": ", ".join(PICKING_FUNCTIONS),
        }

    def _context(self, request: HttpRequest) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "may_change": self.may_change(request),
        }


def _read_initial(row: FieldRule) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in RuleForm.declared_fields if name != "shop"}
    return {**values, "shop": row.shop_id or 0}


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19
