"""A state of the repository, read from Git's objects: no work tree is looked at or touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from argosy.errors import UsageError
from argosy.git import objects
from argosy.git.objects import SUBMODULE, Blob
from argosy.git.repository import is_search

Written = Mapping[str, Blob | None]
"""Files by path; None for one that is gone."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A commit of a repository, and what is changed on top of it."""

    root: Path
    commit: str
    written: Written = field(default_factory=dict)
    large: Mapping[str, int] = field(default_factory=dict)
    """The sizes of files, in place of the commit's or besides, that are too large to be read."""

    @classmethod
    def of(cls, root: Path, revision: str) -> Self:
        """Return the state at a revision; raise UsageError if there is none."""
        found = resolve(root, revision)
        if not found:
            raise UsageError(f"There is no revision “{revision}”.", "Name a commit, a branch or a tag.")
        return cls(root, found)

    def paths(self, *folders: str) -> Iterator[str]:
        """Yield the paths of the files at or below folders, or of all, but for submodules."""
        for path, entry in objects.entries(self.root, self.commit, *folders).items():
            if entry.mode != SUBMODULE and path not in self.written and path not in self.large:
                yield path
        yield from (path for path in self.large if not folders or objects.is_within(path, folders))
        for path, blob in self.written.items():
            if blob is not None and (not folders or objects.is_within(path, folders)):
                yield path

    def files(self, *folders: str) -> dict[str, Blob]:
        """Return the files at or below folders, or all."""
        return self._read(folders, lambda _: True)

    def chosen(self, wanted: Callable[[str], bool]) -> dict[str, Blob]:
        """Return the files whose path is wanted."""
        return self._read((), wanted)

    def measured(self, wanted: Callable[[str], bool]) -> tuple[dict[str, Blob], dict[str, int]]:
        """Return the files whose path is wanted, and, of those that are too large to be read, their sizes."""
        return self._measured((), wanted)

    def read(self, path: str) -> bytes | None:
        """Return what a file holds, None where there is none."""
        found = self.files(path).get(path)
        return found.content if found else None

    def with_files(self, written: Written) -> Self:
        """Return the state with more changes on top."""
        large = {path: size for path, size in self.large.items() if path not in written}
        return replace(self, written={**self.written, **written}, large=large)

    def _read(self, folders: tuple[str, ...], wanted: Callable[[str], bool]) -> dict[str, Blob]:
        found, large = self._measured(folders, wanted)
        for path, size in large.items():
            raise objects.too_large(path, size)
        return found

    def _measured(
        self, folders: tuple[str, ...], wanted: Callable[[str], bool]
    ) -> tuple[dict[str, Blob], dict[str, int]]:
        entries = {
            path: entry
            for path, entry in objects.entries(self.root, self.commit, *folders).items()
            if entry.mode != SUBMODULE and path not in self.written and path not in self.large and wanted(path)
        }
        found, large = objects.measured(self.root, entries, entries)
        for path, blob in self.written.items():
            if blob is not None and (not folders or objects.is_within(path, folders)) and wanted(path):
                found[path] = blob
        for path, size in self.large.items():
            if (not folders or objects.is_within(path, folders)) and wanted(path):
                large[path] = size
        return found, large


def resolve(root: Path, revision: str) -> str:
    """Return the id of the commit that a revision names, or ""; raise UsageError where it is one to search for."""
    if is_search(revision):
        raise UsageError(
            f"“{revision}” searches the messages of commits, which may take for ever.",
            "Name a commit, a branch or a tag: git log --grep finds it.",
        )
    return objects.types(root, [f"{revision}^{{commit}}"])[0][0]
