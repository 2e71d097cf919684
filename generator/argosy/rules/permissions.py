"""Rules of what an AppProject permits to its Applications: sources, destinations and kinds.

Matching follows Argo CD's pkg/apis/application/v1alpha1/app_project_types.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from argosy.argocd.matching import (
    applied,
    cluster,
    glob_matches,
    is_argocd,
    is_cluster_scoped,
    namespace_of,
    normal_url,
    sync_options,
)
from argosy.argocd.view import ArgoApplication, View
from argosy.documents import Document, Pointer
from argosy.documents.fields import JSON, field, group_and_kind, mapping, sequence, text
from argosy.findings import Problem, Severity
from argosy.repository import layout
from argosy.rules.examples import DEPLOYED, PROJECT
from argosy.rules.registry import Scope, rule

_TEAM = DEPLOYED.replace("project: default", "project: team")
_SOURCES = "  sourceRepos: ['https://git.example.com/team/*']\n"
_DESTINATIONS = "  destinations: [{server: https://kubernetes.default.svc, namespace: my-app}]\n"
_PERMITTED = PROJECT + _SOURCES + _DESTINATIONS + _TEAM
_CREATES = "  syncPolicy: {syncOptions: [CreateNamespace=true]}\n"


def project_name(application: ArgoApplication) -> str:
    """Return the name of the project that an Application belongs to."""
    return text(application.spec.get("project")) or "default"


def _project(application: ArgoApplication, repository: View) -> Document | None:
    return projects(repository).get(project_name(application))


@lru_cache(maxsize=1)  # One validation looks at one View.
def projects(repository: View) -> Mapping[str, Document]:
    """Return the AppProjects by name: those that are written, and those that an Application renders to."""
    rendered = (document for documents in repository.rendered.values() for document in documents)
    made = {text(field(each.data, "metadata", "name")): each for each in rendered if is_argocd(each, "AppProject")}
    return {**made, **repository.projects}


def _spec(project: Document) -> Mapping[str, JSON]:
    return mapping(field(project.data, "spec"))


@rule(
    "project-unknown",
    Severity.ERROR,
    Scope.APPLICATION,
    "An Application belongs to an AppProject that no file declares.",
    explanation="An Application of a project that does not exist is not synced: Argo CD reports an InvalidSpecError. "
    "Only the project `default` is there without a file.",
    bad=_TEAM,
    good=_PERMITTED,
)
def project_unknown(application: ArgoApplication, repository: View) -> Iterator[Problem]:
    """Find Applications of projects that are not declared."""
    name = project_name(application)
    if name != "default" and name not in projects(repository):
        known = ", ".join(sorted({"default", *projects(repository)}))
        yield Problem(
            f"No file declares the AppProject “{name}”.",
            application.at("spec", "project"),
            f"Write it, or name one that is there: {known}.",
        )


@rule(
    "project-denies-source",
    Severity.ERROR,
    Scope.APPLICATION,
    "An AppProject does not permit the repository of a source.",
    explanation="`sourceRepos` are globs in which `*` stops at `/`: `https://host/*` does not match "
    "`https://host/team/repository`. URLs are compared in lower case and without `.git`; an entry that "
    "begins with `!` denies what it matches. Argo CD refuses the Application with an InvalidSpecError.",
    bad=(PROJECT + _SOURCES + _DESTINATIONS).replace("/team/*", "/*") + _TEAM,
    good=_PERMITTED,
)
def project_denies_source(application: ArgoApplication, repository: View) -> Iterator[Problem]:
    """Find sources whose repository the project does not permit."""
    project = _project(application, repository)
    if project is None:
        return
    patterns = [text(each) for each in sequence(_spec(project).get("sourceRepos"))]
    for at, url in source_urls(application):
        if not source_permitted(patterns, url):
            yield Problem(
                f"The AppProject “{project_name(application)}” does not permit the repository {url}.",
                application.at(*at, "repoURL"),
                f"Add it to sourceRepos in {project.path}, which permits {', '.join(patterns) or 'none'}.",
            )


def source_urls(application: ArgoApplication) -> Iterator[tuple[Pointer, str]]:
    """Yield the repositories that an Application is read from, each with the place of its source."""
    hydrated = [
        (("spec", "sourceHydrator", each), mapping(field(application.spec, "sourceHydrator", each)))
        for each in ("drySource", "syncSource")
    ]
    for at, source in (*application.sources, *hydrated):
        if url := text(source.get("repoURL")):
            yield at, url


def source_permitted(patterns: list[str], url: str) -> bool:
    """Tell whether an AppProject's sourceRepos permit a repository."""
    matched = False
    for pattern in patterns:
        if pattern.startswith("!"):
            if glob_matches(normal_url(pattern[1:]), normal_url(url), "/"):
                return False
            matched = True
        elif pattern == "*" or glob_matches(normal_url(pattern), normal_url(url), "/"):
            matched = True
    return matched


