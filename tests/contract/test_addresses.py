"""Which addresses are dialled: judged where the connection is really made, never by a second look-up."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from integrations.contract.addresses import REFUSED, check_base_url, is_public
from integrations.contract.errors import AddressRefused, NotSent
from integrations.contract.http import HttpClient
from tests.contract.servers import Calls, answer, says, serving

PRIVATE = [
    "127.0.0.1", "127.255.0.9", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.127.255.254", "0.0.0.0", "0.1.2.3", "224.0.0.1", "239.1.1.1", "240.0.0.1",
    "255.255.255.255", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.9", "192.88.99.1",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b::a00:1", "64:ff9b:1::1", "64:ff9b:1:2::808:808", "2002:7f00:1::",
    "2002:a9fe:a9fe::1", "2002:c0a8:101::", "2001:0:7f00:1::1", "2001:db8::1", "2001:10::1", "fe80::1",
    "fe80::1%eth0", "fec0::1", "feff::1", "fc00::1", "fd12:3456::1", "ff02::1", "ff0e::1", "100::1", "4000::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.255.255", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_refused(address: str):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_not(address: str):
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://shop.example.com/wp-json", ("https", "shop.example.com", 443)),
        ("HTTP://Shop.Example.COM.:8080", ("http", "shop.example.com", 8080)),
        ("https://8.8.8.8/", ("https", "8.8.8.8", 443)),
        ("https://[2606:4700::1111]:8443", ("https", "2606:4700::1111", 8443)),
        ("https://münchen.example.de", ("https", "xn--mnchen-3ya.example.de", 443)),
        ("https://xn--mnchen-3ya.example.xn--p1ai", ("https", "xn--mnchen-3ya.example.xn--p1ai", 443)),
    ],
)
def test_a_public_base_address_has_an_origin(url: str, origin: tuple[str, str, int]):
    assert check_base_url(url) == origin


@pytest.mark.parametrize(
    "url",
    ["", "shop.example.com", "ftp://shop.example.com", "file:///etc/passwd", "http://", "http:///x", "https://a b.com",
     "https://shop.example.com\\@x.com", "https://shop.example.com\r\nX: y", "https://shop.example.com:0",
     "https://shop.example.com:99999", "https://shop.example.com:x", "javascript:alert(1)"],
)  # fmt: skip
def test_what_is_no_web_address_is_refused(url: str):
    with pytest.raises(AddressRefused):
        check_base_url(url)


@pytest.mark.parametrize(
    "url",
    ["http://017700000001", "http://0177.0.0.1", "http://0x7f.1", "http://127.0x1", "http://１２７.0.0.1", "http://127。0。0。1",
     "http://127.0.0.1.", "http://localhost.", "http://server", "http://intranet:8080/", "http://1.2.3.4.5",
     "https://u@shop.example.com", "https://:p@shop.example.com", "https://[fe80::1%25eth0]/", "http://[::]:80"],
)  # fmt: skip
def test_odd_spellings_are_refused(url: str):
    with pytest.raises(AddressRefused) as caught:
        check_base_url(url)
    assert caught.value.message == REFUSED


def test_an_operator_allows_one_host_and_port():
    allowed = frozenset({("127.0.0.1", 8071), ("localhost", 8069), ("::1", 80)})
    assert check_base_url("http://127.0.0.1:8071/x", allowed) == ("http", "127.0.0.1", 8071)
    assert check_base_url("http://LOCALHOST:8069", allowed) == ("http", "localhost", 8069)
    assert check_base_url("http://[::1]", allowed) == ("http", "::1", 80)
    for other in ("http://127.0.0.1:8072", "http://127.0.0.1", "http://127.0.0.2:8071", "http://localhost:8071",
                  "http://127.1:8071", "http://u:p@127.0.0.1:8071"):  # fmt: skip
        with pytest.raises(AddressRefused):
            check_base_url(other, allowed)


# --- Where the connection is made -------------------------------------------------------------------------------------


class Names:
    """Stands for the name server: one list of addresses for each look-up, the last one from then on."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[Any, Any]] = []

    def getaddrinfo(self, host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        self.asked.append((host, port))
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in found]


@pytest.mark.parametrize("address", [a for a in PRIVATE if "%" not in a])
def test_a_name_that_leads_inside_is_refused_when_it_is_dialled(address: str, monkeypatch: pytest.MonkeyPatch):
    calls, names = Calls(), Names([address])
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", lambda *a: pytest.fail("it dialled"))
    http = HttpClient(
        base_url="https://shop.example.com", before_request=calls.count, on_exchange=calls.exchanges.append
    )
    with pytest.raises(AddressRefused) as caught:
        http.post("orders", json={"a": 1})
    assert caught.value.message == REFUSED
    assert [e.error for e in calls.exchanges] == [f"ADDRESS_NOT_ALLOWED: {REFUSED}"]


def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(socket, "getaddrinfo", Names(["8.8.8.8", "10.0.0.1"]).getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", lambda *a: pytest.fail("it dialled"))
    with pytest.raises(AddressRefused):
        HttpClient(base_url="https://shop.example.com").get("x")


def test_the_address_that_was_checked_is_the_one_dialled(monkeypatch: pytest.MonkeyPatch):
    """Rebinding: the name changes to loopback after the first look-up, and nobody looks again."""
    names, dialled = Names(["8.8.8.8", "1.1.1.1"], ["127.0.0.1"]), []

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        dialled.append(address)
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connect)
    http = HttpClient(base_url="https://shop.example.com")
    with pytest.raises(NotSent):
        http.get("x")
    assert names.asked == [("shop.example.com", 443)]
    assert dialled == [("8.8.8.8", 443), ("1.1.1.1", 443)]
    with pytest.raises(AddressRefused):  # a new connection is a new look-up, checked again
        http.get("x")
    assert len(dialled) == 2


def test_host_header_stays_the_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(socket, "getaddrinfo", Names(["127.0.0.1"]).getaddrinfo)
    with serving(says(answer())) as server:
        allowed = frozenset({("shop.example.com", server.port)})
        HttpClient(base_url=f"http://shop.example.com:{server.port}", allowed_private=allowed).get("x")
        assert f"Host: shop.example.com:{server.port}\r\n".encode() in server.requests[0]


def test_the_next_address_is_tried_when_one_refuses(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(socket, "getaddrinfo", Names(["127.0.0.2", "127.0.0.1"]).getaddrinfo)
    with serving(says(answer())) as server:  # listens on 127.0.0.1 alone
        allowed = frozenset({("shop.example.com", server.port)})
        http = HttpClient(base_url=f"http://shop.example.com:{server.port}", allowed_private=allowed)
        assert http.post("x").status == 200
    assert len(server.requests) == 1
