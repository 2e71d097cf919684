"""Every YAML and JSON file of a repository, and what it is there for.

A Helm template, a chart's values or a Kustomize patch is no manifest, although it may look like one: it is judged by
rendering what it belongs to. The inventory tells these apart, so that each file is accounted for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from argosy import git, kustomize
from argosy.documents import Document, File, ParsedFile, find, is_manifest, items, read, read_all, text_of
from argosy.documents.document import Source
from argosy.paths import entries, holds
from argosy.repository import layout


def everything(path: str) -> bool:  # noqa: ARG001
    """Want each file."""
    return True


_EVERYWHERE = frozenset({layout.ANSWERS, layout.APPLICATION_SET, layout.CONFIGURATION, layout.CLUSTERS})
"""Files that all others may be judged by."""


def reached_by(changed: Collection[str]) -> Callable[[str], bool]:
    """Return which files of argosy's layout must be read to judge a change of these: all, where there are none.

    Files of an application are reached by its own, and where it runs, by those of the environment; those of a
    component by its own, by those of the environment and by the project of the components. The Application of an
    environment's policies is reached with all that it reads, by whatever is of that environment, or not at all: without
    its folder, it would be wrong.
    """
    if not changed or any(path in _EVERYWHERE or path.startswith(f"{layout.TEAMS}/") for path in changed):
        return everything  # Whose an application is, its own settings say.
    places = {(layout.environment_of(path), _part(path)) for path in changed if not layout.is_catalogue(path)}
    parts = {part for _, part in places if part}
    environments = {environment for environment, _ in places}
    is_anywhere = any(part and environment is None for environment, part in places)

    def is_reached(path: str) -> bool:
        environment, part = layout.environment_of(path), _part(path)
        if layout.is_of_policies(path):
            return is_anywhere or environment in environments
        if part in {None, layout.COMPONENTS}:
            return True
        if (environment, None) in places and environment:
            return True
        if environment is None:
            return part in parts or any(each and other is None for each, other in places)
        by_project = (environment, layout.COMPONENTS) in places and layout.component_of(path) is not None
        return by_project or (environment, part) in places or (None, part) in places

    return is_reached


def _part(path: str) -> str | None:
    """Return the application or component that a file is of, None for one of an environment or the repository."""
    if layout.is_components_project(path):
        return layout.COMPONENTS
    return layout.application_of(path) or layout.component_of(path)


class Role(StrEnum):
    """What a document is there for."""

    MANIFEST = "manifest"
    KUSTOMIZATION = "kustomization"
    KUSTOMIZE_INPUT = "kustomize input"
    """A patch or the like: judged by building the kustomizations that read it."""
    CHART = "chart"
    """A file of a Helm chart: judged by linting and rendering the chart."""
    OTHER = "other"


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A file, what was read of it, and the role of each of its documents."""

    file: File
    parsed: ParsedFile
    documents: Sequence[tuple[Document, Role]]
    chart: Path | None = None
    """The folder of the chart that the file belongs to."""

    @property
    def whole(self) -> Document:
        """A document that stands for the file, whatever is in it."""
        return Document(self.file.path, 0, None, source=Source(self.parsed.text))


@dataclass(frozen=True)
class Inventory:
    """The files of a repository."""

    root: Path
    entries: Sequence[Entry]
    charts: Sequence[Path]
    kustomizations: Sequence[Path]
    """Folders with a kustomization, outside charts."""
    inputs: Mapping[Path, Sequence[Path]] = field(default_factory=dict)
    """What builds read: file -> the folders of the kustomizations whose build reads it."""
    contents: Set[Path] = frozenset()
    """The files that builds only put into ConfigMaps and Secrets: what is in them is for a program to read."""
    wanted: Callable[[str], bool] = everything
    """Which paths were looked at."""
    inner: Sequence[str] = ()
    """The folders that are repositories of their own: nothing in them was looked at."""

    @cached_property
    def outermost_charts(self) -> Sequence[Path]:
        """The charts that are not within another one, as its dependency."""
        return [chart for chart in self.charts if not any(above in self._chart_folders for above in chart.parents)]

    @cached_property
    def _chart_folders(self) -> frozenset[Path]:
        return frozenset(self.charts)

    @cached_property
    def folders(self) -> frozenset[str]:
        """The folders of all files that git does not ignore, whatever kind of files these are; no hidden ones."""
        ignored, found = git.ignored(self.root), set[str]()
        pending = [(self.root, "")]
        while pending:
            folder, before = pending.pop()
            for each in entries(folder):
                path = before + each.name
                if path in ignored or f"{path}/" in ignored or each.is_symlink():
                    continue
                if not holds(each.is_dir):
                    if before and self.wanted(path):
                        found.add(before.rstrip("/"))
                elif not each.name.startswith(".") and path not in self.inner:
                    pending.append((each, f"{path}/"))
        return frozenset(found)

    def head(self, folder: Path, *names: str) -> Mapping[str, Any]:
        """Return what a folder's file of one of the names holds, such as its Chart.yaml; nothing where it has none."""
        for name in names:
            for document in self.at(folder / name):
                if isinstance(document.data, dict):
                    return document.data
        return {}

    def at(self, file: Path) -> Sequence[Document]:
        """Return the documents of a file; none of what is no file that was read."""
        return [document for document, _ in self._by_location.get(file, ())]

    @cached_property
    def _by_location(self) -> Mapping[Path, Sequence[tuple[Document, Role]]]:
        return {entry.file.location: entry.documents for entry in self.entries if entry.documents}

    @cached_property
    def manifests(self) -> Sequence[Document]:
        """Every Kubernetes manifest that is written in a file."""
        return [document for entry in self.entries for document, role in entry.documents if role is Role.MANIFEST]

    @cached_property
    def files(self) -> Sequence[str]:
        """The paths of all files."""
        return [entry.file.path for entry in self.entries]


