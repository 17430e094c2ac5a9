"""The HTTP client against servers that misbehave: what is cut, refused, sorted, captured and never sent."""

from __future__ import annotations

import gzip
import os
import re
import socket
import ssl
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from requests.auth import HTTPBasicAuth

from integrations.contract.errors import (
    AddressRefused,
    AuthFailed,
    ConnectorError,
    NotFound,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Retryable,
)
from integrations.contract.http import HttpClient, Response, parse_retry_after
from tests.contract.servers import Calls, RawServer, answer, client, drips, resets, says, serving

METHODS: list[tuple[str, type[ConnectorError]]] = [("GET", Retryable), ("POST", OutcomeUnknown)]
SECRET = 'ck_5up3r+s/e=c"ret'


def response(status: int, body: bytes = b"", *, write: bool = False, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=named, body=body, url="http://x/", write=write)


# --- An ordinary exchange ---------------------------------------------------------------------------------------------


def test_a_request_carries_what_it_was_given_and_the_answer_is_decoded():
    with serving(says(answer("201 Created", b'{"total": 1.10, "n": 3}', "X-Thing: a\r\n"))) as server:
        http = client(server.port, path="/shop/")
        http.use(auth=HTTPBasicAuth("key", "secret"), headers={"X-Client": "c"})
        got = http.post("/orders", params={"a": "1 2"}, json={"q": "é"}, headers={"X-Own": "o"})
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /shop/orders?a=1+2 HTTP/1.1\r\n")
    for line in (f"Host: 127.0.0.1:{server.port}", "X-Client: c", "X-Own: o", "Authorization: Basic a2V5OnNlY3JldA=="):
        assert line.encode() in head
    assert b"Content-Type: application/json" in head
    assert body == b'{"q": "\\u00e9"}'
    assert (got.status, got.headers["x-thing"]) == (201, "a")
    assert got.json() == {"total": Decimal("1.10"), "n": 3}


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_every_verb_is_one_request_one_budget_call_and_one_exchange(method: str):
    calls = Calls()
    with serving(says(answer())) as server:
        getattr(client(server.port, calls), method)("things")
    assert [r.split(b" ")[0] for r in server.requests] == [method.upper().encode()]
    assert calls.before == 1
    assert [(e.method, e.status, e.error) for e in calls.exchanges] == [(method.upper(), 200, "")]


def test_a_refusing_budget_sends_nothing():
    def refuse() -> None:
        raise RateLimited("wait", retry_after=3)

    exchanges: list[object] = []
    with serving(says(answer())) as server:
        http = HttpClient(
            base_url=f"http://127.0.0.1:{server.port}", before_request=refuse, on_exchange=exchanges.append,
            allowed_private=frozenset({("127.0.0.1", server.port)}),
        )  # fmt: skip
        with pytest.raises(RateLimited):
            http.get("x")
    assert (server.connections, exchanges) == (0, [])


def test_keep_alive_uses_one_connection():
    with serving(says(answer(keep_alive=True)), keep_alive=True) as server:
        http = client(server.port)
        for _ in range(3):
            http.post("x", json={})
    assert (server.connections, len(server.requests)) == (1, 3)


def test_ipv6_loopback_by_its_literal():
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError as error:
        pytest.skip(f"This computer has no IPv6 loopback: {error}")
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(NotSent, match="refused"):
        client(port, host="::1").get("x")


