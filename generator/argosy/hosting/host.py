"""What all hosts have in common: one pull request for a branch, one comment for a purpose."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from argosy.errors import ArgosyError, UsageError

if TYPE_CHECKING:
    from argosy.hosting.client import Client, RefusedError
    from argosy.hosting.protection import Protection

T = TypeVar("T")

_LONGEST_URL = 6000
"""Characters of a URL that browsers and hosts take for certain."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pull request to be: what a branch is to bring into another."""

    branch: str
    base: str
    title: str
    """Cut where the host takes only a shorter one."""
    body: str
    """Markdown of at most the host's `body_limit` characters; it may have HTML comments."""
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    """As in CODEOWNERS: `@user`, `@org/team`, an e-mail address."""
    draft: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A pull request as the host has it."""

    number: int
    url: str
    created: bool
    remarks: tuple[str, ...] = ()
    """What was left out, a sentence each: labels, reviewers."""


@dataclass(frozen=True, slots=True)
class Request:
    """A pull request as the host returns it."""

    number: int
    url: str
    author: str
    reviewers: Mapping[str, Any] = field(default_factory=dict)
    """Who was asked for a review: the name in small letters, and what the host's API calls them."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """An open pull request that has a label."""

    number: int
    url: str
    updated: datetime
    """When anything of it changed last: a commit, a comment, a label."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a pull request."""

    id: int
    body: str
    url: str
    author: str
    """Whom the host names, as it names the token's owner; empty where the account is gone."""


