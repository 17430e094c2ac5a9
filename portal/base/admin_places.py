"""Rows inside another's form that have places: each place once, and two of them may swap theirs."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F
from django.forms import BaseInlineFormSet
from django.utils.translation import gettext as _

ASIDE = 1_000_000  # beyond every place a person types


class PlacesFormSet(BaseInlineFormSet):  # type: ignore[type-arg]  # not subscriptable at run time
    """Places (`position`) are compared within the form, not with the database's."""

    def clean(self) -> None:
        super().clean()
        kept = [form.cleaned_data for form in self.forms if form.is_valid() and form not in self.deleted_forms]
        places = [one["position"] for one in kept if one.get("position") is not None]
        if len(places) != len(set(places)):
            raise ValidationError(_("Two of them have the same place: give each its own number."))


def step_aside(formset: Any) -> None:
    """Before they are saved: two may not hold one place even for a moment."""
    moved = [one.instance.pk for one in formset.initial_forms if "position" in one.changed_data]
    formset.model.objects.filter(pk__in=moved).update(position=F("position") + ASIDE)
