"""Helm: chart and values -> manifests. The only package that runs Helm.

Helm runs in processes of its own, through helm_python, for a chart may make it work for ever or crash. Where that
package has no build, or a binary is asked for, the `helm` program does the same. Nothing is kept between calls but what
`cache` keeps by content, so that an engine may be shared by threads and always sees the files as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

from argosy import engines, programs
from argosy.engines import HELM, ON_PATH, Engine
from argosy.errors import Fault, OfflineError, RenderError, ToolError
from argosy.helm import differences, workers
from argosy.helm.binary import Binary
from argosy.helm.charts import lintable
from argosy.helm.go_templates import GoTemplateError
from argosy.helm.library import Library
from argosy.helm.release import Dependency, Manifest, Message, Parameter, Release, Rendered

__all__ = [
    "Dependency",
    "Fault",
    "GoTemplateError",
    "Helm",
    "Manifest",
    "Message",
    "OfflineError",
    "Parameter",
    "Release",
    "RenderError",
    "Rendered",
    "choose",
    "engine",
    "lintable",
    "of",
]


class Helm(Protocol):
    """An engine: helm_python or a binary."""

    def render(self, release: Release) -> Rendered:
        """Render a release as Argo CD does, CRDs and test hooks included unless skipped; raise RenderError."""

    def lint(self, release: Release) -> list[Message]:
        """Return what `helm lint --strict` has to say about a chart with a release's values; raise RenderError."""

    def go_templates(
        self, texts: Sequence[str], parameter_sets: Sequence[Mapping[str, Any]], definitions: str = ""
    ) -> list[list[str]]:
        """Render each Go template with each set of parameters as `.` and `$`: a row a set.

        `definitions` holds `{{ define }}`s that the templates may include. A missing key renders as `<no value>`. Raise
        GoTemplateError where one fails, RenderError where Helm had to be stopped.
        """


def engine(chosen: Engine | None = None) -> Helm:
    """Return what an engine renders with, or else this machine's; raise ToolError where there is none.

    A helm on PATH does what helm_python cannot.
    """
    if (found := chosen or engines.named(HELM)) and found.program:
        return Binary(found.program)
    on_path = Binary(path) if (path := programs.find(HELM)) else None
    if workers.package():
        return Library(on_path)
    if on_path:
        return on_path
    raise ToolError(
        "Helm not found: helm-python-sdk does not support this platform, and there is no helm on PATH.",
        "Install Helm 3.14 or newer: https://helm.sh/docs/intro/install/",
    )


def choose(wanted: str = "") -> Engine:
    """Return what renders charts where Argo CD has the Helm that is wanted; raise ToolError where nothing does."""
    if not workers.package() and engines.named(HELM) is None:
        if path := programs.find(HELM):
            return replace(engines.of(HELM, path, ON_PATH), wanted=wanted)
        engine()
    return engines.chosen(HELM, wanted, workers.helm)


@dataclass(frozen=True)
class _WhenNeeded:
    """Helm, looked for when something needs it: a repository without charts can do without."""

    chosen: Callable[[], Engine]

    @cached_property
    def _engine(self) -> Helm:
        return engine(self.chosen())

    def render(self, release: Release) -> Rendered:
        made = self._engine.render(release)
        differing = differences.known(release, self.chosen())
        return replace(made, messages=[*made.messages, *differing]) if differing else made

    def lint(self, release: Release) -> list[Message]:
        return self._engine.lint(release)

    def go_templates(
        self, texts: Sequence[str], parameter_sets: Sequence[Mapping[str, Any]], definitions: str = ""
    ) -> list[list[str]]:
        return self._engine.go_templates(texts, parameter_sets, definitions)


def of(chosen: Callable[[], Engine]) -> Helm:
    """Return the Helm of an engine, which is looked for when it is needed."""
    return _WhenNeeded(chosen)
