"""Taking over mappings that a person edited in a table: many at once, with all that follows from each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import ngettext

from catalog.models import Binding, MappingChange
from catalog.services.binding import close_conflicts
from catalog.services.changes import Recorder, batches, write_bindings
from portal.tenancy.models import User


@transaction.atomic
def take_mappings(*, rows: Sequence[Binding], filename: str = "", by: User | None = None, at: datetime) -> int:
    """Save these bindings as they were changed, which can be undone; conflicts end and what waited goes on: how many
    records did. `filename`: of the table."""
    if not rows:
        return 0
    recorder = Recorder(merchant_id=rows[0].merchant_id, kind=MappingChange.Kind.TABLE, by=by, at=at)
    before = {row.pk: row for some in batches(row.pk for row in rows) for row in Binding.plain.filter(pk__in=some)}
    recorder.note_before("binding", before.values())
    freed = write_bindings(rows, before={pk: row.variant_id for pk, row in before.items()}, at=at)
    for some in batches(row.pk for row in rows if row.state == Binding.State.IGNORED):
        close_conflicts(some, "ignored", at)
    recorder.note_after("binding", rows)
    recorder.connection = rows[0].connection if len({row.connection_id for row in rows}) == 1 else None
    words = ngettext("%(count)d article by the table %(name)s", "%(count)d articles by the table %(name)s", len(rows))
    recorder.save(words % {"count": len(rows), "name": filename})
    return freed
