"""What the namespaces that are deployed to say: the warnings of their events, and which Pods do not run."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from argosy.doctor.case import Case, elsewhere, of_namespaces
from argosy.doctor.complaints import Topic, moment, topic_of
from argosy.doctor.diagnosis import Observation, ok, problem
from argosy.documents.fields import field, mapping, text
from argosy.kubernetes.cluster import Cluster
from argosy.kubernetes.manifests import Manifest
from argosy.kubernetes.pods import Unready, unready
from argosy.names import joined

_REFUSALS = {
    *("FailedCreate", "FailedUpdate", "FailedDelete", "FailedMount", "FailedScheduling", "FailedValidation"),
    "PolicyViolation",
}
_GENERATED = re.compile(r"\b([a-z0-9.-]+?)(-[0-9a-f]{8,10})?-[bcdfghjklmnpqrstvwxz2-9]{5}\b")
"""The name of a Pod that a controller has made: with the workload's name before what tells it from the others."""
_IMAGE = ("ErrImage", "ImagePull", "InvalidImageName", "RegistryUnavailable")
_STARTING = ("ContainerCreating", "PodInitializing")
_SLOW = timedelta(minutes=5)
"""How long a Pod may take until it is ready."""
_LONGEST_WAIT = timedelta(minutes=20)
"""What fails is tried again before that, and warned of again: Kubernetes' controllers wait 1000 seconds at most."""


def refusals(case: Case, cluster: Cluster, *, quota: bool) -> Iterator[Observation]:
    """Yield what the cluster refused to create or to run: for want of quota, or for another reason."""
    yield from of_namespaces(case, lambda namespace: _refused(case, namespace, cluster, quota=quota))


def _refused(case: Case, namespace: str, cluster: Cluster, *, quota: bool) -> Iterator[Observation]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for event in cluster.warnings((namespace,)):
        message = " ".join(text(event.get("message")).split())
        about = mapping(event.get("involvedObject")) or mapping(event.get("regarding"))
        wanted = text(event.get("reason")) in _REFUSALS and (topic_of(message) is Topic.QUOTA) is quota
        if wanted and not _is_past(event, about, namespace, cluster):
            found[_GENERATED.sub(r"\1", message)][f"{about.get('kind')}/{about.get('name')}"] = message
    for objects in found.values():
        seen = f"{joined(sorted(objects), 3)} in {namespace}: {next(iter(objects.values()))}"
        advice = "Raise the quota in Git, or ask for less." if quota else "Fix what the message names."
        command = f"{cluster.kubectl(namespace)} get events --sort-by=.lastTimestamp"
        yield problem(seen, advice, command, case.within(namespace))
    if not found:
        yield ok(f"{namespace}: no such event.")


def _is_past(event: Manifest, about: Manifest, namespace: str, cluster: Cluster) -> bool:
    """Return whether what an event warns of is over: not repeated for long, or of a Pod that is gone, or runs."""
    told = ("lastTimestamp", "eventTime", "firstTimestamp")
    times = [moment(field(event, "series", "lastObservedTime")), *(moment(event.get(each)) for each in told)]
    last = max((each for each in times if each), default=None)
    if last is not None and datetime.now(UTC) - last > _LONGEST_WAIT:
        return True
    if about.get("kind") != "Pod":
        return False
    named = [each for each in cluster.pods(namespace) if field(each, "metadata", "name") == about.get("name")]
    return all(_has_ended(each) or not any(unready(each)) for each in named)


def pods(case: Case, cluster: Cluster) -> Iterator[Observation]:
    """Yield why Pods do not run, each cause once."""
    yield from elsewhere(case, cluster)
    # Whether those of Argo CD itself run, a check of its own says.
    own = cluster.namespace
    yield from of_namespaces(case, lambda namespace: _ill(case, namespace, cluster) if namespace != own else ())


def _has_ended(pod: Manifest) -> bool:
    """Return whether a Pod has done its work, or another was started for it: a Job's next, one on another node."""
    phase, owners = field(pod, "status", "phase"), field(pod, "metadata", "ownerReferences") or ()
    of_job = any(field(each, "kind") == "Job" for each in owners)
    return phase == "Succeeded" or (phase == "Failed" and (of_job or field(pod, "status", "reason") == "Evicted"))


def _ill(case: Case, namespace: str, cluster: Cluster) -> Iterator[Observation]:
    found: dict[tuple[str, ...], dict[str, Unready]] = defaultdict(dict)
    for pod in cluster.pods(namespace):
        started = moment(field(pod, "status", "startTime")) or moment(field(pod, "metadata", "creationTimestamp"))
        is_new = started is not None and datetime.now(UTC) - started < _SLOW
        if field(pod, "metadata", "deletionTimestamp") or _has_ended(pod):
            continue
        for why in unready(pod):
            if why.reason in _STARTING or (is_new and why.reason.startswith("runs")):
                continue
            cause = (why.container, why.reason, _GENERATED.sub(r"\1", why.message))
            if why.reason.startswith(_IMAGE):  # Kubernetes changes between two reasons while it tries again.
                cause = ("", _IMAGE[0], why.image)
            found[cause].setdefault(text(field(pod, "metadata", "name")), why)
    for (_, reason, _), ill in found.items():
        name, why = next(iter(ill.items()))
        advice, command = "See its events:", f"describe pod {name}"
        if reason == _IMAGE[0]:
            advice = "See that the image is there, and that the cluster may pull it:"
        elif "exit code" in why.reason:
            advice, command = "See what it said:", f"logs {name} --container {why.container} --previous"
        seen = f"{joined(sorted(f'Pod/{each}' for each in ill), 3)} in {namespace}: {why}."
        yield problem(seen, advice, f"{cluster.kubectl(namespace)} {command}", case.within(namespace))
