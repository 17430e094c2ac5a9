"""Every document we send, and every answer our fixtures give, is one the vendor's introspection knows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integrations.connectors.shopify import queries as q
from tests.conftest import missing
from tests.connectors.shopify import spec
from tests.connectors.shopify.fixtures import ANSWERS, read


@pytest.fixture(autouse=True)
def introspection(shared_dir: Path) -> Path:
    if not spec.FILE.is_file():
        missing("the file ../shared/specs/shopify/admin_2026-07.json.gz is not there")
    return spec.FILE


@pytest.mark.parametrize("name", sorted(q.DOCUMENTS))
def test_every_document_is_one_of_the_2026_07_schema(name: str) -> None:
    assert spec.document_faults(q.DOCUMENTS[name]) == ()


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_every_fixture_is_an_answer_the_schema_allows(name: str) -> None:
    assert list(spec.answer_faults(ANSWERS[name], json.loads(read(name)))) == []


def test_the_oracle_bites() -> None:
    assert list(spec.request_faults("query X { shop { nam } }", {})) == [
        "Cannot query field 'nam' on type 'Shop'. Did you mean 'name'?"
    ]
    order = {"order": {"sourceIdentifier": "N-1", "lineItems": [{"quantity": 1, "sku": 5.5, "colour": "red"}]}}
    assert any("colour" in one for one in spec.request_faults(q.CREATE_ORDER, order))
    customer = json.loads(read("customer"))
    customer["customer"] |= {"displayName": None, "shoeSize": 42}
    assert list(spec.answer_faults(q.CUSTOMER_BY_ID, customer)) == [
        ".customer.displayName is null",
        ".customer.shoeSize was not asked for",
    ]
