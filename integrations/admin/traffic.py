"""What came in, and the requests made: all to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from integrations.models import Exchange, InboundEvent
from integrations.sync import replay
from portal.base.admin import DESK, OFFICE, ReadOnlyAdmin, ago, badge, may

EVENT_TONES = {
    "received": "wait", "leased": "wait", "done": "good", "ignored": "plain", "stale": "plain",
    "quarantined": "bad", "failed": "bad",
}  # fmt: skip
SHOWN_BYTES = 20_000


@admin.register(InboundEvent)
class InboundEventAdmin(ReadOnlyAdmin):
    """Webhooks, and records set aside; the bytes as they came."""

    list_display = ("topic_shown", "external_id", "connection", "state_shown", "message", "came")
    list_select_related = ("connection",)
    list_filter = ("state", "kind", "connection")
    search_fields = ("external_id__exact",)
    exclude = ("body", "headers", "lease_token", "lease_until")
    readonly_fields = ("body_shown",)
    actions = ("apply_again",)

    @admin.display(description="what")
    def topic_shown(self, row: InboundEvent) -> str:
        return row.topic or f"{row.stream} (set aside)"

    @admin.display(description="state", ordering="state")
    def state_shown(self, row: InboundEvent) -> str:
        return badge(row.get_state_display(), EVENT_TONES[row.state])

    @admin.display(description="came", ordering="pk")
    def came(self, row: InboundEvent) -> str:
        return ago(row.received_at)

    @admin.display(description="as it came")
    def body_shown(self, row: InboundEvent) -> str:
        return show_bytes(bytes(row.body))

    def has_desk_permission(self, request: HttpRequest) -> bool:
        return may(request, DESK)

    @admin.action(description="Apply again", permissions=["desk"])
    def apply_again(self, request: HttpRequest, rows: QuerySet[InboundEvent]) -> None:
        done = 0
        for row in rows:
            try:
                replay.apply_again(event=row, by=request.user, at=timezone.now())  # type: ignore[arg-type]  # logged in
                done += 1
            except replay.NotPossible as error:
                messages.error(request, f"{row}: {error}")
        messages.success(request, f"{done} are applied again.")


@admin.register(Exchange)
class ExchangeAdmin(ReadOnlyAdmin):
    """Requests and answers, redacted before they were written down."""

    view_roles = OFFICE
    list_display = ("request_shown", "status", "elapsed_ms", "connection", "made", "error")
    list_select_related = ("connection",)
    list_filter = ("connection", "status")
    fields = (
        "connection", "method", "url", "status", "elapsed_ms", "error", "request_headers", "request_shown_whole",
        "response_headers", "response_shown_whole",
    )  # fmt: skip
    readonly_fields = ("request_shown_whole", "response_shown_whole")

    @admin.display(description="request")
    def request_shown(self, row: Exchange) -> str:
        return f"{row.method} {row.url[:100]}"

    @admin.display(description="made", ordering="pk")
    def made(self, row: Exchange) -> str:
        return ago(row.at)

    @admin.display(description="request")
    def request_shown_whole(self, row: Exchange) -> str:
        return show_bytes(bytes(row.request_body))

    @admin.display(description="answer")
    def response_shown_whole(self, row: Exchange) -> str:
        return show_bytes(bytes(row.response_body))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request)


def show_bytes(body: bytes) -> str:
    """Text where it is text; its beginning where it is long."""
    text = body[:SHOWN_BYTES].decode("utf-8", "replace")
    more = f"\n… {len(body) - SHOWN_BYTES} more bytes" if len(body) > SHOWN_BYTES else ""
    return format_html('<pre class="whitespace-pre-wrap break-all text-xs">{}{}</pre>', text, more)
