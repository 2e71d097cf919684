"""Put a new repository in place: all of it, or nothing."""

from __future__ import annotations

import secrets
import shlex
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from argosy import git
from argosy.errors import ArgosyError, ToolError, UsageError
from argosy.git import objects
from argosy.signals import undisturbed
from argosy.template.tree import Tree


def check(destination: Path, *, use_git: bool = True) -> None:
    """Raise UsageError unless a repository can be made there: nothing, an empty folder or a clone without a commit.

    Raise ToolError where git is wanted, and missing.
    """
    if destination.is_symlink() and not destination.exists():
        raise UsageError(f"{destination} is a link to nothing.", "Remove it, or choose another folder.")
    if destination.exists() and not destination.is_dir():
        raise UsageError(f"{destination} is a file.", "Choose a folder that is not there yet, or an empty one.")
    there = (
        sorted(entry.name for entry in destination.iterdir() if entry.name != ".git") if destination.is_dir() else []
    )
    if (left := remains(destination)) and left[0].parent == destination:
        raise UsageError(
            f"{left[0]} is what another argosy init has begun, or has left when it was killed.",
            f"If none is running: {_way_on(destination, left[0], there)}",
        )
    if there:
        raise UsageError(
            f"{destination} is not empty.", "Choose a folder that is not there yet, an empty one, or a fresh clone."
        )
    if use_git:
        git.available()
    if (destination / ".git").exists() and git.has_commits(destination):
        raise UsageError(
            f"{destination} is a git repository that has commits already.",
            "Choose a folder that is not there yet, an empty one, or a fresh clone of an empty repository.",
        )


def remains(destination: Path) -> Sequence[Path]:
    """Return what `create` has begun beside a destination or in it, and not ended: it works still, or was killed."""
    place = destination if destination.exists() else destination.parent
    return sorted(place.glob(".argosy-*")) if place.is_dir() else ()


def _way_on(destination: Path, staged: Path, there: Sequence[str]) -> str:
    """Return the commands that remove what is by half, or end it where no more than its end is missing."""
    left, here = {entry.name for entry in staged.iterdir()}, (destination / ".git").exists()
    if there == [staged.name] or left - {".git", _BEFORE} or (".git" in left and here):
        return f"rm -r {shlex.join(str(destination / name) for name in there)}, and run this command again."
    move = f"mv {shlex.join(map(str, (staged / '.git', destination / '.git')))} && " if ".git" in left else ""
    return f"{move}rm -r {shlex.quote(str(staged))} makes it complete."


_BEFORE = ".git-before"
"""What a clone's `.git` is called until it is removed."""


def create(destination: Path, tree: Tree, *, branch: str, branches: Sequence[str] = (), use_git: bool = True) -> None:
    """Write a tree to a destination that `check` accepts, and commit it.

    The tree is written and committed beside its place first, so that a failure or a signal at any moment leaves nothing
    behind. `branches` are made at the first commit, beside `branch`. Raise ArgosyError where it cannot be done.
    """
    check(destination, use_git=use_git)
    with _staging(destination) as staged:
        write(staged, tree)
        if use_git:
            _copy(destination / ".git", staged / ".git")
            _commit(staged, branch, branches)
        with undisturbed():
            _place(staged, destination)


def write(folder: Path, tree: Tree) -> None:
    """Write the files of a tree below a folder."""
    for path, file in tree.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        if file.executable:
            target.chmod(0o755)


@contextmanager
def _staging(destination: Path) -> Iterator[Path]:
    """Yield a new folder on the destination's file system, and remove what is left of it, and of new parents."""
    new_parents = [parent for parent in destination.parents if not parent.exists()]
    place = destination if destination.exists() else destination.parent
    staged = place / f".argosy-{secrets.token_hex(4)}"
    try:
        staged.mkdir(parents=True)
        yield staged
    except OSError as error:
        raise ArgosyError(
            f"{destination} could not be made: {error.strerror or error}.", "Nothing was written."
        ) from error
    finally:
        with undisturbed():
            shutil.rmtree(staged, ignore_errors=True)
            for parent in new_parents:
                if parent.is_dir() and not any(parent.iterdir()):
                    parent.rmdir()


def _place(staged: Path, destination: Path) -> None:
    if staged.parent != destination:
        staged.rename(destination)
        return
    moves = [(entry, destination / entry.name) for entry in sorted(staged.iterdir()) if entry.name != ".git"]
    # Last, so that what is by half can be told, and a clone's own is never away while something can fail.
    if (staged / ".git").exists() and (destination / ".git").exists():
        moves.append((destination / ".git", staged / _BEFORE))
    if (staged / ".git").exists():
        moves.append((staged / ".git", destination / ".git"))
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in moves:
            source.rename(target)
            done.append((source, target))
    except OSError:
        for source, target in reversed(done):
            target.rename(source)
        raise
    shutil.rmtree(staged, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    """Copy a clone's `.git`, which is a file where git keeps it elsewhere; do nothing where there is none."""
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    elif source.exists():
        shutil.copy2(source, target)


def _commit(folder: Path, branch: str, branches: Sequence[str]) -> None:
    try:
        git.start(folder, branch)
        objects.commit_all(folder, "Lay out the GitOps repository")
        for name in branches:
            if name != branch:
                git.run(folder, "branch", "--force", name)
    except ToolError as error:
        raise ToolError(
            error.message, "Nothing was written. Fix what git reports, or commit by yourself: --no-git."
        ) from error
