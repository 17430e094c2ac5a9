"""A Shopify shop, spoken to over the GraphQL Admin API 2026-07.

documented: https://shopify.dev/docs/api/admin-graphql/2026-07. Each module of this package names the source of what it
does, or says `judgement:` and why.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar

from werkzeug.wrappers import Request, Response

from integrations.simulators.base import ControlError, Simulator, json_response
from integrations.simulators.base_webhooks import Answer, Message
from integrations.simulators.shopify import access, api, control, payloads, subscriptions
from integrations.simulators.shopify.cost import PLANS, Bucket
from integrations.simulators.shopify.execute import Refused, run
from integrations.simulators.shopify.records import Record, UserError
from integrations.simulators.shopify.schema import Context
from integrations.simulators.shopify.shop import Shop

VERSION = "2026-07"
GRAPHQL = f"/admin/api/{VERSION}/graphql.json"
TOKEN_SECONDS = 86_399
UNKNOWN_KEY = "[API] Invalid API key or access token (unrecognized login or wrong password)"
# documented: https://shopify.dev/docs/api/admin-graphql/2026-07#status-and-error-codes; judgement: their words
FAULTS = {
    401: UNKNOWN_KEY,
    402: "This shop's plan does not include API access",
    403: "[API] This action requires merchant approval for the scope.",
    404: "Not Found",
    409: "The resource is being changed by another request.",
    422: "Unprocessable Entity",
    423: "This shop is unavailable",
    429: "Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service.",
    503: "Service Unavailable",
}


class ShopifySimulator(Simulator):
    """`credentials`: `access_token` (of an app made in the admin), `client_id`, `client_secret`; the last one signs the
    webhooks, too. `plan` decides the points a second, `scopes` what the app may do."""

    platform: ClassVar[str] = "shopify"

    def __init__(self, *, seed: int = 1, state_path: Path | None = None, plan: str = "standard",
                 scopes: Collection[str] = access.SCOPES) -> None:  # fmt: skip
        super().__init__(seed=seed, state_path=state_path)
        self.shop = Shop(self.rng)
        self.bucket = Bucket(PLANS[plan])
        self.scopes = scopes
        self.retry_seconds: tuple[float, ...] = subscriptions.RETRY_SECONDS
        self.credentials = {
            "access_token": f"shpat_{self.rng.getrandbits(128):032x}",
            "client_id": f"{self.rng.getrandbits(128):032x}",
            "client_secret": f"shpss_{self.rng.getrandbits(128):032x}",
        }
        self.restore()

    # the API ---------------------------------------------------------------------------------------------------------
    def handle(self, request: Request) -> Response:
        response = self._route_request(request)
        self._announce()
        response.headers["X-Request-Id"] = f"{self.rng.getrandbits(128):032x}"
        return response

    def _route_request(self, request: Request) -> Response:
        path, method = request.path, request.method
        if path == "/admin/oauth/access_token" and method == "POST":
            return self._grant(request)
        if path.startswith("/downloads/") and method == "GET":
            text = self.shop.files.get(path.removeprefix("/downloads/"))
            return Response(text, mimetype="application/jsonl") if text is not None else Response(status=404)
        if path == "/staged-uploads" and method == "POST":
            return self._take_upload(request)
        if path != GRAPHQL or method != "POST":
            return self.fault_response(404)
        if not self._is_known(request.headers.get("X-Shopify-Access-Token", "")):
            return self.fault_response(401)
        return self._run(request)

    def _run(self, request: Request) -> Response:
        """documented: the body is JSON, or with application/graphql the query itself."""
        headers = {"X-Shopify-API-Version": VERSION}
        if request.mimetype == "application/graphql":
            payload: Any = {"query": request.get_data(as_text=True)}
        else:
            try:
                payload = json.loads(request.get_data())
            except ValueError:
                return json_response({"errors": {"query": "Required parameter missing or invalid"}}, 400, headers)
        if not isinstance(payload, dict):
            return json_response({"errors": {"query": "Required parameter missing or invalid"}}, 400, headers)
        context = Context(shop=self.shop, visible=self.is_visible, base_url=self.base_url, scopes=self.scopes)
        try:
            body = run(payload, context, self.bucket, api.resolve)
        except Refused as error:
            body = error.body
        return json_response(body, 200, headers)

    def _is_known(self, token: str) -> bool:
        ends = self.shop.tokens.get(token)
        if ends is not None:
            return time.time() < ends
        return hmac.compare_digest(token.encode(), self.credentials["access_token"].encode())

    def _grant(self, request: Request) -> Response:
        """documented: https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/client-credentials-grant:
        a token for 24 hours; JSON or a form."""
        given = dict(request.form.items()) if request.form else request.get_json(silent=True) or {}
        if given.get("grant_type") != "client_credentials":
            return json_response({"error": "unsupported_grant_type"}, 400)
        pair = (given.get("client_id"), given.get("client_secret"))
        if pair != (self.credentials["client_id"], self.credentials["client_secret"]):
            return json_response({"error": "application_cannot_be_found"}, 401)
        token = f"shpat_{self.rng.getrandbits(128):032x}"
        self.shop.tokens[token] = time.time() + TOKEN_SECONDS
        scope = ",".join(sorted(self.scopes))
        return json_response({"access_token": token, "scope": scope, "expires_in": TOKEN_SECONDS})

    def _take_upload(self, request: Request) -> Response:
        """documented: a multipart form of the target's parameters, the file last."""
        key, file = request.form.get("key", ""), request.files.get("file")
        if key not in self.shop.files or file is None:
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, mimetype="application/xml")
        with closing(file):
            self.shop.files[key] = file.read().decode("utf-8")
        return Response(f"<PostResponse><Key>{key}</Key></PostResponse>", 201, mimetype="application/xml")

    def fault_response(self, status: int) -> Response:
        return json_response({"errors": FAULTS.get(status, "Internal Server Error")}, status)

    # webhooks --------------------------------------------------------------------------------------------------------
    def _announce(self) -> None:
        """documented: the payload is that of the moment; one event is told to each who subscribed to its topic."""
        events, self.shop.events = self.shop.events, []
        if not self.shop.rows["WebhookSubscription"]:
            return
        ids: dict[str, str] = {}
        for topic, gid in events:
            wanted = [
                row for row in self.shop.all("WebhookSubscription") if row["topic"] == subscriptions.enum_of(topic)
            ]
            payload = payloads.build_payload(self.shop, topic, gid) if wanted else None
            if payload is None:
                continue
            event = ids.setdefault(gid, self._uuid())
            for row in wanted:
                at, delivery = subscriptions.trigger_moment(self.shop), self._uuid()
                secret = self.credentials["client_secret"]
                message = subscriptions.build_message(
                    row, topic, payload, secret=secret, event=event, delivery=delivery, at=at
                )
                self._send(row, message, 1)

    def _send(self, row: Record, message: Message, tries: int, delay: float = 0.0) -> None:
        def build() -> Message | None:
            with self.lock:
                return message if self.shop.find(row["id"]) is not None else None

        self.webhooks.send(build, self._result(row, message, tries), delay)

    def _result(self, row: Record, message: Message, tries: int) -> Callable[[Answer], None]:
        def done(answer: Answer) -> None:
            if answer.status is not None and 200 <= answer.status < 300:
                return
            with self.lock:
                if tries > len(self.retry_seconds):
                    self.shop.remove(row)
                    self.changed()
                    return
            self._send(row, message, tries + 1, self.retry_seconds[tries - 1])

        return done

    def _uuid(self) -> str:
        digits = f"{self.rng.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    # state and control plane -----------------------------------------------------------------------------------------
    def dump(self) -> dict[str, Any]:
        return {"credentials": self.credentials, **self.shop.dump()}

    def load(self, state: dict[str, Any]) -> None:
        self.credentials = state["credentials"]
        self.shop.load(state)

    def sim_catalogue(self, products: list[dict[str, Any]]) -> int:
        """They were there before: no webhook tells of them, no search lag hides them."""
        with self._staff():
            made = control.add_catalogue(self.shop, products)
            for kind in ("Product", "ProductVariant", "InventoryItem", "InventoryLevel"):
                for row in self.shop.all(kind):
                    row["_touched"] = 0.0
            self.shop.events.clear()
            return made

    def sim_order(self, order: dict[str, Any]) -> dict[str, Any]:
        with self._staff():
            return control.add_order(self.shop, order)

    def sim_refund(self, refund: dict[str, Any]) -> dict[str, Any]:
        with self._staff():
            return control.add_refund(self.shop, refund)

    def sim_cancellation(self, cancellation: dict[str, Any]) -> dict[str, Any]:
        with self._staff():
            return control.cancel(self.shop, cancellation["order"])

    def sim_shipment(self, shipment: dict[str, Any]) -> dict[str, Any]:
        with self._staff():
            return control.ship(self.shop, shipment)

    def fact_orders(self) -> Iterable[dict[str, Any]]:
        return control.list_orders(self.shop)

    def fact_refunds(self) -> Iterable[dict[str, Any]]:
        return control.list_refunds(self.shop)

    def fact_stock(self) -> Iterable[dict[str, Any]]:
        return control.list_stock(self.shop)

    def fact_shipments(self) -> Iterable[dict[str, Any]]:
        return control.list_shipments(self.shop)

    @contextmanager
    def _staff(self) -> Iterator[None]:
        try:
            yield
        except UserError as error:
            raise ControlError(str(error), 404 if error.entry["code"] == "NOT_FOUND" else 400) from error
        except (KeyError, IndexError, TypeError, ValueError, ArithmeticError) as error:
            raise ControlError(f"{type(error).__name__}: {error}") from error
        self._announce()
