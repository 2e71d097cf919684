"""The chart's folder: what has to be known of it, and added to it, before Helm can render.

A chart is not trusted. Helm reads whatever its links lead to, and fetches whatever its schemas refer to, so what would
leave the repository or needs the network is refused before Helm sees it.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from argosy import paths
from argosy.documents.plain import load
from argosy.errors import Fault, OfflineError, RenderError
from argosy.helm import chart_schemas
from argosy.helm.release import Release
from argosy.paths import is_of_git


def metadata_of(chart: Path) -> Mapping[str, Any]:
    """Return a chart's Chart.yaml; nothing where it cannot be read, for Helm says why."""
    return load(chart / "Chart.yaml")


def refuse_library(metadata: Mapping[str, Any], release: Release) -> None:
    """Raise RenderError for a chart that only other charts can use."""
    if metadata.get("type") == "library":
        hint = "Use it as a dependency of an application chart, or set `type: application`."
        raise RenderError([Fault("A library chart cannot be deployed.", release.chart / "Chart.yaml", hint=hint)])


@contextmanager
def complete(release: Release) -> Iterator[Path]:
    """Yield the chart's folder, or a copy with what Argo CD would add or ignore: local dependencies, schemas.

    Raise RenderError where what Helm would read leaves the repository, OfflineError where it needs the network.
    """
    _refuse_arguments(release)
    parts = _parts(release)
    if len(parts) == 1 and not parts[0].holds_git and not release.skip_schema_validation:
        yield release.chart
        return
    if len(parts) > 1:
        _refuse_multiplied(parts, release)
    schemas = {"values.schema.json"} if release.skip_schema_validation else set()
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, release.chart.name)
        for part in parts:
            _copy(part.folder, copy / part.place, schemas)
        yield copy


@contextmanager
def lintable(release: Release) -> Iterator[Release]:
    """Yield the release as Helm's linter may see it; raise RenderError or OfflineError as `complete` does."""
    _refuse_arguments(release)
    # The linter validates by the schema in any case.
    if not _refuse_folder(release.chart, replace(release, skip_schema_validation=False)):
        yield release
        return
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, release.chart.name)
        _copy(release.chart, copy, ())
        yield replace(release, chart=copy, root=release.within)


_HINT = "Replace it with the file, or with a relative link within this repository: Argo CD follows no other links."


def _refuse_arguments(release: Release) -> None:
    """Raise RenderError for a file that may not be read, and for names by which Helm would read or run another."""
    named = [*release.values, *(file for _, file in release.file_parameters)]
    strayed = [
        (file, reason)
        for file in named
        if (reason := paths.astray(file, release.within)) and paths.astray(file, release.of_chart)
    ]
    found = [Fault(f"{file.name} cannot be used: {reason}.", file, hint=_HINT) for file, reason in strayed]
    if release.name.startswith("-"):
        found.append(Fault(f"“{release.name}” is not a valid release name.", hint="Begin it with a letter."))
    for name, file in release.file_parameters:
        # Helm reads `a=one,b=two` as two files.
        if re.search(r"[=,]", name) or "\\" in file.as_posix():
            message = f"The file parameter “{name}” is invalid: Helm would read another file than {file.name}."
            found.append(Fault(message, hint="Use a name without `=` and `,`, and a path without a backslash."))
    if found:
        raise RenderError(found)


def _refuse_folder(chart: Path, release: Release) -> bool:
    """Return whether a chart's folder holds what is Git's own, which Helm is not to see.

    Raise RenderError where it holds what may not be read, OfflineError where its schemas need the network.
    """
    root, skips_schemas = release.of_chart, release.skip_schema_validation
    return paths.once(("refused", chart, root, skips_schemas), lambda: _holds_git(chart, root, skips_schemas))


