"""ERPs and POS that are spoken to over HTTP by what a form says: a legacy one, Commerceup's sample and a POS.

judgement: the three share one set of books, so that one simulator stands for all of them; GET / is their manual. Each
module of this package names the source of what it does, or says `judgement:` and why.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from integrations.simulators.base import ControlError, Dials, Simulator, json_response
from integrations.simulators.http_erp import commerceup, legacy, manual, markup, pos
from integrations.simulators.http_erp.auth import KINDS, Gate
from integrations.simulators.http_erp.books import (
    AUTHENTICATION,
    DUPLICATE,
    MISSING,
    SESSION_EXPIRED,
    UNKNOWN_ORDER,
    WRONG_STATE,
    Books,
    Record,
    Refusal,
    money,
    plain,
    state_of,
    total_of,
)

LEGACY, TOKEN = "/legacy/", "/oauth/token"
ON_DUPLICATE = ("create", "refuse", "same")
STATUSES = {
    AUTHENTICATION: 401,
    SESSION_EXPIRED: 401,
    MISSING: 422,
    UNKNOWN_ORDER: 404,
    DUPLICATE: 409,
    WRONG_STATE: 409,
}
READING_POSTS = (TOKEN, f"{LEGACY}Login", f"{LEGACY}Quote")


@dataclass(kw_only=True)
class HttpErpDials(Dials):
    """`auth`: the one way in that the legacy ERP takes, or any. `on_duplicate`: what a create does whose reference is
    there already. `key_header`: a header under which a repeated POST is answered as the first was. `errors_in_200`:
    whether refusals come with HTTP 200. `session_seconds`: how long a token lives."""

    auth: str = "any"
    on_duplicate: str = "create"
    key_header: str = ""
    errors_in_200: bool = True
    session_seconds: float = 1800.0

    def _check(self, name: str, value: Any) -> Any:
        choices = {"auth": ("any", *KINDS), "on_duplicate": ON_DUPLICATE}.get(name)
        if choices and value not in choices:
            raise ControlError(f"{name} takes one of {', '.join(choices)}.")
        return super()._check(name, value)


class HttpErpSimulator(Simulator):
    """`credentials`: username, password, token, api_key, client_id, client_secret: one set for every way in."""

    platform: ClassVar[str] = "http_erp"
    dials: HttpErpDials

    def __init__(self, *, seed: int = 1, state_path: Path | None = None) -> None:
        super().__init__(seed=seed, state_path=state_path)
        self.dials = HttpErpDials(seed=seed)
        self.webhooks.close()  # such systems send none
        secret = {
            name: f"{self.rng.getrandbits(128):032x}" for name in ("password", "token", "api_key", "client_secret")
        }
        self.credentials = {"username": "stockbridge", "client_id": "stockbridge", **secret}
        self.books = Books()
        self.gate = Gate(self.credentials)
        self._answered: dict[tuple[str, str], tuple[str, Response]] = {}
        self.restore()

    # the APIs --------------------------------------------------------------------------------------------------------
    def handle(self, request: Request) -> Response:
        self.books.on_duplicate = self.dials.on_duplicate
        if request.path == "/":
            return Response(manual.TEXT.format(base=self.base_url), mimetype="text/plain")
        if request.path == TOKEN and request.method == "POST":
            return self.gate.token_endpoint(request, self.dials.session_seconds)
        key = request.headers.get(self.dials.key_header, "") if self.dials.key_header else ""
        if request.method != "POST" or not key:
            return self._door(request)
        return self._once(request, key)

    def _once(self, request: Request, key: str) -> Response:
        """documented: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/: the first answer
        again; 422 where the key comes with another body."""
        print_of_body = hashlib.sha256(request.get_data()).hexdigest()
        known, first = self._answered.get((request.path, key), ("", None))
        if first is None:
            first = self._door(request)
            self._answered[request.path, key] = (print_of_body, first)
        elif known != print_of_body:
            return json_response({"title": f"{self.dials.key_header} is used already"}, 422)
        return Response(first.get_data(), status=first.status_code, content_type=first.content_type)

    def _door(self, request: Request) -> Response:
        if request.path.startswith(pos.PATH):
            return self._pos(request)
        if request.path.startswith(LEGACY):
            return self._legacy(request)
        return self._commerceup(request)

    def _legacy(self, request: Request) -> Response:
        path = request.path.removeprefix(LEGACY).strip("/")
        try:
            given = {**request.args.to_dict(), **markup.parse(request)}
            if path == "Login" and request.method == "POST":
                return self._write(request, "Response", {"Status": "OK", **self._login(given)})
            self._admit(request)
            do, found = legacy.find_call(request.method, path)
            call = legacy.Call(books=self.books, given=given, visible=self.is_visible)
            return self._write(request, "Response", {"Status": "OK", **do(call, *found)})
        except Refusal as error:
            said = {"Status": "ERROR", "ErrorCode": error.code, "ErrorDescription": error.message}
            return self._write(request, "Response", said, self._status(error))

    def _admit(self, request: Request) -> None:
        """judgement: who has a session is asked for it within the answer; all else is proven to the web server."""
        proven, wanted = self.gate.proven(request), self.dials.auth
        if wanted in proven or (wanted == "any" and proven):
            return
        if wanted == "login":
            raise Refusal(SESSION_EXPIRED, "The session has ended. Log in again.")
        raise _unauthorized()

    def _login(self, given: Record) -> Record:
        if not self.gate.knows(str(given.get("UserName") or ""), str(given.get("Password") or "")):
            raise Refusal(AUTHENTICATION, "The user name or the password is wrong.")
        lifetime = self.dials.session_seconds
        return {"Token": self.gate.give("login", lifetime), "ExpiresIn": int(lifetime)}

    def _commerceup(self, request: Request) -> Response:
        do = commerceup.find_call(request.path)
        if do is None or request.method not in {"GET", "POST"}:
            return Response("Not Found", 404, mimetype="text/plain")
        if not self.gate.proven(request) & commerceup.KINDS:
            return json_response({"success": False, "message": "Unauthorized"}, 401)
        try:
            answer = {"success": True, "message": "", **do(self.books, markup.parse(request))}
            return self._write(request, "response", answer)
        except Refusal as error:
            return self._write(request, "response", {"success": False, "message": error.message}, self._status(error))

    def _pos(self, request: Request) -> Response:
        if not self.gate.is_api_key(request.headers.get("X-Auth-Token")):
            return json_response({"result": {"status": "Failure", "message": "Invalid token"}}, 401)
        try:
            return json_response(pos.answer(self.books, request, markup.parse(request), self.is_visible))
        except Refusal as error:
            said = {"result": {"status": "Failure", "message": error.message}}
            return json_response(said, self._status(error))

    def _status(self, error: Refusal) -> int:
        return 200 if self.dials.errors_in_200 else STATUSES.get(error.code, 400)

    def _write(self, request: Request, root: str, tree: Record, status: int = 200) -> Response:
        if markup.is_json(request):
            return Response(markup.to_json(tree), status, content_type="application/json; charset=utf-8")
        return Response(markup.to_xml(root, tree), status, content_type="text/xml; charset=utf-8")

    def fault_response(self, status: int) -> Response:
        """judgement: such an ERP stands behind a web server, whose errors are pages."""
        page = f"<html><head><title>{status}</title></head><body><h1>{status} - simulated</h1></body></html>"
        return Response(page, status=status, mimetype="text/html")

    def _is_hit(self, request: Request) -> bool:
        """`writes_only` leaves alone what is posted only to ask; and hits Commerceup's calls, GET or not."""
        if not self.dials.writes_only:
            return super()._is_hit(request)
        asks = request.method in {"GET", "HEAD", "OPTIONS"} and commerceup.find_call(request.path) is None
        if asks or request.path in READING_POSTS:
            return False
        return re.search(self.dials.match, f"{request.method} {request.path}") is not None

    # state and control plane -----------------------------------------------------------------------------------------
    def dump(self) -> dict[str, Any]:
        return {"credentials": self.credentials, "books": self.books.dump()}

    def load(self, state: dict[str, Any]) -> None:
        self.credentials = state["credentials"]
        self.gate = Gate(self.credentials)
        self.books.load(state["books"])

    def sim_catalogue(self, products: list[dict[str, Any]]) -> int:
        with self._office():
            return sum(self.books.add_product(product) for product in products)

    def sim_shipment(self, shipment: dict[str, Any]) -> dict[str, Any]:
        with self._office():
            lines = [{"code": one["sku"], "quantity": one["quantity"]} for one in shipment.get("lines") or ()]
            made = self.books.ship(str(shipment["order"]), lines, shipment.get("tracking") or "")
            return {"id": made["no"], "order": made["order"]}

    def sim_invoice(self, invoice: dict[str, Any]) -> dict[str, Any]:
        with self._office():
            made = self.books.invoice(str(invoice["order"]))
            return {"id": made["no"], "order": made["order"], "total": made["total"]}

    def sim_cancellation(self, cancellation: dict[str, Any]) -> dict[str, Any]:
        with self._office():
            made = self.books.cancel(str(cancellation["order"]))
            return {"id": made["no"], "state": state_of(made)}

    def fact_orders(self) -> Iterable[dict[str, Any]]:
        for one in self.books.orders.values():
            lines = [
                {"sku": line["code"], "quantity": line["quantity"], "total": line["amount"]} for line in one["lines"]
            ]
            yield {"id": one["no"], "number": one["no"], "reference": one["reference"], "state": state_of(one),
                   "currency": one["currency"], "total": money(total_of(one)), "lines": lines}  # fmt: skip

    def fact_refunds(self) -> Iterable[dict[str, Any]]:
        for one in self.books.returns.values():
            lines = [{"sku": line["code"], "quantity": line["quantity"]} for line in one["lines"]]
            yield {"id": one["no"], "order": one["order"], "reference": one["reference"], "amount": one["total"],
                   "lines": lines}  # fmt: skip

    def fact_stock(self) -> Iterable[dict[str, Any]]:
        for code in self.books.items:
            yield {"sku": code, "quantity": plain(self.books.available(code))}

    def fact_shipments(self) -> Iterable[dict[str, Any]]:
        for one in self.books.shipments.values():
            lines = [{"sku": line["code"], "quantity": line["quantity"]} for line in one["lines"]]
            yield {"id": one["no"], "order": one["order"], "tracking": one["tracking"], "lines": lines}

    def fact_invoices(self) -> Iterable[dict[str, Any]]:
        for one in self.books.invoices.values():
            yield {"id": one["no"], "order": one["order"], "total": one["total"]}

    @contextmanager
    def _office(self) -> Iterator[None]:
        try:
            yield
        except Refusal as error:
            raise ControlError(f"{error.code}: {error.message}", 404 if error.code == UNKNOWN_ORDER else 400) from error
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise ControlError(f"{type(error).__name__}: {error}") from error


def _unauthorized() -> HTTPException:
    page = "<html><head><title>401</title></head><body><h1>401 - Unauthorized</h1></body></html>"
    return HTTPException(response=Response(page, 401, {"WWW-Authenticate": "Basic"}, mimetype="text/html"))
