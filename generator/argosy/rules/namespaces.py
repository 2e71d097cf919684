"""Rules of namespaces: Pod Security, resources, quotas and limits."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from argosy.argocd import capacity
from argosy.argocd.capacity import Namespace, Place, Workload, shown
from argosy.argocd.matching import applied, cluster, namespace_of, sync_options
from argosy.argocd.view import View
from argosy.documents import Document, Pointer
from argosy.documents.fields import field, group_and_kind, mapping, text
from argosy.findings import Problem, Severity
from argosy.kubernetes.pod_security import breaches
from argosy.kubernetes.pods import containers
from argosy.rules.examples import APPLICATION, DESTINATION, REPOSITORY, SOURCE
from argosy.rules.registry import Scope, rule

ENFORCE = "pod-security.kubernetes.io/enforce"
_NEWEST = 99
"""The minor version that stands for `latest`, which is what a namespace that names none enforces."""

_CREATED = APPLICATION + SOURCE + DESTINATION + "  syncPolicy:\n    syncOptions: [CreateNamespace=true]\n"
_RESTRICTED = _CREATED + f"    managedNamespaceMetadata: {{labels: {{{ENFORCE}: restricted}}}}\n"
_CONTEXT = (
    "securityContext: {runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, "
    "seccompProfile: {type: RuntimeDefault}}"
)


def _pod(container: str = "", replicas: int = 1) -> str:
    return f"""
# file: apps/my-app/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {{name: my-app}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: my-app}}}}
  template:
    metadata: {{labels: {{app: my-app}}}}
    spec:
      containers:
        - name: my-app
          image: nginx:1.29.3-alpine
""" + (f"          {container}\n" if container else "")


@rule(
    "pod-security-breach",
    Severity.ERROR,
    Scope.REPOSITORY,
    "A pod violates the Pod Security Standard that its namespace enforces.",
    explanation="Kubernetes rejects such pods but accepts the Deployment or Job that creates them, so the sync "
    "succeeds and no pod starts. The level is the namespace's label `pod-security.kubernetes.io/enforce`, which an "
    "Application can set in `managedNamespaceMetadata`.",
    bad=_pod() + _RESTRICTED,
    good=_pod(_CONTEXT) + _RESTRICTED,
)
def pod_security_breach(repository: View) -> Iterator[Problem]:
    """Find fields of pods that the namespace's level forbids."""
    levels = _levels(repository)
    for place, namespace in capacity.namespaces(repository).items():
        level, minor = levels.get(place, ("", _NEWEST))
        for workload in namespace.workloads:
            above = workload.at[:-1]
            for breach in breaches(field(workload.document.data, *above), level, minor):
                at = (*above, *breach.at)
                yield Problem(
                    f"{_dotted(at)} {breach.problem}: the namespace {namespace.name} enforces the Pod Security "
                    f"Standard “{level}”.",
                    at,
                    "Change the pod, or the level: podSecurity in the environment's environment.yaml, or the "
                    "namespace's label.",
                    workload.document,
                )


def _levels(repository: View) -> Mapping[Place, tuple[str, int]]:
    """Return the level that namespaces enforce, and the minor version of Kubernetes as of which."""
    found: dict[Place, tuple[str, int]] = {}
    for application in repository.applications:
        server, name = cluster(application, repository)
        where = server or name or ""
        if "CreateNamespace=true" in sync_options(application):
            labels = field(application.spec, "syncPolicy", "managedNamespaceMetadata", "labels")
            _add_level(found, (where, namespace_of(application)), labels)
        for document in applied(application, repository):
            if group_and_kind(document.data) == ("", "Namespace"):
                metadata = field(document.data, "metadata")
                _add_level(found, (where, text(field(metadata, "name"))), field(metadata, "labels"))
    return found


