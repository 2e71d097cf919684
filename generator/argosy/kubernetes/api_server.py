"""What an API server checks of its built-in kinds across parts, which no schema can say.

What the fields of one type decide is in `schemas/data/`: `kubernetes-server.json`, `kubernetes-constraints.json` and
`kubernetes-rules.json`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal, DecimalException
from typing import TYPE_CHECKING, Any, TypeGuard

from argosy.documents.fields import field, group_of, mapping, sequence
from argosy.kubernetes.scopes import is_of_cluster
from argosy.schemas.builtin_kinds import BUILT_IN_GROUPS
from argosy.schemas.violations import Violation, path_of, shown, violation

if TYPE_CHECKING:
    from argosy.documents import Pointer

_TEMPLATES: dict[str, Pointer] = {
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Deployment": ("spec", "template"),
    "Job": ("spec", "template"),
    "Pod": (),
    "PodTemplate": ("template",),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Rollout": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
}
"""Where a kind has its pod: metadata and spec."""

_SELECTING = {"DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"}
_RESTARTS = {
    **dict.fromkeys(("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"), ("Always",)),
    **dict.fromkeys(("CronJob", "Job"), ("OnFailure", "Never")),
}
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")

_ORDERED: dict[str, tuple[tuple[Pointer, Pointer, bool, int | None], ...]] = {
    "Deployment": ((("spec", "minReadySeconds"), ("spec", "progressDeadlineSeconds"), False, 600),),
    "Job": ((("spec", "maxFailedIndexes"), ("spec", "completions"), True, None),),
    "PriorityLevelConfiguration": (
        (
            ("spec", "limited", "limitResponse", "queuing", "handSize"),
            ("spec", "limited", "limitResponse", "queuing", "queues"),
            True,
            64,
        ),
    ),
}
"""Numbers of a kind: the lower one, the higher one, whether they may be equal, and the higher one's default."""
_LIMITS = (
    ("min", "max"), ("min", "default"), ("min", "defaultRequest"),
    ("default", "max"), ("defaultRequest", "max"), ("defaultRequest", "default"),
)  # fmt: skip
"""The lower and the higher amounts of a LimitRange."""

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_PATH_SEGMENT = re.compile(r"(?!\.{1,2}$)[^/%]+")
_TIME_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")
_FREE = ("x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields")
_FINALIZER = re.compile(r"(foregroundDeletion|orphan|kubernetes)|[^/]+/[^/]+")
_ANY_FINALIZER = {
    "CustomResourceDefinition", "Lease", "MutatingWebhookConfiguration", "PodDisruptionBudget", "RuntimeClass",
    "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration",
}  # fmt: skip
_ENDS = "with a letter or digit at both ends"
_NAMES: dict[str, tuple[re.Pattern[str], int, str]] = {
    "Namespace": (_LABEL, 63, f"lower-case letters, digits and “-”, {_ENDS}"),
    "Service": (_SERVICE_NAME, 63, "lower-case letters, digits and “-”, a letter first and a letter or digit last"),
    "CronJob": (_SUBDOMAIN, 52, f"lower-case letters, digits, “-” and “.”, {_ENDS}"),
}
_ANY_NAME = (_SUBDOMAIN, 253, f"lower-case letters, digits, “-” and “.”, {_ENDS}")
_ROOMY_NAME = (_PATH_SEGMENT, 1000, "neither “/” nor “%”")
_ROOMY_GROUPS = {"apiregistration.k8s.io", "certificates.k8s.io", "rbac.authorization.k8s.io"}
_ROOMY_KINDS = {"PodDisruptionBudget"}
_PREFIXED_LABELS = {"Namespace", "Service", "StatefulSet"}
"""The kinds whose names are one label, and so what `generateName` begins."""
_NAMELESS = re.compile(r".*Review|.*List|Binding|Eviction|Scale|IPAddress|DeleteOptions")

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d{1,3}))?", re.ASCII)
_FACTORS = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {f"{letter}i": 1024**power for power, letter in enumerate("KMGTPE", 1)}