def take(root: Path, wanted: Callable[[str], bool] = everything) -> Inventory:
    """Read every YAML and JSON file below a root that is wanted and that git does not ignore."""
    ignored = git.ignored(root)
    folders = tuple(path for path in ignored if path.endswith("/"))

    def is_ignored(path: str) -> bool:
        return path in ignored or f"{path}/" in ignored or path.startswith(folders)

    files = [file for file in find(root, (), is_ignored if ignored else None) if wanted(file.path)]
    inner = [*_inner(root, files)]
    within = tuple(f"{folder}/" for folder in inner)
    files = [file for file in files if not file.path.startswith(within)]
    parts = [(file.path, *file.path.rpartition("/")[::2]) for file in files]
    charts = {folder: root / folder for _, folder, name in parts if name == "Chart.yaml"}
    of_charts = _Charts(charts)
    kustomizations = sorted(
        {root / folder for path, folder, name in parts if name in kustomize.NAMES and of_charts.of(path) is None}
    )
    inputs: dict[Path, list[Path]] = {}
    whole: set[Path] = set()
    contents: set[Path] = set()
    for folder in kustomizations:
        whole |= kustomize.resources(folder, root)
        contents |= kustomize.contents(folder, root)
        for path in kustomize.inputs(folder, root):
            inputs.setdefault(path, []).append(folder)
    placed = [(file, chart, _is_text(file, chart, root)) for file in files for chart in [of_charts.of(file.path)]]
    parsed = iter(read_all(file for file, _, is_text in placed if not is_text))
    partial = inputs.keys() - whole
    entries = [
        Entry(file, _unparsed(file), (), chart) if is_text else _entry(file, next(parsed), chart, partial)
        for file, chart, is_text in placed
    ]
    return Inventory(root, entries, sorted(charts.values()), kustomizations, inputs, contents - whole, wanted, inner)


def _inner(root: Path, files: Sequence[File]) -> Iterator[str]:
    """Yield the folders below a root that are repositories of argosy's, and outside of Git those that are Git's."""
    folders: set[str] = set()
    for file in files:
        folder = file.path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    has_git = holds((root / ".git").exists) or git.top_level(root) is not None
    for folder in sorted(folders):
        # Texts, not Paths: each folder is asked, and hardly one is a repository.
        answers = os.path.join(root, folder, layout.ANSWERS)  # noqa: PTH118
        # Other templates ask for one of them too.
        asked = read(File(f"{folder}/{layout.ANSWERS}", answers)).documents if os.path.isfile(answers) else ()  # noqa: PTH113
        is_argosys = any(isinstance(each.data, dict) and each.data.keys() >= _ASKED for each in asked)
        if is_argosys or (not has_git and holds((root / folder / ".git").is_dir)):
            yield folder


_ASKED = frozenset({"repository_name", "repo_url"})
"""Questions of argosy's template."""


def is_answers(document: Document) -> bool:
    """Return whether a document has the answers to the questions of argosy's template, not of another one."""
    return isinstance(document.data, dict) and not _ASKED.isdisjoint(document.data)


@dataclass(frozen=True)
class _Charts:
    folders: Mapping[str, Path]
    """Those of the charts by their paths: texts, since each file is asked about."""

    @cached_property
    def _outermost(self) -> dict[str, Path | None]:
        return {"": self.folders.get("")}

    def of(self, path: str) -> Path | None:
        """Return the outermost chart that a file belongs to: a chart within another is the other's dependency."""
        folder = path.rpartition("/")[0]
        unknown = []  # No recursion: folders can be nested deeper than that goes.
        while folder not in self._outermost:
            unknown.append(folder)
            folder = folder.rpartition("/")[0]
        outermost = self._outermost[folder]
        for each in reversed(unknown):
            outermost = outermost or self.folders.get(each)
            self._outermost[each] = outermost
        return outermost


def _is_text(file: File, chart: Path | None, root: Path) -> bool:
    """Return whether a file becomes YAML only when it is rendered: a template of a chart's, or of the catalogue."""
    within = file.path.split("/")[len(chart.parts) - len(root.parts) : -1] if chart else ()
    return "templates" in within or layout.is_catalogue_text(file.path)


def _entry(file: File, parsed: ParsedFile, chart: Path | None, partial: Set[Path]) -> Entry:
    documents = [
        (document, _role(document, file, chart, partial)) for whole in parsed.documents for document in items(whole)
    ]
    return Entry(file, parsed, documents, chart)


def _unparsed(file: File) -> ParsedFile:
    """Return the text alone."""
    text = text_of(file)
    return ParsedFile(file.path, text) if isinstance(text, str) else ParsedFile(file.path, "", defects=(text,))


def _role(document: Document, file: File, chart: Path | None, partial: Set[Path]) -> Role:
    if chart is not None:
        return Role.CHART
    if file.path.rpartition("/")[2] in kustomize.NAMES:
        return Role.KUSTOMIZATION
    if partial and file.real in partial:
        return Role.KUSTOMIZE_INPUT
    return Role.MANIFEST if is_manifest(document.data) else Role.OTHER
