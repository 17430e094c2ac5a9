"""What every simulator shares: the dials that make it fail, the neutral control plane, the journal and the server."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import random
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from integrations.simulators.base_webhooks import WebhookSender

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LOGIN_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Log in</title></head><body>"
    '<form method="post"><input name="user"><input name="password" type="password"></form></body></html>\n'
)
FACTS = ("orders", "refunds", "stock", "shipments", "invoices")
BEFORE = ("timeout_before_commit", "late_commit", "html_200")
AFTER = ("error_after_commit", "timeout_after_commit", "html_200_after_commit", "truncate", "slow_drip")
PROBABILITIES = (*BEFORE, *AFTER, "webhook_duplicate", "webhook_reorder", "webhook_drop")


class ControlError(Exception):
    """A request of the control plane that cannot be done; `message` says why."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(kw_only=True)
class Dials:
    """How a simulator misbehaves. Probabilities are 0…1, times in seconds; the default is a good day.

    `match` is a regular expression searched in "METHOD path" (empty: every request); it and `writes_only` limit all
    dials of requests but `rate_limit_per_second`. A request is hit by one dial at most, besides latency.
    """

    seed: int = 1
    match: str = ""
    writes_only: bool = False
    latency_seconds: float = 0.0
    status: dict[str, float] = field(default_factory=dict)
    retry_after: str = "1"
    error_after_commit: float = 0.0
    timeout_before_commit: float = 0.0
    timeout_after_commit: float = 0.0
    timeout_seconds: float = 35.0
    late_commit: float = 0.0
    late_commit_seconds: float = 2.0
    search_lag_seconds: float = 0.0
    slow_drip: float = 0.0
    drip_seconds: float = 0.05
    truncate: float = 0.0
    html_200: float = 0.0
    html_200_after_commit: float = 0.0
    webhook_duplicate: float = 0.0
    webhook_reorder: float = 0.0
    webhook_drop: float = 0.0
    webhook_delay_seconds: float = 0.0
    rate_limit_per_second: float = 0.0

    def merge(self, values: Mapping[str, Any]) -> None:
        """Take over the named dials, all or none; ControlError for unknown names and impossible values."""
        checked = {name: self._check(name, value) for name, value in values.items()}
        for name, value in checked.items():
            setattr(self, name, value)

    def _check(self, name: str, value: Any) -> Any:
        kinds = {f.name: f.type for f in fields(self)}
        if name not in kinds:
            raise ControlError(f"There is no dial {name}.")
        if name == "status":
            if not isinstance(value, dict):
                raise ControlError("status takes an object: HTTP status to probability.")
            for status, probability in value.items():
                if not re.fullmatch(r"[1-5]\d\d", str(status)):
                    raise ControlError(f"status: {status} is no HTTP status.")
                _check_number(f"status {status}", probability, 1.0)
            return {str(status): float(probability) for status, probability in value.items()}
        if kinds[name] == "bool":
            if not isinstance(value, bool):
                raise ControlError(f"{name} takes true or false.")
            return value
        if kinds[name] == "str":
            if name == "match":
                _check_pattern(str(value))
            return str(value)
        _check_number(name, value, 1.0 if name in PROBABILITIES else float("inf"))
        return int(value) if kinds[name] == "int" else float(value)


