"""Making articles of ours from theirs, for what a shop sells and no back office has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from os.path import commonprefix

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.models import Binding, OptionAxis, OptionValue, Product, Variant, VariantOption
from catalog.services.decisions import Choice, Decided, choose
from portal.tenancy.models import User

SHORTEST_FAMILY = 3
State = Binding.State


@transaction.atomic
def create_here(
    *, merchant_id: int, binding_ids: Sequence[int], remember: bool = False, by: User | None, at: datetime
) -> Decided:
    """Make a variant of ours from each article, in the product its siblings belong to or a new one, and bind it.

    Refused with words: an article without a code, or with the code of an article of ours.
    """
    rows = Binding.plain.filter(merchant_id=merchant_id, pk__in=list(binding_ids)).exclude(state=State.BOUND)
    groups: dict[tuple[int, str], list[Binding]] = defaultdict(list)
    refused: list[str] = []
    seen: set[str] = set(
        Variant.plain.filter(merchant_id=merchant_id, code__in=[row.reference_code for row in rows]).values_list(
            "code", flat=True
        )
    )
    for row in rows.order_by("pk"):
        if not row.reference_code:
            refused.append(_("%(article)s has no code there; give it one there first.") % {"article": row})
        elif row.reference_code in seen:
            words = _("%(article)s: %(code)s is an article of yours already; choose it instead.")
            refused.append(words % {"article": row, "code": row.reference_code})
        else:
            seen.add(row.reference_code)
            groups[row.connection_id, row.parent_external_id or row.external_id].append(row)
    choices: list[Choice] = []
    for (connection_id, parent), members in groups.items():
        made = _Making(merchant_id, connection_id, parent, members).make()
        choices += [Choice(binding_id=row.pk, variant_id=variant.pk) for row, variant in made]
    what = _("%(count)d articles made here from theirs") % {"count": len(choices)}
    done = choose(merchant_id=merchant_id, choices=choices, remember=remember, what=what, by=by, at=at)
    return Decided(
        count=done.count,
        waited=done.waited,
        gone_on=done.gone_on,
        refused=(*refused, *done.refused),
        change_id=done.change_id,
    )


@dataclass
class _Making:
    """The articles of one remote product on their way to be ours."""

    merchant_id: int
    connection_id: int
    parent: str
    rows: Sequence[Binding]
    keys: set[str] = field(default_factory=set)

    def make(self) -> list[tuple[Binding, Variant]]:
        product = self._find_product() or self._create_product()
        self.keys = set(Variant.plain.filter(product=product).values_list("option_key", flat=True))
        made = []
        for place, row in enumerate(self.rows):
            variant = Variant(
                merchant_id=self.merchant_id,
                product=product,
                code=row.reference_code,
                barcode=row.barcode,
                name=row.title,
                option_key=self._key(row),
                position=len(self.keys) + place,
            )
            self.keys.add(variant.option_key)
            made.append((row, variant))
        Variant.plain.bulk_create([variant for _, variant in made])
        self._write_options(product, made)
        return made

    def _find_product(self) -> Product | None:
        """The one its siblings there belong to, where they agree."""
        bound = Binding.plain.filter(
            connection_id=self.connection_id, parent_external_id=self.parent, state=State.BOUND
        )
        products = set(bound.values_list("variant__product_id", flat=True))
        return Product.plain.get(pk=products.pop()) if len(products) == 1 else None

    def _create_product(self) -> Product:
        codes, titles = (
            [row.reference_code for row in self.rows],
            [row.title or row.reference_code for row in self.rows],
        )
        code = codes[0] if len(codes) == 1 else _common(codes)
        if len(code) < SHORTEST_FAMILY:
            code = codes[0]
        if Product.plain.filter(merchant_id=self.merchant_id, code=code).exists():
            code = f"{code[:60]}-{self.connection_id}-{self.parent}"[:100]
        name = titles[0] if len(titles) == 1 else _common(titles)
        if len(name) < SHORTEST_FAMILY:
            name = titles[0]
        product = Product(merchant_id=self.merchant_id, code=code, name=name)
        product.save()
        return product

    def _key(self, row: Binding) -> str:
        """Its combination; the code where another has the same, or where it has no options but has company."""
        key = "|".join(f"{axis}={value}" for axis, value in row.options)[:300]
        return key if key not in self.keys else row.reference_code

    def _write_options(self, product: Product, made: Sequence[tuple[Binding, Variant]]) -> None:
        names = list(dict.fromkeys(str(axis) for row, _ in made for axis, _ in row.options))
        axes: dict[str, OptionAxis] = {}
        for place, name in enumerate(names):
            axes[name] = OptionAxis.plain.get_or_create(
                merchant_id=self.merchant_id, product=product, name=name[:100], defaults={"position": place}
            )[0]
        options = []
        values: dict[tuple[str, str], OptionValue] = {}
        for row, variant in made:
            for name, value in row.options:
                pair = (str(name), str(value)[:100])
                if pair not in values:
                    values[pair] = OptionValue.plain.get_or_create(
                        merchant_id=self.merchant_id, axis=axes[pair[0]], value=pair[1],
                        defaults={"position": len(values)},
                    )[0]  # fmt: skip
                options.append(
                    VariantOption(merchant_id=self.merchant_id, variant=variant, axis=axes[pair[0]], value=values[pair])
                )
        VariantOption.plain.bulk_create(options, ignore_conflicts=True)


def _common(texts: Sequence[str]) -> str:
    """What they all begin with, letter by letter."""
    return commonprefix(list(texts)).rstrip("-_./ ,")  # noqa: RUF071
