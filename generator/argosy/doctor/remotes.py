"""What the remotes of a repository have: the one thing that is asked over the network, with `git ls-remote`."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from argosy import git
from argosy.argocd.sources import normalise
from argosy.errors import ToolError

TIMEOUT = 10
"""After how many seconds a remote that does not answer is given up."""
COMMIT = re.compile(r"[0-9a-f]{40}")
_RANGE = re.compile(r"[<>=!~^*].*|v?\d+(?:\.\d+)?(?:\.[xX*])+")
_PROTOCOLS = "https:http:ssh:git"


@dataclass(frozen=True, slots=True)
class Remote:
    """A Git repository that Applications name, as it is seen from here."""

    url: str
    name: str = ""
    """The name of the remote of this repository that it is; empty for one that is none."""
    refs: Mapping[str, str] | None = None
    """The commits of its branches and tags, by their full names; None where they are not known."""
    is_asked: bool = False
    """Whether it was asked just now, rather than when it was last fetched from."""
    trouble: str = ""
    """Why it was not asked, or gave no answer."""

    @property
    def label(self) -> str:
        """How to speak of it."""
        return self.name or self.url

    def commit(self, revision: str) -> str | None:
        """Return the commit that Argo CD would take for a revision, None where there is none, or it is not known."""
        if COMMIT.fullmatch(revision):
            return revision
        refs, name = self.refs or {}, revision or "HEAD"
        for full in (name, f"refs/heads/{name}", f"refs/tags/{name}^{{}}", f"refs/tags/{name}"):
            if full in refs:
                return refs[full]
        return None

    def branches(self) -> list[str]:
        """Return the names of its branches."""
        return sorted(each.removeprefix("refs/heads/") for each in self.refs or {} if each.startswith("refs/heads/"))


def is_range(revision: str) -> bool:
    """Return whether a revision is a range of versions, such as v1.*, of which Argo CD takes the highest tag."""
    return bool(_RANGE.fullmatch(revision))


def known(root: Path) -> Mapping[str, tuple[str, str]]:
    """Return the name and the URL of each remote of the repository around a folder, by the URL as Argo CD compares it.

    Of several names of one repository, `origin` goes first.
    """
    try:
        named = [(name, url) for url, name in git.at(root).remotes.items()]
    except ToolError:
        return {}
    ordered = sorted(named, key=lambda pair: (pair[0] == "origin", pair[0]))
    return {normalise(url): (name, url) for name, url in ordered}


def read(root: Path, urls: Collection[str], *, offline: bool) -> Mapping[str, Remote]:
    """Return each of the repositories that are named by URLs, by the URL as Argo CD compares it."""
    names = known(root)
    wanted = {normalise(url): names.get(normalise(url), ("", url)) for url in urls if url}
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = pool.map(lambda pair: _read(root, *pair, offline=offline), wanted.values())
        return dict(zip(wanted, found, strict=True))


def _read(root: Path, name: str, url: str, *, offline: bool) -> Remote:
    fetched = _fetched(root, name) if name else None
    if offline:
        return Remote(url, name, fetched, trouble="--offline asks no remote")
    try:
        listed = git.run(
            root, "ls-remote", "--quiet", "--", name or url, environment=_environment(root, name), seconds=TIMEOUT
        )
    except ToolError as error:
        return Remote(url, name, fetched, trouble=" ".join(error.message.split()))
    pairs = (line.split("\t", 1) for line in listed.split("\n") if "\t" in line)
    return Remote(url, name, {ref: commit for commit, ref in pairs}, is_asked=True)


def _environment(root: Path, name: str) -> Mapping[str, str]:
    """Return what keeps git from asking for a password in the middle of it, and from this machine's repositories.

    Those are read only where the clone has them for a remote.
    """
    ssh = os.environ.get("GIT_SSH_COMMAND") or git.at(root).users_setting("core.sshcommand") or "ssh"
    quietly = {"GIT_SSH_COMMAND": f"{ssh} -o BatchMode=yes", "GIT_ASKPASS": "true", "SSH_ASKPASS": "true"}
    return {"GIT_ALLOW_PROTOCOL": f"{_PROTOCOLS}{':file' if name else ''}", **quietly}


def _fetched(root: Path, name: str) -> Mapping[str, str]:
    """Return what a remote had when it was last fetched from, and the tags that are here."""
    form = "--format=%(objectname) %(*objectname) %(refname)"
    refs = {}
    for line in git.run(root, "for-each-ref", form, f"refs/remotes/{name}", "refs/tags").split("\n")[:-1]:
        commit, peeled, ref = line.split(" ", 2)
        short = ref.removeprefix(f"refs/remotes/{name}/")
        full = ref if short == ref else "HEAD" if short == "HEAD" else f"refs/heads/{short}"
        refs[full] = peeled or commit
    return refs
