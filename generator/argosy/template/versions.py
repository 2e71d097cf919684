"""Which versions of the template there are, and their trees.

A version's name is the id that git gives to the tree of `copier.yml` and `templates/`: the same in a checkout, an sdist
and a wheel, with no tag needed. An installed argosy carries the newest version as plain files and the earlier ones in a
git bundle; a checkout reads both from itself.
"""

from __future__ import annotations

import functools
import hashlib
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from argosy import cache, git, temporary
from argosy.errors import ArgosyError, ToolError
from argosy.git import objects

URL = "https://github.com/argosy-gitops/argosy.git"
"""Where the template's own repository lives: what Copier records as the source."""

PARTS = ("copier.yml", "templates")
BUNDLE = "history.bundle"
VERSION = "VERSION"

_PACKAGED = Path(__file__).parents[1] / "_template"
_CHECKOUT = Path(__file__).parents[3]


Made = TypeVar("Made")
_EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The id of the tree without a file."""


@dataclass(frozen=True, slots=True)
class Template:
    """One version of the template: the folder that holds `copier.yml`, and the version's name."""

    root: Path = field(compare=False)
    """A version that is checked out anew lies in another folder, and holds the same."""
    version: str


@functools.cache
def current() -> Template:
    """Return the version that this argosy renders."""
    if (_PACKAGED / "copier.yml").is_file():
        return Template(_PACKAGED, (_PACKAGED / VERSION).read_text(encoding="ascii").strip())
    if (_CHECKOUT / "copier.yml").is_file():
        return Template(_CHECKOUT, tree_id(_CHECKOUT, PARTS))
    raise ArgosyError("This installation of argosy holds no template.", "Install it again, from where you had it.")


def versions() -> tuple[str, ...]:
    """Return the names of all versions in the history, newest first; the current one alone where there is none."""
    with _history() as history:
        return tuple(dict.fromkeys([current().version, *history.versions]))


def known(version: str) -> str:
    """Return the version that a name, or the beginning of one, stands for; raise ArgosyError if there is none."""
    found = [each for each in versions() if each.startswith(version)] if len(version) > 3 else []
    if len(found) != 1:
        raise unknown(version)
    return found[0]


@contextmanager
def checkout(version: str) -> Iterator[Template]:
    """Yield the template at a version, in a folder that is gone afterwards; raise ArgosyError if it is unknown."""
    if version == current().version:
        yield current()
        return
    with _history() as history:
        if version not in history.versions:
            raise unknown(version)
        yield history.checked_out(version)


@contextmanager
def checkouts() -> Iterator[Iterator[Template]]:
    """Yield the template at each version in turn, newest first, in folders that are gone afterwards."""
    with _history() as history:
        earlier = (each for each in history.versions if each != current().version)
        yield chain([current()], map(history.checked_out, earlier))


@dataclass(frozen=True)
class _History:
    """The earlier versions of the template: the repository is made where the cache has not what is asked for."""

    folder: Path
    """A new one, for the repository and what is checked out of it."""

    @cached_property
    def repository(self) -> Path | None:
        """The repository with the branch `history`; None where this argosy has none."""
        place = self.folder / "history"
        if (bundle := _PACKAGED / BUNDLE).is_file():
            options = ("--quiet", "--no-checkout", "--branch", "history")
            git.run(self.folder, "clone", *options, str(bundle), str(place))
            return place
        if (_PACKAGED / "copier.yml").is_file():
            return None
        return place if write_history(_CHECKOUT, place) else None

    @cached_property
    def versions(self) -> Sequence[str]:
        """The versions, newest first."""

        def read() -> Sequence[str]:
            listed = git.run(self.repository, "log", "--format=%T", "history") if self.repository else ""
            return [*dict.fromkeys(listed.split())]

        return _remembered("versions", read)

    def checked_out(self, version: str) -> Template:
        """Return the template at a version that there is, in a folder below this one's."""
        place = self.folder / version
        for path, (mode, content) in _remembered(version, lambda: self._read(version)).items():
            file = place / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode(errors="surrogateescape"))
            if mode == "100755":
                file.chmod(0o755)
        return Template(place, version)

    def _read(self, version: str) -> Mapping[str, tuple[str, str]]:
        assert self.repository is not None, version
        listed = objects.entries(self.repository, version)
        files = objects.blobs(self.repository, listed, listed)
        return {path: (file.mode, file.content.decode(errors="surrogateescape")) for path, file in files.items()}


def _remembered(asked: str, read: Callable[[], Made]) -> Made:
    """Return what was read of the history before, or read it and keep it for other commands."""
    return cache.remembered(partial(_made_from, asked), read, lambda made, _: bool(made), ())


