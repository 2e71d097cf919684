"""Serve the page to this machine alone, and make it anew when the repository changes."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from argosy import git
from argosy.errors import ArgosyError
from argosy.paths import holds
from argosy.repository import states
from argosy.web.as_html import INDEX

ADDRESS = "127.0.0.1"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""No other site may embed the page or a part of it; what it may load, the page says itself."""
_PATIENCE = 10
"""After how many seconds a connection ends on which nothing comes."""

Files = Mapping[str, bytes]


@dataclass
class Shown:
    """The page as it is served, which changes while it is."""

    files: Files
    asked: threading.Event = field(default_factory=threading.Event)
    """Set when somebody looks: only then is there a reason to look at the repository."""

    @property
    def version(self) -> str:
        """What tells one page from another."""
        return hashlib.sha256(self.files[INDEX]).hexdigest()


@contextmanager
def listening(shown: Shown, port: int) -> Iterator[str]:
    """Answer who asks, and yield the page's address; raise ArgosyError where the port is taken."""
    try:
        server = ThreadingHTTPServer((ADDRESS, port), _handler(shown))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ArgosyError(
            f"Port {port} cannot be listened on: {reason}.", "Name another: --port 0 finds one."
        ) from error
    with server:
        server.daemon_threads, server.block_on_close = True, False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        try:
            yield f"http://{ADDRESS}:{server.server_port}/"
        finally:
            server.shutdown()


def follow(
    root: Path, known: str, shown: Shown, make: Callable[[], Files], complain: Callable[[ArgosyError], None]
) -> None:
    """Make the page anew whenever the repository has changed, as long as nobody ends it.

    `known` is the state that the page was made of. The last page stays where another cannot be made, and `complain` is
    told why: of a state, and of what keeps it from being known, once.
    """
    said = ""
    while True:
        if not shown.asked.wait(1):
            continue
        shown.asked.clear()
        try:
            if (now := state(root)) == known:
                continue
            known, said = now, ""
            shown.files = make()
        except (ArgosyError, OSError) as error:
            # A file may be gone, and Git's index be written anew, while they are read.
            told = error if isinstance(error, ArgosyError) else ArgosyError(f"The page cannot be made anew: {error}.")
            if str(told) != said:
                complain(told)
            said = str(told)


def state(root: Path) -> str:
    """Return what changes with a repository's files and commits; what Git ignores counts for nothing."""
    git.forget()
    told = []
    if states.is_repository(root):
        paths = git.run(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
        told.append(git.run(root, "for-each-ref", "--format=%(objectname) %(refname)") + git.at(root).head)
        told.append(git.branch(root))
    else:
        paths = [path.relative_to(root).as_posix() for path in root.rglob("*") if holds(path.is_file)]
    for path in sorted(filter(None, paths)):
        try:
            status = (root / path).lstat()
        except OSError:
            continue
        told.append(f"{path}\0{status.st_mtime_ns} {status.st_size}")
    return hashlib.sha256("\n".join(told).encode(errors="surrogateescape")).hexdigest()


def _handler(shown: Shown) -> type[BaseHTTPRequestHandler]:
    """Return what answers requests for the page's files, by their names, and its version; no path leads elsewhere."""

    class Handler(BaseHTTPRequestHandler):
        timeout = _PATIENCE
        server_version, sys_version = "argosy", ""
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_HEAD(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self.close_connection = True  # Whatever else was sent is not read.
            self._send(
                HTTPStatus.METHOD_NOT_ALLOWED, b"This page is only read.\n", "text/plain", {"Allow": "GET, HEAD"}
            )

        do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_CONNECT = do_POST  # noqa: N815

        def _answer(self) -> None:
            _, port = self.connection.getsockname()
            # A name that a stranger has point here is not one of ours: its pages would read this one.
            if self.headers.get_all("Host") not in [[f"{name}:{port}"] for name in (ADDRESS, "localhost")]:
                self.close_connection = True
                self._send(HTTPStatus.MISDIRECTED_REQUEST, b"Ask for 127.0.0.1 or localhost.\n", "text/plain")
                return
            path = self.path.partition("?")[0].removeprefix("/") or INDEX
            if path == "version":
                shown.asked.set()
                self._send(HTTPStatus.OK, shown.version.encode(), "text/plain")
            elif (content := shown.files.get(path)) is not None:
                self._send(HTTPStatus.OK, content, "text/html" if path == INDEX else "application/octet-stream")
            else:
                self._send(HTTPStatus.NOT_FOUND, b"There is no such page.\n", "text/plain")

        def _send(
            self, status: HTTPStatus, content: bytes, kind: str, headers: Mapping[str, str] | None = None
        ) -> None:
            self.send_response(status)
            for name, value in {**_HEADERS, **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler
