"""A Deployment and a Service -> the values with which the template's chart gives the same."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from argosy.conversion.deployed import Manifest
from argosy.conversion.workload import Workload, followed
from argosy.conversion.writing import ordered

SELECTOR_LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/instance")
CHART_LABELS = ("helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version")
PORT = "http"
"""What the chart calls the application's port."""

_POD = (
    *("imagePullSecrets", "priorityClassName", "terminationGracePeriodSeconds", "initContainers", "nodeSelector"),
    *("affinity", "tolerations"),
)
_CONTAINER = ("command", "args", "env", "envFrom", "resources", "securityContext")
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_SERVICE = ("loadBalancerClass", "loadBalancerSourceRanges", "externalTrafficPolicy")


def values(workload: Workload, chart: Sequence[Manifest], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values by which the chart gives what runs, as far as they differ from its defaults.

    `chart` is what the chart renders to with `defaults`, which are its own values and those of the files below it.
    """
    extra = [each for each in workload.others if not _is_given(each, chart)]
    wanted = {
        **_of_deployment(workload),
        **_of_pod(workload, extra),
        **_of_container(workload),
        **_of_labels(workload, defaults),
        "service": {**defaults.get("service", {}), **_of_service(workload)},
    }
    # Kubernetes evicts no Pod that two budgets select.
    if any(each["kind"] == "PodDisruptionBudget" for each in extra):
        wanted["podDisruptionBudget"] = {**defaults.get("podDisruptionBudget", {}), "enabled": False}
    if extra:
        wanted["extraManifests"] = [_literal(ordered(followed(each, workload.renames))) for each in extra]
    return _overrides(wanted, defaults)


def _is_given(manifest: Manifest, chart: Sequence[Manifest]) -> bool:
    """Return whether the chart gives a resource by itself, apart from labels."""
    return _without_labels(manifest) in [_without_labels(each) for each in chart]


def _without_labels(manifest: Manifest) -> Manifest:
    found = copy.deepcopy(manifest)
    found.get("metadata", {}).pop("labels", None)
    return found


def _of_deployment(workload: Workload) -> dict[str, Any]:
    spec, image = workload.deployment["spec"], workload.image
    latest = (image.tag or "latest") == "latest" and not image.digest
    return {
        "replicaCount": spec.get("replicas"),
        "revisionHistoryLimit": spec.get("revisionHistoryLimit"),
        "strategy": spec.get("strategy"),
        "image": {
            "repository": image.repository,
            "tag": image.tag or ("" if image.digest else "latest"),
            "digest": image.digest,
            "pullPolicy": workload.container.get("imagePullPolicy", "Always" if latest else "IfNotPresent"),
        },
    }


def _of_pod(workload: Workload, extra: Sequence[Manifest]) -> dict[str, Any]:
    pod = workload.pod
    found = {key: pod.get(key) for key in _POD}
    found["podSecurityContext"] = pod.get("securityContext")
    found["automountServiceAccountToken"] = pod.get("automountServiceAccountToken", True)
    found["extraContainers"] = [each for each in pod["containers"] if each is not workload.container]
    selector = {"matchLabels": workload.deployment["spec"]["selector"].get("matchLabels")}
    found["topologySpreadConstraints"] = [
        {key: value for key, value in each.items() if key != "labelSelector" or value != selector}
        for each in pod.get("topologySpreadConstraints", ())
    ]
    account = pod.get("serviceAccountName")
    carried = any(each["kind"] == "ServiceAccount" and each["metadata"]["name"] == account for each in extra)
    if account and (account != workload.name or carried):
        found["serviceAccount"] = {"create": False, "name": account, "annotations": {}}
    return {**found, **_volumes(workload)}


def _volumes(workload: Workload) -> dict[str, Any]:
    """Return volumes and mounts, the chart's own `scratch` in its short form."""
    volumes, mounts = workload.pod.get("volumes", []), workload.container.get("volumeMounts", [])
    short = [each for each in mounts if _is_scratch(each)]
    own = [each for each in volumes if each.get("name") == "scratch" and set(each) == {"name", "emptyDir"}]
    if not short or not own or not {"sizeLimit"} >= set(own[0]["emptyDir"] or {}):
        return {"scratch": {"paths": [], "sizeLimit": None}, "volumes": volumes, "volumeMounts": mounts}
    return {
        "scratch": {"paths": [each["mountPath"] for each in short], "sizeLimit": own[0]["emptyDir"].get("sizeLimit")},
        "volumes": [each for each in volumes if each is not own[0]],
        "volumeMounts": [each for each in mounts if each not in short],
    }


def _is_scratch(mount: Mapping[str, Any]) -> bool:
    path = str(mount.get("mountPath"))
    return mount == {"name": "scratch", "mountPath": path, "subPath": path.removeprefix("/")}


def _of_container(workload: Workload) -> dict[str, Any]:
    container = workload.container
    found = {key: container.get(key) for key in _CONTAINER}
    found |= {key: _probe(container.get(key), workload.container_port) for key in _PROBES}
    lifecycle = dict(container.get("lifecycle") or {})
    sleep = lifecycle.get("preStop", {}).get("sleep", {}).get("seconds")
    if sleep:
        del lifecycle["preStop"]
    port = workload.container_port.get("containerPort")
    others = [each for each in container.get("ports", ()) if each is not workload.container_port]
    return {
        **found,
        "lifecycle": lifecycle,
        "preStopSleepSeconds": sleep or 0,
        "containerPort": None if port in {None, workload.port} else port,
        "extraPorts": [
            {
                "name": each.get("name", f"port-{each['containerPort']}"),
                "port": each["containerPort"],
                **({"protocol": each["protocol"]} if each.get("protocol", "TCP") != "TCP" else {}),
            }
            for each in others
        ],
    }


def _probe(probe: Mapping[str, Any] | None, port: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a probe that names the port as the chart does; the way of probing is left out where the chart's is it."""
    if probe is None:
        return None
    found = copy.deepcopy(dict(probe))
    for way in ("httpGet", "tcpSocket"):
        named = found.get(way, {}).get("port")
        if named is not None and named == port.get("name"):
            found[way]["port"] = PORT
    if found.get("tcpSocket") == {"port": PORT}:
        del found["tcpSocket"]
    return found


def _of_service(workload: Workload) -> dict[str, Any]:
    service = workload.service or {}
    spec, port = service.get("spec", {}), workload.service_port
    return {
        "type": spec.get("type", "ClusterIP"),
        "port": workload.port,
        "annotations": service.get("metadata", {}).get("annotations"),
        "nodePort": port.get("nodePort"),
        **{key: spec.get(key) for key in _SERVICE},
    }


def _of_labels(workload: Workload, defaults: Mapping[str, Any]) -> dict[str, Any]:
    deployment, service = workload.deployment, workload.service or workload.deployment
    template = deployment["spec"]["template"].get("metadata") or {}
    pods = {key: value for key, value in (template.get("labels") or {}).items() if not _is_the_charts(key)}
    places = [each.get("metadata", {}).get("labels") or {} for each in (deployment, service)]
    common = {key: value for key, value in pods.items() if all(place.get(key) == value for place in places)}
    shared = defaults.get("commonLabels") or {}
    return {
        "commonLabels": {**shared, **common},
        "podLabels": {key: value for key, value in pods.items() if key not in common and shared.get(key) != value},
        "podAnnotations": template.get("annotations"),
        "deploymentAnnotations": deployment["metadata"].get("annotations"),
    }


def _is_the_charts(label: str) -> bool:
    return label in SELECTOR_LABELS or label in CHART_LABELS


def _literal(value: Any) -> Any:
    """Return data in which no text is a template: the chart evaluates extra manifests."""
    if isinstance(value, dict):
        return {_literal(key): _literal(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_literal(each) for each in value]
    return value.replace("{{", "{{`{{`}}") if isinstance(value, str) else value


def _overrides(wanted: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return what has to be said for the wanted values to come out: null takes a default away."""
    found: dict[str, Any] = {}
    for key, value in wanted.items():
        default = defaults.get(key)
        if value == default or (not value and not default and value is not False and value != 0):
            continue
        if isinstance(value, dict) and isinstance(default, dict):
            absent = {name: None for name in default if name not in value and default[name] is not None}
            found[key] = _overrides({**absent, **value}, default)
        elif value is None and isinstance(default, list):
            found[key] = []
        else:
            found[key] = value
    return {key: value for key, value in found.items() if value != {} or wanted[key] == {}}


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as Helm merges them: later ones win, mappings key by key, and null takes away."""
    found: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            if isinstance(value, dict) and isinstance(found.get(key), dict):
                found[key] = merged(found[key], value)
            else:
                found[key] = value
    return found
