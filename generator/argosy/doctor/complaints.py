"""What Argo CD itself complains of: conditions and failed operations of Applications, each under what it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from argosy.argocd.sources import Kind
from argosy.argocd.view import ArgoApplication
from argosy.doctor.case import Case, live, namespace_of
from argosy.doctor.diagnosis import Observation, ok, problem, unknown
from argosy.documents.fields import field, mapping, sequence, text
from argosy.kubernetes.cluster import Cluster
from argosy.kubernetes.manifests import Manifest


class Topic(StrEnum):
    """What a complaint is about."""

    QUOTA = "quota"
    DELETION = "deletion"
    RENDER = "render"
    GIT = "git"
    PERMISSION = "permission"
    SYNC = "sync"


TITLES: Mapping[Topic, str] = {
    Topic.QUOTA: "nothing was refused because of a quota",
    Topic.DELETION: "no Application is stuck in its deletion",
    Topic.RENDER: "Argo CD could generate the manifests",
    Topic.GIT: "Argo CD can read the repository",
    Topic.PERMISSION: "Argo CD was forbidden nothing",
    Topic.SYNC: "conditions, and how the last sync ended",
}
"""The checks that report the complaints of each topic."""
# Each of these looks like a repository that cannot be read or rendered, and is a field with the wrong value.
_NO_REVISION = "^(?!.*(unable to resolve|couldn't find remote ref|app path ))"
_SIGNS: Mapping[Topic, re.Pattern[str]] = {
    Topic.QUOTA: re.compile("exceeded quota|failed quota|maximum (cpu|memory) usage", re.IGNORECASE),
    Topic.DELETION: re.compile("^DeletionError|finalizer", re.IGNORECASE),
    Topic.GIT: re.compile(
        f"{_NO_REVISION}.*(authentication required|repository not found|unable to access"
        "|failed to (list refs|fetch|initialize repo)"
        "|ssh: handshake|knownhosts|could not read from remote|permission denied \\(publickey)",
        re.IGNORECASE,
    ),
    Topic.RENDER: re.compile(
        "`?helm (template|dependency)|kustomize build|manifest generation error"
        f"|{_NO_REVISION}.*failed to generate manifest for source",
        re.IGNORECASE,
    ),
    Topic.PERMISSION: re.compile(
        "forbidden(?!: error looking up service account)|not permitted in project|is not permitted|unauthorized"
        "|do not match any of the allowed destinations",
        re.IGNORECASE,
    ),
}
"""How the complaints of each topic read, the first that fits deciding: `tests/cluster/argocd` has Argo CD's own."""
_ADVICE = {
    Topic.QUOTA: "Raise the quota in Git, or ask for less.",
    Topic.DELETION: "See the check of finalizers.",
    Topic.GIT: "See whether Argo CD has credentials for this URL, and what the repo server says:",
    Topic.RENDER: "Render it here with the same values:",
    Topic.PERMISSION: "Permit it: in the AppProject, or to Argo CD's service account.",
    Topic.SYNC: "Fix what the message names. The full status:",
}
_LONG = timedelta(minutes=30)


def topic_of(message: str) -> Topic:
    """Return what a complaint is about."""
    return next((topic for topic, sign in _SIGNS.items() if sign.search(message)), Topic.SYNC)


def complaints(case: Case, cluster: Cluster, topic: Topic) -> Iterator[Observation]:
    """Yield what Argo CD complains of under a topic."""
    for application in case.applications:
        found = live(application, cluster)
        if found is None:
            yield unknown("The cluster has no such Application.", applications=(application.name,))
            continue
        for message in told(found):
            if topic_of(message) is topic and message.startswith("OrphanedResourceWarning"):
                yield ok(message, applications=(application.name,))
            elif topic_of(message) is topic:
                advice, command = _next(case, application, cluster, topic)
                yield problem(message, advice, command, (application.name,))


def told(application: Manifest) -> Iterator[str]:
    """Yield the complaints that an Application's status has, each on one line."""
    messages: dict[str, None] = {}
    for condition in map(mapping, sequence(field(application, "status", "conditions"))):
        if text(condition.get("type")).endswith(("Error", "Warning")):
            messages[f"{condition['type']}: {_line(condition.get('message'))}"] = None
    operation = mapping(field(application, "status", "operationState"))
    phase, message = operation.get("phase"), _line(operation.get("message"))
    failed = {
        f"{each.get('kind')}/{each.get('name')}: {_line(each.get('message'))}": None
        for each in map(mapping, sequence(field(operation, "syncResult", "resources")))
        if each.get("status") == "SyncFailed" or each.get("hookPhase") in {"Failed", "Error"}
    }
    started = moment(operation.get("startedAt"))
    if failed and phase in {"Failed", "Error", "Running"}:
        messages |= failed
    elif phase in {"Failed", "Error"}:
        messages[f"The last sync {phase}: {message}"] = None
    elif phase == "Running" and (operation.get("retryCount") or "Retrying attempt #" in message):
        # While it waits to try again, it says why the last try failed.
        messages[f"The sync is tried again and again: {message}"] = None
    elif phase == "Running" and started and datetime.now(UTC) - started > _LONG:
        messages[f"A sync is running since {operation['startedAt']}: {message}"] = None
    yield from messages


def _line(message: object) -> str:
    return " ".join(text(message).split())


def moment(value: object) -> datetime | None:
    """Return the time that Kubernetes writes as 2026-01-02T03:04:05Z, None for anything else."""
    try:
        return datetime.fromisoformat(text(value))
    except ValueError:
        return None


def _next(case: Case, application: ArgoApplication, cluster: Cluster, topic: Topic) -> tuple[str, str]:
    """Return what to do about a complaint, and the command that helps."""
    if topic is Topic.GIT:
        return _ADVICE[topic], f"{cluster.kubectl(cluster.namespace)} logs deployment/argocd-repo-server --tail=100"
    rendered = render_command(case, application) if topic is Topic.RENDER else ""
    if rendered:
        return _ADVICE[topic], rendered
    status = f"{cluster.kubectl(namespace_of(application))} describe application.argoproj.io {application.name}"
    return _ADVICE[Topic.SYNC if topic is Topic.RENDER else topic], status


def render_command(case: Case, application: ArgoApplication) -> str:
    """Return how to render an Application by hand as Argo CD does; nothing where nothing of it is rendered here."""
    for source in case.sources(application):
        folder = (source.folder or case.root).relative_to(case.root).as_posix()
        if source.kind is Kind.KUSTOMIZE:
            return f"kubectl kustomize {folder}"
        if source.kind is Kind.HELM:
            files = (
                file.relative_to(case.root).as_posix() if file.is_relative_to(case.root) else str(file)
                for file in source.value_files
            )
            name = text(field(source.spec, "helm", "releaseName")) or application.name
            namespace = text(field(application.spec, "destination", "namespace"))
            values = "".join(f" --values {file}" for file in files)
            return f"helm template {name} {folder} --namespace {namespace}{values}"
    return ""
