"""Make repositories, open pull requests and comment on them, on GitHub, GitLab, Bitbucket Cloud, Gitea and Forgejo."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from argosy.errors import UsageError
from argosy.hosting.bitbucket import Bitbucket
from argosy.hosting.gitea import Gitea
from argosy.hosting.github import GitHub
from argosy.hosting.gitlab import GitLab
from argosy.hosting.host import Host, Opened, Proposal
from argosy.hosting.remote import Remote, is_url, parse

__all__ = ["VARIABLES", "Host", "Opened", "Proposal", "host_of", "is_shared", "token_user"]

_KINDS: Mapping[str, type[Host]] = {each.kind: each for each in (GitHub, GitLab, Bitbucket, Gitea)}


def host_of(remote_url: str, settings: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Host:
    """Return the host that a remote's URL names, and the project there.

    `settings` is what `.argosy.yaml` says under `host`: `kind`, `api` and `web`, each of which may be missing. It is
    the repository's word, so it may not lead the token away: a known host has its own addresses, and any other only
    those of the remote's host, over https, or as the remote itself: its URL is the word of whoever cloned. What
    `VARIABLES` of the environment say counts before it, whatever it is.
    Raise UsageError if the URL names no project, the settings are wrong, or the kind of host is unknown.
    """
    if unknown := sorted(map(str, settings.keys() - VARIABLES.keys())):
        raise UsageError(f"`.argosy.yaml` has unknown settings of the host: {', '.join(unknown)}.", _EXAMPLE)
    remote = parse(remote_url)
    if _known(remote.host):
        remote = replace(remote, scheme="https")
    kind = _outside(environment, "kind") or _of_repository(settings, "kind", remote) or _kind(remote.host)
    web = _outside(environment, "web") or _of_repository(settings, "web", remote) or remote.web
    api = (
        _outside(environment, "api") or _of_repository(settings, "api", remote) or _KINDS[kind].api_of(remote.host, web)
    )
    # A host may live below a path of its web server, which URLs of SSH do not have.
    below = urlsplit(web).path.strip("/")
    if below:
        remote = replace(remote, project=remote.project.removeprefix(f"{below}/"))
    if kind != "gitlab" and remote.project.count("/") != 1:
        raise UsageError(
            f"{remote.project} on {remote.host} is no repository: its path has an owner and a name.",
            "Correct the remote's URL: `git remote set-url REMOTE URL`. If the host lives below a path of its web "
            "server, name the address with the path in `.argosy.yaml` as `host.web`.",
        )
    return _KINDS[kind](api, web, remote.project, environment)


VARIABLES = {key: f"ARGOSY_HOST_{key.upper()}" for key in ("kind", "api", "web")}
"""Where the user, whom argosy trusts, says what the host is."""
_EXAMPLE = "For example: `host: {kind: gitea, api: https://git.example.com/api/v1, web: https://git.example.com}`."


def _outside(environment: Mapping[str, str], key: str) -> str:
    variable = VARIABLES[key]
    return _checked(environment.get(variable, ""), key, variable)


def _of_repository(settings: Mapping[str, Any], key: str, remote: Remote) -> str:
    """Return what `.argosy.yaml` says; raise UsageError where the token would go to another host, or in the clear."""
    value = _checked(settings.get(key, ""), key, f"`host.{key}` in `.argosy.yaml`")
    if known := _known(remote.host) if value else None:
        own = {"kind": known, "web": remote.web, "api": _KINDS[known].api_of(remote.host, remote.web)}[key]
        if value.rstrip("/") != own:
            raise UsageError(
                f"`host.{key}` in `.argosy.yaml` is {value}, but that of {remote.host} is {own}.",
                f"Take it out: the token of a known host goes to that host alone. {_elsewhere(key)}",
            )
    elif value and key != "kind":
        parts, name = urlsplit(value), (urlsplit(remote.web).hostname or "")
        there = parts.hostname or ""
        if parts.scheme not in {"https", remote.scheme} or not (there == name or there.endswith(f".{name}")):
            raise UsageError(
                f"`host.{key}` in `.argosy.yaml` is {value}, which is not {remote.scheme}://{name}.",
                f"Give an address of that host: a repository does not say where the token goes. {_elsewhere(key)}",
            )
    return value


def _elsewhere(key: str) -> str:
    return f"To use it all the same, set {VARIABLES[key]} in the environment."


def _checked(value: Any, key: str, where: str) -> str:
    if key == "kind":
        valid = value in ("", *_KINDS)
        form = f"one of {', '.join(_KINDS)}"
    else:
        valid, form = value == "" or _is_plain(value), "a URL with https:// or http://, in ASCII, without a user"
    if not valid:
        raise UsageError(f"{where} is wrong: it is {form}.", _EXAMPLE)
    return str(value)


def _is_plain(value: object) -> bool:
    """Return whether a URL names the same host to every library: none makes of it what `_of_repository` did not see."""
    return isinstance(value, str) and bool(_PLAIN.fullmatch(value)) and is_url(value)


_PLAIN = re.compile(r"(?i:https?)://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/%+-]*)?")


def token_user(host: str) -> str:
    """Return who clones from a host with a token."""
    kind = _known(host)
    return _KINDS[kind].token_user if kind else Host.token_user


def is_shared(host: str) -> bool:
    """Return whether a host is one that many people share."""
    return _known(host) is not None


def _known(host: str) -> str | None:
    """Return the kind of a host that many people share, whose addresses are known."""
    return next((kind for kind, each in _KINDS.items() if each.is_shared(host)), None)


def _kind(host: str) -> str:
    name = host.split(":", maxsplit=1)[0]
    named = (kind for kind, each in _KINDS.items() if any(part in name for part in each.parts))
    kind = _known(host) or next(named, None)
    if kind is None and "bitbucket" in name:
        raise UsageError(
            f"{host} looks like a Bitbucket Data Center, whose API argosy does not speak.",
            "Open the pull request by hand. Bitbucket Cloud is known, at bitbucket.org.",
        )
    if kind is None:
        raise UsageError(
            f"The kind of host {host} is unknown from its name.",
            f"Set `host.kind` in `.argosy.yaml`: {', '.join(_KINDS)}. {_EXAMPLE}",
        )
    return kind
