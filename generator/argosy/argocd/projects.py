"""What an AppProject permits: sources, destinations and kinds.

Source: Argo CD's pkg/apis/application/v1alpha1/app_project_types.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from argosy.argocd.applicationsets.flaws import GeneratorError
from argosy.argocd.applicationsets.parameters import selects
from argosy.argocd.matching import glob_matches
from argosy.argocd.urls import normal_url
from argosy.argocd.view import ArgoApplication, View
from argosy.documents import Document, Pointer
from argosy.documents.fields import JSON, field, mapping, sequence, text


def virtual_spec(project: Document, repository: View) -> Mapping[str, JSON]:
    """Return the spec of an AppProject with what the global projects of argocd-cm add to it."""
    spec = dict(mapping(field(project.data, "spec")))
    own, labels = field(project.data, "metadata", "name"), mapping(field(project.data, "metadata", "labels"))
    for selector, name in repository.settings.global_projects:
        added = repository.projects.get(name)
        try:
            if added is None or name == own or not selects(selector, dict(labels), ()):
                continue
        except GeneratorError:
            break  # So does Argo CD.
        for key in _INHERITED:
            if more := sequence(field(added.data, "spec", key)):
                spec[key] = [*sequence(spec.get(key)), *more]
    return spec


_INHERITED = (
    "sourceRepos",
    "destinations",
    "syncWindows",
    *(f"{scope}Resource{kind}" for scope in ("cluster", "namespace") for kind in ("Whitelist", "Blacklist")),
)


def project_name(application: ArgoApplication) -> str:
    """Return the name of the project that an Application belongs to."""
    return text(application.spec.get("project")) or "default"


def source_urls(application: ArgoApplication) -> Iterator[tuple[Pointer, str]]:
    """Yield the repositories that an Application is read from, each with the place of its source."""
    hydrated = ("spec", "sourceHydrator", "syncSource")
    for at, source in (*application.sources, (hydrated, mapping(field(application.manifest, *hydrated)))):
        if url := text(source.get("repoURL")):
            yield at, url


def source_permitted(patterns: list[str], url: str) -> bool:
    """Return whether an AppProject's sourceRepos permit a repository."""
    matched = False
    for pattern in patterns:
        if pattern.startswith("!"):
            if glob_matches(normal_url(pattern[1:]), normal_url(url), "/"):
                return False
            matched = True
        elif pattern == "*" or glob_matches(normal_url(pattern), normal_url(url), "/"):
            matched = True
    return matched


def destination_permitted(
    destinations: list[Mapping[str, JSON]], server: str | None, name: str | None, namespace: str
) -> bool | None:
    """Return whether an AppProject's destinations permit a cluster's namespace.

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


def kind_permitted(spec: Mapping[str, JSON], group: str, kind: str, cluster_wide_name: str | None) -> bool:
    """Return whether an AppProject permits a kind; a name is given for a kind without a namespace alone."""
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
