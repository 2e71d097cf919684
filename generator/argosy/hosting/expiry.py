"""Previews of pull requests that nobody touched for long: the label goes that each needs, and Argo CD removes it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from argosy import hosting
from argosy.errors import UsageError
from argosy.hosting.host import Host, Labelled
from argosy.hosting.remote import parse
from argosy.names import joined
from argosy.repository.model import Application

MARKER = "argosy-preview-expired"
"""What argosy knows its comment by."""


@dataclass(frozen=True, slots=True)
class Code:
    """A repository of code whose pull requests have previews, and how long these live."""

    url: str
    kind: str
    label: str
    applications: tuple[str, ...]
    """Those that have previews of it by that label."""
    ttl: timedelta | None
    """None: for as long as the pull request is open, which one of them says."""


def of(applications: Iterable[Application]) -> Sequence[Code]:
    """Return the repositories whose previews end by themselves, for one application at least.

    A label is of all that share it: the longest time counts.
    """
    found: dict[tuple[str, str, str], list[Application]] = {}
    for each in applications:
        if each.previews:
            said = each.previews
            found.setdefault((said.previews, said.preview_host.value, said.preview_label), []).append(each)
    return [
        Code(url, kind, label, tuple(each.name for each in these), _longest(these))
        for (url, kind, label), these in found.items()
        if any(each.previews.ttl for each in these)
    ]


def _longest(applications: Iterable[Application]) -> timedelta | None:
    times = [each.previews.ttl for each in applications]
    return max((each for each in times if each), default=None) if all(times) else None


def host_of(code: Code, remote: str, environment: Mapping[str, str] = os.environ) -> Host:
    """Return the host of a repository of code, with the token that may be sent there.

    The URL is the word of whoever wrote the settings: a token goes to the host that this clone's `remote` is on, or to
    one that the environment names, and in the clear only where these have http. Another host that everyone shares gets
    the token of its own variable, unless this clone comes from a host of one's own, whose token that may be. Raise
    UsageError for any other.
    """
    there, apps = parse(code.url), joined(code.applications)
    named = {_host(url) for key in ("web", "api") if (url := environment.get(hosting.VARIABLES[key], ""))}
    own = parse(remote) if remote else None
    is_own, is_shared = own is not None and own.host == there.host, hosting.is_shared(there.host)
    trust = f"{hosting.VARIABLES['web']}={there.web}"
    if there.scheme == "http" and there.host not in named and not (own and is_own and own.scheme == "http"):
        raise UsageError(
            f"{apps}: your token would go to {there.host} in the clear.",
            f"Write https:// in previews. If {there.host} has http alone, and you trust all on the way: {trust}",
        )
    settings = {} if is_shared else {"kind": code.kind}
    if is_own or there.host in named or (is_shared and environment.get(hosting.VARIABLES["api"])):
        return hosting.host_of(code.url, settings, environment)
    if not is_shared or (own and not hosting.is_shared(own.host)):
        raise UsageError(
            f"{apps}: {there.host} is not the host that this clone comes from, so it does not get your token.",
            f"If the token is for {there.host}: {trust}",
        )
    found = hosting.host_of(code.url, settings, {**environment, "ARGOSY_TOKEN": ""})
    if environment.get("ARGOSY_TOKEN") and not found.token():
        raise UsageError(
            f"{apps}: {there.host} is not the host that this clone comes from, so it does not get ARGOSY_TOKEN.",
            f"Set {' or '.join(found.token_variables[1:])}. If ARGOSY_TOKEN is for {there.host}: {trust}",
        )
    return found


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}".lower()


def idle(host: Host, code: Code, now: datetime) -> Iterator[Labelled]:
    """Yield the open pull requests that have a preview, and that nobody touched for longer than it may live."""
    if code.ttl is not None:
        yield from (each for each in host.labelled(code.label) if each.updated < now - code.ttl)


def end(host: Host, code: Code, request: Labelled) -> None:
    """Take the label off a pull request, and say so in a comment."""
    host.unlabel(request.number, code.label)
    host.comment(
        request.number,
        MARKER,
        f"Nothing changed here since {request.updated:%Y-%m-%d}, so the preview of {joined(code.applications)} ends. "
        f"With the label `{code.label}` it comes back.",
    )
