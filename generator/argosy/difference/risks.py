"""Differences that are more than they look: data that is deleted, and what Kubernetes refuses to change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from argosy.argocd.deployed import Deployed, sources
from argosy.argocd.matching import HOOK, listed
from argosy.argocd.projects import destination_permitted
from argosy.documents.fields import field, mapping, sequence, text
from argosy.kubernetes.api_server import quantity
from argosy.kubernetes.manifests import Identity, Manifest

STATEFUL = frozenset(
    {
        ("", "Namespace"),
        ("", "PersistentVolume"),
        ("", "PersistentVolumeClaim"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("apps", "StatefulSet"),
    }
)
_LOST: Mapping[str, str] = {
    "Namespace": "with everything in it",
    "PersistentVolume": "and maybe its data with it",
    "PersistentVolumeClaim": "and, unless its volume is retained, its data with it",
    "CustomResourceDefinition": "with every resource of its kind in the cluster",
    "StatefulSet": "and what kept its volumes in order with it",
}
_IMMUTABLE: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "PersistentVolumeClaim"): ("accessModes", "storageClassName", "volumeName"),
    ("apps", "DaemonSet"): ("selector",),
    ("apps", "Deployment"): ("selector",),
    ("apps", "StatefulSet"): ("podManagementPolicy", "selector", "serviceName", "volumeClaimTemplates"),
    ("batch", "Job"): ("selector", "template"),
}
SYNC_OPTIONS = "argocd.argoproj.io/sync-options"
_REPLACED = frozenset({"Force=true", "Replace=true"})


@dataclass(frozen=True, slots=True)
class Risk:
    """What people should know before a difference is merged."""

    application: str
    app: str
    environment: str
    resource: str
    """Kind/name; empty for the Application as a whole."""
    message: str
    """A sentence that begins with what it is about."""


def risks(old: Deployed | None, new: Deployed | None, projects: Mapping[str, Manifest]) -> Iterator[Risk]:
    """Yield what is risky about the difference of two states of an Application, of which one may be missing.

    `projects` are the AppProjects that are known afterwards, by their names.
    """
    if old is None or any(each.faults or each.unread for each in (old, new) if each):
        return
    if new is None:
        gone = old.manifests if old.cascades else {}
    else:
        is_pruned = _prunes_the_old_place(old, new, projects)
        for message in _moved(old, new, is_pruned=is_pruned):
            yield _risk(new, None, message)
        gone = {
            this: manifest
            for this, manifest in old.manifests.items()
            if this not in new.manifests and not (is_pruned is False and this.namespace == old.namespace)
        }
        for this, manifest in new.manifests.items():
            if this in old.manifests:
                for message in refused(this, old.manifests[this], manifest):
                    yield _risk(old, this, message)
    for this, manifest in gone.items():
        if (this.group, this.kind) in STATEFUL and not is_kept(this, manifest, deleted=new is None):
            yield _risk(old, this, f"{this} would be deleted, {_LOST[this.kind]}.")


def _risk(deployed: Deployed, this: Identity | None, message: str) -> Risk:
    return Risk(deployed.application, deployed.app, deployed.environment, str(this or ""), message)


def is_kept(this: Identity, manifest: Manifest, *, deleted: bool) -> bool:
    """Return whether Argo CD leaves a resource in the cluster: when it prunes, or deletes the whole Application."""
    options = listed(manifest, SYNC_OPTIONS)
    if not deleted:
        return "Prune=false" in options
    keeps = "keep" in listed(manifest, "helm.sh/resource-policy")
    return "Delete=false" in options or keeps or this.kind == "CustomResourceDefinition"


def _moved(old: Deployed, new: Deployed, *, is_pruned: bool | None) -> Iterator[str]:
    """Yield what becomes of what is deployed where an Application moves it to another place."""
    (cluster, namespace), (other, anew) = _destination(old), _destination(new)
    project, its = (text(field(each.definition, "spec", "project")) or "default" for each in (old, new))
    if cluster != other:
        yield (
            f"It deploys to {other or 'no cluster'}: what it deployed to {cluster or 'none'} stays there, in no "
            "Application. Volumes do not come along."
        )
    elif namespace != anew:
        fate = {
            True: f"Argo CD deletes, volumes included: the AppProject {its} goes on permitting that namespace.",
            False: "stays there, in no Application. Volumes do not come along.",
            None: f"Argo CD deletes if the AppProject {its} permits that namespace, and leaves unmanaged if not.",
        }
        yield f"It deploys to the namespace {anew}: what it deployed to {namespace} {fate[is_pruned]}"
    if project != its:
        yield (
            f"It belongs to the project {its} instead of {project}: what {its} does not permit, Argo CD neither syncs "
            "nor deletes any more."
        )
    release, its = (_release(each) for each in (old, new))
    if release and its and release != its:
        yield (
            f"Its Helm release is {its} instead of {release}: what is named after it is made anew, and the old is "
            "deleted. Volumes do not come along."
        )


def _prunes_the_old_place(old: Deployed, new: Deployed, projects: Mapping[str, Manifest]) -> bool | None:
    """Return whether Argo CD deletes what an Application leaves behind; None where that is unknown.

    It does not look at what is outside of what the AppProject permits, nor in another cluster.
    """
    (cluster, namespace), (other, anew) = _destination(old), _destination(new)
    if cluster != other:
        return False
    if namespace == anew:
        return True
    project = projects.get(text(field(new.definition, "spec", "project")) or "default")
    if project is None:
        return None
    destination = mapping(field(old.definition, "spec", "destination"))
    server, name = text(destination.get("server")) or None, text(destination.get("name")) or None
    listed_there = [mapping(each) for each in sequence(field(project, "spec", "destinations"))]
    return destination_permitted(listed_there, server, name, namespace)


def _destination(deployed: Deployed) -> tuple[str, str]:
    destination = mapping(field(deployed.definition, "spec", "destination"))
    return text(destination.get("server")).rstrip("/") or text(destination.get("name")), deployed.namespace


def _release(deployed: Deployed) -> str:
    """Return the name of an Application's Helm release; empty where it has none, or several."""
    names = [text(mapping(each["helm"]).get("releaseName")) for each in sources(deployed.definition) if "helm" in each]
    return (names[0] or deployed.application) if len(names) == 1 else ""


def refused(this: Identity, old: Manifest, new: Manifest) -> Iterator[str]:
    """Yield what Kubernetes refuses to change, unless Argo CD makes the resource anew."""
    if _REPLACED & set(listed(new, SYNC_OPTIONS)) or listed(new, HOOK) or listed(new, "helm.sh/hook"):
        return
    for name in _IMMUTABLE.get((this.group, this.kind), ()):
        if field(old, "spec", name) != field(new, "spec", name):
            yield f"spec.{name} of {this} changes, which Kubernetes refuses: the sync fails until it is deleted."
    if this.kind == "PersistentVolumeClaim":
        sizes = [quantity(field(each, "spec", "resources", "requests", "storage")) for each in (old, new)]
        if sizes[0] is not None and sizes[1] is not None and sizes[1] < sizes[0]:
            yield f"{this} shrinks, which Kubernetes refuses: the sync fails."
