"""Fetch layers into the user's cache, with Git and its own credentials: only where a user says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from argosy import cache as results
from argosy import git, paths, temporary
from argosy.errors import ArgosyError, ToolError, UsageError
from argosy.git import objects
from argosy.git.objects import EXECUTABLE, SUBMODULE, SYMLINK
from argosy.repository.model import LAYER_VERSION, Layer, check_layer_source, without_password
from argosy.template import layers, versions
from argosy.template.layers import Pack
from argosy.template.tree import File

_SECONDS = 300.0
"""How long a source may take."""
_MOST_FILES = 5_000
_MOST_BYTES = 16 * 1024 * 1024
_RELEASE = re.compile(r"v?(\d{1,18}(?:\.\d{1,18}){0,3})")
_REFERENCE = re.compile(r"(?P<source>.*/.*[^/])@(?P<ref>[^@:/\s]+)")


def parted(written: str) -> tuple[str, str]:
    """Return the source and the tag, branch or commit of SOURCE[@REF]; a folder of this machine by its whole path."""
    found = _REFERENCE.fullmatch(written)
    source, ref = (found["source"], found["ref"]) if found else (written, "")
    if not re.match(r"[\w+.-]+://|(?:[\w.-]+@)?[\w.-]{2,}:", source):
        try:
            source = str(Path(source).expanduser().absolute())
        except RuntimeError as error:
            raise UsageError(f"{source}: there is no such home directory.", f"Write ./{source}.") from error
        if not Path(source).is_dir():
            raise UsageError(f"There is no folder {source}.", "Give the URL of a Git repository, or a folder.")
    check_layer_source(source)
    return source, ref


def fetch(source: str, ref: str = "", name: str = "", present: Layer | None = None) -> Layer:
    """Bring a layer into the cache and return it: a tag, branch or commit of its source, by default the newest tag.

    `name` is what it is called; by default what its answers file is called by, or its source's last part. The newest
    version comes along, and so does the `present` one. Raise ArgosyError where it cannot be fetched, or is none that
    argosy takes.
    """
    with _opened(source) as found:
        version = found.version(ref)
        pack = _kept(source, version, found.files(version))
        if present and not layers.has(present):
            _kept(source, present.version, found.files(present.version))
        newest = version if not ref else found.version("")
        if newest != version:
            _kept(source, newest, found.files(newest))
        results.keep(layers.SHELF, layers.key(source, ""), newest.encode())
    return Layer(name or pack.definition.name or _name(source), source, version)


def bring(layer: Layer) -> str:
    """Bring what a repository records of a layer into the cache, and return the newest version, which comes along."""
    return fetch(layer.source, name=layer.name, present=layer).version


def _kept(source: str, version: str, files: Mapping[str, File]) -> Pack:
    """Put files into the cache, once it is known that they are a layer."""
    label = f"{_name(source)} {Layer('x', source, version).label}"
    pack = Pack(label, files)
    _ = pack.definition
    results.keep(layers.SHELF, layers.key(source, version.rpartition("-g")[2]), pack.as_bytes())
    return pack


def _name(source: str) -> str:
    last = re.split(r"[/:\\]", source.rstrip("/\\"))[-1].removesuffix(".git").lower()
    return re.sub(r"[^a-z0-9]+", "-", last).strip("-")[:63] or "layer"


class _Folder:
    """A folder of this machine that is no Git repository: its version is the id that Git gives to its tree."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def version(self, ref: str) -> str:
        if ref:
            raise UsageError(f"{self._place} is no Git repository, so it has no {ref}.", "Leave @REF out.")
        return versions.tree_id(self._place) if self.files("") else ""

    def files(self, version: str) -> Mapping[str, File]:
        found, size = dict[str, File](), 0
        for path, reason in paths.files(self._place, self._place):
            shown = path.relative_to(self._place).as_posix()
            if reason or path.is_symlink():
                raise ArgosyError(f"{shown} in {self._place} cannot be part of a layer: {reason or _LINK}.", _COPY)
            size += path.stat().st_size
            _refuse_size(str(self._place), len(found) + 1, size)
            found[shown] = File(path.read_bytes(), bool(path.stat().st_mode & 0o100))
        if version and versions.tree_id(self._place) != version:
            raise _unknown(str(self._place), version)
        return found


