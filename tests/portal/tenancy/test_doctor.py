"""A row that points at another merchant's row is found, wherever it stands."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import call_command

from catalog.models import Product, Variant
from integrations.models import Connection
from portal.tenancy.doctor import cross_merchant_rows, merchant_keys
from portal.tenancy.models import Location, Merchant


@pytest.fixture
def merchants(db: None) -> list[Merchant]:
    """Two of them, each with a location, a product with a variant, and connections with and without a location."""
    rows = [Merchant.objects.create(name=name, slug=name) for name in ("mine", "theirs")]
    for merchant in rows:
        place = Location.plain.create(merchant=merchant, code="MAIN", name="Main")
        product = Product.plain.create(merchant=merchant, code="P", name="P")
        Variant.plain.create(merchant=merchant, product=product, code="V")
        for name, location in (("A", None), ("B", place)):
            Connection.plain.create(merchant=merchant, name=name, platform="toy", role="store", location=location)
    return rows


def test_sound_rows_are_not_listed(merchants: list[Merchant]) -> None:
    assert cross_merchant_rows() == []


def test_corrupted_rows_are_listed(merchants: list[Merchant]) -> None:
    mine, theirs = merchants
    variant = Variant.plain.get(merchant=mine)
    foreign = Product.plain.get(merchant=theirs)
    Variant.plain.filter(pk=variant.pk).update(product=foreign)
    connection = Connection.plain.get(merchant=mine, location__isnull=False)
    place = Location.plain.get(merchant=theirs)
    Connection.plain.filter(pk=connection.pk).update(location=place)
    assert sorted(cross_merchant_rows()) == [
        ("catalog.Variant.product", variant.pk, foreign.pk),
        ("integrations.Connection.location", connection.pk, place.pk),
    ]


def test_every_kind_of_key_is_looked_at() -> None:
    labels = {str(field) for field in merchant_keys()}
    assert {"tenancy.LocationGroupMember.group", "catalog.Price.variant", "catalog.StockRecord.location"} <= labels
    assert not [label for label in labels if label.endswith((".merchant", ".user"))]


def test_the_command_tells_and_fails(merchants: list[Merchant]) -> None:
    out = io.StringIO()
    call_command("doctor", "merchants", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"merchants": []}
    variant = Variant.plain.get(merchant=merchants[0])
    foreign = Product.plain.get(merchant=merchants[1])
    Variant.plain.filter(pk=variant.pk).update(product=foreign)
    with pytest.raises(SystemExit):
        call_command("doctor", "merchants", stdout=out)
    assert f"catalog.Variant.product: row {variant.pk} points at {foreign.pk} of another merchant." in out.getvalue()


def test_the_command_leaves_a_missing_database_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.management.commands.doctor.check_database", lambda: "down")
    call_command("doctor", "merchants", stdout=io.StringIO())
