"""What generators read of a repository: files, found by Argo CD's two kinds of patterns, and clusters."""

from __future__ import annotations

import fnmatch
import os
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from argosy.argocd.clusters import Clusters
from argosy.argocd.declared import Declared

_LONGEST = 4096
"""How many characters a pattern may have: no path is longer."""


@dataclass(frozen=True)
class RepositoryFiles:
    """What generators read: the working tree, whatever revision they ask for, and the clusters that it declares."""

    root: Path
    files: Sequence[str]
    """Relative to the root, with `/` between the parts."""
    is_this_repository: Callable[[str], bool]
    """Tells whether a repoURL is this repository's own."""
    clusters: Clusters = field(default_factory=Clusters)
    """What cluster generators choose from."""
    folders: Callable[[], Iterable[str]] = tuple
    """Find the folders of files that are not read: Argo CD makes Applications of these too."""
    declared: Declared = field(default_factory=Declared)
    """What other generators are told."""

    @cached_property
    def directories(self) -> Sequence[str]:
        """Every folder that a Git directory generator sees, in its order: no hidden ones."""
        found = {parent for file in self.files for parent in _parents(file)}
        found |= {parent for folder in self.folders() for parent in (folder, *_parents(folder))}
        return sorted(
            (folder for folder in found if not any(part.startswith(".") for part in folder.split("/"))),
            key=lambda folder: folder.split("/"),
        )

    def in_directories(self, pattern: str) -> list[str]:
        """Return the folders that a pattern of Go's path.Match means: `*` does not cross `/`."""
        if len(pattern) > _LONGEST:
            return []
        parts = [re.compile(fnmatch.translate(part.replace("[^", "[!"))) for part in pattern.split("/")]
        return [
            folder
            for folder in self.directories
            if len(names := folder.split("/")) == len(parts)
            and all(part.match(name) for part, name in zip(parts, names, strict=True))
        ]

    def in_files(self, pattern: str) -> list[str]:
        """Return the files that a pathspec of `git ls-files` means: `*` does cross `/`, a folder means all in it."""
        if len(pattern) > _LONGEST:
            return []
        if not re.search(r"[*?\[]", pattern):
            folder = pattern.rstrip("/") + "/"
            return [file for file in self.files if file == pattern or file.startswith(folder)]
        matches = re.compile(fnmatch.translate(pattern.replace("[^", "[!"))).match
        return [file for file in self.files if matches(file)]


@lru_cache(maxsize=64)
def of_folder(root: Path) -> RepositoryFiles:
    """Return what generators read of another repository, which was fetched to a folder."""
    found = (Path(above, name).relative_to(root).as_posix() for above, _, names in os.walk(root) for name in names)
    return RepositoryFiles(root, sorted(found), lambda _: False)


def _parents(file: str) -> Iterator[str]:
    while file := posixpath.dirname(file):
        yield file
