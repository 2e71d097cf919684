"""The schema files that come with argosy: its own, in `schemas/`, and those of packages it takes the data of."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from argosy.errors import ArgosyError
from argosy.schemas.schema import CompiledSchema, compiled

FOLDER = Path(__file__).parent / "data"
_KINDS = {
    "argocd-image-updater.argoproj.io/v1alpha1": "image-updater.json",
    "argoproj.io/v1alpha1": "argocd.json",
    "bitnami.com/v1alpha1": "sealed-secrets.json",
    "cert-manager.io/v1": "cert-manager.json",
    "cilium.io/v2": "cilium.json",
    "external-secrets.io/v1": "external-secrets.json",
    "external-secrets.io/v1alpha1": "external-secrets.json",
    "external-secrets.io/v1beta1": "external-secrets.json",
    "externaldns.k8s.io/v1alpha1": "external-dns.json",
    "gateway.envoyproxy.io/v1alpha1": "envoy-gateway.json",
    "gateway.networking.k8s.io/v1": "gateway.json",
    "gateway.networking.k8s.io/v1beta1": "gateway.json",
    "isindir.github.com/v1alpha3": "sops-secrets.json",
    "karpenter.k8s.aws/v1": "karpenter.json",
    "karpenter.sh/v1": "karpenter.json",
    "kustomize.config.k8s.io/v1alpha1": "kustomize.json",
    "kustomize.config.k8s.io/v1beta1": "kustomize.json",
    "kyverno.io/v1": "kyverno.json",
    "monitoring.coreos.com/v1": "monitoring.json",
    "monitoring.coreos.com/v1alpha1": "monitoring.json",
    "monitoring.grafana.com/v1alpha2": "grafana.json",
    "policies.kyverno.io/v1": "kyverno.json",
    "policies.kyverno.io/v1alpha1": "kyverno.json",
    "policies.kyverno.io/v1beta1": "kyverno.json",
    "velero.io/v1": "velero.json",
}


def for_kind(api_version: str, kind: str) -> CompiledSchema | None:
    """Return the schema of a kind that others define and many repositories hold; None if it is none of those."""
    name = _KINDS.get(api_version)
    return (
        schema(f"{name}#/$defs/{kind}") if name and kind[:1].isupper() and kind in _documents()[name]["$defs"] else None
    )


@cache
def schema(reference: str) -> CompiledSchema:
    """Return a part of a file: `files.json#/$defs/chart`."""
    return compiled({"$ref": f"argosy:/{reference}"}, by_uri())


@cache
def by_uri() -> Mapping[str, Any]:
    """Return the files that define something, by the URI that they refer to each other with."""
    return {document["$id"]: document for document in _documents().values()}


@cache
def package_folder(name: str) -> Path:
    """Return the folder of a package that is wanted for its data alone: importing it would load its command line."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ArgosyError(f"The Python package {name} is missing.", "Install argosy again.")
    return Path(spec.submodule_search_locations[0])


@cache
def _documents() -> Mapping[str, Any]:
    read = {path.name: json.loads(path.read_bytes()) for path in FOLDER.glob("*.json")}
    return {name: document for name, document in read.items() if "$defs" in document}
