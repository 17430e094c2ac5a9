"""BAD_INPUTS by number: what platforms answer, and what is typed into the address of a connection."""

from __future__ import annotations

import time

import pytest

from integrations.contract.addresses import check_base_url
from integrations.contract.errors import AddressRefused, OutcomeUnknown, RateLimited, Rejected, Retryable
from integrations.contract.http import HttpClient
from tests.contract.servers import answer, client, drips, says, serving

LOGIN = b"<!doctype html><html><form action='/login'></form></html>"
PRIVATE = "Address not allowed: private network"


def test_bad_input_52_html_login_page_with_200():
    with serving(says(answer(body=LOGIN, headers="Content-Type: text/html\r\n"))) as server:
        http = client(server.port)
        for method, kind in (("GET", Retryable), ("POST", OutcomeUnknown)):
            got = http.request(method, "orders")
            got.raise_for_status()
            with pytest.raises(kind) as caught:
                got.json()
            assert caught.value.code == "REMOTE_UNEXPECTED_CONTENT"
            assert "login" in caught.value.upstream


def test_bad_input_53_a_refusal_keeps_the_platforms_text():
    """Errors inside a 200 are the connectors' to find; a 4xx is sorted here, with the words `describe` finds."""
    body = b'{"code": "invalid_sku", "message": "SKU \\u201eA\\u201c exists"}'
    with serving(says(answer("422 Unprocessable", body))) as server:
        got = client(server.port).post("orders", json={})
        with pytest.raises(Rejected) as caught:
            got.raise_for_status(lambda response: str(response.json()["message"]))
    assert caught.value.upstream == "SKU „A“ exists"
    assert (caught.value.status, caught.value.code) == (422, "REJECTED")


@pytest.mark.parametrize(
    "data",
    [
        answer(body=b""),
        answer(body=b'{"id": 5', length=40),
        answer(body=b'{"id": 5'),
        b"",
        b"HTTP/1.1 200 OK\r\nServer: x",
    ],
    ids=["empty", "cut by length", "cut JSON", "nothing at all", "cut headers"],
)
def test_bad_input_54_empty_or_cut_answer_after_a_write(data: bytes):
    with serving(says(data)) as server:
        with pytest.raises(OutcomeUnknown):
            client(server.port).post("orders", json={"a": 1}).json()
        time.sleep(0.05)
        assert len(server.requests) == 1


def test_bad_input_55_redirect():
    with serving(says(answer())) as other:
        with serving(says(answer("302 Found", headers=f"Location: http://127.0.0.1:{other.port}/\r\n"))) as server:
            http = client(server.port)
            http.use(headers={"Authorization": "Bearer t0ken"})
            for method, kind in (("GET", Retryable), ("POST", OutcomeUnknown)):
                with pytest.raises(kind) as caught:
                    http.request(method, "orders").raise_for_status()
                assert caught.value.code == "REDIRECT_REFUSED"
        assert other.connections == 0


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX-Drip: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"])
def test_bad_input_56_slow_drip_is_cut_at_the_total_deadline(start: bytes):
    with serving(drips(start)) as server:
        started = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            client(server.port, deadline=0.4).post("orders", json={})
        assert time.monotonic() - started < 1.5


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("999999", 3600), ("-1", 1), ("0", 1), ("90", 90), ("Fri, 01 Jan 2100 00:00:00 GMT", 3600),
     ("Thu, 01 Jan 1970 00:00:00 GMT", 1), ("later", 1)],
)  # fmt: skip
def test_bad_input_57_retry_after_is_clamped(value: str, seconds: float):
    with serving(says(answer("429 Slow down", headers=f"Retry-After: {value}\r\n"))) as server:
        with pytest.raises(RateLimited) as caught:
            client(server.port).post("orders", json={}).raise_for_status()
        assert caught.value.retry_after == seconds


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "user:pw@host", "localhost:6379"])
@pytest.mark.parametrize("form", ["http://{}", "https://{}/wp-json/", "{}"])
def test_bad_input_62_private_base_url(address: str, form: str):
    url = form.format(address)
    for check in (check_base_url, lambda url: HttpClient(base_url=url)):
        with pytest.raises(AddressRefused) as caught:
            check(url)
        assert caught.value.message == PRIVATE


@pytest.mark.parametrize(
    "address",
    ["127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "100.64.0.1", "64:ff9b::a9fe:a9fe", "fec0::1",
     "[64:ff9b::a9fe:a9fe]", "[fec0::1]"],
)  # fmt: skip
@pytest.mark.parametrize("form", ["http://{}", "https://{}/", "{}"])
def test_bad_input_63_odd_spellings_of_private_addresses(address: str, form: str):
    url = form.format(address)
    for check in (check_base_url, lambda url: HttpClient(base_url=url)):
        with pytest.raises(AddressRefused) as caught:
            check(url)
        assert caught.value.message == PRIVATE
