"""Whether Argo CD will find in the Git repository what it is to read."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from argosy import git, temporary
from argosy.argocd.sources import normalise
from argosy.bootstrap.finding import Finding, Level
from argosy.bootstrap.roots import Handover
from argosy.errors import ToolError, UsageError
from argosy.git import branches
from argosy.hosting import remote
from argosy.kubernetes.manifests import counted
from argosy.repository import model, store

_PATIENCE = 20.0
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PLACEHOLDER = "/your-org/"


@dataclass(frozen=True, slots=True)
class Access:
    """What could be read of the repository from here."""

    commits: Mapping[str, str] | None
    """The commit of each revision that is there; None where the repository could not be read."""
    private: bool | None
    """Whether Argo CD needs a credential; None where that is unknown."""
    cause: str = ""


def look(root: Path, url: str, revisions: Collection[str]) -> Access:
    """Ask the repository for revisions: as anybody, then as the user, then by the URL that the user has for it."""
    is_ssh = "://" not in url or url.startswith("ssh://")
    if not is_ssh:
        with temporary.folder("remote") as nowhere:
            # Neither the user's configuration nor a password of theirs: Argo CD has none of it.
            anonymous = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_ASKPASS": ""}
            found, _ = _ask(nowhere, url, revisions, {**anonymous, "SSH_ASKPASS": "", "HOME": str(nowhere)})
        if found is not None:
            return Access(found, private=False)
    cause = ""
    for each in (url, *_aliases(root, url)):
        found, refusal = _ask(root, each, revisions, {})
        cause = cause or refusal
        if found is not None:
            return Access(found, private=True)
    return Access(None, True if is_ssh else None, cause)


def _aliases(root: Path, url: str) -> Sequence[str]:
    """Return the URLs of the clone's remotes that are the same project, as with SSH here and HTTPS in Argo CD."""
    try:
        wanted = remote.parse(url)
    except UsageError:
        return ()
    same = []
    for each in sorted(git.remotes(root).keys() - {url}):
        try:
            if remote.parse(each) == wanted:
                same.append(each)
        except UsageError:
            continue
    return same


def _ask(
    folder: Path, url: str, revisions: Collection[str], environment: Mapping[str, str]
) -> tuple[Mapping[str, str] | None, str]:
    refs = [ref for each in revisions for ref in ("HEAD",) * (each == "HEAD") or _refs(each)]
    try:
        listed = git.run(
            folder, "ls-remote", "--", url, *refs, environment={**_ssh(folder), **environment}, seconds=_PATIENCE
        )
    except ToolError as error:
        return None, error.message.splitlines()[-1]
    commits = dict(line.split("\t")[::-1] for line in listed.split("\n")[:-1])
    found = {
        each: next((commits[ref] for ref in ("HEAD", *_refs(each)) if _is(ref, each, commits)), "")
        for each in revisions
    }
    return {each: commit for each, commit in found.items() if commit}, ""


def _ssh(folder: Path) -> Mapping[str, str]:
    """Keep ssh from asking on the terminal, unless the user has a way of their own to start it."""
    configured = git.run(folder, "config", "--get", "core.sshCommand", accepted=(0, 1)).strip()
    if configured or os.environ.keys() & {"GIT_SSH", "GIT_SSH_COMMAND"}:
        return {}
    return {"GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=10"}


def _refs(revision: str) -> Sequence[str]:
    # An annotated tag refers to a commit.
    return f"refs/heads/{revision}", f"refs/tags/{revision}^{{}}", f"refs/tags/{revision}"


def _is(ref: str, revision: str, commits: Mapping[str, str]) -> bool:
    return ref in commits and (ref == "HEAD") == (revision == "HEAD")


def check(root: Path, handover: Handover) -> tuple[list[Finding], bool | None]:
    """Return what is wrong with what is pushed, and whether Argo CD needs a credential (None: unknown)."""
    if git.top_level(root) is None:
        message = f"{root} is not a Git repository, and Argo CD reads only Git."
        return [Finding(Level.ERROR, message, "git init, git add --all, git commit, and push it.")], None
    findings: list[Finding] = []
    private: list[bool | None] = []
    for url in dict.fromkeys(source[0] for source in handover.sources):
        sources = [(revision, path) for each, revision, path in handover.sources if each == url]
        # Of a foreign repository, such as one of shared components, the environments' revisions are not asked for.
        own = url == handover.sources[0][0]
        followed = [each.revision for each in handover.environments] if own else []
        revisions = [
            each for each in dict.fromkeys([*(one for one, _ in sources), *followed]) if not _COMMIT.fullmatch(each)
        ]
        access = look(root, url, revisions)
        private.append(access.private)
        findings += _judged(root, url, sources, revisions, access)
    return [*findings, *_uncommitted(root, handover)], private[0]


