"""What a kustomization names, and what the kustomizations named there name: files, folders, URLs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.paths import holds
from generator.yaml_mapping import load

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


def kustomization(folder: Path) -> Path | None:
    """Return the folder's kustomization, None where it has none."""
    return next((folder / name for name in NAMES if holds((folder / name).is_file)), None)


def resources(folder: Path) -> set[Path]:
    """Return the files that the folder's kustomization takes in whole, as manifests: no patches, no settings."""
    folder = folder.resolve()
    own = kustomization(folder)
    entries = strings(load(own).get("resources")) if own else []
    return {Path(os.path.normpath(folder / entry)) for entry in entries if holds((folder / entry).is_file)}


def inputs(folder: Path, components: Sequence[str] = ()) -> set[Path]:
    """Return every file that a build of the folder reads, its kustomizations and those of its bases included."""
    folder = folder.resolve()
    own = kustomization(folder)
    found = {own} if own else set()
    for reference in references(folder, components):
        if holds(reference.target.is_file):
            found.add(reference.target)
        elif holds(reference.target.is_dir) and (base := kustomization(reference.target)):
            found.add(base)
    return found


@dataclass(frozen=True, slots=True)
class Reference:
    """A file, a folder or a URL that a kustomization names."""

    by: Path
    """The kustomization."""
    entry: str
    target: Path

    @property
    def remote(self) -> bool:
        """Whether Kustomize would go to the network for it."""
        return not holds(self.target.exists) and _REMOTE.search(self.entry) is not None

    @property
    def missing(self) -> bool:
        """Whether it is neither there nor somewhere else."""
        return not holds(self.target.exists) and not self.remote

    @property
    def hollow(self) -> bool:
        """Whether it is a folder that cannot be built."""
        return holds(self.target.is_dir) and kustomization(self.target) is None


_REMOTE = re.compile(
    r"^(?:[a-z+]+://|git::|gh:|[\w.-]+@[\w.-]+[:/]|(?:www\.)?github\.com[/:])|\?(?:ref|version|timeout|submodules)="
)
_LISTS = ("resources", "bases", "components", "crds", "configurations", "generators", "transformers", "validators")
_PATCHES = ("patches", "patchesJson6902", "replacements")
_GENERATORS = ("configMapGenerator", "secretGenerator")


def references(folder: Path, components: Sequence[str] = ()) -> Iterator[Reference]:
    """Yield what the kustomization of a resolved folder names, `components` with it, and what is named there."""
    seen: set[Path] = set()
    waiting = [(folder, tuple(components))]
    while waiting:
        here, extra = waiting.pop()
        file = kustomization(here)
        if here in seen or file is None:
            continue
        seen.add(here)
        for entry in (*_entries(load(file)), *extra):
            reference = Reference(file, entry, Path(os.path.normpath(here / entry)))
            yield reference
            if holds(reference.target.is_dir):
                waiting.append((reference.target.resolve(), ()))


def _entries(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths and URLs of a kustomization, without what is written inline."""
    for field in (*_LISTS, "patchesStrategicMerge"):
        yield from (entry for entry in strings(data.get(field)) if "\n" not in entry and not entry.startswith("{"))
    for field in _PATCHES:
        yield from strings([patch.get("path") for patch in mappings(data.get(field))])
    for field in _GENERATORS:
        for generator in mappings(data.get(field)):
            yield from (entry.partition("=")[2] or entry for entry in strings(generator.get("files")))
            yield from strings(generator.get("envs"))
            yield from strings([generator.get("env")])
    yield from strings([openapi.get("path") for openapi in mappings([data.get("openapi")])])


def strings(value: Any) -> list[str]:
    """Return the strings of a list that are not empty; nothing of anything else."""
    return [each for each in value if isinstance(each, str) and each] if isinstance(value, list) else []


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """Return the mappings of a list; nothing of anything else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def mapping(value: Any) -> dict[str, Any]:
    """Return a mapping as it is; an empty one for anything else."""
    return value if isinstance(value, dict) else {}
