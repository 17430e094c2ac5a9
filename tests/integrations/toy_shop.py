"""A toy shop over real HTTP, and its connector."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from werkzeug import Request, Response

from integrations.contract import errors as e
from integrations.contract import records as r
from integrations.contract.connector import Connector, Field, RateLimit, Role

TOKEN, WEBHOOK_SECRET = "toy-shop-token-1", "toy-shop-webhooks"
FIRST_CHANGE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PAGE = 50


class ToyShopConnector(Connector):
    """Orders in pages of 50, stock as absolute figures, webhooks signed with HMAC-SHA256 in hex."""

    key = "toyshop"
    label = "Toy shop"
    docs_url = "https://example.org/toyshop"
    roles = frozenset({Role.STORE})
    credential_fields = (
        Field(name="token", label="Token", kind="secret"),
        Field(name="webhook_secret", label="Webhook secret", kind="secret"),
    )
    settings_fields = (Field(name="url", label="Address", kind="url"),)
    rate_limit = RateLimit(per_second=10_000, burst=10_000)
    webhook_topics = {"order": ("order.changed",), "product": ("product.changed",)}

    @classmethod
    def base_url(cls, credentials: Any, settings: Any) -> str:
        return str(settings["url"])

    def _ask(self, method: str, path: str, **kwargs: Any) -> Any:
        answer = self.http.request(method, path, headers={"Authorization": self.credentials["token"]}, **kwargs)
        answer.raise_for_status()
        return answer.json()

    def check(self) -> r.CheckResult:
        return r.CheckResult(account=self._ask("GET", "/me")["account"])

    def pull_orders(self, since: datetime | None, cursor: str) -> r.Page[r.OrderRecord]:
        params = {"since": since.isoformat() if since else "", "page": cursor}
        answer = self._ask("GET", "/orders", params=params)
        good = [row for row in answer["rows"] if "number" in row]
        failed = [
            r.FailedRecord(external_id=str(row["id"]), error="It has no number.", raw=row)
            for row in answer["rows"]
            if "number" not in row
        ]
        newest = max((_stamp(row) for row in answer["rows"]), default=None)
        return r.Page(
            records=tuple(map(parse_order, good)),
            failed=tuple(failed),
            cursor=answer["next"],
            since=newest,
            total=answer["total"],
        )

    def fetch_order(self, external_id: str) -> r.OrderRecord:
        return parse_order(self._ask("GET", f"/orders/{external_id}"))

    def push_stock(self, items: Sequence[r.StockPush]) -> Sequence[r.PushResult]:
        body = [{"key": item.key, "sku": item.external_id, "quantity": str(item.quantity)} for item in items]
        return [
            r.PushResult(
                key=row["key"],
                outcome=r.PushOutcome.SENT if row["ok"] else r.PushOutcome.REFUSED,
                message=row.get("message", ""),
            )
            for row in self._ask("POST", "/stock", json=body)
        ]

    def subscribe_webhooks(self, address: str, streams: Sequence[str]) -> Sequence[r.WebhookSubscription]:
        rows = self._ask("POST", "/webhooks", json={"address": address, "streams": list(streams)})
        return [r.WebhookSubscription(external_id=str(row["id"]), topic=row["topic"], address=address) for row in rows]

    def receive_webhook(self, request: r.WebhookRequest) -> r.WebhookAnswer:
        expected = sign(request.body, self.credentials["webhook_secret"]).encode()
        if not hmac.compare_digest(request.headers.get("x-toy-signature", "").encode(), expected):
            raise e.WebhookRejected("Not signed with this connection's secret.")
        try:
            said = json.loads(request.body)
        except ValueError as error:
            raise e.PayloadInvalid("The delivery is not JSON.") from error
        event = r.WebhookEvent(
            stream="order",
            external_id=str(said["id"]),
            topic="order.changed",
            dedupe_key=hashlib.sha256(request.body).hexdigest(),
        )
        return r.WebhookAnswer(events=(event,))


def sign(body: bytes, secret: str = WEBHOOK_SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _stamp(row: dict[str, Any]) -> datetime:
    return FIRST_CHANGE + timedelta(seconds=int(row["id"]))


def parse_order(row: dict[str, Any]) -> r.OrderRecord:
    """`version` travels in the note."""
    return r.OrderRecord(
        external_id=str(row["id"]),
        number=row["number"],
        currency="GBP",
        total=Decimal(1),
        placed_at=FIRST_CHANGE,
        updated_at=_stamp(row),
        note=str(row.get("version", 1)),
        raw=row,
    )


class ToyShop:
    """The far side. `faults` are used up one a request: a status, 0 for none, 599 for "done, but the answer is lost";
    `expired_pages` are refused once; `before` is called ahead of each answer."""

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []
        self.stock: dict[str, str] = {}
        self.writes: list[list[dict[str, str]]] = []
        self.refuses: set[str] = set()
        self.faults: list[int] = []
        self.asked: list[str] = []
        self.subscribed: list[str] = []
        self.expired_pages: set[str] = set()
        self.token = TOKEN
        self.before: Callable[[str], None] = lambda path: None
        self.lock = threading.Lock()

    def add_orders(self, count: int) -> list[str]:
        first = len(self.orders) + 1
        self.orders += [{"id": n, "number": f"N{n}"} for n in range(first, first + count)]
        return [str(n) for n in range(first, first + count)]

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        with self.lock:
            self.asked.append(request.full_path)
            fault = self.faults.pop(0) if self.faults else 0
        self.before(request.path)
        return self._answer(request, fault)(environ, start_response)

    def _answer(self, request: Request, fault: int) -> Response:
        if request.headers.get("Authorization") != self.token:
            fault = 401
        if fault:
            if fault == 599:  # done, and the answer is lost
                self._write(json.loads(request.data))
            headers = {"Retry-After": "7"} if fault == 429 else None
            return Response("no", status=500 if fault == 599 else fault, headers=headers)
        if request.path == "/me":
            return _json({"account": "Toy"})
        if request.path == "/stock":
            return _json(self._write(json.loads(request.data)))
        if request.path == "/webhooks":
            body = json.loads(request.data)
            self.subscribed.append(body["address"])
            return _json([{"id": n, "topic": f"{s}.changed"} for n, s in enumerate(body["streams"])])
        if request.path == "/orders":
            return self._page(request)
        wanted = request.path.rpartition("/")[2]
        found = [row for row in self.orders if str(row["id"]) == wanted]
        return _json(found[0]) if found else Response("no such order", status=404)

    def _page(self, request: Request) -> Response:
        page = request.args.get("page") or "0"
        if page in self.expired_pages:
            self.expired_pages.remove(page)
            return Response("This page has run out.", status=400)
        since = request.args.get("since")
        rows = [row for row in self.orders if not since or _stamp(row) >= datetime.fromisoformat(since)]
        start = int(page)
        following = str(start + PAGE) if start + PAGE < len(rows) else ""
        return _json({"rows": rows[start : start + PAGE], "next": following, "total": len(rows)})

    def _write(self, body: list[dict[str, str]]) -> list[dict[str, Any]]:
        with self.lock:
            self.writes.append(body)
            for row in body:
                if row["sku"] not in self.refuses:
                    self.stock[row["sku"]] = row["quantity"]
        return [
            {"key": row["key"], "ok": row["sku"] not in self.refuses, "message": "Stock is not managed here."}
            for row in body
        ]


def _json(value: Any) -> Response:
    return Response(json.dumps(value), content_type="application/json")
