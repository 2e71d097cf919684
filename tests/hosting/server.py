"""Play a host's API on loopback: its state, its strictness, its faults.

    with playing("github", project="acme/gitops") as server:
        host_of("https://github.com/acme/gitops.git", {}, server.environment)

A request that the host's API does not have (another method, path, query, header or body) is answered with 400 and
makes the context fail at its end.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socket import SHUT_RDWR
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from tests.hosting.dialect import ME, Dialect, Misuse, Posted, PullRequest, Received, Refusal
from tests.hosting.played_bitbucket import BitbucketDialect
from tests.hosting.played_gitea import GiteaDialect
from tests.hosting.played_github import GitHubDialect
from tests.hosting.played_gitlab import GitLabDialect
from tests.loopback import listening

TOKEN = "sesame-open-4711"


@dataclass(slots=True)
class _Fault:
    on: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    dies_after: bool = False


class Server:
    """A host's state, and what was asked of it."""

    def __init__(self, kind: str, project: str) -> None:
        self.project = project
        self.token = TOKEN
        self.url = ""
        """The API's address."""
        self.requests: list[Received] = []
        self.pull_requests: list[PullRequest] = []
        self.comments: list[Posted] = []
        self.labels: dict[str, int] = {}
        self.labels_of_organization: dict[str, int] = {}
        self.users: list[str] = [ME, "ada", "grace"]
        self.me = ME
        """Whose the token is."""
        self.is_anonymous = False
        """Whether the host does not say whose the token is: of a workflow, of a repository, without the scope."""
        self.teams: list[str] = ["platform"]
        self.branches: set[str] | None = None
        """The branches that are pushed; None: whichever is named."""
        self.protection: dict[str, Any] = {}
        """What is enforced on branches, as the host's API has it, by what each dialect calls it."""
        self.is_administrator = True
        """Whether the token is one of an administrator of the repository."""
        self.exists = True
        """Whether the project is there."""
        self.made: dict[str, Any] = {}
        """What it was made with."""
        self.may_make = True
        """Whether the token may make repositories."""
        self.has_premium = True
        """Whether GitLab has a licence for approvals and push rules."""
        self.links = "all"
        """Whether Bitbucket links commits to pull requests: all, none without the app, or later."""
        self.page_size = 50
        """The most items of a page, however many are asked for."""
        self.misuses: list[str] = []
        self._faults: list[_Fault] = []
        self._dialect = _DIALECTS[kind](self)
        self._lock = threading.Lock()

    @property
    def environment(self) -> Mapping[str, str]:
        """The token, and where the API is, for argosy."""
        return {"ARGOSY_TOKEN": self.token, "ARGOSY_HOST_API": self.url}

    def fail_next(
        self,
        status: int,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        *,
        on: str = "",
        times: int = 1,
    ) -> None:
        """Answer the next requests so; `on` is a part of `METHOD /path`, a str as body is sent as HTML."""
        self._faults += [_Fault(on, status, headers or {}, body) for _ in range(times)]

    def die_next(self, *, on: str = "", after: bool = False) -> None:
        """Hang up on the next request without an answer: before it is done, or after."""
        self._faults.append(_Fault(on, dies_after=after))

    def asked(self, method: str = "") -> list[str]:
        """Return the requests of a method, as `METHOD /path`."""
        return [f"{each.method} {each.path}" for each in self.requests if method in ("", each.method)]

    def add(self, branch: str = "promote", base: str = "main", **values: Any) -> PullRequest:
        """Put a pull request there."""
        made = PullRequest(len(self.pull_requests) + 1, branch, base, **{"title": "Old", "body": "Old.", **values})
        self.pull_requests.append(made)
        return made

    def answer(self, received: Received) -> tuple[int, Mapping[str, str], object] | None:
        """Return status, headers and document, or None to hang up."""
        with self._lock:
            self.requests.append(received)
            fault = self._fault(f"{received.method} {received.path}")
            if fault and fault.status:
                document = self._dialect.error(fault.status) if fault.body is None else fault.body
                return fault.status, fault.headers, document
            if fault and not fault.dies_after:
                return None
            answered = self._done(received)
            return None if fault else answered

    def _fault(self, line: str) -> _Fault | None:
        found = next((each for each in self._faults if each.on in line), None)
        if found:
            self._faults.remove(found)
        return found

    def _done(self, received: Received) -> tuple[int, Mapping[str, str], object]:
        try:
            return self._dialect.answer(received)
        except Refusal as refusal:
            return refusal.status, {}, refusal.document
        except (Misuse, KeyError, TypeError) as misuse:
            self.misuses.append(f"{received.method} {received.path} {received.query} {received.body}: {misuse!r}")
            return 400, {}, {"message": f"misuse: {misuse}"}


_DIALECTS: Mapping[str, type[Dialect]] = {
    "github": GitHubDialect,
    "gitlab": GitLabDialect,
    "bitbucket": BitbucketDialect,
    "gitea": GiteaDialect,
}


class _Handler(BaseHTTPRequestHandler):
    state: ClassVar[Server]
    prefix: ClassVar[str]

    def _serve(self) -> None:
        address = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(length)
        received = Received(
            self.command,
            address.path.removeprefix(self.prefix) if address.path.startswith(self.prefix) else f"//{address.path}",
            dict(parse_qsl(address.query, keep_blank_values=True)),
            {name.casefold(): value for name, value in self.headers.items()},
            json.loads(content) if content else None,
        )
        answer = self.state.answer(received)
        if answer is None:
            self.connection.shutdown(SHUT_RDWR)
            return
        self._send(*answer)

    def _send(self, status: int, headers: Mapping[str, str], document: object) -> None:
        is_text = isinstance(document, str)
        content = document.encode() if isinstance(document, str) else json.dumps(document).encode()
        content = content if status != 204 else b""
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if is_text else "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def playing(kind: str, project: str = "acme/gitops") -> Iterator[Server]:
    """Play a host while the context lasts; fail at its end if a request was none of the host's API."""
    state = Server(kind, project)
    prefix = _DIALECTS[kind].prefix
    handler = type("Handler", (_Handler,), {"state": state, "prefix": prefix})
    with listening(handler) as url:
        state.url = url + prefix
        yield state
    assert not state.misuses, "\n".join(state.misuses)
