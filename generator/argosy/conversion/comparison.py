"""What two renders of an application differ in, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from argosy.conversion.deployed import Deployed, Manifest
from argosy.conversion.values import CHART_LABELS
from argosy.conversion.workload import Renames
from argosy.helm.release import is_test
from argosy.kubernetes.manifests import Identity, identity
from argosy.repository.model import Format

_KEYS = ("name", "containerPort", "port", "mountPath", "topologyKey")
"""What items of a list are told apart by, where all have it."""
_DEFAULTS: Mapping[str, Any] = {
    "automountServiceAccountToken": True,
    "enableServiceLinks": True,
    "imagePullPolicy": "IfNotPresent",
    "protocol": "TCP",
    "serviceAccountName": "default",
    "type": "ClusterIP",
}
_WRITERS = {Format.KUSTOMIZE: "the base", Format.MANIFESTS: "the files"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One field, or a whole resource, that an environment gets otherwise than before; None where it is absent."""

    environment: str
    resource: str
    """Kind/name, as it is called afterwards."""
    path: str
    """The field; empty for the resource as a whole."""
    before: Any
    after: Any
    why: str
    """The reason; empty where it is not by design."""


@dataclass(frozen=True, slots=True)
class Context:
    """What explains differences: what became what, and what was renamed."""

    name: str
    form: Format
    renames: Renames

    @property
    def writer(self) -> str:
        """What gives the manifests from now on."""
        return _WRITERS.get(self.form, "the chart")


def compare(before: Deployed, after: Deployed, context: Context) -> Iterator[Difference]:
    """Yield the differences of what an environment gets; Argo CD never applies the Pods of `helm test`."""
    old = {_address(each, context.renames): each for each in before.manifests if not is_test(each)}
    new = {identity(each): each for each in after.manifests if not is_test(each)}
    for address in sorted({*old, *new}):
        one, other = old.get(address), new.get(address)
        resource = str(address)
        if one is None or other is None:
            present = one or other or {}
            why = f"{context.writer} adds a {present['kind']}" if one is None else ""
            yield Difference(before.environment, resource, "", _there(one), _there(other), why)
            continue
        for path, was, is_now in _fields(one, other, ()):
            why = _why(path, (was, is_now), one, before, context)
            yield Difference(before.environment, resource, _written(path), was, is_now, why)


def _address(manifest: Manifest, renames: Renames) -> Identity:
    this = identity(manifest)
    return this._replace(name=renames.get((this.kind, this.name), this.name))


