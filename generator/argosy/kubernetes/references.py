"""What an object of Kubernetes refers to in its namespace, by name or by labels, and what a controller makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from argosy.documents import Pointer
from argosy.documents.fields import JSON, group_and_kind, mapping, sequence, text
from argosy.documents.fields import field as value_at
from argosy.kubernetes.pods import containers, pod_specs

_WORKLOADS = frozenset({"Deployment", "ReplicaSet", "ReplicationController", "Rollout", "StatefulSet"})


def needed(data: JSON) -> Iterator[tuple[Pointer, str, str]]:
    """Yield the place, the kind and the name of each object of the namespace that another one needs."""
    for at, pod in pod_specs(data):
        account = text(pod.get("serviceAccountName")) or text(pod.get("serviceAccount"))
        if account and account != "default":
            yield (*at, "serviceAccountName"), "ServiceAccount", account
        for index, volume in enumerate(sequence(pod.get("volumes"))):
            yield from _of_volume(volume, (*at, "volumes", index))
    for at, container in containers(data):
        for index, variable in enumerate(sequence(container.get("env"))):
            yield from _named(variable, (*at, "env", index), "valueFrom", KEYS)
        for index, source in enumerate(sequence(container.get("envFrom"))):
            yield from _named(source, (*at, "envFrom", index), "", _SOURCES)
    for at, backend in backends(data):
        yield (*at, "name"), "Service", text(backend["name"])
    group, kind = group_and_kind(data)
    if (group, kind) in {("autoscaling", "HorizontalPodAutoscaler"), ("keda.sh", "ScaledObject")}:
        target = mapping(value_at(data, "spec", "scaleTargetRef"))
        of = text(target.get("kind")) or ("Deployment" if group == "keda.sh" else "")
        if of in _WORKLOADS and text(target.get("name")):
            yield ("spec", "scaleTargetRef", "name"), of, text(target["name"])


KEYS = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}
_SOURCES = {"configMapRef": "ConfigMap", "secretRef": "Secret"}


def _named(data: JSON, at: Pointer, below: str, kinds: Mapping[str, str]) -> Iterator[tuple[Pointer, str, str]]:
    where = (below,) if below else ()
    for each, kind in kinds.items():
        reference = mapping(value_at(data, *where, each))
        if text(reference.get("name")) and reference.get("optional") is not True:
            yield (*at, *where, each, "name"), kind, text(reference["name"])


def _of_volume(volume: JSON, at: Pointer) -> Iterator[tuple[Pointer, str, str]]:
    claim = text(value_at(volume, "persistentVolumeClaim", "claimName"))
    if claim:
        yield (*at, "persistentVolumeClaim", "claimName"), "PersistentVolumeClaim", claim
    yield from _of_files(volume, at)
    for index, source in enumerate(sequence(value_at(volume, "projected", "sources"))):
        yield from _of_files(source, (*at, "projected", "sources", index))


def _of_files(source: JSON, at: Pointer) -> Iterator[tuple[Pointer, str, str]]:
    for each, kind, name in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
        reference = mapping(value_at(source, each))
        found = text(reference.get(name)) or text(reference.get("name"))
        if found and reference.get("optional") is not True:
            yield (*at, each), kind, found


def backends(data: JSON) -> Iterator[tuple[Pointer, Mapping[str, JSON]]]:
    """Yield the Services that an Ingress or an HTTPRoute of the same namespace sends to: name, number or port."""
    group, kind = group_and_kind(data)
    if (group, kind) == ("networking.k8s.io", "Ingress"):
        places: list[Pointer] = [("spec", "defaultBackend")]
        for number, rule_ in enumerate(sequence(value_at(data, "spec", "rules"))):
            paths = sequence(value_at(rule_, "http", "paths"))
            places += [("spec", "rules", number, "http", "paths", index, "backend") for index in range(len(paths))]
        for place in places:
            service = mapping(value_at(data, *place, "service"))
            if name := text(service.get("name")):
                port = mapping(service.get("port"))
                yield (*place, "service"), {"name": name, "number": port.get("number"), "port": port.get("name")}
    elif (group, kind) == ("gateway.networking.k8s.io", "HTTPRoute"):
        for number, rule_ in enumerate(sequence(value_at(data, "spec", "rules"))):
            for index, each in enumerate(map(mapping, sequence(value_at(rule_, "backendRefs")))):
                if not each.get("namespace") and each.get("kind", "Service") == "Service" and each.get("name"):
                    at = ("spec", "rules", number, "backendRefs", index)
                    yield at, {"name": text(each["name"]), "number": each.get("port")}


def selector(data: JSON) -> tuple[Pointer, Mapping[str, JSON]]:
    """Return where a Service, budget or policy has its selector of pods, and the selector; empty for none."""
    match group_and_kind(data):
        case ("", "Service"):
            at: Pointer = ("spec", "selector")
            found = mapping(value_at(data, *at))
            external = value_at(data, "spec", "type") == "ExternalName"
            return at, {"matchLabels": found} if found and not external else {}
        case ("policy", "PodDisruptionBudget"):
            at = ("spec", "selector")
        case ("networking.k8s.io", "NetworkPolicy"):
            at = ("spec", "podSelector")
        case _:
            return (), {}
    return at, mapping(value_at(data, *at))


def made_of(group: str, kind: str, name: str, data: JSON) -> Iterator[tuple[str, str]]:
    """Yield the kind and name of what a controller makes of a custom resource."""
    spec = value_at(data, "spec")
    if kind == "ExternalSecret":
        yield "Secret", text(value_at(spec, "target", "name")) or name
    elif kind == "SealedSecret":
        yield "Secret", text(value_at(spec, "template", "metadata", "name")) or name
    elif kind == "SopsSecret":
        yield from (("Secret", text(value_at(each, "name"))) for each in sequence(value_at(spec, "secretTemplates")))
    elif (group, kind) == ("cert-manager.io", "Certificate"):
        yield "Secret", text(value_at(spec, "secretName"))
    elif (group, kind) == ("trust.cert-manager.io", "Bundle"):
        yield from (("ConfigMap", name), ("Secret", name))
    elif kind == "Ingress":  # cert-manager's annotations have it make these.
        yield from (("Secret", text(value_at(each, "secretName"))) for each in sequence(value_at(spec, "tls")))
