"""What leads to what: roots, ApplicationSets, Applications and resources, as text, JSON and pictures."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from argosy.argocd import hydration, matching, waves
from argosy.argocd.clusters import SECRET_TYPE
from argosy.argocd.deployments import Deployments
from argosy.argocd.reach import Root, is_argocds
from argosy.argocd.rendering import Render
from argosy.argocd.sources import Kind
from argosy.argocd.view import ArgoApplication, key
from argosy.documents import Document, is_manifest, items
from argosy.documents.fields import field, text
from argosy.findings import Unreached
from argosy.terminal import without_logins

APPLICATION, APPLICATION_SET, OVERLAY, CHART = "Application", "ApplicationSet", "Kustomization", "Chart"


@dataclass(frozen=True, slots=True)
class Node:
    """Something that is applied, and what it leads to."""

    kind: str
    """Of Kubernetes', or Kustomization and Chart for what is applied by hand."""
    name: str
    path: str
    """Where it comes from."""
    application: str = ""
    environment: str = ""
    cluster: str = ""
    """Where an Application deploys to: the cluster's name, or else its server."""
    namespace: str = ""
    hydrated: str = ""
    """The branch and the folder that Argo CD commits an Application's manifests to, and applies them from."""
    reason: str = ""
    """Why what it leads to is not all known, or why nothing says that it is applied."""
    phase: str = "Sync"
    """When it is applied, as what leads to it is: the phase, and the wave within it."""
    wave: int = 0
    is_repeated: bool = False
    """Whether it was shown before, with what it leads to."""
    is_outline: bool = False
    """Whether it stands for Applications of which only an outline is known here."""
    children: Sequence[Node] = ()

    @property
    def title(self) -> str:
        """What it is called: `Application shop-dev`."""
        return f"{self.kind} {self.name}"

    @property
    def where(self) -> str:
        """Where an Application deploys to: `dev, in-cluster/shop`, and where it is hydrated to."""
        place = "/".join(filter(None, (self.cluster, self.namespace))) if self.kind == APPLICATION else self.namespace
        hydrated = f"hydrated to {self.hydrated}" if self.hydrated else ""
        return ", ".join(filter(None, (self.environment, place, hydrated)))

    def all(self) -> Iterator[Node]:
        """Yield it, and all that it leads to."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(node.children)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that is declared, and what goes to it."""

    name: str
    server: str
    labels: Mapping[str, str]
    path: str
    """Where it is declared."""
    applications: Sequence[str]


@dataclass(frozen=True, slots=True)
class Tree:
    """What leads to what in a repository, and what nothing leads to."""

    roots: Sequence[Node]
    unreached: Sequence[Unreached]
    clusters: Sequence[Cluster] = ()
    """Those that are declared."""

    @property
    def unresolved(self) -> Sequence[Node]:
        """What leads to something that is not known here."""
        return [node for root in self.roots for node in root.all() if node.reason and not node.is_repeated]


def of(found: Deployments, *, resources: bool = True) -> Tree:
    """Return the tree of what was found, with the resources that Applications render, or without."""
    growing = _Growing(found, resources)
    roots = [growing.root(each) for each in found.reach.roots]
    unreached = [
        Unreached(entry.file.path, found.reach.why_not(entry), max(len(entry.documents), 1))
        for entry in found.inventory.entries
        if entry.file.path not in found.reach.files
    ]
    return Tree(roots, unreached, [*_clusters(found)])


def _clusters(found: Deployments) -> Iterator[Cluster]:
    users = [(each.name, matching.cluster(each, found.view)) for each in found.view.applications]
    for each in found.view.clusters.known:
        labels = {key: value for key, value in each.labels.items() if key != SECRET_TYPE}
        applications = [name for name, place in users if {each.name, (each.server or "").rstrip("/")} & {*place}]
        server = without_logins(each.server or "")
        yield Cluster(each.name or "", server, labels, each.document.path, applications)


def only(tree: Tree, applications: Collection[str], environments: Collection[str]) -> Tree:
    """Return the part of a tree that leads to some applications, by any of their names, in some environments."""

    def is_meant(node: Node) -> bool:
        is_named = not applications or node.name in applications or node.application in applications
        return node.kind == APPLICATION and is_named and (not environments or node.environment in environments)

    def pruned(node: Node) -> Node | None:
        if is_meant(node):
            return node
        children = [kept for child in node.children if (kept := pruned(child))]
        return replace(node, children=children) if children else None

    return Tree([kept for root in tree.roots if (kept := pruned(root))], ())


