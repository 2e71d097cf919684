"""Run git; nothing else in argosy does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from argosy import signals
from argosy.errors import ToolError

_FOREIGN = {
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE"),
}
"""Set by git for its hooks: with them, a command in another folder would work on the hook's repository."""

ARGOSY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "argosy"), ("EMAIL", "argosy@localhost"))
}
"""Whom to commit as where the user told git nobody."""


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
    pipe = subprocess.PIPE
    try:
        with (
            subprocess.Popen(
                ["git", *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL if stdin is None else pipe,
                stdout=pipe,
                stderr=pipe,
                env=inherited(environment),
            ) as process,
            _ended_gently(process),
        ):
            out, err = process.communicate(stdin, seconds)
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"`git {' '.join(arguments[:2])}` got no answer in {seconds:.0f} seconds.") from error
    except FileNotFoundError as error:
        if error.filename != "git":  # The folder is not there.
            raise
        raise ToolError(
            "git is not installed, or not on PATH.",
            "Install git; `argosy init --no-git` and `argosy validate` work without it.",
        ) from error
    if process.returncode not in accepted:
        cause = err.decode(errors="replace").strip() or f"exit code {process.returncode}"
        raise ToolError(f"`git {' '.join(arguments[:2])}` failed in {folder}: {cause}")
    return out.decode(errors="surrogateescape")


_PATIENCE = 5.0
"""How many seconds git has to end by itself, and to remove its locks, before it is killed."""


@contextmanager
def _ended_gently(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End git where its answer is not waited for any more, such as by a signal: killed outright, it leaves locks."""
    try:
        yield
    except BaseException:
        with signals.undisturbed():
            process.terminate()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
        raise


def inherited(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment that git runs in: argosy's own, without what git sets for its hooks, and with more."""
    own = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return {**own, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", **(more or {})}


def available() -> None:
    """Raise ToolError unless git can be run."""
    run(Path.cwd(), "--version")


def is_ignored(folder: Path, path: Path) -> bool:
    """Return whether the repository around a folder ignores a path, whether or not it is there yet."""
    return bool(run(folder, "check-ignore", "--", f"{path}/", accepted=(0, 1)))


def has_commits(folder: Path) -> bool:
    """Return whether anything is committed in the repository whose `.git` is in a folder, on whatever branch."""
    return bool(run(folder, f"--git-dir={folder / '.git'}", "rev-list", "--all", "--max-count=1").strip())


def start(folder: Path, branch: str) -> None:
    """Make a new repository in a folder, on that branch; put one that has no commit yet on it."""
    run(folder, "init", "--quiet")
    run(folder, "symbolic-ref", "HEAD", f"refs/heads/{branch}")
