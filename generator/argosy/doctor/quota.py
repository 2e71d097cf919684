"""Whether the namespaces have room: what quotas allow, what is asked for, and what was refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from argosy.argocd.matching import applied
from argosy.argocd.view import ArgoApplication
from argosy.doctor.case import Case, check, elsewhere, of_namespaces
from argosy.doctor.complaints import TITLES, Topic, complaints
from argosy.doctor.diagnosis import Check, Observation, ok, problem, unknown
from argosy.doctor.events import refusals
from argosy.documents.fields import field, mapping, sequence, text
from argosy.kubernetes.api_server import quantity
from argosy.kubernetes.cluster import Cluster

_REPLICATED = {"Deployment", "StatefulSet", "ReplicaSet"}


def checks(case: Case) -> Iterator[Check]:
    """Yield the checks: what Git asks for and allows, then what the cluster has and refused."""
    yield check("asked", "what is asked for fits the quotas in Git", _declared(case), "No quota is in Git.")
    yield check("used", "the quotas in the cluster have room", case.of_live(_used), "No quota is in the namespaces.")
    yield check("refused", TITLES[Topic.QUOTA], case.of_live(_refused), "Nothing was.")


# In Git


def _declared(case: Case) -> Iterator[Observation]:
    """Compare ResourceQuotas that are rendered into a namespace with the requests and limits of its workloads."""
    quotas: dict[tuple[str, str], dict[str, Decimal]] = defaultdict(dict)
    asked: dict[tuple[str, str], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    users: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for application in case.view.applications:
        for document in applied(application, case.view):
            place = (
                _cluster(application),
                text(field(document.data, "metadata", "namespace")) or _namespace(application),
            )
            if field(document.data, "kind") == "ResourceQuota":
                for name, value in mapping(field(document.data, "spec", "hard")).items():
                    found = quantity(value)
                    if found is not None:
                        quotas[place][str(name)] = min(found, quotas[place].get(str(name), found))
            elif pod := _pod(document.data):
                users[place][application.name] = None
                for name, amount in _requests(document.data, pod).items():
                    asked[place][name] += amount
    mine = {each.name for each in case.applications}
    for place, hard in quotas.items():
        if not mine & users[place].keys():
            continue
        over = [f"{name} {asked[place][name]} of {value}" for name, value in hard.items() if asked[place][name] > value]
        about = sorted(mine & users[place].keys())
        if over:
            seen = f"{place[1]}: more is asked for than the quota allows: {', '.join(over)}."
            yield problem(seen, "Raise the quota, or ask for less, in the environment's values.", applications=about)
        else:
            yield ok(f"{place[1]}: what is asked for fits.", applications=about)


def _cluster(application: ArgoApplication) -> str:
    destination = mapping(application.spec.get("destination"))
    return text(destination.get("server")) or text(destination.get("name"))


def _namespace(application: ArgoApplication) -> str:
    return text(field(application.spec, "destination", "namespace"))


def _pod(data: Any) -> Mapping[str, Any]:
    if field(data, "kind") == "Pod":
        return mapping(field(data, "spec"))
    return mapping(field(data, "spec", "template", "spec"))


def _requests(data: Any, pod: Mapping[str, Any]) -> Mapping[str, Decimal]:
    """Return what a workload asks for, under the names of quotas."""
    replicas = field(data, "spec", "replicas") if field(data, "kind") in _REPLICATED else 1
    count = Decimal(replicas if isinstance(replicas, int) else 1)
    found: dict[str, Decimal] = defaultdict(Decimal)
    found["pods"] = count
    for container in map(mapping, sequence(pod.get("containers"))):
        for kind in ("requests", "limits"):
            for name, value in mapping(field(container, "resources", kind)).items():
                amount = quantity(value)
                for quota in (f"{kind}.{name}", *((str(name),) if kind == "requests" else ())):
                    found[quota] += count * (amount or 0)
    return found


# In the cluster


def _used(case: Case, cluster: Cluster) -> Iterator[Observation]:
    yield from elsewhere(case, cluster)
    yield from of_namespaces(case, lambda namespace: _of_namespace(namespace, cluster))


def _refused(case: Case, cluster: Cluster) -> Iterator[Observation]:
    yield from complaints(case, cluster, Topic.QUOTA)
    yield from elsewhere(case, cluster)
    yield from refusals(case, cluster, quota=True)


def _of_namespace(namespace: str, cluster: Cluster) -> Iterator[Observation]:
    for found in cluster.quotas((namespace,)):
        name = text(field(found, "metadata", "name"))
        hard, used = (mapping(field(found, "status", each)) for each in ("hard", "used"))
        if not hard:
            yield unknown(f"The quota {name} in {namespace} has not been counted yet.")
            continue
        full = [
            f"{each} {used.get(each)} of {limit}"
            for each, limit in hard.items()
            if (most := quantity(limit)) is not None and (quantity(used.get(each)) or Decimal(0)) >= most > 0
        ]
        describe = f"{cluster.kubectl(namespace)} describe resourcequota {name}"
        if full:
            advice = "Nothing more is created there. Raise it in Git, or ask for less."
            yield problem(f"The quota {name} in {namespace} is used up: {', '.join(full)}.", advice, describe)
        else:
            yield ok(f"The quota {name} in {namespace} has room.")
