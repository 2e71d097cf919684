"""Put a new repository in place: all of it, or nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from generator import git
from generator.engine import Tree
from generator.errors import ArgosyError, UsageError


def check(destination: Path) -> None:
    """Raise UsageError unless a repository can be made there: nothing, an empty folder or a clone without a commit."""
    if destination.is_symlink() and not destination.exists():
        raise UsageError(f"{destination} is a link to nothing.", "Remove it, or choose another folder.")
    if destination.exists() and not destination.is_dir():
        raise UsageError(f"{destination} is a file.", "Choose a folder that is not there yet, or an empty one.")
    if destination.is_dir() and any(entry.name != ".git" for entry in destination.iterdir()):
        raise UsageError(
            f"{destination} is not empty.", "Choose a folder that is not there yet, an empty one, or a fresh clone."
        )
    if (destination / ".git").exists() and git.has_commits(destination):
        raise UsageError(
            f"{destination} is a git repository that has commits already.",
            "Choose a folder that is not there yet, an empty one, or a fresh clone of an empty repository.",
        )


def create(destination: Path, tree: Tree, *, branch: str, branches: Sequence[str] = (), use_git: bool = True) -> None:
    """Write a tree to a destination that `check` accepts, and commit it.

    The tree is written and committed beside its place first, so that a failure at any moment leaves nothing behind.
    `branches` are made at the first commit, beside `branch`.
    """
    check(destination)
    if use_git:
        git.available()
    is_clone = (destination / ".git").exists()
    with _staging(destination) as staged:
        write(staged, tree)
        if use_git and not is_clone:
            _commit(staged, branch, branches)
        if not destination.exists():
            staged.rename(destination)
            return
        moved: list[Path] = []
        try:
            for entry in sorted(staged.iterdir()):
                moved.append(entry.rename(destination / entry.name))
            if use_git and is_clone:
                staged.rmdir()
                _commit(destination, branch, branches)
        except BaseException:
            for entry in moved:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            raise


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
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        place = destination if destination.exists() else destination.parent
        staged = Path(tempfile.mkdtemp(prefix=".argosy-", dir=place))
        staged.chmod(place.stat().st_mode & 0o777)
        try:
            yield staged
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    except BaseException as error:
        for parent in new_parents:
            if parent.exists() and not any(parent.iterdir()):
                parent.rmdir()
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise ArgosyError(f"{destination} could not be made: {reason}.", "Nothing was written.") from error
        raise


def _commit(folder: Path, branch: str, branches: Sequence[str]) -> None:
    git.start(folder, branch)
    git.commit_all(folder, "Lay out the GitOps repository")
    for name in branches:
        if name != branch:
            git.run(folder, "branch", name)
