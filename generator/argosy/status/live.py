"""What a cluster's Argo CD says of each deployment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from argosy.kubernetes.cluster import Cluster
from argosy.repository.model import Environment, Repository

Applications = Mapping[tuple[str, str], "Live | None"]
"""By application and environment; None for a deployment that the cluster has no Application of."""


@dataclass(frozen=True, slots=True)
class Live:
    """An Application of Argo CD as it is in the cluster."""

    namespace: str
    sync: str
    health: str
    revision: str
    """The commit, or the chart's version, that was compared with the cluster last."""
    message: str
    """Argo CD's error, if the state is unknown or the last sync failed."""


def of(repository: Repository, deployments: Iterable[tuple[str, str]], context: str = "") -> Applications:
    """Return the Applications of deployments in a cluster, by application and environment; raise ToolError if it fails.

    `context` is one of the kubeconfig's; empty: its current one.
    """
    environments = {each.name: each for each in repository.environments}
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for each in Cluster(context).applications().values():
        by_name.setdefault(str(_at(each, "metadata", "name")), []).append(each)
    found: dict[tuple[str, str], Live | None] = {}
    for application, name in deployments:
        likeness = partial(_likeness, application, environments[name], repository.settings.repo_url)
        # Several Argo CDs, or several repositories of one, may have Applications of one name.
        named = by_name.get(f"{application}-{name}", [])
        ranked = sorted(named, key=lambda each: str(_at(each, "metadata", "namespace")))
        found[application, name] = _live(max(ranked, key=likeness)) if ranked else None
    return found


def _likeness(name: str, environment: Environment, url: str, application: Mapping[str, Any]) -> int:
    """Return how much of what a deployment's Application should have an Application has."""
    destination = _at(application, "spec", "destination") or {}
    labels = _at(application, "metadata", "labels") or {}
    sources = [_at(application, "spec", "source"), *(_at(application, "spec", "sources") or ())]
    cluster = str(destination.get("server") or destination.get("name") or "")
    return sum(
        (
            cluster.rstrip("/") == environment.cluster.rstrip("/"),
            destination.get("namespace") == environment.namespace_of(name),
            (labels.get("app.kubernetes.io/name"), labels.get("environment")) == (name, environment.name),
            any(_at(each, "repoURL") == url for each in sources),
        )
    )


def _live(application: Mapping[str, Any]) -> Live:
    revisions = _at(application, "status", "sync", "revisions") or [_at(application, "status", "sync", "revision")]
    return Live(
        str(_at(application, "metadata", "namespace") or ""),
        str(_at(application, "status", "sync", "status") or "Unknown"),
        str(_at(application, "status", "health", "status") or "Unknown"),
        ", ".join(str(each) for each in revisions if each),
        _trouble(application),
    )


def _trouble(application: Mapping[str, Any]) -> str:
    conditions: Sequence[Any] = _at(application, "status", "conditions") or ()
    told = [_at(each, "message") for each in conditions if str(_at(each, "type") or "").endswith("Error")]
    if _at(application, "status", "operationState", "phase") in {"Failed", "Error"}:
        told.append(_at(application, "status", "operationState", "message"))
    return next((" ".join(str(each).split()) for each in told if each), "")


def _at(data: Any, *names: str) -> Any:
    for name in names:
        data = data.get(name) if isinstance(data, dict) else None
    return data
