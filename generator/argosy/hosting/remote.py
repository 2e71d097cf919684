"""Find the host and the project that a Git remote's URL names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from argosy.errors import UsageError

_SCP = re.compile(r"(?:[^@/:]*@)?(?P<host>\[[^\]/]+\]|[^:/@\\]{2,}):(?!//)(?P<path>.+)")
"""git's short form, as in `git@github.com:acme/gitops.git`; one letter before the colon is a drive of Windows."""
_HOST = re.compile(r"(?:[\w.-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?")
_SSH_NAMES = {
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
}
"""Where well-known hosts take SSH on port 443."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A project on a host; who logs in is left out, and so is a password."""

    host: str
    """The name in small letters, with the port of http and https where the URL has one."""
    project: str
    """The path of the project, such as `acme/gitops`; with GitLab's nested groups, longer."""
    scheme: str = "https"
    """How the host's web server is asked: https, unless the URL has http."""

    @property
    def web(self) -> str:
        """The address of the host's web server."""
        return f"{self.scheme}://{self.host}"


def parse(url: str) -> Remote:
    """Return what a remote's URL names; raise UsageError if it names no project on a host."""
    try:
        parts = urlsplit(url) if "://" in url else None
    except ValueError:  # Such as a bracket that nothing closes.
        parts = urlsplit("")
    if parts is not None and parts.scheme in {"https", "http", "ssh", "git", "git+ssh", "ssh+git"}:
        host, path = _address(url), unquote(parts.path)
    elif parts is None and (short := _SCP.fullmatch(url)):
        host, path = short["host"].lower(), short["path"]
    else:
        host, path = "", ""
    project = path.strip("/").removesuffix(".git")
    # A backslash in a host ends it for some libraries, and is a part of it for others.
    if (
        not (_HOST.fullmatch(host) and is_url(f"https://{host}"))
        or "/" not in project
        or {".", ".."} & {*project.split("/")}
    ):
        raise UsageError(
            f"The remote {_without_login(url)} is not a project on a Git host with pull requests.",
            "Give the remote a URL such as https://github.com/acme/gitops.git: `git remote set-url REMOTE URL`.",
        )
    return Remote(_SSH_NAMES.get(host, host), project, "http" if parts and parts.scheme == "http" else "https")


def is_url(text: str) -> bool:
    """Return whether a text can be taken apart as a URL: brackets hold an address, and the port is one."""
    try:
        _ = urlsplit(text).port
    except ValueError:
        return False
    return True


def _address(url: str) -> str:
    parts = urlsplit(url)
    try:
        port = parts.port if parts.scheme in {"https", "http"} else None
    except ValueError:  # A port that is no number.
        return ""
    name = parts.hostname or ""
    name = f"[{name}]" if ":" in name else name
    return name if port is None else f"{name}:{port}"


def _without_login(url: str) -> str:
    return re.sub(r"(?<=://)[^/]*@", "", url)
