"""Which versions of the template there are, and their trees.

A version's name is the id that git gives to the tree of `copier.yml` and `templates/`: the same in a checkout, an sdist
and a wheel, with no tag needed. An installed argosy carries the newest version as plain files and the earlier ones in a
git bundle; a checkout reads both from itself.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from argosy import git, temporary
from argosy.errors import ArgosyError, ToolError

URL = "https://github.com/argosy-gitops/argosy.git"
"""Where the template's own repository lives: what Copier records as the source."""

PARTS = ("copier.yml", "templates")
BUNDLE = "history.bundle"
VERSION = "VERSION"

_PACKAGED = Path(__file__).parents[1] / "_template"
_CHECKOUT = Path(__file__).parents[3]


_EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The id of the tree without a file."""


@dataclass(frozen=True, slots=True)
class Template:
    """One version of the template: the folder that holds `copier.yml`, and the version's name."""

    root: Path
    version: str


@cache
def current() -> Template:
    """Return the version that this argosy renders."""
    if (_PACKAGED / "copier.yml").is_file():
        return Template(_PACKAGED, (_PACKAGED / VERSION).read_text(encoding="ascii").strip())
    if (_CHECKOUT / "copier.yml").is_file():
        return Template(_CHECKOUT, tree_id(_CHECKOUT, PARTS))
    raise ArgosyError("This installation of argosy holds no template.", "Install it again, from where you had it.")


def versions() -> tuple[str, ...]:
    """Return the names of all versions in the history, newest first; the current one alone where there is none."""
    with _history() as repository:
        return tuple(dict.fromkeys([current().version, *_listed(repository)]))


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
    with _history() as repository, temporary.folder("template") as folder:
        if repository is None or version not in _listed(repository):
            raise unknown(version)
        yield _checked_out(repository, version, folder)


@contextmanager
def checkouts() -> Iterator[Iterator[Template]]:
    """Yield the template at each version in turn, newest first, in folders that are gone afterwards."""

    def each(repository: Path | None, folder: Path) -> Iterator[Template]:
        yield current()
        for version in _listed(repository):
            if repository and version != current().version:
                (folder / version).mkdir()
                yield _checked_out(repository, version, folder / version)

    with _history() as repository, temporary.folder("templates") as folder:
        yield each(repository, folder)


def _listed(repository: Path | None) -> Sequence[str]:
    """Return the versions in a history, newest first."""
    return tuple(dict.fromkeys(git.run(repository, "log", "--format=%T", "history").split())) if repository else ()


def _checked_out(repository: Path, version: str, folder: Path) -> Template:
    # The bytes as they were committed, whatever line endings the user's git likes.
    for command in (("read-tree", version), ("checkout-index", "--all")):
        git.run(repository, f"--work-tree={folder}", "-c", "core.autocrlf=false", *command)
    return Template(folder, version)


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
def _history() -> Iterator[Path | None]:
    """Yield a repository that holds the template's history, or None where this argosy has none."""
    with temporary.folder("history") as folder:
        repository = folder / "history"
        if (bundle := _PACKAGED / BUNDLE).is_file():
            git.run(folder, "clone", "--quiet", "--no-checkout", "--branch", "history", str(bundle), str(repository))
            yield repository
        elif not (_PACKAGED / "copier.yml").is_file() and write_history(_CHECKOUT, repository):
            yield repository
        else:
            yield None


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


def questions(version: Template) -> Mapping[str, Any]:
    """Return what a version's copier.yml holds: its questions by their names, and Copier's settings."""
    from argosy.documents import plain  # noqa: PLC0415

    return plain.load(version.root / "copier.yml")
