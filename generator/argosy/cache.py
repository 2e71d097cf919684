"""What engines, the template and readers gave before, kept in the user's cache by a digest of all it was made from.

Whoever has the same inputs may have the same result, and nobody can put another one there. Nothing here is a reason to
fail: what cannot be read, or is not what was written, is made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from time import time
from typing import Any, TypeVar

from argosy import temporary
from argosy.errors import UsageError
from argosy.paths import beginning, once
from argosy.supervisor import StoppedError

Made = TypeVar("Made")

VARIABLE = "ARGOSY_CACHE"
"""The variable that names the folder; empty for none. A repository cannot: it may be a stranger's."""
LARGEST = 512 * 1024 * 1024
"""How many bytes are kept: what was not used for longest goes first."""
_SHELVES = 256
"""How many folders the results are spread over, by the first byte of their digest. Each holds its part of the bytes."""
_MOST_READ = 64 * 1024 * 1024
"""How many bytes of files one result may be made from."""
_FRESH = 3600
"""For how many seconds after it was used a result is not marked as used again."""

_MOST_HELD = 64 * 1024 * 1024
"""How many bytes one command holds in memory."""


class _Held(dict[str, bytes]):
    """What the command that runs has made, by digest, as much as there is room for."""

    size = 0

    def add(self, digest: str, content: bytes) -> None:
        if self.size < _MOST_HELD:
            self[digest] = content
            self.size += len(content)


_off = 0
_held: _Held | None = None
_stopped: dict[str, StoppedError] = {}
"""Why the command that runs had to stop what would make a result, by digest."""


@contextmanager
def one_command() -> Iterator[None]:
    """Make nothing twice meanwhile, whether or not it is kept for other commands."""
    global _held  # noqa: PLW0603 - threads are to see it
    before, _held = _held, _Held() if _held is None else _held
    try:
        yield
    finally:
        _held = before
        try_again()


def try_again() -> None:
    """Forget what had to be stopped: the machine may have been busy."""
    _stopped.clear()


@contextmanager
def off() -> Iterator[None]:
    """Keep nothing for other commands, and find nothing of theirs, meanwhile."""
    global _off  # noqa: PLW0603 - threads are to see it
    _off += 1
    try:
        yield
    finally:
        _off -= 1


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a result is made from."""

    digest: str
    contents: Sequence[bytes]
    """What the files hold."""


def inputs(facts: Any, files: Iterable[tuple[str, Path]] = (), texts: Iterable[str] = ()) -> Inputs | None:
    """Return what a result is made from: facts, as JSON has them, texts, and files with the names that they go by.

    None where that cannot be told: a file cannot be read, or there is too much.
    """
    digest = hashlib.sha256()
    contents: list[bytes] = []
    left = _MOST_READ
    try:
        _add(digest, json.dumps(facts).encode())
        for text in texts:
            _add(digest, text.encode(errors="surrogatepass"))
        for name, file in files:
            content = beginning(file, left)
            left -= len(content)
            if left < 0:
                return None
            contents.append(content)
            _add(digest, os.fsencode(name))
            _add(digest, content)
    except (OSError, TypeError, ValueError, RecursionError):
        return None
    return Inputs(digest.hexdigest(), contents)


def maker(code: Iterable[Path], *packages: str) -> str:
    """Return what stands for what makes results: the files of argosy's own code, and the versions of packages."""
    digest = hashlib.sha256(json.dumps([f"{each} {version_of(each)}" for each in packages]).encode())
    for file in sorted(code):
        _add(digest, file.read_bytes())
    return digest.hexdigest()


def _add(digest: Any, part: bytes) -> None:
    """Add a part so that no other row of parts gives the same bytes."""
    digest.update(len(part).to_bytes(8))
    digest.update(part)


def below(folder: Path, prefix: str = "") -> Iterator[tuple[str, Path, bool]]:
    """Yield what is in a folder and its folders, links followed: its path there, its place, whether it is a folder.

    A path says whether it is a link. Whoever asks has made sure that no link leads out or round.
    """
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = f"{prefix}{entry.name}{'@' if entry.is_symlink() else ''}"
        is_folder = entry.is_dir()
        yield path, Path(entry.path), is_folder
        if is_folder:
            yield from below(Path(entry.path), f"{path}/")


