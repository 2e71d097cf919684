"""What the pods of a namespace ask for, and what its ResourceQuotas and LimitRanges let them have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import lru_cache

from argosy.argocd import matching
from argosy.argocd.view import ArgoApplication, View
from argosy.documents import Document, Pointer, fields
from argosy.documents.fields import JSON, mapping, sequence, text
from argosy.kubernetes.api_server import quantity
from argosy.kubernetes.pods import pod_specs

Place = tuple[str, str]
"""A cluster, as Applications name it, and a namespace."""

Amounts = Mapping[str, Decimal]
"""How much of each resource: by its name, such as cpu."""

_LEAST, _MOST = Decimal("1e-9"), Decimal(2**63)
_REPLICATED = frozenset({"Deployment", "ReplicaSet", "ReplicationController", "Rollout", "StatefulSet"})
_ROLLING = frozenset({"Deployment", "Rollout"})
_DEFAULT_SHARE = "25%"
"""Of maxSurge and maxUnavailable: Kubernetes' own for Deployments, and Argo Rollouts' for canaries."""


@dataclass(frozen=True, slots=True, eq=False)
class Container:
    """A container with what it asks for, the namespace's defaults filled in."""

    at: Pointer
    name: str
    requests: Amounts
    limits: Amounts
    before: bool
    """Whether it is done before the others start."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many pods there are, and how many more a rollout cannot do without."""

    pods: int
    surge: int


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """What makes pods: how many there are at least and at most."""

    document: Document
    application: ArgoApplication
    at: Pointer
    """Where the pod's specification stands."""
    containers: Sequence[Container]
    overhead: Amounts
    least: Count
    most: Count

    @property
    def name(self) -> str:
        """Its kind and name."""
        return f"{self.document.data['kind']}/{text(fields.field(self.document.data, 'metadata', 'name'))}"

    def of_pod(self, key: str) -> Decimal:
        """Return how much one pod counts for a quota's key, such as requests.cpu."""
        if key == "pods":
            return Decimal(1)
        kind, _, resource = key.partition(".")
        side = [each.requests if kind == "requests" else each.limits for each in self.containers]
        amounts = [each.get(resource, Decimal(0)) for each in side]
        staying = sum((a for a, c in zip(amounts, self.containers, strict=True) if not c.before), Decimal(0))
        leaving = max((a for a, c in zip(amounts, self.containers, strict=True) if c.before), default=Decimal(0))
        return max(staying, leaving) + self.overhead.get(resource, Decimal(0))


@dataclass(slots=True, eq=False)
class Namespace:
    """A namespace of a cluster, as the Applications that deploy to it make it."""

    name: str
    quotas: list[Document] = field(default_factory=list)
    ranges: list[Document] = field(default_factory=list)
    workloads: list[Workload] = field(default_factory=list)


@lru_cache(maxsize=1)  # One validation looks at one View.
def namespaces(repository: View) -> Mapping[Place, Namespace]:
    """Return the namespaces that the Applications deploy to, with what is deployed there."""
    deployed = list(_deployed(repository))
    found = {place: Namespace(place[1]) for place, _, _ in deployed}
    for place, _, document in deployed:
        kind = fields.group_and_kind(document.data)
        if kind == ("", "ResourceQuota"):
            found[place].quotas.append(document)
        elif kind == ("", "LimitRange"):
            found[place].ranges.append(document)
    autoscaled = {(place, _target(each.data)): each.data for place, _, each in deployed if _is_autoscaler(each.data)}
    for place, application, document in deployed:
        for at, pod in pod_specs(document.data):
            least, most = _replicas(document.data, autoscaled.get((place, _identity(document.data))))
            workload = Workload(
                document=document,
                application=application,
                at=at,
                containers=list(_containers(pod, at, found[place].ranges)),
                overhead=amounts(pod.get("overhead")),
                least=Count(least, _surge(document.data, least)),
                most=Count(most, _surge(document.data, most)),
            )
            found[place].workloads.append(workload)
    return found


def hard(quota: Document) -> Iterator[tuple[str, str, Decimal]]:
    """Yield each key of a quota as it stands, what it counts (pods, requests.… or limits.…), and how much it allows.

    A quota of some pods alone is left out: which they are is not known here.
    """
    spec = mapping(fields.field(quota.data, "spec"))
    if spec.get("scopes") or spec.get("scopeSelector"):
        return
    for key, value in mapping(spec.get("hard")).items():
        allowed = amount(value)
        counted = "pods" if key in {"pods", "count/pods"} else str(key)
        if key in {"cpu", "memory", "ephemeral-storage"}:
            counted = f"requests.{key}"
        of_pods = counted == "pods" or counted.startswith(("requests.", "limits."))
        if allowed is not None and of_pods and counted != "requests.storage":
            yield key, counted, allowed