def _add_level(found: dict[Place, tuple[str, int]], place: Place, labels: object) -> None:
    level = text(mapping(labels).get(ENFORCE))
    if level:
        version = re.fullmatch(r"v1\.(\d{1,9})", text(mapping(labels).get(f"{ENFORCE}-version")))
        found[place] = (level, int(version[1]) if version else _NEWEST)


# Resources


_PRODUCTION = (
    """
# file: environments/prod/environment.yaml
destination: {server: https://kubernetes.default.svc}
revision: main
autoSync: true
promotesFrom: ""
replicas: 1
# file: argocd/project.yaml
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: prod, namespace: argocd}
spec:
"""
    + f"  sourceRepos: ['{REPOSITORY}']\n"
    + "  destinations: [{server: https://kubernetes.default.svc, namespace: my-app}]\n"
    + "  namespaceResourceWhitelist: [{group: apps, kind: Deployment}]\n"
    + (APPLICATION + SOURCE + DESTINATION).replace("project: default", "project: prod")
)


@rule(
    "missing-resources",
    Severity.WARNING,
    Scope.REPOSITORY,
    "A production container sets no resource requests or memory limit.",
    explanation="Without requests, the scheduler places pods on nodes without capacity for them, and autoscaling on "
    "utilisation does not work. Without a memory limit, a leak takes down other pods on the node. Production is an "
    "environment that no other promotes from. Defaults of a LimitRange in the namespace count.",
    bad=_pod() + _PRODUCTION,
    good=_pod("resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 256Mi}}") + _PRODUCTION,
)
def missing_resources(repository: View) -> Iterator[Problem]:
    """Find containers in production without requests or a limit on memory."""
    sources = {text(field(each.data, "promotesFrom")) for each in repository.environments.values()}
    productive = repository.environments.keys() - sources
    for namespace in capacity.namespaces(repository).values():
        for workload in namespace.workloads:
            if text(workload.application.spec.get("project")) not in productive:
                continue
            for container in workload.containers:
                sides = (("requests", container.requests, "cpu"), ("requests", container.requests, "memory"))
                wanted = (*sides, ("limits", container.limits, "memory"))
                missing = [f"{side}.{name}" for side, have, name in wanted if name not in have]
                if missing and not container.before:
                    yield Problem(
                        f"The production container {container.name} of {workload.name} sets no "
                        f"{' and no '.join(missing)}.",
                        (*container.at, "resources"),
                        "Measure with `kubectl top pod --containers` at peak load: set requests to the usual value, "
                        "and the memory limit to 1.5 times the maximum.",
                        workload.document,
                    )


_CPU_OF_A_NODE = 64
_LEAST_MEMORY = 2**20


@rule(
    "unlikely-quantity",
    Severity.WARNING,
    Scope.DOCUMENT,
    "A container requests more CPU than a node has, or almost no memory.",
    explanation="`cpu: 500` is 500 cores; `500m` is half a core. No node has 500 cores, so the pod stays Pending. "
    "`memory: 512m` is half a byte and `memory: 512` is 512 bytes; `512Mi` was intended. With such a limit the "
    "container cannot start.",
    bad=_pod("resources: {requests: {cpu: 500, memory: 64Mi}, limits: {memory: 256Mi}}"),
    good=_pod("resources: {requests: {cpu: 500m, memory: 64Mi}, limits: {memory: 256Mi}}"),
)
def unlikely_quantity(document: Document, repository: View) -> Iterator[Problem]:  # noqa: ARG001
    """Find quantities that are most likely written with the wrong unit."""
    for at, container in containers(document.data):
        for side in ("requests", "limits"):
            for name, value in mapping(field(container, "resources", side)).items():
                amount, here = capacity.amount(value), (*at, "resources", side, name)
                if amount is None or not amount:
                    continue
                number = f"{amount.normalize():f}"
                if name == "cpu" and amount >= _CPU_OF_A_NODE:
                    yield Problem(f"{value} means {number} cores.", here, f"Did you mean {number}m?")
                elif name == "memory" and amount < _LEAST_MEMORY:
                    meant = str(value).rstrip(string.ascii_letters)
                    yield Problem(f"{value} means {number} bytes.", here, f"Did you mean {meant}Mi?")


_RESOURCES = "resources: {requests: {cpu: 500m, memory: 256Mi}, limits: {memory: 256Mi}}"


def _quota(hard: str) -> str:
    return f"""
# file: apps/my-app/quota.yaml
apiVersion: v1
kind: ResourceQuota
metadata: {{name: my-app}}
spec:
  hard: {{{hard}}}
"""


_SCALED = (
    _pod(_RESOURCES).replace("  replicas: 1\n", "")
    + """
# file: apps/my-app/autoscaler.yaml
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: my-app}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: my-app}
  minReplicas: 2
  maxReplicas: 10
"""
    + _CREATED
)
_RANGE = """
# file: apps/my-app/limit-range.yaml
apiVersion: v1
kind: LimitRange
metadata: {name: my-app}
spec:
  limits:
    - {type: Container, max: {memory: 1Gi}}
"""


@rule(
    "quota-exceeded",
    Severity.ERROR,
    Scope.REPOSITORY,
    "The pods of a namespace request more than its ResourceQuota allows.",
    explanation="Kubernetes creates pods until the quota is reached and rejects the rest: the Deployment stays below "
    "its replicas, or a rollout hangs because there is no room for a new pod. The sync still succeeds. The sum counts "
    "all replicas (an autoscaler's minimum) and, if no old pod may stop first, the surge of the largest rollout.",
    bad=_pod(_RESOURCES, replicas=5) + _quota("requests.cpu: '2'") + _CREATED,
    good=_pod(_RESOURCES, replicas=3) + _quota("requests.cpu: '2'") + _CREATED,
)
def quota_exceeded(repository: View) -> Iterator[Problem]:
    """Find quotas that are too small for what is deployed."""
    for namespace, quota, key, counted, allowed in _hard(repository):
        needed = _needed(namespace.workloads, counted, most=False)
        if needed > allowed:
            yield Problem(
                f"The namespace {namespace.name} needs {shown(needed, counted)} {key}, but its quota allows "
                f"{shown(allowed, counted)}: {_sum(namespace.workloads, counted, most=False)}.",
                ("spec", "hard", key),
                f"Raise {key}, or lower replicas or {counted}.",
                quota,
            )


@rule(
    "quota-blocks-scaling",
    Severity.WARNING,
    Scope.REPOSITORY,
    "An autoscaler's maximum exceeds the namespace's ResourceQuota.",
    explanation="It cannot scale to `maxReplicas`, just when that is needed.",
    bad=_SCALED + _quota("requests.cpu: '2'"),
    good=_SCALED + _quota("requests.cpu: '6'"),
)
def quota_blocks_scaling(repository: View) -> Iterator[Problem]:
    """Find quotas that are too small for what autoscalers may make of what is deployed."""
    for namespace, quota, key, counted, allowed in _hard(repository):
        needed = _needed(namespace.workloads, counted, most=True)
        if needed > allowed >= _needed(namespace.workloads, counted, most=False):
            yield Problem(
                f"At maxReplicas, the namespace {namespace.name} needs {shown(needed, counted)} {key}, but its "
                f"quota allows {shown(allowed, counted)}: {_sum(namespace.workloads, counted, most=True)}.",
                ("spec", "hard", key),
                f"Raise {key}, or lower maxReplicas or {counted}.",
                quota,
            )


def _hard(repository: View) -> Iterator[tuple[Namespace, Document, str, str, Decimal]]:
    for namespace in capacity.namespaces(repository).values():
        for quota in namespace.quotas:
            for key, counted, allowed in capacity.hard(quota):
                yield namespace, quota, key, counted, allowed


