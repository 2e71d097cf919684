"""Rules of namespaces: Pod Security, resources, quotas and limits."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from argosy.argocd import capacity
from argosy.argocd.capacity import Namespace, Place, Workload, shown
from argosy.argocd.matching import applied, cluster, namespace_of, sync_options
from argosy.argocd.view import ArgoApplication, View
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
    "A pod breaks the level of the Pod Security Standards that its namespace enforces.",
    explanation="Kubernetes refuses such pods. It takes the Deployment or Job that makes them and says nothing, so the "
    "sync succeeds and the pods never come. The level is the namespace's label "
    "`pod-security.kubernetes.io/enforce`, which an Application sets in `managedNamespaceMetadata`.",
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
        server, name = cluster(application)
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
        version = re.fullmatch(r"v1\.(\d+)", text(mapping(labels).get(f"{ENFORCE}-version")))
        found[place] = (level, int(version[1]) if version else _NEWEST)


@rule(
    "namespace-metadata-unused",
    Severity.WARNING,
    Scope.APPLICATION,
    "An Application gives its namespace labels or annotations, and does not make it.",
    explanation="Argo CD applies `managedNamespaceMetadata` with the sync option `CreateNamespace=true` alone. Without "
    "it nothing happens and nothing says so: a namespace that should enforce a Pod Security Standard does not "
    "(argo-cd issue 20233).",
    bad=_pod(_CONTEXT) + _RESTRICTED.replace("    syncOptions: [CreateNamespace=true]\n", ""),
    good=_pod(_CONTEXT) + _RESTRICTED,
)
def namespace_metadata_unused(application: ArgoApplication, repository: View) -> Iterator[Problem]:  # noqa: ARG001
    """Find metadata for namespaces that an Application does not create."""
    at = ("spec", "syncPolicy", "managedNamespaceMetadata")
    if mapping(field(application.manifest, *at)) and "CreateNamespace=true" not in sync_options(application):
        yield Problem(
            "managedNamespaceMetadata does nothing without the sync option CreateNamespace=true.",
            application.at(*at),
            "Add CreateNamespace=true to syncOptions.",
        )


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
    "A container in production says not what it needs.",
    explanation="Without requests the scheduler puts pods onto nodes that have no room for them, and autoscaling by "
    "use does nothing. Without a limit on memory a leak takes the node's other pods along. Production is an "
    "environment that no other promotes from. What a LimitRange of the namespace fills in is not missing.",
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
                        f"The container {container.name} of {workload.name} has no {' and no '.join(missing)}, and "
                        "this is production.",
                        (*container.at, "resources"),
                        "Start with what `kubectl top pod --containers` shows at busy hours: requests at the usual, "
                        "the memory limit half as much again above the highest.",
                        workload.document,
                    )


_CPU_OF_A_NODE = 64
_LEAST_MEMORY = 2**20


@rule(
    "unlikely-quantity",
    Severity.WARNING,
    Scope.DOCUMENT,
    "A container asks for more CPU than a node has, or for next to no memory.",
    explanation="`cpu: 500` is 500 cores, where `500m` is half a core: no node has them, so the pod stays Pending. "
    "`memory: 512m` is half a byte and `memory: 512` is 512 bytes, where `512Mi` was meant: with such a limit the "
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
    "What a namespace's pods ask for is more than its ResourceQuota allows.",
    explanation="Kubernetes makes pods until the quota is used up and refuses the others: the Deployment stays below "
    "its replicas, or a rollout stands still because there is no room for the pod that comes before an old one "
    "goes. The sync succeeds all the same. Counted are the replicas (of an autoscaler, the fewest) and, where no "
    "old pod may go first, one pod of the rollout that takes most.",
    bad=_pod(_RESOURCES, replicas=5) + _quota("requests.cpu: '2'") + _CREATED,
    good=_pod(_RESOURCES, replicas=3) + _quota("requests.cpu: '2'") + _CREATED,
)
def quota_exceeded(repository: View) -> Iterator[Problem]:
    """Find quotas that are too small for what is deployed."""
    for namespace, quota, key, counted, allowed in _hard(repository):
        needed = _needed(namespace.workloads, counted, most=False)
        if needed > allowed:
            yield Problem(
                f"The namespace {namespace.name} needs {shown(needed, counted)} of {key}, and its quota allows "
                f"{shown(allowed, counted)}: {_sum(namespace.workloads, counted, most=False)}.",
                ("spec", "hard", key),
                f"Raise {key}, or lower replicas or {counted}.",
                quota,
            )


@rule(
    "quota-blocks-scaling",
    Severity.WARNING,
    Scope.REPOSITORY,
    "An autoscaler may ask for more pods than the namespace's ResourceQuota allows.",
    explanation="It then stops short of `maxReplicas`, at the moment that it is there for.",
    bad=_SCALED + _quota("requests.cpu: '2'"),
    good=_SCALED + _quota("requests.cpu: '6'"),
)
def quota_blocks_scaling(repository: View) -> Iterator[Problem]:
    """Find quotas that are too small for what autoscalers may make of what is deployed."""
    for namespace, quota, key, counted, allowed in _hard(repository):
        needed = _needed(namespace.workloads, counted, most=True)
        if needed > allowed >= _needed(namespace.workloads, counted, most=False):
            yield Problem(
                f"Scaled up, the namespace {namespace.name} needs {shown(needed, counted)} of {key}, and its quota "
                f"allows {shown(allowed, counted)}: {_sum(namespace.workloads, counted, most=True)}.",
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
    parts = [f"{count.pods} times {shown(of_pod, counted)} for {name}" for count, of_pod, name in counts if of_pod]
    count, _, name = max(counts, key=lambda each: each[0].surge * each[1])
    return ", ".join(parts) + (f", and {count.surge} more while {name} is rolled out" if count.surge else "")


@rule(
    "quota-needs-resources",
    Severity.ERROR,
    Scope.REPOSITORY,
    "A ResourceQuota counts something that a container does not say.",
    explanation="Kubernetes refuses every pod of the namespace that leaves out a request or limit which a quota "
    "counts, unless a LimitRange fills it in.",
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
                        f"namespace {namespace.name} counts as {key}: Kubernetes refuses its pods.",
                        (*container.at, "resources"),
                        f"Give it resources.{counted}, or the namespace a LimitRange with a default.",
                        workload.document,
                    )


@rule(
    "limit-range-exceeded",
    Severity.ERROR,
    Scope.REPOSITORY,
    "A container asks for more, or for less, than the namespace's LimitRange lets one have.",
    explanation="Kubernetes refuses its pods, while the sync of the Deployment succeeds.",
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
                    yield _outside(
                        workload, at, amount, f"{namespace.name} lets one have at most {shown(most[name], name)}"
                    )
                elif amount < least.get(name, amount):
                    yield _outside(workload, at, amount, f"{namespace.name} wants at least {shown(least[name], name)}")


def _asked(workload: Workload) -> Iterator[tuple[Pointer, Decimal]]:
    for container in workload.containers:
        for side, have in (("requests", container.requests), ("limits", container.limits)):
            yield from (((*container.at, "resources", side, name), amount) for name, amount in have.items())


def _outside(workload: Workload, at: Pointer, amount: Decimal, range_of: str) -> Problem:
    return Problem(
        f"{_dotted(at)} is {shown(amount, str(at[-1]))}: the LimitRange of the namespace {range_of}.",
        at,
        "Change the container's resources, or the LimitRange.",
        workload.document,
    )


def _dotted(pointer: Pointer) -> str:
    """Return a place as people write it: spec.containers[0].image."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in pointer).lstrip(".")
