"""Which folder is the root of the repository that is meant."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from argosy.errors import UsageError


def root_of(repository: Path | None, paths: Sequence[Path] = ()) -> Path:
    """Return the root of the repository that is named, or else is around the paths or the current folder.

    Raise UsageError where it is no folder, or one of a Git repository, from whose root Argo CD reads.
    """
    from argosy import git, programs  # noqa: PLC0415
    from argosy.repository import layout  # noqa: PLC0415

    programs.distrust(repository or _start(paths))
    root = (repository or _around(paths)).resolve()
    programs.distrust(root)
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder.", "Give the repository's root.")
    top = None if (root / ".git").exists() else git.top_level(root)
    if top is not None and not git.is_ignored(top, root):
        own = (root / layout.ANSWERS).is_file()
        raise UsageError(
            f"{root} is a folder of the Git repository {top}.",
            "Argo CD reads paths from a Git repository's root, and so does argosy: "
            + ("give it a repository of its own." if own else f"name that, with --repository {shlex.quote(str(top))}."),
        )
    return root


def _start(paths: Sequence[Path]) -> Path:
    start = (paths[0] if paths else Path.cwd()).resolve()
    return start if start.is_dir() else start.parent


def _around(paths: Sequence[Path]) -> Path:
    """Return the nearest folder around the paths that has argosy's answers, or else Git's root."""
    from argosy import git  # noqa: PLC0415
    from argosy.repository import layout  # noqa: PLC0415

    folder = _start(paths)
    for above in (folder, *folder.parents):
        if (above / layout.ANSWERS).is_file() or (above / layout.CONFIGURATION).is_file():
            return above
    return git.top_level(folder) or folder
