"""The pages of the mapping, which form one navigation."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.base.admin import MAPPERS, OFFICE, may
from portal.tenancy.models import Role

# Words, the page it opens, the pages that belong to it, and whom it is for.
TABS: tuple[tuple[Any, str, set[str], frozenset[Role]], ...] = (
    (_("Worklist"), "catalog_binding_worklist", {"catalog_binding_accept"}, OFFICE),
    (_("Conflicts"), "catalog_mappingconflict_changelist", {"catalog_mappingconflict_change"}, OFFICE),
    (
        _("Products"),
        "catalog_product_changelist",
        {"catalog_product_matrix", "catalog_product_axes", "catalog_product_change"},
        OFFICE,
    ),
    (_("Articles of the shops"), "catalog_binding_changelist", {"catalog_binding_change"}, OFFICE),
    (_("Values"), "integrations_valuemapping_changelist", set(), OFFICE),
    (_("Codes"), "catalog_product_codes", set(), MAPPERS),
    (_("Export and import"), "catalog_binding_exchange", set(), MAPPERS),
    (_("Changes"), "catalog_binding_changes", set(), OFFICE),
)


def list_tabs(request: HttpRequest) -> list[tuple[str, str, bool]]:
    """(words, address, whether it is shown) of those the person may open."""
    here = request.resolver_match.url_name if request.resolver_match else ""
    shown = [row for row in TABS if may(request, row[3])]
    return [(str(words), reverse(f"admin:{name}"), here in {name, *more}) for words, name, more, _roles in shown]
