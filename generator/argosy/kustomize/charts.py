"""The charts that kustomizations inflate: put where Kustomize looks for them, so that it asks nobody else."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from argosy import paths
from argosy.documents.plain import load
from argosy.errors import Fault, OfflineError, RenderError
from argosy.helm import charts, worker
from argosy.helm.program import program
from argosy.helm.release import Dependency, Fetched, Release
from argosy.kustomize import reading
from argosy.kustomize.command import line_of
from argosy.kustomize.references import NAMES, Reference, mapping

__all__ = ["OF_A_GENERATOR", "Chart", "named", "program", "put"]


OF_A_GENERATOR = "The chart of a HelmChartInflationGenerator was not rendered: name it in helmCharts."


class Tree(Protocol):
    """A kustomization with all that it takes in of one repository."""

    @property
    def home(self) -> Path:
        """The repository."""

    @property
    def named(self) -> Sequence[Reference]:
        """All that it names."""

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

    Kustomize hands to Helm what it reads there, whoever wrote it: raise RenderError where that is not plainly a chart.
    """
    lacking = []
    for tree in trees:
        for by in {each.by for each in tree.named if each.inflates}:
            lacking.append(Fault(OF_A_GENERATOR, by))
        for by in sorted(file for file in tree.files if file.name in NAMES):
            data = load(by)
            for each in _listed(by, data):
                found = _found(by, tree.home, data, each, fetched)
                if isinstance(found, Fault):
                    lacking.append(found)
                elif found:
                    yield found
    if lacking:
        raise OfflineError(lacking)


_OLD = "helmChartInflationGenerator"
_RELEASE = "Use at most 53 small letters, digits, dots and hyphens, and begin with no hyphen."
_WORD = "Use letters, digits, dots and hyphens, and begin with no hyphen."
_FORMS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "name": (re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII), _WORD),
    "version": (re.compile(r"(?!-)[^/\\\x00-\x1f]*"), "Use a version or a range of them, in quotes."),
    "repo": (re.compile(r"(?!-)[^\x00-\x1f]*"), "Use a URL."),
    "releaseName": (worker.RELEASE, _RELEASE),
    "nameTemplate": (worker.RELEASE, _RELEASE),
    "namespace": (worker.FORMS["--namespace"], _WORD),
    "kubeVersion": (worker.FORMS["--kube-version"], "Use a version, in quotes."),
    "apiVersions": (worker.FORMS["--api-versions"], "Use such as apps/v1 or apps/v1/Deployment."),
}
"""The fields of a chart that Kustomize hands to Helm as they are, and makes paths of."""
_FIELDS = {
    *_FORMS,
    *("valuesFile", "additionalValuesFiles", "valuesInline", "valuesMerge"),
    *("includeCRDs", "skipHooks", "skipTests", "debug", "devel"),
}


def _listed(by: Path, data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the charts that a kustomization lists, each as Kustomize reads it; raise RenderError where that is open."""
    documents = reading.mappings(reading.trees(by.read_bytes()))
    for field in ("helmCharts", "helmGlobals", _OLD):
        values = [value for each in documents for value in each.get(field.casefold(), [])]
        if values and (len(documents) > 1 or len(values) > 1 or field not in data):
            hint = f"Write `{field}` once, in these letters, in the one document of the file."
            raise RenderError([Fault(f"{field} cannot be read for sure.", by, hint=hint)])
    if data.get(_OLD):
        said = f"{_OLD} was replaced, and its charts were not rendered: name them in helmCharts."
        raise OfflineError([Fault(said, by, line_of(by, _OLD))])
    settings, listed = data.get("helmGlobals") or {}, data.get("helmCharts") or []
    faults = [*_misread(by, "helmGlobals", settings, {"chartHome", "configHome"})]
    for each in listed if isinstance(listed, list) else [listed]:
        faults += _misread(by, "a chart of helmCharts", each, _FIELDS)
        faults += [] if faults else _malformed(by, each)
    if faults:
        raise RenderError(faults)
    yield from listed


def _misread(by: Path, what: str, value: Any, known: Collection[str]) -> Iterator[Fault]:
    """Yield what is wrong with the fields of a mapping: Kustomize takes `NAME` for `name`."""
    if not isinstance(value, dict):
        yield Fault(f"{what} has to be a mapping.", by)
        return
    for field in (str(each) for each in value if each not in known):
        hint = f"The fields are {', '.join(sorted(known))}."
        yield Fault(f"“{field}” is no field of {what}.", by, line_of(by, field), hint)


def _malformed(by: Path, chart: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what of a chart may not be handed to Helm."""
    if isinstance(template := chart.get("nameTemplate"), str) and "{{" in template:
        said = f"The nameTemplate {template} was not rendered: name the release by releaseName."
        raise OfflineError([Fault(said, by, line_of(by, "nameTemplate"))])
    for field, (form, hint) in _FORMS.items():
        given = chart.get(field)
        for value in given if field == "apiVersions" and isinstance(given, list) else [given]:
            if field != "name" and value in (None, ""):
                continue
            if not isinstance(value, str):
                said = f"The {field} of a chart in helmCharts has to be a text."
                yield Fault(said, by, line_of(by, field), "Set it, in quotes.")
            elif not form.fullmatch(value):
                said = f"“{value}” is not a valid {field} of a chart in helmCharts."
                yield Fault(said, by, line_of(by, field), hint)


def _found(
    by: Path, home: Path, data: Mapping[str, Any], chart: Mapping[str, Any], fetched: Fetched
) -> Chart | Fault | None:
    name, version, repository = (str(chart.get(each) or "") for each in ("name", "version", "repo"))
    above = str(mapping(data.get("helmGlobals")).get("chartHome") or "charts")
    place = os.path.join(above, f"{name}-{version}" if version and repository else "", name)  # noqa: PTH118
    here = Path(os.path.normpath(by.parent / place))
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


def put(chart: Chart, kustomization: Path, scratch: Path, there: set[Path]) -> list[Path]:
    """Copy a chart to where a copy of its kustomization has it, add the place to `there`, and return its files.

    Raise RenderError where the chart holds what may not be read, OfflineError where its schema needs the network.
    """
    target = Path(os.path.normpath(kustomization.parent / chart.place))
    if not target.is_relative_to(scratch):
        raise RenderError([Fault(f"The chart {chart.folder.name} is to be outside of the repository.", chart.by)])
    if target not in there:
        with charts.complete(Release(chart.folder, chart.folder.name, root=chart.within)) as made:
            # What a kustomization names of the chart's files is there already. The chart is what was judged as one.
            for file in target.rglob("*"):
                if file.is_file() and file.name not in NAMES:
                    file.unlink()
            try:
                shutil.copytree(made.folder, target, copy_function=_copy_but_kustomizations, dirs_exist_ok=True)
            except OSError as error:
                message = f"A file is where the chart {chart.folder.name} is to be: {chart.place}."
                raise RenderError([Fault(message, chart.by)]) from error
        there.add(target)
    return [file for file in target.rglob("*") if file.is_file()]


def _copy_but_kustomizations(file: str, target: str) -> None:
    """Copy a file, but not over a kustomization, which may have an Application's overrides."""
    if not (os.path.basename(target) in NAMES and os.path.exists(target)):  # noqa: PTH110, PTH119
        shutil.copy2(file, target)
