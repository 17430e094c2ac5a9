"""A platform small enough to prove the contract suite with: a connector and the server it speaks with."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs

from requests.auth import HTTPBasicAuth

from integrations.contract import records as r
from integrations.contract.connector import Connector, Field, Idempotency, Role, Safety
from integrations.contract.errors import NotFound, WebhookRejected

Row = dict[str, Any]


class Toy(Connector):
    key = "toy"
    label = "Toy"
    docs_url = "https://toy.example.com/docs"
    roles = frozenset({Role.STORE})
    credential_fields = (Field(name="user", label="User"), Field(name="secret", label="Secret", kind="secret"))
    settings_fields = (Field(name="url", label="Address", kind="url"),)
    idempotency: ClassVar[Mapping[str, Idempotency]] = {"create_order": Idempotency(safety=Safety.SEARCH)}
    page_size = 50

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.http.use(auth=HTTPBasicAuth(self.credentials["user"], self.credentials["secret"]))

    @classmethod
    def base_url(cls, credentials: Mapping[str, str], settings: Mapping[str, Any]) -> str:
        return str(settings["url"])

    def _get(self, path: str, **params: Any) -> Any:
        response = self.http.get(path, params=params)
        response.raise_for_status()
        return response.json()

    def _write(self, method: str, path: str, body: Row) -> Any:
        response = self.http.request(method, path, json=body)
        response.raise_for_status()
        return response.json()

    def check(self) -> r.CheckResult:
        return r.CheckResult(account=self._get("me")["name"])

    def _list(self, since: datetime | None, cursor: str) -> tuple[list[Row], str, datetime | None]:
        """By id, above the cursor's: a row that changes stays at its place. `since` of the next pull is the first's."""
        last, _, newest = cursor.partition("@")
        known = since.isoformat() if since else ""
        body = self._get("products", after=last or "0", since=known, limit=self.page_size)
        rows, following = body["rows"], newest or body["newest"]
        more = f"{rows[-1]['id']}@{following}" if len(rows) == self.page_size else ""
        return rows, more, None if more or not following else datetime.fromisoformat(following)

    def pull_products(self, since: datetime | None, cursor: str) -> r.Page[r.ProductRecord]:
        rows, more, following = self._list(since, cursor)
        records = tuple(
            r.ProductRecord(
                external_id=str(row["id"]), name=row["sku"], updated_at=datetime.fromisoformat(row["at"]),
                variants=(r.VariantRecord(external_id=str(row["id"]), sku=row["sku"]),),
            )
            for row in rows
        )  # fmt: skip
        return r.Page(records=records, cursor=more, since=following)

    def pull_stock(self, since: datetime | None, cursor: str) -> r.Page[r.StockRow]:
        rows, more, following = self._list(since, cursor)
        stock = tuple(r.StockRow(str(row["id"]), "", row["stock"]) for row in rows)
        return r.Page(records=stock, cursor=more, since=following)

    def push_stock(self, items: Sequence[r.StockPush]) -> Sequence[r.PushResult]:
        results = []
        for item in items:
            try:
                self._write("PUT", f"products/{item.external_id}", {"stock": str(item.quantity)})
                results.append(r.PushResult(key=item.key, outcome=r.PushOutcome.SENT))
            except NotFound as error:
                results.append(r.PushResult(key=item.key, outcome=r.PushOutcome.REFUSED, message=error.message))
        return results

    def create_order(self, document: r.OrderDocument) -> r.CommandResult:
        return r.CommandResult(external_id=str(self._write("POST", "orders", {"ref": document.reference})["id"]))

    def find_order(self, reference: str) -> Sequence[r.CommandResult]:
        return [r.CommandResult(external_id=str(row["id"])) for row in self._get("orders", ref=reference)]

    def receive_webhook(self, request: r.WebhookRequest) -> r.WebhookAnswer:
        given = request.headers.get("x-toy-signature", "").encode()
        if not hmac.compare_digest(given, sign(self.credentials["secret"], request.body)):
            raise WebhookRejected("The delivery is not signed with this connection's secret.")
        key = hashlib.sha256(request.body).hexdigest()
        event = r.WebhookEvent(
            stream="order", external_id=str(json.loads(request.body)["id"]), topic="order", dedupe_key=key
        )
        return r.WebhookAnswer(events=(event,))


def sign(secret: str, body: bytes) -> bytes:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())


class ToySimulator:
    """Products and orders in memory, the control plane and the dials the suite turns."""

    def __init__(self) -> None:
        self.credentials = {"user": "ann", "secret": "t0y-s3cret/+word"}
        self.dials: Row = {}
        self.products: list[Row] = []
        self.orders: list[Row] = []
        self._lock = threading.RLock()

    def __call__(self, environ: Row, start_response: Callable[..., Any]) -> list[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].strip("/")
        body = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"null")
        if path.startswith("_sim/"):
            return self._answer(start_response, 200, self._control(path[5:], body))
        hit = self.dials if not self.dials.get("writes_only") or method != "GET" else {}
        for status in hit.get("status", {}):
            return self._answer(start_response, int(status), {"message": "dial"}, hit.get("retry_after"))
        if "timeout_before_commit" in hit:
            time.sleep(hit["timeout_seconds"])
            raise ConnectionAbortedError
        if "html_200" in hit:
            return self._answer(start_response, 200, None)
        basic = base64.b64encode(":".join(self.credentials.values()).encode()).decode()
        if environ.get("HTTP_AUTHORIZATION") != f"Basic {basic}":
            return self._answer(start_response, 401, {"message": "who?"})
        with self._lock:
            status, result = self._work(method, path, parse_qs(environ["QUERY_STRING"]), body)
        if "timeout_after_commit" in hit:
            time.sleep(hit["timeout_seconds"])
            raise ConnectionAbortedError
        if "error_after_commit" in hit:
            return self._answer(start_response, 502, {})
        return self._answer(
            start_response, status, None if "html_200_after_commit" in hit else result, cut="truncate" in hit
        )

    def _control(self, path: str, body: Any) -> Any:
        if path == "dials":
            self.dials.update(body)
            return self.dials
        for product in body["products"]:
            self._add(product["variants"][0]["sku"], product["variants"][0]["stock"])
        return {"created": len(body["products"])}

    def _add(self, sku: str, stock: str) -> None:
        with self._lock:
            at = datetime.now(UTC).isoformat()
            self.products.append({"id": len(self.products) + 1, "sku": sku, "stock": stock, "at": at})

    def _work(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        if path == "me":
            return 200, {"name": "ann"}
        if (method, path) == ("GET", "products"):
            after, since = int(query["after"][0]), query.get("since", [""])[0]
            rows = [p for p in self.products if p["id"] > after and p["at"] >= since][: int(query["limit"][0])]
            return 200, {"rows": rows, "newest": max((p["at"] for p in self.products), default="")}
        if method == "PUT":
            found = [p for p in self.products if str(p["id"]) == path.partition("/")[2]]
            for product in found:
                product["stock"] = body["stock"]
            return (200, found[0]) if found else (404, {"message": "no such product"})
        if method == "POST":
            self.orders.append({"id": len(self.orders) + 1, "ref": body["ref"]})
            return 201, self.orders[-1]
        return 200, [o for o in self.orders if o["ref"] == query["ref"][0]]

    @staticmethod
    def _answer(
        start_response: Callable[..., Any], status: int, body: Any, retry_after: Any = None, cut: bool = False
    ) -> list[bytes]:
        data = b"<html>Log in</html>" if body is None else json.dumps(body).encode()
        headers = [("Content-Length", str(len(data) + (40 if cut else 0)))]
        if retry_after:
            headers.append(("Retry-After", str(retry_after)))
        start_response(f"{status} Toy", headers)
        return [data]