def _needed(workloads: Sequence[Workload], counted: str, *, most: bool) -> Decimal:
    counts = [(each.most if most else each.least, each.of_pod(counted)) for each in workloads]
    standing = sum((count.pods * of_pod for count, of_pod in counts), Decimal(0))
    return standing + max((count.surge * of_pod for count, of_pod in counts), default=Decimal(0))


def _sum(workloads: Sequence[Workload], counted: str, *, most: bool) -> str:
    counts = [(each.most if most else each.least, each.of_pod(counted), each.name) for each in workloads]
    parts = [f"{count.pods} × {shown(of_pod, counted)} for {name}" for count, of_pod, name in counts if of_pod]
    count, _, name = max(counts, key=lambda each: each[0].surge * each[1])
    return ", ".join(parts) + (f", and {count.surge} more during a rollout of {name}" if count.surge else "")


@rule(
    "quota-needs-resources",
    Severity.ERROR,
    Scope.REPOSITORY,
    "A container does not set a request or limit that a ResourceQuota requires.",
    explanation="Kubernetes rejects every pod in the namespace without a request or limit that a quota counts, "
    "unless a LimitRange sets a default.",
    bad=_pod("resources: {requests: {cpu: 50m}}") + _quota("limits.memory: 4Gi") + _CREATED,
    good=_pod("resources: {limits: {memory: 256Mi}}") + _quota("limits.memory: 4Gi") + _CREATED,
)
def quota_needs_resources(repository: View) -> Iterator[Problem]:
    """Find containers that leave out what a quota counts."""
    for namespace, _, key, counted, _ in _hard(repository):
        side, _, resource = counted.partition(".")
        for workload in namespace.workloads if resource in {"cpu", "memory"} else ():
            for container in workload.containers:
                if resource not in (container.requests if side == "requests" else container.limits):
                    yield Problem(
                        f"The container {container.name} of {workload.name} has no {counted}, which the quota of the "
                        f"namespace {namespace.name} counts as {key}: Kubernetes rejects its pods.",
                        (*container.at, "resources"),
                        f"Set resources.{counted}, or add a LimitRange with a default to the namespace.",
                        workload.document,
                    )


@rule(
    "limit-range-exceeded",
    Severity.ERROR,
    Scope.REPOSITORY,
    "A container requests more or less than the namespace's LimitRange allows.",
    explanation="Kubernetes rejects its pods, although the sync of the Deployment succeeds.",
    bad=_pod("resources: {limits: {memory: 2Gi}}") + _RANGE + _CREATED,
    good=_pod("resources: {limits: {memory: 1Gi}}") + _RANGE + _CREATED,
)
def limit_range_exceeded(repository: View) -> Iterator[Problem]:
    """Find containers outside of what LimitRanges allow."""
    for namespace in capacity.namespaces(repository).values():
        most, least = (capacity.limits_of(namespace.ranges, bound) for bound in ("max", "min"))
        for workload in namespace.workloads if most or least else ():
            for at, amount in _asked(workload):
                name = str(at[-1])
                if amount > most.get(name, amount):
                    yield _outside(workload, at, amount, f"{namespace.name} allows at most {shown(most[name], name)}")
                elif amount < least.get(name, amount):
                    yield _outside(
                        workload, at, amount, f"{namespace.name} requires at least {shown(least[name], name)}"
                    )


def _asked(workload: Workload) -> Iterator[tuple[Pointer, Decimal]]:
    for container in workload.containers:
        for side, have in (("requests", container.requests), ("limits", container.limits)):
            yield from (((*container.at, "resources", side, name), amount) for name, amount in have.items())


def _outside(workload: Workload, at: Pointer, amount: Decimal, range_of: str) -> Problem:
    return Problem(
        f"{_dotted(at)} is {shown(amount, str(at[-1]))}: the LimitRange of the namespace {range_of}.",
        at,
        "Change the container's resources or the LimitRange.",
        workload.document,
    )


def _dotted(pointer: Pointer) -> str:
    """Return a place as people write it: spec.containers[0].image."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in pointer).lstrip(".")
