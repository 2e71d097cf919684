"""Whether Argo CD has looked: at which commit, when, and with processes that run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from argosy import git
from argosy.argocd.view import ArgoApplication
from argosy.doctor.case import PAUSED, Case, git_sources, is_paused, live, namespace_of
from argosy.doctor.complaints import moment
from argosy.doctor.diagnosis import Observation, ok, problem, unknown
from argosy.doctor.notice import interval
from argosy.documents.fields import field, mapping, sequence, text
from argosy.git import objects
from argosy.kubernetes.cluster import Cluster
from argosy.kubernetes.manifests import Manifest
from argosy.names import joined
from argosy.reporting.wording import number

_PODS = ("argocd-repo-server", "argocd-application-controller")
_GENERATOR = "argocd-applicationset-controller"
_LATE = 4
"""After how many times the interval at which Argo CD asks Git something has to be wrong."""


def compared(case: Case, cluster: Cluster) -> Iterator[Observation]:
    """Yield which commits Argo CD has compared with the cluster last, and when."""
    longest = sum(interval(case, cluster))
    for application in case.applications:
        found = live(application, cluster)
        if found is None:
            yield unknown("The cluster has no such Application.", applications=(application.name,))
            continue
        if not field(found, "status"):
            yield unknown("No controller has looked at it yet.", applications=(application.name,))
            continue
        yield from _age(application, found, longest, cluster)
        yield from _revisions(case, application, found, cluster)


def _age(application: ArgoApplication, found: Manifest, longest: float, cluster: Cluster) -> Iterator[Observation]:
    about = (application.name,)
    looked = moment(field(found, "status", "reconciledAt"))
    if looked is None:
        seen = "Argo CD has never looked at it: it has no reconciledAt."
    elif longest and datetime.now(UTC) - looked > timedelta(seconds=_LATE * longest):
        seen = f"Argo CD looked last at {looked:%Y-%m-%d %H:%M:%S %Z}, although it should every {longest:.0f} seconds."
    else:
        return
    if is_paused(found):
        yield problem(seen, f"It is left alone: see “{PAUSED}”.", applications=about)
        return
    advice = "See whether the application controller runs, and refresh it:"
    yield problem(seen, advice, _refresh(application, cluster), about)


def _refresh(application: ArgoApplication, cluster: Cluster) -> str:
    what = f"application.argoproj.io {application.name} argocd.argoproj.io/refresh=normal --overwrite"
    return f"{cluster.kubectl(namespace_of(application))} annotate {what}"


def _revisions(case: Case, application: ArgoApplication, found: Manifest, cluster: Cluster) -> Iterator[Observation]:
    sync, about = mapping(field(found, "status", "sync")), (application.name,)
    looked = [text(each) for each in sequence(sync.get("revisions")) or (sync.get("revision"),)]
    in_git = [pointer for pointer, _ in git_sources(application)]
    for (pointer, spec), seen in zip(application.sources, looked, strict=False):
        if pointer not in in_git:
            continue
        if not seen:
            yield unknown("Argo CD has compared no commit yet.", applications=about)
            continue
        remote, revision = case.remote(spec), text(spec.get("targetRevision")) or "HEAD"
        newest = remote.commit(revision)
        if newest is None:
            yield unknown(f"Argo CD compared {seen[:7]}; which one is the newest is not known.", applications=about)
        elif newest == seen:
            yield ok(f"{seen[:7]}, the newest of {revision}.", applications=about)
        elif not _touched(case, application, seen, newest):
            yield ok(f"{seen[:7]}; what came after it touches nothing that is read.", applications=about)
        else:
            seen_last = f"Argo CD compared {seen[:7]} last, and {revision} of {remote.label} is at {newest[:7]}."
            advice = "If it was pushed minutes ago, wait for Argo CD to ask Git again; or refresh it:"
            how = (advice, _refresh(application, cluster))
            yield problem(seen_last, *((f"It is left alone: see “{PAUSED}”.", "") if is_paused(found) else how), about)


def _touched(case: Case, application: ArgoApplication, before: str, after: str) -> bool:
    """Return whether what changed between two commits may matter to an Application."""
    kinds = objects.types(case.root, [f"{before}^{{commit}}", f"{after}^{{commit}}"])
    if any(kind != "commit" for _, kind in kinds):
        return True
    paths = sorted(case.reads(application) - {application.document.path}) or ["."]
    return bool(git.run(case.root, "diff", "--name-only", before, after, "--", *paths).strip())


# Argo CD's own processes


def pods(case: Case, cluster: Cluster) -> Iterator[Observation]:
    """Yield whether the pods that read Git, render and compare are ready."""
    there, kubectl = cluster.pods(), cluster.kubectl(cluster.namespace)
    generated = any(each.prefix for each in case.applications)
    for name in (*_PODS, *((_GENERATOR,) if generated else ())):
        labelled = [each for each in there if field(each, "metadata", "labels", "app.kubernetes.io/name") == name]
        if not labelled:
            seen = f"There is no pod of {name} in the namespace {cluster.namespace}."
            yield problem(seen, "Install Argo CD, or see why its pods are gone.", f"{kubectl} get pods")
            continue
        ill = [text(field(each, "metadata", "name")) for each in labelled if not _is_ready(each)]
        restarts = sum(_restarts(each) for each in labelled)
        logs = f"{kubectl} logs --selector app.kubernetes.io/name={name} --tail=100"
        if ill:
            yield problem(f"{joined(ill, 3)} is not ready{_why(labelled)}.", "See its logs.", logs)
        else:
            often = f", after {number(restarts, 'restart')}" if restarts else ""
            yield ok(f"{name}: {number(len(labelled), 'pod')} ready{often}.", command=logs if restarts else "")


def _is_ready(pod: Manifest) -> bool:
    conditions = map(mapping, sequence(field(pod, "status", "conditions")))
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def _containers(pod: Manifest) -> Iterator[Manifest]:
    for name in ("initContainerStatuses", "containerStatuses"):
        yield from map(mapping, sequence(field(pod, "status", name)))


def _restarts(pod: Manifest) -> int:
    return sum(count for each in _containers(pod) if isinstance(count := each.get("restartCount"), int))


def _why(pods: Sequence[Manifest]) -> str:
    reasons = {
        text(field(each, "state", "waiting", "reason")) or text(field(each, "lastState", "terminated", "reason"))
        for pod in pods
        for each in _containers(pod)
    }
    return f" ({', '.join(sorted(reasons - {''}))})" if reasons - {""} else ""
