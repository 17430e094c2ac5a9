"""A WooCommerce 11.0 shop, spoken to over wc/v3.

documented: https://woocommerce.github.io/woocommerce-rest-api-docs/ and the self-description of a WooCommerce 11.0.1
server. Each module of this package names the source of what it does, or says `judgement:` and why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from werkzeug.wrappers import Request, Response

from integrations.simulators.base import ControlError, Simulator
from integrations.simulators.base_webhooks import Answer, Message
from integrations.simulators.woocommerce import control, hooks, routes, shapes, snapshot
from integrations.simulators.woocommerce.args import WpError
from integrations.simulators.woocommerce.auth import Key, authenticate, check_permission, is_secure, parse_php_query
from integrations.simulators.woocommerce.call import Call, no_route, parse_body, pick_fields
from integrations.simulators.woocommerce.orders import Shop
from integrations.simulators.woocommerce.records import Record

API = "/wp-json/wc/v3/"
FAULTS = {
    401: ("woocommerce_rest_cannot_view", "Sorry, you cannot list resources."),
    403: ("woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource."),
    404: ("rest_no_route", "No route was found matching the URL and request method."),
    409: ("woocommerce_rest_conflict", "The resource is being changed by another request."),
    422: ("rest_invalid_param", "Invalid parameter(s): simulated"),
    429: ("too_many_requests", "Too many requests."),
    500: ("internal_server_error", "There has been a critical error on this website."),
}


class WooCommerceSimulator(Simulator):
    """`credentials`: `consumer_key`, `consumer_secret`, `webhook_secret`. `trust_https`: as behind a proxy with TLS."""

    platform: ClassVar[str] = "woocommerce"

    def __init__(self, *, seed: int = 1, state_path: Path | None = None, trust_https: bool = False) -> None:
        super().__init__(seed=seed, state_path=state_path)
        self.trust_https = trust_https
        self.shop = Shop(self.rng)
        self._use(f"ck_{self.rng.getrandbits(160):040x}", f"cs_{self.rng.getrandbits(160):040x}",
                  f"{self.rng.getrandbits(128):032x}")  # fmt: skip
        self.restore()

    def _use(self, key: str, secret: str, webhook_secret: str) -> None:
        self.credentials = {"consumer_key": key, "consumer_secret": secret, "webhook_secret": webhook_secret}
        self.keys = [Key(key=key, secret=secret)]

    # the API ---------------------------------------------------------------------------------------------------------
    def handle(self, request: Request) -> Response:
        try:
            data, status, headers = self._do(request)
        except WpError as error:
            data, status, headers = error.body, error.status, {}
        self._announce()
        return self._answer_json(data, status, headers, request.host_url)

    def _do(self, request: Request) -> tuple[Any, int, dict[str, str]]:
        """documented: WP_REST_Server::serve_request and dispatch: who is it, may the key, the route, the body, may
        the user."""
        query = parse_php_query(request.query_string.decode())
        secure = is_secure(request, self.trust_https)
        if not request.path.startswith(API):
            raise no_route()
        key = authenticate(request, self.keys, dict(query), secure)
        method = _method_of(request, query)
        if key is not None:
            check_permission(key, method)
        path = request.path.removeprefix(API).strip("/")
        do, found = routes.find_route(method, path)
        body = parse_body(request)
        if key is None:
            raise routes.refuse_stranger(method, path)
        scheme = "https" if secure else "http"
        call = Call(
            shop=self.shop,
            base=f"{scheme}://{request.host}{API.rstrip('/')}",
            method=method,
            path=path,
            query=query,
            body=body,
            visible=self.is_visible,
            ping=self._ping,
        )
        data = do(call, *found)
        wanted = query.get("_fields")
        if wanted:
            names = wanted.values() if isinstance(wanted, dict) else re.split(r"[\s,]+", wanted)
            data = pick_fields(data, [name for name in names if name])
        return data, call.status, call.headers

    def _answer_json(self, data: Any, status: int, headers: dict[str, str], host: str) -> Response:
        """documented: serve_request: a Link of the answer's own takes the place of the one to the API's root."""
        common = {
            "X-Robots-Tag": "noindex",
            "Link": f'<{host}wp-json/>; rel="https://api.w.org/"',
            "X-Content-Type-Options": "nosniff",
            "Access-Control-Expose-Headers": "X-WP-Total, X-WP-TotalPages, Link",
        }
        kind = "application/json; charset=UTF-8"
        return Response(shapes.to_json(data), status=status, headers=common | headers, content_type=kind)

    def fault_response(self, status: int) -> Response:
        code, message = FAULTS.get(status, FAULTS[500])
        body = {"code": code, "message": message, "data": {"status": status}}
        return self._answer_json(body, status, {}, f"{self.base_url}/")

    # webhooks --------------------------------------------------------------------------------------------------------
    def _ping(self, webhook: Record) -> None:
        """documented: WC_Webhook::deliver_ping: only 200 is an answer; failures are not counted."""
        message = hooks.build_ping(webhook)

        def done(answer: Answer) -> None:
            with self.lock:
                webhook["pending_delivery"] = answer.status != 200

        self.webhooks.send(lambda: message, done)

    def _announce(self) -> None:
        """documented: wc_webhook_process_delivery: what one request did to a record is delivered once a webhook, built
        when it is sent."""
        events, self.shop.events = self.shop.events, []
        told: set[tuple[int, int]] = set()
        for resource, event, number in events:
            for webhook in self.shop.webhooks.values():
                wanted = webhook["topic"] == f"{resource}.{event}" and webhook["status"] == "active"
                if wanted and (webhook["id"], number) not in told:
                    told.add((webhook["id"], number))
                    self.webhooks.send(self._delivery(webhook, resource, event, number), self._result(webhook))

    def _delivery(self, webhook: Record, resource: str, event: str, number: int) -> Callable[[], Message | None]:
        def build() -> Message | None:
            with self.lock:
                if webhook["status"] != "active":
                    return None
                payload = {"id": number} if event == "deleted" else self._payload(resource, number)
                return hooks.build_delivery(webhook, payload, self.base_url) if payload is not None else None

        return build

    def _result(self, webhook: Record) -> Callable[[Answer], None]:
        def done(answer: Answer) -> None:
            with self.lock:
                hooks.count_result(webhook, answer.status)

        return done

    def _payload(self, resource: str, number: int) -> Record | None:
        base, shop = f"{self.base_url}{API.rstrip('/')}", self.shop
        if resource == "order" and number in shop.orders:
            return shapes.order_json(shop, shop.orders[number], base, shop.decimals)
        if resource == "product" and number in shop.products:
            return shapes.product_json(shop, shop.products[number], base)
        if resource == "customer" and number in shop.customers:
            return shapes.customer_json(shop, shop.customers[number], base)
        return None

    # state and control plane -----------------------------------------------------------------------------------------
    def dump(self) -> dict[str, Any]:
        return {"credentials": self.credentials, **snapshot.dump(self.shop)}

    def load(self, state: dict[str, Any]) -> None:
        known = state["credentials"]
        self._use(known["consumer_key"], known["consumer_secret"], known["webhook_secret"])
        snapshot.load(self.shop, state)

    def sim_catalogue(self, products: list[dict[str, Any]]) -> int:
        """They were there before: no webhook tells of them, no search lag hides them."""
        with self._staff():
            made = control.add_catalogue(self.shop, products)
            for product in self.shop.products.values():
                product["touched"] = 0.0
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

    def fact_orders(self) -> Iterable[dict[str, Any]]:
        return control.list_orders(self.shop)

    def fact_refunds(self) -> Iterable[dict[str, Any]]:
        return control.list_refunds(self.shop)

    def fact_stock(self) -> Iterable[dict[str, Any]]:
        return control.list_stock(self.shop)

    @contextmanager
    def _staff(self) -> Iterator[None]:
        try:
            yield
        except WpError as error:
            raise ControlError(f"{error.body['code']}: {error}", error.status) from error
        except (KeyError, IndexError, TypeError, ValueError, ArithmeticError) as error:
            raise ControlError(f"{type(error).__name__}: {error}") from error
        self._announce()


def _method_of(request: Request, query: dict[str, Any]) -> str:
    """documented: serve_request: `_method` or X-HTTP-Method-Override say what is meant; HEAD is answered as GET."""
    named = query.get("_method") or request.headers.get("X-HTTP-Method-Override")
    method = str(named or request.method).upper()
    return "GET" if method == "HEAD" else method
