"""One call to Odoo's JSON-2 API and the sorting of its errors.

https://www.odoo.com/documentation/19.0/developer/reference/external_api.html — `POST /json/2/<model>/<method>`, bearer
API key, `X-Odoo-Database`; the body holds `ids`, `context` and the method's arguments by name. Each call is its own SQL
transaction: committed on success, rolled back on any exception (same page, "Transaction"; `retrying()` in
https://github.com/odoo/odoo/blob/19.0/odoo/service/model.py, the JSON answer is made before the commit).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from integrations.contract.connector import Connector
from integrations.contract.errors import AuthFailed, ConnectorError, NotFound, OutcomeUnknown, Rejected, Retryable
from integrations.contract.http import HttpClient, Response

Row = dict[str, Any]
ERROR_KEYS = frozenset({"name", "message", "arguments", "context", "debug"})
# Errors of the database that prove a rollback; Odoo has already retried these five times by itself.
ROLLED_BACK = frozenset(
    {
        "SerializationFailure",
        "TransactionRollbackError",
        "DeadlockDetected",
        "LockNotAvailable",
        "ReadOnlySqlTransaction",
        "QueryCanceled",
        "QueryCanceledError",
    }
)
# The connection to the database broke, maybe while committing: a write's outcome is open.
DATABASE_LOST = frozenset({"OperationalError", "InterfaceError", "AdminShutdown", "CrashShutdown", "PoolError"})


class OdooTransport(Connector):
    """What every part of the connector speaks through. `_call` is the only place that knows the protocol, so that the
    older JSON-RPC versions need only another `_call`."""

    label = "Odoo"

    def __init__(self, *, http: HttpClient, credentials: Mapping[str, str], settings: Mapping[str, Any]) -> None:
        super().__init__(http=http, credentials=credentials, settings=settings)
        headers = {"Authorization": f"bearer {credentials['api_key']}"}
        if settings.get("database"):
            headers["X-Odoo-Database"] = str(settings["database"])
        http.use(headers=headers)
        self._known_fields: dict[str, frozenset[str]] = {}

    def _call(
        self,
        model: str,
        method: str,
        *,
        write: bool,
        ids: Sequence[int] = (),
        context: Mapping[str, Any] | None = None,
        **arguments: Any,
    ) -> Any:
        """Call a public method of a model. Every call is a POST, so `write` says whether it can change anything."""
        body: dict[str, Any] = dict(arguments)
        if ids:
            body["ids"] = list(ids)
        if context:
            body["context"] = dict(context)
        response = self.http.post(f"/json/2/{model}/{method}", json=body, write=write)
        raise_for_error(response, write=write, what=f"{model}.{method}")
        return response.json()

    def _rows(
        self,
        model: str,
        domain: Sequence[Any],
        fields: Sequence[str],
        *,
        order: str = "id",
        limit: int | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> list[Row]:
        arguments: dict[str, Any] = {"domain": list(domain), "fields": list(fields), "order": order}
        if limit is not None:
            arguments["limit"] = limit
        rows = self._call(model, "search_read", write=False, context=context, **arguments)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Retryable(f"Odoo answered {model}.search_read without a list.", code="REMOTE_UNEXPECTED_CONTENT")
        return rows

    def _one(self, model: str, external_id: str, fields: Sequence[str]) -> Row:
        """The record, archived or not; NotFound where it is gone (Quirk: Odoo answers a missing id with [])."""
        number = remote_id(external_id, model)
        rows = self._rows(model, [["id", "=", number]], fields, limit=1, context={"active_test": False})
        if not rows:
            raise NotFound(f"Odoo has no {model} {external_id}.", status=404)
        return rows[0]

    def _create(self, model: str, values: Row, *, context: Mapping[str, Any] | None = None) -> int:
        created = self._call(model, "create", write=True, context=context, vals_list=[values])
        if not (isinstance(created, list) and len(created) == 1 and type(created[0]) is int):
            raise OutcomeUnknown(
                f"Odoo answered the creation of a {model} without its id; look for it there.",
                code="REMOTE_UNEXPECTED_CONTENT",
            )
        return created[0]

    def _write(self, model: str, external_id: int, values: Row) -> None:
        self._call(model, "write", write=True, ids=[external_id], vals=values)

    def _existing(self, model: str, names: Sequence[str]) -> list[str]:
        """Those of `names` that this database has: modules add fields, and an unknown one fails the whole call."""
        if model not in self._known_fields:
            known = self._call(model, "fields_get", write=False, allfields=list(names), attributes=["type"])
            self._known_fields[model] = frozenset(known if isinstance(known, dict) else ())
        return [name for name in names if name in self._known_fields[model]]


def remote_id(external_id: str, model: str) -> int:
    if not (external_id.isascii() and external_id.isdigit()):
        raise Rejected(f"'{external_id}' is not an id of an Odoo {model}: link the right record.", code="ID_INVALID")
    return int(external_id)


def error_body(response: Response) -> Row | None:
    """Odoo's own description of an exception, or None where the answer is not Odoo's."""
    try:
        body = json.loads(response.body)
    except ValueError:
        return None
    if isinstance(body, dict) and body.keys() >= ERROR_KEYS and isinstance(body["name"], str) and "." in body["name"]:
        return body
    return None


def raise_for_error(response: Response, *, write: bool, what: str) -> None:
    """Raise what an error answer means.

    The exception's name in the body proves that Odoo caught it and rolled back, so a 500 with such a body (an unknown
    field gives `builtins.ValueError` with 500) is a definite refusal. A 5xx without it came from a proxy or a dying
    server and leaves a write open. AccessError does not pause the connection: the key is good, one right is missing,
    and the other flows can go on.
    """
    if 200 <= response.status < 300:
        return
    body = error_body(response)
    if body is None:
        response.raise_for_status()
        raise ConnectorError(f"Odoo answered {what} with {response.status}.", status=response.status)
    _raise_exception(body, response.status, write=write, what=what)


def _raise_exception(body: Row, status: int, *, write: bool, what: str) -> NoReturn:
    module, _, name = body["name"].rpartition(".")
    words = str(body["message"])
    said: dict[str, Any] = {"upstream": words, "status": status}
    if status == 401 or name in {"AccessDenied", "SessionExpiredException", "Unauthorized"}:
        raise AuthFailed("Odoo does not accept the API key: make a new one and save it here.", **said)
    if name == "AccessError" or status == 403:
        raise Rejected(f"Odoo's user may not do {what}: give it the right. {words}", code="ACCESS_DENIED", **said)
    if name in {"MissingError", "NotFound"} or status == 404:
        raise NotFound(f"Odoo does not find what {what} is about: {words}", **said)
    if name in ROLLED_BACK or name in {"LockError", "ConcurrencyError"} or status == 409:
        raise Retryable(f"Odoo was busy with the same records in {what}; it will be tried again.", code="BUSY", **said)
    if name in DATABASE_LOST and module.startswith("psycopg"):
        kind = OutcomeUnknown if write else Retryable
        raise kind(f"Odoo lost its database during {what}.", **said)
    if status == 429 or status == 503:
        raise Retryable(f"Odoo is overloaded ({what}); it will be tried again.", **said)
    if status >= 500:
        raise Rejected(f"Odoo failed in {what} and undid it: {words}", code="ODOO_ERROR", **said)
    raise Rejected(f"Odoo refuses {what}: {words}", **said)
