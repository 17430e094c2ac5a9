"""Taking over mappings that a person edited in a table: many at once, with all that follows from each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from catalog.models import Binding
from catalog.services.binding import close_conflicts, free

FIELDS = ["variant", "factor", "state", "reason", "updated_at"]


@transaction.atomic
def take_mappings(*, rows: Sequence[Binding], at: datetime) -> int:
    """Save these bindings as they were changed; conflicts end and what waited goes on: how many records did."""
    for row in rows:
        row.updated_at = at
    Binding.plain.bulk_update(rows, FIELDS, batch_size=100)
    ignored = [row.pk for row in rows if row.state == Binding.State.IGNORED]
    close_conflicts(ignored, "ignored", at)
    return free([row for row in rows if row.state == Binding.State.BOUND], at=at)