def remembered(
    made_from: Callable[[], Inputs | None],
    make: Callable[[], Made],
    is_lasting: Callable[[Made, Inputs], bool],
    places: Iterable[Path],
) -> Made:
    """Return what was made before from the same inputs, or make it and keep it where it would be made so again.

    What is made is JSON. It is not kept where it speaks of one of the places, since others may be made from the same
    elsewhere; nor where the inputs are others when it is done, for then nobody knows which it has seen. What a command
    had to stop it does not try again: that raises the same StoppedError at once, for each state that it looks at.
    """
    folder, held = None if _off else _folder(), _held
    before = made_from() if folder or held is not None else None
    if before is None:
        return make()
    digest = before.digest
    kept = held.get(digest) if held is not None else None
    if kept is None and folder:
        kept = _read(folder / digest[:2] / digest[2:], digest)
    if kept is not None:
        return json.loads(kept)  # type: ignore[no-any-return]
    if held is not None and digest in _stopped:
        raise StoppedError(_stopped[digest].message, _stopped[digest].hint)
    try:
        made = make()
    except StoppedError as error:
        if held is not None and (after := made_from()) is not None and after.digest == digest:
            _stopped[digest] = error
        raise
    content = json.dumps(made)
    if is_lasting(made, before) and not any(json.dumps(str(each))[1:-1] in content for each in places):
        after = made_from()
        if after is not None and after.digest == digest:
            if held is not None:
                held.add(digest, content.encode())
            if folder:
                _write(folder / digest[:2] / digest[2:], digest, content.encode())
    return made


def place(name: str) -> Path | None:
    """Return a folder for what was brought here on purpose, beside the results; None where there can be none."""
    above = _folder()
    if above is None:
        return None
    try:
        (above / name).mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return None
    return above / name


def keep(shelf: str, digest: str, content: bytes) -> None:
    """Keep what a user asked for on a shelf of its own, until someone removes it; raise UsageError where none is."""
    folder = place(shelf)
    if folder is None:
        raise UsageError(
            f"There is no cache to keep it in: {VARIABLE} is empty, or its folder cannot be used by you alone.",
            f"Set {VARIABLE} to a folder of yours.",
        )
    temporary.write(folder / digest, _sealed(digest, content), 0o600)


def kept(shelf: str, digest: str) -> bytes | None:
    """Return what `keep` has kept; None where there is nothing, or something else."""
    folder = _folder()
    return _read(folder / shelf / digest, digest) if folder else None


def _folder() -> Path | None:
    """Return the folder of the results, made where it is not there; None where there can be none."""
    named = os.environ.get(VARIABLE)
    return None if named == "" else once(("cache", named), lambda: _own_folder(named))


def _own_folder(named: str | None) -> Path | None:
    if named and not os.path.isabs(named):  # noqa: PTH117
        # It would be a folder of the repository, which whoever wrote that could have filled.
        raise UsageError(f"{VARIABLE} is “{named}”, which is no absolute path.", "Give one, or nothing for no cache.")
    base = os.environ.get("XDG_CACHE_HOME", "")
    if named:
        folder = Path(named)
    elif os.path.isabs(base):  # noqa: PTH117
        folder = Path(base, "argosy")
    else:
        folder = Path(os.path.expanduser("~"), ".cache", "argosy")  # noqa: PTH111 - it may be nobody's
    return folder if folder.is_absolute() and _is_own(folder) else None


def _is_own(folder: Path) -> bool:
    """Return whether a folder is there, or can be made, and nobody else can write to it."""
    try:
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sys.platform == "win32":
            return True
        status = folder.stat()
    except OSError:
        return False
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _read(place: Path, digest: str) -> bytes | None:
    """Return what was written; None where there is nothing, or something else."""
    try:
        with place.open("rb") as stream:
            kept, used = stream.read(), os.fstat(stream.fileno()).st_mtime
        packed = kept[32:]
        if kept[:32] != _seal(digest, packed):
            return None
        found = zlib.decompress(packed)
        if time() - used > _FRESH:
            os.utime(place)
    except (OSError, ValueError, zlib.error):
        return None
    return found


def _seal(digest: str, packed: bytes) -> bytes:
    return hashlib.sha256(digest.encode() + packed).digest()


def _write(place: Path, digest: str, content: bytes) -> None:
    sealed = _sealed(digest, content)
    with suppress(OSError):
        if _make_room(place.parent, len(sealed)):
            temporary.write(place, sealed, 0o600)


def _sealed(digest: str, content: bytes) -> bytes:
    packed = zlib.compress(content, 1)
    return _seal(digest, packed) + packed


def _make_room(shelf: Path, needed: int) -> bool:
    """Take away what was not used for longest, until a shelf has room; return whether it can have so much."""
    shelf.mkdir(mode=0o700, exist_ok=True)
    left = LARGEST // _SHELVES - needed
    if left < 0:
        return False
    kept = []
    for entry in os.scandir(shelf):
        with suppress(FileNotFoundError):  # Another argosy has put it in its place, or away.
            kept.append((entry.stat(), entry.path))
    for status, path in sorted(kept, key=lambda each: each[0].st_mtime, reverse=True):
        left -= status.st_size
        if left < 0:
            Path(path).unlink(missing_ok=True)
    return True
