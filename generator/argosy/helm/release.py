"""A release: what decides what Helm renders, and what it renders to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from argosy.documents.fields import annotations_of
from argosy.documents.plain import parse

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A single value, as of `helm --set`: the name is a path such as `image.tag` or `hosts[0].name`."""

    name: str
    value: str
    force_string: bool = False


@dataclass(frozen=True, slots=True)
class Dependency:
    """A chart that another one depends on, and that charts/ does not have."""

    name: str
    version: str
    """The one that Chart.lock pins, or else what Chart.yaml says, which may be a range."""
    repository: str

    def __str__(self) -> str:
        """Name it as a sentence does."""
        return " ".join(filter(None, (self.name, self.version, self.repository and f"of {self.repository}")))


Fetched = Callable[[Dependency], "Path | str"]
"""Finds a chart that another one depends on, or says why it is not here."""


def offline(_: Dependency) -> Path | str:
    """Have nothing that was fetched."""
    return "it was not fetched (offline)"


def unknown() -> Sequence[str]:
    """Know no API versions but those that Helm has."""
    return ()


@dataclass(frozen=True, slots=True)
class Release:
    """A chart and everything that decides what it renders to, with Argo CD's names and precedence.

    Later values win: the chart's own, `values` in order, `inline`, `parameters`, `file_parameters`.
    """

    chart: Path
    name: str
    namespace: str = ""
    values: Sequence[Path] = ()
    inline: str | Mapping[str, Any] = ""
    """The Application's valuesObject, or the YAML text of its values."""
    parameters: Sequence[Parameter] = ()
    file_parameters: Sequence[tuple[str, Path]] = ()
    kube_version: str = ""
    api_versions: Sequence[str] = ()
    skip_crds: bool = False
    skip_tests: bool = False
    skip_schema_validation: bool = False
    root: Path | None = None
    """The repository, which nothing that is read may leave; None: the folder that holds the chart's."""

    home: Path | None = None
    """Of a chart that was fetched: what it may not leave, while values files are the repository's, or also there."""
    others: Sequence[Path] = ()
    """The folders of what else was fetched, in which values files may be."""
    fetched: Fetched = field(default=offline, compare=False, repr=False)
    """Finds the charts that this one depends on and that are elsewhere."""
    served: Callable[[], Sequence[str]] = field(default=unknown, compare=False, repr=False)
    """Finds the API versions of the cluster, for a chart that asks for them where `api_versions` has none."""

    @property
    def within(self) -> Path:
        """The folder that nothing that is read may leave."""
        return self.root or self.chart.parent

    @property
    def of_chart(self) -> Path:
        """The folder that the chart may not leave."""
        return self.home or self.within


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one template renders to: a YAML stream. `path` is relative to the chart, with `/` between the parts."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """What Helm, or this package on its behalf, remarks about a chart; `path` is relative to the chart."""

    severity: Severity
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A release's manifests, and what has to be said about them."""

    manifests: Sequence[Manifest]
    messages: Sequence[Message] = ()
    lacking: Sequence[str] = ()
    """Why manifests of dependencies are not among these."""
    asks: bool = False
    """Whether the cluster's API versions were found for it, because the chart asks for some."""


def shipped(manifests: Sequence[Manifest], *, skip_tests: bool = False) -> list[Manifest]:
    """Drop what is no manifest: notes, empty renders and, where asked, tests."""
    kept = [each for each in manifests if not each.path.endswith("NOTES.txt")]
    if skip_tests:
        kept = [Manifest(each.path, _without_tests(each.text)) for each in kept]
    return [each for each in kept if re.search(r"^(?!---)[ \t]*[^\s#]", each.text, flags=re.MULTILINE)]


def _without_tests(text: str) -> str:
    if "helm.sh/hook" not in text:
        return text
    parts = re.split(r"^---[ \t]*\n", text, flags=re.MULTILINE)
    return "---\n".join(part for part in parts if not is_test(parse(part)))


def is_test(manifest: Mapping[str, Any]) -> bool:
    """Return whether a manifest is a hook of `helm test`, which Argo CD never applies."""
    hooks = str(annotations_of(manifest).get("helm.sh/hook", ""))
    return bool({"test", "test-success", "test-failure"} & {hook.strip() for hook in hooks.split(",")})
