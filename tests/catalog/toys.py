"""A product with axes, and the same product as a shop that speaks otherwise has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product as combine
from typing import Any

from catalog.models import OptionAxis, OptionValue, Product, Variant, VariantOption
from integrations.contract import records as r
from integrations.models import Connection
from tests.world import World

TOY = {"Colour": ("Red", "Green", "Blue"), "Size": ("Small", "Large")}
ABROAD = {"Farbe": ("Rot", "Grün", "Blau"), "Größe": ("S", "L")}


def make_product(
    world: World,
    axes: Mapping[str, Sequence[str]],
    code: str = "TOY",
    name: str = "Toy car",
    *,
    leave_out: Sequence[tuple[str, ...]] = (),
) -> Product:
    """A product of ours with every combination of these values; codes are TOY-Red-Small."""
    row = Product(merchant=world.merchant, code=code, name=name)
    row.save()
    values: list[list[OptionValue]] = []
    for place, (axis_name, texts) in enumerate(axes.items()):
        axis = OptionAxis(merchant=world.merchant, product=row, name=axis_name, position=place)
        axis.save()
        values.append(
            [OptionValue(merchant=world.merchant, axis=axis, value=text, position=i) for i, text in enumerate(texts)]
        )
        OptionValue.plain.bulk_create(values[-1])
    combinations = [one for one in combine(*values) if tuple(value.value for value in one) not in leave_out]
    variants = [
        Variant(
            merchant=world.merchant,
            product=row,
            code="-".join([code, *(value.value for value in one)]),
            option_key="|".join(f"{value.axis.name}={value.value}" for value in one),
            position=place,
        )
        for place, one in enumerate(combinations)
    ]
    Variant.plain.bulk_create(variants)
    VariantOption.plain.bulk_create(
        VariantOption(merchant=world.merchant, variant=variant, axis=value.axis, value=value)
        for variant, one in zip(variants, combinations, strict=True)
        for value in one
    )
    return row


def put_in_shop(
    world: World,
    shop: Connection,
    axes: Mapping[str, Sequence[str]],
    parent: str = "77",
    name: str = "Spielzeugauto",
    skus: Mapping[Any, str] | None = None,
) -> None:
    """The shop has every combination; article ids are 77-Rot-S, codes as `skus` says, else none."""
    pairs = [[(axis, text) for text in texts] for axis, texts in axes.items()]
    record = r.ProductRecord(
        external_id=parent,
        name=name,
        axes=tuple(r.AxisRecord(name=axis, values=tuple(texts)) for axis, texts in axes.items()),
        variants=tuple(
            r.VariantRecord(
                external_id="-".join([parent, *(text for _, text in options)]),
                sku=(skus or {}).get(tuple(text for _, text in options), ""),
                name=name,
                options=tuple(options),
            )
            for options in combine(*pairs)
        ),
    )
    world.apply(shop, "product", record)


def values_of(product: Product) -> dict[str, int]:
    return dict(OptionValue.plain.filter(axis__product=product).values_list("value", "pk"))
