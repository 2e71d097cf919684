"""The rule of AppProjects that permit more than their Applications use.

What they permit too little is the business of `argocd_permissions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from argosy.argocd.inventory import everything
from argosy.argocd.matching import (
    MADE_BY,
    applied,
    cluster,
    glob_matches,
    is_argocd,
    is_cluster_scoped,
    namespace_of,
    sync_options,
)
from argosy.argocd.view import ArgoApplication, View, key
from argosy.documents import Document
from argosy.documents.fields import JSON, field, group_and_kind, mapping, sequence, text
from argosy.findings import Problem, Severity
from argosy.repository import layout
from argosy.rules.examples import DEPLOYED, PROJECT
from argosy.rules.permissions import destination_permitted, project_name, projects, source_permitted, source_urls
from argosy.rules.registry import Scope, rule

Where = tuple[str | None, str | None, str]
"""A namespace: the server and the name of its cluster, and its own name."""

_TEAM = DEPLOYED.replace("project: default", "project: team")
_PERMITTED = """\
  sourceRepos: ['https://git.example.com/team/*']
  destinations: [{server: https://kubernetes.default.svc, namespace: my-app}]
  namespaceResourceWhitelist:
    - {group: '', kind: ConfigMap}
"""


@dataclass(frozen=True)
class _Project:
    """An AppProject, and the Applications that belong to it: at least one."""

    name: str
    document: Document
    applications: Sequence[ArgoApplication]
    view: View

    @cached_property
    def spec(self) -> Mapping[str, JSON]:
        return mapping(field(self.document.data, "spec"))

    @property
    def is_components(self) -> bool:
        """Whether it is of vendors' charts, which need what nobody knows offline."""
        return self.name.startswith(f"{layout.COMPONENTS}-")

    @cached_property
    def is_known(self) -> bool:
        """Whether all manifests of its Applications are known, and are of the revision that the project is of."""
        revision = _deployed_from(self.view).get((self.document.path, self.document.index), "")
        return not any(key(each) in self.view.partial or _follows_another(each, revision) for each in self.applications)

    @cached_property
    def deployed(self) -> Sequence[tuple[Document, bool]]:
        """What its Applications deploy, each with whether it has no namespace."""
        return [
            (document, is_cluster_scoped(document.data, self.view))
            for application in self.applications
            for document in applied(application, self.view)
        ]

    @cached_property
    def destinations(self) -> frozenset[Where]:
        """Where its Applications deploy to, be it nothing yet."""
        return _places(self.applications, self.view, named=True)

    @cached_property
    def landing_of_others(self) -> Sequence[tuple[str, Where]]:
        """Where the Applications of other projects deploy something and its own do not, each with the project."""
        return [
            (name, place)
            for name, places in _landing(self.view).items()
            for place in sorted(places - self.destinations, key=lambda each: each[2])
            if name != self.name
        ]

    def used(self, *, wide: bool) -> set[tuple[str, str]]:
        """Return group and kind of what is deployed, and of what is made of it."""
        kinds = {group_and_kind(document.data) for document, is_wide in self.deployed if is_wide is wide}
        if not wide:
            return kinds.union(*(MADE_BY.get(each, ()) for each in kinds))
        return kinds | ({("", "Namespace")} if any(map(_creates_namespace, self.applications)) else set())


@rule(
    "project-permits-more",
    Severity.WARNING,
    Scope.REPOSITORY,
    "An AppProject permits more than its Applications use.",
    explanation="An AppProject is to permit what its Applications need, and nothing else: a kind, a repository or a "
    "namespace besides is open to whoever can write one of these Applications, and to whatever they take in. Kinds "
    "are judged where all manifests are known here, so not for charts of a registry; ReplicaSets, Pods and Jobs belong "
    "to what makes them. A pattern of namespaces is too wide where Applications of other projects deploy into a match; "
    "an entry that begins with `!` permits all else.",
    bad=PROJECT + _PERMITTED + "    - {group: rbac.authorization.k8s.io, kind: RoleBinding}\n" + _TEAM,
    good=PROJECT + _PERMITTED + _TEAM,
)
def project_permits_more(repository: View) -> Iterator[Problem]:
    """Find what AppProjects permit and none of their Applications uses."""
    if repository.wanted is not everything:
        return  # The other Applications are not there to be asked.
    for project in _judged(repository):
        yield from _kinds(project)
        yield from _sources(project)
        yield from _destinations(project)


def _judged(repository: View) -> Iterator[_Project]:
    """Yield the projects of which all Applications are known."""
    by_project = _by_project(repository)
    open_ones = {
        text(field(each.data, "spec", "template", "spec", "project")) or "default" for each in repository.unlisted
    }
    if any("{{" in each for each in open_ones):
        return
    for name, document in projects(repository).items():
        if name in by_project and name not in open_ones:
            yield _Project(name, document, by_project[name], repository)


@lru_cache(maxsize=1)  # One validation looks at one View.
def _by_project(view: View) -> Mapping[str, Sequence[ArgoApplication]]:
    found: dict[str, list[ArgoApplication]] = {}
    for application in view.applications:
        found.setdefault(project_name(application), []).append(application)
    return found


@lru_cache(maxsize=1)  # One validation looks at one View.
def _deployed_from(view: View) -> Mapping[tuple[str, int], str]:
    """Return the revision that each project is deployed from, by path and index."""
    return {
        (document.path, document.index): _revision(source)
        for application in view.applications
        for _, source in application.sources[:1]
        for document in view.rendered.get(key(application), ())
        if is_argocd(document, "AppProject")
    }


def _revision(source: Mapping[str, JSON]) -> str:
    return text(source.get("targetRevision")) or "HEAD"


def _follows_another(application: ArgoApplication, revision: str) -> bool:
    """Tell whether an Application is of another revision than its project, where it may deploy something else."""
    sources = [source for _, source in application.sources if not source.get("chart")]
    return bool(revision) and any(_revision(each) not in {revision, "HEAD"} for each in sources)


# Kinds


def _kinds(project: _Project) -> Iterator[Problem]:
    if project.is_components or not project.is_known or project.document.path == layout.ROOT_APPLICATION:
        return  # The root's project says what may be declared, not what is.
    for listed, wide in (("namespaceResourceWhitelist", False), ("clusterResourceWhitelist", True)):
        used = project.used(wide=wide)
        for index, entry in enumerate(map(mapping, sequence(project.spec.get(listed)))):
            group, kind = text(entry.get("group")), text(entry.get("kind"))
            everything = group == kind == "*"
            if everything or not any(_covers(group, kind, each) for each in used):
                what = "every kind" if everything else f"the kind {_named(group, kind)}, which it does not deploy"
                yield Problem(
                    f"The AppProject “{project.name}” permits {what}.",
                    ("spec", listed, index),
                    _narrowing(project, used if everything else ()),
                    project.document,
                )


def _narrowing(project: _Project, used: Iterable[tuple[str, str]]) -> str:
    """Return how to permit fewer kinds."""
    if project.document.path == layout.project(project.name):
        return "Run argosy apply --least-privilege, once Argo CD has removed what it deployed of that."
    if used:
        return f"Name the kinds that are deployed: {', '.join(_named(*each) for each in sorted(used))}."
    return "Take it out, once Argo CD has removed what it deployed of that."


def _named(group: str, kind: str) -> str:
    return f"{group}/{kind}" if group else kind


def _covers(group: str, kind: str, used: tuple[str, str]) -> bool:
    return glob_matches(group, used[0], "/") and glob_matches(kind, used[1], "/")


# Sources


def _sources(project: _Project) -> Iterator[Problem]:
    urls = sorted({url for each in project.applications for _, url in source_urls(each)})
    for index, pattern in enumerate(map(text, sequence(project.spec.get("sourceRepos")))):
        everywhere = pattern in {"*", "**"} or pattern.startswith("!")
        if everywhere or not any(source_permitted([pattern], url) for url in urls):
            yield Problem(
                f"The AppProject “{project.name}” permits "
                + (
                    f"{_every('repository', pattern)}."
                    if everywhere
                    else f"{pattern}, which none of its Applications reads."
                ),
                ("spec", "sourceRepos", index),
                f"Name those that are read: {', '.join(urls) or 'none'}." if everywhere else "Take it out.",
                project.document,
            )


# Destinations


def _destinations(project: _Project) -> Iterator[Problem]:
    for index, entry in enumerate(map(mapping, sequence(project.spec.get("destinations")))):
        if fault := _width(project, entry) or _unused(project, entry):
            message = f"The AppProject “{project.name}” permits {fault[0]}."
            yield Problem(message, ("spec", "destinations", index), fault[1], project.document)


def _width(project: _Project, entry: Mapping[str, JSON]) -> tuple[str, str] | None:
    """Return in what a destination is too wide, and the next step."""
    namespace = text(entry.get("namespace"))
    for each in (text(entry.get("server")), text(entry.get("name"))):
        if each == "*" or each.startswith("!"):
            return _every("cluster", each), "Name the clusters that its Applications deploy to."
    if project.spec.get("namespaceResourceWhitelist") == []:
        return None  # Nothing that it permits lies in a namespace.
    own = sorted({each[2] for each in project.destinations})
    hint = f"Name the namespaces that its Applications deploy to: {', '.join(own)}."
    if namespace in {"*", "**"} or namespace.startswith("!"):
        return f"{_every('namespace', namespace)} of a cluster", hint
    if not set(namespace) & set("*?[{"):
        return None
    for name, place in project.landing_of_others:
        if destination_permitted([entry], *place):
            return f"the namespaces “{namespace}”, also “{place[2]}”, where the project “{name}” deploys", hint
    return None


def _every(what: str, pattern: str) -> str:
    """Return what a pattern permits; one that denies permits all else."""
    return f"every {what}{f' but {pattern[1:]}' if pattern.startswith('!') else ''}"


def _unused(project: _Project, entry: Mapping[str, JSON]) -> tuple[str, str] | None:
    """Return a destination that nothing goes to, and the next step."""
    if (
        project.is_components
        or any(key(each) in project.view.partial for each in project.applications)
        or any(destination_permitted([entry], *place) is not False for place in project.destinations)
    ):
        return None
    where, namespace = text(entry.get("server")) or text(entry.get("name")), text(entry.get("namespace"))
    return f"the namespace “{namespace}” of {where}, where none of its Applications deploys", "Take it out."


@lru_cache(maxsize=1)  # One validation looks at one View.
def _landing(view: View) -> Mapping[str, frozenset[Where]]:
    """Return where the Applications of each project deploy something."""
    return {name: _places(each, view, named=False) for name, each in _by_project(view).items()}


def _places(applications: Sequence[ArgoApplication], view: View, *, named: bool) -> frozenset[Where]:
    """Return where Applications deploy something; with `named`, also what is their destination all the same."""
    found: set[Where] = set()
    for application in applications:
        server, name = cluster(application)
        own = namespace_of(application)
        namespaces = {
            text(field(document.data, "metadata", "namespace")) or own
            for document in applied(application, view)
            if not is_cluster_scoped(document.data, view)
        }
        if named or key(application) in view.partial or _creates_namespace(application):
            namespaces.add(own)
        found |= {(server, name, each) for each in namespaces if each}
    return frozenset(found)


def _creates_namespace(application: ArgoApplication) -> bool:
    """Tell whether an Application makes its namespace, or is meant to: a misspelt option is another rule's business."""
    return any(text(option).casefold() == "createnamespace=true" for option in sync_options(application))
