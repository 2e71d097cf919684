"""Whether the namespaces have room: what quotas allow, what is asked for, and what was refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from argosy.argocd.matching import applied
from argosy.argocd.view import ArgoApplication
from argosy.doctor.case import Case, check, elsewhere, is_in, of_namespaces
from argosy.doctor.complaints import TITLES, Topic, complaints
from argosy.doctor.diagnosis import Check, Observation, ok, problem, unknown
from argosy.doctor.events import refusals
from argosy.documents.fields import field, group_and_kind, mapping, sequence, text
from argosy.kubernetes.api_server import quantity
from argosy.kubernetes.cluster import Cluster
from argosy.names import joined

_REPLICATED = {"Deployment", "StatefulSet", "ReplicaSet"}
_OF_EVERY_POD = {
    "pods",
    "count/pods",
    *(f"{side}{each}" for side in ("", "requests.", "limits.") for each in ("cpu", "memory")),
}
"""What no Pod goes without where a quota counts it."""
Place = tuple[str, str]
"""A cluster, as Applications name it, and a namespace."""


def checks(case: Case) -> Iterator[Check]:
    """Yield the checks: what Git asks for and allows, then what the cluster has and refused."""
    yield check("asked", "what is asked for fits the quotas in Git", _declared(case), "No quota is in Git.")
    yield check("used", "the quotas in the cluster have room", case.of_live(_used), "No quota is in the namespaces.")
    yield check("refused", TITLES[Topic.QUOTA], case.of_live(_refused), "Nothing was.")


# In Git


def _declared(case: Case) -> Iterator[Observation]:
    """Compare ResourceQuotas that are rendered into a namespace with what is deployed there."""
    quotas: dict[Place, dict[str, Decimal]] = defaultdict(dict)
    asked: dict[Place, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    users: dict[Place, dict[str, None]] = defaultdict(dict)
    for application, place, data in _deployed(case):
        if field(data, "kind") == "ResourceQuota" and not _is_of_some(data):
            for name, value in mapping(field(data, "spec", "hard")).items():
                found = quantity(value)
                if found is not None:
                    quotas[place][str(name)] = min(found, quotas[place].get(str(name), found))
        users[place][application.name] = None
        for name, amount in _asked(data).items():
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


def _deployed(case: Case) -> Iterator[tuple[ArgoApplication, Place, Any]]:
    """Yield every manifest that is deployed, by which Application and where."""
    for application in case.view.applications:
        for document in applied(application, case.view):
            namespace = text(field(document.data, "metadata", "namespace")) or _namespace(application)
            yield application, (_cluster(application), namespace), document.data


def _is_of_some(quota: Any) -> bool:
    """Return whether a quota counts some Pods alone; which these are is not known here."""
    return bool(field(quota, "spec", "scopes") or field(quota, "spec", "scopeSelector"))


def _cluster(application: ArgoApplication) -> str:
    destination = mapping(application.spec.get("destination"))
    return text(destination.get("server")) or text(destination.get("name"))


def _namespace(application: ArgoApplication) -> str:
    return text(field(application.spec, "destination", "namespace"))


def _pod(data: Any) -> Mapping[str, Any]:
    if field(data, "kind") == "Pod":
        return mapping(field(data, "spec"))
    return mapping(field(data, "spec", "template", "spec"))


def _asked(data: Any) -> Mapping[str, Decimal]:
    """Return what a manifest asks for, under the names of quotas."""
    group, kind = group_and_kind(data)
    plural = f"{kind.lower()}s"  # Of what quotas are about, none has another.
    found = {f"count/{plural}.{group}".rstrip("."): Decimal(1)}
    if not group:
        found[plural] = Decimal(1)
    if (group, kind) == ("", "Service"):
        of_type = text(field(data, "spec", "type"))
        found["services.loadbalancers"] = Decimal(of_type == "LoadBalancer")
        found["services.nodeports"] = Decimal(of_type in {"LoadBalancer", "NodePort"})
    if (group, kind) == ("", "PersistentVolumeClaim"):
        found["requests.storage"] = quantity(field(data, "spec", "resources", "requests", "storage")) or Decimal(0)
    pod = _pod(data)
    return {**found, **_requests(data, pod)} if pod else found


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
    asked: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for application, (_, namespace), data in _deployed(case):
        if is_in(application, cluster):
            for name, amount in _asked(data).items():
                asked[namespace][name] += amount
    yield from of_namespaces(case, lambda namespace: _of_namespace(namespace, asked[namespace], cluster))


def _refused(case: Case, cluster: Cluster) -> Iterator[Observation]:
    yield from complaints(case, cluster, Topic.QUOTA)
    yield from elsewhere(case, cluster)
    yield from refusals(case, cluster, quota=True)


def _of_namespace(namespace: str, asked: Mapping[str, Decimal], cluster: Cluster) -> Iterator[Observation]:
    for found in cluster.quotas((namespace,)):
        name = text(field(found, "metadata", "name"))
        hard, used = (mapping(field(found, "status", each)) for each in ("hard", "used"))
        if not hard:
            yield unknown(f"The quota {name} in {namespace} has not been counted yet.")
            continue
        limits = {each: most for each, limit in hard.items() if (most := quantity(limit)) is not None}
        none = [each for each, most in limits.items() if not most]
        # One that allows none of something is a rule: it matters where that is asked for.
        barred = [each for each in none if not _is_of_some(found) and _is_wanted(each, asked)]
        full = [
            f"{each} {used.get(each)} of {hard[each]}"
            for each, most in limits.items()
            if most and (quantity(used.get(each)) or Decimal(0)) >= most
        ]
        describe, raised = (
            f"{cluster.kubectl(namespace)} describe resourcequota {name}",
            "Raise it in Git, or ask for less.",
        )
        if barred:
            seen = f"The quota {name} in {namespace} allows no {joined(barred, 3)}, which what is deployed there needs."
            yield problem(seen, f"It is set to 0. {raised}", describe)
        if full:
            advice = f"Nothing more is created there. {raised}"
            yield problem(f"The quota {name} in {namespace} is used up: {', '.join(full)}.", advice, describe)
        if not barred and not full:
            but = f"; it allows no {joined(none, 3)}" if none else ""
            yield ok(f"The quota {name} in {namespace} has room{but}.")


def _is_wanted(counted: str, asked: Mapping[str, Decimal]) -> bool:
    """Return whether something is asked for that a quota counts; where nothing is known of it, Pods are."""
    return bool(asked.get(counted) or (counted in _OF_EVERY_POD and (not asked or asked.get("pods"))))
