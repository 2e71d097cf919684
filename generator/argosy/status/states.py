"""States of the repository, many at once: a few git processes read whatever was asked for, however much that is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from argosy.git import objects
from argosy.git.objects import SUBMODULE, Blob
from argosy.git.repository import Entry
from argosy.repository import layout

Units = Mapping[str, Mapping[str, Entry]]
"""The files of a state, by the unit that they belong to, and their path."""
Place = tuple[str, str]
"""A commit and a unit."""
_TREE = "40000"


def unit_of(path: str) -> str:
    """Return what a file is looked up with: the folder of a deployment or of an application, else the file itself."""
    parts = path.split("/")
    if parts[0] == layout.ENVIRONMENTS and len(parts) > 3:
        return "/".join(parts[:3])
    if parts[0] == layout.APPLICATIONS and len(parts) > 2:
        return "/".join(parts[:2])
    return path


@dataclass(frozen=True, slots=True)
class State:
    """Units of a state, and where their contents are."""

    shelf: Shelf
    units: Units

    def files(self, *folders: str) -> dict[str, Blob]:
        """Return the files of units."""
        return {
            path: Blob(entry.mode, self.shelf.content(entry.blob))
            for folder in folders
            for path, entry in self.units.get(folder, {}).items()
        }

    def read(self, path: str) -> bytes | None:
        """Return what a file holds, None where there is none."""
        entry = self.units.get(unit_of(path), {}).get(path)
        return self.shelf.content(entry.blob) if entry else None


class Shelf:
    """The objects of a repository that were read already."""

    def __init__(self, root: Path) -> None:
        """Take the repository's root; nothing is read yet."""
        self.root = root
        self._contents: dict[str, bytes] = {}
        self._listed: dict[str, Units] = {}

    def content(self, blob: str) -> bytes:
        """Return what a blob holds."""
        if blob not in self._contents:
            self.load([blob])
        return self._contents[blob]

    def load(self, blobs: Iterable[str]) -> None:
        """Read blobs, all in one process."""
        self._contents |= objects.contents(self.root, {*blobs} - self._contents.keys())

    def state(self, commit: str) -> State:
        """Return a commit's state as a whole, with no content read yet."""
        if commit not in self._listed:
            units: dict[str, dict[str, Entry]] = {}
            for path, entry in objects.entries(self.root, commit).items():
                if entry.mode != SUBMODULE:
                    units.setdefault(unit_of(path), {})[path] = entry
            self._listed[commit] = units
        return State(self, self._listed[commit])

    def states(self, places: Collection[Place]) -> dict[str, State]:
        """Return the states of some units at many commits, by commit, with no content read yet."""
        found = self._find(sorted(set(places)))
        trees = self._trees({id for id, is_tree in found.values() if is_tree})
        units: dict[str, dict[str, dict[str, Entry]]] = {commit: {} for commit, _ in places}
        for (commit, unit), (id, is_tree) in found.items():
            files = _below(unit, id, trees) if is_tree else [(unit, Entry("100644", id))]
            units[commit][unit] = dict(files)
        return {commit: State(self, each) for commit, each in units.items()}

    def _find(self, places: Collection[Place]) -> dict[Place, tuple[str, bool]]:
        """Return the ids of the objects at places, and whether they are trees."""
        answers = objects.types(self.root, [f"{commit}:{unit}" for commit, unit in places])
        return {
            place: (id, kind == "tree") for place, (id, kind) in zip(places, answers, strict=True) if kind in _LISTED
        }

    def _trees(self, wanted: set[str]) -> dict[str, list[tuple[str, Entry]]]:
        """Return the entries of trees and of the trees in them, by id."""
        found: dict[str, list[tuple[str, Entry]]] = {}
        while wanted:
            read = objects.contents(self.root, wanted)
            found |= {id: list(_entries(content, len(id) // 2)) for id, content in read.items()}
            wanted = {entry.blob for id in read for _, entry in found[id] if entry.mode == _TREE} - found.keys()
        return found


_LISTED = {"tree", "blob"}


def _entries(content: bytes, size: int) -> Iterator[tuple[str, Entry]]:
    """Yield the entries of a tree object, whose ids have `size` bytes."""
    place = 0
    while place < len(content):
        space = content.index(b" ", place)
        end = content.index(b"\0", space)
        name = content[space + 1 : end].decode(errors="surrogateescape")
        yield name, Entry(content[place:space].decode(), content[end + 1 : end + 1 + size].hex())
        place = end + 1 + size


def _below(folder: str, tree: str, trees: Mapping[str, list[tuple[str, Entry]]]) -> Iterator[tuple[str, Entry]]:
    for name, entry in trees[tree]:
        if entry.mode == _TREE:
            yield from _below(f"{folder}/{name}", entry.blob, trees)
        elif entry.mode != SUBMODULE:
            yield f"{folder}/{name}", entry
