"""Odoo's older external API: XML-RPC at /xmlrpc/2/{common,object} and JSON-RPC at /jsonrpc; an API key is the password.

documented: https://www.odoo.com/documentation/18.0/developer/reference/external_api.html; odoo/addons/base/controllers/
rpc.py (addons/rpc in 19.0, where these doors are still open), odoo/service/{common,model}.py, odoo/api.py (`call_kw`)
and odoo/http.py (`JsonRPCDispatcher`). judgement: the search lag holds here too, though only JSON-2 may use a replica;
and the models are 19.0's under every version, where 18.0 says `tax_id` and `product_uom` on a sale.order.line.
"""

from __future__ import annotations

import hmac
import json
import re
import traceback
import xmlrpc.client  # the far side speaks it; it is served on loopback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.simulators.odoo.errors import AccessDenied, AccessError, OdooError, UserError
from integrations.simulators.odoo.orm import Database

XML_DOOR = re.compile(r"\A/xmlrpc/2/(\w+)\Z")
JSON_DOOR = "/jsonrpc"
VERSION_DOOR = "/web/webclient/version_info"
CONTROL_CHARACTERS = dict.fromkeys(set(range(32)) - {9, 10, 13})  # XML 1.0 has none

Answer = tuple[int, str, bytes]


class OperationalError(Exception):
    """What psycopg2 raises where there is no such database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Who answers: `key` is the API key of the user whose login is `login`."""

    db: Database
    version: str
    databases: tuple[str, ...]
    login: str
    key: str


class _Marshaller(xmlrpc.client.Marshaller):
    dispatch = dict(xmlrpc.client.Marshaller.dispatch)

    def _dump_text(self, value: str, write: Any) -> None:
        self.dump_unicode(value.translate(CONTROL_CHARACTERS), write)

    dispatch[str] = _dump_text  # type: ignore[assignment]  # as the parent's table, by unbound methods


def is_door(path: str) -> bool:
    return XML_DOOR.match(path) is not None or path in (JSON_DOOR, VERSION_DOOR)


def called(path: str, body: bytes) -> str:
    """`model/method` of an execute or execute_kw, else ''."""
    try:
        if XML_DOOR.match(path):
            params: Any = xmlrpc.client.loads(body)[0]
        else:
            params = json.loads(body)["params"]["args"]
        return f"{params[3]}/{params[4]}" if len(params) > 4 else ""
    except Exception:  # noqa: BLE001  # whatever is wrong with it, the door itself says so
        return ""


def answer(server: Server, path: str, body: bytes) -> Answer:
    """(status, content type, body); refusals too are a 200."""
    door = XML_DOOR.match(path)
    if door is not None:
        return 200, "text/xml; charset=utf-8", _xml(server, door[1], body).encode()
    try:
        payload = json.loads(body)
    except ValueError:
        return 400, "text/html; charset=utf-8", b"Invalid JSON data"
    if not isinstance(payload, dict):
        return 400, "text/html; charset=utf-8", b"Invalid JSON-RPC data"
    text = json.dumps(_json(server, path, payload), ensure_ascii=False)
    return 200, "application/json; charset=utf-8", text.encode()


def version_info(version: str) -> list[Any]:
    return [*(int(part) for part in version.split(".")), 0, "final", 0, ""]


def _xml(server: Server, service: str, body: bytes) -> str:
    """Quirk: the work is committed before the answer is written, so a None is a fault of something that was done.

    documented: https://github.com/odoo/odoo/issues/19889
    """
    try:
        params, method = xmlrpc.client.loads(body, use_datetime=True)
        text = _written((_dispatch(server, service, method or "", params),))
    except OdooError as exc:
        code = _fault_code(exc)
        text = _written(xmlrpc.client.Fault(code, exc.message if code > 1 else exc.body()["debug"]))
    except Exception:  # noqa: BLE001  # as Odoo: whatever is raised is a fault with its traceback
        text = _written(xmlrpc.client.Fault(1, traceback.format_exc()))
    return f'<?xml version="1.0"?>\n<methodResponse>\n{text}\n</methodResponse>\n'


def _written(value: Any) -> str:
    return _Marshaller(encoding="utf-8", allow_none=False).dumps(value)


def _fault_code(error: OdooError) -> int:
    """documented: rpc.py, RPC_FAULT_CODE_*: 1 application, 2 warning, 3 access denied, 4 access error."""
    if isinstance(error, AccessError):
        return 4
    if isinstance(error, AccessDenied):
        return 3
    return 2 if isinstance(error, UserError) else 1