_MONTHS = {"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6}
_MONTHS |= {"jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12}
_DAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
_CRON_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 6, _DAYS),
)
_CRON_NUMBER = re.compile(r"\d{1,4}", re.ASCII)
_CRON_WORDS = re.compile(
    r"@(yearly|annually|monthly|weekly|daily|midnight|hourly|every (\d+(\.\d+)?(ns|us|µs|ms|[smh]))+)"
)


def violations(data: Any, kubernetes: str = "") -> list[Violation]:
    """Return what an API server of a version refuses of a manifest beyond its schema; nulls are dropped before."""
    manifest = mapping(data)
    version = tuple(map(int, kubernetes.split("."))) if kubernetes else ()
    api_version, kind = manifest.get("apiVersion"), manifest.get("kind")
    if not isinstance(api_version, str) or not isinstance(kind, str):
        return []
    group = group_of(api_version)
    if group not in BUILT_IN_GROUPS and (group, kind) != ("argoproj.io", "Rollout"):
        return list(_name(manifest, kind, group, version)) if isinstance(manifest.get("metadata"), dict) else []
    found = list(_name(manifest, kind, group, version))
    if kind in _TEMPLATES:
        found += _pod(manifest, kind)
    if kind in _SELECTING:
        found += _selector(manifest)
    found += _numbers(manifest, kind)
    if group in BUILT_IN_GROUPS:
        found += _metadata(manifest)
    if kind in _BY_KIND:
        found += _BY_KIND[kind](manifest)
    return found


def cron_problem(schedule: str) -> str:
    """Return why a cron schedule is refused; empty if it is not."""
    if schedule.startswith(("TZ=", "CRON_TZ=")):
        return "names a time zone; that belongs into timeZone"
    if schedule.startswith("@"):
        return "" if _CRON_WORDS.fullmatch(schedule) else "is not a schedule such as @daily or @hourly"
    fields = schedule.split()
    if len(fields) != len(_CRON_FIELDS):
        return f"has {len(fields)} fields instead of 5: minute, hour, day of the month, month, day of the week"
    for text, (name, lowest, highest, names) in zip(fields, _CRON_FIELDS, strict=True):
        if not all(_cron_item(item, lowest, highest, names) for item in text.split(",")):
            return f'has "{text}" as its {name}, which goes from {lowest} to {highest}'
    return ""


