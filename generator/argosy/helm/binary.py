"""Helm as a program."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argosy import engines, supervisor
from argosy.errors import RenderError, ToolError
from argosy.helm import charts, go_templates, kept
from argosy.helm.faults import faults, in_chart, lint_messages, stopped
from argosy.helm.release import Manifest, Message, Release, Rendered, Severity, shipped
from argosy.helm.values import assignments, existing
from argosy.helm.worker import at_home, quoted
from argosy.supervisor import StoppedError

_SEVERITIES: dict[str, Severity] = {"INFO": "info", "WARNING": "warning", "ERROR": "error"}
_LINTED = re.compile(
    r"^\[(INFO|WARNING|ERROR)\] (.*?): (.*?)(?=^\[(?:INFO|WARNING|ERROR)\] |^\d+ chart\(s\)|\Z)",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Binary:
    """The `helm` program."""

    program: Path

    def render(self, release: Release) -> Rendered:
        """Render a release by `helm template`."""
        with charts.complete(release) as made, tempfile.TemporaryDirectory() as scratch:
            charts.refuse_library(charts.metadata_of(made.folder), release)
            knowing = kept.informed(release, made.folder)
            arguments = ["template", release.name, str(made.folder), *_arguments(knowing, Path(scratch))]
            answer = self._answer(knowing, made.folder, arguments)
            if "error" in answer:
                raise RenderError(faults(answer["error"].removeprefix("Error: "), release))
        manifests: dict[str, list[str]] = {}
        for part in re.split(r"^---\n(?=# Source: )", answer["out"], flags=re.MULTILINE):
            source, _, text = part.partition("\n")
            if source.startswith("# Source: "):
                manifests.setdefault(in_chart(source.removeprefix("# Source: ")), []).append(text)
        rendered = shipped([Manifest(path, "---\n".join(texts)) for path, texts in manifests.items()])
        lacking = [str(each) for each in made.lacking]
        return Rendered(rendered, made.messages, lacking, knowing is not release)

    def lint(self, release: Release) -> list[Message]:
        """Return what `helm lint` says."""
        with tempfile.TemporaryDirectory() as scratch:
            arguments = ["lint", "--strict", str(release.chart), *_values(release, Path(scratch))]
            # Where the linter finds fault with a chart, that is no failure of its own.
            answer = self._answer(release, release.chart, arguments, codes=(0, 1))
        found = _LINTED.findall(answer["out"])
        return lint_messages(release, ((_SEVERITIES[severity], path, text) for severity, path, text in found))

    def go_templates(
        self, texts: Sequence[str], parameter_sets: Sequence[Mapping[str, Any]], definitions: str = ""
    ) -> list[list[str]]:
        """Render Go templates by `helm template`."""
        with tempfile.TemporaryDirectory() as scratch:
            chart, values = Path(scratch, "templates.tgz"), Path(scratch, "values.json")
            chart.write_bytes(go_templates.archive(texts, definitions))
            values.write_text(json.dumps({"sets": list(parameter_sets)}))
            try:
                code, out, err = self._run("template", "templates", str(chart), "--values", str(values))
            except StoppedError as error:
                raise stopped(error) from error
        if code:
            raise go_templates.failure(err.removeprefix("Error: "))
        return go_templates.rows(out)

    def _answer(
        self, release: Release, chart: Path, arguments: Sequence[str], codes: Sequence[int] = (0,)
    ) -> dict[str, Any]:
        """Return what the program prints about a chart's folder as `out`; as `error` where it fails."""

        def ask() -> dict[str, Any]:
            code, out, err = self._run(*arguments)
            return {"out": out} if code in codes else {"out": out, "error": err}

        engine = engines.of(engines.HELM, self.program, "")
        try:
            return kept.answer(release, chart, [arguments[0], *engine.facts] if engine.version else None, ask)
        except StoppedError as error:
            raise stopped(error, release) from error

    def _run(self, *arguments: str) -> tuple[int, str, str]:
        try:
            with tempfile.TemporaryDirectory() as home:
                code, out, err = supervisor.run([str(self.program), *arguments], at_home(home))
        except OSError as error:
            raise ToolError(f"{self.program} does not run: {error.strerror}.", "Give another helm binary.") from error
        return code, out, err.replace("\nUse --debug flag to render out invalid YAML\n", "")


def _arguments(release: Release, scratch: Path) -> Iterator[str]:
    """Yield `helm template`'s arguments for a release, as Argo CD gives them."""
    yield from ("--namespace", release.namespace or "default")
    yield from _values(release, scratch)
    if release.kube_version:
        yield from ("--kube-version", release.kube_version)
    for version in release.api_versions:
        yield from ("--api-versions", version)
    flags = {
        "--include-crds": not release.skip_crds,
        "--skip-tests": release.skip_tests,
        "--skip-schema-validation": release.skip_schema_validation,
    }
    yield from (flag for flag, on in flags.items() if on)


def _values(release: Release, scratch: Path) -> Iterator[str]:
    """Yield the arguments that set a release's values; `scratch` takes the inline ones."""
    for file in release.values:
        yield from ("--values", quoted(str(existing(file))))
    if release.inline:
        inline = scratch / "inline.yaml"
        text = release.inline if isinstance(release.inline, str) else json.dumps(release.inline)
        inline.write_text(text, encoding="utf-8")
        yield from ("--values", str(inline))
    for flag, text in assignments(release):
        yield from (flag, text)
