"""What is not ready yet in a cluster, and why: definitions, workloads with their Pods, and Applications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from argosy.errors import ArgosyError
from argosy.kubernetes.cluster import Cluster
from argosy.kubernetes.manifests import Manifest
from argosy.kubernetes.pods import unready

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
_REFRESH = "argocd.argoproj.io/refresh"
_DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
_APPLICATIONS = "applications.argoproj.io"
_SETS = "applicationsets.argoproj.io"
_HOPELESS = (
    ("authentication required", "Give Argo CD a credential: argosy bootstrap --credential env:NAME."),
    ("authorization failed", "The credential was rejected for this repository: give another with --credential."),
    ("Permission denied (publickey", "Add the key as a deploy key, or give another with --credential file:KEY."),
    ("unable to authenticate", "Give Argo CD an SSH key: argosy bootstrap --credential file:KEY."),
    ("Repository not found", "The URL is wrong, or the repository is private: give a credential with --credential."),
    ("repository not found", "The URL is wrong, or the repository is private: give a credential with --credential."),
    ("knownhosts:", "Give Argo CD the host's key: ssh-keyscan HOST | argocd cert add-ssh --batch"),
    ("unable to resolve", "Push that revision."),
    ("app path does not exist", "Commit and push that folder."),
    ("app path is not a directory", "Commit and push that folder."),
    ("is not permitted", "Permit it in the AppProject in argocd/root.yaml, and push."),
    ("do not match any of the allowed destinations", "Permit it in the AppProject in argocd/root.yaml, and push."),
)
"""Errors of an Application that waiting does not fix, and what does."""


def definitions(cluster: Cluster, wanted: Sequence[Manifest]) -> list[str]:
    """Return which definitions are not established."""
    names = [each["metadata"]["name"] for each in wanted]
    found = {each["metadata"]["name"]: each for each in cluster.get(_DEFINITIONS, *names)}
    return [f"{name}: {_why_not(found.get(name))}" for name in names if not _is_true(found.get(name), "Established")]


def _why_not(definition: Manifest | None) -> str:
    if definition is None:
        return "it is not there"
    messages = [each for each in _conditions(definition) if each.get("status") == "False"]
    return next(
        (f"{each.get('reason', '')} {each.get('message', '')}".strip() for each in messages), "it is not established"
    )


def workloads(cluster: Cluster, wanted: Sequence[Manifest]) -> list[str]:
    """Return which workloads are not rolled out, and why their Pods are not ready."""
    listed = cluster.get(",".join(f"{each.lower()}s.apps" for each in WORKLOADS), "--namespace", cluster.namespace)
    found = {(each["kind"], each["metadata"]["name"]): each for each in listed}
    states = [(each, found.get((each["kind"], each["metadata"]["name"]))) for each in wanted]
    waiting = [(each, state) for each, state in states if not _is_rolled_out(state)]
    if not waiting:
        return []
    pods = cluster.get("pods", "--namespace", cluster.namespace)
    return [_unready(each, state, pods) for each, state in waiting]


def _is_rolled_out(workload: Manifest | None) -> bool:
    """Judge as `kubectl rollout status` does."""
    if workload is None:
        return False
    spec, status = workload.get("spec", {}), workload.get("status", {})
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0):
        return False
    if workload["kind"] == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        return bool(status.get("updatedNumberScheduled", 0) >= wanted and status.get("numberAvailable", 0) >= wanted)
    wanted = spec.get("replicas", 1)
    if workload["kind"] == "StatefulSet":
        return bool(status.get("readyReplicas", 0) >= wanted and status.get("updatedReplicas", 0) >= wanted)
    return bool(
        status.get("updatedReplicas", 0) >= wanted
        and status.get("replicas", 0) <= status.get("updatedReplicas", 0)
        and status.get("availableReplicas", 0) >= status.get("updatedReplicas", 0)
    )


def _unready(wanted: Manifest, found: Manifest | None, pods: Sequence[Manifest]) -> str:
    named = f"{wanted['kind']} {wanted['metadata']['name']}"
    if found is None:
        return f"{named}: it is not there"
    labels = found.get("spec", {}).get("selector", {}).get("matchLabels", {})
    own = [each for each in pods if labels and labels.items() <= each["metadata"].get("labels", {}).items()]
    reasons = [f"Pod {each['metadata']['name']}: {reason}" for each in own for reason in unready(each)]
    if not reasons:
        # Without a Pod, the workload's conditions say what keeps it from having one: a quota, an admission webhook.
        reasons = [
            str(each.get("message", ""))
            for each in _conditions(found)
            if (each.get("type"), each.get("status")) in {("ReplicaFailure", "True"), ("Progressing", "False")}
        ]
    return f"{named}: {'; '.join(reasons) or 'no Pod is ready yet'}"


def applications(cluster: Cluster, names: Sequence[str]) -> list[str]:
    """Return which Applications are not synced and healthy; raise ArgosyError at an error that waiting does not fix."""
    found = {each["metadata"]["name"]: each for each in _applications(cluster, names)}
    waiting = {name: pending for name in names if (pending := _pending(name, found.get(name)))}
    return [
        "; ".join((f"{name}: {pending}", *(_of_sets(cluster, found[name]) if name in found else ())))
        for name, pending in waiting.items()
    ]


def _of_sets(cluster: Cluster, application: Manifest) -> list[str]:
    """Return what the ApplicationSets of an Application complain of, of which its status says that it is Degraded."""
    status = application.get("status", {})
    names = [each["name"] for each in status.get("resources", ()) if each.get("kind") == "ApplicationSet"]
    if not names or status.get("health", {}).get("status") != "Degraded":
        return []
    found = cluster.get(_SETS, *names, "--namespace", cluster.namespace)
    return [
        f"ApplicationSet {each['metadata']['name']}: {condition.get('message', '')}"
        for each in found
        for condition in _conditions(each)
        if (condition.get("type"), condition.get("status")) == ("ErrorOccurred", "True")
    ]


def _applications(cluster: Cluster, names: Sequence[str]) -> list[Manifest]:
    return cluster.get(_APPLICATIONS, *names, "--namespace", cluster.namespace)


def _pending(name: str, application: Manifest | None) -> str:
    if application is None:
        return "it is not there"
    status = application.get("status", {})
    sync, health = status.get("sync", {}).get("status", ""), status.get("health", {}).get("status", "")
    if (sync, health) == ("Synced", "Healthy"):
        return ""
    messages = _trouble(status)
    # While Argo CD is asked to look again, what it found before says nothing.
    if _REFRESH not in application["metadata"].get("annotations", {}):
        for sign, hint in _HOPELESS:
            if any(sign in each for each in messages):
                raise ArgosyError(f"Argo CD cannot sync the Application {name}: {messages[0]}", hint)
    left = [
        f"{each.get('kind')} {each.get('name')} {each.get('health', {}).get('status') or each.get('status')}"
        for each in status.get("resources", ())
        if each.get("status") != "Synced" or each.get("health", {}).get("status", "Healthy") != "Healthy"
    ]
    return "; ".join([f"{sync or 'not compared yet'}, {health or 'health unknown'}", *messages, *left])


def _trouble(status: Mapping[str, Any]) -> list[str]:
    messages = [
        each.get("message", "")
        for each in _conditions({"status": status})
        if str(each.get("type", "")).endswith("Error")
    ]
    operation = status.get("operationState", {})
    # One that is tried again and again, as root's without end, is Running until it succeeds.
    if operation.get("phase") in {"Failed", "Error"} or operation.get("retryCount"):
        messages.append(operation.get("message", ""))
    return [" ".join(str(each).split()) for each in messages if each]


def refresh(cluster: Cluster, names: Sequence[str]) -> None:
    """Have Argo CD look again at Applications that failed before, rather than in some minutes."""
    for each in _applications(cluster, names):
        if _trouble(each.get("status", {})):
            cluster.run(
                *("annotate", "--overwrite", _APPLICATIONS, each["metadata"]["name"]),
                *("--namespace", cluster.namespace, f"{_REFRESH}=hard"),
            )


def _conditions(thing: Manifest) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = thing.get("status", {}).get("conditions") or ()
    return found


def _is_true(thing: Manifest | None, condition: str) -> bool:
    return thing is not None and any(
        each.get("type") == condition and each.get("status") == "True" for each in _conditions(thing)
    )
