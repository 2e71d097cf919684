"""What a rule may look at: the whole repository as validation sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from argosy.argocd.clusters import Clusters
from argosy.argocd.inventory import everything
from argosy.argocd.urls import normal_url
from argosy.documents import Document, Pointer

if TYPE_CHECKING:
    from argosy.argocd.capabilities import Capabilities
    from argosy.argocd.elsewhere import Read
    from argosy.argocd.engines import Engines
    from argosy.argocd.installed import Install
    from argosy.argocd.policies import Policy
    from argosy.argocd.settings import Settings

Resource = tuple[str, str, str]
"""The group, kind and name of a resource that an Application renders."""

CONFIG_MAPS = SETTINGS, ACCESS, NOTIFICATIONS = "argocd-cm", "argocd-rbac-cm", "argocd-notifications-cm"
"""Argo CD's own ConfigMaps."""


@dataclass(frozen=True, eq=False)
class ArgoApplication:
    """An Argo CD Application as the cluster would get it: written in a file, made by an ApplicationSet, or rendered."""

    manifest: Mapping[str, Any]
    """The Application, nulls dropped as an API server drops them."""
    document: Document
    """Where it is written: an Application's document, or the ApplicationSet's."""
    prefix: Pointer = ()
    """Where in `document` the Application stands: () or ("spec", "template")."""
    application: str = ""
    environment: str = ""
    pull_request: Mapping[str, str] = field(default_factory=dict)
    """The example of a pull request that it is made for: Argo CD makes one like it for each that there is."""
    outlined: str = ""
    """Why only an outline of it is known, in which texts with `{{` name what is not known here; empty for all of it."""

    @cached_property
    def name(self) -> str:
        """The Application's name."""
        return str(self.metadata.get("name", ""))

    @cached_property
    def metadata(self) -> Mapping[str, Any]:
        """The Application's metadata, empty where they are none."""
        return _mapping(self.manifest.get("metadata"))

    @cached_property
    def spec(self) -> Mapping[str, Any]:
        """The Application's spec, empty where there is none."""
        return _mapping(self.manifest.get("spec"))

    @cached_property
    def sources(self) -> Sequence[tuple[Pointer, Mapping[str, Any]]]:
        """The sources that its manifests are made from, each with its place in the Application."""
        return [(("spec", *at), source) for at, source in sources_of(self.spec)]

    def at(self, *pointer: str | int) -> Pointer:
        """Return the place in `document` of a field of the Application."""
        return (*self.prefix, *pointer)


def sources_of(spec: Mapping[str, Any]) -> Sequence[tuple[Pointer, Mapping[str, Any]]]:
    """Return the sources that an Application's manifests are made from, each with its place in the spec.

    Any `sources` win over `source`. With a `sourceHydrator`, Argo CD applies what it committed to a branch before, made
    from the dry source: that is the one, and wins over both.
    """
    if isinstance(hydrator := spec.get("sourceHydrator"), dict) and hydrator:
        dry = hydrator.get("drySource")
        return [(("sourceHydrator", "drySource"), dry)] if isinstance(dry, dict) else []
    several = spec.get("sources")
    if isinstance(several, list) and several:
        return [(("sources", index), _mapping(each)) for index, each in enumerate(several)]
    single = spec.get("source")
    return [(("source",), single)] if isinstance(single, dict) else []


@dataclass(frozen=True, slots=True)
class Dropped:
    """A path that an Application on the default branch reads from the branch that is looked at."""

    application: str
    path: str
    branch: str
    default: str
    is_missing: bool
    """Whether it is not there; otherwise it is, and something else is rendered because of it."""


def _any_engines() -> Engines:
    from argosy.argocd.engines import Engines  # noqa: PLC0415

    return Engines()


def _by_default() -> Settings:
    from argosy.argocd.settings import Settings  # noqa: PLC0415 - which is read from a View

    return Settings()


def _unknown() -> Capabilities:
    from argosy.argocd.capabilities import Capabilities  # noqa: PLC0415 - which is found in a View

    return Capabilities()


