"""Every request the connector makes is one that a real 19.0 server's description of itself (specs/odoo/live-doc)
understands: each method is driven against the simulator over HTTP, and what was sent is held against that.

Known deviations, each with its reason, are spec.UNDOCUMENTED_MODELS, UNDOCUMENTED_FIELDS and FORM_READ_ONLY.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from integrations.connectors.odoo.connector import Odoo
from integrations.connectors.odoo.reads import VALUE_MODELS
from integrations.contract.connector import CAPABILITIES
from integrations.contract.http import Exchange
from tests.conftest import missing
from tests.connectors.odoo import spec
from tests.connectors.odoo.drives import DRIVES, World
from tests.connectors.odoo.live import live_odoo


@pytest.fixture(autouse=True)
def live_doc(shared_dir: Path) -> Path:
    if not spec.LIVE_DOC.is_dir():
        missing("the folder ../shared/specs/odoo is not there")
    return spec.LIVE_DOC


@pytest.fixture
def world() -> Iterator[World]:
    with live_odoo() as live:
        yield World(live)


def test_every_method_is_driven() -> None:
    assert set(DRIVES) == Odoo.capabilities({})
    assert set(DRIVES) <= set(CAPABILITIES)
    assert set(VALUE_MODELS) | {"status"} == set(Odoo.value_kinds)


@pytest.mark.parametrize("name", sorted(DRIVES))
def test_every_request_is_one_the_server_documents(name: str, world: World) -> None:
    before = len(world.live.exchanges)
    DRIVES[name](world)
    assert len(world.live.exchanges) > before, f"{name} asked nothing"
    assert [fault for one in world.live.exchanges for fault in faults_of(one)] == []
    assert [fault for one in world.live.exchanges for fault in faults_of_answer(one)] == []


def faults_of(exchange: Exchange) -> list[str]:
    parts = urlsplit(exchange.url)
    faults = list(spec.http_faults(exchange.method, parts.path, parts.query, exchange.request_body))
    if exchange.request_body and exchange.request_headers["Content-Type"] != "application/json":
        faults.append(f"{parts.path}: the body is not said to be JSON")
    return faults


def faults_of_answer(exchange: Exchange) -> list[str]:
    """The simulator's: fields asked for and no others, of the documented types."""
    parts = urlsplit(exchange.url).path.split("/")
    if exchange.status != 200 or parts[-1] != "search_read":
        return []
    asked, answer = json.loads(exchange.request_body), json.loads(exchange.response_body)
    return list(spec.answer_faults(parts[-2], asked, answer))


# --- the oracle itself bites -----------------------------------------------------------------------------------------

ORDER: dict[str, Any] = {"partner_id": 7, "client_order_ref": "N-1", "order_line": [[0, 0, {"product_id": 1}]]}
READ: dict[str, Any] = {"domain": [["state", "=", "sale"]], "fields": ["id", "name"], "order": "id"}


def test_sound_requests_have_no_fault() -> None:
    assert list(spec.request_faults("sale.order", "create", {"vals_list": [ORDER]})) == []
    assert list(spec.request_faults("sale.order", "search_read", READ)) == []
    assert list(spec.request_faults("sale.order", "action_confirm", {"ids": [1], "context": {"lang": "en_US"}})) == []
    assert list(spec.http_faults("GET", "/web/version", "", b"")) == []


