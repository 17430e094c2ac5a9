"""What the grid's templates need."""

from __future__ import annotations

from collections.abc import Mapping

from django import template

register = template.Library()


@register.filter
def item(table: Mapping[str, str], key: str) -> str:
    """table[key], '' where it has none."""
    return table.get(key, "")
