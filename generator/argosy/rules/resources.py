"""Rules of the resources that the Applications of a repository deploy together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from argosy.argocd.matching import applied, cluster, is_cluster_scoped, namespace_of
from argosy.argocd.view import ArgoApplication, View, key
from argosy.documents import Document
from argosy.documents.fields import field, group_and_kind, text
from argosy.findings import Problem, Severity
from argosy.rules.application import GENERATE_PATHS, resource_of
from argosy.rules.examples import APPLICATION, DEPLOYED, DESTINATION, SOURCE
from argosy.rules.registry import Scope, rule

_SECOND = (APPLICATION + SOURCE).replace("argocd/my-app.yaml", "argocd/second.yaml")
_APART = (
    DEPLOYED + _SECOND.replace("{name: my-app", "{name: second") + DESTINATION.replace("my-app", "second")
).replace("namespace: argocd}", f"namespace: argocd, annotations: {{{GENERATE_PATHS}: .}}}}")


@rule(
    "resource-twice",
    Severity.ERROR,
    Scope.REPOSITORY,
    "A resource is deployed twice.",
    explanation="If two Applications deploy a resource to the same cluster, each sync takes it from the other, and "
    "deleting either deletes it (argo-cd issue 11838). Within one Application, one of the two manifests silently wins "
    "(argo-cd issue 2600). A resource without a namespace is deployed to the Application's destination namespace. If "
    "every cluster runs its own Argo CD, `https://kubernetes.default.svc` means a different cluster in each: keep a "
    "root in a folder of its own for each, since only what one of them leads to is compared.",
    bad=DEPLOYED + _SECOND.replace("{name: my-app", "{name: second") + DESTINATION,
    good=_APART,
)
def resource_twice(repository: View) -> Iterator[Problem]:
    """Find resources that several manifests of one cluster describe."""
    first: dict[tuple[str, ...], tuple[ArgoApplication, Document]] = {}
    makers = Counter(map(key, repository.applications))
    for application in repository.applications:
        # The rule application-name-twice is about those of one name: they are one Application of the cluster.
        rendered = applied(application, repository) if makers[key(application)] == 1 else ()
        server, name = cluster(application, repository)
        for document in rendered:
            identity = _identity(document, application, repository)
            if identity is None:
                continue
            found = [
                first.setdefault((place, server or name or "", *identity), (application, document))
                for place in repository.places_of(application)
            ]
            this = (application, document)
            owner, other = next((each for each in found if each != this), this)
            is_one = owner is not application and resource_of(owner) == resource_of(application)
            if not is_one and (owner, other) != this:
                _, kind, namespace, resource = identity
                yield Problem(
                    f"{kind}/{resource}{f' in the namespace “{namespace}”' if namespace else ''} is deployed twice, "
                    + _by_whom(owner, other, application, document),
                    ("metadata", "name"),
                    "Remove one of the two, or give it another name or namespace.",
                    document,
                    among=[other],
                )


def _by_whom(owner: ArgoApplication, other: Document, application: ArgoApplication, document: Document) -> str:
    if owner is application:
        return f"by {application.name} from {other.path} and {document.path}."
    return f"by the Applications {owner.name} ({other.path}) and {application.name} ({document.path})."


def _identity(document: Document, application: ArgoApplication, repository: View) -> tuple[str, str, str, str] | None:
    """Return a resource's group, kind, namespace and name, None where only the cluster will name it."""
    group, kind = group_and_kind(document.data)
    name = text(field(document.data, "metadata", "name"))
    if not kind or not name:
        return None
    namespace = text(field(document.data, "metadata", "namespace")) or namespace_of(application)
    return group, kind, "" if is_cluster_scoped(document.data, repository) else namespace, name


@rule(
    "never-synced",
    Severity.WARNING,
    Scope.REPOSITORY,
    "A resource is of a kind that Argo CD never syncs.",
    explanation="Where argocd-cm does not say otherwise, `resource.exclusions` exclude kinds that controllers manage: "
    "Endpoints, EndpointSlices, Leases, reviews, certificate requests and reports. Such a manifest is not applied; at "
    "most the Application shows an ExcludedResourceWarning.",
    bad=DEPLOYED
    + """
# file: apps/my-app/endpoints.yaml
apiVersion: v1
kind: Endpoints
metadata: {name: database}
subsets: [{addresses: [{ip: 192.0.2.10}], ports: [{port: 5432}]}]
""",
    good=DEPLOYED
    + """
# file: apps/my-app/service.yaml
apiVersion: v1
kind: Service
metadata: {name: database}
spec: {type: ExternalName, externalName: database.example.com}
""",
)
def never_synced(repository: View) -> Iterator[Problem]:
    """Find rendered resources that Argo CD excludes, by default or by what argocd-cm says."""
    for application in repository.applications:
        for document in applied(application, repository):
            group, kind = group_and_kind(document.data)
            own = repository.settings.excludes(group, kind, cluster(application, repository)[0])
            if own or _is_in(EXCLUDED if own is None else ALWAYS_EXCLUDED, group, kind):
                yield Problem(
                    f"Argo CD never syncs {kind}/{text(field(document.data, 'metadata', 'name'))}: "
                    f"{'its default' if own is None else 'the'} resource.exclusions exclude the kind.",
                    ("kind",),
                    "Remove the manifest, or change resource.exclusions in the ConfigMap argocd-cm.",
                    document,
                    among=(),
                )


def _is_in(excluded: Mapping[str, frozenset[str]], group: str, kind: str) -> bool:
    kinds = excluded.get(group)
    return kinds is not None and (kind in kinds or not kinds)


_ENDPOINTS = frozenset({"Endpoints", "EndpointSlice"})
_REVIEWS = frozenset(
    {"LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectReview"}
    | {"SelfSubjectRulesReview", "SubjectAccessReview", "TokenReview"}
)
_REPORTS = frozenset(
    {"AdmissionReport", "BackgroundScanReport", "EphemeralReport", "PolicyReport", "UpdateRequest"}
    | {"ClusterAdmissionReport", "ClusterBackgroundScanReport", "ClusterEphemeralReport", "ClusterPolicyReport"}
)
EXCLUDED: Mapping[str, frozenset[str]] = {
    "": _ENDPOINTS | {"Event"},
    "authentication.k8s.io": _REVIEWS,
    "authorization.k8s.io": _REVIEWS,
    "cert-manager.io": frozenset({"CertificateRequest"}),
    "certificates.k8s.io": frozenset({"CertificateSigningRequest"}),
    "cilium.io": frozenset({"CiliumEndpoint", "CiliumEndpointSlice", "CiliumIdentity"}),
    "coordination.k8s.io": frozenset({"Lease"}),
    "discovery.k8s.io": _ENDPOINTS,
    "events.k8s.io": frozenset(),
    "kyverno.io": _REPORTS,
    "metrics.k8s.io": frozenset(),
    "reports.kyverno.io": _REPORTS,
    "wgpolicyk8s.io": _REPORTS,
}
"""The kinds that are excluded by default, by group; an empty set stands for the whole group.

Source: Argo CD's manifests/base/config/argocd-cm.yaml and util/settings/resources_filter.go.
"""
ALWAYS_EXCLUDED: Mapping[str, frozenset[str]] = {
    "": frozenset({"Event"}),
    **{group: EXCLUDED[group] for group in ("coordination.k8s.io", "events.k8s.io", "metrics.k8s.io")},
}
"""Those of them that no setting includes."""