def _judged(
    root: Path, url: str, sources: Sequence[tuple[str, str]], revisions: Sequence[str], access: Access
) -> Iterator[Finding]:
    shown = model.without_password(url)
    names = {normalise(each): name for each, name in git.remotes(root).items()}
    own = names.get(normalise(url)) or branches.remote_name(root)
    if access.commits is None:
        if _PLACEHOLDER in urlsplit(url).path:
            yield Finding(
                Level.ERROR,
                f"{shown} does not exist: “your-org” is a placeholder for the repository's owner.",
                "argosy set repository repoURL=URL --commit, then push.",
            )
            return
        yield Finding(
            Level.WARNING,
            f"{shown} could not be read from this machine; Argo CD may still reach it: {access.cause}",
            "Run git ls-remote for details. Only the cluster has to reach it.",
        )
        return
    missing = [each for each in revisions if each not in access.commits]
    if missing:
        yield Finding(
            Level.ERROR,
            f"{shown} has no {' and no '.join(f'“{each}”' for each in missing)}, which Argo CD would read.",
            f"Push it: git push --set-upstream {own} {' '.join(missing)}",
        )
    behind = [
        each
        for name in revisions
        if name in access.commits
        for each in _compared(root, own, name, access.commits[name])
    ]
    lost = [
        Finding(
            Level.ERROR,
            f"{shown} has no {path} at “{revision}”, which Argo CD would read.",
            f"Commit it, and push it: git push {own} {revision}",
        )
        for revision, path in sources
        if revision in access.commits and not _holds(root, access.commits[revision], path)
    ]
    yield from [*behind, *lost]
    if not (missing or behind or lost):
        yield Finding(Level.OK, f"{shown} has {', '.join(revisions)} as it is locally.")


def _compared(root: Path, own: str, branch: str, pushed: str) -> Iterator[Finding]:
    """Report how a local branch differs from the remote's."""
    ours = git.run(root, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", accepted=(0, 1)).strip()
    if ours in {"", pushed}:
        return
    if not _has(root, pushed):
        yield Finding(
            Level.WARNING,
            f"“{branch}” has commits that you have not fetched: Argo CD will read those.",
            "Run git fetch and review them.",
        )
        return
    ahead, behind = git.run(root, "rev-list", "--left-right", "--count", f"{ours}...{pushed}").split()
    if ahead != "0":
        yield Finding(
            Level.WARNING,
            f"Not pushed, so Argo CD will not see it: {counted(int(ahead), 'commit')} of “{branch}”.",
            f"git push {own} {branch}",
        )
    if behind != "0":
        yield Finding(
            Level.WARNING,
            f"“{branch}” is {counted(int(behind), 'commit')} behind the remote: Argo CD will read the remote's.",
            "Run git pull, so that you apply what Argo CD reads.",
        )


def _has(root: Path, commit: str) -> bool:
    return bool(git.run(root, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}", accepted=(0, 1, 128)).strip())


def _holds(root: Path, commit: str, path: str) -> bool:
    """Return whether a commit has a folder; True for a commit that was not fetched."""
    if not _has(root, commit) or path.strip("/.") == "":
        return True
    return bool(git.run(root, "ls-tree", commit, "--", path.strip("/")).strip())


def _uncommitted(root: Path, handover: Handover) -> Iterator[Finding]:
    changed = sorted(store.uncommitted(root))
    if changed:
        named = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
        yield Finding(
            Level.WARNING,
            f"Not committed, so Argo CD will not see it: {counted(len(changed), 'file')}: {named}.",
            "Commit and push, or stash them: bootstrap applies the work tree.",
        )
    here, read = git.branch(root), handover.sources[0][1]
    if here and read not in {here, "HEAD"}:
        yield Finding(
            Level.WARNING,
            f"You are on “{here}”, which bootstrap applies, but the root Application reads “{read}”.",
            f"git switch {read}",
        )
