"""Talk to a host's API over HTTP: patient with the host's faults, silent about the token."""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, InvalidHeader, MaxRetryError
from urllib3.util.retry import Retry

from argosy import tls
from argosy.documents.json_text import refuse_constant
from argosy.errors import ArgosyError

if TYPE_CHECKING:
    from urllib3.connectionpool import ConnectionPool
    from urllib3.response import BaseHTTPResponse

TIMEOUTS = (10.0, 60.0)
"""Seconds to wait for a connection, and for an answer."""
LONGEST_WAIT = 60
"""The most seconds to wait because a host asks for it."""
LONGEST = 300.0
"""After how many seconds one question is given up, with all its attempts and pages, however slowly answers arrive."""
LARGEST = 16 * 1024 * 1024
"""How many bytes an answer may have, unpacked."""
MOST_PAGES = 200
"""Of how many pages a list is read."""
BACKOFF = 0.5
"""Seconds that the waits between attempts grow from: none, then twice as much, then four times."""
_RETRIES = 3
_REDIRECTS = 3
_LONGEST_SAYING = 500
_DISTRUSTED = "CERTIFICATE_VERIFY_FAILED"
"""What OpenSSL's error says of a certificate that cannot be trusted."""


class RefusedError(ArgosyError):
    """Report that the host understood, and said no: an answer of 300 to 499."""

    def __init__(self, message: str, hint: str, status: int, said: str) -> None:
        super().__init__(message, hint)
        self.status = status
        self.said = said
        """The host's own words, perhaps none."""


class UnansweredError(ArgosyError):
    """Report that the host failed or was not reached, so that the outcome is unknown."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a client needs to know of a host, and of the one who asks."""

    api: str
    """The API's address, without a slash at its end."""
    project: str
    token: str = field(repr=False)
    variable: str
    """Where the token comes from."""
    authorization: str = field(repr=False)
    scopes: str
    """What a token must allow, in the host's words."""
    headers: Mapping[str, str] = field(default_factory=dict)
    advice: Mapping[str, str] = field(default_factory=dict)
    """What to do next, by a part of what the host says, in small letters."""

    @property
    def host(self) -> str:
        """The API's host name, as messages call it."""
        return urlsplit(self.api).netloc


class _Authorization(AuthBase):
    """Sign requests; without it, requests would take a password from ~/.netrc instead."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


class _Patience(Retry):
    """Try again what cannot have happened, and what may happen twice."""

    def parse_retry_after(self, retry_after: str) -> float:
        """Return how many seconds to wait, none where a host says nonsense."""
        try:
            return super().parse_retry_after(retry_after)
        except (InvalidHeader, ArithmeticError, ValueError):
            # Python reads no number of thousands of digits.
            return math.inf if re.fullmatch(r"\s*[0-9]+\s*", retry_after) else 0

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        # GitHub says 403 instead of 429 when requests come too fast.
        if status_code == 429 or (status_code == 403 and has_retry_after):
            return True
        return status_code in {500, 502, 503, 504} and method in (self.allowed_methods or ())

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        is_long = response is not None and (self.get_retry_after(response) or 0) > LONGEST_WAIT
        # A certificate that is not trusted is not trusted in a second either.
        if (is_long or _DISTRUSTED in str(error)) and _pool is not None:
            raise MaxRetryError(_pool, url or "", error)
        return super().increment(method, url, response, error, _pool, _stacktrace)


class _Adapter(HTTPAdapter):
    """Trust whom the system trusts, behind a proxy too; requests by itself has a list of its own."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **{"ssl_context": tls.context(), **options})

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        contexts = {"ssl_context": tls.context(), "proxy_ssl_context": tls.context()}
        return super().proxy_manager_for(proxy, **{**contexts, **options})


class _Session(requests.Session):
    """Follow no redirect, and do not look at one either: what requests cannot read would be lost unclosed."""

    def resolve_redirects(self, *_: Any, **__: Any) -> Iterator[requests.Response]:
        """Return no further response."""
        return iter(())


class _Answer(NamedTuple):
    """What a host answered, read to its end."""

    response: requests.Response
    content: bytes

    def document(self) -> Any:
        """Return what the JSON says; raise ValueError where it is none that can be read."""
        try:
            return json.loads(self.content, parse_constant=refuse_constant)
        except RecursionError as error:
            raise ValueError("too deep") from error


