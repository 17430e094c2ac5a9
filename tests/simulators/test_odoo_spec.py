"""The Odoo simulator against a real 19.0 server's description of itself: every field and method it offers is there."""

from __future__ import annotations

import inspect
import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from integrations.simulators.odoo.seed import build
from tests.conftest import missing
from tests.simulators.odoo_absent import ABSENT, LEFT_OUT

DB = build()
# The live server had no `delivery` module; with it (addons/delivery, addons/stock_delivery) these exist.
DELIVERY = {
    ("sale.order.line", "is_delivery"),
    ("stock.picking", "carrier_tracking_ref"),
    ("stock.picking", "carrier_id"),
}
MODELS = (
    "account.move", "account.move.reversal", "account.payment", "product.pricelist", "product.pricelist.item",
    "product.product", "product.template", "res.partner", "sale.advance.payment.inv", "sale.order", "sale.order.line",
    "stock.location", "stock.move", "stock.picking", "stock.quant", "stock.return.picking", "stock.warehouse",
)  # fmt: skip


def live(shared: Path, model: str) -> dict[str, Any]:
    path = shared / "specs" / "odoo" / "live-doc" / f"{model}.json"
    if not path.exists():
        missing(f"the live description {path.name} is not there")
    described: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return described


@pytest.mark.parametrize("model", MODELS)
def test_every_field_is_the_servers(model: str, shared_dir: Path) -> None:
    theirs = live(shared_dir, model)["fields"]
    ours = DB.models[model]
    assert len(ours.fields) > 6
    unknown = {(model, name) for name in ours.fields if name not in theirs}
    assert unknown <= DELIVERY
    for name, field in ours.fields.items():
        if (model, name) in DELIVERY:
            continue
        real = theirs[name]
        assert (field.type, field.relation) == (real["type"], real.get("relation") or ""), name
        assert (ours.searchable(name), field.type == "one2many" or ours.sortable(name)) == (
            real["searchable"], field.type == "one2many" or real["sortable"],
        ), name  # fmt: skip
        assert field.type != "float" or field.compute or field.digits == (2 if real.get("digits") == [16, 2] else 0), (
            name
        )
        if field.type == "selection" and name not in ("lang", "tz"):
            assert set(field.selection) == {value for value, _ in real["selection"]}, name


@pytest.mark.parametrize("model", MODELS)
def test_every_method_is_the_servers_with_its_arguments(model: str, shared_dir: Path) -> None:
    theirs = live(shared_dir, model)["methods"]
    for name, method in DB.models[model].methods.items():
        assert name in theirs, name
        arguments = [one for one in inspect.signature(method).parameters if one != "ids"]
        assert arguments == list(theirs[name]["parameters"]), name
        assert (method.api == "model") == ("model" in theirs[name].get("api", [])), name  # type: ignore[attr-defined]  # a mark


@pytest.mark.parametrize("model", MODELS)
def test_every_field_left_out_has_a_reason(model: str, shared_dir: Path) -> None:
    absent = set(live(shared_dir, model)["fields"]) - set(DB.models[model].fields)
    patterns = [pattern for names in ABSENT.values() for pattern in names.split()]
    assert {name for name in absent if not any(fnmatchcase(name, one) for one in patterns)} == set()
    assert len(absent) == LEFT_OUT[model]


def test_every_reason_is_still_needed(shared_dir: Path) -> None:
    absent = {
        name for model in MODELS for name in set(live(shared_dir, model)["fields"]) - set(DB.models[model].fields)
    }
    patterns = [pattern for names in ABSENT.values() for pattern in names.split()]
    assert [one for one in patterns if not any(fnmatchcase(name, one) for name in absent)] == []


@pytest.mark.parametrize("model", MODELS)
def test_all_fields_of_an_empty_database_can_be_read(model: str) -> None:
    """A client that names no fields asks for all of them; each compute must answer for a record nobody filled."""
    table = DB.models[model]
    rows = table.read(sorted(table.rows))
    assert [set(row) for row in rows] == [set(table.fields)] * len(table.rows)


def test_the_deviations_are_still_deviations(shared_dir: Path) -> None:
    assert {(model, name) for model, name in DELIVERY if name not in live(shared_dir, model)["fields"]} == DELIVERY
