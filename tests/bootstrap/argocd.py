"""A small installation of Argo CD: of each kind that the real one has, one or two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.upstream.releases import pinned

VERSION = pinned()
_GROUP = "argoproj.io"


def manifests() -> list[dict[str, Any]]:
    """Return the manifests, without their namespace."""
    return [
        *(definition(each) for each in ("Application", "ApplicationSet", "AppProject")),
        _bare("v1", "ServiceAccount", "argocd-server"),
        {
            **_bare("rbac.authorization.k8s.io/v1", "ClusterRole", "argocd-application-controller"),
            "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
        },
        {**_bare("v1", "ConfigMap", "argocd-cm"), "data": {"timeout.reconciliation": "180s"}},
        workload("StatefulSet", "argocd-application-controller"),
        workload("Deployment", "argocd-repo-server"),
        workload("Deployment", "argocd-server"),
    ]


def definition(kind: str, group: str = _GROUP) -> dict[str, Any]:
    """Return the definition of a kind."""
    names = {"kind": kind, "plural": f"{kind.lower()}s", "singular": kind.lower(), "listKind": f"{kind}List"}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": schema}
    return {
        **_bare("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{names['plural']}.{group}"),
        "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def _bare(api_version: str, kind: str, name: str) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}}


def workload(kind: str, name: str) -> dict[str, Any]:
    """Return a workload of one replica."""
    labels = {"app.kubernetes.io/name": name}
    pod = {"containers": [{"name": name, "image": f"quay.io/argoproj/argocd:{VERSION}"}]}
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    return {**_bare("apps/v1", kind, name), "spec": spec}


def installation(folder: Path, *more: dict[str, Any], namespace: str = "argocd") -> Path:
    """Write the installation as a kustomization into a folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = [*manifests(), *more]
    (folder / "install.yaml").write_text(yaml.safe_dump_all(documents))
    kustomization = {"resources": ["install.yaml"], **({"namespace": namespace} if namespace else {})}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return folder
