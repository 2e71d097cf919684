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
    """Return the host of a repository of code, as the token may be sent there.

    The URL is the word of whoever wrote the settings: a token goes to a host that everyone shares, to the one that this
    clone's `remote` is on, or to one that the environment names. Raise UsageError for another.
    """
    there = parse(code.url)
    named = [environment.get(hosting.VARIABLES[key], "") for key in ("web", "api")]
    trusted = [_host(each) for each in named if each]
    if remote:
        trusted.append(parse(remote).host)
    secure = there.scheme == "https" or there.host in trusted
    if not (hosting.is_shared(there.host) or there.host in trusted) or not secure:
        raise UsageError(
            f"{joined(code.applications)}: {there.host} is neither a host that everyone shares nor the one that this "
            "clone comes from, so it does not get your token.",
            f"If you trust it: {hosting.VARIABLES['web']}=https://{there.host}",
        )
    is_known = hosting.is_shared(there.host)
    return hosting.host_of(code.url, {} if is_known else {"kind": code.kind}, environment)


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
