"""Connections that dial only checked addresses, and that a deadline can cut at any byte."""

from __future__ import annotations

import http.client
import io
import os
import socket
import threading
import time
from types import TracebackType
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from integrations.contract.addresses import resolve
from integrations.contract.errors import AddressRefused, NotSent


class Dialler:
    """Dials the one origin of a client, and cuts the line of the request under way at its deadline.

    `sent` says whether a byte of the request may have left, `expired` whether the deadline has passed.
    """

    def __init__(self, origin: tuple[str, str, int], allowed_private: frozenset[tuple[str, int]]) -> None:
        self.origin = origin
        self.allowed_private = allowed_private
        self.sent = False
        self._ends_at = 0.0
        self._cut = False
        self._line: int | None = None
        self._watch: Watch | None = None
        self._lock = threading.Lock()

    @property
    def expired(self) -> bool:
        return self._cut or self.seconds_left() <= 0

    def seconds_left(self) -> float:
        return self._ends_at - time.monotonic()

    def begin(self, deadline: float) -> Watch:
        """Start the clock of one request; `with` stops it."""
        self._ends_at, self.sent, self._cut = time.monotonic() + deadline, False, False
        self._watch = Watch(self, deadline)
        return self._watch

    def watch(self, sock: socket.socket) -> None:
        """Keep a second handle of the connection: TLS replaces the socket object, the handle stays good."""
        with self._lock:
            self._forget()
            self._line = os.dup(sock.fileno())

    def cut(self, watch: Watch) -> None:
        """Shut the connection down, whatever is being read or written on it; too late for another request's."""
        with self._lock:
            if watch is not self._watch:
                return
            self._cut = True
            if self._line is not None:
                with socket.socket(fileno=os.dup(self._line)) as line:
                    try:
                        line.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        return  # it was closed in the same moment

    def release(self) -> None:
        with self._lock:
            self._watch = None
            self._forget()

    def _forget(self) -> None:
        if self._line is not None:
            os.close(self._line)
            self._line = None

    def dial(self, host: str, port: int) -> socket.socket:
        """A TCP connection to one of the host's checked addresses, each given its share of the time that is left."""
        if (host.lower(), port) != self.origin[1:]:
            raise AddressRefused(f"{host}:{port} is not this connection's host; nothing was sent.")
        addresses = resolve(host, port, self.allowed_private, max(self.seconds_left(), 0.001))
        failure: OSError | None = None
        for tried, (family, address) in enumerate(addresses):
            left = self.seconds_left()
            if left <= 0:
                break
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.settimeout(left / (len(addresses) - tried))
            try:
                sock.connect((address, port))
            except OSError as error:
                sock.close()
                failure = error
            else:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.watch(sock)
                return sock
        raise NotSent(f"{host}:{port} could not be reached: {failure or 'no time left'}", code="NOT_REACHED")


class Watch:
    """The clock of one request: at the deadline it cuts the line."""

    def __init__(self, dialler: Dialler, deadline: float) -> None:
        self._dialler = dialler
        self._timer = threading.Timer(deadline, dialler.cut, args=(self,))
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self._dialler.release()


class _WholeLines(io.BufferedReader):
    """http.client takes the end of the connection for the end of the headers; here a cut line is an error."""

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if not line.endswith(b"\n") and (size is None or size < 0 or len(line) < size):
            raise ConnectionResetError("The connection ended in the middle of the answer.")
        return line


class _WholeResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = _WholeLines(sock.makefile("rb", buffering=0))


def build_adapter(dialler: Dialler) -> HTTPAdapter:
    """An adapter whose connections report to `dialler`; it never retries and knows no proxy."""

    def begin_to_send(connection: HTTPConnection) -> None:
        if connection.sock is None:
            connection.connect()
        if not dialler.sent:
            if dialler.expired:
                raise NotSent("The deadline passed before anything was sent.", code="NOT_REACHED")
            dialler.watch(connection.sock)  # a connection that was kept alive has not been dialled this time
            dialler.sent = True

    class Plain(HTTPConnection):
        response_class = _WholeResponse

        def _new_conn(self) -> socket.socket:
            return dialler.dial(self.host, self.port or 80)

        def send(self, data: Any) -> None:
            begin_to_send(self)
            super().send(data)

    class Secure(HTTPSConnection):
        response_class = _WholeResponse

        def _new_conn(self) -> socket.socket:
            return dialler.dial(self.host, self.port or 443)

        def send(self, data: Any) -> None:
            begin_to_send(self)
            super().send(data)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    return Adapter(pool_connections=1, pool_maxsize=1, max_retries=urllib3.Retry(0, redirect=False, read=False))
