"""Helm through helm_python, in processes of its own."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from argosy.errors import Fault, RenderError
from argosy.helm import charts, go_templates, kept, workers
from argosy.helm.binary import Binary
from argosy.helm.faults import faults, in_chart, invalid_yaml, lint_messages, stopped
from argosy.helm.release import Manifest, Message, Release, Rendered, Severity, shipped
from argosy.helm.values import assignments, existing
from argosy.supervisor import StoppedError


@dataclass(frozen=True, slots=True)
class Library:
    """helm_python, and the binary for what helm_python cannot do: other cluster versions and APIs."""

    binary: Binary | None

    def render(self, release: Release) -> Rendered:
        """Render a release; say so where it would need a cluster's version or APIs, and there is no binary."""
        with charts.complete(release) as made:
            knowing = kept.informed(release, made.folder)
            asked: dict[str, Any] = {
                "values": _values(release),
                "name": release.name,
                "namespace": release.namespace or "default",
                "leave": self.binary is not None,
                "lacking": [each.declared for each in made.lacking],
            }
            if knowing.api_versions and not self.binary:
                asked["api_versions"] = [*knowing.api_versions]
            answer = _asked(knowing, "render", made.folder, **asked)
        charts.refuse_library(answer["metadata"], release)
        lacking = [str(each) for place, each in enumerate(made.lacking) if place in answer["lacking"]]
        if answer["asks"] and self.binary:
            return replace(self.binary.render(knowing), lacking=lacking, asks=knowing is not release)
        texts = answer["texts"]
        crds = [] if release.skip_crds else [(crd["filename"], crd["data"]) for crd in answer["crds"]]
        manifests = [Manifest(in_chart(path), _separated(text)) for path, text in (*crds, *texts.items())]
        remarks = [*made.messages, *(_dishonoured(release, knowing) if answer.get("else", answer["asks"]) else ())]
        asks = knowing is not release
        return Rendered(shipped(manifests, skip_tests=release.skip_tests), remarks, lacking, asks)

    def lint(self, release: Release) -> list[Message]:
        """Return what Helm's linter says."""
        answer = _asked(
            release, "lint", release.chart, values=_values(release), skip_schemas=release.skip_schema_validation
        )
        severities: dict[int, Severity] = {1: "info", 2: "warning"}
        found = (
            (severities.get(each["severity"], "error"), each["path"], each["error"]) for each in answer["messages"]
        )
        return lint_messages(release, found)

    def go_templates(
        self, texts: Sequence[str], parameter_sets: Sequence[Mapping[str, Any]], definitions: str = ""
    ) -> list[list[str]]:
        """Render Go templates."""
        archive = base64.b64encode(go_templates.archive(texts, definitions)).decode()
        try:
            answer = workers.ask("render_archive", archive=archive, values={"sets": list(parameter_sets)})
        except StoppedError as error:
            raise stopped(error) from error
        if "error" in answer:
            raise go_templates.failure(answer["error"])
        return go_templates.rows(answer["texts"][go_templates.MAIN])


def _values(release: Release) -> Mapping[str, Any]:
    return {
        "files": [str(existing(file)) for file in release.values],
        "inline": release.inline,
        "assignments": list(assignments(release)),
    }


def _asked(release: Release, task: str, chart: Path, **arguments: Any) -> Mapping[str, Any]:
    """Have a worker do a task with a release and its chart, or a copy; raise RenderError where it cannot."""

    facts = [task, workers.version(), arguments.get("leave"), arguments.get("lacking")]
    try:
        answer = kept.answer(release, chart, facts, lambda: workers.ask(task, chart=str(chart), **arguments))
    except StoppedError as error:
        raise stopped(error, release) from error
    if "file" in answer:
        raise RenderError([invalid_yaml(answer["error"], Path(answer["file"]))])
    if "error" in answer:
        raise RenderError(faults(answer["error"], release))
    if "odd" in answer:
        raise RenderError([Fault(f"It cannot be rendered: {answer['odd']}.", release.chart / "Chart.yaml")])
    return answer


_SEPARATOR = re.compile(r"^---(?=[^\s-])", re.MULTILINE)


def _separated(text: str) -> str:
    """Return a rendered text with each `---` on a line of its own, as `helm template` prints it.

    Helm separates manifests at each line that begins so: a `{{-` after it often takes the line's end away.
    """
    return _SEPARATOR.sub("---\n", text)


def _dishonoured(release: Release, knowing: Release) -> list[Message]:
    """Say what helm_python could not take into account, of a release and what is known of the cluster beside it."""
    asked = f" (kubeVersion {release.kube_version} not supported)" if release.kube_version else ""
    known = f"with {', '.join(release.api_versions)}" if release.api_versions else "without custom ones"
    if not release.api_versions and knowing.api_versions:
        known = "with the APIs that the repository tells of"
    text = (
        f"The chart checks the cluster's version or APIs. It was rendered for Kubernetes 1.36 {known}{asked}. Install "
        "helm on PATH for an exact result."
    )
    return [Message("warning", "Chart.yaml", text)]
