"""Helm: chart and values -> manifests. The only package that runs Helm.

Helm runs in processes of its own, through helm_python, for a chart may make it work for ever or crash. Where that
package has no build, or a binary is asked for, the `helm` program does the same. Nothing is kept between calls but what
`cache` keeps by content, so that an engine may be shared by threads and always sees the files as they are.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from argosy.errors import Fault, OfflineError, RenderError, ToolError
from argosy.helm import workers
from argosy.helm.binary import Binary
from argosy.helm.charts import lintable
from argosy.helm.go_templates import GoTemplateError
from argosy.helm.library import Library
from argosy.helm.release import Dependency, Manifest, Message, Parameter, Release, Rendered
from argosy.repository import layout

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


def engine(binary: Path | None = None) -> Helm:
    """Return the engine of this machine, or that binary; raise ToolError where there is none."""
    if binary is not None:
        if not (found := shutil.which(binary)):
            raise ToolError(f"{binary} is not an executable.", "Give the path of a helm binary.")
        return Binary(Path(found))
    on_path = Binary(Path(found)) if (found := shutil.which("helm")) else None
    if workers.package():
        return Library(on_path)
    if on_path:
        return on_path
    raise ToolError(
        "Helm not found: helm-python-sdk does not support this platform, and there is no helm on PATH.",
        "Install Helm 3.14 or newer: https://helm.sh/docs/intro/install/",
    )


@dataclass(frozen=True)
class _WhenNeeded:
    """Helm, looked for when something needs it: a repository without charts can do without."""

    @cached_property
    def _engine(self) -> Helm:
        return engine()

    def render(self, release: Release) -> Rendered:
        return self._engine.render(release)

    def lint(self, release: Release) -> list[Message]:
        return self._engine.lint(release)

    def go_templates(
        self, texts: Sequence[str], parameter_sets: Sequence[Mapping[str, Any]], definitions: str = ""
    ) -> list[list[str]]:
        return self._engine.go_templates(texts, parameter_sets, definitions)


def of(root: Path, binary: Path | None = None) -> Helm:
    """Return the engine for a repository: that binary, or this machine's, which is looked for when it is needed.

    Raise ToolError where the binary is none.
    """
    if binary:
        return engine(binary)
    # Where there are charts, it is to be ready when the first is rendered, whose time its start would count as.
    if workers.package() and next(root.glob(layout.chart("*")), None):
        workers.expect()
    return _WhenNeeded()
