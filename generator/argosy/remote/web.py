"""Ask a server for what is at a URL: TLS, but to this machine; a limit of time and bytes; no secret to anybody else."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from argosy import tls
from argosy.errors import ArgosyError

if TYPE_CHECKING:
    from http.client import HTTPResponse

HERE = re.compile(r"(?:localhost|127\.0\.0\.1)(?::\d+)?")
PATIENCE = 30.0
"""Seconds without a byte."""
_REDIRECTS = 5

Failed = Callable[[str], ArgosyError]
"""Makes the error of a reason."""


def is_safe(url: str) -> bool:
    """Return whether a URL is one of https, or of this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and HERE.fullmatch(parts.netloc) is not None)


def get(url: str, largest: int, end: float, failed: Failed, *, authorization: str = "", accepted: str = "*/*") -> bytes:
    """Return what is at a URL; whom a redirection leads to is told nothing. Raise what `failed` makes, or `failing`."""
    told: list[bytes | Exception] = []
    headers = {"Accept": accepted, **({"Authorization": authorization} if authorization else {})}

    def ask() -> None:
        try:
            told.append(_asked(url, largest, end, failed, headers))
        except Exception as error:  # It is raised where it is waited for.
            told.append(error)

    # A server that drips keeps whoever reads its headers waiting, however short each wait may be.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(max(0.0, end - monotonic()))
    # Taken out and let go, or the error would hold itself through its traceback, and with it the connection.
    match told.pop() if told else failed("it takes too long"):
        case bytes() as found:
            return found
        case error:
            try:
                raise error
            finally:
                del error


def _asked(url: str, largest: int, end: float, failed: Failed, headers: Mapping[str, str]) -> bytes:
    opener = build_opener(HTTPSHandler(context=tls.context()), _Stopping())
    first = urlsplit(url).netloc
    for _ in range(_REDIRECTS):
        given = {
            name: value for name, value in headers.items() if name != "Authorization" or urlsplit(url).netloc == first
        }
        answer: HTTPResponse
        with opener.open(Request(url, headers={**given, "User-Agent": "argosy"}), timeout=PATIENCE) as answer:
            if answer.status not in {301, 302, 303, 307, 308}:
                return _bounded(answer, urlsplit(url).netloc, largest, end, failed)
            url = urljoin(url, answer.headers.get("Location", ""))
        if not is_safe(url):
            raise failed(f"it leads to {url[:100]}, which is not https")
    raise failed("it leads from one address to the next")


def _bounded(answer: HTTPResponse, host: str, largest: int, end: float, failed: Failed) -> bytes:
    found = bytearray()
    # What there is, however little: nobody waits for this any more when the time is up.
    while part := answer.read1(64 * 1024):
        found += part
        if len(found) > largest:
            raise failed(f"{host} sends more than the {largest:,} bytes that there are to be")
        if monotonic() > end:
            raise failed("it takes too long")
    if answer.length:
        raise failed(f"{host} sends less than it says")
    return bytes(found)


@contextmanager
def failing(failed: Failed, *also: type[Exception]) -> Iterator[None]:
    """Raise what `failed` makes of an answer that does not come, is cut short, or is none of HTTP; and of others."""
    odd: tuple[type[Exception], ...] = (OSError, ValueError, HTTPException, *also)
    try:
        yield
    except HTTPError as error:
        raise failed(f"{error.code} {error.reason}") from error
    except URLError as error:
        raise failed(str(error.reason)) from error
    except odd as error:
        raise failed(str(error) or type(error).__name__) from error


class _Stopping(HTTPRedirectHandler):
    """Hands a redirection over as an answer: Python would follow it with all headers."""

    def http_error_302(self, req: Any, fp: Any, code: int, msg: Any, headers: Any) -> Any:  # noqa: ARG002
        """Return the answer."""
        return fp

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302
