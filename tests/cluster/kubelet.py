"""A stand-in for the kubelet and the scheduler: no node, no container, but of each Pod what a node would tell."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.cluster.control_plane import ControlPlane

_PAUSE = 0.2
_WAITING: Mapping[str, Mapping[str, Any]] = {
    "missing": {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such manifest: {image}"}}},
    "crashing": {
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
        "restartCount": 7,
    },
    "secretless": {"state": {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "web" not found'}}},
}
"""What becomes of a container by the tag of its image; every other one runs."""


@contextlib.contextmanager
def running(plane: ControlPlane) -> Iterator[None]:
    """Have the Pods of a control plane run, as long as this lasts."""
    ended, own = threading.Event(), plane.apart()

    def work() -> None:
        while not ended.wait(_PAUSE):
            for pod in own.request("GET", "/api/v1/pods").body.get("items", ()):
                told = status(pod)
                if _brief(told) != _brief(pod.get("status", {})):
                    where = own.path({"apiVersion": "v1", "kind": "Pod", "metadata": pod["metadata"]})
                    own.request("PUT", f"{where}/status", {**pod, "status": told})

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _brief(status: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    return [(each["name"], each["ready"], *each["state"]) for each in status.get("containerStatuses", ())]


def status(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a node tells of a Pod: that it runs, what keeps it from that, or that it has done its work."""
    started = pod.get("status", {}).get("startTime") or f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    runs_on = pod["spec"].get("restartPolicy", "Always") == "Always"
    containers = [_container(each, started, runs_on=runs_on) for each in pod["spec"]["containers"]]
    is_ready = all(each["ready"] for each in containers)
    ended = all("terminated" in each["state"] for each in containers)
    conditions = [
        {"type": kind, "status": "True" if holds else "False", "lastTransitionTime": started}
        for kind, holds in (
            *(("PodScheduled", True), ("Initialized", True), ("ContainersReady", is_ready), ("Ready", is_ready)),
        )
    ]
    phase = "Succeeded" if ended else "Running" if is_ready else "Pending"
    return {"phase": phase, "conditions": conditions, "startTime": started, "containerStatuses": containers}


def _container(spec: Mapping[str, Any], started: str, *, runs_on: bool) -> dict[str, Any]:
    image = spec["image"]
    told = {"name": spec["name"], "image": image, "imageID": "", "restartCount": 0, "ready": False, "started": False}
    if trouble := _WAITING.get(image.rpartition(":")[2]):
        state = {**trouble["state"]["waiting"], "message": trouble["state"]["waiting"]["message"].format(image=image)}
        return {**told, "lastState": {}, **trouble, "state": {"waiting": state}}
    if not runs_on:
        ended = {"exitCode": 0, "reason": "Completed", "startedAt": started, "finishedAt": started}
        return {**told, "lastState": {}, "state": {"terminated": ended}}
    return {**told, "lastState": {}, "ready": True, "started": True, "state": {"running": {"startedAt": started}}}