@pytest.mark.parametrize(
    ("call", "body", "fault"),
    [
        ("sale.ordre.create", {"vals_list": [ORDER]}, "sale.ordre is neither documented nor excused"),
        ("sale.order.action_confrim", {"ids": [1]}, "sale.order has no public method action_confrim"),
        ("sale.order._action_cancel", {"ids": [1]}, "sale.order has no public method _action_cancel"),
        ("sale.order.create", {"vals": ORDER}, "sale.order.create has no argument vals"),
        ("sale.order.create", {"values": [ORDER]}, "sale.order.create lacks its argument vals_list"),
        ("sale.order.create", {"ids": [1], "vals_list": []}, "sale.order.create takes no ids (Odoo answers 422)"),
        ("sale.order.write", {"vals": {}}, "sale.order.write without ids does nothing"),
        ("sale.order.action_confirm", {"ids": "1"}, "sale.order.action_confirm: ids are a list of integers, not '1'"),
        ("sale.order.has_access", {"operation": "delete"}, "sale.order.has_access knows no operation 'delete'"),
        ("sale.order.search_read", READ | {"context": []}, "sale.order.search_read: context is no object"),
        ("sale.order.search_read", READ | {"fields": ["nam"]}, "sale.order has no field nam"),
        ("sale.order.search_read", READ | {"order": "nam"}, "sale.order has no field nam"),
        ("sale.order.search_read", READ | {"order": "id downwards"}, "sale.order: nothing is ordered 'downwards'"),
        ("res.partner.search_read", {"order": "display_name"}, "res.partner.display_name cannot be sorted by"),
        ("res.users.search_read", {"fields": ["logn"]}, "res.users has no field logn"),
        ("account.tax.search_read", {"domain": [["type_tax_use", "=", "sales"]]},
         "account.tax.type_tax_use is a selection, never 'sales'"),
        ("sale.order.search_read", {"domain": [["stat", "=", "sale"]]}, "sale.order has no field stat"),
        ("sale.order.search_read", {"domain": [["state", "in", ["sale", "done"]]]},
         "sale.order.state is a selection, never 'done'"),
        ("sale.order.search_read", {"domain": [["state", "==", "sale"]]},
         "sale.order.state: a domain has no operator '=='"),
        ("sale.order.search_read", {"domain": [["state", "in", "sale"]]},
         "sale.order.state in 'sale': a list goes with in"),
        ("sale.order.search_read", {"domain": [["write_date", ">", "2026-01-01T00:00:00Z"]]},
         "sale.order.write_date is a datetime, never '2026-01-01T00:00:00Z'"),
        ("sale.order.search_read", {"domain": [["partner_id.emial", "=", "a"]]}, "res.partner has no field emial"),
        ("sale.order.search_read", {"domain": ["|", ["name", "=", "a"]]}, "sale.order: a domain that lacks 1 terms"),
        ("sale.order.search_read", {"domain": ["or"]}, "sale.order: 'or' connects nothing in a domain"),
        ("stock.picking.search_read", {"domain": [["return_count", "=", 1]]},
         "stock.picking.return_count cannot be searched"),
        ("sale.order.create", {"vals_list": [{"client_order_reff": "N-1"}]},
         "sale.order has no field client_order_reff"),
        ("sale.order.create", {"vals_list": [{"state": "sale"}]}, "sale.order.state cannot be written"),
        ("sale.order.create", {"vals_list": [{"picking_policy": "all"}]},
         "sale.order.picking_policy is a selection, not 'all'"),
        ("sale.order.create", {"vals_list": [{"partner_id": "7"}]}, "sale.order.partner_id is a many2one, not '7'"),
        ("sale.order.create", {"vals_list": [{"date_order": "2026-11-20"}]},
         "sale.order.date_order is a datetime, not '2026-11-20'"),
        ("sale.order.create", {"vals_list": [{"order_line": [[0, 0, {"tax_id": [[6, 0, []]]}]]}]},
         "sale.order.line has no field tax_id"),
        ("sale.order.create", {"vals_list": [{"order_line": [{"product_id": 1}]}]},
         "sale.order.order_line: {'product_id': 1} is no command of an x2many"),
        ("sale.order.create", {"vals_list": [{"order_line": [[1, "9", {}]]}]},
         "sale.order.order_line: [1, '9', {}] names no record"),
        ("sale.order.create", {"vals_list": [{"order_line": [[0, 0, {"tax_ids": [[6, 0, ["1"]]]}]]}]},
         "sale.order.line.tax_ids: [6, 0, ['1']] sets no ids"),
        ("account.move.create", {"vals_list": [{"invoice_line_ids": [[0, 0, {"price": 1}]]}]},
         "account.move.line has no field price"),
    ],
)  # fmt: skip
def test_a_misspelt_request_is_a_fault(call: str, body: dict[str, Any], fault: str) -> None:
    model, _, method = call.rpartition(".")
    assert fault in list(spec.request_faults(model, method, body))


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "fault"),
    [
        ("GET", "/json/2/res.users/read", "", b"", "GET /json/2/res.users/read is no address of JSON-2"),
        ("POST", "/json/2/sale.order", "", b"{}", "POST /json/2/sale.order is no address of JSON-2"),
        ("POST", "/json/2/res.users/read", "a=1", b"{}", "POST /json/2/res.users/read is no address of JSON-2"),
        ("POST", "/json/2/res.users/read", "", b"[1]", "/json/2/res.users/read: the body is no JSON object"),
        ("POST", "/json/2/res.users/context", "", b"{}", "res.users has no public method context"),
    ],
)
def test_another_protocol_is_a_fault(method: str, path: str, query: str, body: bytes, fault: str) -> None:
    assert list(spec.http_faults(method, path, query, body)) == [fault]
