"""Finding the YAML and JSON files of a repository, and reading their text."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from argosy.documents.defects import Defect, DefectKind, RefusedError
from argosy.paths import ABSOLUTE, OF_GIT, OUTSIDE, astray, beginning, is_of_git

LARGEST_FILE = 10 * 1024 * 1024
"""Bytes."""

SUFFIXES = (".yaml", ".yml", ".json")
SKIPPED_FOLDERS = frozenset({".git", ".terraform", ".tox", ".venv", "node_modules", "venv"})
"""Folders that hold what tools put there, never what a repository says."""


@dataclass(frozen=True)
class File:
    """A file to read, or a path that cannot be read and why."""

    path: str
    """Relative to the root, with `/` between the parts."""
    place: Path | str
    """Where it is; text where it was come across, since most files are only listed and a `Path` costs more."""
    defect: Defect | None = None
    found: str = ""
    """Where it really is, as far as looking for it told: it is no link, and in no folder that is one."""

    @cached_property
    def location(self) -> Path:
        """Where the file is."""
        return Path(self.place)

    @cached_property
    def real(self) -> Path:
        """Where the file really is, links followed."""
        return Path(self.found) if self.found else self.location.resolve()


def find(root: Path, paths: Sequence[Path] = (), ignored: Callable[[str], bool] | None = None) -> list[File]:
    """Return the YAML and JSON files below `root`, or of the given files and folders of it, sorted by path.

    Relative `paths` are relative to `root`; a file named there is taken whatever its name. `ignored` is asked with the
    path of each folder and file that is come across. Links to folders are not followed: a folder of the repository is
    read where it really is. Links that leave the repository, lead nowhere or go round are files with a defect.
    """
    home, base = Path(os.path.abspath(root)), Path(os.path.realpath(root))  # noqa: PTH100 - links are to stay
    found: dict[str, File] = {}
    for given in paths or (home,):
        location = Path(os.path.normpath(home / given))
        real = Path(os.path.realpath(location))
        if not real.is_relative_to(base) or (location.is_relative_to(home) and astray(location, home)):
            found[str(location)] = _linked(str(given), location, "is not inside the repository")
            continue
        if not location.is_relative_to(home):
            location = home / real.relative_to(base)
        path = location.relative_to(home).as_posix()
        if real.is_dir():
            found |= {
                str(file.place): file for file in _walk(base, location, "" if path == "." else f"{path}/", ignored)
            }
        else:
            found[str(location)] = File(_printable(path), location)
    return sorted(found.values(), key=lambda file: file.path)


def _walk(base: Path, top: Path, prefix: str, ignored: Callable[[str], bool] | None) -> Iterator[File]:
    pending, real = [(os.fspath(top), prefix)], os.path.realpath(top)
    while pending:
        folder, before = pending.pop()
        try:
            for entry in os.scandir(folder):
                path = before + entry.name
                if ignored is not None and ignored(path):
                    continue
                if entry.is_symlink():
                    yield from _link(base, path, Path(entry.path))
                elif entry.is_dir():
                    if entry.name not in SKIPPED_FOLDERS and not is_of_git(entry.name):
                        pending.append((entry.path, f"{path}/"))
                elif is_read(entry.name):
                    yield File(_printable(path), entry.path, found=os.path.join(real, path[len(prefix) :]))  # noqa: PTH118
        except OSError as error:
            defect = _unreadable(before.rstrip("/") or ".", error)
            yield File(defect.path, folder, defect)


def _link(base: Path, path: str, location: Path) -> Iterator[File]:
    target = Path(os.path.realpath(location))
    if astray(location, base) in ESCAPES:
        yield _linked(path, location, "is a symbolic link that points outside the repository")
    elif target.is_dir():
        if Path(os.path.realpath(location.parent)).is_relative_to(target):
            yield _linked(path, location, "is a symbolic link to a folder that contains it")
    elif is_read(location.name):
        broken = not target.exists()
        yield _linked(path, location, "is a broken symbolic link") if broken else File(_printable(path), location)


ESCAPES = frozenset({OUTSIDE, ABSOLUTE, OF_GIT})
"""What may be wrong with a link that Argo CD refuses a whole repository for, or that leads to what is not in Git."""


def is_read(name: str) -> bool:
    """Return whether a file of a name is read: Argo CD and Kustomize take such files, whatever is in them."""
    return name.endswith(SUFFIXES) or name == "Kustomization"


def _linked(path: str, location: Path, what: str) -> File:
    path = _printable(path)
    hint = "Replace it with the file, or with a relative link within this repository: Argo CD follows no other links."
    return File(path, location, Defect(DefectKind.SYMLINK, f"{path} {what}", path, hint=hint))


def _unreadable(path: str, error: OSError) -> Defect:
    path = _printable(path)
    message = f"{path} cannot be read: {error.strerror or error}"
    hint = "Check that it exists and that you have read permission."
    return Defect(DefectKind.UNREADABLE, message, path, hint=hint)


def _printable(path: str) -> str:
    """Return the path with what is not UTF-8 replaced, so that any report can show it."""
    return path if path.isascii() else os.fsencode(path).decode(errors="replace")


def text_of(file: File, largest: int = LARGEST_FILE) -> str | Defect:
    """Return the text of a file, or why there is none; `largest` is in bytes."""
    if file.defect is not None:
        return file.defect
    content = b""
    try:
        content = _bytes(file.location, largest)
        return _decode(content)
    except OSError as error:
        return _unreadable(file.path, error)
    except RefusedError as error:
        line = None if error.index is None else content.count(b"\n", 0, error.index) + 1
        return Defect(error.kind, error.message, file.path, line, hint=error.hint)


def _bytes(location: Path, largest: int) -> bytes:
    status = location.stat()
    if not stat.S_ISREG(status.st_mode):
        raise RefusedError(DefectKind.UNREADABLE, "this is not a regular file", "Replace it with a file.")
    if status.st_size <= largest:
        content = beginning(location, largest)
        if len(content) <= largest:
            return content
    size = max(status.st_size, largest + 1)
    raise RefusedError(
        DefectKind.TOO_LARGE,
        f"the file has {size:,} bytes; the maximum is {largest:,}",
        "Kubernetes accepts objects of at most 1.5 MB. Split the file, or store the data elsewhere.",
    )


_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


_GIT_CRYPT = b"\0GITCRYPT\0"
"""How a file begins that git-crypt has encrypted."""


def _decode(content: bytes) -> str:
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    if content.startswith(_GIT_CRYPT):
        raise RefusedError(DefectKind.ENCRYPTED, "the file is encrypted with git-crypt", "Unlock it to check it.")
    if encoding.startswith("utf-8") and b"\0" in content:
        raise RefusedError(DefectKind.BINARY, "the file contains binary data", "Rename it with another suffix.")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        message = f"byte {error.start} (0x{content[error.start]:02x}) is not {encoding.removesuffix('-sig').upper()}"
        raise RefusedError(DefectKind.ENCODING, message, "Save the file as UTF-8.", error.start) from error