def _json(server: Server, path: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Quirk: a method that returns None leaves `result` out altogether."""
    response: dict[str, Any] = {"jsonrpc": "2.0", "id": payload.get("id")}
    try:
        result = _version(server) if path == VERSION_DOOR else _called_by_json(server, payload.get("params") or {})
        json.dumps(result)  # what JSON cannot say is an error of this call
    except OdooError as exc:
        return {**response, "error": _json_error(exc.body())}
    except Exception as exc:  # noqa: BLE001  # as Odoo: whatever is raised is an error with its traceback
        kind = type(exc)
        module = "psycopg2" if kind is OperationalError else kind.__module__
        data = {"name": f"{module}.{kind.__name__}", "debug": traceback.format_exc(), "message": str(exc),
                "arguments": [str(one) for one in exc.args], "context": {}}  # fmt: skip
        return {**response, "error": _json_error(data)}
    return response if result is None else {**response, "result": result}


def _json_error(data: dict[str, Any]) -> dict[str, Any]:
    return {"code": 200, "message": "Odoo Server Error", "data": data}


def _called_by_json(server: Server, params: Any) -> Any:
    missing = [name for name in ("service", "method", "args") if name not in params]
    if missing:
        raise TypeError(f"RPC.jsonrpc() missing {len(missing)} required positional arguments: {missing!r}")
    return _dispatch(server, params["service"], params["method"], params["args"])


def _dispatch(server: Server, service: str, method: str, params: Sequence[Any]) -> Any:
    if service == "common":
        return _common(server, method, params)
    if service == "object":
        return _object(server, method, params)
    if service == "db" and method == "list":
        return list(server.databases)
    raise KeyError(service)


def _common(server: Server, method: str, params: Sequence[Any]) -> Any:
    if method == "version":
        return _version(server)
    if method == "login":
        database, login, password = params
        return _authenticate(server, database, login, password)
    if method == "authenticate":
        database, login, password, environment = params
        if environment and not isinstance(environment, Mapping):
            raise TypeError(f"{type(environment).__name__!r} object is not a mapping")
        return _authenticate(server, database, login, password)
    raise Exception(f"Method not found: {method}")  # the very class Odoo raises


def _version(server: Server) -> dict[str, Any]:
    return {
        "server_version": server.version,
        "server_version_info": version_info(server.version),
        "server_serie": server.version,
        "protocol_version": 1,
    }


def _authenticate(server: Server, database: str, login: str, password: str) -> int | bool:
    """The user's id, or False: a wrong login is no fault here, only with `object`."""
    _open(server, database)
    if not _same(login, server.login) or not _same(password, server.key):
        return False
    return _uid(server)


def _open(server: Server, database: Any) -> None:
    if database not in server.databases:
        raise OperationalError(f'connection to server failed: FATAL:  database "{database}" does not exist\n')


def _same(given: Any, wanted: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), wanted.encode())


def _uid(server: Server) -> int:
    return int(min(server.db["res.users"].index["login"].get(server.login, {0})))


def _object(server: Server, method: str, params: Sequence[Any]) -> Any:
    """documented: odoo/service/model.py, `dispatch`: the key is checked with every call, as there are no sessions."""
    database, uid, password = params[0], int(params[1]), params[2]
    _open(server, database)
    if uid != _uid(server) or not _same(password, server.key):
        raise AccessDenied
    if method == "execute":
        model, name, *args = params[3:]
        return _execute(server.db, model, name, args, {})
    if method == "execute_kw":
        model, name, args, *rest = params[3:]
        return _execute(server.db, model, name, args, dict(rest[0] or {}) if rest else {})
    raise NameError(f"Method not available {method}")


def _execute(db: Database, model: str, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """One transaction, committed before the answer is put in words."""
    context = kwargs.pop("context", None)
    db.begin(context if isinstance(context, dict) else {})
    try:
        result = _call(db, model, name, list(args), kwargs)
        db.commit()
    except Exception:
        db.rollback()
        raise
    return result


def _call(db: Database, model: str, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """documented: odoo/api.py, `call_kw`: without @api.model the first argument is the ids, one or a list; `create`
    answers one id for one dictionary."""
    if name.startswith("_"):
        raise AccessError(f"Private methods (such as {name}) cannot be called remotely.")
    if model not in db.models:
        raise UserError(f"Object {model} doesn't exist")
    function = db[model].methods.get(name)
    if function is None:
        raise AttributeError(f"The method '{model}.{name}' does not exist")
    if name == "create":
        first = args[0]  # as in Odoo: passed by keyword it is an IndexError
        ids = function(*args, **kwargs)
        return ids[0] if isinstance(first, Mapping) else ids
    if function.api == "model":
        return function(*args, **kwargs)
    ids = args.pop(0)
    return function([ids] if isinstance(ids, int) else list(ids or ()), *args, **kwargs)
