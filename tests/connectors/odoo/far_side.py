"""An Odoo that says what a test tells it to, over HTTP; every request must be one the documented server understands."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from integrations.connectors.odoo.connector import Odoo
from integrations.contract.http import HttpClient
from tests.connectors.odoo import spec

SCRIPT_KEY = "script-api-key"


class Fault:
    """An answer that is not a plain 200 with JSON."""

    def __init__(self, status: int, body: Any, content_type: str = "application/json") -> None:
        self.status, self.content_type = status, content_type
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()


def odoo_error(status: int, name: str, message: str) -> Fault:
    """The body JSON-2 sends for an exception (external_api.html, "Error")."""
    error = {"name": name, "message": message, "arguments": [message], "context": {}, "debug": f"Traceback: {name}"}
    return Fault(status, error)


class FarSide:
    def __init__(self) -> None:
        self.answers: dict[str, list[Any]] = defaultdict(list)
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.faults: list[str] = []
        self.headers: list[dict[str, str]] = []

    def says(self, call: str, *answers: Any) -> FarSide:
        """`call`: "sale.order.create"; one answer a call."""
        self.answers[call] += answers
        return self

    def bodies(self, call: str) -> list[dict[str, Any]]:
        return [body for name, body in self.requests if name == call]

    @property
    def calls(self) -> list[str]:
        return [name for name, _ in self.requests]

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        self.headers.append({name.lower(): value for name, value in request.headers})
        if request.method == "GET":
            call, body = request.path, {}
        else:
            _, _, _, model, method = request.path.split("/")
            call, body = f"{model}.{method}", json.loads(request.get_data())
            if spec.LIVE_DOC.exists():
                self.faults += spec.request_faults(model, method, body)
        self.requests.append((call, body))
        if not self.answers[call]:
            answer: Any = odoo_error(404, "werkzeug.exceptions.NotFound", f"the script has no answer to {call}")
            self.faults.append(f"unexpected call {call}")
        else:
            answer = self.answers[call].pop(0)
        fault = answer if isinstance(answer, Fault) else Fault(200, answer)
        response = Response(fault.body, status=fault.status, content_type=fault.content_type)
        return response(environ, start_response)


@contextmanager
def scripted(far: FarSide, **settings: Any) -> Iterator[Odoo]:
    """A connector that talks to `far`; afterwards every request was understood and every answer used."""
    server = make_server("127.0.0.1", 0, far, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        http = HttpClient(base_url=address, allowed_private=frozenset({("127.0.0.1", server.server_port)}))
        yield Odoo(
            http=http, credentials={"api_key": SCRIPT_KEY}, settings={"url": address, "database": "shop", **settings}
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert far.faults == [], far.faults
    assert {call: left for call, left in far.answers.items() if left} == {}
