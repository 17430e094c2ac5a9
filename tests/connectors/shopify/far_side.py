"""A shop whose answers are written down: each operation answers what is next in its list, the last of it for ever."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request, Response

from integrations.connectors.shopify.connector import Shopify
from integrations.contract.http import HttpClient
from tests.connectors.shopify import spec
from tests.contract.far_side import serve_wsgi

CREDENTIALS = {"client_id": "app", "client_secret": "hush", "access_token": "shpat_1"}


@dataclass
class Shop:
    """`asked` holds (operation, variables) of what came, in order; `faults` what the schema says against it."""

    answers: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def says(self, operation: str, *answers: Any) -> None:
        """Each is the `data`; or a whole body with `errors`; or an HTTP Response."""
        self.answers[operation] += answers

    def of(self, operation: str) -> list[dict[str, Any]]:
        return [variables for name, variables in self.asked if name == operation]

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        self.paths.append(request.path)
        self.headers.append(dict(request.headers.items()))
        if request.path.endswith("/oauth/access_token"):
            self.asked.append(("token", request.form.to_dict()))
            return self._next("token")(environ, start_response)
        body = json.loads(request.get_data())
        found = re.search(r"(?:query|mutation) (\w+)", body["query"])
        assert found
        self.asked.append((found[1], body["variables"]))
        if spec.FILE.is_file():
            self.faults += spec.request_faults(body["query"], body["variables"])
        return self._next(found[1])(environ, start_response)

    def _next(self, operation: str) -> Response:
        listed = self.answers[operation]
        answer = listed.pop(0) if len(listed) > 1 else listed[0]
        if isinstance(answer, Response):
            return answer
        body = answer if "errors" in answer or operation == "token" else {"data": answer}
        return Response(json.dumps(body, default=str), content_type="application/json; charset=utf-8")


@contextmanager
def open_shop(credentials: dict[str, str] | None = None, **settings: Any) -> Iterator[tuple[Shop, Shopify]]:
    shop = Shop()
    with serve_wsgi(shop) as address:
        port = int(address.rpartition(":")[2])
        http = HttpClient(base_url=address, allowed_private=frozenset({("127.0.0.1", port)}))
        given = CREDENTIALS if credentials is None else credentials
        try:
            yield shop, Shopify(http=http, credentials=given, settings={"url": address, **settings})
        finally:
            http.close()
    assert shop.faults == []
