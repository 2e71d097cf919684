"""Programs of the user's: what PATH has, and nothing of a repository, whatever PATH says.

A repository is not trusted, and PATH often leads into it: direnv's `PATH_add bin`, an activated `.venv`, a `.`. So
every program that is known by its name alone is looked for here, and what argosy starts looks in the same folders.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

_Identity: TypeAlias = tuple[int, int]
"""A folder's device and number, which two names of it share."""
_Identities: TypeAlias = frozenset[_Identity]
_MOST_LINKS = 40
"""As many as Linux follows in one path."""

_distrusted: set[str] = set()
_passed_over: dict[str, str] = {}


@contextmanager
def looking() -> Iterator[None]:
    """Forget afterwards which folders were not trusted, and what was passed over."""
    try:
        with distrusting():
            yield
    finally:
        _passed_over.clear()


@contextmanager
def distrusting(*folders: Path) -> Iterator[None]:
    """Distrust these folders meanwhile; what was passed over is known until whoever looks has said it."""
    before = _distrusted.copy()
    try:
        distrust(*folders)
        yield
    finally:
        _distrusted.intersection_update(before)


def distrust(*folders: Path) -> None:
    """Take no program from these folders, nor from the repositories around them.

    The repository around the current folder is never trusted. Git is not asked for the others: it is a program too.
    """
    for each in folders:
        _distrusted.update((str(each.absolute()), *_repositories(os.path.realpath(each))))


def _repositories(real: str) -> Sequence[str]:
    """Return the roots of the work trees around a folder, but for one further out that holds all of the user's."""
    found = [each for each in upwards(real) if os.path.lexists(os.path.join(each, ".git"))]  # noqa: PTH118
    return [*found[:1], *(each for each in found[1:] if not holds_home(each))]


def upwards(place: str) -> Iterator[str]:
    """Yield a path and all above it, as text: each git that is started asks, and objects took half of that time."""
    yield place
    while (above := os.path.dirname(place)) != place:  # noqa: PTH120
        place = above
        yield place


def holds_home(folder: str | Path) -> bool:
    """Return whether all that is the user's own lies in a folder."""
    home = os.path.expanduser("~")  # noqa: PTH111 - it may be nobody's
    return os.path.isabs(home) and Path(os.path.realpath(home)).is_relative_to(folder)  # noqa: PTH117


def is_strange(place: str | Path, *homes: Path) -> bool:
    """Return whether a file or folder is one of a repository, or on the way to it a link of one is followed.

    One whose place depends on the current folder is too, and one of the further homes.
    """
    return not os.path.isabs(place) or _leads_into(str(place), _homes(homes))  # noqa: PTH117


def _homes(more: Sequence[Path] = ()) -> _Identities:
    try:
        # POSIX itself names it without a link.
        around = _repositories(os.getcwd() if os.name == "posix" else os.path.realpath(os.curdir))  # noqa: PTH109
    except OSError:  # It is gone.
        around = ()
    return frozenset(filter(None, map(_identity, (*_distrusted, *around, *map(str, more)))))


def _leads_into(place: str, homes: _Identities, links: int = 0) -> bool:
    """Return whether a path goes through one of the folders; no name is compared, since case may not count."""
    for each in upwards(place):
        if _identity(each) in homes:
            return True
        try:
            target = os.readlink(each)  # noqa: PTH115
        except (OSError, ValueError):
            continue
        if links > _MOST_LINKS or _leads_into(os.path.join(os.path.dirname(each), target), homes, links + 1):  # noqa: PTH118, PTH120
            return True
    return False


def _identity(place: str) -> _Identity | None:
    try:
        found = os.stat(place)  # noqa: PTH116
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def folders() -> Sequence[str]:
    """Return the folders on PATH that are the user's, in their order."""
    return own(entries())


def own(places: Sequence[str], *homes: Path) -> Sequence[str]:
    """Return the folders that are the user's: absolute ones that lead into no repository, nor into the further homes.

    The current folder is none: to have it on PATH is to run what is there, wherever one is.
    """
    return _own(tuple(places), _homes(homes), _identity(os.curdir))


@lru_cache(maxsize=64)
def _own(entries: Sequence[str], homes: _Identities, here: _Identity | None) -> Sequence[str]:
    return [
        each
        for each in entries
        if os.path.isabs(each) and (not here or _identity(each) != here) and not _leads_into(each, homes)  # noqa: PTH117
    ]


def path() -> str:
    """Return the PATH of what argosy starts: a program starts others."""
    return os.pathsep.join(folders())


def entries() -> Sequence[str]:
    """Return what PATH has."""
    return os.environ.get("PATH", os.defpath).split(os.pathsep)


def find(name: str) -> Path | None:
    """Return the first program of a name in the user's folders on PATH."""
    return with_path(name)[0]


def with_path(name: str) -> tuple[Path | None, str]:
    """Return the first program of a name in the user's folders on PATH, and these, as `path` does."""
    places, homes = entries(), _homes()
    trusted = _own(tuple(places), homes, _identity(os.curdir))
    joined = os.pathsep.join(trusted)
    for entry in places:
        # By its path, because Windows looks for a name in the current folder first.
        if not (found := shutil.which(os.path.join(entry or os.curdir, name))):  # noqa: PTH118
            continue
        if entry in trusted and not _leads_into(found, homes):
            return Path(found), joined
        _passed_over.setdefault(name, found)
    return None, joined


def named(program: str | Path) -> Path | None:
    """Return the program that a user names: a path is their word wherever it leads, a name is looked for."""
    if os.path.basename(program) == str(program):  # noqa: PTH119
        return find(str(program))
    found = shutil.which(program)
    return Path(found).absolute() if found else None


def passed_over() -> Mapping[str, str]:
    """Return the programs that were looked for, and found in a repository first, by name."""
    return dict(_passed_over)


@contextmanager
def alone() -> Iterator[None]:
    """Have a library that starts programs by itself find the user's alone."""
    before = os.environ.get("PATH")
    os.environ["PATH"] = path()
    try:
        yield
    finally:
        if before is None:
            del os.environ["PATH"]
        else:
            os.environ["PATH"] = before
