"""What a cluster's Argo CD says of each deployment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from argosy.kubernetes.cluster import Cluster
from argosy.names import joined
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
    """Argo CD's error, if the state is unknown or the last sync failed; why Argo CD says nothing, if it does not."""


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
        environment, each_of = environments[name], dict[str, Live | None]()
        for called, place in zip(environment.deployed_as(application), environment.places, strict=True):
            likeness = partial(_likeness, application, environment, place, repository.settings.repo_url)
            # Several Argo CDs, or several repositories of one, may have Applications of one name.
            ranked = sorted(by_name.get(called, []), key=lambda each: str(_at(each, "metadata", "namespace")))
            each_of[place] = _live(max(ranked, key=likeness)) if ranked else None
        found[application, name] = _together(each_of)
    return found


_SYNC = ("Synced", "OutOfSync", "Unknown")
_HEALTH = ("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown")
"""From good to bad."""


def _together(places: Mapping[str, Live | None]) -> Live | None:
    """Return one Application for those of several clusters: the worst of each, and which cluster has trouble."""
    there = {place: each for place, each in places.items() if each}
    if len(places) == 1 or not there:
        return next(iter(places.values()))
    troubles = [f"{place}: {each.message}" for place, each in there.items() if each.message]
    troubles += [f"{place}: there is no Application" for place in places if place not in there]
    behind = [place for place, each in there.items() if (each.sync, each.health) != ("Synced", "Healthy")]
    if behind and len(behind) < len(places) and not troubles:
        troubles = [f"in {joined(behind)}"]
    revisions = dict.fromkeys(each.revision for each in there.values() if each.revision)
    sync = _worst((each.sync for each in there.values()), _SYNC) if len(there) == len(places) else _SYNC[-1]
    health = _worst((each.health for each in there.values()), _HEALTH)
    return Live(next(iter(there.values())).namespace, sync, health, ", ".join(revisions), "; ".join(troubles))


def _worst(found: Iterable[str], known: Sequence[str]) -> str:
    return max(found, key=lambda each: known.index(each) if each in known else len(known))


def _likeness(name: str, environment: Environment, place: str, url: str, application: Mapping[str, Any]) -> int:
    """Return how much of what a deployment's Application should have an Application has."""
    destination = _at(application, "spec", "destination") or {}
    labels = _at(application, "metadata", "labels") or {}
    sources = [_at(application, "spec", "source"), *(_at(application, "spec", "sources") or ())]
    cluster = str(destination.get("server") or destination.get("name") or "")
    return sum(
        (
            cluster.rstrip("/") == place.rstrip("/"),
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
    operation = _at(application, "status", "operationState")
    # One that is tried again and again is Running until it succeeds, or has had all its tries.
    if _at(operation, "phase") in {"Failed", "Error"} or _at(operation, "retryCount"):
        told.append(_at(operation, "message"))
    if not _at(application, "status", "sync", "status"):
        told.append("no controller has looked at it yet, it has no status")
    return next((" ".join(str(each).split()) for each in told if each), "")


def _at(data: Any, *names: str) -> Any:
    for name in names:
        data = data.get(name) if isinstance(data, dict) else None
    return data
