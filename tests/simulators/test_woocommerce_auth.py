"""Who may ask the simulated shop, over TLS and without, and how strangers are turned away.

https://woocommerce.github.io/woocommerce-rest-api-docs/#authentication
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests
from authlib.integrations.requests_client import OAuth1Auth

from tests.simulators.woocommerce_client import TLS, Store, open_store

LIST = (401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
WRONG = "woocommerce_rest_authentication_error"


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as store:
        yield store


def said(response: requests.Response) -> tuple[int, str, str]:
    body = response.json()
    assert body["data"] == {"status": response.status_code}
    return response.status_code, body["code"], body["message"]


def oauth(method: str, url: str, key: str, secret: str, **more: Any) -> dict[str, str]:
    """RFC 5849 without a token, as the vendor's clients sign: everything in the query string."""
    signing = "HMAC-SHA256"
    params = {
        "oauth_consumer_key": key,
        "oauth_timestamp": str(int(time.time())),
        "oauth_nonce": hashlib.sha1(str(time.perf_counter()).encode()).hexdigest(),
        "oauth_signature_method": signing,
    }
    params |= more
    pairs = "&".join(f"{quote(k, safe='-._~')}={quote(v, safe='-._~')}" for k, v in sorted(params.items()))
    base = "&".join(quote(part, safe="-._~") for part in (method, url, pairs))
    digest = hmac.new(f"{secret}&".encode(), base.encode(), hashlib.sha256).digest()
    return params | {"oauth_signature": base64.b64encode(digest).decode()}


# --- over TLS ---------------------------------------------------------------------------------------------------------


def test_basic_over_tls(store: Store) -> None:
    assert store.send("GET", "orders").json() == []


def test_the_keys_in_the_query_string_over_tls(store: Store) -> None:
    params = {"consumer_key": store.key, "consumer_secret": store.secret}
    assert requests.get(store.url("orders"), params=params, headers=TLS, timeout=10).status_code == 200


def test_the_query_string_goes_before_the_header(store: Store) -> None:
    params = {"consumer_key": store.key, "consumer_secret": "cs_wrong"}
    assert said(store.send("GET", "orders", params=params)) == (401, WRONG, "Consumer secret is invalid.")


def test_a_wrong_secret(store: Store) -> None:
    response = store.send("GET", "orders", auth=(store.key, "cs_wrong"))
    assert said(response) == (401, WRONG, "Consumer secret is invalid.")


def test_an_unknown_key_is_a_stranger(store: Store) -> None:
    assert said(store.send("GET", "orders", auth=("ck_unknown", store.secret))) == LIST


# --- without TLS ------------------------------------------------------------------------------------------------------


def test_basic_without_tls_is_not_looked_at(store: Store) -> None:
    response = requests.get(store.url("orders"), auth=(store.key, store.secret), timeout=10)
    assert said(response) == LIST
    params = {"consumer_key": store.key, "consumer_secret": store.secret}
    assert said(requests.get(store.url("orders"), params=params, timeout=10)) == LIST


@pytest.mark.parametrize("kind", ["QUERY", "HEADER"])
def test_a_signature_by_authlib(store: Store, kind: str) -> None:
    auth = OAuth1Auth(store.key, store.secret, signature_type=kind)
    url = store.url("products?per_page=5&search=two words&status=any")
    response = requests.get(url, auth=auth, timeout=10)
    assert (response.status_code, response.json()) == (200, [])


def test_a_signature_by_hand_and_its_replay(store: Store) -> None:
    params = oauth("GET", store.url("orders"), store.key, store.secret, per_page="3", search="a+b c/d")
    assert requests.get(store.url("orders"), params=params, timeout=10).status_code == 200
    again = requests.get(store.url("orders"), params=params, timeout=10)
    assert said(again) == (401, WRONG, "Invalid nonce - nonce has already been used.")


def test_a_signed_write_signs_the_query_not_the_json(store: Store) -> None:
    params = oauth("POST", store.url("products"), store.key, store.secret)
    response = requests.post(store.url("products"), params=params, json={"name": "Chair"}, timeout=10)
    assert (response.status_code, response.json()["name"]) == (201, "Chair")


def test_lists_are_signed_by_number(store: Store) -> None:
    """PHP has numbered a[] by the time it is signed."""
    product = store.product()
    url = store.url("products")
    named = {"include[0]": str(product)}
    params = oauth("GET", url, store.key, store.secret, **named)
    assert [row["id"] for row in requests.get(url, params=params, timeout=10).json()] == [product]
    signed = oauth("GET", url, store.key, store.secret, **{"include[]": str(product)})
    refused = requests.get(url, params=signed, timeout=10)
    assert said(refused) == (401, WRONG, "Invalid signature - provided signature does not match.")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"oauth_consumer_key": "ck_unknown"}, "Consumer key is invalid."),
        ({"oauth_signature_method": "PLAINTEXT"}, "Invalid signature - signature method is invalid."),
    ],
)
def test_what_a_signature_is_refused_for(store: Store, change: dict[str, str], message: str) -> None:
    params = oauth("GET", store.url("orders"), store.key, store.secret, **change)
    assert said(requests.get(store.url("orders"), params=params, timeout=10)) == (401, WRONG, message)


