"""The doors before JSON-2: what goes through them, and what each way of answering means."""

from __future__ import annotations

import json
import xmlrpc.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from werkzeug import Request, Response

from integrations.connectors.odoo.connector import Odoo
from integrations.connectors.odoo.doors import JSON_RPC, XML_RPC
from integrations.contract import records as r
from integrations.contract.errors import AuthFailed, ConnectorError, NotFound, OutcomeUnknown, Rejected, Retryable
from integrations.contract.http import HttpClient
from tests.contract.far_side import serve_wsgi

KEY = "old-key"
SETTINGS = {"database": "shop", "login": "admin"}
DOORS = (JSON_RPC, XML_RPC)
Asked = tuple[str, list[Any]]  # (method, args)


@contextmanager
def old_odoo(
    door: str, answer: Callable[[str, list[Any]], bytes], **settings: Any
) -> Iterator[tuple[Odoo, list[Asked]]]:
    """An Odoo before 19: `answer(method, args)` is its body; a login is answered with user 2."""
    asked: list[Asked] = []

    def app(environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        if door == JSON_RPC:
            params = json.loads(request.get_data())["params"]
            method, args = params["method"], params["args"]
            assert request.path == "/jsonrpc"
        else:
            given, name = xmlrpc.client.loads(request.get_data())
            method, args = str(name), list(given)
            assert request.path == f"/xmlrpc/2/{'common' if method == 'authenticate' else 'object'}"
        asked.append((method, args))
        body = say(door, 2) if method == "authenticate" else answer(method, args)
        return Response(body, content_type="text/xml")(environ, start_response)

    with serve_wsgi(app) as address:
        allowed = frozenset({("127.0.0.1", int(address.rpartition(":")[2]))})
        http = HttpClient(base_url=address, allowed_private=allowed)
        said = {"url": address, "version": door, **SETTINGS, **settings}
        yield Odoo(http=http, credentials={"api_key": KEY}, settings=said), asked


def say(door: str, value: Any) -> bytes:
    if door == JSON_RPC:
        return json.dumps({"jsonrpc": "2.0", "id": 1, "result": value}).encode()
    return xmlrpc.client.dumps((value,), methodresponse=True).encode()


def fail(door: str, name: str, message: str) -> bytes:
    """The same exception as each door words it."""
    if door == JSON_RPC:
        data = {"name": name, "message": message, "debug": "Traceback", "arguments": [message], "context": {}}
        error = {"code": 200, "message": "Odoo Server Error", "data": data}
        return json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode()
    codes = {"AccessError": 4, "AccessDenied": 3, "UserError": 2, "ValidationError": 2, "MissingError": 2}
    code = codes.get(name.rpartition(".")[2], 1)
    text = message if code > 1 else f'Traceback (most recent call last):\n  File "x.py", line 1\n{name}: {message}\n'
    return xmlrpc.client.dumps(xmlrpc.client.Fault(code, text)).encode()


@pytest.mark.parametrize("door", DOORS)
def test_one_login_then_ids_by_position_and_the_rest_by_name(door: str) -> None:
    with old_odoo(door, lambda method, args: say(door, [7] if args[4] == "create" else True)) as (odoo, asked):
        assert odoo._create("res.partner", {"name": "Ada", "ref": None}) == 7
        odoo._write("res.partner", 7, {"name": "Bob"})
    nothing = None if door == JSON_RPC else False  # XML-RPC has no null
    assert asked == [
        ("authenticate", ["shop", "admin", KEY, {}]),
        ("execute_kw", ["shop", 2, KEY, "res.partner", "create", [[{"name": "Ada", "ref": nothing}]], {}]),
        ("execute_kw", ["shop", 2, KEY, "res.partner", "write", [[7]], {"vals": {"name": "Bob"}}]),
    ]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("name", "message", "kind", "code"),
    [
        ("odoo.exceptions.UserError", "It is locked.", Rejected, "REJECTED"),
        ("odoo.exceptions.AccessError", "You may not.", Rejected, "ACCESS_DENIED"),
        ("odoo.exceptions.AccessDenied", "Access Denied", AuthFailed, "AUTH_FAILED"),
        ("odoo.exceptions.MissingError", "Record does not exist or has been deleted.", NotFound, "NOT_FOUND"),
        ("builtins.ValueError", "Invalid field 'x'", Rejected, "ODOO_ERROR"),
        ("psycopg2.errors.SerializationFailure", "could not serialize", Retryable, "BUSY"),
        ("psycopg2.OperationalError", "server closed the connection", OutcomeUnknown, "OUTCOME_UNKNOWN"),
    ],
)
def test_an_exception_means_the_same_at_each_door(
    door: str, name: str, message: str, kind: type[ConnectorError], code: str
) -> None:
    with old_odoo(door, lambda *_: fail(door, name, message)) as (odoo, asked):
        with pytest.raises(ConnectorError) as caught:
            odoo._write("sale.order", 7, {"note": "x"})
        assert (type(caught.value), caught.value.code) == (kind, code)
        assert len(asked) == 2, "nothing is repeated"
        if kind is Rejected and code == "REJECTED":
            assert caught.value.upstream == message


