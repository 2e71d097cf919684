"""What was fetched, in the user's cache folder: a folder by the digest of all that is in it, and which pin it is of."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path, PurePosixPath

from argosy import cache
from argosy.errors import ArgosyError, UsageError
from argosy.paths import astray, is_of_git
from argosy.remote.pins import Pin

MOST_FILES = 20_000
MOST_BYTES = 200 * 1024 * 1024
"""What one pin may bring; more is refused."""
_DEEPEST = 50
_LARGEST = 2 * 1024**3
"""How many bytes are kept in all: what was not used for longest goes first."""


@dataclass(frozen=True, slots=True)
class Held:
    """A file that was fetched."""

    content: bytes
    executable: bool = False
    is_link: bool = False
    """Whether it is a symbolic link, to what `content` says."""


def folder(pin: Pin, locked: str = "") -> Path | None:
    """Return the folder with what a pin brought, or what it is to bring, by its digest; None where it is not here."""
    above = cache.place("sources")
    if above is None:
        return None
    try:
        digest = locked or str(json.loads(_note(above, pin).read_bytes())["digest"])
        found = above / "trees" / PurePosixPath(digest).name
        if not found.is_dir():
            return None
        with suppress(OSError):
            os.utime(found)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found


def resolved(pin: Pin) -> str:
    """Return what the revision of a pin meant when it was fetched; "" where that is not known."""
    above = cache.place("sources")
    try:
        return str(json.loads(_note(above, pin).read_bytes())["resolved"]) if above else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def keep(pin: Pin, files: Mapping[str, Held], resolved: str = "") -> Path:
    """Keep what a pin brought, and return its folder, named after its digest; raise ArgosyError where it may not be."""
    above = cache.place("sources")
    if above is None:
        raise UsageError(
            "There is no cache folder, so nothing can be kept.",
            f"Set {cache.VARIABLE} to a folder of yours that nobody else can write to.",
        )
    _refuse(pin, files)
    digest = digest_of(files)
    place = above / "trees" / digest
    draft = above / f"draft-{secrets.token_hex(8)}"
    try:
        if not place.is_dir():
            place.parent.mkdir(mode=0o700, exist_ok=True)
            _write(pin, draft, files)
            with suppress(FileExistsError):
                draft.rename(place)
        note = _note(above, pin)
        note.parent.mkdir(mode=0o700, exist_ok=True)
        size = sum(len(each.content) for each in files.values())
        told: dict[str, str | int] = {
            "url": pin.url,
            "chart": pin.chart,
            "revision": pin.revision,
            "resolved": resolved,
        }
        told |= {"digest": digest, "size": size}
        written = note.with_name(f"{note.name}.{secrets.token_hex(8)}")
        written.write_text(json.dumps(told), encoding="utf-8")
        written.replace(note)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    _make_room(above, digest)
    return place


def _note(above: Path, pin: Pin) -> Path:
    name = hashlib.sha256(json.dumps(astuple(pin)).encode()).hexdigest()
    return above / "pins" / f"{name}.json"


def refuse_more(pin: Pin, count: int, size: int) -> None:
    """Raise ArgosyError for more files, or more bytes in all, than one pin may bring."""
    if count > MOST_FILES or size > MOST_BYTES:
        raise ArgosyError(
            f"{pin} holds more than {MOST_FILES:,} files or {MOST_BYTES // 1024**2} MB.",
            "Use a smaller one, or copy what you need of it into this repository.",
        )


def _refuse(pin: Pin, files: Mapping[str, Held]) -> None:
    """Raise ArgosyError for more than one pin may bring, and for a path that leads elsewhere."""
    refuse_more(pin, len(files), sum(len(each.content) for each in files.values()))
    known = {path.casefold() for path in files}
    for path in files:
        parts = path.split("/")
        above = ("/".join(parts[:place]).casefold() for place in range(1, len(parts)))
        if through := next((each for each in above if each in known), None):  # As a link, it would lead anywhere.
            raise ArgosyError(f"{pin} holds “{path}” below “{through}”, which is no folder.", "Do not use it.")
        wrong = {"", ".", ".."} & {*parts} or any(map(is_of_git, parts)) or "\\" in path or "\0" in path
        if wrong or len(parts) > _DEEPEST or (os.name == "nt" and ":" in path):
            raise ArgosyError(f"{pin} holds the path “{path}”, which may not be written.", "Do not use it.")


def _write(pin: Pin, place: Path, files: Mapping[str, Held]) -> None:
    place.mkdir(mode=0o700)
    links = []
    for path, each in files.items():
        target = place / path
        if each.is_link:
            links.append((target, os.fsdecode(each.content)))
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(each.content)
        if each.executable:
            target.chmod(0o755)
    for target, destination in links:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(destination)
    for target, destination in links:
        if reason := astray(target, place):
            path = target.relative_to(place).as_posix()
            raise ArgosyError(
                f"{pin} holds the symbolic link {path} to {destination}: {reason}.", "Argo CD refuses it too."
            )


def digest_of(files: Mapping[str, Held]) -> str:
    """Return the digest of all that a pin brought."""
    digest = hashlib.sha256()
    for path, each in sorted(files.items()):
        for part in (path.encode(errors="surrogateescape"), bytes((each.executable, each.is_link)), each.content):
            digest.update(len(part).to_bytes(8))
            digest.update(part)
    return digest.hexdigest()


def _make_room(above: Path, newest: str) -> None:
    """Take away what was not used for longest, where all together is too large, but never the newest."""
    sizes: dict[str, int] = {}
    notes: dict[str, list[Path]] = {}
    for note in (above / "pins").glob("*.json"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            told = json.loads(note.read_bytes())
            sizes[str(told["digest"])] = int(told["size"])
            notes.setdefault(str(told["digest"]), []).append(note)
    for tree in (above / "trees").iterdir():
        if tree.name not in sizes:  # A lock may still want what a branch had before.
            sizes[tree.name] = sum(file.lstat().st_size for file in tree.rglob("*"))
    ages: dict[str, float] = {}
    for digest in sizes:
        with suppress(OSError):
            ages[digest] = (above / "trees" / digest).stat().st_mtime
    left = _LARGEST - sizes.get(newest, 0)
    for digest in sorted(ages.keys() - {newest}, key=ages.__getitem__, reverse=True):
        left -= sizes[digest]
        if left < 0:
            for note in notes.get(digest, ()):
                note.unlink(missing_ok=True)
            shutil.rmtree(above / "trees" / digest, ignore_errors=True)
