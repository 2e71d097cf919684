"""Questions about paths that other people wrote: some no file system can have, some are closed, some lead astray.

A repository is not trusted. What it names, by a path or by a link, may lead to the secrets of the machine that reads
it; `astray` says so of one path, and `files` of all that is in a folder. Nothing else decides it.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

OUTSIDE = "it leads out of the repository"
ABSOLUTE = "it leads over an absolute link, which Argo CD refuses"
OF_GIT = "it is Git's own, and no part of what is committed"
ROUND = "its links go round"
NOWHERE = "it is a broken symbolic link"
IRREGULAR = "it is neither a file nor a folder"
CLOSED = "it may not be opened"
TOO_MANY = "its links multiply the files without end"

TOO_DEEP = "its folders are nested too deep"

_MOST_LINKS = 40
"""As many as Linux follows in one path."""
_MOST_FILES = 100_000
_DEEPEST = 100
"""How many folders that `files` yields may lie in each other: whoever copies them goes down by recursion."""


_seen: dict[Hashable, Any] | None = None
"""What was seen since `unchanged` began, by what was asked."""


@contextmanager
def unchanged() -> Iterator[None]:
    """Ask once of what lies in files meanwhile, as one look at a state of a repository does: nobody changes them."""
    global _seen  # noqa: PLW0603 - threads are to see it
    before = _seen
    _seen = {} if before is None else before
    try:
        yield
    finally:
        _seen = before


def once(asked: Hashable, see: Callable[[], T]) -> T:
    """Return what is to be seen, or was seen before where nothing changes. What raises an error is asked again."""
    seen = _seen
    if seen is None:
        return see()
    if asked not in seen:
        seen[asked] = see()
    found: T = seen[asked]
    return found


def see_anew(asked: Hashable) -> None:
    """Forget what was seen: something took its time, and it may be another now."""
    if _seen is not None:
        _seen.pop(asked, None)


def holds(test: Callable[[], bool]) -> bool:
    """Return what a test such as `path.is_file` says; False for what cannot be a path, and within a closed folder."""
    try:
        return test()
    except (OSError, ValueError):
        return False


def entries(folder: Path) -> list[Path]:
    """Return what is in a folder, sorted; nothing where it may not be read."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def astray(path: Path, root: Path) -> str:
    """Return why a repository may not have its own path read; nothing where it may, or where nothing is there.

    The path is taken as it is written, `..` and all, and each link on its way is followed as Argo CD allows it: a
    relative one that never leaves the root, not even to come back. `root` is trusted, and may itself be a link.
    """
    # Texts, not Paths: this is asked of every file that anything names.
    return once(("astray", os.fspath(path), os.fspath(root)), lambda: _astray(path, root))


def _astray(path: Path, root: Path) -> str:
    base = once(("real", root), lambda: os.path.realpath(root))
    written = os.path.normpath(path)
    above = next((each for each in (os.path.normpath(root), base) if _is_within(written, each)), None)
    if above is None:
        return OUTSIDE
    parts = written[len(above) :].split(os.sep)  # noqa: PTH206
    here, ahead, links = base, [part for part in reversed(parts) if part], 0
    try:
        while ahead:
            part = ahead.pop()
            if part == "..":
                if here == base:
                    return OUTSIDE
                here = os.path.dirname(here)  # noqa: PTH120
            elif is_of_git(part):
                return OF_GIT
            elif (target := _target(os.path.join(here, part))) is not None:  # noqa: PTH118
                links += 1
                if target.is_absolute() or links > _MOST_LINKS:
                    return ABSOLUTE if target.is_absolute() else ROUND
                ahead += reversed(target.parts)
            else:
                here = os.path.join(here, part)  # noqa: PTH118
        return "" if _is_regular(os.lstat(here).st_mode) else IRREGULAR
    except (OSError, ValueError):
        return ""


def _is_within(path: str, folder: str) -> bool:
    one, other = os.path.normcase(path), os.path.normcase(folder)
    return one == other or one.startswith(os.path.join(other, ""))  # noqa: PTH118


def _target(path: str) -> Path | None:
    """Return where a link leads; None for what is no link, or is not there. Raise OSError where that cannot be told."""
    try:
        return Path(os.readlink(path))  # noqa: PTH115
    except OSError as error:
        if error.errno in {errno.EINVAL, errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
            return None
        raise


def told_from(root: Path, text: str) -> str:
    """Return a text in which paths below a root are told from there: a state may lie in a folder that nobody knows."""
    below = rf"{re.escape(str(root))}(?:/|(?![\w-]|\.\w))"
    return re.sub(below, lambda found: "" if found[0].endswith("/") else ".", text)


def is_of_git(name: str) -> bool:
    """Return whether a file or folder of that name is Git's own, which holds secrets: CI keeps its token there."""
    return name.casefold() == ".git"


def beginning(path: Path, most: int) -> bytes:
    """Return what a file holds; of one that is larger than `most` bytes, these and one more. Raise OSError.

    Room is made for what is there: to make it for all that there may be takes longer than to read.
    """
    with path.open("rb") as stream:
        expected = min(os.fstat(stream.fileno()).st_size, most) + 1
        found = stream.read(expected)
        return found + stream.read(most + 1 - expected) if len(found) == expected else found


def content(path: Path, root: Path) -> bytes:
    """Return what a file of a repository holds; raise OSError where it cannot be read, or may not be."""
    if reason := astray(path, root):
        raise OSError(errno.EPERM, reason, str(path))
    return Path(os.path.normpath(path)).read_bytes()


def files(folder: Path, root: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file below a folder of a repository, links to folders followed, and why it may not be read, or "".

    Of what may not be read, or is Git's own, nothing further is yielded.
    """
    pending: list[tuple[Path, tuple[Path, ...]]] = [(folder, (Path(os.path.realpath(folder)),))]
    count = 0
    while pending:
        place, within = pending.pop()
        try:
            found = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError:
            yield place, CLOSED
            continue
        for entry in found:
            count += 1
            path = Path(entry.path)
            reason = _astray_entry(entry, root, within)
            if count > _MOST_FILES:
                yield path, TOO_MANY
                return
            if not reason and len(within) > _DEEPEST and entry.is_dir():
                yield path, TOO_DEEP
            elif not reason and entry.is_dir():
                real = Path(os.path.realpath(path)) if entry.is_symlink() else within[-1] / entry.name
                pending.append((path, (*within, real)))
            else:
                yield path, reason


def _astray_entry(entry: os.DirEntry[str], root: Path, within: tuple[Path, ...]) -> str:
    if is_of_git(entry.name):
        return OF_GIT
    if not entry.is_symlink():
        try:
            # The folder has told it: no file is asked.
            is_regular = entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)
        except OSError:
            return CLOSED
        return "" if is_regular else IRREGULAR
    if reason := astray(Path(entry.path), root):
        return reason
    target = Path(os.path.realpath(entry.path))
    if not target.exists():
        return NOWHERE
    return ROUND if any(each.is_relative_to(target) for each in within) else ""


def _is_regular(mode: int) -> bool:
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)
