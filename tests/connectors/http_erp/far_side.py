"""An ERP that answers as a test says, over real HTTP, and keeps what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from werkzeug import Request, Response

from integrations.connectors.http_erp.connector import HttpErp
from integrations.contract.http import Exchange, HttpClient
from tests.contract.far_side import serve_wsgi


@dataclass
class Asked:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = tuple[int, Any]


@dataclass
class RawErp:
    """`answer(asked)` gives (status, body): bytes as they are, anything else as JSON."""

    answer: Callable[[Asked], Answer]
    asked: list[Asked] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        asked = Asked(
            request.method, request.path, request.query_string.decode(),
            {name.lower(): value for name, value in request.headers.items()}, request.get_data(as_text=True),
        )  # fmt: skip
        self.asked.append(asked)
        status, body = self.answer(asked)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Response(content, status=status)(environ, start_response)


@dataclass
class Speaking:
    erp: RawErp
    connector: HttpErp
    exchanges: list[Exchange]

    @property
    def last(self) -> Asked:
        return self.erp.asked[-1]


@contextmanager
def speaking(
    answer: Callable[[Asked], Answer] | Answer, settings: dict[str, Any], **credentials: str
) -> Iterator[Speaking]:
    """A connector with these settings, and the ERP it speaks with; a pair is its answer to everything."""
    erp = RawErp(answer if callable(answer) else lambda _: answer)
    exchanges: list[Exchange] = []
    with serve_wsgi(erp) as address:
        settings = {"url": address, "auth": "none", **settings}
        http = HttpClient(
            base_url=HttpErp.base_url(credentials, settings), deadline=5,
            allowed_private=frozenset({("127.0.0.1", int(address.rpartition(":")[2]))}),
            on_exchange=exchanges.append, secrets=list(credentials.values()),
        )  # fmt: skip
        yield Speaking(erp, HttpErp(http=http, credentials=credentials, settings=settings), exchanges)