class _Growing:
    def __init__(self, found: Deployments, resources: bool) -> None:
        self.found = found
        self.resources = resources
        self.shown: set[str] = set()

    def root(self, root: Root) -> Node:
        """Return the node of what is applied by hand."""
        if root.render is None:
            node = self.declared(root.documents[0])
        else:
            kind = CHART if root.render.source.kind is Kind.HELM else OVERLAY
            children = [*map(self.declared, root.documents), *self._resources([root.render])]
            reason = _unknown(root.render, self.found.view.root)
            node = Node(kind, root.path, root.path, environment=root.variant, reason=reason, children=children)
        return replace(node, reason=node.reason or "no root leads to it") if root.is_unrooted else node

    def declared(self, document: Document) -> Node:
        """Return the node of an Application, an ApplicationSet or an AppProject."""
        kind, name = text(field(document.data, "kind")), text(field(document.data, "metadata", "name"))
        made = self.found.reach.below(document)
        if kind == APPLICATION and made:
            return self.application(made[0])
        reason = self._sets.get(self.found.reach.identify(document), "")
        node = Node(kind, name, document.path, reason=reason, wave=waves.wave(document.data))
        return replace(node, children=[*map(self.application, made)])

    def application(self, application: ArgoApplication) -> Node:
        """Return the node of an Application, with what it renders."""
        renders = self._renders.get(key(application), ())
        server, name = matching.cluster(application, self.found.view)
        hydrated = hydration.destination(application)
        node = Node(
            APPLICATION,
            application.name,
            application.document.path,
            application=application.application,
            environment=application.environment,
            cluster=without_logins(name or server or ""),
            namespace=matching.namespace_of(application),
            hydrated=f"{hydrated.branch}:{hydrated.folder}" if hydrated else "",
            is_outline=bool(application.outlined),
            wave=waves.wave(application.manifest),
            reason="; ".join(dict.fromkeys(filter(None, (_unknown(each, self.found.view.root) for each in renders)))),
        )
        if key(application) in self.shown:
            return replace(node, is_repeated=True)
        self.shown.add(key(application))
        found = self.found.reach.declared.get(key(application), ())
        # One that applies itself leads to what else it applies.
        declared = [self.declared(each) for each in found if application not in self.found.reach.below(each)]
        return replace(node, children=[*declared, *self._resources(renders)])

    def _resources(self, renders: Sequence[Render]) -> Iterator[Node]:
        documents = (item for each in renders for document in each.documents for item in items(document))
        for document in documents if self.resources else ():
            if is_manifest(document.data) and not is_argocds(document):
                name = text(field(document.data, "metadata", "name"))
                namespace = text(field(document.data, "metadata", "namespace"))
                phase, wave = waves.phase(document.data), waves.wave(document.data)
                kind = document.data["kind"]
                yield Node(kind, name, document.path, namespace=namespace, phase=phase, wave=wave)

    @cached_property
    def _renders(self) -> Mapping[str, Sequence[Render]]:
        made: dict[str, list[Render]] = {}
        for each in self.found.renders:
            if each.application is not None:
                made.setdefault(key(each.application), []).append(each)
        return made

    @cached_property
    def _sets(self) -> Mapping[object, str]:
        """Why the Applications of an ApplicationSet are not all known."""
        told = [(document, problem.message) for _, problem, document in self.found.problems]
        reasons: dict[object, list[str]] = {}
        for document, reason in (*self.found.unknown, *told):
            reasons.setdefault(self.found.reach.identify(document), []).append(reason)
        return {this: "; ".join(dict.fromkeys(several)) for this, several in reasons.items()}


def _unknown(render: Render, root: Path) -> str:
    """Return why what a render gives is not known, or nothing."""
    missing = (f"{miss.path}: {miss.reason}" for miss in render.source.misses)
    faults = (
        replace(each, path=each.path.relative_to(root)) if each.path and each.path.is_relative_to(root) else each
        for each in render.faults
    )
    return "; ".join(filter(None, (render.skipped, *map(str, faults), *missing)))
