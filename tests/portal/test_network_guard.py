"""The suite itself reaches no other computer."""

from __future__ import annotations

import socket

import pytest

from tests.conftest import NetworkRefused


@pytest.mark.parametrize("host", ["192.0.2.1", "example.com", "2001:db8::1"])
def test_foreign_address_is_refused(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as one, pytest.raises(NetworkRefused):
        one.connect((host, 80))
    with socket.socket(family) as one, pytest.raises(NetworkRefused):
        one.connect_ex((host, 80))


def test_loopback_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as one:
        one.connect(server.getsockname())
        assert one.getpeername() == server.getsockname()
