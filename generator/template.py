"""Which versions of the template there are, and their trees.

A version's name is the id that git gives to the tree of `copier.yml` and `templates/`: the same in a checkout, an sdist
and a wheel, with no tag needed. An installed argosy carries the newest version as plain files and the earlier ones in a
git bundle; a checkout reads both from itself.
"""

from __future__ import annotations

import hashlib
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from generator import git
from generator.errors import ArgosyError

URL = "https://github.com/argosy-gitops/argosy.git"
"""Where the template's own repository lives: what Copier records as the source."""

PARTS = ("copier.yml", "templates")
BUNDLE = "history.bundle"
VERSION = "VERSION"

_PACKAGED = Path(__file__).parent / "_template"
_CHECKOUT = Path(__file__).parent.parent
_KEPT: list[tempfile.TemporaryDirectory[str]] = []
"""Folders that are needed until the process ends."""


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
        # Copier would clone a folder that is a git repository, and so leave out what is not committed yet.
        copied = tempfile.TemporaryDirectory(prefix="argosy-template-")
        _KEPT.append(copied)
        shutil.copy(_CHECKOUT / "copier.yml", copied.name)
        shutil.copytree(_CHECKOUT / "templates", Path(copied.name, "templates"))
        return Template(Path(copied.name), tree_id(Path(copied.name)))
    raise ArgosyError("This installation of argosy holds no template.", "Install it again: pip install argosy.")


def versions() -> tuple[str, ...]:
    """Return the names of all versions in the history, newest first; the current one alone where there is none."""
    with _history() as repository:
        known = git.run(repository, "log", "--format=%T", "history").split() if repository else []
    return tuple(dict.fromkeys([current().version, *known]))


@contextmanager
def checkout(version: str) -> Iterator[Template]:
    """Yield the template at a version, in a folder that is gone afterwards; raise ArgosyError if it is unknown."""
    if version == current().version:
        yield current()
        return
    with _history() as repository, tempfile.TemporaryDirectory(prefix="argosy-template-") as folder:
        known = git.run(repository, "log", "--format=%T", "history").split() if repository else []
        if repository is None or version not in known:
            raise ArgosyError(
                f"This argosy does not know the template's version {version}.",
                "A newer argosy made it, or this one was built without the template's history: install the newest.",
            )
        git.run(repository, f"--work-tree={folder}", "read-tree", version)
        git.run(repository, f"--work-tree={folder}", "checkout-index", "--all")
        yield Template(Path(folder), version)


def write_history(checkout: Path, repository: Path) -> bool:
    """Write the history of the template alone into a new bare repository, as its branch `history`.

    Return False where the checkout has no whole history: a source archive, or a shallow clone.
    """
    top = git.top_level(checkout)
    if top is None or top.resolve() != checkout.resolve():
        return False
    if git.run(checkout, "rev-parse", "--is-shallow-repository").strip() == "true":
        return False
    if not git.run(checkout, "rev-list", "--max-count=1", "--all", "--", *PARTS).strip():
        return False
    repository.mkdir(parents=True, exist_ok=True)
    git.run(repository, "init", "--quiet", "--bare")
    exported = git.run(checkout, "fast-export", "--reference-excluded-parents", "HEAD", "--", *PARTS)
    git.run(repository, "fast-import", "--quiet", "--force", stdin=exported.encode(errors="surrogateescape"))
    branch = git.run(repository, "for-each-ref", "--format=%(refname)").split()[0]
    git.run(repository, "update-ref", "refs/heads/history", branch)
    return True


def tree_id(folder: Path, names: tuple[str, ...] | None = None) -> str:
    """Return the id that git gives to the tree of a folder, or of the named entries of it."""
    entries = []
    for entry in (folder / name for name in names) if names else folder.iterdir():
        if entry.is_dir():
            entries.append((f"{entry.name}/", b"40000 %s\0" % entry.name.encode() + bytes.fromhex(tree_id(entry))))
        else:
            mode = b"100755" if entry.stat().st_mode & stat.S_IXUSR else b"100644"
            blob = bytes.fromhex(_object_id(b"blob", entry.read_bytes()))
            entries.append((entry.name, mode + b" %s\0" % entry.name.encode() + blob))
    return _object_id(b"tree", b"".join(line for _, line in sorted(entries)))


def _object_id(kind: bytes, content: bytes) -> str:
    return hashlib.sha1(kind + b" %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@contextmanager
def _history() -> Iterator[Path | None]:
    """Yield a bare repository that holds the template's history, or None where this argosy has none."""
    with tempfile.TemporaryDirectory(prefix="argosy-history-") as folder:
        repository = Path(folder) / "history.git"
        if (bundle := _PACKAGED / BUNDLE).is_file():
            git.run(Path(folder), "clone", "--quiet", "--bare", str(bundle), str(repository))
            yield repository
        elif not (_PACKAGED / "copier.yml").is_file() and write_history(_CHECKOUT, repository):
            yield repository
        else:
            yield None
