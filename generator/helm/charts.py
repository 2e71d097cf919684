"""The chart's folder: what has to be known of it, and added to it, before Helm can render."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from generator.errors import Fault, OfflineError, RenderError
from generator.helm.release import Release
from generator.yaml_mapping import load


def metadata_of(chart: Path) -> Mapping[str, Any]:
    """Return a chart's Chart.yaml; nothing where it cannot be read, for Helm says why."""
    return load(chart / "Chart.yaml")


def refuse_library(metadata: Mapping[str, Any], release: Release) -> None:
    """Raise RenderError for a chart that only other charts can use."""
    if metadata.get("type") == "library":
        hint = "Let an application's chart depend on it, or make it `type: application`."
        raise RenderError(
            [Fault("A library chart renders nothing of its own.", release.chart / "Chart.yaml", hint=hint)]
        )


@contextmanager
def complete(release: Release) -> Iterator[Path]:
    """Yield the chart's folder, or a copy with what Argo CD would add or ignore: local dependencies, schemas."""
    if not release.skip_schema_validation and not _missing_dependencies(release.chart):
        yield release.chart
        return
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, release.chart.name)
        _copy(release.chart, copy, ignore=("values.schema.json",) if release.skip_schema_validation else ())
        yield copy


def _copy(chart: Path, copy: Path, ignore: Sequence[str]) -> None:
    """Copy a chart and, into its charts/, the dependencies that other folders of the repository hold."""
    shutil.copytree(chart, copy, ignore=shutil.ignore_patterns(*ignore))
    remote = []
    for dependency in _missing_dependencies(chart):
        repository = str(dependency.get("repository") or "")
        folder = chart / repository.removeprefix("file://")
        if repository.startswith("file://") and (folder / "Chart.yaml").is_file():
            _copy(folder, copy / "charts" / str(dependency.get("name")), ignore)
        else:
            remote.append(f"{dependency.get('name')} {dependency.get('version', '')}".strip())
    if remote:
        message = f"The chart cannot be rendered offline: charts/ lacks its dependencies {', '.join(remote)}."
        hint = f"Run `helm dependency update {chart}` and commit charts/."
        raise OfflineError([Fault(message, chart / "Chart.yaml", hint=hint)])


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