def shown(much: Decimal, key: str) -> str:
    """Return an amount as people write it: 500m or 2 for CPU, 64Mi or 2Gi for memory and storage."""
    if key.endswith("cpu"):
        return str(much.to_integral_value()) if much == much.to_integral_value() else f"{much * 1000:.0f}m"
    if key.endswith(("memory", "storage")):
        for suffix, power in (("Gi", 30), ("Mi", 20), ("Ki", 10)):
            if much and much % 2**power == 0:
                return f"{much / 2**power:.0f}{suffix}"
    return f"{much.normalize():f}"


def limits_of(ranges: Iterable[Document], bound: str) -> dict[str, Decimal]:
    """Return what LimitRanges say of containers: default, defaultRequest, max or min."""
    found: dict[str, Decimal] = {}
    for each in ranges:
        for item in sequence(fields.field(each.data, "spec", "limits")):
            if fields.field(item, "type") == "Container":
                found |= amounts(fields.field(item, bound))
    return found


def amounts(value: JSON) -> dict[str, Decimal]:
    """Return the quantities of a mapping, those that are none left out."""
    read = {str(name): amount(each) for name, each in mapping(value).items()}
    return {name: each for name, each in read.items() if each is not None}


def amount(value: JSON) -> Decimal | None:
    """Return the number that a quantity stands for; None if it is none, or none that Kubernetes can hold."""
    read = quantity(value)
    return read if read is not None and (not read or _LEAST <= read < _MOST) else None


def _deployed(repository: View) -> Iterator[tuple[Place, ArgoApplication, Document]]:
    for application in repository.applications:
        server, name = matching.cluster(application, repository)
        for document in matching.applied(application, repository):
            own = text(fields.field(document.data, "metadata", "namespace"))
            namespace = own or matching.namespace_of(application)
            if namespace and not matching.is_cluster_scoped(document.data, repository):
                yield (server or name or "", namespace), application, document


def _is_autoscaler(data: JSON) -> bool:
    return fields.group_and_kind(data) == ("autoscaling", "HorizontalPodAutoscaler")


def _target(data: JSON) -> tuple[str, str]:
    target = fields.field(data, "spec", "scaleTargetRef")
    return text(fields.field(target, "kind")), text(fields.field(target, "name"))


def _identity(data: JSON) -> tuple[str, str]:
    return text(fields.field(data, "kind")), text(fields.field(data, "metadata", "name"))


def _replicas(data: JSON, autoscaler: JSON) -> tuple[int, int]:
    """Return how many pods a workload has at least and at most."""
    spec, kind = mapping(fields.field(data, "spec")), text(fields.field(data, "kind"))
    if autoscaler:
        least = _number(fields.field(autoscaler, "spec", "minReplicas"), 1)
        return least, max(least, _number(fields.field(autoscaler, "spec", "maxReplicas"), least))
    said = spec.get("replicas") if kind in _REPLICATED else spec.get("parallelism") if kind == "Job" else None
    return (_number(said, 1),) * 2


def _containers(pod: Mapping[str, JSON], at: Pointer, ranges: Sequence[Document]) -> Iterator[Container]:
    most, least = limits_of(ranges, "max"), limits_of(ranges, "min")
    default = most | limits_of(ranges, "default")
    default_request = least | default | limits_of(ranges, "defaultRequest")
    for group in ("initContainers", "containers"):
        for index, each in enumerate(sequence(pod.get(group))):
            own = mapping(fields.field(each, "resources"))
            limits = amounts(own.get("limits"))
            yield Container(
                at=(*at, group, index),
                name=text(fields.field(each, "name")),
                # A request that is missing is the limit's, before any LimitRange is asked.
                requests=default_request | limits | amounts(own.get("requests")),
                limits=default | limits,
                before=group == "initContainers" and fields.field(each, "restartPolicy") != "Always",
            )


def _surge(data: JSON, replicas: int) -> int:
    """Return how many more pods a rollout cannot do without."""
    kind, strategy = text(fields.field(data, "kind")), mapping(fields.field(data, "spec", "strategy"))
    if not replicas or kind not in _ROLLING or strategy.get("type") == "Recreate":
        return 0
    if "blueGreen" in strategy:
        return replicas
    rolling = mapping(strategy.get("canary" if kind == "Rollout" else "rollingUpdate"))
    more = _share(rolling.get("maxSurge", _DEFAULT_SHARE), replicas, ROUND_CEILING)
    fewer = _share(rolling.get("maxUnavailable", _DEFAULT_SHARE), replicas, ROUND_FLOOR)
    # Where an old pod may go first, it makes the room.
    return 0 if fewer else min(more, 1)


def _share(value: JSON, replicas: int, rounding: str) -> int:
    if isinstance(value, str) and value.endswith("%"):
        share = max(fields.integer(value[:-1]) or 0, 0)
        return int((Decimal(share) * replicas / 100).to_integral_value(rounding))
    return _number(value, 0)


def _number(value: JSON, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else default
