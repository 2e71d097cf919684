"""The Pods that a manifest runs: their specs, containers and images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

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
    for pointer in _POD_SPECS:
        found = data
        for key in pointer:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, dict) and isinstance(found.get("containers"), list):
            yield pointer, found