class Host(ABC):
    """A project on a host of Git repositories, with its pull requests."""

    kind: ClassVar[str]
    name: ClassVar[str]
    """As people write it."""
    domains: ClassVar[tuple[str, ...]]
    """The hosts that everyone shares, whose addresses are known."""
    parts: ClassVar[tuple[str, ...]] = ()
    """What the name of a host of one's own tells it by."""
    token_user: ClassVar[str] = "git"
    """Who clones with a token."""
    body_limit: ClassVar[int]
    """Characters of a pull request's body and of a comment, less what the comment's marker needs."""
    title_limit: ClassVar[int]
    request: ClassVar[str] = "pull request"
    """What it calls one."""
    draft_prefix: ClassVar[str] = ""
    """What marks a draft in the title, where the API has nothing else for it."""
    variables: ClassVar[tuple[str, ...]]
    """Where the host's own tools have the token, which ARGOSY_TOKEN comes before."""
    scopes: ClassVar[str]
    """What the token must allow."""
    rights: ClassVar[str]
    """What the token must allow to see how branches are protected."""
    making: ClassVar[str]
    """What the token must allow to make a repository and protect its branches."""
    rules_file: ClassVar[str]
    """Where a repository keeps what protects its branches, as the host takes it."""
    without: ClassVar[frozenset[str]] = frozenset()
    """Which rules of a `Protection` it has none of."""
    codeowners: ClassVar[tuple[str, ...]]
    """Where the host looks for CODEOWNERS, first place first."""
    headers: ClassVar[Mapping[str, str]] = {}
    advice: ClassVar[Mapping[str, str]] = {}
    """What to do next, by a part of what the host says, in small letters."""

    @classmethod
    def is_shared(cls, host: str) -> bool:
        """Return whether a host, perhaps with a port, is one that everyone shares."""
        return host.split(":", maxsplit=1)[0] in cls.domains

    @classmethod
    @abstractmethod
    def api_of(cls, host: str, web: str) -> str:
        """Return the address of a host's API; raise UsageError where it cannot be of this kind."""

    def __init__(self, api: str, web: str, project: str, environment: Mapping[str, str]) -> None:
        self.api = api.rstrip("/")
        self.web = web.rstrip("/")
        self.project = project
        self._environment = environment

    @property
    def token_variables(self) -> Sequence[str]:
        """Where the token is looked for, the first place first."""
        return ("ARGOSY_TOKEN", *self.variables)

    def token(self) -> str | None:
        """Return the token from the environment, or None; raise UsageError if it cannot be one."""
        return self._token[1] or None

    def check_absent(self) -> None:
        """Raise ArgosyError where the project is there already, as far as the token may see it."""
        if self._answer(self._project, f"look for {self.project}", 404) is not None:
            raise ArgosyError(
                f"{self.project} is on {self.name} already.",
                "If it is empty and meant: leave out --create-remote, and push to it.",
            )

    def make(self, branch: str) -> None:
        """Make the project, private and empty, with a default branch; raise ArgosyError where the host does not."""
        from argosy.hosting.client import RefusedError, UnansweredError  # noqa: PLC0415

        self.check_absent()
        try:
            self._make(branch)
        except UnansweredError:
            # It may have been made all the same, and nobody else makes it at this moment.
            if self._answer(self._project, f"look for {self.project}", 404) is None:
                raise
        except RefusedError as error:
            if error.status in {401, 429} or "rate limit" in error.hint:
                raise
            if error.status in {403, 404}:
                owner = self.project.rpartition("/")[0]
                raise ArgosyError(
                    f"{self.name} does not let the token make a repository for {owner}: {error.said or error.status}",
                    f"It needs {self.making}.",
                ) from error
            raise ArgosyError(error.message, f"See on {self.name} whether {self.project} can be made.") from error

    def protect(self, document: Any) -> Iterator[str]:
        """Have branches protected as `rules_file` says; yield what the host did not take, a sentence each."""
        from argosy.hosting.client import RefusedError  # noqa: PLC0415

        for what, method, path, body in self._protections(document):
            try:
                self._client.call(method, f"{self._project}{path}", f"protect {what} of {self.project}", body=body)
            except RefusedError as error:
                if (method, error.status) != ("DELETE", 404):
                    yield error.message

    def propose(self, proposal: Proposal) -> Opened:
        """Open a pull request, or update the open one of that branch; raise ArgosyError if the host does not.

        Labels and reviewers are added, none is taken away; what the host takes of them not, `remarks` says.
        """
        proposal = self._titled(proposal)
        found = self._find(proposal)
        request, created = (self._update(found, proposal), False) if found else self._opened(proposal)
        remarks = (*self._label(request, proposal.labels), *self._ask(request, proposal))
        return Opened(request.number, request.url, created, remarks)

    def comment(self, number: int, marker: str, body: str) -> str:
        """Make the comment with that marker on a pull request, or update the token's owner's; return its URL.

        The marker is a word; readers do not see it. Raise ArgosyError if the host does not.
        """
        from argosy.hosting.client import RefusedError  # noqa: PLC0415

        hidden = self._hidden(marker)
        text = f"{hidden}\n\n{body}"

        def own() -> Iterator[Comment]:
            return (each for each in self._comments(number) if each.body.startswith(hidden) and self._is_own(each))

        try:
            before = list(own())
        except RefusedError as error:
            self._refuse_absent(error, f"{self.request} {number}", "See its number on the host, and the remote's URL.")
            raise
        for found in before:
            try:
                return self._edit_comment(number, found, text).url
            except RefusedError as error:
                # It is somebody else's, or was deleted meanwhile.
                if error.status not in {403, 404}:
                    raise
        return _once(lambda: self._add_comment(number, text), lambda: next(own(), None)).url

    def url_to_open(self, proposal: Proposal) -> str:
        """Return the page on which a person opens the pull request, prefilled as far as the host can."""
        proposal = self._titled(proposal)
        # An empty body would leave out its key as well.
        room = _LONGEST_URL - len(self._page(replace(proposal, body="-")))
        return self._page(replace(proposal, body=_beginning(proposal.body, room)))

    def labelled(self, label: str) -> Sequence[Labelled]:
        """Return the open pull requests with a label; raise ArgosyError if the host has no labels, or does not say."""
        doing = f"list the {self.request}s of {self.project} that have the label {label}"
        with self._reading(doing):
            return list(self._labelled(label, doing))

    def unlabel(self, number: int, label: str) -> None:
        """Take a label off a pull request, if it has it; raise ArgosyError if the host does not."""
        from argosy.hosting.client import RefusedError  # noqa: PLC0415

        try:
            self._remove_label(
                number, label, f"take the label {label} off the {self.request} {number} of {self.project}"
            )
        except RefusedError as error:
            if error.status != 404:
                raise

    @abstractmethod
    def protection(self, branch: str) -> Protection:
        """Return how a branch is protected, as far as the token may see; raise ArgosyError if the host does not say."""

    @abstractmethod
    def merged_with(self, commit: str) -> Sequence[str]:
        """Return the texts of the pull requests that were merged with a commit; raise ArgosyError if it does not say.

        There are none where the host knows of no pull request, or not yet.
        """

    @abstractmethod
    def current_request(self, environment: Mapping[str, str]) -> int | None:
        """Return the number of the pull request that a CI job runs for, or None."""

    def _opened(self, proposal: Proposal) -> tuple[Request, bool]:
        """Make the pull request, or take the one that somebody else made at the same moment."""
        from argosy.hosting.client import RefusedError  # noqa: PLC0415

        try:
            return _once(lambda: self._create(proposal), lambda: self._find(proposal)), True
        except RefusedError as error:
            found = self._find(proposal) if error.status in {400, 409, 422} else None
            if found is None:
                raise
            return self._update(found, proposal), False

    def _label(self, request: Request, labels: Sequence[str]) -> Iterator[str]:
        if not labels:
            return
        try:
            yield from self._add_labels(request, labels)
        except ArgosyError as error:
            yield f"The labels {', '.join(labels)} were left out. {error.message}"

    def _ask(self, request: Request, proposal: Proposal) -> Iterator[str]:
        names = []
        for owner in dict.fromkeys(proposal.reviewers):
            name = owner.removeprefix("@")
            if "@" in name:
                yield f"{owner} was not asked for a review: {self.name} finds reviewers by their user name only."
            elif name.casefold() == request.author.casefold():
                yield f"{owner} was not asked for a review, being the author."
            elif name.casefold() not in request.reviewers:
                names.append(name)
        if not names:
            return
        try:
            yield from self._add_reviewers(request, proposal, names)
        except ArgosyError as error:
            yield f"No reviews were asked for ({', '.join(f'@{name}' for name in names)}). {error.message}"

    def _asked(self, names: Sequence[str], ask: Callable[[Sequence[str]], object]) -> Iterator[str]:
        """Ask all at once; if the host says no, one after the other, and say whom it does not take."""
        from argosy.hosting.client import RefusedError  # noqa: PLC0415

        taken: list[str] = []
        try:
            ask(names)
        except RefusedError:
            for name in names:
                try:
                    ask([*taken, name])
                except RefusedError as error:
                    yield f"@{name} was not asked for a review: {error.said or error.message}"
                else:
                    taken.append(name)

    def _answer(self, path: str, doing: str, *refusals: int) -> Any:
        """Return what the host says, an empty mapping for null, or None where it refuses with one of these."""
        from argosy.hosting.client import RefusedError  # noqa: PLC0415

        try:
            found = self._client.call("GET", path, doing)
        except RefusedError as error:
            if error.status not in refusals:
                raise
            return None
        return {} if found is None else found

    @contextmanager
    def _reading(self, doing: str) -> Iterator[None]:
        """Turn what an answer of another form than the API's raises into an error that says so."""
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise self._client.not_understood(doing) from error

    @cached_property
    def _client(self) -> Client:
        # Loaded here: the requests library takes longer to import than all the rest.
        from argosy.hosting.client import Access, Client  # noqa: PLC0415

        variable, token = self._token
        if not token:
            raise UsageError(
                f"No token for {urlsplit(self.api).netloc}.",
                f"Set {' or '.join(self.token_variables)} to a token with {self.scopes}.",
            )
        return Client(
            Access(
                api=self.api,
                project=self.project,
                token=token,
                variable=variable,
                authorization=self._authorization(token),
                scopes=self.scopes,
                headers=self.headers,
                advice=self.advice,
            )
        )

    @property
    def _token(self) -> tuple[str, str]:
        for variable in self.token_variables:
            token = self._environment.get(variable, "").strip()
            if not token:
                continue
            if not (token.isascii() and token.isprintable()) or " " in token:
                raise UsageError(
                    f"What {variable} holds cannot be a token.", "A token has no spaces, and ASCII characters alone."
                )
            return variable, token
        return "", ""

    def _authorization(self, token: str) -> str:
        return f"Bearer {token}"

    def _titled(self, proposal: Proposal) -> Proposal:
        """Return a proposal whose title the host takes: cut where it is too long, with what marks a draft."""
        title = f"{self.draft_prefix if proposal.draft else ''}{proposal.title}"
        if self._length(title) > self.title_limit:
            while self._length(f"{title}…") > self.title_limit:
                title = title[:-1]
            title = f"{title.rstrip()}…"
        return replace(proposal, title=title)

    def _length(self, title: str) -> int:
        return len(title)

    def _refuse_absent(self, error: RefusedError, what: str, hint: str) -> None:
        """Raise an error that says what is not there, where the host answered so and has the project itself."""
        if error.status == 404 and self._answer(self._project, f"look for {self.project}", 403, 404) is not None:
            raise ArgosyError(f"There is no {what} in {self.project} on {self.name}.", hint) from error

    def _hidden(self, marker: str) -> str:
        return f"<!-- {marker} -->"

    def _is_own(self, comment: Comment) -> bool:
        """Return whether the token's owner may have written a comment: whoever quotes the marker is another."""
        return comment.author == self._owner

    @cached_property
    @abstractmethod
    def _owner(self) -> str:
        """Whose the token is, as the host names authors of comments; empty where it does not say."""

    @property
    @abstractmethod
    def _project(self) -> str:
        """Where the API has the project itself."""

    @abstractmethod
    def _make(self, branch: str) -> None:
        """Make the project."""

    @abstractmethod
    def _protections(self, document: Any) -> Iterator[tuple[str, str, str, Any]]:
        """Yield the requests that protect branches: what each is about, method, path below the project's, and body."""

    @abstractmethod
    def _find(self, proposal: Proposal) -> Request | None:
        """Return the open pull request of the proposal's branch and base, not one of a fork's branch of that name."""

    @abstractmethod
    def _create(self, proposal: Proposal) -> Request:
        """Open a pull request without labels and reviewers."""

    @abstractmethod
    def _update(self, request: Request, proposal: Proposal) -> Request:
        """Set the title and the body."""

    @abstractmethod
    def _add_labels(self, request: Request, labels: Sequence[str]) -> Iterable[str]:
        """Add labels; return what was left out."""

    @abstractmethod
    def _labelled(self, label: str, doing: str) -> Iterator[Labelled]:
        """Yield the open pull requests with a label, of whatever branch."""

    @abstractmethod
    def _remove_label(self, number: int, label: str, doing: str) -> None:
        """Take a label off."""

    @abstractmethod
    def _add_reviewers(self, request: Request, proposal: Proposal, names: Sequence[str]) -> Iterable[str]:
        """Ask users and `org/team`s for a review who were not asked yet; return who was left out."""

    @abstractmethod
    def _comments(self, number: int) -> Iterator[Comment]:
        """Yield the comments on a pull request."""

    @abstractmethod
    def _add_comment(self, number: int, text: str) -> Comment: ...

    @abstractmethod
    def _edit_comment(self, number: int, comment: Comment, text: str) -> Comment: ...

    @abstractmethod
    def _page(self, proposal: Proposal) -> str:
        """Return the page to open a pull request on, with what can be filled in, of any length."""


