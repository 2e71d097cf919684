"""Variants of a chart that is applied by hand: the values files that it is given, once for each environment.

An Application that renders a chart says which. Where none does, `.argosy.yaml` may, or the scripts and Applications
that name the chart, or the names of the files beside it.
"""

from __future__ import annotations

import os
import posixpath
import re
from bisect import bisect_left
from collections import defaultdict
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
_MOST_COMPARED = 2_000_000
"""How many times a path is compared with a name that has variables, in all of a repository."""

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
        known: set[str] = set()
        for name, files in (*self._said(folder), *self._beside(chart)):
            # What is beside the chart may be what a script gives it already, by another name.
            if name not in found and not known.issuperset(files):
                found[name] = files
                known.update(files)
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
    def _named(self) -> Named:
        return Named(self._files)

    @cached_property
    def _by_folder(self) -> Mapping[str, Sequence[tuple[str, str, bool]]]:
        """What values files may be for, by the folders that charts have them in: an environment, path, and its form.

        The form says so itself where it is like `values-dev.yaml`.
        """
        found = defaultdict[str, list[tuple[str, str, bool]]](list)
        for path in self._files:
            place, name = posixpath.split(path)
            form = _OF_ENVIRONMENT.fullmatch(name)
            environment = (form["after"] or form["before"]) if form else name.rpartition(".")[0]
            if environment == "values":
                # A folder for each environment has a file of that name.
                place, environment = posixpath.split(place)
            if environment not in {"", "Chart"} and not _FOR_ALL.fullmatch(environment):
                found[place or "."].append((path, environment, bool(form)))
        return found

    def _beside(self, chart: Path) -> Iterator[tuple[str, Sequence[str]]]:
        """Yield the environments that values files are named after: in the chart, or in a folder in or beside it."""
        folder = self._path(chart)
        above = posixpath.dirname(folder)
        within = [posixpath.normpath(posixpath.join(folder, each)) for each in (".", *_FOLDERS)]
        beside = [posixpath.normpath(posixpath.join(above, each)) for each in _FOLDERS]
        may_be = {*within[1:], *(each for each in beside if each != folder)}
        known = [(*each, place) for place in {*within, *beside} for each in self._by_folder.get(place, ())]
        takes = self._takes(chart) if known else frozenset()
        for path, environment, is_sure, place in sorted(known):
            if (is_sure and place in within) or (place in may_be and self._gives(path, takes)):
                yield environment, [path]

    def _takes(self, chart: Path) -> frozenset[str]:
        """Return the values that a chart has or reads."""
        own = self.inventory.head(chart, "values.yaml", "values.yml").keys()
        return self._read.get(chart, frozenset()) | own

    def _gives(self, path: str, values: frozenset[str]) -> bool:
        """Return whether a file has one of some values."""
        return any(
            not mapping(each.data).keys().isdisjoint(values) for each in self.inventory.at(self.inventory.root / path)
        )

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
        for folder, names in self._sayings.get(chart, ()):
            yield from self._chosen(names, (chart, folder, "."))

    @cached_property
    def _sayings(self) -> Mapping[str, Mapping[tuple[str, tuple[str, ...]], None]]:
        """The values files that are named for what may be a chart, by its place: the script's folder, and the files."""
        found = defaultdict[str, dict[tuple[str, tuple[str, ...]], None]](dict)
        for path, text in self._scripts:
            folder = posixpath.dirname(path)
            for part, pattern in _parts(path, text):
                if names := tuple(islice(_values(part), _MOST_FILES)):
                    for place in {_normal(each, base) for each in pattern.findall(part) for base in (folder, ".")}:
                        if len(found[place]) < _MOST_SAYINGS:
                            found[place][folder, names] = None
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
                found = self._named.by(name, base)
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


@dataclass
class Named:
    """Finds the files that names mean, a variable in them being any text of a path's part, in a bounded time."""

    files: Sequence[str]
    """Sorted."""
    left: int = _MOST_COMPARED
    """How many comparisons are left. Names are guesses: afterwards they mean no file."""
    _found: dict[str, Sequence[tuple[str, str]]] = field(default_factory=dict)

    def by(self, name: str, base: str) -> Sequence[tuple[str, str]]:
        """Return the files that a name means in a folder, each with what its first variable stands for."""
        if self.left <= 0:
            return ()
        wanted = _normal(name, base)
        if wanted not in self._found:
            self._found[wanted] = self._looked_for(wanted)
        found = self._found[wanted]
        self.left -= 1 + len(found)
        return found

    def _looked_for(self, name: str) -> Sequence[tuple[str, str]]:
        # Of variables that touch, nothing tells what each of them stands for.
        before, *rest = re.split(f"(?:{_VARIABLE})+", name)
        first = bisect_left(self.files, before)
        if not rest:
            return [("", name)] if self.files[first : first + 1] == [name] else []
        if len(rest) > 2:
            return []
        found = []
        for at in range(first, len(self.files)):
            path = self.files[at]
            self.left -= 1
            if not path.startswith(before) or self.left <= 0:
                break
            if stands_for := _between(path[len(before) :], rest):
                found.append((stands_for, path))
        return found


def _between(path: str, parts: Sequence[str]) -> str:
    """Return what a variable stands for before the parts of a path, of which the last ends it; empty if for nothing."""
    *middle, last = parts
    if not path.endswith(last):
        return ""
    held = path[: len(path) - len(last)]
    for each in middle:
        if held.count("/") != each.count("/"):
            return ""
        # The first variable stands for as much as it can, the other one for something.
        held = held[: max(held.rfind(each, 1, len(held) - 1), 0)]
    return "" if "/" in held else held


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
