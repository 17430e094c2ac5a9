"""The Odoo simulator's older doors, through Python's own XML-RPC client and bare JSON-RPC."""

from __future__ import annotations

import http.client
import inspect
import time
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

import pytest
import requests

from integrations.simulators.base import serve
from integrations.simulators.odoo.simulator import OdooSimulator
from tests.simulators.odoo_client import Far
from tests.simulators.test_odoo_spec import live

CALLED = [
    ("res.partner", "create"), ("res.partner", "write"), ("res.partner", "read"), ("res.partner", "search"),
    ("res.partner", "search_read"), ("res.partner", "search_count"), ("res.partner", "fields_get"),
    ("sale.order", "create"), ("sale.order", "action_confirm"), ("sale.order", "action_quotation_sent"),
    ("sale.order", "search_read"), ("sale.order", "read"), ("account.move", "button_draft"),
]  # fmt: skip


class Old:
    """XML-RPC and JSON-RPC to a served simulator."""

    def __init__(self, far: Far) -> None:
        self.far, self.key = far, far.sim.credentials["api_key"]
        self.common: Any = xmlrpc.client.ServerProxy(f"{far.base_url}/xmlrpc/2/common")
        self.object: Any = xmlrpc.client.ServerProxy(f"{far.base_url}/xmlrpc/2/object")

    def kw(self, model: str, method: str, *args: Any, **kwargs: Any) -> Any:
        return self.object.execute_kw("odoo", 2, self.key, model, method, list(args), kwargs)

    def fault(self, model: str, method: str, *args: Any, **kwargs: Any) -> tuple[int, str]:
        with pytest.raises(xmlrpc.client.Fault) as caught:
            self.kw(model, method, *args, **kwargs)
        return caught.value.faultCode, caught.value.faultString

    def post(self, service: str, method: str, *args: Any, timeout: float = 10) -> requests.Response:
        params = {"service": service, "method": method, "args": list(args)}
        body = {"jsonrpc": "2.0", "method": "call", "params": params, "id": 7}
        return requests.post(f"{self.far.base_url}/jsonrpc", json=body, timeout=timeout)

    def json(self, model: str, method: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        response = self.post("object", "execute_kw", "odoo", 2, self.key, model, method, list(args), kwargs)
        assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
        answer: dict[str, Any] = response.json()
        assert (answer.pop("jsonrpc"), answer.pop("id")) == ("2.0", 7)
        return answer


@pytest.fixture
def old() -> Iterator[Old]:
    sim = OdooSimulator(seed=7, version="18.0")
    with serve(sim) as base_url:
        yield Old(Far(sim, base_url))


@pytest.mark.parametrize(("model", "method"), CALLED)
def test_the_methods_called_here_are_the_servers(model: str, method: str, shared_dir: Path) -> None:
    described = live(shared_dir, model)["methods"]
    real = list(described[method]["parameters"])
    ours = OdooSimulator().db[model].methods[method]
    assert [name for name in inspect.signature(ours).parameters if name != "ids"] == real  # positions count here


# --- Who may come in --------------------------------------------------------------------------------------------------


def test_an_older_server_says_so_and_has_no_json_2(old: Old) -> None:
    assert old.common.version() == {
        "server_version": "18.0", "server_version_info": [18, 0, 0, "final", 0, ""], "server_serie": "18.0",
        "protocol_version": 1,
    }  # fmt: skip
    version = requests.get(f"{old.far.base_url}/web/version", timeout=5).json()
    assert version == {"version": "18.0", "version_info": [18, 0, 0, "final", 0, ""]}
    refused = old.far.post("res.partner", "search", {"domain": []})
    assert (refused.status_code, refused.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_the_version_is_a_dial(old: Old) -> None:
    old.far.dials(version="19.0")
    assert old.far.call("res.users", "search_count", domain=[]) == 2
    assert old.common.version()["server_serie"] == "19.0"  # the older doors are open there too
    assert old.kw("res.users", "search_count", []) == 2
    refused = old.far.control("dials", {"version": "7.0"}, method="PUT", status=400)
    assert refused["error"] == "version takes one of 19.0, 18.0, 17.0."


@pytest.mark.parametrize(
    ("login", "key", "uid"),
    [("admin", "", 2), ("admin", "wrong", False), ("ada", "", False), ("__system__", "", False)],
)
def test_a_wrong_login_is_false(old: Old, login: str, key: str, uid: int | bool) -> None:
    given = old.common.authenticate("odoo", login, key or old.key, {})
    assert (type(given), given) == (type(uid), uid)
    assert old.post("common", "authenticate", "odoo", login, key or old.key, {}).json()["result"] == uid


def test_a_wrong_key_is_access_denied(old: Old) -> None:
    for uid, key in ((2, "wrong"), (1, old.key), (3, old.key)):
        with pytest.raises(xmlrpc.client.Fault) as caught:
            old.object.execute_kw("odoo", uid, key, "res.partner", "search", [[]])
        assert (caught.value.faultCode, caught.value.faultString) == (3, "Access Denied")
    response = old.post("object", "execute_kw", "odoo", 2, "wrong", "res.partner", "search", [[]])
    assert response.status_code == 200
    error = response.json()["error"]
    assert (error["code"], error["message"]) == (200, "Odoo Server Error")
    assert error["data"].pop("debug").startswith("Traceback (most recent call last):")
    assert error["data"] == {
        "name": "odoo.exceptions.AccessDenied", "message": "Access Denied", "arguments": ["Access Denied"],
        "context": {},
    }  # fmt: skip


def test_a_wrong_database_is_a_fault(old: Old) -> None:
    with pytest.raises(xmlrpc.client.Fault) as caught:
        old.common.authenticate("other", "admin", old.key, {})
    assert caught.value.faultCode == 1
    assert 'FATAL:  database "other" does not exist' in caught.value.faultString
    error = old.post("common", "authenticate", "other", "admin", old.key, {}).json()["error"]
    assert error["data"]["name"] == "psycopg2.OperationalError"


# --- Calls ------------------------------------------------------------------------------------------------------------


def test_positions_and_keywords(old: Old) -> None:
    one = old.kw("res.partner", "create", {"name": "Ada", "email": "a@b.c"})
    assert isinstance(one, int)
    two = old.kw("res.partner", "create", [{"name": "Bob"}, {"name": "Cyd"}])
    assert two == [one + 1, one + 2]
    assert old.kw("res.partner", "search", [["id", ">=", one]], 1, 1, "id") == [one + 1]
    assert old.kw("res.partner", "search", [["id", ">=", one]], limit=1, order="id desc") == [one + 2]
    assert old.kw("res.partner", "read", one, ["name"]) == [{"id": one, "name": "Ada"}]  # an id stands for a list
    assert old.kw("res.partner", "write", [one], {"ref": "R-1"}) is True
    rows = old.kw("res.partner", "search_read", [["ref", "=", "R-1"]], ["email", "country_id", "write_date"])
    written = rows[0].pop("write_date")
    assert rows == [{"id": one, "email": "a@b.c", "country_id": False}]
    assert time.strptime(written, "%Y-%m-%d %H:%M:%S").tm_year >= 2020  # a string, no dateTime.iso8601
    assert old.object.execute("odoo", 2, old.key, "res.partner", "search_count", [["ref", "=", "R-1"]]) == 1
    assert old.json("res.partner", "read", [one], fields=["name", "ref", "vat"]) == {
        "result": [{"id": one, "name": "Ada", "ref": "R-1", "vat": False}]
    }
    archived = {"context": {"active_test": False}}
    old.kw("res.partner", "write", [one], {"active": False})
    assert old.kw("res.partner", "search_count", [["ref", "=", "R-1"]]) == 0
    assert old.kw("res.partner", "search_count", [["ref", "=", "R-1"]], **archived) == 1


@pytest.mark.parametrize(
    ("model", "method", "args", "code", "message", "name"),
    [
        ("res.partner", "create", [{"email": "a@b.c"}], 2, "The operation cannot be completed: Contacts require a name", "odoo.exceptions.ValidationError"),  # noqa: E501
        ("res.partner", "write", [[999], {"name": "X"}], 2, "Record does not exist or has been deleted.\n(Record: res.partner(999,), User: 2)", "odoo.exceptions.MissingError"),  # noqa: E501
        ("sale.order", "_create_invoices", [[1]], 4, "Private methods (such as _create_invoices) cannot be called remotely.", "odoo.exceptions.AccessError"),  # noqa: E501
        ("no.model", "search", [[]], 2, "Object no.model doesn't exist", "odoo.exceptions.UserError"),
        ("res.partner", "fly", [[1]], 1, "The method 'res.partner.fly' does not exist", "builtins.AttributeError"),
        ("res.partner", "search_read", [[], ["nope"]], 1, "Invalid field 'nope' on 'res.partner'", "builtins.ValueError"),  # noqa: E501
        ("res.partner", "search", [], 1, "missing 1 required positional argument: 'domain'", "builtins.TypeError"),
    ],
)  # fmt: skip
def test_each_error_has_its_fault(
    old: Old, model: str, method: str, args: list[Any], code: int, message: str, name: str
) -> None:
    before = old.kw("res.partner", "search_count", [])
    given, text = old.fault(model, method, *args)
    assert given == code
    if code == 1:  # what nobody foresaw comes with its traceback
        assert text.startswith("Traceback (most recent call last):")
        assert message in text
    else:
        assert text == message
    error = old.json(model, method, *args)["error"]
    assert set(error) == {"code", "message", "data"}
    assert (error["code"], error["data"]["name"]) == (200, name)
    assert set(error["data"]) == {"name", "debug", "message", "arguments", "context"}
    assert message in error["data"]["message"]
    assert old.kw("res.partner", "search_count", []) == before


def test_none_cannot_be_marshalled_but_the_work_is_done(old: Old) -> None:
    partner = old.kw("res.partner", "create", {"name": "Ada"})
    first, second = (old.kw("sale.order", "create", {"partner_id": partner}) for _ in range(2))
    code, text = old.fault("sale.order", "action_quotation_sent", [first])
    assert code == 1
    assert text.endswith("TypeError: cannot marshal None unless allow_none is enabled\n")
    assert old.json("sale.order", "action_quotation_sent", [second]) == {}  # no result at all
    assert [row["state"] for row in old.kw("sale.order", "read", [first, second], ["state"])] == ["sent", "sent"]


def test_one_order_through_all_doors(old: Old) -> None:
    old.far.dials(version="19.0")
    product = old.far.product(stock="10")
    old.far.dials(version="18.0")
    partner = old.kw("res.partner", "create", {"name": "Ada"})
    lines = [[0, 0, {"product_id": product, "product_uom_qty": 4}]]
    order = old.kw("sale.order", "create", {"partner_id": partner, "client_order_ref": "W-1", "order_line": lines})
    assert old.json("sale.order", "action_confirm", [order]) == {"result": True}
    old.far.dials(version="19.0")
    assert old.far.call("sale.order", "search", domain=[["client_order_ref", "=", "W-1"]]) == [order]
    assert old.far.free(product) == 6.0


@pytest.mark.parametrize(("body", "text"), [(b"{", "Invalid JSON data"), (b"[]", "Invalid JSON-RPC data")])
def test_what_is_no_json_rpc(old: Old, body: bytes, text: str) -> None:
    response = requests.post(f"{old.far.base_url}/jsonrpc", data=body, timeout=5)
    assert (response.status_code, response.text) == (400, text)


def test_what_is_no_xml_is_a_fault(old: Old) -> None:
    response = requests.post(f"{old.far.base_url}/xmlrpc/2/object", data=b"<nope", timeout=5)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/xml; charset=utf-8")
    with pytest.raises(xmlrpc.client.Fault, match="ExpatError"):
        xmlrpc.client.loads(response.content)


# --- The dials --------------------------------------------------------------------------------------------------------

MATCH = "/res.partner/create"
ADA = {"name": "Ada", "ref": "DIAL"}
BROKEN = (OSError, http.client.HTTPException, ExpatError, xmlrpc.client.Error)


def send(old: Old, door: str) -> Any:
    return old.kw("res.partner", "create", ADA) if door == "xml" else old.json("res.partner", "create", ADA)["result"]


def there(old: Old) -> int:
    return old.far.sim.db["res.partner"].search_count([["ref", "=", "DIAL"]])  # type: ignore[no-any-return]  # by name


@pytest.mark.parametrize(
    ("door", "dial", "done"),
    [
        ("json", "timeout_before_commit", 0),
        ("json", "timeout_after_commit", 1),
        ("json", "late_commit", 1),
        ("json", "truncate", 1),
        ("xml", "timeout_before_commit", 0),
        ("xml", "timeout_after_commit", 2),
        ("xml", "late_commit", 2),
        ("xml", "truncate", 1),
    ],
)
def test_no_answer(old: Old, door: str, dial: str, done: int) -> None:
    """Python's own XML-RPC client sends a request again by itself where the line was closed: two records."""
    old.far.dials(**{dial: 1, "match": MATCH, "timeout_seconds": 0.05, "late_commit_seconds": 0.5})
    with pytest.raises(BROKEN):
        send(old, door)
    if dial == "late_commit":
        assert there(old) == 0
        time.sleep(1.0)
    assert there(old) == done


@pytest.mark.parametrize(
    ("dial", "status", "done"),
    [({"status": {"503": 1}}, 503, 0), ({"status": {"403": 1}}, 403, 0), ({"error_after_commit": 1}, 500, 1),
     ({"html_200": 1}, 200, 0), ({"html_200_after_commit": 1}, 200, 1)],
)  # fmt: skip
def test_a_page_for_an_answer(old: Old, dial: dict[str, Any], status: int, done: int) -> None:
    old.far.dials(**dial, match=MATCH)
    args = ["odoo", 2, old.key, "res.partner", "create", [ADA]]
    response = old.post("object", "execute_kw", *args)
    assert (response.status_code, response.headers["Content-Type"][:9]) == (status, "text/html")
    assert there(old) == done
    error = xmlrpc.client.ProtocolError if status != 200 else BROKEN
    with pytest.raises(error):
        old.object.execute_kw(*args)
    assert there(old) == 2 * done


def test_the_other_dials(old: Old) -> None:
    old.far.dials(status={"500": 1}, writes_only=True)
    assert old.common.version()["server_version"] == "18.0"
    assert old.kw("res.partner", "search_count", [["ref", "=", "DIAL"]]) == 0
    with pytest.raises(xmlrpc.client.ProtocolError):
        send(old, "xml")
    old.far.dials(status={}, writes_only=False, search_lag_seconds=60.0)
    partner = send(old, "json")
    assert old.kw("res.partner", "search", [["ref", "=", "DIAL"]]) == []
    assert old.kw("res.partner", "read", [partner], ["ref"]) == [{"id": partner, "ref": "DIAL"}]
    old.far.dials(rate_limit_per_second=2, retry_after="9")
    answers = [old.post("common", "version") for _ in range(4)]
    refused = [one.headers["Retry-After"] for one in answers if one.status_code == 429]
    assert refused
    assert set(refused) == {"9"}


def test_the_version_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "odoo.json"
    first = OdooSimulator(state_path=path, version="17.0")
    with serve(first) as base_url:
        old = Old(Far(first, base_url))
        partner = old.kw("res.partner", "create", {"name": "Ada"})
    second = OdooSimulator(state_path=path)
    assert second.dials.version == "17.0"
    with serve(second) as base_url:
        assert Old(Far(second, base_url)).kw("res.partner", "read", [partner], ["name"]) == [
            {"id": partner, "name": "Ada"}
        ]
