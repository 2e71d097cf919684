"""States of the repository, many at once: a few git processes read whatever was asked for, however much that is."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from argosy import git
from argosy.errors import ToolError
from argosy.git import objects
from argosy.git.command import LEFT_OUT
from argosy.git.objects import SUBMODULE, SYMLINK, TREE, Blob
from argosy.git.repository import Entry
from argosy.git.snapshot import Written
from argosy.repository import layout

_LONGEST_CHAIN = 40
"""How many symbolic links Linux follows."""
Units = Mapping[str, Mapping[str, Entry]]
"""The files of a state, by the unit that they belong to, and their path."""


def unit_of(path: str) -> str:
    """Return what a file is looked up with: the folder of a deployment, an application or a shared chart's version.

    Else it is the file itself.
    """
    parts = path.split("/")
    if parts[0] == layout.ENVIRONMENTS and len(parts) > 3:
        return "/".join(parts[:3])
    if path.startswith(f"{layout.SHARED_CHART}/") and len(parts) > 3:
        return "/".join(parts[:3])
    if parts[0] == layout.APPLICATIONS and len(parts) > 2:
        return "/".join(parts[:2])
    return path


@dataclass(frozen=True, slots=True)
class State:
    """Units of a state; the contents of their files are in the cache."""

    cache: ObjectCache
    units: Units
    commit: str = ""
    """Where units that are not among these are; empty where these are all."""

    def with_files(self, written: Written) -> State:
        """Return the state with changes on top."""
        if not written:
            return self
        units = {**self.units}
        for path, blob in written.items():
            files = {**units.get(unit_of(path), {})}
            files.pop(path, None)
            if blob is not None:
                files[path] = Entry(blob.mode, self.cache.keep(blob.content))
            units[unit_of(path)] = files
        return State(self.cache, {unit: files for unit, files in units.items() if files}, self.commit)

    def entries(self, *units: str) -> dict[str, Entry]:
        """Return the files of units by path, without their contents."""
        return {path: entry for unit in units for path, entry in self.units.get(unit, {}).items()}

    def files(self, *units: str) -> dict[str, Blob]:
        """Return the files of units by path."""
        entries = self.entries(*units)
        self.cache.load(entry.blob for entry in entries.values())
        return {path: Blob(entry.mode, self.cache.content(entry.blob)) for path, entry in entries.items()}

    def entry(self, path: str) -> Entry | None:
        """Return a file without its content, None where there is none."""
        unit = unit_of(path)
        if self.commit and unit not in self.units:
            return self.cache.state(self.commit).entry(path)  # A unit that is one file does not tell that it is a link.
        return self.units.get(unit, {}).get(path)

    def blob(self, path: str) -> Blob | None:
        """Return a file, None where there is none."""
        entry = self.entry(path)
        return Blob(entry.mode, self.cache.content(entry.blob)) if entry else None

    def followed(self, path: str) -> str:
        """Return the file that a symbolic link leads to, or a path through one; "" where that is none of these."""
        for _ in range(_LONGEST_CHAIN):
            parts = path.split("/")
            places = ["/".join(parts[:end]) for end in range(len(parts), 0, -1)]
            entries = [(place, self.entry(place)) for place in (places if self.entry(path) is None else places[:1])]
            link = next(((place, entry) for place, entry in entries if entry and entry.mode == SYMLINK), None)
            if link is None:
                return path if self.entry(path) else ""
            target = self.cache.content(link[1].blob).decode(errors="surrogateescape")
            path = posixpath.normpath(posixpath.join(posixpath.dirname(link[0]), target) + path[len(link[0]) :])
            if path.startswith(("/", "../")):
                break
        return ""

    def read(self, path: str) -> bytes | None:
        """Return what a file holds, or what a symbolic link leads to; None where there is none."""
        entry = self.entry(path)
        if entry and entry.mode == SYMLINK:
            entry = self.entry(self.followed(path))
        return self.cache.content(entry.blob) if entry else None

    def deployed(self, environment: str) -> list[str]:
        """Return the applications that an environment deploys: those with a folder in it, and settings."""
        above = f"{layout.environment(environment)}/"
        names = (unit.removeprefix(above) for unit in self.units if unit.startswith(above))
        return [
            name
            for name in names
            if "/" not in name and layout.application_settings(name) in self.units.get(layout.application(name), ())
        ]


class ObjectCache:
    """The objects of a repository that were read already: each is read once, and many of them in one process."""

    def __init__(self, root: Path) -> None:
        """Take the repository's root; nothing is read yet."""
        self.root = root
        self._contents: dict[str, bytes] = {}
        self._trees = git.at(root).objects.trees
        self._commits: dict[str, str] = {"": ""}
        self._whole: dict[str, State] = {}
        self._units: dict[tuple[str, str], Mapping[str, Entry]] = {}

    def keep(self, content: bytes) -> str:
        """Keep a content that need not be in the repository, and return the id that its blob would have there."""
        id = objects.blob_id(content, like=next(iter(self._whole), git.at(self.root).head))
        self._contents[id] = content
        return id

    def content(self, blob: str) -> bytes:
        """Return what a blob holds."""
        if blob not in self._contents:
            self.load([blob])
        return self._contents[blob]

    def load(self, blobs: Iterable[str]) -> None:
        """Read blobs, all in one process."""
        self._contents |= objects.contents(self.root, [each for each in blobs if each not in self._contents])

    def commit(self, name: str) -> str:
        """Return the id of the commit that a name stands for, "" where there is none."""
        if name not in self._commits:
            self.look([name], ())
        return self._commits[name]

    def state(self, commit: str) -> State:
        """Return a commit's state as a whole."""
        if commit not in self._whole:
            units: dict[str, dict[str, Entry]] = {}
            for path, entry in objects.entries(self.root, commit).items():
                if entry.mode != SUBMODULE:
                    units.setdefault(unit_of(path), {})[path] = entry
            self._whole[commit] = State(self, units)
        return self._whole[commit]

    def unit(self, commit: str, unit: str) -> Mapping[str, Entry]:
        """Return the files of a unit at a commit, none where it has no such unit."""
        if (commit, unit) not in self._units:
            self.look((), [(commit, unit)])
        return self._units[commit, unit]

    def look(self, commits: Iterable[str], places: Iterable[tuple[str, str]]) -> None:
        """Look up what names of commits stand for, and units at commits, all in one process; one more a level below."""
        names = sorted({each for each in commits if each not in self._commits})
        fresh = sorted({each for each in places if each not in self._units})
        asked = [*(f"{name}^{{commit}}" for name in names), *(f"{commit}:{unit}" for commit, unit in fresh)]
        answers = objects.named(self.root, asked)
        self._commits |= {name: id for name, (id, _, _) in zip(names, answers[: len(names)], strict=True)}
        self._keep(answers)
        for (commit, unit), (id, kind, _) in zip(fresh, answers[len(names) :], strict=True):
            if kind == "tree":
                self._units[commit, unit] = self._below(unit, id)
            else:
                self._units[commit, unit] = {unit: Entry("100644", id)} if kind == "blob" else {}

    def _keep(self, found: Iterable[tuple[str, str, bytes]]) -> None:
        """Keep blobs and trees, with all the trees below these."""
        while found:
            fresh = []
            for id, kind, content in found:
                if kind == "blob":
                    self._contents[id] = content
                elif kind == "tree" and id not in self._trees:
                    self._trees[id] = objects.parsed_tree(content, len(id) // 2)
                    fresh.append(id)
            below = {entry.blob for id in fresh for _, entry in self._trees[id] if entry.mode == TREE}
            found = objects.named(self.root, sorted(each for each in below if each not in self._trees))

    def _below(self, folder: str, tree: str) -> dict[str, Entry]:
        """Return the files below a folder; raise ToolError where these are too many, or cannot be read."""
        found, pending, left = dict[str, Entry](), [(folder, Entry(TREE, tree))], _MOST_BELOW
        while pending:
            path, entry = pending.pop()
            if entry.mode == TREE:
                held = self._trees.get(entry.blob)
                if held is None:
                    raise ToolError(f"{self.root} lacks the tree {entry.blob}.", LEFT_OUT)
                left -= len(held)
                if left < 0:
                    raise ToolError(f"{folder} holds more than {_MOST_BELOW:,} files and folders.")
                pending += [(f"{path}/{name}", each) for name, each in reversed(held)]
            elif entry.mode != SUBMODULE:
                found[path] = entry
        return found


_MOST_BELOW = 500_000
"""How many files and folders a folder may hold: a few trees that name one another give any number."""
