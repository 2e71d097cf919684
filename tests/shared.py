"""What is made once in a run of the tests, for all of its workers: a folder that they share, with locks."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from filelock import FileLock

_FOLDER = "TESTS_SHARED"
"""The environment variable that names the folder to the workers."""
_NOT_OURS = {"EMAIL", "PYTHONIOENCODING", "PYTHONDONTWRITEBYTECODE"}
IDENTITY = """\
[core]
checkStat = minimal
trustctime = false
[user]
name = Ada
email = ada@example.com
[maintenance]
auto = false
[receive]
autogc = false
[transfer]
unpackLimit = 1
"""
"""All of git's configuration in tests: a file is known by its size and its time, so that git takes none of a copied
repository for changed, whose inodes are others; no commit and no push looks whether there is something to tidy up; and
what is pushed or fetched is one file, rather than one for each object, which twice as much goes into."""

_BEFORE = 1_000_000_000
"""A second long before any test."""
Made = TypeVar("Made")


@contextmanager
def session() -> Iterator[None]:
    """Have a folder for what is shared, unless the process that started this one has; remove it afterwards."""
    if _FOLDER in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="shared-") as folder:
        Path(folder, "gitconfig").write_text(IDENTITY)
        os.environ[_FOLDER] = folder
        yield
        del os.environ[_FOLDER]


@contextmanager
def home(place: Path, cache: Path | None = None) -> Iterator[None]:
    """Keep the machine's own configuration, of git above all, out: a folder is the home, with git's configuration."""
    (place / ".gitconfig").write_text(IDENTITY)
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(("GIT_", "ARGOSY", "_ARGOSY", "XDG_")) or name in _NOT_OURS:
                patch.delenv(name)
        patch.setenv("HOME", str(place))
        patch.setenv("GIT_CONFIG_GLOBAL", str(place / ".gitconfig"))
        patch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
        patch.setenv("TZ", "UTC")
        patch.setenv("ARGOSY_CACHE", str(cache or place / "cache"))
        yield


def folder(key: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that `make` has filled, in whichever process asked for the key first. Nobody may change it."""
    collects = "PYTEST_VERSION" in os.environ and "PYTEST_CURRENT_TEST" not in os.environ
    assert not collects, "Ask for it in a test: each worker collects all of them."
    place = Path(os.environ[_FOLDER], hashlib.sha256(key.encode()).hexdigest())
    if not place.exists():
        with FileLock(f"{place}.lock"):
            if not place.exists():
                staged = place.with_suffix(".new")
                with pytest.MonkeyPatch.context() as patch:
                    # Whatever git is told in the test that asks first, it is not told in all the others.
                    patch.setenv("GIT_CONFIG_GLOBAL", str(place.parent / "gitconfig"))
                    make(staged)
                staged.rename(place)
    return place


def repository(key: str, make: Callable[[Path], object], destination: Path, *, loose: bool = False) -> Path:
    """Put a copy of a repository that `make` has made, as `folder` says, at a destination, and return that.

    Its objects are in one pack, unless each is to be `loose`.
    """

    def made(place: Path) -> None:
        make(place)
        # That leaves half of the files to copy, and to remove in the end.
        if not loose:
            subprocess.run(["git", "repack", "-a", "-d", "-q"], cwd=place, check=True)
        for sample in (place / ".git/hooks").glob("*.sample"):
            sample.unlink()
        # Git reads again what is as new as the index.
        for entry in place.rglob("*"):
            os.utime(entry, (_BEFORE, _BEFORE), follow_symlinks=False)
        subprocess.run(["git", "update-index", "-q", "--refresh"], cwd=place, check=True)

    shutil.copytree(folder(key, made), destination, symlinks=True)
    return destination


def value(key: str, make: Callable[[], Made]) -> Made:
    """Return what `make` gives, in whichever process asked for the key first; outside of a run of the tests, here."""
    if _FOLDER not in os.environ:
        return make()

    def write(place: Path) -> None:
        place.write_bytes(pickle.dumps(make()))

    made: Made = pickle.loads(folder(key, write).read_bytes())
    return made


def cache_of_results(place: Path) -> Path:
    """Make a cache at a place in which nothing is fetched, and what tests rendered before need not be again."""
    place.mkdir(mode=0o700)
    for shelf in Path(os.environ["ARGOSY_CACHE"]).glob("[0-9a-f][0-9a-f]"):
        (place / shelf.name).symlink_to(shelf)
    return place
