"""What all played hosts have in common: their state, and how strictly they read."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

if TYPE_CHECKING:
    from tests.hosting.server import Server

ME = "argosy-bot"
"""Whose token it is."""


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass(slots=True)
class PullRequest:
    """A pull request as the host keeps it; reviewers are names, teams are `org/team`."""

    number: int
    branch: str
    base: str
    title: str
    body: str
    author: str = ME
    labels: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    reviewed: list[str] = field(default_factory=list)
    is_open: bool = True
    from_fork: bool = False
    draft: bool = False
    updated: str = "2026-03-02T09:00:00Z"
    merged: str = ""
    """The commit that it was merged with; empty if it was not."""


@dataclass(slots=True)
class Posted:
    """A comment as the host keeps it."""

    id: int
    number: int
    body: str
    author: str = ME
    deleted: bool = False


class Refusal(Exception):  # noqa: N818
    """What the host says instead of doing what it was asked."""

    def __init__(self, status: int, document: object) -> None:
        super().__init__(str(document))
        self.status = status
        self.document = document


class Misuse(Exception):  # noqa: N818
    """A request that the host's API does not have."""


Answer = tuple[int, object]
Handler = Callable[..., Answer]


@dataclass(frozen=True, slots=True)
class Page:
    items: Sequence[object]


