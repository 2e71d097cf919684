"""Argo CD's own manifests: a kustomization, built, and taken apart in the order in which a cluster can take it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argosy.bootstrap.readiness import WORKLOADS
from argosy.documents.fields import group_of
from argosy.errors import ArgosyError, ToolError
from argosy.kubernetes import kubectl, manifests
from argosy.kubernetes.cluster import NAMESPACE, Cluster
from argosy.kubernetes.manifests import Manifest

_FETCHING = 300.0
_SERVER = "argocd-server"
_CAUSE = re.compile(r"accumulating resources from '(.+?)': (.+?)(?:': must build at directory|\Z)", re.DOTALL)
"""The end of Kustomize's chain of errors: what it could not take, and why."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What there is to apply."""

    namespaces: Sequence[Manifest]
    definitions: Sequence[Manifest]
    rest: Sequence[Manifest]
    later: Sequence[Manifest] = ()
    """Of kinds that the cluster does not know, and that these definitions do not define."""

    @property
    def all(self) -> Sequence[Manifest]:
        """All that is applied."""
        return [*self.namespaces, *self.definitions, *self.rest]

    @property
    def workloads(self) -> Sequence[Manifest]:
        """What runs Pods."""
        return [each for each in self.rest if each["kind"] in WORKLOADS]

    @property
    def version(self) -> str:
        """Argo CD's version, as its server's image has it; "" where there is none."""
        servers = [each for each in self.workloads if each["metadata"]["name"] == _SERVER]
        containers = [one for each in servers for one in each["spec"]["template"]["spec"]["containers"]]
        images = [str(each.get("image", "")).partition("@")[0] for each in containers]
        return next((tag for image in images if (tag := image.rpartition("/")[2].partition(":")[2])), "")

    def setting(self, config_map: str, key: str) -> str:
        """Return a setting of Argo CD's, "" where it is not set."""
        found = [each for each in self.rest if (each["kind"], each["metadata"]["name"]) == ("ConfigMap", config_map)]
        return next((str((each.get("data") or {}).get(key, "")) for each in found), "")


def build(folder: Path) -> list[Manifest]:
    """Build the kustomization in a folder; raise ToolError where that fails: mostly, because it must be fetched."""
    try:
        text = kubectl.run("kustomize", str(folder), seconds=_FETCHING)
    except ToolError as error:
        cause = _CAUSE.search(error.message)
        raise ToolError(
            f"{folder} cannot be built. {f'{cause[1]}: {cause[2]}' if cause else error.message}",
            "It refers to Argo CD's manifests by URL, so this needs the network. The repository can keep them: "
            "`argosy set repository argocdManifests=vendored --fetch`, where there is one. Or name another "
            "kustomization: --install FOLDER.",
        ) from error
    return manifests.read(text, str(folder))


def arranged(
    folder: Path, built: Sequence[Manifest], cluster: Cluster | None, namespace: str = NAMESPACE
) -> Installation:
    """Take the manifests apart, by what a cluster knows if it was asked; raise ArgosyError if they are no Argo CD."""
    namespaces = [each for each in built if each["kind"] == "Namespace"]
    if namespace not in {each["metadata"]["name"] for each in namespaces}:
        namespaces.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    definitions = [each for each in built if manifests.is_crd(each)]
    rest = [each for each in built if each["kind"] != "Namespace" and not manifests.is_crd(each)]
    named = {each["metadata"]["name"] for each in definitions}
    if not {"applications.argoproj.io", "appprojects.argoproj.io"} <= named:
        raise ArgosyError(
            f"{folder} does not hold Argo CD: it does not define Applications and AppProjects.",
            "Name the folder of a kustomization that installs Argo CD with --install.",
        )
    if cluster is None:
        return Installation(namespaces, definitions, rest)
    _refuse_homeless(folder, rest, cluster)
    own = {(spec["group"], spec["names"]["kind"]) for spec in _specs(definitions)}
    is_known = [cluster.knows(each) or (group_of(each["apiVersion"]), each["kind"]) in own for each in rest]
    return Installation(
        namespaces,
        definitions,
        [each for each, known in zip(rest, is_known, strict=True) if known],
        [each for each, known in zip(rest, is_known, strict=True) if not known],
    )


def _specs(definitions: Sequence[Manifest]) -> Sequence[dict[str, Any]]:
    return [each["spec"] for each in definitions]


def _refuse_homeless(folder: Path, rest: Sequence[Manifest], cluster: Cluster) -> None:
    for each in rest:
        kind = cluster.kinds().get((each["apiVersion"], each["kind"]))
        if kind is not None and kind.namespaced and not manifests.reference(each).namespace:
            raise ArgosyError(
                f"{folder} sets no namespace for the {each['kind']} {each['metadata']['name']}.",
                f"Add `namespace: {cluster.namespace}` to its kustomization.yaml.",
            )
