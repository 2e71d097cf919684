"""An index of packages on loopback, which says of its files what PyPI says, so that pip keeps them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote

from packaging.utils import canonicalize_name

from benchmarks.measuring import MissingError
from tests.loopback import listening


def downloaded(lock: Path, wheels: Path) -> None:
    """Download what a lock file lists into a folder, from the index that pip uses."""
    options = ("--no-deps", "--only-binary", ":all:", "--require-hashes", "--dest", wheels)
    _pip("download", *options, "--requirement", lock)


def built(checkout: Path, wheels: Path) -> str:
    """Build a checkout's wheel into a folder, and return what pip is to install, exactly."""
    _pip("wheel", "--no-deps", "--wheel-dir", wheels, checkout)
    wheel = next(wheels.glob("argosy-*.whl"))
    return f"argosy=={wheel.name.split('-')[1]} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def _pip(command: str, *arguments: str | Path) -> None:
    try:
        subprocess.run([sys.executable, "-m", "pip", command, "--quiet", *arguments], check=True)
    except subprocess.CalledProcessError as error:
        raise MissingError("pip gets none of what argosy depends on, from the index that it uses") from error


@contextmanager
def serving(wheels: Path) -> Iterator[str]:
    """Serve a folder of wheels until the block ends, and yield the index's URL."""
    by_name: dict[str, list[Path]] = {}
    for each in wheels.glob("*.whl"):
        by_name.setdefault(canonicalize_name(each.name.split("-")[0]), []).append(each)

    class Index(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            kind, _, name = unquote(self.path).strip("/").partition("/")
            if kind == "simple" and name in by_name:
                links = (f'<a href="/files/{each.name}">{each.name}</a>' for each in by_name[name])
                self._answer("".join(links).encode(), "text/html", "max-age=600, public")
            elif kind == "files" and (wheels / name).is_file():
                age = "max-age=365000000, immutable, public"
                self._answer((wheels / name).read_bytes(), "application/octet-stream", age)
            else:
                self.send_error(404)

        def _answer(self, body: bytes, kind: str, age: str) -> None:
            self.send_response(200)
            headers = {"Content-Type": kind, "Content-Length": len(body), "Cache-Control": age}
            for key, value in (headers | {"ETag": f'"{hashlib.sha256(body).hexdigest()}"'}).items():
                self.send_header(key, str(value))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with listening(Index) as url:
        yield f"{url}/simple/"
