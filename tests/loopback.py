"""Servers on loopback, which play the ones that cannot be reached."""

from __future__ import annotations

import io
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_handlers: dict[str, type[BaseHTTPRequestHandler]] = {}
"""What answers in this process, by the URL that it listens at."""


def refusing(asked: list[str]) -> type[BaseHTTPRequestHandler]:
    """Return what answers nothing, and notes what it is asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_CONNECT = do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Have requests handled, and yield the URL under which they are, until the block ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        if tls:
            # The handshake is left to the thread of each connection.
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        # It looks that often whether it is to end, which each test waits for.
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
        _handlers[url] = handler
        try:
            yield url
        finally:
            del _handlers[url]
            server.shutdown()
            thread.join()


def answered(url: str, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """Return what is answered to a request in this process, by the code that answers it there, without a connection.

    A connection takes two milliseconds of CPU. Raise ConnectionRefusedError where nobody listens.
    """
    if url not in _handlers:
        raise ConnectionRefusedError(url)
    handler = _handlers[url].__new__(_handlers[url])
    handler.client_address, handler.command, handler.path = ("127.0.0.1", 0), method, target
    handler.request_version, handler.requestline = "HTTP/1.1", f"{method} {target} HTTP/1.1"
    handler.headers = HTTPMessage()
    for name, value in (*headers.items(), ("Content-Length", str(len(body)))):
        handler.headers[name] = value
    handler.rfile, handler.wfile = io.BufferedReader(io.BytesIO(body)), io.BytesIO()
    getattr(handler, f"do_{method}")()
    return handler.wfile.getvalue().partition(b"\r\n\r\n")[2]
