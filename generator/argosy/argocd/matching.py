"""How Argo CD reads and compares what manifests say, whatever their shape: globs, durations, scopes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from argosy.argocd import globs
from argosy.argocd.view import ArgoApplication, View, key
from argosy.documents import Document
from argosy.documents.fields import JSON, annotations_of, field, group_and_kind, mapping, sequence, text
from argosy.kubernetes import scopes

IN_CLUSTER_SERVER = "https://kubernetes.default.svc"
IN_CLUSTER_NAME = "in-cluster"

HOOK = "argocd.argoproj.io/hook"
HOOK_PHASES = frozenset({"PreSync", "Sync", "PostSync", "SyncFail", "PreDelete", "PostDelete"})
HOOKS = frozenset({*HOOK_PHASES, "Skip"})
HELM_HOOK_PHASES = frozenset(
    {"pre-install", "pre-upgrade", "post-install", "post-upgrade", "pre-delete", "post-delete", "crd-install"}
)
"""The phases of Helm's that Argo CD maps to its own; `crd-install` is an ordinary resource to it."""

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
DNS_SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
GO_DURATION = re.compile(r"[+-]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)")
"""What Go's time.ParseDuration accepts."""

TRACKING = "argocd.argoproj.io/tracking-id"
"""The annotation by which a resource belongs to the Application that is named so."""


def tracker(found: Mapping[str, JSON]) -> str:
    """Return the name of the Application that has applied a resource of a cluster; empty where nothing tells."""
    name = text(mapping(field(found, "metadata", "annotations")).get(TRACKING)).partition(":")[0]
    return name.rpartition("_")[2]  # In front of it is the namespace of one outside of Argo CD's own.


def is_argocd(document: Document, kind: str) -> bool:
    """Return whether a document is of one of Argo CD's own kinds."""
    data = document.data
    return isinstance(data, dict) and data.get("kind") == kind and group_and_kind(data)[0] == "argoproj.io"


def listed(data: JSON, annotation: str) -> Sequence[str]:
    """Return what an annotation lists, separated by commas."""
    found = text(annotations_of(data).get(annotation))
    return [each.strip() for each in found.split(",") if each.strip()] if found else ()


@lru_cache(maxsize=8192)
def applied(application: ArgoApplication, repository: View) -> Sequence[Document]:
    """Return what an Application renders to and Argo CD applies: no hooks of phases that it lacks, as Helm's tests."""

    def is_applied(document: Document) -> bool:
        own, helm = set(listed(document.data, HOOK)), set(listed(document.data, "helm.sh/hook"))
        return not (own or helm) or bool(own & HOOK_PHASES or (helm & HELM_HOOK_PHASES and own != {"Skip"}))

    return tuple(filter(is_applied, repository.rendered.get(key(application), ())))


def sync_options(application: ArgoApplication) -> Sequence[JSON]:
    """Return an Application's own sync options."""
    return sequence(field(application.spec, "syncPolicy", "syncOptions"))


def glob_matches(pattern: str, value: str, separator: str = "") -> bool:
    """Return whether a value matches a glob as github.com/gobwas/glob reads it; an invalid glob matches nothing.

    `*` and `?` stop at the separator, where there is one; `**` does not. `{a,b}` are alternatives, `[!a-z]` is a class.
    """
    if _PLAIN.fullmatch(pattern):
        return pattern == value
    glob = globs.compiled(pattern, separator)
    return not isinstance(glob, str) and glob.matches(value)


def glob_error(pattern: str) -> str:
    """Return why a glob is invalid, which Argo CD logs and takes for one that matches nothing; empty if it is not."""
    glob = "" if _PLAIN.fullmatch(pattern) else globs.compiled(pattern, "")
    return glob if isinstance(glob, str) else ""


_PLAIN = re.compile(r"[^*?\[{\\]*")
"""A glob that means itself: nothing is compiled for each of a thousand."""


def cluster(application: ArgoApplication, repository: View) -> tuple[str | None, str | None]:
    """Return the server and the name of the cluster that an Application deploys to, None for what nothing tells."""
    destination = mapping(application.spec.get("destination"))
    server = text(destination.get("server")).rstrip("/") or None
    name = text(destination.get("name")) or None
    if server == IN_CLUSTER_SERVER:
        name = name or IN_CLUSTER_NAME
    elif name == IN_CLUSTER_NAME:
        server = server or IN_CLUSTER_SERVER
    return repository.clusters.both(server, name)


def namespace_of(application: ArgoApplication) -> str:
    """Return the namespace that an Application deploys to, empty where it names none."""
    return text(field(application.spec, "destination", "namespace"))


def is_cluster_scoped(data: JSON, repository: View) -> bool:
    """Return whether a manifest's kind has no namespace: as built in, or as a CRD of the repository says."""
    group, kind = group_and_kind(data)
    own = _custom_scopes(repository).get((group, kind))
    return own == "Cluster" if own else scopes.is_of_cluster(group, kind)


@lru_cache(maxsize=1)  # One validation looks at one View.
def _custom_scopes(repository: View) -> Mapping[tuple[str, str], str]:
    scopes: dict[tuple[str, str], str] = {}
    for documents in (repository.documents, *repository.rendered.values()):
        for document in documents:
            if group_and_kind(document.data) == ("apiextensions.k8s.io", "CustomResourceDefinition"):
                group, kind = field(document.data, "spec", "group"), field(document.data, "spec", "names", "kind")
                scopes[text(group), text(kind)] = text(field(document.data, "spec", "scope"))
    return scopes


_POD = ("", "Pod")


_REPLICA_SET = ("apps", "ReplicaSet")


_JOB = ("batch", "Job")


MADE_BY: Mapping[tuple[str, str], Sequence[tuple[str, str]]] = {
    ("apps", "Deployment"): (_REPLICA_SET, _POD),
    ("apps", "ReplicaSet"): (_POD,),
    ("apps", "StatefulSet"): (_POD,),
    ("apps", "DaemonSet"): (_POD,),
    ("argoproj.io", "Rollout"): (_REPLICA_SET, _POD),
    ("batch", "CronJob"): (_JOB, _POD),
    ("batch", "Job"): (_POD,),
}
"""What controllers make of a kind on the way to its Pods: group and kind of each.

Argo CD shows such a resource, and reads the logs of a Pod, only where the project permits the kind (argo-cd issue
28564); the power to run Pods comes with what makes them.
"""
