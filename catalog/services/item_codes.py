"""Which code a connection's articles go by at our API: its own where they are mapped, else the article's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q

from catalog.models import Binding, Variant
from integrations.models import Connection

ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """Our variant, and how many base units one of what the code names is."""

    variant_id: int
    factor: Decimal = ONE


def name_variants(*, connection: Connection, codes: Mapping[int, str]) -> dict[int, str]:
    """variant id → what this connection calls one of it; `codes` are our own, for what it has no word for."""
    rows = Binding.plain.filter(
        connection=connection, variant_id__in=list(codes), state=Binding.State.BOUND, factor=ONE
    ).exclude(reference_code="")
    theirs = dict(rows.order_by("-pk").values_list("variant_id", "reference_code"))
    return {pk: theirs.get(pk, code) for pk, code in codes.items()}


def find_articles(*, connection: Connection, codes: Iterable[str]) -> dict[str, Article]:
    """code → the article this connection means by it: by its own codes and ids, else by ours. What nobody knows is
    left out, and so is a code that names several."""
    wanted = set(codes)
    found: dict[str, Article] = {}
    doubtful: set[str] = set()
    named = Q(reference_code__in=wanted) | Q(external_id__in=wanted)
    rows = Binding.plain.filter(named, connection=connection, state=Binding.State.BOUND)
    for binding in rows.order_by("pk"):
        article = Article(variant_id=binding.variant_id or 0, factor=binding.factor)
        for code in {binding.reference_code, binding.external_id} & wanted:
            if found.setdefault(code, article) != article:
                doubtful.add(code)
    ours = Variant.plain.filter(merchant_id=connection.merchant_id, code__in=wanted - set(found))
    found |= {code: Article(variant_id=pk) for pk, code in ours.values_list("pk", "code")}
    return {code: article for code, article in found.items() if code not in doubtful}
