"""Run git; nothing else in argosy does."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path

from argosy.errors import ToolError

_FOREIGN = {
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE"),
}
"""Set by git for its hooks: with them, a command in another folder would work on the hook's repository."""

_ARGOSY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "argosy"), ("EMAIL", "argosy@localhost"))
}
"""Whom to commit as where the user told git nobody."""

_OF_A_BRANCH = re.compile(r"\t(branch|tag) '")
"""In a line of FETCH_HEAD: what was fetched is a branch or a tag, rather than a commit or a ref that was named."""


def run(
    folder: Path,
    *arguments: str,
    stdin: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    accepted: Collection[int] = (0,),
    seconds: float | None = None,
) -> str:
    """Run git in a folder and return what it prints; raise ToolError if it is missing or its exit code not accepted.

    After `seconds`, for a command that asks another machine, it is given up.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
            env={**inherited, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", **(environment or {})},
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"`git {' '.join(arguments[:2])}` got no answer in {seconds:.0f} seconds.") from error
    except FileNotFoundError as error:
        if error.filename != "git":  # The folder is not there.
            raise
        raise ToolError(
            "git is not installed, or not on PATH.",
            "Install git; `argosy init --no-git` and `argosy validate` work without it.",
        ) from error
    if done.returncode not in accepted:
        cause = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
        raise ToolError(f"`git {' '.join(arguments[:2])}` failed in {folder}: {cause}")
    return done.stdout.decode(errors="surrogateescape")


def available() -> None:
    """Raise ToolError unless git can be run."""
    run(Path.cwd(), "--version")


def top_level(folder: Path) -> Path | None:
    """Return the root of the work tree that a folder lies in, or None."""
    try:
        return Path(run(folder, "rev-parse", "--show-toplevel").rstrip("\n")) or None
    except ToolError:
        return None


def is_ignored(folder: Path, path: Path) -> bool:
    """Tell whether the repository around a folder ignores a path, whether or not it is there yet."""
    return bool(run(folder, "check-ignore", "--", f"{path}/", accepted=(0, 1)))


def has_identity(folder: Path) -> bool:
    """Tell whether the user told git whom to commit as, so that git need not guess from the machine's name."""
    try:
        for role in ("AUTHOR", "COMMITTER"):
            run(folder, "-c", "user.useConfigOnly=true", "var", f"GIT_{role}_IDENT")
    except ToolError:
        return False
    return True


def identity(folder: Path) -> Mapping[str, str]:
    """Return the environment that lets git commit as argosy where the user told git nobody to commit as."""
    return {} if has_identity(folder) else {key: _ARGOSY[key] for key in _ARGOSY.keys() - os.environ.keys()}


def has_commits(folder: Path) -> bool:
    """Tell whether anything is committed in the repository whose `.git` is in a folder, on whatever branch."""
    return bool(run(folder, f"--git-dir={folder / '.git'}", "rev-list", "--all", "--max-count=1").strip())


def branch(folder: Path) -> str:
    """Return the branch that the repository around a folder is on, which may have no commit yet; "" if on none."""
    try:
        return run(folder, "symbolic-ref", "--quiet", "--short", "HEAD").strip()
    except ToolError:
        return ""


def origin(folder: Path) -> str:
    """Return the URL that the repository around a folder was cloned from, or ""."""
    try:
        return run(folder, "config", "--get", "remote.origin.url").strip()
    except ToolError:
        return ""


def start(folder: Path, branch: str) -> None:
    """Make a new repository in a folder, on that branch; put one that has no commit yet on it."""
    run(folder, "init", "--quiet")
    run(folder, "symbolic-ref", "HEAD", f"refs/heads/{branch}")


def commit_all(folder: Path, message: str) -> None:
    """Commit all that is in a folder, ignored or not; without an identity of the user's, as argosy."""
    run(folder, "add", "--all", "--force")
    run(folder, "commit", "--quiet", "--message", message, environment=identity(folder))


def remotes(folder: Path) -> Mapping[str, str]:
    """Return the URLs that the repository around a folder fetches from, each with its remote's name, or nothing."""
    try:
        listed = run(folder, "config", "--get-regexp", r"^remote\..*\.url$")
    except ToolError:
        return {}
    pairs = (line.partition(" ") for line in listed.splitlines())
    return {url: key.removeprefix("remote.").removesuffix(".url") for key, _, url in pairs if url}


def revisions(folder: Path, remotes: Collection[str] = ("origin",)) -> frozenset[str]:
    """Return the branches, also those of remotes, and the tags of the repository around a folder, or nothing.

    Hosts fetch what they test to places of their own, such as refs/remotes/pull/7/merge: those are no branches.
    """
    places = ("refs/heads/", "refs/tags/", *(f"refs/remotes/{name}/" for name in sorted(remotes)))
    try:
        listed = run(folder, "for-each-ref", "--format=%(refname)", *places)
    except ToolError:
        return frozenset()
    return frozenset(
        ref.removeprefix(place) for ref in listed.splitlines() for place in places if ref.startswith(place)
    ) - {"HEAD"}


def has_every_branch(folder: Path) -> bool:
    """Return whether a clone has all branches of one of its remotes, so that another is nowhere; also without remotes.

    A shallow clone, one of a single branch and what a CI job fetched by name has them not. The last is not always
    shallow: where the history is as short as what is fetched, only FETCH_HEAD tells it from a whole clone.
    """
    listed = run(folder, "config", "--get-regexp", r"^remote\..*\.fetch$", accepted=(0, 1)).splitlines()
    if not listed:
        return not remotes(folder)
    wide = [line.rpartition(":")[2].removesuffix("*") for line in listed if " +refs/heads/*:refs/remotes/" in line]
    shallow, fetched = run(folder, "rev-parse", "--is-shallow-repository", "--git-path", "FETCH_HEAD").splitlines()
    if shallow == "true" or not wide:
        return False
    last = folder / fetched
    if last.is_file() and not all(_OF_A_BRANCH.search(line) for line in last.read_text(errors="replace").splitlines()):
        return False
    return bool(run(folder, "for-each-ref", "--count=1", "--format=%(refname)", *wide).strip())


def ignored(folder: Path) -> frozenset[str]:
    """Return the paths below a folder that git ignores, folders with a `/` at the end; nothing outside a work tree."""
    try:
        listed = run(folder, "ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z", "--", ".")
    except ToolError:
        return frozenset()
    return frozenset(path for path in listed.split("\0") if path)
