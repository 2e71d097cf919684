"""What Argo CD may do: what AppProjects permit, and what Kubernetes permits to Argo CD's service account."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from argosy.argocd.clusters import SECRET_TYPE
from argosy.argocd.matching import (
    IN_CLUSTER_NAME,
    IN_CLUSTER_SERVER,
    applied,
    glob_matches,
    is_cluster_scoped,
    sync_options,
)
from argosy.argocd.matching import cluster as destination
from argosy.argocd.view import ArgoApplication
from argosy.doctor import rules
from argosy.doctor.case import Case, check, elsewhere, namespace_of, refused
from argosy.doctor.complaints import TITLES, Topic, complaints
from argosy.doctor.diagnosis import Check, Observation, ok, problem, unknown
from argosy.doctor.live import bring_in, differences
from argosy.documents.fields import field, group_and_kind, mapping, sequence, text
from argosy.errors import ToolError
from argosy.kubernetes.cluster import Access, Cluster
from argosy.kubernetes.manifests import Manifest
from argosy.names import joined
from argosy.reporting.wording import number

_CONTROLLER = "argocd-application-controller"
_MANAGER = "system:serviceaccount:kube-system:argocd-manager"
"""Whom an Argo CD of another cluster is, as `argocd cluster add` sets it up."""
_IMPERSONATION = "application.sync.impersonation.enabled"


def checks(case: Case) -> Iterator[Check]:
    """Yield the checks: the AppProjects first, since what they deny never comes to Kubernetes."""
    permitted = "They permit every source, destination and kind that is rendered."
    yield check("projects", "the AppProjects permit what is rendered", case.of_findings(rules.is_of_project), permitted)
    yield check("projects-live", "the AppProjects in the cluster are those in Git", case.of_live(_projects), "")
    yield check("clusters", "Argo CD knows the clusters", case.of_live(_clusters), "All deploy to its own.")
    yield check("service-account", "Argo CD's service account may write the kinds", case.of_live(_access), "")
    found = case.of_live(partial(complaints, topic=Topic.PERMISSION))
    yield check("forbidden", TITLES[Topic.PERMISSION], found, "No such error.")


def _projects(case: Case, cluster: Cluster) -> Iterator[Observation]:
    there = cluster.projects()
    for name, users in _users(case).items():
        namespace = namespace_of(users[0])
        about = tuple(each.name for each in users)
        document, found = case.view.projects.get(name), there.get((namespace, name))
        declared = mapping(document.data).get("spec") if document else None
        if found is None:
            seen, hint = f"The cluster has no AppProject “{name}”.", ("No file of this repository declares it.", "")
            yield problem(seen, *(bring_in(case, document, cluster) if document else hint), about)
        elif document is None:
            yield ok(f"“{name}” is there; no file of this repository declares it.", applications=about)
        elif changed := differences(mapping(declared), mapping(found.get("spec"))):
            seen = f"{joined(changed, 5)} of the AppProject “{name}” in the cluster is not what {document.path} says."
            yield problem(seen, *bring_in(case, document, cluster), about)
        else:
            yield ok(f"“{name}” is what {document.path} says.", applications=about)


def _clusters(case: Case, cluster: Cluster) -> Iterator[Observation]:
    """Yield whether Argo CD has a Secret of each cluster that is deployed to, with the labels that are declared."""
    users: dict[tuple[str, str], list[str]] = defaultdict(list)
    for application in case.applications:
        server, name = destination(application, case.view)
        if server != IN_CLUSTER_SERVER and (server or name):
            users[server or "", name or ""].append(application.name)
    secrets = [each for each in cluster.secrets() if each.purpose == "cluster"] if users else []
    declared = {each.name: each for each in case.view.clusters.listed}
    for (server, name), about in users.items():
        place, wanted = name or server, declared.get(name)
        found = (each for each in secrets if each.name == name or (server and each.server.rstrip("/") == server))
        added = next(found, None)
        labels = {key: value for key, value in wanted.labels.items() if key != SECRET_TYPE} if wanted else {}
        options = "".join(f" --label {shlex.quote(f'{key}={value}')}" for key, value in labels.items())
        if added is None:
            shown = f" --name {place}{options}" if "://" not in place else ""
            advice = "An ExternalSecret that is not synced yet says so; else, once you are logged in:"
            yield problem(f"It has no Secret of {place}.", advice, f"argocd cluster add CONTEXT{shown}", about)
        elif lacking := sorted(key for key, value in labels.items() if added.labels.get(key) != value):
            seen = f"The Secret {added.secret} does not have the labels of {place} as they are declared: "
            command = f"argocd cluster set {place}{options}"
            yield problem(f"{seen}{joined(lacking)}.", "Sync the ExternalSecret, or:", command, about)
        else:
            yield ok(f"It knows {place}.", applications=about)


def _users(case: Case) -> Mapping[str, list[ArgoApplication]]:
    found: dict[str, list[ArgoApplication]] = defaultdict(list)
    for application in case.applications:
        found[text(application.spec.get("project")) or "default"].append(application)
    return found


# Kubernetes


def _access(case: Case, cluster: Cluster) -> Iterator[Observation]:
    yield from elsewhere(case, cluster)
    wanted: dict[str, dict[Access, set[str]]] = defaultdict(lambda: defaultdict(set))
    for application in case.here:
        try:
            user = _user(application, cluster)
        except ToolError as error:
            yield refused(error, (application.name,))
            continue
        for access in _needed(case, application, cluster.plurals()):
            wanted[user][access].add(application.name)
    for user, needed in wanted.items():
        yield from _answers(user, needed, cluster)


def _answers(user: str, needed: Mapping[Access, set[str]], cluster: Cluster) -> Iterator[Observation]:
    try:
        permitted = cluster.permitted(list(needed), user)
    except ToolError as error:
        yield refused(error, sorted({name for names in needed.values() for name in names}))
        return
    denied: dict[str, dict[str, list[Access]]] = defaultdict(lambda: defaultdict(list))
    for access in needed:
        if access not in permitted:
            seen = f"Whether {user} may {access.verb} {_of(access)} is unknown."
            yield unknown(seen, "", _can_i(access, user, cluster), sorted(needed[access]))
        elif not permitted[access]:
            denied[access.namespace][_of(access)].append(access)
    for namespace, resources in denied.items():
        first = next(iter(resources.values()))[0]
        about = sorted({name for group in resources.values() for access in group for name in needed[access]})
        where = f"in the namespace {namespace}" if namespace else "in the cluster"
        what = "; ".join(f"{', '.join(each.verb for each in group)} {name}" for name, group in resources.items())
        advice = f"Bind a Role with these verbs to {user}. It shows in:"
        yield problem(f"{user} may not, {where}: {what}.", advice, _can_i(first, user, cluster), about)
    if not denied:
        yield ok(f"{user} may: {number(len(needed), 'right')} asked for.")


def _needed(case: Case, application: ArgoApplication, kinds: Mapping[tuple[str, str], str]) -> Iterator[Access]:
    """Yield what Argo CD has to be permitted for an Application; kinds that the cluster does not know are left out."""
    own = text(field(application.spec, "destination", "namespace"))
    prunes = field(application.spec, "syncPolicy", "automated", "prune") is True
    verbs = ("get", "list", "create", "patch", *(("delete",) if prunes else ()))
    places = {
        (*group_and_kind(each.data), _namespace(each.data, own, wide=is_cluster_scoped(each.data, case.view)))
        for each in applied(application, case.view)
    }
    if "CreateNamespace=true" in sync_options(application):
        places.add(("", "Namespace", ""))
    for group, kind, namespace in sorted(places):
        resource = kinds.get((group, kind))
        if resource:
            yield from (Access(verb, group, resource, namespace) for verb in verbs)


def _namespace(data: Any, own: str, *, wide: bool) -> str:
    return "" if wide else text(field(data, "metadata", "namespace")) or own


def _of(access: Access) -> str:
    return f"{access.resource}.{access.group}" if access.group else access.resource


def _can_i(access: Access, user: str, cluster: Cluster) -> str:
    where = f" --namespace {access.namespace}" if access.namespace else ""
    return f"{cluster.kubectl()} auth can-i {access.verb} {_of(access)}{where} --as {user}"


def _user(application: ArgoApplication, cluster: Cluster) -> str:
    """Return as whom Argo CD applies an Application's manifests."""
    destination = mapping(application.spec.get("destination"))
    server = text(destination.get("server")).rstrip("/")
    if server != IN_CLUSTER_SERVER and destination.get("name") != IN_CLUSTER_NAME:
        return _MANAGER
    if cluster.settings().get(_IMPERSONATION) == "true" and (found := _impersonated(application, cluster)):
        return found
    return f"system:serviceaccount:{cluster.namespace}:{_service_account(cluster)}"


def _impersonated(application: ArgoApplication, cluster: Cluster) -> str:
    """Return whom an Application is synced as where Argo CD impersonates; as DeriveServiceAccountToImpersonate does."""
    project = cluster.projects().get((namespace_of(application), text(application.spec.get("project")) or "default"))
    namespace = text(field(application.spec, "destination", "namespace"))
    for each in map(mapping, sequence(field(project, "spec", "destinationServiceAccounts"))):
        if glob_matches(text(each.get("server")), IN_CLUSTER_SERVER) and glob_matches(
            text(each.get("namespace")), namespace
        ):
            account = text(each.get("defaultServiceAccount"))
            return f"system:serviceaccount:{account if ':' in account else f'{namespace}:{account}'}"
    return ""


def _service_account(cluster: Cluster) -> str:
    """Return the application controller's service account, which a Helm release of Argo CD names otherwise."""
    try:
        pods: list[Manifest] = list(cluster.pods())
    except ToolError:
        return _CONTROLLER
    for pod in pods:
        if field(pod, "metadata", "labels", "app.kubernetes.io/name") == _CONTROLLER:
            return text(field(pod, "spec", "serviceAccountName")) or _CONTROLLER
    return _CONTROLLER
