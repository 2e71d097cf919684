"""Differences that are more than they look: data that is deleted, and what Kubernetes refuses to change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from argosy.argocd.deployed import Deployed
from argosy.argocd.matching import HOOK, listed
from argosy.documents.fields import field, mapping, text
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
_SYNC_OPTIONS = "argocd.argoproj.io/sync-options"
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


def risks(old: Deployed | None, new: Deployed | None) -> Iterator[Risk]:
    """Yield what is risky about the difference of two states of an Application, of which one may be missing."""
    if old is None or any(each.faults or each.unread for each in (old, new) if each):
        return
    if new is None:
        gone = old.manifests if old.cascades else {}
    else:
        yield from _moved(old, new)
        gone = {this: manifest for this, manifest in old.manifests.items() if this not in new.manifests}
        for this, manifest in new.manifests.items():
            if this in old.manifests:
                for message in _refused(this, old.manifests[this], manifest):
                    yield _risk(old, this, message)
    for this, manifest in gone.items():
        if (this.group, this.kind) in STATEFUL and not _is_kept(this, manifest, deleted=new is None):
            yield _risk(old, this, f"{this} would be deleted, {_LOST[this.kind]}.")


def _risk(deployed: Deployed, this: Identity | None, message: str) -> Risk:
    return Risk(deployed.application, deployed.app, deployed.environment, str(this or ""), message)


def _is_kept(this: Identity, manifest: Manifest, *, deleted: bool) -> bool:
    """Return whether Argo CD leaves a resource in the cluster: when it prunes, or deletes the whole Application."""
    options = listed(manifest, _SYNC_OPTIONS)
    if not deleted:
        return "Prune=false" in options
    keeps = "keep" in listed(manifest, "helm.sh/resource-policy")
    return "Delete=false" in options or keeps or this.kind == "CustomResourceDefinition"


def _moved(old: Deployed, new: Deployed) -> Iterator[Risk]:
    here, there = (mapping(field(each.definition, "spec", "destination")) for each in (old, new))
    one, other = (text(each.get("server")).rstrip("/") or text(each.get("name")) for each in (here, there))
    if one != other:
        yield _risk(
            new, None, f"It deploys to {other or 'no cluster'}: what it deployed to {one or 'none'} stays there."
        )


def _refused(this: Identity, old: Manifest, new: Manifest) -> Iterator[str]:
    """Yield what Kubernetes refuses to change, unless Argo CD makes the resource anew."""
    if _REPLACED & set(listed(new, _SYNC_OPTIONS)) or listed(new, HOOK) or listed(new, "helm.sh/hook"):
        return
    for name in _IMMUTABLE.get((this.group, this.kind), ()):
        if field(old, "spec", name) != field(new, "spec", name):
            yield f"spec.{name} of {this} changes, which Kubernetes refuses: the sync fails until it is deleted."
    if this.kind == "PersistentVolumeClaim":
        sizes = [quantity(field(each, "spec", "resources", "requests", "storage")) for each in (old, new)]
        if sizes[0] is not None and sizes[1] is not None and sizes[1] < sizes[0]:
            yield f"{this} shrinks, which Kubernetes refuses: the sync fails."
