"""What a chart depends on, and where that is: in charts/, in another folder of the repository, or elsewhere."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from argosy import paths
from argosy.documents.plain import load
from argosy.errors import Fault, RenderError
from argosy.helm.release import Dependency, Fetched

_LISTS = ("Chart.yaml", "requirements.yaml")
"""The files that declare dependencies; the second one is of Helm 2."""
_LOCKS = ("Chart.lock", "requirements.lock")
MOST = 1000
"""How many charts one may consist of."""


@dataclass(frozen=True, slots=True)
class Lacking:
    """A dependency that is not here."""

    dependency: Dependency
    why: str
    declared: Mapping[str, Any]
    """How Chart.yaml declares it; nothing where a dependency does, so that its own values decide."""

    def __str__(self) -> str:
        """Say so, and why."""
        return f"the dependency {self.dependency} is not in charts/: {self.why}"


class Part(NamedTuple):
    """A chart's folder, its place in a copy of the chart that depends on it, and what is not in that."""

    folder: Path
    place: Path
    root: Path
    """What it may not leave."""
    lacking: Sequence[Lacking] = ()


def parts(chart: Path, root: Path, fetched: Fetched, judge: Callable[[Path, Path], None]) -> Iterator[Part]:
    """Yield the chart's folder, and those of the dependencies that charts/ lacks and that are here; else what lacks.

    Each folder, with what it may not leave, is judged before anything of it is read. Raise RenderError for a circle.
    """
    pending: list[tuple[Path, Path, Path, tuple[Path, ...]]] = [(chart, Path(), root, ())]
    for _ in range(MOST):
        if not pending:
            return
        this, place, home, above = pending.pop()
        if this in above:
            break
        judge(this, home)
        lacking: list[Lacking] = []
        found: dict[tuple[str, Path], Path] = {}
        for declared in paths.once(("missing", this), partial(_missing, this)):
            dependency = _named(declared)
            if not re.fullmatch(r"\w[\w.-]*", dependency.name):
                raise RenderError([Fault(f"“{dependency.name}” is not a valid name of a chart.", this / _LISTS[0])])
            folder, within = _place(dependency, this, home, fetched)
            if isinstance(folder, str):
                # Helm builds the dependencies of the chart alone, switched off or not.
                if this == chart and not _ELSEWHERE.match(dependency.repository):
                    raise RenderError([_unavailable(dependency, folder, this)])
                lacking.append(Lacking(dependency, folder, declared if this == chart else {}))
                continue
            # Two aliases are of one chart in charts/, two versions of two.
            taken = sum(name == dependency.name for name, _ in found)
            name = f"{dependency.name}-{taken}" if taken else dependency.name
            if (dependency.name, folder) not in found:
                found[dependency.name, folder] = within
                pending.append((folder, place / "charts" / name, within, (*above, this)))
        yield Part(this, place, home, lacking)
    if pending or this in above:
        raise RenderError([Fault("The chart depends on itself.", this / _LISTS[0], hint="Remove the dependency.")])


_ELSEWHERE = re.compile(r"(?!file:)[a-z0-9+.-]+://|@|alias:", re.IGNORECASE)
"""Repositories that a dependency may be fetched from."""


def _unavailable(dependency: Dependency, why: str, chart: Path) -> Fault:
    """Return what is wrong with a dependency that neither Helm nor Argo CD can get."""
    hint = "Put it into charts/, or name its repository, such as https://charts.example.com."
    if dependency.repository and not dependency.repository.startswith("file://"):
        why = f"“{dependency.repository}” is no URL of a repository"
    message = f"The dependency {dependency.name} is not in charts/, and {why}: helm dependency build fails."
    return Fault(message, chart / _LISTS[0], hint=hint)


def without(chart: Path, lacking: Sequence[Lacking]) -> None:
    """Write anew what a copy of a chart declares, without what is not here: Helm would render nothing of it."""
    gone = [each.dependency for each in lacking]
    for name in _LISTS:
        declared = load(chart / name)
        listed = declared.get("dependencies")
        if isinstance(listed, list):
            left = [each for each in listed if not (isinstance(each, dict) and _is_among(each, gone))]
            (chart / name).write_text(yaml.safe_dump({**declared, "dependencies": left}), encoding="utf-8")


def _is_among(declared: Mapping[str, Any], gone: Sequence[Dependency]) -> bool:
    this = _named(declared)
    return any((this.name, this.repository) == (each.name, each.repository) for each in gone)


def _named(declared: Mapping[str, Any]) -> Dependency:
    name, version, repository = (str(declared.get(each) or "") for each in ("name", "version", "repository"))
    return Dependency(name, version, repository.rstrip("/"))


def _place(dependency: Dependency, chart: Path, home: Path, fetched: Fetched) -> tuple[Path | str, Path]:
    """Return the folder of a dependency, or why it is not here, and what it may not leave."""
    if not dependency.repository.startswith("file://"):
        found = fetched(dependency)
        return found, found if isinstance(found, Path) else home
    path = dependency.repository.removeprefix("file://")
    folder = Path(os.path.normpath(chart / path))
    if paths.astray(folder, home) or paths.holds((folder / "Chart.yaml").is_file):
        return folder, home
    return f"there is no chart in {path}", home


def _missing(chart: Path) -> list[Mapping[str, Any]]:
    """Return the dependencies that a chart declares and charts/ lacks, each in the version that its lock says."""
    missing: list[Mapping[str, Any]] = []
    there: set[Any] | None = None
    archives: list[str] = []
    for file, lock in zip(_LISTS, _LOCKS, strict=True):
        listed = load(chart / file).get("dependencies")
        for each in listed if isinstance(listed, list) else ():
            if not isinstance(each, dict):
                continue
            if there is None:
                there = {load(found).get("name") for found in (chart / "charts").glob("*/Chart.yaml")}
                archives = [archive.name for archive in (chart / "charts").glob("*.tgz")]
            name = str(each.get("name"))
            if name not in there and not any(re.match(rf"{re.escape(name)}-v?\d", archive) for archive in archives):
                missing.append({**each, "version": _locked(each, chart / lock)})
    return missing


def _locked(declared: Mapping[str, Any], lock: Path) -> Any:
    """Return the version of a dependency that a lock pins, where it is the only one of its name; else the declared."""
    listed = load(lock).get("dependencies")
    pinned = [
        each.get("version")
        for each in (listed if isinstance(listed, list) else ())
        if isinstance(each, dict) and each.get("name") == declared.get("name")
    ]
    return pinned[0] if len({*map(str, pinned)}) == 1 else declared.get("version")