def _holds_git(chart: Path, root: Path, skips_schemas: bool) -> bool:
    if reason := paths.astray(chart, root):
        raise RenderError([Fault(f"The chart cannot be used: {reason}.", chart, hint=_HINT)])
    found = list(paths.files(chart, root))
    of_git = [file for file, reason in found if reason == paths.OF_GIT and is_of_git(file.name)]
    strayed = [(file, reason) for file, reason in found if reason and file not in of_git]
    if strayed:
        told = ((file, f"{file.relative_to(chart).as_posix()} cannot be used: {reason}.") for file, reason in strayed)
        raise RenderError([Fault(message, file, hint=_HINT) for file, message in told])
    if not skips_schemas:
        chart_schemas.refuse_references(chart, (file for file, reason in found if not reason))
    return bool(of_git)


class _Part(NamedTuple):
    """A chart's folder, and its place in a copy of the chart that depends on it."""

    folder: Path
    place: Path
    holds_git: bool


_MOST_PARTS = 1000
_MOST_COPIED = 100 * 1024 * 1024
"""Bytes: a folder that many dependencies name is there as often."""


def _parts(release: Release) -> list[_Part]:
    """Return the chart's folder, and those of the dependencies that charts/ lacks and other folders hold."""
    found: list[_Part] = []
    judged: dict[Path, bool] = {}
    pending: list[tuple[Path, Path, tuple[Path, ...]]] = [(release.chart, Path(), ())]
    while pending:
        chart, place, above = pending.pop()
        file = chart / "Chart.yaml"
        if chart in above or len(found) == _MOST_PARTS:
            raise RenderError([Fault("The chart depends on itself.", file, hint="Remove the dependency.")])
        if chart not in judged:
            judged[chart] = _refuse_folder(chart, release)
        found.append(_Part(chart, place, judged[chart]))
        remote = []
        for dependency in paths.once(("missing", chart), partial(_missing_dependencies, chart)):
            name, repository = str(dependency.get("name")), str(dependency.get("repository") or "")
            folder = Path(os.path.normpath(chart / repository.removeprefix("file://")))
            is_there = paths.astray(folder, release.of_chart) or (folder / "Chart.yaml").is_file()
            if not (repository.startswith("file://") and is_there):
                remote.append(f"{name} {dependency.get('version', '')}".strip())
            elif not re.fullmatch(r"\w[\w.-]*", name):
                raise RenderError([Fault(f"“{name}” is not a valid name of a chart.", file)])
            else:
                pending.append((folder, place / "charts" / name, (*above, chart)))
        if remote:
            message = f"Dependencies are missing in charts/ and were not fetched (offline): {', '.join(remote)}."
            hint = f"Run `helm dependency update {chart}` and commit charts/."
            raise OfflineError([Fault(message, file, hint=hint)])
    return found


def _refuse_multiplied(parts: Sequence[_Part], release: Release) -> None:
    """Raise RenderError where a copy of a chart with its dependencies would be large."""
    folders = Counter(part.folder for part in parts)
    size = sum(
        count * sum(file.stat().st_size for file, reason in paths.files(folder, release.of_chart) if not reason)
        for folder, count in folders.items()
    )
    if size > _MOST_COPIED:
        message = f"The chart has more than {_MOST_COPIED:,} bytes with its dependencies."
        raise RenderError([Fault(message, release.chart / "Chart.yaml", hint="Take out what no template reads.")])


def _copy(chart: Path, copy: Path, ignored: Collection[str]) -> None:
    def left_out(_: str, names: list[str]) -> list[str]:
        return [name for name in names if is_of_git(name) or name in ignored]

    shutil.copytree(chart, copy, ignore=left_out)


def _missing_dependencies(chart: Path) -> list[Mapping[str, Any]]:
    """Return the dependencies that Chart.yaml (or an old requirements.yaml) declares and charts/ lacks."""
    declared: list[Any] = []
    for name in ("Chart.yaml", "requirements.yaml"):
        listed = load(chart / name).get("dependencies")
        declared += listed if isinstance(listed, list) else []
    if not declared:
        return []
    there = {metadata_of(file.parent).get("name") for file in (chart / "charts").glob("*/Chart.yaml")}
    archives = [archive.name for archive in (chart / "charts").glob("*.tgz")]
    return [
        each
        for each in declared
        if isinstance(each, dict)
        and each.get("name") not in there
        and not any(re.match(rf"{re.escape(str(each.get('name')))}-v?\d", archive) for archive in archives)
    ]