class _Clone:
    """A clone of a source, with all its branches and tags."""

    def __init__(self, source: str, place: Path) -> None:
        self._source, self._place = source, place

    def version(self, ref: str) -> str:
        if not ref:
            tags = git.run(self._place, "tag", "--list").split()
            releases = {_numbers(each): each for each in tags if _RELEASE.fullmatch(each)}
            ref = releases[max(releases)] if releases else "HEAD"
        for name in (f"refs/tags/{ref}", f"refs/remotes/origin/{ref}", ref):
            if commit := self._commit(name):
                break
        else:
            raise UsageError(f"{self._source} has no tag, branch or commit {ref}.", "Name one that it has.")
        if name.startswith("refs/tags/") and LAYER_VERSION.fullmatch(version := f"{ref}-0-g{commit}"):
            return version
        described = ("describe", "--tags", "--long", "--always", "--abbrev=64", commit)
        version = git.run(self._place, *described).strip()
        return version if LAYER_VERSION.fullmatch(version) else commit

    def _commit(self, name: str) -> str:
        return objects.types(self._place, [f"{name}^{{commit}}"])[0][0]

    def files(self, version: str) -> Mapping[str, File]:
        commit = version.rpartition("-g")[2]
        if self._commit(commit) != commit:
            raise _unknown(self._source, commit)
        entries = objects.entries(self._place, commit)
        _refuse_size(self._source, len(entries), 0)
        for path, entry in entries.items():
            if entry.mode in {SUBMODULE, SYMLINK}:
                what = _LINK if entry.mode == SYMLINK else "it is a submodule"
                raise ArgosyError(f"{path} of {self._source} cannot be part of a layer: {what}.", _COPY)
        found, large = objects.measured(self._place, entries, entries)
        _refuse_size(self._source, 0, sum(large.values()) + sum(len(each.content) for each in found.values()))
        return {path: File(blob.content, blob.mode == EXECUTABLE) for path, blob in found.items()}


_LINK = "it is a symbolic link"
_COPY = "Put the file itself there."


def _numbers(tag: str) -> tuple[int, ...]:
    found = _RELEASE.fullmatch(tag)
    numbers = [int(each) for each in found[1].split(".")] if found else []
    return tuple(numbers + [0] * (4 - len(numbers)))


def _refuse_size(source: str, files: int, size: int) -> None:
    if files > _MOST_FILES or size > _MOST_BYTES:
        raise ArgosyError(
            f"{source} is too large for a layer: it has more than {_MOST_FILES:,} files or {_MOST_BYTES >> 20} MB.",
            "Keep the layer in a repository of its own.",
        )


def _unknown(source: str, version: str) -> ArgosyError:
    return ArgosyError(
        f"{source} has no version {version} any more.",
        "Take another: argosy template update NAME --to REF, from a clone whose cache has the present one.",
    )


@contextmanager
def _opened(source: str) -> Iterator[_Clone | _Folder]:
    """Yield what a source has; raise ToolError where it cannot be reached."""
    folder = Path(source)
    if folder.is_dir() and not (folder / ".git").exists() and not (folder / "HEAD").is_file():
        yield _Folder(folder)
        return
    with temporary.folder("layer") as above:
        place = above / "clone"
        asked = ("clone", "--quiet", "--no-checkout", "--no-local", "--origin", "origin", "--template=")
        try:
            git.run(above, *asked, "--", source, str(place), seconds=_SECONDS)
        except ToolError as error:
            said = without_password(error.message).partition(": ")[2] or error.message
            raise ToolError(
                f"The layer of {source} could not be fetched: {said.rstrip('.')}.",
                "Check the source, the network, and that `git ls-remote` of it works here: Git's credentials count.",
            ) from error
        try:
            yield _Clone(source, place)
        finally:
            git.at(place).objects.close()
