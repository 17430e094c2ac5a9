"""Odoo's JSON-2 transport: who may call, which method with which arguments, and the answer as JSON.

documented: https://www.odoo.com/documentation/19.0/developer/reference/external_api.html; odoo/addons/rpc/controllers/
json2.py; odoo/http.py (`Json2Dispatcher`, the X-Odoo-Database header); odoo/service/model.py (`get_public_method`).
"""

from __future__ import annotations

import hmac
import inspect
import json
import re
from typing import Any

from werkzeug.datastructures import Headers

from integrations.simulators.odoo.errors import (
    AccessError,
    BadRequest,
    HttpError,
    NotFound,
    OdooError,
    Unauthorized,
    Unprocessable,
)
from integrations.simulators.odoo.orm import Database

ROUTE = re.compile(r"\A/json/2/([^/]+)/([^/]+)\Z")
NO_DATABASE = b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"

Answer = tuple[int, str, bytes]


class UnsupportedMedia(HttpError):
    status = 415
    name = "werkzeug.exceptions.UnsupportedMediaType"


def answer(
    db: Database,
    *,
    key: str,
    databases: tuple[str, ...],
    method: str,
    path: str,
    headers: Headers,
    body: bytes,
) -> Answer:
    """(status, content type, body) of one call; an error has written nothing."""
    if not path.startswith("/json/2"):
        return 404, "text/html; charset=utf-8", NO_DATABASE
    wanted = headers.get("X-Odoo-Database") or (databases[0] if len(databases) == 1 else "")
    if wanted not in databases:  # no database chosen: the routes of the modules do not exist at all
        return 404, "text/html; charset=utf-8", NO_DATABASE
    try:
        result = _call(db, key, method, path, headers, body)
        db.commit()
        return as_json(200, result)
    except OdooError as exc:
        db.rollback()
        return as_json(exc.status, exc.body())
    except Exception as exc:  # noqa: BLE001  # as Odoo: whatever a method raises is a 500 with its name
        db.rollback()
        error = OdooError(str(exc))
        error.name = f"{type(exc).__module__}.{type(exc).__name__}"
        return as_json(500, error.body())


def as_json(status: int, value: Any) -> Answer:
    return status, "application/json; charset=utf-8", json.dumps(value, ensure_ascii=False).encode()


def _call(db: Database, key: str, method: str, path: str, headers: Headers, body: bytes) -> Any:
    route = ROUTE.match(path)
    if route is None or method != "POST":
        raise NotFound("Did you mean POST /json/2/<model>/<method>?")
    if body and headers.get("Content-Type", "").split(";")[0].strip().lower() != "application/json":
        raise UnsupportedMedia(f"Request inferred type is compatible with ['http'] but {path!r} is type='json2'.")
    _authorize(key, headers.get("Authorization", ""))
    arguments = _arguments(body)
    ids, context = arguments.pop("ids", ()), arguments.pop("context", {})
    db.begin(context if isinstance(context, dict) else {})
    function = _public(db, route[1], route[2])
    if getattr(function, "api", "") == "model":
        if ids:
            raise Unprocessable(f"cannot call {route[1]}.{route[2]} with ids")
        bound = _bind(function, (), arguments)
    else:
        bound = _bind(function, (_ids(ids),), arguments)
    return function(*bound.args, **bound.kwargs)


def _authorize(key: str, header: str) -> None:
    """documented: base/models/ir_http.py, `_auth_method_bearer`."""
    scheme, _, given = header.partition(" ")
    if scheme.lower() != "bearer" or not given.strip():
        raise Unauthorized("User not authenticated, use an API Key with a Bearer Authorization header.")
    if not hmac.compare_digest(given.strip().encode(), key.encode()):
        raise Unauthorized("Invalid apikey")


def _arguments(body: bytes) -> dict[str, Any]:
    """A body that is no object counts as none, as the dispatcher's TypeError branch has it."""
    if not body:
        return {}
    try:
        value = json.loads(body)
    except ValueError as exc:
        raise BadRequest(f"could not parse the body as json: {exc}") from exc
    return value if isinstance(value, dict) else {}


def _ids(value: Any) -> list[int]:
    given = [value] if isinstance(value, int) else value or []
    if not all(isinstance(one, int) for one in given):
        raise Unprocessable(f"ids must be a list of integers, not {value!r}")
    return list(given)


def _public(db: Database, model: str, method: str) -> Any:
    if model not in db.models:
        raise NotFound(f"the model {model!r} does not exist")
    if method.startswith("_"):
        raise AccessError(f"Private methods (such as '{model}.{method}') cannot be called remotely.")
    function = db[model].methods.get(method)
    if function is None:
        raise NotFound(f"The method '{model}.{method}' does not exist")
    return function


def _bind(function: Any, positional: tuple[Any, ...], arguments: dict[str, Any]) -> inspect.BoundArguments:
    try:
        return inspect.signature(function).bind(*positional, **arguments)
    except TypeError as exc:
        raise Unprocessable(str(exc)) from exc