@dataclass(frozen=True, eq=False)
class View:
    """The repository as rules see it."""

    root: Path
    documents: Sequence[Document] = ()
    """Every Kubernetes manifest that is written in a file."""
    applications: Sequence[ArgoApplication] = ()
    rendered: Mapping[str, Sequence[Document]] = field(default_factory=dict)
    """The manifests that each Application renders to, by `key(application)`."""
    urls: frozenset[str] = frozenset()
    """This repository's own URLs, normalised; empty where nothing tells them."""
    work_tree: Path | None = None
    """The user's work tree that all this is, or is a state of; None where nobody knows."""
    remotes: frozenset[str] = frozenset()
    """The URLs that it fetches from, normalised: these are the user's word, where a repository can say any URL."""
    least_privilege: bool = False
    """Whether projects outside production, too, permit no more than what is used."""
    policies: Sequence[Policy] = ()
    """The repository's own, besides those that are deployed."""
    projects: Mapping[str, Document] = field(default_factory=dict)
    """AppProjects by name."""
    namesakes: Mapping[str, Sequence[Document]] = field(default_factory=dict)
    """All AppProjects of a name: each Argo CD has its own."""
    environments: Mapping[str, Document] = field(default_factory=dict)
    """The settings of each environment of argosy's layout, by the environment's name."""
    clusters: Clusters = field(default_factory=Clusters)
    """The clusters that the repository declares."""
    teams: Mapping[str, Document] | None = None
    """The settings of each team by its name, where teams have AppProjects of their own."""
    application_settings: Mapping[str, Document] = field(default_factory=dict)
    """The settings of each application of argosy's layout, by the application's name."""
    quotas: bool = False
    """Whether the repository's namespaces have quotas."""
    settings: Settings = field(default_factory=_by_default)
    """What the repository says of Argo CD's own settings."""
    capabilities: Capabilities = field(default_factory=_unknown)
    """What the repository tells of the API versions that its clusters have."""
    patches: Sequence[Document] = ()
    """The manifests that are patches of Kustomize for a base that lies elsewhere: each is a part of an object."""
    overlaid: frozenset[str] = frozenset()
    """The files that kustomizations take in: what they leave open, such as an image's tag, an overlay may fill in."""
    revisions: Set[str] = frozenset()
    """The branches and tags of the repository; empty where it is none, or has none."""
    has_every_branch: Callable[[], bool] = lambda: True
    """Whether a branch that is not among `revisions` is nowhere: a CI job's clone has the one that it tests."""
    lacking: Mapping[str, Sequence[tuple[Read, str]]] = field(default_factory=dict)
    """What Applications read on branches that do not have it so, with the path that is wrong, by `key(application)`."""
    former: Callable[[], Mapping[str, Collection[Resource]]] = dict
    """Find what the Applications rendered before that are made from something else since, by their names."""
    dropped: Callable[[], Sequence[Dropped]] = tuple
    """Find what Applications on the default branch read here, and is not as they read it."""
    wanted: Callable[[str], bool] = everything
    """Which paths of the repository are looked at."""
    partial: frozenset[str] = frozenset()
    """The Applications of which some manifests are unknown here, by `key(application)`."""
    places: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Which Argo CDs an Application is in, named after the roots that lead to it, by `key(application)`."""
    unlisted: Sequence[Document] = ()
    """The ApplicationSets of which some Applications are unknown here, or stand for others."""
    installs: Sequence[Install] = ()
    """The places that pin Argo CD's version."""
    engines: Engines = field(default_factory=_any_engines)
    """What renders."""
    argocd: str = ""
    """The version of Argo CD that these agree on: 3.5.1, or 3.5 where none is more exact; empty where they do not."""

    @cached_property
    def readers(self) -> Counter[str]:
        """How many Applications read each repository, by its URL, normalised."""
        return Counter(
            url
            for each in self.applications
            for url in {normal_url(str(source.get("repoURL") or "")) for _, source in each.sources}
        )

    def places_of(self, application: ArgoApplication) -> frozenset[str]:
        """Return which Argo CDs an Application is in, all being one where nothing tells."""
        return self.places.get(key(application), _ONE)

    def project_of(self, application: ArgoApplication, name: str) -> Document | None:
        """Return the AppProject of a name that counts for an Application: of several, the nearest to its roots."""
        several = self.namesakes.get(name, ())
        places = [*self.places_of(application), application.document.path]
        if len(several) < 2:
            found = self.projects.get(name)
            # Every Argo CD makes a project default: one that is written says nothing of an Argo CD of other roots.
            is_elsewhere = found is not None and name == "default" and self._nearest > _nearness(found.path, places)
            return None if is_elsewhere else found
        return max(several, key=lambda each: _nearness(each.path, places))

    @cached_property
    def _nearest(self) -> int:
        """How near the project default is to any root; 0 where all roots share one Argo CD."""
        found = self.projects.get("default")
        roots = frozenset().union(*self.places.values())
        return _nearness(found.path, roots) if found and len(roots) > 1 else 0

    def config_maps(self, name: str) -> Sequence[Document]:
        """Return Argo CD's ConfigMaps of a name: written, rendered, or patches of one that is not in the repository."""
        return self._config_maps.get(name, ())

    @cached_property
    def _config_maps(self) -> Mapping[str, Sequence[Document]]:
        rendered = (each for documents in self.rendered.values() for each in documents)
        found: dict[str, list[Document]] = {}
        for each in (*self.documents, *self.patches, *rendered):
            if (name := config_map_name(each)) in CONFIG_MAPS:
                found.setdefault(name, []).append(each)
        return found


_ONE = frozenset({""})


def _common(one: str, other: str) -> list[str]:
    """Return the folders that two paths have in common."""
    pairs = zip(one.split("/"), other.split("/"), strict=False)
    return [part for part, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]


def _nearness(path: str, places: Iterable[str]) -> int:
    """Return how many folders a path and the nearest of some places have in common."""
    return max(len(_common(path, place)) for place in places)


def key(application: ArgoApplication) -> str:
    """Return what tells one Application from all others, also from one of the same name."""
    document = application.document
    # A template gives one for each root that renders it, with what differs for that.
    whose = f":{id(document)}" if document.is_rendered else ""
    return f"{document.path}:{document.index}{whose}:{application.name}"


def config_map_name(document: Document) -> str:
    """Return the name of a ConfigMap, in whatever namespace; empty for anything else."""
    data = document.data
    if not isinstance(data, dict) or (data.get("apiVersion"), data.get("kind")) != ("v1", "ConfigMap"):
        return ""
    return str(_mapping(data.get("metadata")).get("name") or "")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def named(application: ArgoApplication) -> ArgoApplication:
    """Return the Application with what it deploys and where to, as its labels say, or else its name and project."""
    labels = application.metadata.get("labels")
    labels = labels if isinstance(labels, dict) else {}
    project = application.spec.get("project")
    # A chart that no Application renders has documents of an environment alone.
    variant = "" if application.document.application else application.document.environment
    environment = str(labels.get("environment") or variant or ("" if project == "default" else project) or "")
    return replace(
        application,
        application=str(labels.get("app.kubernetes.io/name") or application.name),
        environment="" if "{{" in environment and application.outlined else environment,
    )
