"""One call to Odoo's JSON-2 API and the sorting of its errors.

https://www.odoo.com/documentation/19.0/developer/reference/external_api.html — `POST /json/2/<model>/<method>`, bearer
API key, `X-Odoo-Database`; the body holds `ids`, `context` and the method's arguments by name. Each call is its own SQL
transaction: committed on success, rolled back on any exception (same page, "Transaction"; `retrying()` in
https://github.com/odoo/odoo/blob/19.0/odoo/service/model.py, the JSON answer is made before the commit).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.connectors.odoo.doors import JSON_RPC, XML_RPC, Door
from integrations.connectors.odoo.errors import Row, raise_for_error
from integrations.contract.connector import Connector
from integrations.contract.errors import NotFound, OutcomeUnknown, Rejected, Retryable
from integrations.contract.http import HttpClient


class OdooTransport(Connector):
    """What every part of the connector speaks through. `_call` is the only place that knows the protocol; versions
    before 19 are spoken to through a door of doors.py."""

    label = "Odoo"

    def __init__(self, *, http: HttpClient, credentials: Mapping[str, str], settings: Mapping[str, Any]) -> None:
        super().__init__(http=http, credentials=credentials, settings=settings)
        headers = {"Authorization": f"bearer {credentials['api_key']}"}
        if settings.get("database"):
            headers["X-Odoo-Database"] = str(settings["database"])
        http.use(headers=headers)
        self._known_fields: dict[str, frozenset[str]] = {}
        version = str(settings.get("version") or "")
        self._door: Door | None = None
        if version in {JSON_RPC, XML_RPC}:
            database, login = (str(settings.get(name) or "") for name in ("database", "login"))
            self._door = Door(http, version, database=database, login=login, key=credentials["api_key"])

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
        if self._door is not None:
            named = body | ({"context": dict(context)} if context else {})
            return self._door.call(model, method, ids, named, write=write)
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
