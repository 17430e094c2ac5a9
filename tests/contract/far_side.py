"""The far side of the contract suite: a served simulator, and what is done to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Any

import pytest
import requests
from werkzeug.serving import make_server

from integrations.contract.connector import Connector
from integrations.contract.http import Exchange
from integrations.contract.records import Page

MOST_PAGES = 60


@dataclass
class FarSide:
    """A simulator that is served on loopback, and a connector that speaks with it."""

    simulator: Any
    address: str
    connector: Connector
    exchanges: list[Exchange] = field(default_factory=list)

    def control(self, path: str, body: Any, method: str = "POST") -> Any:
        answer = requests.request(method, f"{self.address}/_sim/{path}", json=body, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def dial(self, **dials: Any) -> None:
        self.control("dials", dials, "PUT")


class FirstAnswers:
    """A WSGI application that, once active, repeats its first answer to each method and path, whatever the query.
    `tell_apart` is asked what a body calls, where one path serves all calls."""

    def __init__(self, app: Any, tell_apart: Callable[[bytes], str] = lambda body: "") -> None:
        self.app = app
        self.tell_apart = tell_apart
        self.credentials = app.credentials
        self.active = False
        self._answers: dict[tuple[str, str, str], tuple[str, list[tuple[str, str]], bytes]] = {}
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(sent)
        is_control = environ["PATH_INFO"].startswith("/_sim/")
        key = (environ["REQUEST_METHOD"], environ["PATH_INFO"], "" if is_control else self.tell_apart(sent))
        if not self.active or is_control:
            body: Any = self.app(environ, start_response)
            return body  # type: ignore[no-any-return]  # WSGI has no type here
        with self._lock:
            if key not in self._answers:
                kept: list[Any] = []
                chunks = self.app(environ, lambda status, headers, *a: kept.extend((status, headers)))
                self._answers[key] = (kept[0], kept[1], b"".join(chunks))
            status, headers, content = self._answers[key]
        start_response(status, headers)
        return [content]


def walk(
    pull: Callable[[datetime | None, str], Page[Any]],
    since: datetime | None = None,
    *,
    between: Callable[[Page[Any]], None] | None = None,
    changes: int = 0,
) -> list[Page[Any]]:
    """Every page of a pull; a cursor that comes twice, or more than MOST_PAGES pages, fail. `between` runs after each
    of the first `changes` pages."""
    pages, cursors, cursor = list[Page[Any]](), set[str](), ""
    while len(pages) < MOST_PAGES:
        page = pull(since, cursor)
        pages.append(page)
        assert not page.failed, page.failed
        cursor = page.cursor
        if not cursor:
            return pages
        assert cursor not in cursors, f"PAGINATION_LOOP: {cursor} comes twice"
        cursors.add(cursor)
        if between and len(pages) <= changes:
            between(page)
    pytest.fail(f"{MOST_PAGES} pages, and no end")


def build_product(sku: str) -> dict[str, Any]:
    """A product of one article, in the words of the simulators' control plane."""
    article = {"sku": sku, "barcode": "", "name": "", "options": {}, "price": "9.90", "stock": "12"}
    return {"code": sku, "name": f"Article {sku}", "description": "", "axes": [], "variants": [article]}


@contextmanager
def serve_wsgi(app: Any) -> Iterator[str]:
    """A threaded server of `app` on loopback; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