@rule(
    "project-denies-destination",
    Severity.ERROR,
    Scope.APPLICATION,
    "An AppProject does not permit where an Application, or one of its resources, is deployed to.",
    explanation="A destination of an AppProject matches on the cluster, by server or by name, and on the namespace; "
    "both are globs, and an entry that begins with `!` denies what it matches. Argo CD refuses the "
    "Application, and a sync fails on a resource that names a namespace of its own which the project does "
    "not permit.",
    bad=_PERMITTED.replace("metadata: {name: my-app}\n", "metadata: {name: my-app, namespace: kube-system}\n"),
    good=_PERMITTED,
)
def project_denies_destination(application: ArgoApplication, repository: View) -> Iterator[Problem]:
    """Find namespaces that the project does not permit, those of rendered resources included."""
    project = _project(application, repository)
    if project is None:
        return
    destinations = [mapping(each) for each in sequence(_spec(project).get("destinations"))]
    name, hint = project_name(application), f"Add it to destinations in {project.path}"
    server, cluster_name = cluster(application)
    if (server or cluster_name) and (
        destination_permitted(destinations, server, cluster_name, namespace_of(application)) is False
    ):
        place = f"the namespace “{namespace_of(application)}” of {server or cluster_name}"
        yield Problem(
            f"The AppProject “{name}” does not permit {place}.", application.at("spec", "destination"), f"{hint}."
        )
        return
    for namespace, resource in _own_namespaces(application, repository).items():
        if destination_permitted(destinations, server, cluster_name, namespace) is False:
            yield Problem(
                f"{resource} is of the namespace “{namespace}”, which the AppProject “{name}” does not permit.",
                application.at("spec", "project"),
                f"{hint}, or leave the resource's namespace out: it then goes to “{namespace_of(application)}”.",
            )


def _own_namespaces(application: ArgoApplication, repository: View) -> Mapping[str, str]:
    """Return the namespaces that rendered resources name themselves, each with the first such resource."""
    found: dict[str, str] = {}
    for document in applied(application, repository):
        namespace = text(field(document.data, "metadata", "namespace"))
        if namespace and namespace != namespace_of(application) and not is_cluster_scoped(document.data, repository):
            found.setdefault(namespace, _resource(document))
    return found


def _resource(document: Document) -> str:
    kind, name = group_and_kind(document.data)[1], text(field(document.data, "metadata", "name"))
    return f"{kind}/{name} ({document.path})"


def destination_permitted(
    destinations: list[Mapping[str, JSON]], server: str | None, name: str | None, namespace: str
) -> bool | None:
    """Tell whether an AppProject's destinations permit a cluster's namespace.

    A cluster has a server and a name, of which an Application tells one. The answer is None where it depends on the
    other.
    """
    matched: bool | None = False
    for each in destinations:
        named = _cluster_matches(text(each.get("name")), name)
        served = _cluster_matches(text(each.get("server")), server)
        inside = _matches(text(each.get("namespace")), namespace)
        if inside and (named or served):
            matched = True
        elif (
            (named is False and text(each.get("name")).startswith("!"))
            or (served is False and text(each.get("server")).startswith("!") and inside)
            or (not inside and text(each.get("namespace")).startswith("!") and served)
        ):
            return False
        elif inside and None in (named, served) and not matched:
            matched = None
    return matched


