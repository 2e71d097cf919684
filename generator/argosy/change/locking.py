"""Whether a repository is in a state that a command can change, and the lock that keeps other commands out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from argosy import git
from argosy.change import merge
from argosy.errors import ArgosyError
from argosy.repository import layout, store

PATIENCE = 5.0
"""How many seconds to wait until another argosy is done with a repository."""


@contextmanager
def locked(root: Path, *, writes: bool = True, anyones: bool = False) -> Iterator[None]:
    """Hold the repository for one command; raise ArgosyError if another argosy has it, or it is no repository.

    It has to be one of argosy's, unless `anyones` will do.
    """
    import filelock  # noqa: PLC0415

    if not anyones:
        store.check(root)
    _refuse_unfit(root)
    folder = git.at(root).git_path("argosy")
    if not writes and not os.access(folder.parent, os.W_OK):
        yield  # Nobody is kept out of what cannot be changed.
        return
    folder.mkdir(exist_ok=True)
    try:
        with filelock.FileLock(folder / "lock", timeout=PATIENCE):
            yield
    except filelock.Timeout as error:
        raise ArgosyError(
            f"Another argosy is changing {root}.", "Wait until it is done, and run this command again."
        ) from error


def _refuse_unfit(root: Path) -> None:
    if not git.at(root).head:
        raise ArgosyError(
            f"{root} is not under Git, or has no commit yet.",
            "argosy merges with Git: run git init, git add --all and git commit first.",
        )
    lock = git.at(root).git_path("index.lock")
    if lock.exists():
        raise ArgosyError(
            f"Another git process is running in {root}, or was killed: {lock} exists.",
            "Wait until it is done. If no git is running, remove that file, and run this command again.",
        )


_UNDER_WAY = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "BISECT_LOG": "bisect",
}
"""What git keeps of its own while it is by half with something, and the command that began it."""


def check(root: Path, *, here: bool = False, elsewhere: bool = False) -> None:
    """Raise ArgosyError unless a repository is in a state that a command can change, and commit to.

    It will commit `here`, to what is checked out, or `elsewhere`, to another branch, or not at all.
    """
    journal = merge.Journal(root)
    if journal.undo():
        limit = ", as far as they are not committed" if journal.is_partial else ""
        raise ArgosyError(
            f"The last command was interrupted. Its changes were undone{limit}.", f"{journal.told} Run it again."
        )
    index = git.at(root).index
    if unmerged := next((each.path for each in index if each.stage), ""):
        back = "argosy abort" if journal.is_abortable() else "git merge --abort, or what git status says"
        raise ArgosyError(
            f"There are unresolved conflicts, for example in {unmerged}.",
            f"Resolve and commit them, or undo them: {back}.",
        )
    folders = (f"{layout.ENVIRONMENTS}/", f"{layout.APPLICATIONS}/")
    hidden = [each.path for each in index if each.flag == "S" and each.path.startswith(folders)]
    if hidden:
        raise ArgosyError(
            f"This sparse checkout leaves out {hidden[0]}, and argosy reads what there is from the folders.",
            f"Include them: git sparse-checkout add {layout.ENVIRONMENTS} {layout.APPLICATIONS}.",
        )
    if (here or elsewhere) and not git.at(root).has_identity():
        raise ArgosyError(
            "git does not know whom to commit as.",
            "Say who you are: git config --global user.name 'Your Name', "
            "and git config --global user.email you@example.com.",
        )
    if here and (name := next((each for each in _UNDER_WAY if git.at(root).git_path(each).exists()), "")):
        raise ArgosyError(
            f"A git {_UNDER_WAY[name]} is under way, and a commit would become part of it.",
            "End it first, as git status says, or leave --commit out.",
        )
