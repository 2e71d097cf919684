"""The charts that kustomizations inflate: put where Kustomize looks for them, so that it asks nobody else."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from argosy import paths
from argosy.documents.plain import load
from argosy.errors import Fault, OfflineError, RenderError
from argosy.helm import charts
from argosy.helm.program import program
from argosy.helm.release import Dependency, Fetched, Release
from argosy.kustomize.references import NAMES, mapping, mappings

__all__ = ["Chart", "named", "program", "put"]


class Tree(Protocol):
    """A kustomization with all that it takes in of one repository."""

    @property
    def home(self) -> Path:
        """The repository."""

    @property
    def files(self) -> set[Path]:
        """All that it takes in."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart that a kustomization inflates."""

    by: Path
    home: Path
    """The repository of the kustomization."""
    place: str
    """Where Kustomize looks for it, as seen from the kustomization."""
    folder: Path
    """Where it is."""
    within: Path
    """What it may not leave."""


def named(trees: Iterable[Tree], fetched: Fetched) -> Iterator[Chart]:
    """Yield the charts of all kustomizations; raise OfflineError where some are neither here nor were fetched.

    What cannot be one, Kustomize itself says.
    """
    lacking = []
    for tree in trees:
        for by in sorted(file for file in tree.files if file.name in NAMES):
            data = load(by)
            for each in mappings(data.get("helmCharts")):
                found = _found(by, tree.home, data, each, fetched)
                if isinstance(found, Fault):
                    lacking.append(found)
                elif found:
                    yield found
    if lacking:
        raise OfflineError(lacking)


def _found(
    by: Path, home: Path, data: Mapping[str, Any], chart: Mapping[str, Any], fetched: Fetched
) -> Chart | Fault | None:
    name, version, repository = (str(chart.get(each) or "") for each in ("name", "version", "repo"))
    above = str(mapping(data.get("helmGlobals")).get("chartHome") or "charts")
    place = os.path.join(above, f"{name}-{version}" if version and repository else "", name)  # noqa: PTH118
    here = Path(os.path.normpath(by.parent / place))
    if not re.fullmatch(r"\w[\w.-]*", name) or not re.fullmatch(r"[^/\\]*", version):
        return None
    if reason := paths.astray(here, home):
        raise RenderError([Fault(f"The chart {name} in “{above}” cannot be used: {reason}.", by)])
    if paths.holds(here.is_dir):
        return Chart(by, home, place, here, home)
    if not repository:
        return None
    dependency = Dependency(name, version, repository.rstrip("/"))
    folder = fetched(dependency)
    if isinstance(folder, str):
        return Fault(f"the chart {dependency} is not here: {folder}", by)
    return Chart(by, home, place, folder, folder)


def put(chart: Chart, kustomization: Path, scratch: Path) -> list[Path]:
    """Copy a chart to where a copy of its kustomization has it, and return its files.

    Raise RenderError where the chart holds what may not be read, OfflineError where its schema needs the network.
    """
    target = Path(os.path.normpath(kustomization.parent / chart.place))
    if not target.is_relative_to(scratch):
        raise RenderError([Fault(f"The chart {chart.folder.name} is to be outside of the repository.", chart.by)])
    if not target.exists():
        with charts.complete(Release(chart.folder, chart.folder.name, root=chart.within)) as made:
            shutil.copytree(made.folder, target)
    return [file for file in target.rglob("*") if file.is_file()]