class Client:
    """Send requests to one host."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._session = _Session()
        self._session.auth = _Authorization(access.authorization)
        self._session.headers.update({"User-Agent": "argosy", "Accept": "application/json", **access.headers})
        patience = _Patience(
            total=_RETRIES,
            allowed_methods={"GET", "PUT", "PATCH"},
            backoff_factor=BACKOFF,
            raise_on_status=False,
        )
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, _Adapter(max_retries=patience))

    def call(
        self, method: str, path: str, doing: str, *, query: Mapping[str, str] | None = None, body: object = None
    ) -> Any:
        """Return the JSON that the host answers with; `doing` completes "could not …".

        Raise RefusedError if the host says no, and UnansweredError if it fails or is not reached.
        """
        return self._document(
            self._send(method, path, doing, time.monotonic() + LONGEST, query=query, body=body), doing
        )

    def pages(self, path: str, doing: str, query: Mapping[str, str]) -> Iterator[Any]:
        """Yield the items of a list, page after page."""
        end = time.monotonic() + LONGEST
        following: Mapping[str, str] | None = query
        for _ in range(MOST_PAGES):
            answer = self._send("GET", path, doing, end, query=following)
            document = self._document(answer, doing)
            items, address = document, answer.response.links.get("next", {}).get("url")
            if isinstance(document, dict):
                items, address = document.get("values"), document.get("next")
            if not isinstance(items, list):
                raise self.not_understood(doing)
            yield from items
            if not address:
                return
            try:
                # Only the query is taken: behind a proxy, hosts give addresses that lead elsewhere.
                following = dict(parse_qsl(urlsplit(address).query))
            except (ValueError, AttributeError, TypeError) as error:
                raise self.not_understood(doing) from error
        raise ArgosyError(
            f"Could not {doing}: {self._access.host} has more than {MOST_PAGES} pages of them.",
            "Delete or close those that nobody needs.",
        )

    def _send(
        self,
        method: str,
        path: str,
        doing: str,
        end: float,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
    ) -> _Answer:
        url = self._access.api + path
        for _ in range(_REDIRECTS):
            answer = self._answer(doing, end, method=method, url=url, params=query, json=body)
            response = answer.response
            if not response.is_redirect:
                break
            try:
                target = urljoin(url, response.headers["location"])
                is_same = urlsplit(target)[:2] == urlsplit(url)[:2] or _is_same_with_tls(url, target)
            except ValueError as error:
                raise self.not_understood(doing) from error
            if not is_same:
                raise self._led_away(doing, response.status_code, target)
            # The requests library would make a GET of a redirected POST.
            url, query = target, None
        if response.ok and not response.is_redirect:
            return answer
        raise self._refused(doing, answer)

    def _answer(self, doing: str, end: float, **request: Any) -> _Answer:
        """Return what is answered; give up at `end`, by the monotonic clock, also where it arrives byte by byte."""
        found: list[_Answer | Exception] = []

        def ask() -> None:
            try:
                with self._session.request(**request, timeout=TIMEOUTS, allow_redirects=False, stream=True) as response:
                    content = bytearray()
                    for chunk in response.iter_content(65536):
                        content += chunk
                        if len(content) > LARGEST:
                            raise ValueError("too long")
                    found.append(_Answer(response, bytes(content)))
            except Exception as error:
                found.append(error)

        # A socket's limit of time is for each piece that it receives, so all of them are waited for from outside.
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(max(0.0, end - time.monotonic()))
        # Taken out, or the error would hold itself through its traceback, and with it the connection.
        match found.pop() if found else TimeoutError(f"it takes longer than {LONGEST:.0f} seconds"):
            case _Answer() as answer:
                return answer
            case requests.RequestException() | HTTPError() | OSError() as error:
                raise self._lost(doing, error) from error
            case ValueError() as error:
                raise self.not_understood(doing) from error
            case error:
                raise error

    def _document(self, answer: _Answer, doing: str) -> Any:
        if answer.response.status_code == 204:
            return None
        try:
            return answer.document()
        except ValueError as error:
            raise self.not_understood(doing) from error

    def not_understood(self, doing: str) -> ArgosyError:
        """Return the error that the host's response is not the API's."""
        return ArgosyError(
            f"Could not {doing}: {self._access.host} returned an unexpected response.",
            f"Check that {self._access.api} is the API of the host: ARGOSY_HOST_API or `host.api` in `.argosy.yaml`.",
        )

    def _lost(self, doing: str, error: Exception) -> UnansweredError:
        hint = "Check the network and the proxy (HTTPS_PROXY, NO_PROXY), then run it again: nothing is created twice."
        if _DISTRUSTED in str(error):
            hint = "Add your authority to the system's certificates, or name its file in REQUESTS_CA_BUNDLE."
        elif isinstance(error, requests.exceptions.SSLError):
            hint = (
                f"Check that {self._access.api} is served with TLS. Where it is not, give its address with http:// "
                "outside of the repository: ARGOSY_HOST_WEB, and ARGOSY_HOST_API."
            )
        return UnansweredError(f"Could not {doing}: no answer from {self._access.host}: {_innermost(error)}", hint)

    def _led_away(self, doing: str, status: int, target: str) -> RefusedError:
        other = urlsplit(target)
        return RefusedError(
            f"Could not {doing}: {self._access.host} sends on to {other.scheme}://{other.hostname or ''}.",
            "The token is not sent there. Correct the remote's URL, or set ARGOSY_HOST_API in the environment.",
            status,
            "",
        )

    def _refused(self, doing: str, answer: _Answer) -> ArgosyError:
        response, status = answer.response, answer.response.status_code
        try:
            said = "; ".join(_sayings(answer.document()))
        except (ValueError, RecursionError):
            said = ""
        said = _redacted(said, self._access)[:_LONGEST_SAYING]
        words = f"{status} {response.reason or ''}".strip()
        message = f"Could not {doing}: {self._access.host} answered {words}{f': {said}' if said else '.'}"
        if status >= 500:
            return UnansweredError(message, "The host failed. Run it again later: nothing is created twice.")
        return RefusedError(message, self._hint(response, said), status, said)

    def _hint(self, response: requests.Response, said: str) -> str:
        access = self._access
        for part, advice in access.advice.items():
            if response.status_code != 401 and part in said.casefold():
                return advice
        limits = response.headers.get("X-RateLimit-Remaining") == "0" or "Retry-After" in response.headers
        match response.status_code:
            case 401:
                return (
                    f"The token in {access.variable} is wrong, has expired, or is for another host. "
                    f"It needs {access.scopes}."
                )
            case 429 | 403 if response.status_code == 429 or limits:
                wait = response.headers.get("Retry-After")
                asked = f" and asks to wait (Retry-After: {wait})" if wait else ""
                return f"The host's rate limit is reached{asked}. Run it again later: nothing is created twice."
            case 403:
                return f"The token in {access.variable} does not allow it. It needs {access.scopes}."
            case 404:
                return (
                    f"There is no project {access.project}, or the token in {access.variable} cannot see it. "
                    f"Check the remote's URL, and that the token has {access.scopes}."
                )
            case _:
                return "Check that the branch is pushed, and that no other pull request of it is open."


def _is_same_with_tls(url: str, target: str) -> bool:
    """Return whether a host that was asked by http leads to itself, by https."""
    asked, led = urlsplit(url), urlsplit(target)
    # Of a name with `\` or `@` in it, each library makes another host.
    is_plain = not re.search(r"[\\@]", led.netloc)
    return (asked.scheme, led.scheme) == ("http", "https") and asked.hostname == led.hostname and is_plain


def _innermost(error: BaseException) -> str:
    """Return what went wrong, without the layers that libraries put around it."""
    while True:
        inner = getattr(error, "reason", None) or next(reversed(error.args), None)
        if not isinstance(inner, BaseException):
            # The last part, but not of what is in brackets, such as “[SSL: WRONG_VERSION_NUMBER]”.
            return re.split(r": (?![^\[]*\])", str(error))[-1].rstrip(".") + "."
        error = inner


def _sayings(document: object) -> Iterator[str]:
    """Yield what an error's document says, whichever host's it is."""
    match document:
        case str():
            yield " ".join(document.split())
        case list():
            for each in document:
                yield from _sayings(each)
        case {"field": where, "code": code, **rest}:  # GitHub's, which often have no message.
            yield str(rest.get("message") or f"{where}: {code}")
        case dict():
            for key, value in document.items():
                if key in {"message", "error", "errors", "error_description", "detail", "fields"}:
                    yield from _sayings(value)
                elif isinstance(value, list | dict):
                    yield from (f"{key}: {saying}" for saying in _sayings(value))


def _redacted(text: str, access: Access) -> str:
    secrets = (access.token, access.authorization.split(" ")[-1], *access.token.split(":")[1:])
    return reduce(lambda shown, secret: shown.replace(secret, "***"), filter(None, secrets), text)
