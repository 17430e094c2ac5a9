"""Far sides on raw sockets: servers that answer wrongly, slowly or not at all."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

from integrations.contract.http import Exchange, HttpClient

Handler = Callable[[socket.socket], None]


class RawServer:
    """Answers every request on loopback with `handler(connection)`; `requests` are the bytes that came in."""

    def __init__(self, handler: Handler, *, keep_alive: bool = False, tls: ssl.SSLContext | None = None) -> None:
        self.handler = handler
        self.keep_alive = keep_alive
        self.tls = tls
        self.requests: list[bytes] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            if self.tls is not None:
                connection = stack.enter_context(self.tls.wrap_socket(connection, server_side=True))
            while request := read_request(connection):
                self.requests.append(request)
                self.handler(connection)
                if not self.keep_alive:
                    return

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def read_request(connection: socket.socket) -> bytes:
    """One whole request, headers and body; b'' at the end of the connection."""
    received = b""
    while b"\r\n\r\n" not in received:
        if not (more := connection.recv(65536)):
            return b""
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while len(body) < sum(lengths):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def serving(handler: Handler, *, keep_alive: bool = False, tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    server = RawServer(handler, keep_alive=keep_alive, tls=tls)
    try:
        yield server
    finally:
        server.close()


def answer(
    status: str = "200 OK",
    body: bytes = b"{}",
    headers: str = "",
    length: int | None = None,
    *,
    keep_alive: bool = False,
) -> bytes:
    """The bytes of an answer; `headers` are lines ending in CR LF, `length` what Content-Length claims. Unless
    `keep_alive`, it says that the connection ends, so that no client sends its next request into the closing one."""
    claimed = len(body) if length is None else length
    last = "" if keep_alive else "Connection: close\r\n"
    return f"HTTP/1.1 {status}\r\nContent-Length: {claimed}\r\n{last}{headers}\r\n".encode() + body


def says(data: bytes) -> Handler:
    return lambda connection: connection.sendall(data)


def drips(start: bytes, drop: bytes = b"x", every: float = 0.05, seconds: float = 5.0) -> Handler:
    """Sends `start`, then `drop` again and again: each byte in time, the whole never."""

    def handler(connection: socket.socket) -> None:
        connection.sendall(start)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            connection.sendall(drop)
            time.sleep(every)

    return handler


def resets(connection: socket.socket) -> None:
    """Closes with RST, as a crashed process or a firewall does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    connection.close()


class Calls:
    """Counts before_request, keeps on_exchange."""

    def __init__(self) -> None:
        self.before = 0
        self.exchanges: list[Exchange] = []

    def count(self) -> None:
        self.before += 1

    @property
    def text(self) -> str:
        """Everything captured, to be searched for secrets."""
        return repr(self.exchanges)


def client(
    port: int,
    calls: Calls | None = None,
    *,
    host: str = "127.0.0.1",
    deadline: float = 5.0,
    path: str = "",
    scheme: str = "http",
    secrets: tuple[str, ...] = (),
    max_bytes: int = 20_000_000,
    ca_bundle: str | None = None,
) -> HttpClient:
    """A client of a server on this computer, allowed by name and port."""
    return HttpClient(
        base_url=f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{path}",
        deadline=deadline,
        max_bytes=max_bytes,
        allowed_private=frozenset({(host, port)}),
        before_request=calls.count if calls else None,
        on_exchange=calls.exchanges.append if calls else None,
        secrets=secrets,
        ca_bundle=ca_bundle,
    )
