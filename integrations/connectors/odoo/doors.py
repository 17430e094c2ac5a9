"""The doors Odoo has had before JSON-2: JSON-RPC and XML-RPC, the same methods called by `execute_kw`.

https://www.odoo.com/documentation/18.0/developer/reference/external_api.html; how they answer to an exception:
https://github.com/odoo/odoo/blob/18.0/odoo/addons/base/controllers/rpc.py and `JsonRPCDispatcher.handle_error` in
https://github.com/odoo/odoo/blob/18.0/odoo/http.py. Both are HTTP 200, whatever went wrong. Each call is its own
transaction, as with JSON-2.
"""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn
from xml.parsers.expat import ExpatError

from integrations.connectors.odoo.errors import raise_exception
from integrations.contract.errors import AuthFailed, OutcomeUnknown, Retryable
from integrations.contract.http import HttpClient
from integrations.contract.response import UNEXPECTED

JSON_RPC, XML_RPC = "jsonrpc", "xmlrpc"
# A fault's code at /xmlrpc/2 → the exception it stands for; any other is 1, with a traceback as its text.
FAULTS = {2: "odoo.exceptions.UserError", 3: "odoo.exceptions.AccessDenied", 4: "odoo.exceptions.AccessError"}
# What MissingError says, and what is said of a model whose module is not installed (a UserError); in English.
GONE = ("does not exist or has been deleted", "doesn't exist")
# Quirk: what a method returned is written down after its transaction was committed. What XML-RPC has no words for
# (None, above all) fails there: a fault of something that is done.
UNSPEAKABLE = ("cannot marshal ", "exceeds XML-RPC limits")


class Door:
    """Calls methods through one of the older doors. `write` says whether a call can change anything."""

    def __init__(self, http: HttpClient, kind: str, *, database: str, login: str, key: str) -> None:
        self._http, self._kind = http, kind
        self._database, self._login, self._key = database, login, key
        self._uid = 0

    def call(self, model: str, method: str, ids: Sequence[int], arguments: Mapping[str, Any], *, write: bool) -> Any:
        positional: list[Any] = [list(ids)] if ids else []
        named = dict(arguments)
        if method == "create":  # Quirk: before 19 create takes its values by position only
            positional.append(named.pop("vals_list"))
        uid = self._uid or self._log_in()
        given = (self._database, uid, self._key, model, method, positional, named)
        return self._ask("object", "execute_kw", given, write=write, what=f"{model}.{method}")

    def _log_in(self) -> int:
        """The number of the user the key belongs to. Quirk: a wrong key is no error but the answer false."""
        if not (self._database and self._login):
            raise AuthFailed(
                "Before version 19 Odoo has to be told the database and the user: enter both in the settings.",
                code="CREDENTIALS_MISSING",
            )
        asked: tuple[Any, ...] = (self._database, self._login, self._key, {})
        uid = self._ask("common", "authenticate", asked, write=False, what="the login")
        if type(uid) is not int or uid <= 0:
            raise AuthFailed("Odoo does not accept this user with this API key: check both, and the database.")
        self._uid = uid
        return uid

    def _ask(self, service: str, method: str, given: Sequence[Any], *, write: bool, what: str) -> Any:
        ask = self._ask_json if self._kind == JSON_RPC else self._ask_xml
        return ask(service, method, given, write=write, what=what)

    # --- JSON-RPC ----------------------------------------------------------------------------------------------------

    def _ask_json(self, service: str, method: str, given: Sequence[Any], *, write: bool, what: str) -> Any:
        params = {"service": service, "method": method, "args": list(given)}
        body = {"jsonrpc": "2.0", "method": "call", "params": params, "id": 1}
        response = self._http.post("/jsonrpc", json=body, write=write)
        response.raise_for_status()
        answer = response.json()
        if not isinstance(answer, dict) or answer.get("jsonrpc") != "2.0":
            raise _unsure(what, write=write)
        if "error" in answer:
            _raise_json_error(answer["error"], write=write, what=what)
        return answer.get("result")  # Quirk: a method that gives nothing leaves it out

    # --- XML-RPC -----------------------------------------------------------------------------------------------------

    def _ask_xml(self, service: str, method: str, given: Sequence[Any], *, write: bool, what: str) -> Any:
        body = xmlrpc.client.dumps(tuple(_without_none(value) for value in given), method).encode()
        headers = {"Content-Type": "text/xml"}
        response = self._http.post(f"/xmlrpc/2/{service}", data=body, headers=headers, write=write)
        response.raise_for_status()
        response.xml()  # refuses what XML may bring along, before Python's own reader sees it
        try:
            (answer,), _ = xmlrpc.client.loads(response.body)
        except xmlrpc.client.Fault as fault:
            return _sort_fault(fault, write=write, what=what)
        except (xmlrpc.client.Error, ExpatError, ValueError, TypeError, LookupError) as error:
            raise _unsure(what, write=write) from error
        return answer


def _raise_json_error(error: Any, *, write: bool, what: str) -> None:
    """`data` is the exception as JSON-2 words it; one without is of the door itself."""
    data = error.get("data") if isinstance(error, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("name"), str):
        raise _unsure(what, write=write)
    _raise(data["name"], str(data.get("message") or ""), write=write, what=what)


def _sort_fault(fault: xmlrpc.client.Fault, *, write: bool, what: str) -> None:
    """None where the method did its work and only gave back what XML-RPC cannot say; else the error it was."""
    text = str(fault.faultString)
    if name := FAULTS.get(int(fault.faultCode)):
        _raise(name, text, write=write, what=what)
    last = next((line for line in reversed(text.splitlines()) if line.strip() and not line.startswith(" ")), "")
    name, _, words = last.partition(":")
    if any(sign in last for sign in UNSPEAKABLE):
        if write:
            return
        _raise("builtins.TypeError", words.strip(), write=write, what=what)
    if not name.replace(".", "").replace("_", "").isalnum():
        name, words = "builtins.Exception", last
    name = name if "." in name else f"builtins.{name}"
    _raise(name, words.strip() or last, write=write, what=what)


def _raise(name: str, message: str, *, write: bool, what: str) -> NoReturn:
    """As JSON-2 has it: a method that is not there is not found, too."""
    if name.endswith(".AttributeError") or (name.endswith(".UserError") and any(sign in message for sign in GONE)):
        name = "odoo.exceptions.MissingError"
    raise_exception({"name": name, "message": message}, write=write, what=what)


def _unsure(what: str, *, write: bool) -> OutcomeUnknown | Retryable:
    kind = OutcomeUnknown if write else Retryable
    return kind(f"Odoo answered {what} with something that is no answer; check the address.", code=UNEXPECTED)


def _without_none(value: Any) -> Any:
    """XML-RPC has no null; Odoo takes false for nothing."""
    if value is None:
        return False
    if isinstance(value, Mapping):
        return {name: _without_none(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value