# --- The deadline -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "kind"), METHODS)
@pytest.mark.parametrize(
    "handler",
    [
        drips(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
        drips(b"HTTP/1.1 200 OK\r\n", b"X-More: a\r\n"),
        drips(b"", b"H"),
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"),
        drips(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"),
        drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        lambda connection: time.sleep(3),
    ],
    ids=["header", "headers", "status", "body", "body without length", "chunks", "silence"],
)
def test_a_slow_answer_is_cut_at_the_total_deadline(
    handler: Callable[[socket.socket], None], method: str, kind: type[ConnectorError]
):
    calls = Calls()
    with serving(handler) as server:
        started = time.monotonic()
        with pytest.raises(kind) as caught:
            client(server.port, calls, deadline=0.5).request(method, "x")
        assert 0.4 < time.monotonic() - started < 1.5
    assert caught.value.code == "REMOTE_TIMEOUT"
    assert [(e.status, e.error) for e in calls.exchanges] == [
        (None, "REMOTE_TIMEOUT: The platform did not answer in time.")
    ]


def test_a_request_nobody_reads_is_cut_at_the_deadline():
    listener = socket.create_server(("127.0.0.1", 0), backlog=5)
    started = time.monotonic()
    with listener, pytest.raises(OutcomeUnknown):
        client(listener.getsockname()[1], deadline=0.5).post("x", data=b"x" * 30_000_000)
    assert time.monotonic() - started < 2


def test_a_slow_name_server_is_cut_at_the_deadline(monkeypatch: pytest.MonkeyPatch):
    def slow(*args: object, **kwargs: object) -> list[object]:
        time.sleep(1)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    started = time.monotonic()
    with pytest.raises(NotSent) as caught:
        HttpClient(base_url="https://shop.example.com", deadline=0.3).post("x")
    assert time.monotonic() - started < 1
    assert caught.value.code == "DNS_FAILED"


def test_a_tls_handshake_that_never_ends_is_cut_and_nothing_was_sent():
    with serving(lambda connection: None) as server:  # waits for an HTTP request that a TLS client never sends
        started = time.monotonic()
        with pytest.raises(NotSent):
            client(server.port, scheme="https", deadline=0.5).post("x")
        assert time.monotonic() - started < 1.5


def test_the_next_request_after_a_cut_one_has_its_own_deadline():
    with serving(drips(b"HTTP/1.1 200 OK\r\n", b"X: a\r\n", seconds=0.6)) as server:
        http = client(server.port, deadline=0.2)
        with pytest.raises(Retryable):
            http.get("x")
        server.handler = says(answer(body=b"[1]"))
        assert http.get("x", deadline=3).json() == [1]


# --- Sorting what goes wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refused_connection_was_not_sent(method: str):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    calls = Calls()
    with pytest.raises(NotSent) as caught:
        client(port, calls).request(method, "x")
    assert caught.value.code == "NOT_REACHED"
    assert [e.error.split(":")[0] for e in calls.exchanges] == ["NOT_REACHED"]


def test_an_unknown_name_was_not_sent(monkeypatch: pytest.MonkeyPatch):
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NotSent, match=r"shop\.example\.com cannot be resolved"):
        HttpClient(base_url="https://shop.example.com").post("orders")


CUT_ANSWERS = {
    "reset": resets,
    "closed": lambda connection: connection.close(),
    "cut headers": says(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "cut after a header": says(b"HTTP/1.1 200 OK\r\nServer: x\r\n"),
    "cut body": says(answer(body=b'{"a": 1}', length=80)),
    "cut chunks": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
    "cut gzip": says(answer(body=gzip.compress(b'{"a": 1}' * 50)[:-12], headers="Content-Encoding: gzip\r\n")),
    "not HTTP": says(b"220 mail.example.com ESMTP\r\n"),
}


@pytest.mark.parametrize(("method", "kind"), METHODS)
@pytest.mark.parametrize("name", CUT_ANSWERS)
def test_an_incomplete_answer_leaves_a_write_unknown_and_is_not_sent_again(
    name: str, method: str, kind: type[ConnectorError]
):
    with serving(CUT_ANSWERS[name]) as server:
        with pytest.raises(kind) as caught:
            client(server.port).request(method, "x", data=b"q" if method == "POST" else None)
        time.sleep(0.05)
        assert len(server.requests) == 1
    assert caught.value.code == "CONNECTION_LOST"
    assert type(caught.value) is kind


def test_a_write_on_a_kept_connection_that_dies_is_unknown_and_not_sent_again():
    with serving(says(answer(keep_alive=True)), keep_alive=True) as server:
        http = client(server.port)
        http.post("first", data=b"1")
        server.handler = lambda connection: connection.shutdown(socket.SHUT_RDWR)
        with pytest.raises(OutcomeUnknown):
            http.post("second", data=b"2")
        time.sleep(0.05)
        assert [r.split(b" ")[1] for r in server.requests] == [b"/first", b"/second"]
        assert server.connections == 1


def test_a_kept_connection_that_was_closed_meanwhile_is_dialled_anew():
    with serving(says(answer())) as server:  # closes after each answer without saying so
        http = client(server.port)
        http.post("first")
        time.sleep(0.1)
        assert http.post("second").status == 200
    assert server.connections == 2


def test_a_read_by_post_is_sorted_as_a_read():
    with serving(resets) as server, pytest.raises(Retryable):
        client(server.port).post("search_read", json={}, write=False)


@pytest.mark.parametrize(
    ("status", "write", "kind"),
    [
        (401, True, AuthFailed), (403, False, AuthFailed), (404, True, NotFound), (400, True, Rejected),
        (409, True, Rejected), (422, False, Rejected), (429, True, RateLimited), (408, True, OutcomeUnknown),
        (408, False, Retryable), (425, True, OutcomeUnknown), (500, True, OutcomeUnknown), (500, False, Retryable),
        (503, True, OutcomeUnknown), (503, False, Retryable), (599, True, OutcomeUnknown), (301, True, OutcomeUnknown),
        (304, False, Retryable), (199, True, OutcomeUnknown),
    ],
)  # fmt: skip
def test_a_status_is_sorted(status: int, write: bool, kind: type[ConnectorError]):
    with pytest.raises(kind) as caught:
        response(status, b"why", write=write).raise_for_status()
    assert type(caught.value) is kind
    assert caught.value.status == status
    assert caught.value.upstream == "why"


def test_success_raises_nothing_and_the_platforms_own_words_are_found():
    response(204).raise_for_status()
    with pytest.raises(Rejected) as caught:
        response(422, b'{"m": "SKU twice"}').raise_for_status(lambda answer: str(answer.json()["m"]))
    assert (caught.value.upstream, caught.value.message) == ("SKU twice", "The platform answered 422: SKU twice")


def test_a_503_that_says_when_is_a_wait_for_reads_only():
    with pytest.raises(RateLimited) as caught:
        response(503, Retry_After="7").raise_for_status()
    assert caught.value.retry_after == 7
    with pytest.raises(OutcomeUnknown):
        response(503, write=True, Retry_After="7").raise_for_status()


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"NaN", b'{"a": Infinity}', b'{"a": 1, "a": 2}', b"[" * 101 + b"]" * 101, b"[" * 90_000,
     b"\xff\xfe\x00", b"1" * 5000, b"1e999999", b'{"a": 1', b"1." + b"1" * 500],
)  # fmt: skip
def test_what_is_not_sound_json_is_unexpected(body: bytes):
    for write, kind in ((False, Retryable), (True, OutcomeUnknown)):
        with pytest.raises(kind) as caught:
            response(200, body, write=write).json()
        assert caught.value.code == "REMOTE_UNEXPECTED_CONTENT"


