"""What a kustomization names, and what the kustomizations named there name: files, folders, URLs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from argosy.kustomize import reading
from argosy.paths import astray, content, files, holds

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


def kustomization(folder: Path) -> Path | None:
    """Return the folder's kustomization, None where it has none."""
    return next((folder / name for name in NAMES if holds((folder / name).is_file)), None)


def resources(folder: Path, root: Path) -> set[Path]:
    """Return the files that the folder's kustomization takes in whole, as manifests: no patches, no settings."""
    folder = folder.resolve()
    file = kustomization(folder)
    documents = _trees(file, root)[0] if file else []
    named = [entry for fields in reading.mappings(documents) for entry in reading.strings(fields.get("resources"))]
    return {Path(os.path.normpath(folder / entry)) for entry in named if holds((folder / entry).is_file)}


def contents(folder: Path, root: Path) -> set[Path]:
    """Return the files that the folder's kustomization puts into ConfigMaps and Secrets, whatever is in them."""
    folder = folder.resolve()
    file = kustomization(folder)
    named = [*_entries(_trees(file, root)[0])] if file else []
    of_generators = {entry for field, entry in named if field in _GENERATORS}
    others = {entry for field, entry in named if field not in _GENERATORS}
    return {Path(os.path.normpath(folder / entry)) for entry in of_generators - others if not _is_inline(entry)}


def inputs(folder: Path, root: Path, added: Sequence[str] = ()) -> set[Path]:
    """Return every file that a build of the folder reads, its kustomizations and those of its bases included.

    What leaves the root, which is the repository's, is none of them: no build reads it.
    """
    folder = folder.resolve()
    found = read_by(folder, references(folder, root, added))
    return found | {each for file in found if file.name in NAMES for each in _of_charts(file, root)}


def _of_charts(file: Path, root: Path) -> Iterator[Path]:
    """Yield the files of the charts that a kustomization renders, as far as they are here."""
    for fields in reading.mappings(_trees(file, root)[0]):
        settings = reading.mappings(fields.get("helmglobals"))
        homes = [home for each in settings for home in reading.strings(each.get("charthome"))] or ["charts"]
        names = [
            name for each in reading.mappings(fields.get("helmcharts")) for name in reading.strings(each.get("name"))
        ]
        for place in (Path(os.path.normpath(file.parent / home / name)) for home in homes for name in names):
            if holds(place.is_dir) and not astray(place, root):
                yield from (found.resolve() for found, reason in files(place, root) if not reason)


def read_by(folder: Path, named: Iterable[Reference]) -> set[Path]:
    """Return every file that a build of a resolved folder reads, by all that is named there."""
    own = kustomization(folder)
    found = {own} if own else set()
    for reference in named:
        if reference.refused:
            continue
        if holds(reference.target.is_file):
            found.add(reference.target)
        elif holds(reference.target.is_dir) and (base := kustomization(reference.target)):
            found.add(base)
    return found


@dataclass(frozen=True, slots=True)
class Reference:
    """A file, a folder or a URL that a kustomization names."""

    by: Path
    """The kustomization, or the file of a generator's or transformer's settings."""
    entry: str
    target: Path
    refused: str = ""
    """Why it may not be read, as a sentence about the entry."""
    line: int | None = None
    """Where that is wrong, if the entry does not tell."""
    in_settings: bool = False
    """Whether it stands in the settings of a generator or transformer, where not every path is one of a file."""
    inflates: bool = False
    """Whether it is no file, but says that the settings inflate a chart."""

    @property
    def remote(self) -> bool:
        """Whether Kustomize would go to the network for it."""
        # It fetches a URL even where a file has the same name.
        return _URL.match(self.entry) is not None or (
            not self.in_settings and not holds(self.target.exists) and _REMOTE.search(self.entry) is not None
        )

    @property
    def missing(self) -> bool:
        """Whether it is neither there nor somewhere else."""
        return not (self.in_settings or holds(self.target.exists) or self.remote)

    @property
    def hollow(self) -> bool:
        """Whether it is a folder that cannot be built."""
        return not self.in_settings and holds(self.target.is_dir) and kustomization(self.target) is None


_URL = re.compile(r"https?:", re.IGNORECASE)
_REMOTE = re.compile(
    r"^(?:[a-z+]+://|git::|gh:|[\w.-]+@[\w.-]+[:/]|(?:www\.)?github\.com[/:])|\?(?:ref|version|timeout|submodules)="
)
_PLUGINS = ("generators", "transformers", "validators")
_LISTS = ("resources", "bases", "components", "crds", "configurations", "patchesstrategicmerge", *_PLUGINS)
_PATCHES = ("patches", "patchesjson6902", "replacements", "openapi")
_GENERATORS = ("configmapgenerator", "secretgenerator")
_CHARTS = ("valuesfile", "additionalvaluesfiles")
_INFLATES = "HelmChartInflationGenerator"
_SETTINGS = frozenset({"files", "envs", "env", "path", "paths", *_CHARTS})
"""The fields by which the settings of Kustomize's own generators and transformers name files."""
_PLAIN = frozenset({"apiversion", "kind", "metadata", "resources"})
"""The fields of a kustomization that leaves what it takes in as it is."""


