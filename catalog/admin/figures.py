"""What the lists of stock and prices in the shops share: the article, and how far its figure has come."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from portal.base.admin import ReadOnlyAdmin, badge

TAKEN, WAITING, REFUSED, UNKNOWN = "taken", "waiting", "refused", "unknown"
WORDS = {
    TAKEN: (_("As it should be"), "good"),
    WAITING: (_("To be sent"), "wait"),
    REFUSED: (_("Refused there"), "bad"),
    UNKNOWN: (_("Nobody knows"), "bad"),
}


class HowFar(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(key, words) for key, (words, _tone) in WORDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        refused, unknown = Q(refused=F("wanted"), refused__isnull=False), Q(unknown_at__isnull=False)
        taken = Q(sent=F("wanted"), sent__isnull=False)
        wanted = {TAKEN: taken, REFUSED: refused, UNKNOWN: unknown & ~refused & ~taken}
        if self.value() == WAITING:
            return queryset.filter(Q(sent__isnull=True) | ~Q(sent=F("wanted")), unknown_at__isnull=True).exclude(
                refused
            )
        return queryset.filter(wanted.get(self.value() or "", Q()))


class ChannelFiguresAdmin(ReadOnlyAdmin):
    """A row an article of a shop."""

    list_display_links = ("article",)
    list_select_related = ("binding__variant", "connection")
    list_filter = (HowFar, "connection")
    search_fields = ("binding__reference_code__startswith", "binding__variant__code__startswith")
    search_help_text = _("Code there or ours, or what it begins with")

    @admin.display(description=_("article there"))
    def article(self, row: Any) -> str:
        return str(row.binding.reference_code or row.binding.external_id)

    @admin.display(description=_("title"))
    def title(self, row: Any) -> str:
        return str(row.binding.title)

    @admin.display(description=_("state"))
    def state_shown(self, row: Any) -> str:
        words, tone = WORDS[find_state(row)]
        return badge(str(words), tone)


def find_state(row: Any) -> str:
    if row.refused is not None and row.refused == row.wanted:
        return REFUSED
    if row.sent is not None and row.sent == row.wanted:
        return TAKEN
    return UNKNOWN if row.unknown_at is not None else WAITING