class Dialect(ABC):
    """How a host speaks."""

    prefix: ClassVar[str]
    size: ClassVar[str]
    """The query's key for the number of items of a page."""
    largest: ClassVar[int]
    edits_all: ClassVar[bool] = True
    """Whether who administers the repository may edit what others wrote."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.received = Received("", "", {}, {}, None)
        """What is being answered."""

    @abstractmethod
    def authorizations(self) -> set[str]:
        """Return the headers that are right."""

    @abstractmethod
    def error(self, status: int) -> object:
        """Return what the host says with a status."""

    @abstractmethod
    def routes(self) -> Mapping[str, Handler]:
        """Return what answers, by a pattern of `METHOD /path`."""

    def answer(self, received: Received) -> tuple[int, Mapping[str, str], object]:
        """Return status, headers and document."""
        self.received = received
        self._check(received)
        for pattern, handler in self.routes().items():
            if match := re.fullmatch(pattern, f"{received.method} {received.path}"):
                status, document = handler(*match.groups())
                if isinstance(document, Page):
                    return self.paged(received, document.items)
                return status, {}, document
        raise Misuse("no such method and path")

    def _check(self, received: Received) -> None:
        headers = received.headers
        if headers.get("authorization") not in self.authorizations():
            raise Refusal(401, self.error(401))
        if headers.get("user-agent") != "argosy" or "json" not in headers.get("accept", ""):
            raise Misuse("headers")
        writes = received.method in {"POST", "PUT", "PATCH"}
        if writes != (headers.get("content-type") == "application/json") or writes != (received.body is not None):
            raise Misuse("JSON belongs to POST, PUT and PATCH")
        if not writes and received.method not in {"GET", "DELETE"}:
            raise Misuse("method")

    def paged(self, received: Received, items: Sequence[object]) -> tuple[int, Mapping[str, str], object]:
        """Return a page, and the address of the next, which behind a proxy is not the one that was asked."""
        page, size = int(received.query.get("page", 1)), min(int(received.query[self.size]), self.server.page_size)
        if int(received.query[self.size]) > self.largest:
            raise Misuse("larger pages than the host has")
        following = f"https://inside.example/somewhere?{self.size}={size}&page={page + 1}"
        for key, value in received.query.items():
            if key not in ("page", self.size):
                following += f"&{key}={quote(value)}"
        is_last = page * size >= len(items)
        return self.with_next(items[(page - 1) * size : page * size], "" if is_last else following)

    def with_next(self, items: Sequence[object], following: str) -> tuple[int, Mapping[str, str], object]:
        """Return a page that links to the next."""
        return 200, {"Link": f'<{following}>; rel="next"'} if following else {}, list(items)

    def find(self, number: str) -> PullRequest:
        """Return a pull request, or refuse."""
        for each in self.server.pull_requests:
            if each.number == int(number):
                return each
        raise Refusal(404, self.error(404))

    def find_comment(self, identity: str) -> Posted:
        """Return a comment that may be edited, or refuse."""
        for each in self.server.comments:
            if each.id == int(identity) and not each.deleted:
                if each.author != self.server.me and not (self.edits_all and self.server.is_administrator):
                    raise Refusal(403, self.error(403))
                return each
        raise Refusal(404, self.error(404))

    def open(self, branch: str, base: str, title: str, body: str, **values: Any) -> PullRequest:
        """Open a pull request unless one is open."""
        same = [each for each in self.open_ones(branch, base) if not each.from_fork]
        if same:
            raise Refusal(*self.exists())
        if self.server.branches is not None and not {branch, base} <= self.server.branches:
            raise Refusal(*self.no_branch())
        return self.server.add(branch, base, title=title, body=body, **values)

    def open_ones(self, branch: str, base: str) -> list[PullRequest]:
        """Return the open pull requests of two branches, those of forks too."""
        asked = (True, branch, base)
        return [each for each in self.server.pull_requests if (each.is_open, each.branch, each.base) == asked]

    def merged_with(self, commit: str) -> list[PullRequest]:
        """Return the pull requests of a commit, which is named in full."""
        if not re.fullmatch(r"[0-9a-f]{40}", commit):
            raise Misuse("a commit's id")
        return [each for each in self.server.pull_requests if each.merged == commit]

    @abstractmethod
    def exists(self) -> Answer:
        """Return what the host says where a pull request is open already."""

    @abstractmethod
    def no_branch(self) -> Answer:
        """Return what the host says where the branch is not there."""

    def post(self, number: str, body: str) -> Posted:
        """Put a comment on a pull request."""
        made = Posted(len(self.server.comments) + 101, self.find(number).number, body, self.server.me)
        self.server.comments.append(made)
        return made

    def posted(self, number: str) -> list[Posted]:
        """Return the comments of a pull request."""
        pull = self.find(number)
        return [each for each in self.server.comments if each.number == pull.number]

    def whose(self, token_owner: object) -> Answer:
        """Return whom the token belongs to, unless the host does not say."""
        if self.server.is_anonymous:
            raise Refusal(403, self.error(403))
        return 200, token_owner

    def there(self, document: object) -> Answer:
        """Return the project, or refuse where it is not there."""
        if not self.server.exists:
            raise Refusal(404, self.error(404))
        return 200, document

    def make(self, body: Mapping[str, Any]) -> Answer:
        """Make the project, or refuse."""
        if not self.server.may_make:
            raise Refusal(403, self.error(403))
        if self.server.exists:
            raise Refusal(*self.taken())
        self.server.exists, self.server.made = True, dict(body)
        return 201, {"id": 7}

    @abstractmethod
    def taken(self) -> Answer:
        """Return what the host says of a name that is taken."""

    def enforce(self, kind: str, rule: Mapping[str, Any]) -> Answer:
        """Take a rule over, or refuse."""
        if not self.server.exists or not self.server.is_administrator:
            status = 403 if self.server.exists else 404
            raise Refusal(status, self.error(status))
        self.server.protection.setdefault(kind, []).append(rule)
        return 201, {"id": 9, **rule}

    def ids(self, name: str) -> int:
        """Return what the host calls a user."""
        return 1000 + self.server.users.index(name)


def checked(body: Any, /, **types: type) -> dict[str, Any]:
    """Return a body that has these members alone, of these types; a name with `_` at its end may be missing."""
    wanted = {name.removesuffix("_"): kind for name, kind in types.items()}
    required = {name for name in types if not name.endswith("_")}
    if not isinstance(body, dict) or not required <= body.keys() <= wanted.keys():
        raise Misuse(f"the members are not {sorted(types)}")
    if wrong := [name for name, value in body.items() if not isinstance(value, wanted[name])]:
        raise Misuse(f"of another type: {wrong}")
    return body


def limited(text: str, limit: int) -> str:
    """Return a text unless it is too long."""
    if len(text) > limit:
        raise Refusal(422, {"message": f"Validation Failed: too long, the maximum is {limit}"})
    return text
