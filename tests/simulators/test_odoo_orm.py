"""The Odoo simulator's ORM over HTTP: domains, order, reading, and the x2many commands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from integrations.simulators.base import serve
from integrations.simulators.odoo.simulator import OdooSimulator
from tests.simulators.odoo_client import Far


@pytest.fixture(scope="module")
def far() -> Iterator[Far]:
    """Read by the tests of this module; what they change they make themselves."""
    sim = OdooSimulator()
    with serve(sim) as base_url:
        far = Far(sim, base_url)
        vals: list[dict[str, Any]] = [
            {"name": "Ann", "ref": "T1", "email": "ann@x.test", "city": "Aachen", "credit_limit": 10.0},
            {"name": "Bert", "ref": "T2", "city": "Bonn", "credit_limit": 20.0},
            {"name": "Cleo", "ref": "T3", "city": "bonn", "credit_limit": 30.0, "active": False},
            {"name": "100% Dora", "ref": "T4", "country_id": 2},
        ]
        far.call("res.partner", "create", vals_list=vals)
        yield far


def refs(far: Far, *domain: Any, **more: Any) -> list[str]:
    rows = far.call("res.partner", "search_read", domain=["&", ["ref", "=like", "T_"], *domain], fields=["ref"], **more)
    return [row["ref"] for row in rows]


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ([["ref", "=", "T1"]], ["T1"]),
        ([["ref", "!=", "T1"]], ["T2", "T4"]),
        ([["ref", "in", ["T1", "T2"]]], ["T1", "T2"]),
        ([["ref", "not in", ["T1", "T2"]]], ["T4"]),
        (["|", ["ref", "=", "T1"], ["city", "=", "Bonn"]], ["T1", "T2"]),
        (["!", ["city", "=", "Bonn"]], ["T1", "T4"]),
        (["&", ["credit_limit", ">", 5], ["credit_limit", "<=", 10]], ["T1"]),
        ([["credit_limit", "<", 20]], ["T1", "T4"]),
        ([["credit_limit", ">=", 20]], ["T2"]),
        ([["credit_limit", "=", False]], ["T4"]),
        ([["city", "like", "onn"]], ["T2"]),
        ([["city", "like", "bonn"]], []),
        ([["city", "ilike", "BONN"]], ["T2"]),
        ([["city", "=ilike", "b%"]], ["T2"]),
        ([["city", "=like", "on"]], []),
        ([["name", "like", "100% D"]], ["T4"]),
        ([["email", "=", False]], ["T2", "T4"]),
        ([["email", "!=", False]], ["T1"]),
        ([["country_id", "=", 2]], ["T4"]),
        ([["country_id", "=", False]], ["T1", "T2"]),
        ([["country_id.code", "=", "DE"]], ["T4"]),
        ([["country_id", "ilike", "german"]], ["T4"]),
        ([["city", "=", "bonn"], ["active", "=", False]], ["T3"]),
        ([["city", "ilike", "bonn"], ["active", "in", [True, False]]], ["T2", "T3"]),
    ],
)
def test_domains(far: Far, domain: list[Any], expected: list[str]) -> None:
    if len(domain) == 2 and domain[0] not in ("!",):
        domain = ["&", *domain]
    assert sorted(refs(far, *domain)) == expected


def test_archived_records_with_the_context(far: Far) -> None:
    assert refs(far, ["city", "=", "bonn"]) == []
    assert refs(far, ["city", "=", "bonn"], context={"active_test": False}) == ["T3"]


def test_order_offset_limit_and_count(far: Far) -> None:
    assert refs(far, ["id", ">", 0], order="ref desc") == ["T4", "T2", "T1"]
    assert refs(far, ["id", ">", 0], order="city, id desc") == ["T1", "T2", "T4"]  # an empty city comes last
    assert refs(far, ["id", ">", 0], order="ref", offset=1, limit=1) == ["T2"]
    assert far.call("res.partner", "search_count", domain=[["ref", "=like", "T_"]]) == 3
    assert far.error("res.partner", "search", domain=[], order="nope")[:2] == (500, "ValueError")
    assert far.error("res.partner", "search", domain=[], order="total_invoiced")[:2] == (500, "ValueError")


@pytest.mark.parametrize("domain", [[["nope", "=", 1]], [["ref", "~", 1]], ["&", ["ref", "=", "T1"]], [["ref", "="]]])
def test_a_broken_domain_is_500(far: Far, domain: list[Any]) -> None:
    assert far.error("res.partner", "search", domain=domain)[:2] == (500, "ValueError")


def test_child_of(far: Far) -> None:
    top = far.partner("Top GmbH", is_company=True)
    child = far.partner("Child", parent_id=top)
    grandchild = far.partner("Grandchild", parent_id=child)
    assert sorted(far.call("res.partner", "search", domain=[["id", "child_of", top]])) == [top, child, grandchild]
    assert far.call("res.partner", "search", domain=[["parent_id", "child_of", child]]) == [grandchild]


def test_how_values_are_read(far: Far) -> None:
    partner = far.partner("Eve", type="delivery", country_id=1)
    row = far.one("res.partner", partner, "country_id", "email", "child_ids", "write_date", "credit", "company_type")
    assert row["id"] == partner
    assert row["country_id"] == [1, "United Kingdom"]
    assert (row["email"], row["child_ids"], row["credit"], row["company_type"]) == (False, [], 0.0, "person")
    assert len(row["write_date"]) == 19
    assert row["write_date"][10] == " "
    plain = far.call("res.partner", "read", [partner], fields=["country_id"], load="")
    assert plain == [{"id": partner, "country_id": 1}]


def test_write_date_moves_and_is_finer_than_it_reads(far: Far) -> None:
    """Quirk of the real one: the column has microseconds, the answer has not, so `>` finds the record again."""
    partner = far.partner("Fay")
    seen = far.one("res.partner", partner, "write_date")["write_date"]
    assert partner in far.call("res.partner", "search", domain=[["write_date", ">", seen]])
    stamp = far.sim.db["res.partner"].rows[partner].write_date
    assert far.call("res.partner", "write", [partner], vals={"phone": "1"}) is True
    assert far.sim.db["res.partner"].rows[partner].write_date > stamp


def test_name_search_and_fields_get(far: Far) -> None:
    found = far.call("res.partner", "name_search", name="ert", limit=5)
    assert [name for _, name in found] == ["Bert"]
    described = far.call("res.partner", "fields_get", allfields=["ref", "country_id"], attributes=["type", "relation"])
    assert described == {"ref": {"type": "char"}, "country_id": {"type": "many2one", "relation": "res.country"}}


def test_one2many_commands(far: Far) -> None:
    product = far.product("CMD", stock="0")
    order = far.order({"product_id": product}, {"product_id": product, "price_unit": 3}, confirm=False)
    first, second = far.one("sale.order", order, "order_line")["order_line"]

    def write(*commands: list[Any]) -> list[int]:
        assert far.call("sale.order", "write", [order], vals={"order_line": list(commands)}) is True
        lines: list[int] = far.one("sale.order", order, "order_line")["order_line"]
        return lines

    assert write([1, first, {"product_uom_qty": 4}], [2, second]) == [first]
    assert far.one("sale.order", order, "amount_total")["amount_total"] == 40.0
    (_, third) = write([0, 0, {"product_id": product, "price_unit": 1.25, "tax_ids": [[6, 0, []]]}])
    assert far.one("sale.order", order, "amount_total")["amount_total"] == 41.25
    assert write([3, first]) == [third]  # its order is required: the line is deleted
    assert far.call("sale.order.line", "read", [first, second]) == []
    assert write([5, 0, 0]) == []
    assert far.error("sale.order", "write", [order], vals={"order_line": [[9, 0, 0]]})[:2] == (500, "ValueError")


def test_many2many_commands(far: Far) -> None:
    product = far.product("M2M", stock="0")
    order = far.order({"product_id": product}, confirm=False)
    (line,) = far.one("sale.order", order, "order_line")["order_line"]

    def taxes(*commands: Any) -> list[int]:
        far.call("sale.order.line", "write", [line], vals={"tax_ids": list(commands)})
        ids: list[int] = far.one("sale.order.line", line, "tax_ids")["tax_ids"]
        return ids

    assert taxes([4, 1]) == [1]
    assert taxes([4, 4], [4, 1]) == [1, 4]
    assert taxes([3, 1]) == [4]
    assert taxes([6, 0, [5, 3]]) == [5, 3]
    assert taxes([5]) == []
    assert taxes(1, 4) == [1, 4]
    assert far.error("sale.order.line", "write", [line], vals={"tax_ids": [[4, 999]]})[:2] == (404, "MissingError")


def test_lines_by_a_path(far: Far) -> None:
    product = far.product("PATH", stock="0")
    order = far.order({"product_id": product}, client_order_ref="SHOP-77", confirm=False)
    found = far.call("sale.order.line", "search_read", domain=[["order_id.client_order_ref", "=", "SHOP-77"]], fields=["order_id"])  # noqa: E501  # fmt: skip
    assert [row["order_id"][0] for row in found] == [order]
    assert far.call("sale.order", "search", domain=[["order_line.product_id.default_code", "=", "PATH"]]) == [order]
