"""What the templates of the mapping pages need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def item(table: Mapping[str, str], key: str) -> str:
    """table[key], '' where it has none."""
    return table.get(key, "")


@register.inclusion_tag("admin/catalog/tabs.html", takes_context=True)
def mapping_tabs(context: Mapping[str, Any]) -> dict[str, Any]:
    """The pages of the mapping, with the one that is shown marked."""
    from catalog.admin.navigation import list_tabs

    return {"tabs": list_tabs(context["request"])}
