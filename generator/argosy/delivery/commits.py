"""Commits of what is written: on the branch that is checked out, and together with others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from argosy.errors import InterruptedByUserError, ToolError

if TYPE_CHECKING:
    from argosy.change.merge import Plan


def commit(root: Path, message: str, paths: Iterable[str]) -> None:
    """Commit what was written; raise ToolError with what to do where git or a hook refuses."""
    from argosy.git import objects  # noqa: PLC0415

    before = objects.head(root)
    try:
        objects.commit_paths(root, message, paths)
    except (ToolError, KeyboardInterrupt) as error:
        after = objects.head(root)
        if isinstance(error, ToolError):
            made = f"Meanwhile a hook, or somebody, committed {after[:12]}, which stays; the rest was undone."
            hint = "Nothing was changed." if after == before else made
            raise ToolError(error.message, f"{hint} Fix what git reports, or leave --commit out.") from error
        if after != before:
            raise InterruptedByUserError("Interrupted: the change is committed.", "git show shows it.") from None
        raise


def commit_together(plan: Plan, message: str, paths: Collection[str], moves: Mapping[str, tuple[str, str]]) -> None:
    """Write a plan and commit these paths, if any, and move other branches, all of it or nothing.

    `moves` are the branches' names -> the commits before, "" for none, and afterwards.
    """
    from argosy.change import merge  # noqa: PLC0415
    from argosy.git import branches  # noqa: PLC0415

    with merge.written(plan, moves=moves):
        for name, (old, new) in moves.items():
            branches.put(plan.root, name, new, old)
        if paths:
            commit(plan.root, message, paths)