NONE = "cannot marshal None unless allow_none is enabled"


def test_what_returns_none_is_done_and_its_fault_no_failure() -> None:
    """The transaction was committed before the answer was written down."""
    with old_odoo(XML_RPC, lambda *_: fail(XML_RPC, "TypeError", NONE)) as (odoo, asked):
        assert odoo._call("sale.order", "action_cancel", write=True, ids=[7]) is None
        assert len(asked) == 2
    with old_odoo(JSON_RPC, lambda *_: b'{"jsonrpc": "2.0", "id": 1}') as (odoo, _):
        assert odoo._call("sale.order", "action_cancel", write=True, ids=[7]) is None


def test_a_create_whose_id_cannot_be_said_is_unknown_and_a_read_is_an_error() -> None:
    with old_odoo(XML_RPC, lambda *_: fail(XML_RPC, "TypeError", NONE)) as (odoo, _):
        with pytest.raises(OutcomeUnknown):
            odoo._create("res.partner", {"name": "Ada"})
        with pytest.raises(Rejected) as caught:
            odoo._rows("res.partner", [], ("id",))
        assert caught.value.code == "ODOO_ERROR"


@pytest.mark.parametrize(
    "body",
    [b"<html></html>", b"", b'{"jsonrpc": "2.0", "er', b"[]", b'<!DOCTYPE x [<!ENTITY a "b">]><methodResponse/>'],
    ids=["html", "empty", "cut", "list", "doctype"],
)
@pytest.mark.parametrize("door", DOORS)
def test_an_answer_that_is_none_proves_nothing(door: str, body: bytes) -> None:
    with old_odoo(door, lambda *_: body) as (odoo, _):
        with pytest.raises(OutcomeUnknown):
            odoo._write("sale.order", 7, {"note": "x"})
        with pytest.raises(Retryable):
            odoo._rows("sale.order", [], ("id",))


@pytest.mark.parametrize("missing", ["database", "login"])
def test_the_database_and_the_user_are_needed_before_19(missing: str) -> None:
    with old_odoo(JSON_RPC, lambda *_: b"", **{missing: ""}) as (odoo, asked):
        with pytest.raises(AuthFailed, match="enter both in the settings"):
            odoo.check()
        assert asked == []


def test_a_login_that_is_refused_is_the_answer_false(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found with the simulator: see TestXmlRpc and TestJsonRpc for the rest of a connection's life."""
    from tests.connectors.odoo.live import live_odoo

    with live_odoo() as live:
        odoo = Odoo(
            http=live.odoo.http, credentials={"api_key": "wrong"},
            settings={**live.odoo.settings, "version": XML_RPC, "login": "admin", "database": "odoo"},
        )  # fmt: skip
        with pytest.raises(AuthFailed, match="check both"):
            odoo.find_order("W-1")
        right = live.with_settings(version=XML_RPC, login="admin", database="odoo")
        made = right.create_customer(r.CustomerDocument(reference="C-9", customer=r.CustomerRecord(name="Ada")))
        assert [one.external_id for one in live.odoo.find_customer("C-9")] == [made.external_id]