def quantity(value: Any) -> Decimal | None:
    """Return the number that a quantity such as 500m or 2Gi means; None if it is not a quantity."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        found = _QUANTITY.fullmatch(str(value))
        if not found:
            return None
        number, suffix, exponent = found.groups()
        if suffix in _BINARY:
            return Decimal(number) * Decimal(_BINARY[suffix])
        return Decimal(number).scaleb(int(exponent) if exponent else _FACTORS.get(suffix, 0))
    except (DecimalException, ValueError):
        return None


def _cron_item(item: str, lowest: int, highest: int, names: Mapping[str, int]) -> bool:
    span, slash, step = item.partition("/")
    if slash and not _CRON_NUMBER.fullmatch(step.lstrip("0")):
        return False
    if span in {"*", "?"}:
        return True
    first, dash, last = span.lower().partition("-")
    ends = [names.get(end, int(end) if _CRON_NUMBER.fullmatch(end) else -1) for end in (first, last if dash else first)]
    return lowest <= ends[0] <= ends[1] <= highest


def _name(manifest: Mapping[str, Any], kind: str, group: str, version: tuple[int, ...]) -> Iterator[Violation]:
    metadata = mapping(manifest.get("metadata"))
    name, prefix = metadata.get("name"), metadata.get("generateName")
    is_roomy = group in _ROOMY_GROUPS or kind in _ROOMY_KINDS
    pattern, longest, made_of = _ROOMY_NAME if is_roomy else _NAMES.get(kind, _ANY_NAME)
    if kind == "Service" and version >= (1, 36):
        pattern, longest, made_of = _NAMES["Namespace"]
    if group in BUILT_IN_GROUPS and isinstance(prefix, str) and prefix and not is_roomy:
        whole, what = (_LABEL, _NAMES["Namespace"][2]) if kind in _PREFIXED_LABELS else (_SUBDOMAIN, _ANY_NAME[2])
        if not whole.fullmatch(prefix[:-2] + "a" if prefix.endswith("-") and len(prefix) > 1 else prefix):
            yield violation(("metadata", "generateName"), f"must be made of {what}, not {shown(prefix)}")
    if not isinstance(name, str) or not name:
        if name in (None, "") and not prefix and group in BUILT_IN_GROUPS and not _NAMELESS.fullmatch(kind):
            yield violation(("metadata",), 'the required field "name" is missing')
    elif len(name) > longest:
        yield violation(("metadata", "name"), f"has {len(name)} characters, at most {longest} are possible")
    elif kind != "IPAddress" and not pattern.fullmatch(name):
        yield violation(("metadata", "name"), f"must be made of {made_of}, not {shown(name)}")
    namespace = metadata.get("namespace")
    if group in BUILT_IN_GROUPS and is_of_cluster(group, kind):
        return
    if isinstance(namespace, str) and namespace and not (_LABEL.fullmatch(namespace) and len(namespace) <= 63):
        made_of = _NAMES["Namespace"][2]
        yield violation(("metadata", "namespace"), f"must be made of at most 63 {made_of}, not {shown(namespace)}")


def _pod(manifest: Mapping[str, Any], kind: str) -> Iterator[Violation]:
    at = (*_TEMPLATES[kind], "spec")
    spec = mapping(field(manifest, *at))
    if not spec:
        return
    yield from _restarts(spec, at, _RESTARTS.get(kind, ()))
    volumes = [each.get("name") for _, each in _mappings(spec.get("volumes"))]
    yield from _twice(volumes, (*at, "volumes"), "volume")
    for index, volume in _mappings(spec.get("volumes")):
        if len(volume) > 2:
            sources = ", ".join(sorted(set(volume) - {"name"}))
            yield violation((*at, "volumes", index), f"a volume has one source, not several: {sources}")
    claims = _mappings(field(manifest, "spec", "volumeClaimTemplates")) if kind == "StatefulSet" else ()
    known = {*map(str, volumes), *(str(mapping(each.get("metadata")).get("name")) for _, each in claims)}
    names = []
    for group in ("initContainers", "containers"):
        for index, container in _mappings(spec.get(group)):
            names.append(container.get("name"))
            yield from _container(container, (*at, group, index), known)
            yield from _in_pod(container, (*at, group, index), spec)
    yield from _twice(names, (*at, "containers"), "container")


def _restarts(spec: Mapping[str, Any], at: Pointer, possible: tuple[str, ...]) -> Iterator[Violation]:
    restart = spec.get("restartPolicy", "Always")
    if possible and restart in {"Always", "OnFailure", "Never"} and restart not in possible:
        how = "is not allowed" if "restartPolicy" in spec else "is the default, which is not allowed"
        yield violation((*at, "restartPolicy"), f"{shown(restart)} {how} here; use {' or '.join(possible)}")


def _container(container: Mapping[str, Any], at: Pointer, volumes: set[str]) -> Iterator[Violation]:
    if not container.get("image"):
        yield violation(at, 'the required field "image" is missing')
    variables = [each.get("name") for _, each in _mappings(container.get("env"))]
    for each in _twice(variables, (*at, "env"), "variable"):
        yield replace(each, hint="The last one counts; ServerSideApply=true refuses it.", is_accepted=True)
    yield from _twice([each.get("name") for _, each in _mappings(container.get("ports"))], (*at, "ports"), "port")
    mounts = list(_mappings(container.get("volumeMounts")))
    yield from _twice([each.get("mountPath") for _, each in mounts], (*at, "volumeMounts"), "path")
    for index, mount in mounts:
        if isinstance(mount.get("name"), str) and mount["name"] not in volumes:
            known = f"Its volumes: {', '.join(sorted(volumes))}." if volumes else "It has no volumes."
            yield violation(
                (*at, "volumeMounts", index, "name"), f"the pod has no volume {shown(mount['name'])}", known
            )
    for index, device in _mappings(container.get("volumeDevices")):
        if isinstance(device.get("name"), str) and device["name"] not in volumes:
            yield violation((*at, "volumeDevices", index, "name"), f"the pod has no volume {shown(device['name'])}")
    for probe in _PROBES:
        if isinstance(container.get(probe), dict):
            handlers = [handler for handler in _HANDLERS if handler in container[probe]]
            if len(handlers) != 1:
                yield violation((*at, probe), f"set exactly one of {', '.join(_HANDLERS)}, not {len(handlers)}")
    resources = mapping(container.get("resources"))
    limits = mapping(resources.get("limits"))
    for name, request in mapping(resources.get("requests")).items():
        wanted, most = quantity(request), quantity(limits.get(name))
        if wanted is not None and most is not None and wanted > most:
            what = f"the request {shown(request)} is more than the limit {shown(limits[name])}"
            yield violation((*at, "resources", "requests", name), what)


def _in_pod(container: Mapping[str, Any], at: Pointer, pod: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield what of a container does not fit its pod."""
    for index, port in _mappings(container.get("ports")) if pod.get("hostNetwork") is True else ():
        if port.get("hostPort") and port["hostPort"] != port.get("containerPort"):
            yield violation((*at, "ports", index, "hostPort"), "must be the containerPort where hostNetwork is true")
    grace = pod.get("terminationGracePeriodSeconds", 30)
    for hook in ("preStop", "postStart"):
        handler = field(container, "lifecycle", hook, "sleep")
        seconds = handler.get("seconds", 0) if isinstance(handler, dict) else None
        if _is_number(seconds) and _is_number(grace) and not 0 <= seconds <= max(grace, 1):
            what = f"{seconds} must be from 0 to terminationGracePeriodSeconds, which is {grace}"
            yield violation((*at, "lifecycle", hook, "sleep"), what)


