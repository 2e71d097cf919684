"""Helm in this process, through helm_python, which is loaded by the first call."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator.errors import RenderError
from generator.helm import charts, go_templates
from generator.helm.binary import Binary
from generator.helm.faults import faults, in_chart, lint_messages
from generator.helm.release import Manifest, Message, Release, Rendered, Severity, shipped
from generator.helm.values import values_of


@dataclass(frozen=True, slots=True)
class Library:
    """helm_python, and the binary for what helm_python cannot do: other cluster versions and APIs."""

    binary: Binary | None

    def render(self, release: Release) -> Rendered:
        """Render a release; say so where it would need a cluster's version or APIs, and there is no binary."""
        from helm_python import Chart, HelmError  # noqa: PLC0415

        with charts.complete(release) as folder:
            try:
                with Chart.load(folder) as chart:
                    charts.refuse_library(chart.metadata, release)
                    asks = charts.asks_for_cluster(folder, chart.metadata, chart.templates)
                    if asks and self.binary:
                        return self.binary.render(release)
                    texts = chart.render(
                        values_of(release), name=release.name, namespace=release.namespace or "default"
                    )
                    crds = () if release.skip_crds else _crds(chart.metadata, chart.crds, texts)
            except HelmError as error:
                raise RenderError(faults(str(error), release)) from error
        manifests = [Manifest(in_chart(path), _separated(text)) for path, text in (*crds, *texts.items())]
        return Rendered(shipped(manifests, skip_tests=release.skip_tests), _dishonoured(release) if asks else ())

    def lint(self, release: Release) -> list[Message]:
        """Return what Helm's linter says."""
        from helm_python import lint  # noqa: PLC0415

        values = values_of(release)
        with _MUTED:
            report = lint(release.chart, values, strict=True)
        severities: dict[int, Severity] = {1: "info", 2: "warning"}
        found = (
            (severities.get(each["severity"], "error"), each["path"], each["error"]) for each in report["messages"]
        )
        return lint_messages(release, found)

    def go_templates(
        self, texts: Sequence[str], parameter_sets: Sequence[Mapping[str, Any]], definitions: str = ""
    ) -> list[list[str]]:
        """Render Go templates."""
        from helm_python import Chart, HelmError  # noqa: PLC0415

        try:
            with Chart.load_archive(go_templates.archive(texts, definitions)) as chart:
                rendered = chart.render({"sets": list(parameter_sets)}, name="templates")
        except HelmError as error:
            raise go_templates.failure(str(error)) from error
        return go_templates.rows(rendered[go_templates.MAIN])


_SEPARATOR = re.compile(r"^---(?=[^\s-])", re.MULTILINE)


def _separated(text: str) -> str:
    """Return a rendered text with each `---` on a line of its own, as `helm template` prints it.

    Helm separates manifests at each line that begins so: a `{{-` after it often takes the line's end away.
    """
    return _SEPARATOR.sub("---\n", text)


def _crds(
    metadata: Mapping[str, Any], crds: Sequence[Mapping[str, str]], rendered: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return the chart's CRDs, path and text, without those of subcharts that a condition or tag switched off."""
    switched = {
        f"{metadata.get('name')}/charts/{each.get('alias') or each.get('name')}/"
        for each in metadata.get("dependencies") or ()
        if each.get("condition") or each.get("tags")
    }
    off = tuple(prefix for prefix in switched if not any(path.startswith(prefix) for path in rendered))
    return [(crd["filename"], crd["data"]) for crd in crds if not crd["filename"].startswith(off)]


def _dishonoured(release: Release) -> list[Message]:
    """Say what helm_python could not take into account."""
    wanted = [f"kubeVersion {release.kube_version}"] if release.kube_version else []
    wanted += [f"apiVersions {', '.join(release.api_versions)}"] if release.api_versions else []
    asked = f" ({' and '.join(wanted)} could not be honoured)" if wanted else ""
    text = (
        f"The chart asks for the cluster's version or APIs, and was rendered for Kubernetes 1.36 without any custom "
        f"ones{asked}. Put helm on the PATH for an exact render."
    )
    return [Message("warning", "Chart.yaml", text)]


class _Stderr:
    """Close stderr while somebody lints: Helm's linter logs to it past every switch that helm_python has."""

    def __init__(self) -> None:
        self._lock, self._users, self._kept = threading.Lock(), 0, -1

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._kept = os.dup(2)
                with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - os.devnull is a name, not always a path
                    os.dup2(nowhere.fileno(), 2)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                os.dup2(self._kept, 2)
                os.close(self._kept)


_MUTED = _Stderr()
