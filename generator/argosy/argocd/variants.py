"""Variants of a chart that is applied by hand: the values files that it is given, once for each environment.

An Application that renders a chart says which. Where none does, `.argosy.yaml` may, or the scripts and Applications
that name the chart, or the names of the files beside it.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path

from argosy.argocd.inventory import Inventory
from argosy.documents import Defect, File, text_of
from argosy.documents.fields import mapping
from argosy.paths import astray, is_of_git

_OF_ENVIRONMENT = re.compile(r"values[-._](?P<after>.+)\.ya?ml|(?P<before>.+)[-._]values\.ya?ml")
_FOLDERS = ("environments", "envs", "env", "values")
_FOR_ALL = re.compile(r".*\b(all|common|default|examples?|global|samples?|schema|secrets?|shared|template)\b.*")
"""What stands in the place of an environment's name, and is none."""
_SCRIPTS = re.compile(r".*\.(sh|bash|zsh|ps1|mk|py|tf|tpl|md)|[Mm]akefile|[Jj]ustfile|Jenkinsfile|.*\.ya?ml")
_LARGEST_SCRIPT = 200_000
_MOST_SCRIPTS = 2000
_MOST_SAYINGS = 100
"""How many commands and Applications are listened to for one chart."""
_MOST_FILES = 20
"""How many values files each of them may name."""

_VARIABLE = r"\$\{\{[^{}\n]*\}\}|\$\{[^{}\n]*\}|\$\([^()\n]*\)|\$\w++|\{\{[^{}\n]*\}\}|<[\w-]+>|%\w+%"
_FILE = rf"(?:[\w./@+-]|{_VARIABLE}){{1,400}}?\.ya?ml\b"
_OPTION = re.compile(rf"(?:^|\s)(?:-f|--values|--values-literal-file)[\s=]+[\"']?({_FILE})")
_LIST = re.compile(r"value_?[fF]iles\"?[ \t]*[:=][ \t]*(?:\[([^\]]{0,1000})\]|\n((?:[ \t]*-[^\n]*\n?)+))")
_COMMAND = re.compile(r"\b(helm|argocd)\b")
_PLACE = re.compile(rf"(?:[\w./@+-]|{_VARIABLE})+")
_BLOCK = re.compile(r"^[ \t]*```[^\n]*\n(?s:.*?)^[ \t]*```|(?:^(?: {4}|\t)[^\n]*\n?)+", re.MULTILINE)
"""What a page sets apart as code."""
_SOURCE = re.compile(rf"\bpath\"?[ \t]*[:=][ \t]*[\"']?((?:[\w./@+-]|{_VARIABLE}){{1,400}})")


@dataclass(frozen=True, slots=True)
class Variant:
    """One way in which a chart is applied."""

    name: str
    """The environment's, as far as the files' names tell."""
    files: Sequence[Path]
    """The values files, the last one winning."""
    is_declared: bool = False
    """Whether `.argosy.yaml` says so, so that a failure is one."""


