"""A file at an address of a merchant's own: fetched as carefully as everything else, and without any secret."""

from __future__ import annotations

from integrations.contract.addresses import parse_origin
from integrations.contract.errors import Rejected
from integrations.contract.http import HttpClient
from integrations.models import Connection
from integrations.sync.client import list_allowed_private

DEADLINE = 30.0  # seconds, for the whole of it


def fetch_file(address: str, *, connection: Connection | None, most: int) -> bytes:
    """What lies at the address, `most` bytes at most. A private address only where an operator allowed its host and
    port, for all or for this connection. ConnectorError where it cannot be had; no redirect is followed."""
    scheme, host, port = parse_origin(address)
    name = f"[{host}]" if ":" in host else host
    http = HttpClient(
        base_url=f"{scheme}://{name}:{port}",
        deadline=DEADLINE,
        max_bytes=most,
        allowed_private=list_allowed_private(connection),
    )
    try:
        answer = http.get(address)
    finally:
        http.close()
    if answer.status != 200:
        raise Rejected(f"{host} answered {answer.status}.", code="FILE_REFUSED", status=answer.status)
    return answer.body