def _once(make: Callable[[], T], find: Callable[[], T | None]) -> T:
    """Make something; where the host gave no answer, look whether it did before it is asked again."""
    from argosy.hosting.client import UnansweredError  # noqa: PLC0415

    try:
        return make()
    except UnansweredError:
        return find() or make()


def encoded(query: Mapping[str, str]) -> str:
    """Return a query as a URL has it, without what is empty."""
    return urlencode({key: value for key, value in query.items() if value}, quote_via=quote, safe="")


def number_of_event(environment: Mapping[str, str]) -> int | None:
    """Return the pull request that a GitHub or Gitea workflow runs for, or None."""
    if reference := re.fullmatch(r"refs/pull/(\d+)/\w+", environment.get("GITHUB_REF", "")):
        return int(reference[1])
    # With pull_request_target, GITHUB_REF is the base's branch.
    path = environment.get("GITHUB_EVENT_PATH")
    try:
        event = json.loads(Path(path).read_bytes()) if path else {}
    except (OSError, ValueError):
        return None
    number = (event.get("pull_request") or {}).get("number") if isinstance(event, dict) else None
    return number if isinstance(number, int) else None


def _beginning(text: str, room: int) -> str:
    """Return as many whole lines as take that many characters in a URL."""
    if len(quote(text, safe="")) <= room:
        return text
    room -= len(quote("\n…", safe=""))
    kept = []
    for line in text.splitlines(keepends=True):
        room -= len(quote(line, safe=""))
        if room < 0:
            break
        kept.append(line)
    return "".join([*kept, "\n…"]) if kept else ""
