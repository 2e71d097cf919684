"""What the events of the namespaces that are deployed to warn of."""

from __future__ import annotations

from collections.abc import Iterator

from argosy.doctor.case import Case, of_namespaces
from argosy.doctor.complaints import Topic, topic_of
from argosy.doctor.diagnosis import Observation, ok, problem
from argosy.documents.fields import mapping, text
from argosy.kubernetes.cluster import Cluster

_REFUSALS = {
    *("FailedCreate", "FailedUpdate", "FailedDelete", "FailedMount", "FailedScheduling", "FailedValidation"),
    "PolicyViolation",
}


def refusals(case: Case, cluster: Cluster, *, quota: bool) -> Iterator[Observation]:
    """Yield what the cluster refused to create or to run: for want of quota, or for another reason."""
    yield from of_namespaces(case, lambda namespace: _of_namespace(namespace, cluster, quota=quota))


def _of_namespace(namespace: str, cluster: Cluster, *, quota: bool) -> Iterator[Observation]:
    messages: dict[str, None] = {}
    for event in cluster.warnings((namespace,)):
        message = " ".join(text(event.get("message")).split())
        if text(event.get("reason")) in _REFUSALS and (topic_of(message) is Topic.QUOTA) is quota:
            about = mapping(event.get("involvedObject")) or mapping(event.get("regarding"))
            messages[f"{about.get('kind')}/{about.get('name')} in {namespace}: {message}"] = None
    for seen in messages:
        advice = "Raise the quota in Git, or ask for less." if quota else "Fix what the message names."
        command = f"{cluster.kubectl(namespace)} get events --sort-by=.lastTimestamp"
        yield problem(seen, advice, command)
    if not messages:
        yield ok(f"{namespace}: no such event.")