def _selector(manifest: Mapping[str, Any]) -> Iterator[Violation]:
    selector, labels = field(manifest, "spec", "selector"), field(manifest, "spec", "template", "metadata", "labels")
    if not isinstance(selector, dict) or not isinstance(field(manifest, "spec", "template"), dict):
        return
    at = ("spec", "selector")
    labels = mapping(labels)
    wanted = mapping(selector.get("matchLabels"))
    if not wanted and not selector.get("matchExpressions"):
        yield violation(at, "must not be empty")
    missing = [f"{key}: {shown(value)}" for key, value in wanted.items() if labels.get(key) != value]
    missing += [
        str(each.get("key")) for _, each in _mappings(selector.get("matchExpressions")) if not _fits(each, labels)
    ]
    if missing:
        hint = "Give spec.template.metadata.labels what the selector asks for."
        yield violation(at, f"does not match the labels of the pod template: {', '.join(missing)}", hint)


def _fits(expression: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    key, values = expression.get("key"), expression.get("values")
    value = labels.get(key) if isinstance(key, str) else None
    listed = isinstance(values, list) and value in values
    operator = expression.get("operator")
    return {"In": listed, "NotIn": not listed, "Exists": value is not None, "DoesNotExist": value is None}.get(
        operator if isinstance(operator, str) else "", True
    )


def _service(manifest: Mapping[str, Any]) -> Iterator[Violation]:
    spec = mapping(manifest.get("spec"))
    ports = list(_mappings(spec.get("ports")))
    yield from _twice([each.get("name") for _, each in ports], ("spec", "ports"), "port")
    numbers = [f"{shown(each.get('port'))}/{each.get('protocol', 'TCP')}" for _, each in ports]
    yield from _twice(numbers, ("spec", "ports"), "port")
    kind = spec.get("type", "ClusterIP")
    for index, port in ports:
        if len(ports) > 1 and not port.get("name"):
            yield violation(("spec", "ports", index), "a port needs a name where there are several")
        if kind == "ClusterIP" and port.get("nodePort"):
            yield violation(("spec", "ports", index, "nodePort"), "is not allowed in a Service of the type ClusterIP")
    if kind == "ExternalName" and not spec.get("externalName"):
        yield violation(("spec",), 'the field "externalName" is missing, which the type ExternalName requires')
    if kind != "ExternalName" and not ports and spec.get("clusterIP") != "None":
        yield violation(("spec",), 'the required field "ports" is missing')


def _numbers(manifest: Mapping[str, Any], kind: str) -> Iterator[Violation]:
    """Yield the numbers that are in the wrong order."""
    for least, most, may_be_equal, default in _ORDERED.get(kind, ()):
        low, high = field(manifest, *least), field(manifest, *most)
        high = default if high is None else high
        if _is_number(low) and _is_number(high) and high and (low > high or (low == high and not may_be_equal)):
            than = "not more than" if may_be_equal else "less than"
            yield violation(least, f"{low} must be {than} {path_of(most)}, which is {high}")


def _is_number(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _metadata(manifest: Mapping[str, Any]) -> Iterator[Violation]:
    is_free = manifest.get("kind") in _ANY_FINALIZER
    for index, name in enumerate(() if is_free else sequence(field(manifest, "metadata", "finalizers"))):
        if isinstance(name, str) and not _FINALIZER.fullmatch(name):
            what = f"must have a domain before it, such as example.com/name, not {shown(name)}"
            yield violation(("metadata", "finalizers", index), what)
    for index, owner in _mappings(field(manifest, "metadata", "ownerReferences")):
        for each in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(each):
                yield violation(("metadata", "ownerReferences", index), f'the required field "{each}" is missing')


def _limit_range(manifest: Mapping[str, Any]) -> Iterator[Violation]:
    for index, limit in _mappings(field(manifest, "spec", "limits")):
        for least, most in _LIMITS:
            for name, value in mapping(limit.get(least)).items():
                low, high = quantity(value), quantity(mapping(limit.get(most)).get(name))
                if low is not None and high is not None and low > high:
                    what = f"{shown(value)} is more than its {most}, which is {shown(limit[most][name])}"
                    yield violation(("spec", "limits", index, least, name), what)


def _job(manifest: Mapping[str, Any]) -> Iterator[Violation]:
    spec = mapping(field(manifest, "spec", "template", "spec"))
    names = [each.get("name") for key in ("initContainers", "containers") for _, each in _mappings(spec.get(key))]
    for index, rule in _mappings(field(manifest, "spec", "podFailurePolicy", "rules")):
        name = field(rule, "onExitCodes", "containerName")
        if isinstance(name, str) and name not in names:
            at = ("spec", "podFailurePolicy", "rules", index, "onExitCodes", "containerName")
            yield violation(at, f"the pod has no container {shown(name)}")


def _definition(manifest: Mapping[str, Any]) -> Iterator[Violation]:
    name = field(manifest, "metadata", "name")
    plural, group = field(manifest, "spec", "names", "plural"), field(manifest, "spec", "group")
    if name and plural and group and name != f"{plural}.{group}":
        yield violation(("metadata", "name"), f"must be {plural}.{group}: the plural and the group")
    for index, version in _mappings(field(manifest, "spec", "versions")):
        at = ("spec", "versions", index, "schema", "openAPIV3Schema")
        yield from _untyped(field(version, "schema", "openAPIV3Schema"), at)


def _untyped(schema: Any, at: Pointer) -> Iterator[Violation]:
    """Yield the fields of a structural schema that have no type; in `anyOf` and its like none has one."""
    below = [((*at, "properties", name), each) for name, each in mapping(mapping(schema).get("properties")).items()]
    below += [((*at, each), mapping(schema).get(each)) for each in ("additionalProperties", "items")]
    for place, each in below:
        if isinstance(each, dict):
            if not (each.get("type") or any(each.get(free) is True for free in _FREE)):
                yield violation(place, 'the required field "type" is missing')
            yield from _untyped(each, place)


def _network_policy(manifest: Mapping[str, Any]) -> Iterator[Violation]:
    for way in ("ingress", "egress"):
        for number, rule in _mappings(field(manifest, "spec", way)):
            for index, port in _mappings(rule.get("ports")):
                first, last = port.get("port"), port.get("endPort")
                if _is_number(first) and _is_number(last) and last < first:
                    yield violation(("spec", way, number, "ports", index, "endPort"), f"{last} is less than port")


def _deployment(manifest: Mapping[str, Any]) -> Iterator[Violation]:
    strategy = mapping(field(manifest, "spec", "strategy"))
    rolling = mapping(strategy.get("rollingUpdate"))
    at = ("spec", "strategy", "rollingUpdate")
    if strategy.get("type") == "Recreate" and "rollingUpdate" in strategy:
        yield violation(at, "is not allowed with the type Recreate")
    if all(rolling.get(each) in (0, "0%") for each in ("maxSurge", "maxUnavailable")):
        yield violation(at, "maxSurge and maxUnavailable may not both be 0")


def _autoscaler(manifest: Mapping[str, Any]) -> Iterator[Violation]:
    spec = mapping(manifest.get("spec"))
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        yield violation(("spec", "maxReplicas"), f"{most} is less than minReplicas, which is {least}")


def _disruption_budget(manifest: Mapping[str, Any]) -> Iterator[Violation]:
    if {"minAvailable", "maxUnavailable"} <= set(mapping(manifest.get("spec"))):
        yield violation(("spec",), "minAvailable and maxUnavailable may not be set together")


def _cron_job(manifest: Mapping[str, Any]) -> Iterator[Violation]:
    schedule = field(manifest, "spec", "schedule")
    problem = cron_problem(schedule) if isinstance(schedule, str) and schedule else ""
    if problem:
        yield violation(("spec", "schedule"), f"{shown(schedule)} {problem}")
    zone = field(manifest, "spec", "timeZone")
    if isinstance(zone, str) and not _is_time_zone(zone):
        yield violation(("spec", "timeZone"), f"{shown(zone)} is no time zone; use one such as Europe/Berlin")


def _is_time_zone(name: str) -> bool:
    """Return whether a time zone is known; every well-formed one is on a machine that knows none."""
    import zoneinfo  # noqa: PLC0415 - few CronJobs have one

    try:
        return bool(name) and name != "Local" and zoneinfo.ZoneInfo(name) is not None
    except (OSError, ValueError):
        return False
    except zoneinfo.ZoneInfoNotFoundError:
        return not zoneinfo.available_timezones() and _TIME_ZONE.fullmatch(name) is not None


def _ingress(manifest: Mapping[str, Any]) -> Iterator[Violation]:
    spec = mapping(manifest.get("spec"))
    if not spec.get("rules") and not spec.get("defaultBackend"):
        yield violation(("spec",), "one of rules, defaultBackend must be set")
    for number, rule in _mappings(spec.get("rules")):
        for index, each in _mappings(mapping(rule.get("http")).get("paths")):
            at = ("spec", "rules", number, "http", "paths", index)
            path = each.get("path", "")
            exact = each.get("pathType") in ("Exact", "Prefix")
            if isinstance(path, str) and not path.startswith("/") and (exact or path):
                yield violation((*at, "path"), f'must begin with "/", not {shown(path)}')
            backend = each.get("backend")
            if isinstance(backend, dict) and len({"service", "resource"} & set(backend)) != 1:
                yield violation((*at, "backend"), "set exactly one of service, resource")


def _cluster_binding(manifest: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield the subjects that nothing gives a namespace: a RoleBinding's are in its own."""
    for index, subject in _mappings(manifest.get("subjects")):
        if subject.get("kind") == "ServiceAccount" and not subject.get("namespace"):
            yield violation(("subjects", index), 'the field "namespace" is missing, which a ServiceAccount requires')


_BY_KIND: dict[str, Callable[[Mapping[str, Any]], Iterator[Violation]]] = {
    "ClusterRoleBinding": _cluster_binding,
    "CronJob": _cron_job,
    "CustomResourceDefinition": _definition,
    "Deployment": _deployment,
    "HorizontalPodAutoscaler": _autoscaler,
    "Ingress": _ingress,
    "Job": _job,
    "LimitRange": _limit_range,
    "NetworkPolicy": _network_policy,
    "PodDisruptionBudget": _disruption_budget,
    "Service": _service,
}


def _twice(names: Iterable[Any], at: Pointer, what: str) -> Iterator[Violation]:
    for name, count in Counter(name for name in names if isinstance(name, str)).items():
        if count > 1:
            yield violation(at, f"the {what} {shown(name)} is there {'twice' if count == 2 else f'{count} times'}")


def _mappings(value: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield those items of a list that are mappings, with their places."""
    return (
        ((index, item) for index, item in enumerate(value) if isinstance(item, dict))
        if isinstance(value, list)
        else iter(())
    )