def _check_number(name: str, value: Any, highest: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= highest:
        raise ControlError(f"{name} takes a number from 0{' to 1' if highest == 1.0 else ''}.")


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ControlError(f"match is no regular expression: {error}") from error


class Simulator:
    """A WSGI application that stands in for one platform's HTTP API. A platform's class fills:

    - `platform`, `credentials` (by the names of the connector's credential fields) and `handle(request)`, called with
      `self.lock` held;
    - the hooks of the control plane it can serve: `sim_…` and `fact_…` below, also called with the lock held;
    - `dump()` and `load(state)`, JSON in and out, for `state_path`;
    - `fault_response(status)`, how this platform words an error of its own making.

    A class's `__init__` calls `super().__init__` first and `self.restore()` last. The simulator keeps records as it
    likes; where lists and searches honour search lag it asks `self.is_visible(changed_at)`.
    """

    platform: ClassVar[str]
    credentials: dict[str, str]
    dials: Dials

    def __init__(self, *, seed: int = 1, state_path: Path | None = None) -> None:
        self.credentials = {}
        self.dials = Dials(seed=seed)
        self.rng = random.Random(seed)
        self.lock = threading.RLock()
        self.webhooks = WebhookSender(self.dials, random.Random(seed))
        self.base_url = ""  # where it is served; set by serve()
        self.journal: deque[dict[str, Any]] = deque(maxlen=200)
        self._state_path = state_path
        self._save_timer: threading.Timer | None = None
        self._save_pause = 1.0
        self._late: set[threading.Timer] = set()
        self._bucket = (0.0, time.monotonic())
        self._closed = False

    # what a platform fills ------------------------------------------------------------------------------------------
    def handle(self, request: Request) -> Response:
        """Answer one request of the platform's API."""
        raise NotImplementedError

    def fault_response(self, status: int) -> Response:
        """An error as this platform words it; headers such as Retry-After are added to it."""
        return json_response({"error": f"Simulated {status}"}, status)

    def dump(self) -> dict[str, Any]:
        """The whole state as JSON."""
        return {}

    def load(self, state: dict[str, Any]) -> None:
        """Take over what `dump` gave."""

    def sim_catalogue(self, products: list[dict[str, Any]]) -> int:
        """Create products; the number created. Each: {"code", "name", "description", "axes": [{"name", "values"}],
        "variants": [{"sku", "barcode", "name", "options": {axis: value}, "price": "1.00", "stock": "12"}]}."""
        self._not_offered("catalogue")

    def sim_order(self, order: dict[str, Any]) -> dict[str, Any]:
        """A buyer orders; {"id", "number", "total"}. Given: {"customer": {"external_ref", "name", "email", "phone",
        "address", "country"} | null, "lines": [{"sku", "quantity", "price"}], "shipping", "tax_rate", "payment",
        "paid", "placed_at": ISO | null, "number": str | null}."""
        self._not_offered("orders")

    def sim_refund(self, refund: dict[str, Any]) -> dict[str, Any]:
        """The shop refunds {"order", "lines": [{"index", "quantity", "amount"}], "reason", "restock"};
        {"id", "amount"}."""
        self._not_offered("refunds")

    def sim_cancellation(self, cancellation: dict[str, Any]) -> dict[str, Any]:
        """The order {"order": id} is cancelled there; {"id", "state"}."""
        self._not_offered("cancellations")

    def sim_shipment(self, shipment: dict[str, Any]) -> dict[str, Any]:
        """The goods leave the back office: {"order", "lines": null | [{"sku", "quantity"}], "tracking"}; {"id", …}."""
        self._not_offered("shipments")

    def sim_invoice(self, invoice: dict[str, Any]) -> dict[str, Any]:
        """The back office bills {"order": id}; {"id", …}."""
        self._not_offered("invoices")

    def fact_orders(self) -> Iterable[dict[str, Any]]:
        """{"id", "number", "reference", "state", "currency", "total", "lines": [{"sku", "quantity", "total"}]}"""
        self._not_offered("facts/orders")

    def fact_refunds(self) -> Iterable[dict[str, Any]]:
        """{"id", "order", "reference", "amount", "lines": […]}"""
        self._not_offered("facts/refunds")

    def fact_stock(self) -> Iterable[dict[str, Any]]:
        """{"sku", "quantity"}: what can still be sold."""
        self._not_offered("facts/stock")

    def fact_shipments(self) -> Iterable[dict[str, Any]]:
        self._not_offered("facts/shipments")

    def fact_invoices(self) -> Iterable[dict[str, Any]]:
        self._not_offered("facts/invoices")

    def _not_offered(self, what: str) -> NoReturn:
        raise ControlError(f"The {self.platform} simulator has no {what}.", 404)

    # helpers for platforms ------------------------------------------------------------------------------------------
    def now(self) -> datetime:
        """The simulator's clock, UTC."""
        return datetime.now(UTC)

    def is_visible(self, changed_at: float) -> bool:
        """Whether lists and searches show a record changed at `changed_at` (time.time()) yet."""
        lag = self.dials.search_lag_seconds
        return lag <= 0 or time.time() - changed_at >= lag

    def changed(self) -> None:
        """Have the state saved within a second or so. Writes and control-plane posts do this by themselves."""
        with self.lock:
            if self._state_path is None or self._save_timer is not None or self._closed:
                return
            self._save_timer = threading.Timer(self._save_pause, self.save)
            self._save_timer.daemon = True
            self._save_timer.start()

    def save(self) -> None:
        """Write the state now, whole or not at all."""
        started = time.monotonic()
        with self.lock:
            self._save_timer = None
            if self._state_path is None:
                return
            text = json.dumps(self.dump())
            partial = self._state_path.with_name(self._state_path.name + ".part")
            partial.write_text(text, encoding="utf-8")
            os.replace(partial, self._state_path)
            # A large state takes long to write with the lock held: then save more rarely.
            self._save_pause = max(1.0, 5 * (time.monotonic() - started))

    def restore(self) -> None:
        """Load the saved state, where there is one."""
        if self._state_path is not None and self._state_path.exists():
            self.load(json.loads(self._state_path.read_text(encoding="utf-8")))

    def close(self) -> None:
        """Stop the webhooks and what is still to happen late, and save."""
        with self.lock:
            self._closed = True
            pending, self._save_timer = self._save_timer, None
            for timer in self._late:
                timer.cancel()
        self.webhooks.close()
        if pending is not None:
            pending.cancel()
            self.save()

    # WSGI -----------------------------------------------------------------------------------------------------------
    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        if request.path == "/_sim" or request.path.startswith("/_sim/"):
            return self._control(request)(environ, start_response)
        request.get_data(cache=True)  # whatever happens next, the request has arrived whole
        started = time.monotonic()
        entry: dict[str, Any] = {"at": self.now().isoformat(), "method": request.method, "path": request.path}
        entry |= {"status": None, "dial": ""}
        self.journal.append(entry)
        try:
            response = self._answer(request, entry)
        finally:
            entry["elapsed_ms"] = int((time.monotonic() - started) * 1000)
        entry["status"] = response.status_code
        return response(environ, start_response)

    def _answer(self, request: Request, entry: dict[str, Any]) -> Response:
        dial = entry["dial"] = self._draw(request)
        if self._is_hit(request) and self.dials.latency_seconds:
            time.sleep(self.dials.latency_seconds)
        if self._over_limit():
            entry["dial"] = "rate_limit_per_second"
            return self._refuse(429)
        if dial.isdecimal():
            return self._refuse(int(dial))
        if dial == "html_200":
            return Response(LOGIN_PAGE, mimetype="text/html")
        if dial == "timeout_before_commit":
            self._hang_up(request, self.dials.timeout_seconds)
        if dial == "late_commit":
            self._commit_later(request)
            self._hang_up(request, 0.0)
        response = self._handle(request)
        if dial == "error_after_commit":
            return self._refuse(500)
        if dial == "html_200_after_commit":
            return Response(LOGIN_PAGE, mimetype="text/html")
        if dial == "timeout_after_commit":
            self._hang_up(request, self.dials.timeout_seconds)
        if dial == "truncate":
            return _cut(response)
        if dial == "slow_drip":
            return _drip(response, self.dials.drip_seconds)
        return response

    def _handle(self, request: Request) -> Response:
        with self.lock:
            try:
                response = self.handle(request)
            except HTTPException as error:
                return Response.force_type(error.get_response(request.environ))
            finally:
                if request.method not in {"GET", "HEAD", "OPTIONS"}:
                    self.changed()
            return response

    def _is_hit(self, request: Request) -> bool:
        if self.dials.writes_only and request.method in {"GET", "HEAD", "OPTIONS"}:
            return False
        return re.search(self.dials.match, f"{request.method} {request.path}") is not None

    def _draw(self, request: Request) -> str:
        """The dial that hits this request: an HTTP status, the name of a dial, or ''."""
        if not self._is_hit(request):
            return ""
        chances = [*self.dials.status.items(), *((name, getattr(self.dials, name)) for name in (*BEFORE, *AFTER))]
        with self.lock:
            for name, probability in chances:
                if probability and self.rng.random() < probability:
                    return name
        return ""

    def _over_limit(self) -> bool:
        """A bucket of one second's worth of requests."""
        rate = self.dials.rate_limit_per_second
        if rate <= 0:
            return False
        with self.lock:
            level, then = self._bucket
            now = time.monotonic()
            level = max(0.0, level - (now - then) * rate)
            full = level + 1 > max(1.0, rate)
            self._bucket = (level if full else level + 1, now)
            return full

    def _refuse(self, status: int) -> Response:
        response = self.fault_response(status)
        if status in {429, 503} and self.dials.retry_after:
            response.headers["Retry-After"] = self.dials.retry_after
        return response

    def _commit_later(self, request: Request) -> None:
        def commit() -> None:
            with self.lock:
                self._late.discard(timer)
                if self._closed:
                    return
            self._handle(request)

        timer = threading.Timer(self.dials.late_commit_seconds, commit)
        timer.daemon = True
        with self.lock:
            self._late.add(timer)
        timer.start()

    def _hang_up(self, request: Request, seconds: float) -> NoReturn:
        """Close the connection without an answer: werkzeug takes a ConnectionError for a client that left."""
        time.sleep(seconds)
        line = request.environ.get("werkzeug.socket")
        if line is not None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError("hung up on purpose")

    # control plane --------------------------------------------------------------------------------------------------
    def _control(self, request: Request) -> Response:
        address = request.remote_addr or "127.0.0.1"
        if not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
            return json_response({"error": "The control plane answers on loopback only."}, 403)
        path = request.path.removeprefix("/_sim").strip("/")
        try:
            with self.lock:
                return self._route(request.method, path, request)
        except ControlError as error:
            return json_response({"error": error.message}, error.status)

    def _route(self, method: str, path: str, request: Request) -> Response:
        if path == "dials" and method in {"GET", "PUT"}:
            if method == "PUT":
                self._set_dials(_body(request, dict))
            return json_response(asdict(self.dials))
        if path == "requests" and method == "GET":
            return json_response(list(self.journal))
        if method == "GET" and path.removeprefix("facts/") in FACTS and path.startswith("facts/"):
            rows = getattr(self, "fact_" + path.removeprefix("facts/"))()
            return Response("".join(json.dumps(row) + "\n" for row in rows), mimetype="application/x-ndjson")
        if method == "POST":
            return self._act(path, request)
        raise ControlError(f"There is no {method} /_sim/{path}.", 404)

    def _act(self, path: str, request: Request) -> Response:
        if path == "catalogue":
            products = _body(request, dict).get("products")
            if not isinstance(products, list):
                raise ControlError('catalogue takes {"products": […]}.')
            answer: Any = {"created": self.sim_catalogue(products)}
        else:
            hooks = {"orders": self.sim_order, "refunds": self.sim_refund, "cancellations": self.sim_cancellation}
            hooks |= {"shipments": self.sim_shipment, "invoices": self.sim_invoice}
            if path not in hooks:
                raise ControlError(f"There is no POST /_sim/{path}.", 404)
            answer = hooks[path](_body(request, dict))
        self.changed()
        return json_response(answer, 201)

    def _set_dials(self, values: dict[str, Any]) -> None:
        self.dials.merge(values)
        if "seed" in values:
            self.rng.seed(self.dials.seed)


def json_response(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON, without escapes for what UTF-8 can say."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status=status, headers=dict(headers or {}), content_type="application/json; charset=utf-8")


def _body(request: Request, kind: type[dict[str, Any]]) -> dict[str, Any]:
    try:
        data = json.loads(request.get_data())
    except ValueError as error:
        raise ControlError(f"The body is not JSON: {error}") from error
    if not isinstance(data, kind):
        raise ControlError("The body must be a JSON object.")
    return data


def _cut(response: Response) -> Response:
    """Half the body under the Content-Length of the whole."""
    body = response.get_data()
    response.set_data(body[: len(body) // 2])
    response.automatically_set_content_length = False
    response.headers["Content-Length"] = str(len(body))
    return response


def _drip(response: Response, pause: float) -> Response:
    body = response.get_data()

    def bytes_one_by_one() -> Iterator[bytes]:
        for position in range(len(body)):
            time.sleep(pause)
            yield body[position : position + 1]

    response.response = bytes_one_by_one()
    response.headers["Content-Length"] = str(len(body))
    return response


class _QuietHandler(WSGIRequestHandler):
    """The journal is the log."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


@contextlib.contextmanager
def serve(sim: Simulator, port: int = 0, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve `sim` from threads while the block runs; gives its base address. Port 0 takes a free one."""
    server = make_server(host, port, sim, threaded=True, request_handler=_QuietHandler)
    sim.base_url = f"http://{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield sim.base_url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        sim.close()