@pytest.mark.parametrize(("minutes", "status"), [(-16, 401), (-14, 200), (14, 200), (16, 401)])
def test_a_signature_is_good_for_a_quarter_of_an_hour(store: Store, minutes: int, status: int) -> None:
    timestamp = str(int(time.time()) + minutes * 60)
    params = oauth("GET", store.url("orders"), store.key, store.secret, oauth_timestamp=timestamp)
    response = requests.get(store.url("orders"), params=params, timeout=10)
    assert response.status_code == status
    if status == 401:
        assert said(response) == (401, WRONG, "Invalid timestamp.")


def test_a_changed_query_is_refused(store: Store) -> None:
    params = oauth("GET", store.url("orders"), store.key, store.secret, per_page="3") | {"per_page": "4"}
    text = "Invalid signature - provided signature does not match."
    assert said(requests.get(store.url("orders"), params=params, timeout=10)) == (401, WRONG, text)


def test_half_a_signature(store: Store) -> None:
    missing = "woocommerce_rest_authentication_missing_parameter"
    one = oauth("GET", store.url("orders"), store.key, store.secret)
    del one["oauth_nonce"]
    response = requests.get(store.url("orders"), params=one, timeout=10)
    assert said(response) == (401, missing, "Missing OAuth parameter oauth_nonce")
    response = requests.get(store.url("orders"), params={"oauth_consumer_key": store.key}, timeout=10)
    text = "Missing OAuth parameters oauth_timestamp, oauth_nonce, oauth_signature, oauth_signature_method"
    assert said(response) == (401, missing, text)


# --- what a key may do, and strangers ---------------------------------------------------------------------------------


def test_a_key_for_reading_and_one_for_writing(store: Store) -> None:
    store.sim.keys[0].permissions = "read"
    assert store.send("GET", "orders").status_code == 200
    refused = store.send("POST", "orders", json={})
    assert said(refused) == (401, WRONG, "The API key provided does not have write permissions.")
    store.sim.keys[0].permissions = "write"
    refused = store.send("GET", "orders")
    assert said(refused) == (401, WRONG, "The API key provided does not have read permissions.")
    assert store.send("POST", "orders", json={}).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "code", "message"),
    [
        ("GET", "orders", "cannot_view", "Sorry, you cannot list resources."),
        ("GET", "orders/1", "cannot_view", "Sorry, you cannot view this resource."),
        ("POST", "orders", "cannot_create", "Sorry, you are not allowed to create resources."),
        ("PUT", "orders/1", "cannot_edit", "Sorry, you are not allowed to edit this resource."),
        ("DELETE", "orders/1", "cannot_delete", "Sorry, you are not allowed to delete this resource."),
        ("POST", "orders/batch", "cannot_batch", "Sorry, you are not allowed to batch manipulate this resource."),
    ],
)
def test_a_stranger(store: Store, method: str, path: str, code: str, message: str) -> None:
    response = requests.request(method, store.url(path), json={}, timeout=10)
    assert said(response) == (401, f"woocommerce_rest_{code}", message)


def test_the_route_and_the_body_come_before_the_stranger(store: Store) -> None:
    response = requests.get(store.url("nonsense"), timeout=10)
    text = "No route was found matching the URL and request method."
    assert said(response) == (404, "rest_no_route", text)
    json_type = {"Content-Type": "application/json"}
    response = requests.post(store.url("orders"), data="{", headers=json_type, timeout=10)
    assert response.status_code == 400
    assert response.json() == {
        "code": "rest_invalid_json",
        "message": "Invalid JSON body passed.",
        "data": {"status": 400, "json_error_code": 4, "json_error_message": "Syntax error"},
    }


def test_a_method_in_disguise(store: Store) -> None:
    """Clients behind proxies that let only GET and POST through say what they mean."""
    product = store.product()
    changed = store.send("POST", f"products/{product}", json={"name": "New"}, params={"_method": "PUT"})
    assert (changed.status_code, changed.json()["name"]) == (200, "New")
    gone = store.send("POST", f"products/{product}?force=true", headers={"X-HTTP-Method-Override": "DELETE"})
    assert gone.status_code == 200
    assert store.send("GET", f"products/{product}").status_code == 404


def test_head_is_get_without_a_body(store: Store) -> None:
    store.product()
    response = store.send("HEAD", "products")
    assert (response.status_code, response.headers["X-WP-Total"], response.content) == (200, "1", b"")


def test_the_headers_of_every_answer(store: Store) -> None:
    response = store.send("GET", "payment_gateways")
    assert response.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert response.headers["Link"] == f'<{store.base_url}/wp-json/>; rel="https://api.w.org/"'
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert response.headers["Access-Control-Expose-Headers"] == "X-WP-Total, X-WP-TotalPages, Link"
    assert b"\\/" in response.content  # PHP escapes slashes
