"""The one HTTP client: total deadline, cap on decoded bytes, no redirects, no surroundings, no private addresses."""

from __future__ import annotations

import json as jsonlib
import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import certifi
import requests
import urllib3
from requests.auth import AuthBase

from integrations.contract import redact
from integrations.contract.addresses import check_base_url, parse_origin
from integrations.contract.dialling import Dialler, build_adapter
from integrations.contract.errors import AddressRefused, ConnectorError, NotSent, OutcomeUnknown, Retryable
from integrations.contract.response import UNEXPECTED, Response, parse_retry_after

__all__ = ["READS", "Exchange", "HttpClient", "Response", "parse_retry_after"]

UNAUTHORIZED = 401
NOT_KEPT = b"(not kept: it is about tokens)"
READS = frozenset({"GET", "HEAD", "OPTIONS"})
_CHUNK = 65_536  # bytes read, and inflated, at a time: the cap is looked at after each
_DOT_SEGMENT = re.compile(r"(?i)(^|[/\\])(\.|%2e){1,2}([/\\?#]|$)")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One redacted request and its answer; `status` is None where none came, `error` is '' where nothing failed."""

    method: str
    url: str
    request_headers: Mapping[str, str]
    request_body: bytes
    status: int | None
    response_headers: Mapping[str, str]
    response_body: bytes
    error: str
    elapsed_ms: int


class HttpClient:
    """Speaks with one host for one connection; not shared between threads.

    `deadline` is in seconds, for the whole of a request from the name look-up to the last byte. `max_bytes` bounds the
    answer as sent and as decoded. `allowed_private` are (host as in the address, port) pairs. `ca_bundle` is the path
    of a merchant's own certificate authorities, instead of certifi's. `secrets` never appear in an Exchange or error.
    `on_unauthorized` is asked after a 401 and says whether there are new credentials to send the request with again;
    what was not let in did nothing.
    """

    def __init__(
        self,
        *,
        base_url: str,
        deadline: float = 30.0,
        max_bytes: int = 20_000_000,
        allowed_private: frozenset[tuple[str, int]] = frozenset(),
        auth: AuthBase | None = None,
        headers: Mapping[str, str] | None = None,
        before_request: Callable[[], None] | None = None,
        on_exchange: Callable[[Exchange], None] | None = None,
        on_unauthorized: Callable[[], bool] | None = None,
        secrets: Sequence[str] = (),
        ca_bundle: str | None = None,
    ) -> None:
        self.origin = check_base_url(base_url, allowed_private)
        self.base_url = base_url.rstrip("/") + "/"
        self.deadline = deadline
        self.max_bytes = max_bytes
        self.before_request = before_request
        self.on_exchange = on_exchange
        self.on_unauthorized = on_unauthorized
        self._renewing = False
        self._ca_bundle = ca_bundle or certifi.where()
        self._secrets = redact.spellings(secrets)
        self._dialler = Dialler(self.origin, allowed_private)
        self._adapter = build_adapter(self._dialler)
        self._session = requests.Session()  # prepares requests; it sends none, so that no cookie or redirect is handled
        self._session.trust_env = False
        self._session.headers.update({"User-Agent": "Stockbridge", "Accept-Encoding": "gzip, deflate"})
        self.use(auth=auth, headers=headers)

    def use(self, *, auth: AuthBase | None = None, headers: Mapping[str, str] | None = None) -> None:
        """Send these with every request from now on."""
        if auth is not None:
            self._session.auth = auth
        self._session.headers.update(headers or {})

    def hide(self, secrets: Sequence[str]) -> None:
        """Keep these out of exchanges and errors, too."""
        self._secrets = [*self._secrets, *redact.spellings(secrets)]

    def close(self) -> None:
        """Close the connection that was kept alive."""
        self._adapter.close()

    def get(self, path: str, **kwargs: Any) -> Response:
        return self.request("GET", path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> Response:
        return self.request("POST", path, **kwargs)

    def put(self, path: str, **kwargs: Any) -> Response:
        return self.request("PUT", path, **kwargs)

    def patch(self, path: str, **kwargs: Any) -> Response:
        return self.request("PATCH", path, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> Response:
        return self.request("DELETE", path, **kwargs)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Any = None,
        json: Any = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        write: bool | None = None,
        deadline: float | None = None,
    ) -> Response:
        """One request, once. `path` is below the base address, or an absolute address on the same host.

        Raises NotSent where nothing left, OutcomeUnknown (a write) or Retryable (a read) where it may have, and
        AddressRefused. An answer of any status is returned. `before_request` may refuse: then nothing is sent or
        captured.
        """
        write = method.upper() not in READS if write is None else write

        def send() -> Response:
            return self._once(
                method, path, params=params, json=json, data=data, headers=headers, write=write, deadline=deadline
            )

        answer = send()
        return send() if answer.status == UNAUTHORIZED and self.renew() else answer

    def renew(self) -> bool:
        """Whether there are new credentials; the requests made to get them ask no further. After a 401 the client does
        this by itself."""
        if self.on_unauthorized is None or self._renewing:
            return False
        self._renewing = True
        try:
            return self.on_unauthorized()
        finally:
            self._renewing = False

    def _once(
        self,
        method: str,
        path: str,
        *,
        params: Any,
        json: Any,
        data: Any,
        headers: Mapping[str, str] | None,
        write: bool,
        deadline: float | None,
    ) -> Response:
        prepared = self._prepare(method, path, params=params, json=json, data=data, headers=headers)
        if self.before_request:
            self.before_request()
        started = time.monotonic()
        answer: Response | None = None
        problem = "The request was interrupted."
        try:
            with self._dialler.begin(self.deadline if deadline is None else deadline):
                answer = self._send(prepared, write=write)
            problem = ""
        except ConnectorError as error:
            problem = f"{error.code}: {error.message}"
            raise
        finally:
            self._capture(prepared, answer, problem, int((time.monotonic() - started) * 1000))
        return answer

    def _prepare(
        self, method: str, path: str, *, params: Any, json: Any, data: Any, headers: Mapping[str, str] | None
    ) -> requests.PreparedRequest:
        head = dict(headers or {})
        if json is not None:
            data = jsonlib.dumps(json, allow_nan=False).encode()
            head.setdefault("Content-Type", "application/json")
        request = requests.Request(method, self._address(path), params=params, data=data, headers=head)
        prepared = self._session.prepare_request(request)
        if parse_origin(prepared.url or "") != self.origin:  # the address as it will be dialled, after all parsing
            raise AddressRefused("The address is not on this connection's host; nothing was sent.")
        return prepared

    def _address(self, path: str) -> str:
        if re.match(r"[A-Za-z][A-Za-z0-9+.\-]*://", path):
            scheme, host, port = parse_origin(path)
            if (scheme, host, port) != self.origin:
                raise AddressRefused(f"{scheme}://{host}:{port} is not this connection's host; nothing was sent.")
            return path
        if _DOT_SEGMENT.search(path.partition("?")[0]):
            raise AddressRefused("A path with '..' leads out of the connection's address; nothing was sent.")
        return self.base_url + path.lstrip("/")

    def _send(self, prepared: requests.PreparedRequest, *, write: bool) -> Response:
        left = max(self._dialler.seconds_left(), 0.001)
        try:
            with self._adapter.send(prepared, stream=True, timeout=left, verify=self._ca_bundle, proxies={}) as answer:
                body = self._read(answer, write=write)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            self._raise_transport(error, write=write)
        return Response(
            status=answer.status_code,
            headers=answer.headers,
            body=body,
            url=prepared.url or "",
            write=write,
            redact=self._redact,
        )

    def _read(self, answer: requests.Response, *, write: bool) -> bytes:
        wire = answer.raw.stream(_CHUNK, decode_content=False)
        coding = answer.headers.get("Content-Encoding", "").strip().lower()
        kind = OutcomeUnknown if write else Retryable
        if coding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            raise kind(f"The answer is encoded as {coding[:50]!r}, which nobody asked for.", code=UNEXPECTED)
        chunks, size = [], 0
        for chunk in wire if coding in {"", "identity"} else _inflate(wire):
            size += len(chunk)
            if size > self.max_bytes:
                raise kind(f"The answer is larger than {self.max_bytes} bytes.", code="RESPONSE_TOO_LARGE")
            chunks.append(chunk)
        if self._dialler.expired:  # a body without a length ends where the deadline cut it
            raise requests.exceptions.ReadTimeout("deadline")
        return b"".join(chunks)

    def _raise_transport(self, error: Exception, *, write: bool) -> NoReturn:
        words = self._redact(str(error))[:300]
        if not self._dialler.sent:
            raise NotSent(f"Nothing was sent: {words}") from error
        kind = OutcomeUnknown if write else Retryable
        timed_out = (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
        if self._dialler.expired or isinstance(error, timed_out):
            raise kind("The platform did not answer in time.", code="REMOTE_TIMEOUT") from error
        raise kind(
            f"The connection broke off before the answer was complete: {words}", code="CONNECTION_LOST"
        ) from error

    def _redact(self, text: str) -> str:
        return redact.redact_text(text, self._secrets)

    def _capture(self, request: requests.PreparedRequest, answer: Response | None, problem: str, elapsed: int) -> None:
        if self.on_exchange is None:
            return
        body = request.body or b""
        sent = body.encode() if isinstance(body, str) else bytes(body)
        got = answer.body if answer else b""
        if self._renewing:  # a new token is a secret that nobody knows of yet
            sent = got = NOT_KEPT
        self.on_exchange(
            Exchange(
                method=request.method or "",
                url=redact.redact_url(request.url or "", self._secrets),
                request_headers=redact.redact_headers(request.headers, self._secrets),
                request_body=redact.redact_bytes(sent, self._secrets),
                status=answer.status if answer else None,
                response_headers=redact.redact_headers(answer.headers, self._secrets) if answer else {},
                response_body=redact.redact_bytes(got, self._secrets),
                error=self._redact(problem),
                elapsed_ms=elapsed,
            )
        )


def _inflate(wire: Iterator[bytes]) -> Iterator[bytes]:
    """gzip or deflate (zlib, or raw as some servers send it), at most _CHUNK bytes at a time; ValueError where it is
    broken or ends early."""
    inflater: Any = None
    for data in wire:
        rest = data
        while rest:
            if inflater is None:
                inflater = zlib.decompressobj(_window_bits(rest))
            try:
                yield inflater.decompress(rest, _CHUNK)
            except zlib.error as error:
                raise ValueError(f"the answer cannot be decompressed: {error}") from error
            rest = inflater.unconsumed_tail
            if inflater.eof:  # gzip members may follow one another (RFC 1952, 2.2); zeros and line ends are padding
                rest, inflater = inflater.unused_data.lstrip(b"\0\r\n"), None
    if inflater is not None:
        raise ValueError("the compressed answer ends early")


def _window_bits(start: bytes) -> int:
    """By the first byte: gzip's magic, zlib's header (RFC 1950: method 8), else raw deflate."""
    if start[:1] == b"\x1f":
        return 16 + zlib.MAX_WBITS
    return (
        zlib.MAX_WBITS
        if start[0] & 0x0F == 8 and (len(start) < 2 or not (start[0] * 256 + start[1]) % 31)
        else -zlib.MAX_WBITS
    )
