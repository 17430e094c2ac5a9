"""What one of an article is: the base unit that stock, prices and promises are counted in."""

from __future__ import annotations

from datetime import datetime

from catalog.models import Variant


def set_unit(*, variant: Variant, unit: str, at: datetime) -> None:
    """Call one of it so; the figures stay what they are, for nothing is converted."""
    variant.unit, variant.updated_at = unit.strip(), at
    Variant.plain.filter(pk=variant.pk).update(unit=variant.unit, updated_at=at)
