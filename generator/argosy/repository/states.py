"""The states of a repository that can be compared: commits, and the work tree."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

from argosy import git
from argosy.errors import ArgosyError, UsageError
from argosy.git.objects import EXECUTABLE, SYMLINK, Blob, too_large
from argosy.git.snapshot import Snapshot
from argosy.paths import astray
from argosy.repository import store


def head(root: Path) -> Snapshot:
    """Return the state of the commit that is checked out; of a repository without one, the state without files."""
    return Snapshot(root, git.at(root).head or git.run(root, "hash-object", "-t", "tree", "--stdin", stdin=b"").strip())


def is_repository(root: Path) -> bool:
    """Return whether a folder is the root of a Git repository."""
    top = git.top_level(root)
    return top is not None and top.resolve() == root.resolve()


def work_tree(root: Path) -> Snapshot:
    """Return the state of the work tree, with untracked files and without ignored ones.

    Raise UsageError where the root is not a Git repository's.
    """
    if not is_repository(root):
        raise UsageError(f"{root} is not the root of a Git repository.", "Go to one, or name it with --repository.")
    paths = [path for path in store.uncommitted(root) if path[-1] != "/"]
    large = {path: size for path in paths if (size := _size(root / path)) > git.LARGEST}
    return replace(
        head(root).with_files({path: on_disk(root, path) for path in paths if path not in large}), large=large
    )


def _size(file: Path) -> int:
    """Return how many bytes a file has, 0 where there is none, or a link."""
    try:
        status = file.lstat()
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def merge_base(root: Path, against: str, revision: str) -> Snapshot:
    """Return the newest state that two revisions have in common; raise ArgosyError where there is none."""
    ours, theirs = Snapshot.of(root, revision), Snapshot.of(root, against)
    found = git.run(root, "merge-base", ours.commit, theirs.commit, accepted=(0, 1)).split()
    if not found:
        raise ArgosyError(
            f"{revision} and {against} have no commit in common.",
            "Of a shallow clone, fetch the rest: git fetch --unshallow. In CI, check out the whole history.",
        )
    return Snapshot(root, found[0])


def changed(before: Snapshot, after: Snapshot) -> frozenset[str]:
    """Return the paths of the files that are not the same in two states."""
    written = {*before.written, *before.large, *after.written, *after.large}
    if before.commit == after.commit:
        return frozenset(written)
    listed = git.run(before.root, "diff-tree", "-r", "-z", "--name-only", "--no-renames", before.commit, after.commit)
    return frozenset(filter(None, listed.split("\0"))) | written


def on_disk(root: Path, path: str) -> Blob | None:
    """Return a file of the work tree; None where there is none, or it leads out of the repository."""
    file = root / path
    if file.is_symlink():
        return Blob(SYMLINK, os.fsencode(file.readlink()))
    if not file.is_file() or astray(file, root):
        return None
    if (size := file.stat().st_size) > git.LARGEST:
        raise too_large(path, size)
    return Blob(EXECUTABLE if file.stat().st_mode & 0o100 else "100644", file.read_bytes())