def test_json_keeps_decimals_exact_and_passes_a_byte_order_mark():
    assert response(200, b"\xef\xbb\xbf[0.1, 1E-7, 12345678901234567890.12]").json() == [
        Decimal("0.1"), Decimal("1E-7"), Decimal("12345678901234567890.12"),
    ]  # fmt: skip
    assert response(200, b"[" * 99 + b"]" * 99).json()


# --- Size -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "kind"), METHODS)
@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw deflate", "identity", "endless"])
def test_an_answer_that_is_too_large_is_cut_while_it_is_read(coding: str, method: str, kind: type[ConnectorError]):
    plain = b"\0" * 30_000_000
    raw = zlib.compressobj(wbits=-15)
    bodies = {
        "gzip": lambda: gzip.compress(plain), "deflate": lambda: zlib.compress(plain), "identity": lambda: plain,
        "raw deflate": lambda: raw.compress(plain) + raw.flush(),
    }  # fmt: skip
    header = f"Content-Encoding: {coding.rsplit(maxsplit=1)[-1]}\r\n"
    handler = drips(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 9000, every=0) if coding == "endless" else says(
        answer(body=bodies[coding](), headers=header)
    )  # fmt: skip
    with serving(handler) as server, pytest.raises(kind) as caught:
        client(server.port, max_bytes=1_000_000).request(method, "x")
    assert caught.value.code == "RESPONSE_TOO_LARGE"


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "500 Oops"])
def test_a_bomb_takes_little_memory_whatever_its_status(status: str):
    import tracemalloc

    bomb = gzip.compress(b"\0" * 100_000_000)
    handler = says(answer(status, bomb, "Content-Encoding: gzip\r\nLocation: http://127.0.0.1:1/\r\n"))
    with serving(handler) as server:
        http = client(server.port, max_bytes=500_000)
        tracemalloc.start()
        try:
            with pytest.raises(Retryable):
                http.get("x")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip"])
def test_an_encoding_nobody_asked_for_is_unexpected(coding: str):
    with serving(says(answer(headers=f"Content-Encoding: {coding}\r\n"))) as server:
        with pytest.raises(OutcomeUnknown) as caught:
            client(server.port).post("x")
        assert caught.value.code == "REMOTE_UNEXPECTED_CONTENT"
        assert b"Accept-Encoding: gzip, deflate\r\n" in server.requests[0]