@dataclass(frozen=True)
class Variants:
    """Finds the variants of the charts of a repository."""

    inventory: Inventory
    declared: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    """What `.argosy.yaml` says: the charts by their folders, and the values files by environment."""

    def of(self, chart: Path) -> Sequence[Variant]:
        """Return the variants of a chart that no Application renders; none where it is applied with its defaults."""
        folder = self._path(chart)
        if folder in self.declared:
            return [
                Variant(name, [self.inventory.root / each for each in files], is_declared=True)
                for name, files in self.declared[folder].items()
            ]
        found: dict[str, Sequence[str]] = {}
        for name, files in (*self._said(folder), *self._beside(chart)):
            known = {each for several in found.values() for each in several}
            # What is beside the chart may be what a script gives it already, by another name.
            if not known.issuperset(files):
                found.setdefault(name, files)
        return [Variant(name, [self.inventory.root / each for each in files]) for name, files in found.items()]

    def _path(self, folder: Path) -> str:
        return folder.relative_to(self.inventory.root).as_posix()

    @cached_property
    def _files(self) -> Sequence[str]:
        """The files that may be values."""
        root = self.inventory.root
        return [
            each
            for each in self.inventory.files
            if each.endswith((".yaml", ".yml")) and "/templates/" not in f"/{each}" and not astray(root / each, root)
        ]

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self._files)

    def _beside(self, chart: Path) -> Iterator[tuple[str, Sequence[str]]]:
        """Yield the environments that values files are named after: in the chart, or in a folder in or beside it."""
        folder = self._path(chart)
        above = posixpath.dirname(folder)
        within = [posixpath.normpath(posixpath.join(folder, each)) for each in (".", *_FOLDERS)]
        beside = [posixpath.normpath(posixpath.join(above, each)) for each in _FOLDERS]
        for path in self._files:
            place, name = posixpath.split(path)
            found = _OF_ENVIRONMENT.fullmatch(name)
            environment = (found["after"] or found["before"]) if found else name.rpartition(".")[0]
            if environment == "values":
                # A folder for each environment has a file of that name.
                place, environment = posixpath.split(place)
            place = place or "."
            is_sure = bool(found) and place in within
            may_be = place in within[1:] or (place in beside and place != folder)
            if _FOR_ALL.fullmatch(environment) or environment in {"", "Chart"}:
                continue
            if is_sure or (may_be and self._knows(chart, path)):
                yield environment, [path]

    def _knows(self, chart: Path, path: str) -> bool:
        """Return whether a chart has something that a file gives values for."""
        given = {key for each in self.inventory.at(self.inventory.root / path) for key in mapping(each.data)}
        own = self.inventory.head(chart, "values.yaml", "values.yml").keys()
        return bool(given & (own | self._read.get(chart, frozenset())))

    @cached_property
    def _read(self) -> Mapping[Path, frozenset[str]]:
        """The values that the templates of charts name, by the charts' folders."""
        found: dict[Path, set[str]] = {}
        for entry in self.inventory.entries:
            if entry.chart and not entry.documents:
                found.setdefault(entry.chart, set()).update(re.findall(r"\.Values\.(\w+)", entry.parsed.text))
        return {chart: frozenset(names) for chart, names in found.items()}

    # What scripts and Applications say

    def _said(self, chart: str) -> Iterator[tuple[str, Sequence[str]]]:
        """Yield the environments that scripts and Applications name values files for."""
        told = dict.fromkeys((folder, names) for folder, places, names in self._sayings if chart in places)
        for folder, names in islice(told, _MOST_SAYINGS):
            yield from self._chosen(names, (chart, folder, "."))

    @cached_property
    def _sayings(self) -> Sequence[tuple[str, frozenset[str], tuple[str, ...]]]:
        """The values files that are named for what may be a chart: the script's folder, places, and files."""
        found = []
        for path, text in self._scripts:
            folder = posixpath.dirname(path)
            for part, pattern in _parts(path, text):
                if names := tuple(islice(_values(part), _MOST_FILES)):
                    places = {_normal(each, base) for each in pattern.findall(part) for base in (folder, ".")}
                    found.append((folder, frozenset(places), names))
        return found

    @cached_property
    def _scripts(self) -> Sequence[tuple[str, str]]:
        """The files in which somebody may say how a chart is applied, with their texts."""
        root, found = self.inventory.root, list[tuple[str, str]]()
        known = {entry.file.path: entry for entry in self.inventory.entries}
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(each for each in folders if not is_of_git(each))
            for name in sorted(names):
                file = Path(folder, name)
                path = file.relative_to(root).as_posix()
                if not _SCRIPTS.fullmatch(name) or not self.inventory.wanted(path):
                    continue
                if path in known:
                    text: str | Defect = known[path].parsed.text
                else:
                    text = "" if astray(file, root) else text_of(File(path, file), _LARGEST_SCRIPT)
                if isinstance(text, str) and re.search(r"value_?[fF]iles|--values| -f ", text):
                    found.append((path, text))
                if len(found) == _MOST_SCRIPTS:
                    return found
        return found

    def _chosen(self, names: Sequence[str], bases: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
        """Yield the environments that the names of values files stand for, a variable in them being any text."""
        fixed: list[tuple[int, str]] = []
        by_name: dict[str, list[tuple[int, str]]] = {}
        for place, name in enumerate(names):
            for base in bases:
                found = self._matching(name, base)
                for environment, path in found:
                    (by_name.setdefault(environment, []) if environment else fixed).append((place, path))
                if found:
                    break
        for environment, files in by_name.items():
            yield environment, [path for _, path in sorted([*fixed, *files])]
        if fixed and not by_name:
            last = posixpath.basename(fixed[-1][1])
            found_in = _OF_ENVIRONMENT.fullmatch(last)
            environment = (found_in["after"] or found_in["before"]) if found_in else last.rpartition(".")[0]
            yield environment, [path for _, path in fixed]

    def _matching(self, name: str, base: str) -> list[tuple[str, str]]:
        """Return the files that a name means, each with what its first variable stands for."""
        wanted = _normal(name, base)
        parts = re.split(_VARIABLE, wanted)
        if len(parts) == 1:
            return [("", wanted)] if wanted in self._known else []
        if len(parts) > 3:
            return []
        pattern = re.compile("([^/]+)".join(map(re.escape, parts)))
        return [(match[1], path) for path in self._files if (match := pattern.fullmatch(path))]


def _parts(path: str, text: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield what may say how a chart is applied, a document or a command in its lines, and what is a place in it."""
    # A page shows one thing after the other, which have nothing to do with each other.
    for block in _BLOCK.findall(text) if path.endswith(".md") else [text]:
        if re.search(r"value_?[fF]iles", block):
            yield from ((part, _SOURCE) for part in re.split(r"^---", block, flags=re.MULTILINE))
        joined = re.sub(r"[\\`]\r?\n", " ", block) if not path.endswith(".tf") else ""
        yield from ((line, _PLACE) for line in joined.splitlines() if _COMMAND.search(line))


def _values(part: str) -> Iterator[str]:
    yield from _OPTION.findall(part)
    for flow, block in _LIST.findall(part):
        yield from re.findall(_FILE, flow or block)


def _normal(name: str, base: str) -> str:
    """Return a path of the repository as a script has it; a variable that it begins with stands for the root."""
    bare = re.sub(rf"^(?:{_VARIABLE})/", "", name)
    return posixpath.normpath(bare[1:] if bare.startswith("/") else posixpath.join(base, bare))
