"""A toy back office over real HTTP, its connector, and the handlers that stand where orders would."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

from integrations.contract import records as r
from integrations.contract.connector import Connector, Field, Idempotency, RateLimit, Role, Safety
from integrations.models import Command

PLACED_AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SECRET = "toy-secret-4711"


class ToyConnector(Connector):
    """POST /orders creates, GET /orders?reference= searches; nothing is unique there."""

    key = "toy"
    label = "Toy ERP"
    docs_url = "https://example.org/toy"
    roles = frozenset({Role.BACK_OFFICE})
    credential_fields = (Field(name="token", label="Token", kind="secret"),)
    settings_fields = (Field(name="url", label="Address", kind="url"),)
    rate_limit = RateLimit(per_second=1000, burst=1000)
    idempotency = {"create_order": Idempotency(safety=Safety.SEARCH)}

    @classmethod
    def base_url(cls, credentials: Any, settings: Any) -> str:
        return str(settings["url"])

    def check(self) -> r.CheckResult:
        return r.CheckResult(account="Toy")

    def create_order(self, document: r.OrderDocument) -> r.CommandResult:
        body = {"reference": document.reference, "total": str(document.total), "lines": len(document.lines)}
        answer = self.http.post("/orders", json=body, headers={"Authorization": f"Bearer {self.credentials['token']}"})
        answer.raise_for_status()
        return _result(answer.json())

    def find_order(self, reference: str) -> Sequence[r.CommandResult]:
        answer = self.http.get("/orders", params={"reference": reference})
        answer.raise_for_status()
        return [_result(row) for row in answer.json()]


def _result(row: dict[str, Any]) -> r.CommandResult:
    return r.CommandResult(
        external_id=str(row["id"]), number=f"T{row['id']}", total=Decimal(row["total"]), line_count=row["lines"]
    )


class ToyErp:
    """The far side. `faults` are used up one a POST: a status, or a word of `_post`."""

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []
        self.faults: list[str] = []
        self.posts = 0
        self.lock = threading.Lock()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        if request.method == "GET":
            wanted = request.args.get("reference")
            return _json([row for row in self.orders if row["reference"] == wanted])(environ, start_response)
        return self._post(request)(environ, start_response)

    def _post(self, request: Request) -> Response:
        with self.lock:
            self.posts += 1
            fault = self.faults.pop(0) if self.faults else ""
        if fault.isdigit():
            return Response("no", status=int(fault), headers={"Retry-After": "7"})
        if fault == "time-out before":
            time.sleep(1.5)
            return Response(status=500)
        row = self.add(json.loads(request.data))
        if fault == "time-out after":
            time.sleep(1.5)
        if fault == "500 after":
            return Response("broken", status=500)
        if fault == "html after":
            return Response("<html>log in</html>")
        if fault == "other total":
            row["total"] = "99.00"
        return _json(row)

    def add(self, values: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            row = {**values, "id": len(self.orders) + 1}
            self.orders.append(row)
        return row


def _json(value: Any) -> Response:
    return Response(json.dumps(value), content_type="application/json")


class _Quiet(WSGIRequestHandler):
    def log(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serve(erp: Any) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, erp, threaded=True, request_handler=_Quiet)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


# --- the handlers SYNC_HANDLERS names in these tests

settled: list[tuple[str, str]] = []


def build(*, command: Command, at: datetime) -> r.OrderDocument:
    line = r.OrderDocumentLine(key="1", quantity=Decimal(2), unit_price=Decimal("6.25"), gross=Decimal("12.50"))
    return r.OrderDocument(
        reference=command.reference, currency="GBP", total=Decimal("12.50"), placed_at=PLACED_AT, lines=(line,)
    )


def settle(*, command: Command, result: r.CommandResult | None, at: datetime) -> None:
    settled.append((command.reference, command.state))


HANDLERS = {"order": {"build": f"{__name__}.build", "settle": f"{__name__}.settle"}}
