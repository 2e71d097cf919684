"""The API versions that Argo CD tells charts a cluster has, as far as a repository tells which those are.

They are those of Kubernetes; those of what the repository installs in the cluster, by CustomResourceDefinitions,
APIServices, or an operator that brings its own; and those of what it has the cluster hold, which could not be applied
otherwise. Source: APIResourcesToStrings in Argo CD's util/argo.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from argosy.argocd.clusters import Clusters
from argosy.argocd.matching import IN_CLUSTER_SERVER
from argosy.argocd.sources import Kind
from argosy.documents import Document, is_manifest
from argosy.documents.fields import field as at
from argosy.documents.fields import mapping, sequence, text
from argosy.errors import UsageError
from argosy.schemas import bundled
from argosy.schemas.builtin_kinds import BUILT_IN_GROUPS, kubernetes, minor

if TYPE_CHECKING:
    from argosy.argocd.inventory import Inventory
    from argosy.argocd.rendering import Render

ServedKind = tuple[str, str]
"""The apiVersion and the kind; the kind is empty where only the version is known."""
_ANYWHERE = ""
_OPERATORS = {"kube-prometheus-stack": "prometheus-operator"}
"""The charts that are not named after the operator that they install."""


@dataclass(frozen=True)
class Capabilities:
    """What is known of the API versions of each cluster."""

    versions: Sequence[str] = ()
    """The versions of Kubernetes that the clusters may have; none: nothing is known."""
    clusters: Clusters = field(default_factory=Clusters, compare=False)
    custom: Mapping[str, frozenset[ServedKind]] = field(default_factory=dict)
    """The kinds beside Kubernetes' own by the server of a cluster, or else its name; empty for those of any."""

    def of(self, destination: Mapping[str, Any]) -> Sequence[str]:
        """Return the API versions of the cluster that an Application deploys to; of all, where that is not known."""
        return self._listed(_cluster(destination, self.clusters)) if self.versions else ()

    def with_kinds(self, custom: Mapping[str, frozenset[ServedKind]]) -> Capabilities:
        """Return them with more kinds: what was known stays, so that charts that ask each other come to an end."""
        both = {
            each: self.custom.get(each, frozenset()) | custom.get(each, frozenset()) for each in {*self.custom, *custom}
        }
        return replace(self, custom=both)

    def _listed(self, cluster: str) -> Sequence[str]:
        known = self.custom.values() if cluster == _ANYWHERE else (self.custom.get(each, ()) for each in (cluster, ""))
        kinds = self._built_in.union(*known)
        return sorted({"/".join(filter(None, each)) for kind in kinds for each in (kind, kind[:1])})

    @cached_property
    def _built_in(self) -> frozenset[ServedKind]:
        return frozenset.intersection(*(_served(each) for each in self.versions))


@cache
def _served(version: str) -> frozenset[ServedKind]:
    try:
        return kubernetes(minor(version)).served()
    except UsageError:
        return frozenset()  # Who validates is told of it.


def installed_kinds(
    renders: Sequence[Render], inventory: Inventory, overlaid: Collection[str], clusters: Clusters
) -> Mapping[str, frozenset[ServedKind]]:
    """Return the kinds that clusters have by what is rendered, and what is written for no Application or overlay."""
    found: dict[str, set[ServedKind]] = {_ANYWHERE: set()}
    operators: dict[str, set[str]] = {}
    deployed: set[tuple[str, int]] = set()
    for render in renders:
        spec = render.application.spec if render.application else {}
        cluster = _cluster(mapping(spec.get("destination")), clusters)
        operators.setdefault(cluster, set()).update(_named(render, inventory))
        for document in render.documents:
            found.setdefault(cluster, set()).update(_kinds(document))
            if render.written:
                deployed.add((document.path, document.index))
    for document in inventory.manifests:
        if document.path not in overlaid and (document.path, document.index) not in deployed:
            found[_ANYWHERE].update(_kinds(document))
    for cluster, names in operators.items():
        kinds = found.setdefault(cluster, set())
        groups = {_group(version) for version, _ in kinds | found[_ANYWHERE]}
        for name in names:
            kinds |= {each for each in bundled.of_operator(name) if _group(each[0]) not in groups}
    return {cluster: frozenset(kinds) for cluster, kinds in found.items() if kinds}


def _named(render: Render, inventory: Inventory) -> Iterator[str]:
    """Yield the operators that a chart, or what it depends on, may be of, by its name."""
    folder, chart = render.source.folder, text(render.source.spec.get("chart"))
    head = inventory.head(folder, "Chart.yaml") if folder and render.source.kind is Kind.HELM else {}
    names = [
        chart.rpartition("/")[2],
        head.get("name"),
        *(at(each, "name") for each in sequence(head.get("dependencies"))),
    ]
    for name in filter(None, map(text, names)):
        yield _OPERATORS.get(name, name)


def _cluster(destination: Mapping[str, Any], clusters: Clusters) -> str:
    named = text(destination.get("server")).rstrip("/"), text(destination.get("name"))
    if "{{" in "".join(named):
        return _ANYWHERE
    server, name = clusters.both(named[0] or None, named[1] or None)
    return IN_CLUSTER_SERVER if name == "in-cluster" else server or name or _ANYWHERE


def _kinds(document: Document) -> Iterator[ServedKind]:
    data = document.data
    if not is_manifest(data):
        return
    version, kind = data["apiVersion"], data["kind"]
    if kind == "CustomResourceDefinition":
        group, defined = text(at(data, "spec", "group")), text(at(data, "spec", "names", "kind"))
        for each in map(mapping, sequence(at(data, "spec", "versions"))):
            if each.get("served") is not False and group:
                yield f"{group}/{text(each.get('name'))}", defined
    elif kind == "APIService":
        yield f"{text(at(data, 'spec', 'group'))}/{text(at(data, 'spec', 'version'))}", ""
    elif _group(version) not in BUILT_IN_GROUPS:
        yield version, kind


def _group(api_version: str) -> str:
    return api_version.rpartition("/")[0]