def _cluster_matches(pattern: str, value: str | None) -> bool | None:
    if value is None:
        return False if not pattern else True if pattern == "*" else None
    return _matches(pattern, value)


def _matches(pattern: str, value: str) -> bool:
    return not glob_matches(pattern[1:], value) if pattern.startswith("!") else glob_matches(pattern, value)


@rule(
    "project-denies-kind",
    Severity.ERROR,
    Scope.APPLICATION,
    "An AppProject does not permit a kind that an Application deploys.",
    explanation="A kind without a namespace has to be in `clusterResourceWhitelist`, which denies all where it is "
    "missing or empty. Kinds with a namespace are all permitted, unless there is a "
    "`namespaceResourceWhitelist`, of which `[]` denies all. The blacklists win. The sync option "
    "`CreateNamespace=true` needs the kind Namespace (argo-cd issue 22869). The sync fails on a kind that "
    "is not permitted.",
    bad=_PERMITTED + _CREATES,
    good=PROJECT
    + _SOURCES
    + _DESTINATIONS
    + "  clusterResourceWhitelist: [{group: '', kind: Namespace}]\n"
    + _TEAM
    + _CREATES,
)
def project_denies_kind(application: ArgoApplication, repository: View) -> Iterator[Problem]:
    """Find rendered kinds that the project does not permit."""
    project = _project(application, repository)
    if project is None:
        return
    denied: dict[tuple[str, str, bool], str] = {}
    for document in applied(application, repository):
        group, kind = group_and_kind(document.data)
        wide = is_cluster_scoped(document.data, repository)
        name = text(field(document.data, "metadata", "name"))
        if kind and not kind_permitted(_spec(project), group, kind, name if wide else None):
            denied.setdefault((group, kind, wide), _resource(document))
    if "CreateNamespace=true" in sync_options(application) and (
        not kind_permitted(_spec(project), "", "Namespace", namespace_of(application))
    ):
        denied.setdefault(("", "Namespace", True), "The namespace that CreateNamespace=true creates")
    for (group, kind, wide), resource in denied.items():
        scope = "clusterResource" if wide else "namespaceResource"
        yield Problem(
            f"{resource} is not deployed: the AppProject “{project_name(application)}” denies the kind {kind}.",
            application.at("spec", "project"),
            f"{_adding(project, application)} {{group: '{group}', kind: {kind}}} to {scope}Whitelist in "
            f"{project.path}, and look for it in {scope}Blacklist.",
        )


def _adding(project: Document, application: ArgoApplication) -> str:
    """Return how to begin to say that a kind is to be added: argosy adds those of an environment's project itself."""
    is_environments = project.path == layout.project(project_name(application))
    return "Run argosy apply, or add" if is_environments else "Add"


def kind_permitted(spec: Mapping[str, JSON], group: str, kind: str, cluster_wide_name: str | None) -> bool:
    """Tell whether an AppProject permits a kind; a name is given for a kind without a namespace alone."""
    scope = "namespaceResource" if cluster_wide_name is None else "clusterResource"
    permitted, denied = spec.get(f"{scope}Whitelist"), sequence(spec.get(f"{scope}Blacklist"))
    everything = cluster_wide_name is None and permitted is None
    return (everything or _listed(sequence(permitted), group, kind, cluster_wide_name)) and not _listed(
        denied, group, kind, cluster_wide_name
    )


def _listed(entries: object, group: str, kind: str, cluster_wide_name: str | None) -> bool:
    return any(
        glob_matches(text(entry.get("kind")), kind, "/")
        and glob_matches(text(entry.get("group")), group, "/")
        and (
            cluster_wide_name is None
            or not entry.get("name")
            or glob_matches(text(entry["name"]), cluster_wide_name, "/")
        )
        for entry in map(mapping, sequence(entries))
    )