def _made_from(asked: str) -> cache.Inputs | None:
    """Return what an answer is made from: the bundle, or the commit whose history is exported."""
    facts = [cache.maker([Path(__file__)]), asked]
    if (bundle := _PACKAGED / BUNDLE).is_file():
        return cache.inputs(facts, [(BUNDLE, bundle)])
    head = "" if (_PACKAGED / "copier.yml").is_file() else _head(_CHECKOUT)
    return cache.inputs([*facts, head], ()) if head else None


@functools.cache
def _head(checkout: Path) -> str:
    found = git.Repository(checkout)
    return found.head if found.top_level == checkout.resolve() else ""


def unknown(version: str) -> ArgosyError:
    """Return the error for a version that is not in the history."""
    return ArgosyError(
        f"This argosy does not know the template's version {version}.",
        "A newer argosy made it, or this one was built without the template's history: install the newest.",
    )


def write_history(checkout: Path, repository: Path) -> bool:
    """Write the history of the template alone into a new repository, as its branch `history`.

    Return False where the checkout has no whole history: a source archive, or a shallow clone.
    """
    if not _has_history(checkout):
        return False
    repository.mkdir(parents=True, exist_ok=True)
    git.run(repository, "init", "--quiet")
    exported = git.run(checkout, "fast-export", "--reference-excluded-parents", "HEAD", "--", *PARTS)
    git.run(repository, "fast-import", "--quiet", "--force", stdin=exported.encode(errors="surrogateescape"))
    branch = git.run(repository, "for-each-ref", "--format=%(refname)").split()[0]
    git.run(repository, "update-ref", "refs/heads/history", branch)
    return True


def _has_history(checkout: Path) -> bool:
    top = git.top_level(checkout)
    if top is None or top.resolve() != checkout.resolve():
        return False
    try:
        shallow = git.run(checkout, "rev-parse", "--is-shallow-repository").strip() == "true"
        return not shallow and bool(git.run(checkout, "rev-list", "--max-count=1", "HEAD", "--", *PARTS).strip())
    except ToolError:
        return False  # Nothing is committed yet.


def tree_id(folder: Path, names: tuple[str, ...] | None = None) -> str:
    """Return the id that git gives to the tree of a folder, or of the named entries of it."""
    entries = []
    for entry in (folder / name for name in names) if names else folder.iterdir():
        if not entry.is_dir():
            mode = b"100755" if entry.stat().st_mode & stat.S_IXUSR else b"100644"
            entries.append((entry.name, mode, object_id(b"blob", entry.read_bytes())))
        elif (tree := tree_id(entry)) != _EMPTY:  # Git knows no empty folders.
            entries.append((f"{entry.name}/", b"40000", tree))
    lines = [mode + b" %s\0" % name.rstrip("/").encode() + bytes.fromhex(id) for name, mode, id in sorted(entries)]
    return object_id(b"tree", b"".join(lines))


def object_id(kind: bytes, content: bytes) -> str:
    """Return the id that git gives to an object."""
    return hashlib.sha1(kind + b" %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@contextmanager
def _history() -> Iterator[_History]:
    with temporary.folder("history") as folder:
        yield _History(folder)


def moves(old: Template, new: Template) -> list[tuple[str, str]]:
    """Return what moves from one version to another, old path -> new path, each with its placeholders.

    `_moves` in copier.yml lists all moves from the first version on; Copier itself takes no notice of it. A path names
    a file or a folder, with `{application}` and `{environment}` where there is one for each.
    """
    before, after = _moves(old), _moves(new)
    back = [(target, source) for source, target in reversed(before) if (source, target) not in after]
    return [*back, *(each for each in after if each not in before)]


def _moves(version: Template) -> list[tuple[str, str]]:
    return [(each["from"], each["to"]) for each in questions(version).get("_moves", ())]


def notes(old: Template, new: Template) -> list[str]:
    """Return what a person is to know who goes from one version to another: the files do not say it.

    `_notes` in copier.yml lists all there ever was, each with a text that versions before it do not have.
    """
    texts: list[str] = []
    if told := questions(new).get("_notes", ()):
        parts = (old.root / part for part in PARTS)
        files = [file for part in parts for file in ([part] if part.is_file() else sorted(part.rglob("*")))]
        texts = [file.read_text(encoding="utf-8", errors="replace") for file in files if file.is_file()]
    return [" ".join(each["note"].split()) for each in told if not any(each["since"] in text for text in texts)]


@functools.lru_cache(maxsize=4)
def questions(version: Template) -> Mapping[str, Any]:
    """Return what a version's copier.yml holds: its questions by their names, and Copier's settings.

    It is read once: the tree of a version never changes, and a command has two versions of it at most, which it may
    check out several times.
    """
    from argosy.documents import plain  # noqa: PLC0415

    return plain.load(version.root / "copier.yml")
