"""The Pods that a manifest runs: their specs, containers and images; and why a Pod in a cluster is not ready."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from argosy.documents import Pointer


def images(data: Any) -> Iterator[tuple[Pointer, str]]:
    """Yield each container's image of a workload, with its place."""
    for at, container in containers(data):
        if isinstance(container.get("image"), str) and container["image"]:
            yield (*at, "image"), container["image"]


def containers(data: Any) -> Iterator[tuple[Pointer, dict[str, Any]]]:
    """Yield each container of a workload, with its place."""
    for at, pod in pod_specs(data):
        for group in ("initContainers", "containers", "ephemeralContainers"):
            listed = pod.get(group)
            for index, container in enumerate(listed if isinstance(listed, list) else ()):
                if isinstance(container, dict):
                    yield (*at, group, index), container


_POD_SPECS: tuple[Pointer, ...] = (
    ("spec",),
    ("spec", "template", "spec"),
    ("spec", "jobTemplate", "spec", "template", "spec"),
)


def pod_specs(data: Any) -> Iterator[tuple[Pointer, dict[str, Any]]]:
    """Yield the pod's specification within a Pod, a workload or a CronJob, with its place."""
    spec = data.get("spec") if isinstance(data, dict) else None
    for pointer in _POD_SPECS if isinstance(spec, dict) else ():
        found = spec
        for key in pointer[1:]:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, dict) and isinstance(found.get("containers"), list):
            yield pointer, found


class Unready(NamedTuple):
    """Why a container is not ready, or a Pod without any."""

    container: str
    """Empty for the Pod as a whole."""
    image: str
    reason: str
    """A word of Kubernetes', such as `ImagePullBackOff`, or a few."""
    message: str

    def __str__(self) -> str:
        return f"{self.container} {self.reason}".strip() + (f" ({self.message})" if self.message else "")


def unready(pod: Mapping[str, Any]) -> Iterator[Unready]:
    """Yield why a Pod is not ready, as its status says it; nothing for one that is."""
    status = pod.get("status", {})
    containers = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    for each in containers:
        name, image, state = str(each.get("name", "")), str(each.get("image", "")), each.get("state", {})
        last: Mapping[str, Any] = each.get("lastState", {}).get("terminated", {})
        if waiting := state.get("waiting"):
            crashed = f", it ended with exit code {last['exitCode']} ({last.get('reason', '')})" if last else ""
            yield Unready(name, image, f"{waiting.get('reason', 'waits')}{crashed}", _message(waiting))
        elif (ended := state.get("terminated")) and ended.get("exitCode"):
            reason = f"ended with exit code {ended['exitCode']} ({ended.get('reason', '')})"
            yield Unready(name, image, reason, _message(ended))
        elif "running" in state and not each.get("ready", True):
            yield Unready(name, image, "runs, but its readiness probe fails", "")
    if not containers:
        for each in status.get("conditions") or ():
            if each.get("status") == "False":
                yield Unready("", "", str(each.get("reason", "not ready")), _message(each))


def _message(state: Mapping[str, Any]) -> str:
    return " ".join(str(state.get("message", "")).split())
