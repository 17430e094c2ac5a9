"""An Odoo 19.0 with sales, stock and accounting, spoken to over JSON-2 or the older XML-RPC and JSON-RPC.

documented: https://www.odoo.com/documentation/19.0/developer/reference/external_api.html and specs/odoo/live-doc. Each
module of this package names the source of what it does, or says `judgement:` and why.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from werkzeug.wrappers import Request, Response

from integrations.simulators.base import ControlError, Dials, Simulator, json_response
from integrations.simulators.odoo import control, json2, rpc, snapshot
from integrations.simulators.odoo.errors import (
    AccessError,
    HttpError,
    MissingError,
    OdooError,
    Unauthorized,
    UserError,
)
from integrations.simulators.odoo.seed import build

VERSIONS = ("19.0", "18.0", "17.0")
READS = frozenset(
    {"search", "search_read", "search_count", "read", "fields_get", "name_search", "context_get", "has_group"}
)


@dataclass(kw_only=True)
class OdooDials(Dials):
    """`version`: which Odoo this is."""

    version: str = VERSIONS[0]

    def _check(self, name: str, value: Any) -> Any:
        if name == "version" and value not in VERSIONS:
            raise ControlError(f"version takes one of {', '.join(VERSIONS)}.")
        return super()._check(name, value)


class OdooSimulator(Simulator):
    """`credentials`: `api_key` and `database`; at the older doors they go with `login`. More `databases` make the
    X-Odoo-Database header required. `version`, also a dial, says which Odoo it is: one before 19.0 has no /json/2."""

    platform: ClassVar[str] = "odoo"
    login: ClassVar[str] = "admin"
    dials: OdooDials

    def __init__(self, *, seed: int = 1, state_path: Path | None = None, version: str = VERSIONS[0]) -> None:
        super().__init__(seed=seed, state_path=state_path)
        self.dials = OdooDials(seed=seed)
        self.dials.merge({"version": version})
        self.credentials = {"api_key": f"{self.rng.getrandbits(160):040x}", "database": "odoo"}
        self.databases: tuple[str, ...] = (self.credentials["database"],)
        self._written = False
        self.db = build()
        self.db.is_visible = self.is_visible
        self.restore()

    def handle(self, request: Request) -> Response:
        status, content_type, body = self._reply(request)
        self._written = self._written or self.db.written
        return Response(body, status=status, content_type=content_type)

    def _reply(self, request: Request) -> json2.Answer:
        """judgement: /web/version answers before 19.0 too, so that whoever asks learns which doors there are."""
        version = self.dials.version
        if request.path == "/web/version":
            return json2.as_json(200, {"version": version, "version_info": rpc.version_info(version)})
        if request.method == "POST" and rpc.is_door(request.path):
            server = rpc.Server(
                db=self.db, version=version, databases=self.databases, login=self.login,
                key=self.credentials["api_key"],
            )  # fmt: skip
            return rpc.answer(server, request.path, request.get_data())
        if self._is_older():
            return 404, "text/html; charset=utf-8", json2.NO_DATABASE
        return json2.answer(
            self.db,
            key=self.credentials["api_key"],
            databases=self.databases,
            method=request.method,
            path=request.path,
            headers=request.headers,
            body=request.get_data(),
        )

    def _is_older(self) -> bool:
        return VERSIONS.index(self.dials.version) > 0

    def fault_response(self, status: int) -> Response:
        """documented: odoo/http.py, `serialize_exception`: the same five keys under every status Odoo gives by itself.
        judgement: 429 and what is not Odoo's own refusal (5xx) come from the proxy in front, as an HTML page: Odoo
        answers 500 in JSON only where it has rolled everything back; an older one, whose refusals are a 200, has no
        other status of its own."""
        kinds: dict[int, type[OdooError]] = {401: Unauthorized, 403: AccessError, 404: MissingError, 422: UserError}
        if status == 429 or status >= 500 or self._is_older():
            page = f"<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center></body></html>"
            return Response(page, status=status, mimetype="text/html")
        error = kinds.get(status, HttpError)(f"Simulated {status}")
        error.status = status
        return json_response(error.body(), status)

    def changed(self) -> None:
        """Every JSON-2 call is a POST; only one that wrote something is worth saving."""
        if self._written:
            self._written = False
            super().changed()

    def _is_hit(self, request: Request) -> bool:
        """Every call is a POST: `writes_only` goes by the method called, and so may `match`: at the older doors it is
        searched in "POST /jsonrpc/<model>/<method>"."""
        path = request.path
        if rpc.is_door(path):
            method = rpc.called(path, request.get_data())
            path = f"{path}/{method}" if method else path
            if self.dials.writes_only and not method:
                return False
        if self.dials.writes_only and (request.method != "POST" or path.rpartition("/")[2] in READS):
            return False
        return re.search(self.dials.match, f"{request.method} {path}") is not None

    def dump(self) -> dict[str, Any]:
        return {"credentials": self.credentials, "version": self.dials.version, **snapshot.dump(self.db)}

    def load(self, state: dict[str, Any]) -> None:
        self.credentials = state["credentials"]
        self.dials.merge({"version": state.get("version", VERSIONS[0])})
        self.databases = (self.credentials["database"],)
        snapshot.load(self.db, state)

    def sim_catalogue(self, products: list[dict[str, Any]]) -> int:
        with self._office():
            return control.add_catalogue(self.db, products)

    def sim_shipment(self, shipment: dict[str, Any]) -> dict[str, Any]:
        with self._office():
            order = int(shipment["order"])
            return control.ship(self.db, order, shipment.get("lines"), shipment.get("tracking") or "")

    def sim_invoice(self, invoice: dict[str, Any]) -> dict[str, Any]:
        with self._office():
            return control.invoice(self.db, int(invoice["order"]))

    def sim_cancellation(self, cancellation: dict[str, Any]) -> dict[str, Any]:
        with self._office():
            return control.cancel(self.db, int(cancellation["order"]))

    def fact_orders(self) -> Iterable[dict[str, Any]]:
        return self._facts(control.list_orders(self.db))

    def fact_refunds(self) -> Iterable[dict[str, Any]]:
        return self._facts(control.list_invoices(self.db, "out_refund"))

    def fact_stock(self) -> Iterable[dict[str, Any]]:
        return self._facts(control.list_stock(self.db))

    def fact_shipments(self) -> Iterable[dict[str, Any]]:
        return self._facts(control.list_shipments(self.db))

    def fact_invoices(self) -> Iterable[dict[str, Any]]:
        return self._facts(control.list_invoices(self.db, "out_invoice"))

    def _facts(self, rows: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
        self.db.begin()
        return rows

    @contextmanager
    def _office(self) -> Iterator[None]:
        """One transaction of the control plane."""
        self.db.begin()
        try:
            yield
            self.db.commit()
        except (OdooError, KeyError, TypeError, ValueError) as error:
            self.db.rollback()
            status = error.status if isinstance(error, OdooError) else 400
            raise ControlError(f"{type(error).__name__}: {error}", status) from error
        self._written = True