@pytest.mark.parametrize("size", [0, 1, 65_536, 200_000])
def test_compressed_answers_are_read_whole(size: int):
    plain = os.urandom(size)
    raw = zlib.compressobj(wbits=-15)
    half = size // 2
    for coding, body in (
        ("gzip", gzip.compress(plain)), ("x-gzip", gzip.compress(plain[:half]) + gzip.compress(plain[half:])),
        ("deflate", zlib.compress(plain)), ("deflate", raw.compress(plain) + raw.flush()),
    ):  # fmt: skip
        with serving(says(answer(body=body, headers=f"Content-Encoding: {coding}\r\n"))) as server:
            assert client(server.port).get("x").body == plain


# --- Surroundings, hosts, certificates --------------------------------------------------------------------------------


@pytest.fixture
def hits() -> Iterator[RawServer]:
    """A server nothing may ever ask."""
    with serving(says(answer())) as server:
        yield server


def test_no_redirect_is_followed_and_no_token_travels(hits: RawServer):
    for status in ("301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"):
        with serving(says(answer(status, headers=f"Location: http://127.0.0.1:{hits.port}/x\r\n"))) as server:
            http = client(server.port)
            http.use(headers={"X-Shopify-Access-Token": "t0ken"})
            got = http.post("orders", json={})
            with pytest.raises(OutcomeUnknown, match=f"127.0.0.1:{hits.port}") as caught:
                got.raise_for_status()
            assert caught.value.code == "REDIRECT_REFUSED"
            assert len(server.requests) == 1
    assert hits.connections == 0


def test_cookies_of_an_answer_are_not_sent_back():
    with serving(says(answer(headers="Set-Cookie: session=abc\r\n", keep_alive=True)), keep_alive=True) as server:
        http = client(server.port)
        http.get("a")
        http.get("b")
    assert not any(b"ookie" in request for request in server.requests)


