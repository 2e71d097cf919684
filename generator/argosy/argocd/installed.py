"""Which Argo CD a repository installs: the places that pin its version, and the versions that they pin.

It may be one of its own manifests or their copy, an image, the chart argo-cd, an ArgoCD of argocd-operator, or what
`.argosy.yaml` says of an Argo CD that is installed from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from argosy.argocd import versions
from argosy.argocd.inventory import Entry, Inventory, Role
from argosy.argocd.settings import CHART
from argosy.argocd.view import sources_of
from argosy.documents import Document, Pointer
from argosy.documents.fields import JSON, field, group_and_kind, mapping, sequence, text
from argosy.repository import installation, layout

INSTALL = f"{layout.INSTALL_MANIFESTS.rpartition('/')[0]}/kustomization.yaml"
"""Where argosy's own layout installs it."""
_IMAGE = re.compile(r"(?:[^/\s]+/)*argoproj/argocd")
_OWN = re.compile(r"argoproj/argo-cd(?:\.git)?/")
_RELEASE = re.compile(r"\bv?(\d{1,9}\.\d{1,9}\.\d{1,9})\b")
_TAG = re.compile(r"v?(\d{1,9}\.\d{1,9}\.\d{1,9})")


class Way(StrEnum):
    """How Argo CD is installed."""

    MANIFESTS = "manifests"
    """Its release's manifests, taken from their URL."""
    COPY = "copy"
    """A copy of these, in the repository."""
    IMAGE = "image"
    CHART = "chart"
    """The chart argo-cd of argo-helm, by its version."""
    OPERATOR = "operator"
    DECLARED = "declared"
    """`.argosy.yaml` says so."""


@dataclass(frozen=True, slots=True, eq=False)
class Install:
    """A place that pins Argo CD's version."""

    version: str
    """Argo CD's: 3.5.1, or 3.5 where the place tells no more."""
    way: Way
    document: Document
    at: Pointer
    """The field that pins it, of the document."""
    pin: str
    """What is written there that names the version: of a chart its own version."""

    @property
    def line(self) -> int:
        """The line of the field."""
        return self.document.line_of(self.at) or 1

    def __str__(self) -> str:
        """Name the place."""
        return f"{self.document.path}:{self.line}"


def find(inventory: Inventory) -> Sequence[Install]:
    """Return the places that pin Argo CD's version: what `.argosy.yaml` says, or else all that there are.

    Where a repository has argosy's layout, only its own place counts.
    """
    found = [install for entry in inventory.entries for install in _in(entry)]
    declared = [each for each in found if each.way is Way.DECLARED]
    own = [each for each in found if each.document.path == INSTALL]
    return declared or own or found


def of(installs: Iterable[Install]) -> str:
    """Return the version of Argo CD that all places agree on, as exact as one of them says it; "" where they do not."""
    found = sorted({each.version for each in installs}, key=len)
    if len({versions.minor(each) for each in found}) != 1:
        return ""
    exact = {each for each in found if each.count(".") == 2}
    return exact.pop() if len(exact) == 1 else versions.minor(found[0])


def _in(entry: Entry) -> Iterator[Install]:
    for document, role in entry.documents:
        if role is Role.KUSTOMIZATION:
            yield from _in_kustomization(document, entry)
        elif role is Role.CHART:
            if document.path.endswith("/Chart.yaml"):
                yield from _in_chart(document)
        elif isinstance(document.data, dict) and (made := _MANIFEST.get(text(document.data.get("kind")))):
            yield from made(document)
        elif document.path == layout.CONFIGURATION:
            yield from _declared(document)


def _in_kustomization(document: Document, entry: Entry) -> Iterator[Install]:
    for name in ("resources", "bases", "components"):
        for place, resource in enumerate(sequence(field(document.data, name))):
            at = (name, place)
            if release := _released(text(resource)):
                yield Install(release, Way.MANIFESTS, document, at, release)
            elif resource == _COPY and (release := _released(installation.named(entry.parsed.text.encode()))):
                yield Install(release, Way.COPY, document, at, release)
    for place, image in enumerate(map(mapping, sequence(field(document.data, "images")))):
        named = text(image.get("newName")) or text(image.get("name"))
        if _IMAGE.fullmatch(named) and (found := _TAG.fullmatch(text(image.get("newTag")))):
            yield Install(found[1], Way.IMAGE, document, ("images", place, "newTag"), found[1])
    for place, chart in enumerate(map(mapping, sequence(field(document.data, "helmCharts")))):
        if chart.get("name") == CHART:
            yield from _of_chart(document, ("helmCharts", place, "version"), chart.get("version"))


_COPY = layout.INSTALL_MANIFESTS.rpartition("/")[2]


def _released(url: str) -> str:
    """Return the version that a URL of Argo CD's own manifests names; "" for any other URL."""
    own = _OWN.search(url)
    release = _RELEASE.search(url, own.end()) if own else None
    return release[1] if release else ""


def _in_chart(document: Document) -> Iterator[Install]:
    head = mapping(document.data)
    if head.get("name") == CHART and (found := _TAG.fullmatch(text(head.get("appVersion")))):
        yield Install(found[1], Way.CHART, document, ("appVersion",), found[1])
    for place, each in enumerate(map(mapping, sequence(head.get("dependencies")))):
        if each.get("name") == CHART:
            yield from _of_chart(document, ("dependencies", place, "version"), each.get("version"))


def _of_chart(document: Document, at: Pointer, version: JSON) -> Iterator[Install]:
    if found := versions.of_chart(text(version)):
        yield Install(found.minor, Way.CHART, document, at, text(version))


def _of_application(document: Document) -> Iterator[Install]:
    yield from _of_sources(document, ("spec",))


def _of_set(document: Document) -> Iterator[Install]:
    yield from _of_sources(document, ("spec", "template", "spec"))


def _of_sources(document: Document, above: Pointer) -> Iterator[Install]:
    if group_and_kind(document.data)[0] != "argoproj.io":
        return
    for at, source in sources_of(mapping(field(document.data, *above))):
        if text(source.get("chart")).rpartition("/")[2] == CHART:
            yield from _of_chart(document, (*above, *at, "targetRevision"), source.get("targetRevision"))


def _of_operator(document: Document) -> Iterator[Install]:
    pinned = text(field(document.data, "spec", "version"))
    if found := _TAG.fullmatch(pinned):
        yield Install(found[1], Way.OPERATOR, document, ("spec", "version"), found[1])


def _of_workload(document: Document) -> Iterator[Install]:
    labels = mapping(field(document.data, "metadata", "labels"))
    if labels.get("app.kubernetes.io/part-of") != "argocd":
        return
    at = ("spec", "template", "spec", "containers")
    for place, container in enumerate(map(mapping, sequence(field(document.data, *at)))):
        name, _, tag = text(container.get("image")).partition("@")[0].rpartition(":")
        if _IMAGE.fullmatch(name) and (found := _TAG.fullmatch(tag)):
            yield Install(found[1], Way.IMAGE, document, (*at, place, "image"), found[1])


_MANIFEST = {
    "Application": _of_application,
    "ApplicationSet": _of_set,
    "ArgoCD": _of_operator,
    "Deployment": _of_workload,
    "StatefulSet": _of_workload,
}


def _declared(document: Document) -> Iterator[Install]:
    said = text(field(document.data, "argocdVersion"))
    if versions.numbers(said):
        yield Install(said.removeprefix("v"), Way.DECLARED, document, ("argocdVersion",), said)