def _fields(one: Any, other: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    if one == other or (path[-1:] == ("resources",) and not one and not other):
        return
    if path[-1:] in {("labels",), ("annotations",), ("metadata",)}:
        one, other = one or {}, other or {}
    if isinstance(one, dict) and isinstance(other, dict) and path[-1:] != ("selector",):
        for key in {**one, **other}:
            yield from _fields(one.get(key), other.get(key), (*path, key))
        return
    if isinstance(one, list) and isinstance(other, list) and (key := _key_of([*one, *other])):
        ones, others = ({str(each[key]): each for each in items} for items in (one, other))
        if len(ones) == len(one) and len(others) == len(other):
            if len(one) == len(other) == 1:
                yield from _fields(one[0], other[0], (*path, f"[{next(iter(others))}]"))
                return
            for name in {**ones, **others}:
                yield from _fields(ones.get(name), others.get(name), (*path, f"[{name}]"))
            return
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (was, now) in enumerate(zip(one, other, strict=True)):
            yield from _fields(was, now, (*path, f"[{index}]"))
        return
    yield path, one, other


def _key_of(items: Sequence[Any]) -> str:
    if not items or not all(isinstance(each, dict) for each in items):
        return ""
    return next((key for key in _KEYS if all(key in each for each in items)), "")


def _written(path: tuple[str, ...]) -> str:
    text = ""
    for part in path:
        plain = part.startswith("[") or not ("." in part or "/" in part)
        text += part if part.startswith("[") else f".{part}" if plain else f"[{part}]"
    return text.removeprefix(".")


def _there(manifest: Manifest | None) -> str | None:
    return None if manifest is None else "present"


def _why(  # noqa: PLR0911 - a reason each
    path: tuple[str, ...], values: tuple[Any, Any], manifest: Manifest, before: Deployed, context: Context
) -> str:
    was, now = values
    kind, last = manifest["kind"], path[-1]
    main = kind in {"Deployment", "Service"}
    if len(path) > 1 and path[-2] == "labels":
        return _why_label(path, was, now, context)
    if len(path) > 1 and path[-2] == "annotations" and last.startswith("checksum/") and was and now:
        return "the chart counts it anew"
    if path[:2] == ("spec", "selector") and main:
        return _why_selector(manifest, before, context)
    if main and path == ("metadata", "name"):
        return f"the template names it after the application: Argo CD makes {now}, and prunes {was}"
    if main and last == "name" and path[-3:-2] == ("containers",):
        return "the template names it after the application"
    if main and "ports" in path and last in {"name", "targetPort"} and now == "http":
        return f"{context.writer} calls the application's port http"
    if last == "port" and now == "http" and ("tcpSocket" in path or "httpGet" in path):
        return f"{context.writer} calls the application's port http"
    if last == "image" and isinstance(was, str) and now == f"{was}:latest":
        return "an image without a tag is the latest"
    if last == "serviceAccountName" and now == context.name and was in {None, "default"}:
        return f"{context.writer} adds a ServiceAccount"
    if last == "enableServiceLinks" and now is False and context.form is Format.HELM:
        return "the chart adds no environment variables for the namespace's Services"
    if (was is None and _is_default(last, now, manifest)) or (now is None and _is_default(last, was, manifest)):
        return "Kubernetes' default, which is written out now" if was is None else "Kubernetes' default"
    if last == "name" and now in context.renames.values() and was in {old for _, old in context.renames}:
        return "it refers to what has a new name"
    return ""


def _why_label(path: tuple[str, ...], was: Any, now: Any, context: Context) -> str:
    label = path[-1]
    if label in CHART_LABELS and context.form in {Format.HELM, Format.CHART}:
        return "a label that the chart gives"
    if label in CHART_LABELS and now is None:
        return "a label that the chart gave"
    if was is None and context.form is not Format.MANIFESTS:
        return "a label that the template gives every resource"
    if now is None and path[:-2] == ("metadata",) and context.form is Format.HELM:
        return "the chart has labels for all resources and for Pods, none for this one alone"
    return ""


def _why_selector(manifest: Manifest, before: Deployed, context: Context) -> str:
    if manifest["kind"] == "Service":
        return "it selects the same Pods, by the template's labels"
    old = manifest["metadata"]["name"]
    if old != context.name:
        return f"the Deployment {context.name} is a new one; Argo CD prunes {old}"
    return (
        "Kubernetes refuses a changed selector: once this is merged, and not before, since Argo CD would make the old "
        f"one again, run kubectl delete deployment {old} --namespace {before.namespace} --cascade=orphan; then argocd "
        f"app sync {context.name}-{before.environment}; once the new Pods are ready, delete the old ReplicaSet"
    )


def _is_default(field: str, value: Any, manifest: Manifest) -> bool:
    if field == "type" and manifest["kind"] != "Service":
        return False
    return field in _DEFAULTS and bool(_DEFAULTS[field] == value)


def grouped(differences: Sequence[Difference]) -> list[str]:
    """Return a line for each field and reason, with all resources and environments that have it."""
    groups: dict[tuple[str, str], list[Difference]] = {}
    for each in differences:
        place = each.path or f"{each.resource} is {'new' if each.before is None else 'gone'}"
        groups.setdefault((place, each.why), []).append(each)
    return [_line(place, why, these) for (place, why), these in groups.items()]


def _line(place: str, why: str, these: Sequence[Difference]) -> str:
    changes = {f"{_shown(each.before)} -> {_shown(each.after)}" for each in these}
    resources = list(dict.fromkeys(each.resource for each in these))
    environments = ", ".join(dict.fromkeys(each.environment for each in these))
    what = f" of {', '.join(resources)}" if these[0].path else ""
    values = f": {changes.pop()}" if these[0].path and len(changes) == 1 else ""
    return f"  {place}{what} ({environments}){values}" + (f"; {why}" if why else "")


def _shown(value: object) -> str:
    if value is None:
        return "absent"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