def references(folder: Path, root: Path, added: Sequence[str] = ()) -> Iterator[Reference]:
    """Yield what the kustomization of a resolved folder names, `added` with it, and what is named there.

    Of what leaves the root, which is the repository's, nothing is read.
    """
    seen: set[tuple[Path, bool]] = set()
    waiting = [(folder, tuple(added), False)]
    while waiting:
        here, extra, is_plugin = waiting.pop()
        file = kustomization(here)
        if (here, is_plugin) in seen or file is None:
            continue
        seen.add((here, is_plugin))
        documents, refused = _trees(file, root)
        if refused:
            yield refused
        if is_plugin and any(fields.keys() - _PLAIN for fields in reading.mappings(documents)):
            why = "the output of its generators or transformers could refer to any file"
            yield Reference(file, file.name, file, why)
        for field, entry in (*_entries(documents), *(("", each) for each in extra)):
            reference = _reference(file, entry, root)
            as_plugin = field in _PLUGINS or (is_plugin and field in {"resources", "bases"})
            if not _stands_inline(field, reference):
                yield reference
                if not reference.refused and holds(reference.target.is_dir):
                    waiting.append((reference.target.resolve(), (), as_plugin))
            if as_plugin and not reference.refused:
                yield from _in_settings(reference, root)


def _reference(file: Path, entry: str, root: Path) -> Reference:
    target = Path(os.path.normpath(file.parent / entry))
    # A URL is no path: what it looks like here says nothing.
    return Reference(file, entry, target, "" if _URL.match(entry) else astray(target, root))


def _trees(file: Path, root: Path) -> tuple[Sequence[Any], Reference | None]:
    """Return what a file says, or as a reference to itself why it may not be read."""
    try:
        return reading.trees(content(file, root)), None
    except OSError as error:
        return [], Reference(file, file.name, file, error.strerror or str(error))
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "context_mark", None) or getattr(error, "problem_mark", None)
        why = f"it is not valid YAML ({getattr(error, 'problem', None) or error})"
        return [], Reference(file, file.name, file, why, mark.line + 1 if mark else None)


def _entries(documents: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Yield the paths and URLs of a kustomization, and what is written inline in their place, by field."""
    for fields in reading.mappings(documents):
        for field in _LISTS:
            yield from ((field, entry) for entry in reading.strings(fields.get(field)))
        for field in _PATCHES:
            for each in reading.mappings(fields.get(field)):
                yield from ((field, entry) for entry in reading.strings(each.get("path")))
        for each in reading.mappings(fields.get("helmcharts")):
            yield from (("helmcharts", entry) for name in _CHARTS for entry in reading.strings(each.get(name)))
        for field in _GENERATORS:
            for each in reading.mappings(fields.get(field)):
                yield from ((field, _without_key(entry)) for entry in reading.strings(each.get("files")))
                yield from ((field, entry) for name in ("envs", "env") for entry in reading.strings(each.get(name)))


def _in_settings(reference: Reference, root: Path) -> Iterator[Reference]:
    """Yield what the settings of a generator or transformer name, whether they stand in a file or inline."""
    if _is_inline(reference.entry):
        try:
            documents, refused = reading.trees(reference.entry), None
        except (yaml.YAMLError, RecursionError):
            why = "it is not valid YAML"
            documents, refused = [], Reference(reference.by, reference.entry, reference.by, why)
    elif holds(reference.target.is_file):
        documents, refused = _trees(reference.target, root)
    else:
        return
    if refused:
        yield refused
    file = reference.by if _is_inline(reference.entry) else reference.target
    for field, values in reading.all_fields(documents):
        if field == "kind" and _INFLATES in reading.strings(values):
            yield Reference(file, _INFLATES, file, in_settings=True, inflates=True)
        for entry in map(_without_key, reading.strings(values) if field in _SETTINGS else ()):
            # It is seen from the folder of the kustomization, wherever the settings stand.
            named = _reference(reference.by, entry, root)
            if not _stands_inline(field, named):
                yield replace(named, by=file, in_settings=True)


_INLINE = frozenset({"patchesstrategicmerge", "paths", *_PLUGINS})
"""The fields that take what a file would hold in place of its path."""


def _stands_inline(field: str, reference: Reference) -> bool:
    return field in _INLINE and _is_inline(reference.entry) and not holds(reference.target.exists)


def _is_inline(entry: str) -> bool:
    return "\n" in entry or "{" in entry


def _without_key(entry: str) -> str:
    """Return the path of `key=path`."""
    return entry.partition("=")[2] or entry


def strings(value: Any) -> list[str]:
    """Return the strings of a list that are not empty; nothing of anything else."""
    return [each for each in value if isinstance(each, str) and each] if isinstance(value, list) else []


def mappings(value: Any) -> list[dict[str, Any]]:
    """Return the mappings of a list; nothing of anything else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def mapping(value: Any) -> dict[str, Any]:
    """Return a mapping as it is; an empty one for anything else."""
    return value if isinstance(value, dict) else {}
