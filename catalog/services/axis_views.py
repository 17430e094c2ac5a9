"""A product's axis values beside a shop's words for them. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Max, Q

from catalog.mapping.axes import Offer, OurValue, Pair, fold_pair, list_pairs, offer_values
from catalog.mapping.codes import fold
from catalog.models import AxisValueMapping, Binding, OptionValue, Product, Synonym
from catalog.services.learning import read_learnt
from catalog.services.matrix import list_axes, list_combinations
from integrations.models import Connection

State = Binding.State
OUT = (State.IGNORED, State.STALE)
MOST_FOUND, MOST_LOOKED_AT, MOST_ARTICLES = 20, 500, 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteProduct:
    """A product of a shop: its id there, what it is called, how many articles it has and how many are ours already."""

    external_id: str
    title: str
    articles: int
    mine: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisLine:
    """One value of ours, what it is mapped to there, or what it seems to be."""

    value: OptionValue
    pair: Pair | None = None
    offer: Offer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AxesView:
    """`axes`: (our axis, its lines). `theirs`: their axes with their values. `left`: theirs that nothing maps to."""

    axes: tuple[tuple[str, tuple[AxisLine, ...]], ...]
    theirs: tuple[tuple[str, tuple[str, ...]], ...]
    left: tuple[Pair, ...]
    articles: int

    @property
    def is_mapped(self) -> bool:
        return any(line.pair for _, lines in self.axes for line in lines)


def find_remote_products(*, product: Product, connection: Connection, text: str = "") -> list[RemoteProduct]:
    """Products there that have articles of ours or mapped values; with a text those that carry it as code, id, name."""
    rows = Binding.plain.filter(connection=connection).exclude(parent_external_id="")
    mine = dict(
        rows.filter(variant__product=product, state__in=(State.BOUND, State.SUGGESTED))
        .values_list("parent_external_id")
        .annotate(n=Count("pk"))
    )
    parents = dict.fromkeys([*mine, *_mapped_parents(product, connection)])
    if text or not parents:
        said = text.strip() or product.name
        meant = Q(parent_external_id=said) | Q(external_id=said) | Q(reference_code=said) | Q(title__icontains=said)
        # Only so many articles are looked at: a common word must not read the whole shop.
        hits = rows.filter(meant).order_by("pk").values_list("parent_external_id", flat=True)[:MOST_LOOKED_AT]
        found = list(dict.fromkeys(hits))[:MOST_FOUND]
        parents = dict.fromkeys([*found, *parents] if text else found)
    sums = rows.filter(parent_external_id__in=list(parents)).exclude(state__in=OUT)
    named = sums.values("parent_external_id").annotate(n=Count("pk"), title=Max("title"))
    there = {row["parent_external_id"]: row for row in named}
    return [
        RemoteProduct(external_id=pk, title=there[pk]["title"], articles=there[pk]["n"], mine=mine.get(pk, 0))
        for pk in parents
        if pk in there
    ]


def get_axes(*, product: Product, connection: Connection, parent: str) -> AxesView:
    """Our axes beside the words of this product there."""
    articles = list_articles(connection, parent)
    theirs = list_pairs(row.options for row in articles)
    values = list_our_values(product)
    chosen = {row.value_id: (row.their_axis, row.their_value) for row in list_mappings(product, connection, parent)}
    combinations = list_combinations(product)
    bound = [
        (combinations.get(row.variant_id or 0, frozenset()), [(one[0], one[1]) for one in row.options])
        for row in articles
        if row.state == State.BOUND
    ]
    offers = offer_values(
        list(values.values()), theirs, synonyms=list_synonyms(product.merchant_id, values), bound=bound
    )
    used = {fold_pair(pair) for pair in chosen.values()}
    axes, by_axis = list_axes(product)
    shown = tuple(
        (
            axis.name,
            tuple(
                AxisLine(value=row, pair=chosen.get(row.pk), offer=_unless_used(offers.get(row.pk), used))
                for row in by_axis[axis.pk]
            ),
        )
        for axis in axes
    )
    grouped: dict[str, list[str]] = defaultdict(list)
    for axis_name, word in theirs:
        grouped[axis_name].append(word)
    return AxesView(
        axes=shown,
        theirs=tuple((axis_name, tuple(words)) for axis_name, words in grouped.items()),
        left=tuple(pair for pair in theirs if fold_pair(pair) not in used),
        articles=len(articles),
    )


def _unless_used(offer: Offer | None, used: set[Pair]) -> Offer | None:
    return None if offer is None or fold_pair(offer.pair) in used else offer


def _mapped_parents(product: Product, connection: Connection) -> list[str]:
    rows = AxisValueMapping.plain.filter(axis__product=product, connection=connection)
    return sorted(set(rows.values_list("parent_external_id", flat=True)))


def list_mappings(product: Product, connection: Connection, parent: str) -> list[AxisValueMapping]:
    rows = AxisValueMapping.plain.filter(axis__product=product, connection=connection, parent_external_id=parent)
    return list(rows.order_by("pk"))


def list_articles(connection: Connection, parent: str) -> list[Binding]:
    """The articles of that product there that are neither ignored nor gone, each with options it can be told by."""
    rows = Binding.plain.filter(connection=connection, parent_external_id=parent).exclude(state__in=OUT)
    return list(rows.select_related("variant").order_by("pk")[:MOST_ARTICLES])


def list_our_values(product: Product) -> dict[int, OurValue]:
    axes, values = list_axes(product)
    return {
        row.pk: OurValue(pk=row.pk, axis=axis.name, text=row.value, code=row.code)
        for axis in axes
        for row in values[axis.pk]
    }


def list_synonyms(merchant_id: int, values: Mapping[int, OurValue]) -> dict[tuple[str, str], dict[str, str]]:
    """What this merchant's shops were seen to call these values, and on which product a person said so."""
    axes = {fold(value.axis) for value in values.values()}
    words = {fold(value.text) for value in values.values()}
    rows = Synonym.plain.filter(merchant_id=merchant_id, axis__in=axes, ours__in=words).select_related("product")
    found: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    learnt = read_learnt(merchant_id)
    for value in values.values():
        mine = found[fold(value.axis), fold(value.text)]
        mine |= {theirs: "" for theirs, one in learnt.items() if one.ours == fold(value.text)}
    for row in rows.order_by("pk"):
        found[row.axis, row.ours][row.theirs] = row.product.name if row.product else ""
    return found
