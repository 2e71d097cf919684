"""Ask a server for what is at a URL: TLS, but to this machine; a limit of time and bytes; no secret to anybody else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
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
    opener = build_opener(HTTPSHandler(context=tls.context()), _Stopping())
    first = urlsplit(url).netloc
    for _ in range(_REDIRECTS):
        headers = {"Accept": accepted, "User-Agent": "argosy"}
        if authorization and urlsplit(url).netloc == first:
            headers["Authorization"] = authorization
        answer: HTTPResponse
        with opener.open(Request(url, headers=headers), timeout=PATIENCE) as answer:
            if answer.status not in {301, 302, 303, 307, 308}:
                return _bounded(answer, urlsplit(url).netloc, largest, end, failed)
            url = urljoin(url, answer.headers.get("Location", ""))
        if not is_safe(url):
            raise failed(f"it leads to {url[:100]}, which is not https")
    raise failed("it leads from one address to the next")


def _bounded(answer: HTTPResponse, host: str, largest: int, end: float, failed: Failed) -> bytes:
    found = bytearray()
    while part := answer.read(64 * 1024):
        found += part
        if len(found) > largest:
            raise failed(f"{host} sends more than the {largest:,} bytes that there are to be")
        if monotonic() > end:
            raise failed("it takes too long")
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