def test_proxies_and_netrc_and_certificates_of_the_surroundings_are_ignored(
    hits: RawServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{hits.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login spy password spy\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    with serving(says(answer())) as server:
        assert client(server.port).get("x").status == 200
    assert hits.connections == 0
    assert b"uthorization" not in server.requests[0]


def test_credentials_stay_with_their_host(hits: RawServer):
    calls = Calls()
    with serving(says(answer(keep_alive=True)), keep_alive=True) as server:
        http = client(server.port, calls)
        for foreign in (
            f"http://127.0.0.1:{hits.port}/x", f"https://127.0.0.1:{server.port}/x", f"http://localhost:{server.port}/x",
            f"http://u:p@127.0.0.1:{server.port}/x", f"http://127.0.0.1:{hits.port}\\@127.0.0.1:{server.port}/x",
            f"http://127.0.0.1:{server.port}@127.0.0.1:{hits.port}/", "ftp://127.0.0.1/x", "../x", "a/%2e%2e/x", "a/..",
        ):  # fmt: skip
            with pytest.raises(AddressRefused):
                http.post(foreign, json={"a": 1})
        assert (hits.connections, server.connections, calls.before) == (0, 0, 0)
        assert http.get(f"http://127.0.0.1:{server.port}/next?page=2").status == 200
        assert http.get("//127.0.0.1:1/x").status == 200
        assert http.get("orders:1/x..y").status == 200
    assert [r.split(b" ")[1] for r in server.requests] == [b"/next?page=2", b"/127.0.0.1:1/x", b"/orders:1/x..y"]


def test_an_auth_that_leads_elsewhere_sends_nothing(hits: RawServer):
    class Elsewhere(HTTPBasicAuth):
        def __call__(self, request):
            request.url = f"http://127.0.0.1:{hits.port}/"
            super().__call__(request)
            return request

    calls = Calls()
    with serving(says(answer())) as server:
        http = client(server.port, calls)
        http.use(auth=Elsewhere("key", "secret"))
        with pytest.raises(AddressRefused):
            http.get("x")
    assert (hits.connections, server.connections, calls.before) == (0, 0, 0)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of its own authority for 127.0.0.1, with its key in the same file."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", f"{path}.crt"],
        capture_output=True, text=True,
    )  # fmt: skip
    if made.returncode:
        pytest.fail(made.stderr)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def test_a_certificate_nobody_signed_was_not_sent_unless_the_merchant_trusts_it(certificate: Path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(says(answer(body=b'{"ok": 1}')), tls=context) as server:
        with pytest.raises(NotSent, match="certificate verify failed"):
            client(server.port, scheme="https").post("x", json={})
        assert server.requests == []
        trusting = client(server.port, scheme="https", ca_bundle=str(certificate))
        assert trusting.post("x", json={}).json() == {"ok": 1}
        server.handler = drips(b"HTTP/1.1 200 OK\r\n", b"X: a\r\n")
        started = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            trusting.post("x", json={}, deadline=0.4)
        assert time.monotonic() - started < 1.4


# --- Captures ---------------------------------------------------------------------------------------------------------


def test_no_secret_is_left_in_any_field_of_a_capture():
    import base64
    import json
    from urllib.parse import quote

    echo = {
        "said": f"bad key {SECRET}", "url": f"https://x/?a={quote(SECRET)}&b=1", "refresh_token": "rt-99",
        "pin_token": 4711,
        "basic": base64.b64encode(f"user:{SECRET}".encode()).decode(), "inner": json.dumps({"password": 'p"w-77'}),
    }  # fmt: skip
    calls = Calls()
    body = json.dumps(echo).encode()
    with serving(says(answer("401 No", body, f"Set-Cookie: sid=co-55\r\nX-Echo: {SECRET}\r\n"))) as server:
        http = client(server.port, calls, secrets=(SECRET,))
        http.use(auth=HTTPBasicAuth("user", SECRET), headers={"X-Shopify-Access-Token": "sh-11", "api-key": "ak-22"})
        got = http.post(
            "login", params={"consumer_secret": "cs-33", "access_token": "at-44", "key": "k-66", "page": "7",
                             "z": SECRET},
            data={"client_secret": "fs-88", "name": "Ann", "note": SECRET},
        )  # fmt: skip
        with pytest.raises(AuthFailed) as caught:
            got.raise_for_status()
    assert len(calls.exchanges) == 1
    for hidden in (
        SECRET, quote(SECRET), quote(SECRET, safe=""), json.dumps(SECRET)[1:-1], repr(SECRET)[1:-1], "5up3r", "rt-99",
        "4711", base64.b64encode(SECRET.encode()).decode()[:16], str(echo["basic"])[8:24], "w-77", "co-55", "sh-11",
        "ak-22", "cs-33", "at-44", "k-66", "fs-88",
    ):  # fmt: skip
        assert hidden not in calls.text
    for kept in ("•••", "page=7", "name=Ann", "bad key •••", "/login"):
        assert kept in calls.text or kept in calls.exchanges[0].response_body.decode() + calls.exchanges[0].url
    assert "5up3r" not in caught.value.message + caught.value.upstream
    assert json.loads(calls.exchanges[0].response_body)["refresh_token"] == "•••"


def test_a_capture_is_cut_at_64_kb_and_no_half_secret_stays_at_its_edge():
    calls = Calls()
    for offset in range(0, 40, 3):
        body = b"x" * (64_000 - offset) + b"topsecretvalue" * 9
        with serving(says(answer(body=body))) as server:
            client(server.port, calls, secrets=("topsecretvalue",)).post("x", data=body)
    for exchange in calls.exchanges:
        for kept in (exchange.request_body, exchange.response_body):
            assert 63_900 < len(kept) <= 64_000
            assert b"to" not in kept


def test_errors_of_the_transport_name_no_secret():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    calls = Calls()
    with pytest.raises(NotSent) as caught:
        client(port, calls, secrets=("hidden-word",)).get("x", params={"token": "hidden-word"})
    assert "hidden-word" not in caught.value.message + calls.text


def test_hostile_bodies_are_redacted_in_linear_time():
    from integrations.contract.redact import redact_bytes

    started = time.monotonic()
    for piece in (
        b'"passw"',
        b"passw",
        b"<token ",
        b'"token":"',
        b"\\",
        b'\\"token\\":\\"',
        b"?&",
        b"a=b&",
        b"bearer ",
    ):
        redact_bytes(piece * (64_000 // len(piece)), [])
    assert time.monotonic() - started < 2


# --- Retry-After ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5), ("0", 1), ("-1", 1), ("999999", 3600), ("1.5", 1.5), ("soon", 1), ("", 1), (None, 1), ("nan", 1),
        ("inf", 3600), ("9" * 5000, 3600),
        ("Sat, 21 Nov 2026 10:00:30 GMT", 30), ("Sat, 21 Nov 2026 10:00:30 -0000", 30),
        ("Sat, 21 Nov 2026 09:00:00 GMT", 1), ("Sat, 21 Nov 2099 09:00:00 GMT", 3600), ("Sat, 99 Nov 2026", 1),
    ],
)  # fmt: skip
def test_retry_after_is_clamped(value: str | None, seconds: float):
    assert parse_retry_after(value, datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)) == seconds


def test_the_rfc_date_pattern_of_now_is_read():
    text = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT", text)
    assert parse_retry_after(text) == 1
