"""What the AppProjects of a repository permit, and its components' Applications: read from the tree.

These files are template-owned, and the model that renders them stands nowhere else: so a newer chart's version that
somebody, or Renovate, writes into an Application is the model's from then on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from argosy import paths
from argosy.documents.fields import mapping, sequence
from argosy.documents.plain import documents
from argosy.errors import UsageError
from argosy.repository import layout
from argosy.repository.model import NAMESPACE, ArgocdStyle, Component, Kind, Permitted, PodSecurity

_ENFORCED = "pod-security.kubernetes.io/enforce"
_WAVE = "argocd.argoproj.io/sync-wave"


_FOLLOWED = re.compile(
    rb"""^[ ]*(?:path:[ ]+["']?"""
    + layout.SHARED_CHART.encode()
    + rb"""/|chartVersion:[ ]+["']?)([0-9]+\.[0-9]+\.[0-9]+)["']?[ ]*(?:\#.*)?\r?$""",
    re.MULTILINE,
)


def followed(text: bytes) -> str:
    """Return the version of the shared chart that an Application or a file of such a version says, "" for none."""
    # To read a thousand Applications as YAML takes a second.
    found = _FOLLOWED.search(text)
    return found[1].decode() if found else ""


def chart_versions(
    root: Path, environment: str, applications: Iterable[str], style: ArgocdStyle
) -> Iterator[tuple[str, str]]:
    """Yield which version of the shared chart applications follow: of those that say so, each with the version."""
    place = layout.chart_version if style is ArgocdStyle.APPLICATIONSET else layout.argocd_application
    for name in applications:
        file = root / place(environment, name)
        if not paths.astray(file, root) and file.is_file() and (version := followed(file.read_bytes())):
            yield name, version


def permitted(root: Path, environment: str, team: str = "", *, by_team: bool = False) -> Permitted:
    """Return the kinds that the AppProject of an environment, or of a team, permits; what it does not say is None.

    With tenancy `by_team`, it permits namespaces by their names, which the applications tell.
    """
    spec = _spec(_first(root, layout.project(environment, team), "AppProject"))
    wide = spec.get("clusterResourceWhitelist")
    if by_team and isinstance(wide, list):
        others = [each for each in wide if mapping(each).get("kind") != NAMESPACE.kind or "name" not in mapping(each)]
        listed = _kinds(others)
        cluster_kinds = None if listed is None else tuple(sorted({*listed, NAMESPACE}))
    else:
        cluster_kinds = _kinds(wide)
    urls = [each for each in sequence(spec.get("sourceRepos")) if isinstance(each, str)]
    return Permitted(
        _kinds(spec.get("namespaceResourceWhitelist")),
        cluster_kinds,
        # The template writes this repository's own first.
        repositories=tuple(urls[1:]),
    )


def components_permitted(root: Path, environment: str) -> Permitted:
    """Return what the AppProject of an environment's components permits: kinds without a namespace, and namespaces."""
    spec = _spec(_first(root, layout.components_project(environment), "AppProject"))
    spaces = [mapping(each).get("namespace") for each in sequence(spec.get("destinations"))]
    named = "destinations" in spec and all(isinstance(each, str) for each in spaces)
    return Permitted(None, _kinds(spec.get("clusterResourceWhitelist")), tuple(map(str, spaces)) if named else None)


def components(root: Path, environment: str) -> tuple[Component, ...]:
    """Return the components whose Applications are an environment's; files that argosy would not write are none."""
    folder = root / layout.components(environment)
    names = sorted(path.stem for path in folder.glob("*.yaml")) if folder.is_dir() else []
    found = (_component(root, environment, name) for name in names if name != "project")
    return tuple(each for each in found if each)


def _component(root: Path, environment: str, name: str) -> Component | None:
    manifest = _first(root, layout.component_application(environment, name), "Application")
    spec = _spec(manifest)
    policy = mapping(spec.get("syncPolicy"))
    sources = [mapping(each) for each in sequence(spec.get("sources"))]
    chart = mapping(spec.get("source")) or next((each for each in sources if "chart" in each), {})
    folder = layout.component_chart(environment, name)
    vendored = chart.get("path") == folder
    metadata = _first(root, f"{folder}/Chart.yaml", None) if vendored else {}
    labels = mapping(mapping(policy.get("managedNamespaceMetadata")).get("labels"))
    if not vendored and "chart" not in chart:
        return None
    try:
        return Component(
            name=name,
            repo_url="" if vendored else str(chart.get("repoURL", "")),
            chart=str(metadata.get("name") if vendored else chart["chart"]),
            version=str(metadata.get("version") if vendored else chart.get("targetRevision", "")),
            namespace=str(mapping(spec.get("destination")).get("namespace", "")),
            wave=int(mapping(mapping(manifest.get("metadata")).get("annotations")).get(_WAVE, 0)),
            server_side="ServerSideApply=true" in sequence(policy.get("syncOptions")),
            vendored=vendored,
            manifests=(root / layout.component_manifests(environment, name)).is_dir(),
            pod_security=PodSecurity(labels.get(_ENFORCED, "")),
            ignored=json.dumps(spec["ignoreDifferences"]) if spec.get("ignoreDifferences") else "",
        )
    except (UsageError, ValueError, TypeError):
        return None


def _first(root: Path, path: str, kind: str | None) -> Mapping[str, Any]:
    """Return the first document of a kind in a file; {} where there is none, or the file cannot be read."""
    try:
        read = [*documents(paths.content(root / path, root).decode())]
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return {}
    return next((each for each in read if isinstance(each, dict) and kind in (None, each.get("kind"))), {})


def _kinds(listed: object) -> tuple[Kind, ...] | None:
    if not isinstance(listed, list) or not all(
        isinstance(each, dict) and {*each} == {"group", "kind"} for each in listed
    ):
        return None
    return tuple(Kind(str(each["group"]), str(each["kind"])) for each in listed)


def _spec(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(manifest.get("spec"))
