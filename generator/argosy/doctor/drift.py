"""Why the cluster is not what Git says after someone changed it: automatic sync, self-heal, what is ignored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from argosy.argocd.view import ArgoApplication
from argosy.doctor import rules
from argosy.doctor.case import PAUSED, Case, check, is_paused, live, syncing
from argosy.doctor.diagnosis import Check, Observation, ok, problem, unknown
from argosy.documents.fields import field, mapping, sequence, text
from argosy.kubernetes.cluster import Cluster
from argosy.names import joined


def checks(case: Case) -> Iterator[Check]:
    """Yield the checks: whether Argo CD undoes changes at all, then what it is set to ignore, then what is changed."""
    yield check("automated", "Argo CD syncs by itself", _automated(case), "")
    yield check("self-heal", "Argo CD undoes changes by hand", _policy(case, "selfHeal", _HEAL), "")
    yield check("prune", "Argo CD deletes what Git no longer has", _policy(case, "prune", _PRUNE), "")
    fights = case.of_rules(*rules.IGNORED)
    yield check(
        "fights", "nothing else sets what Git sets", [*fights, *_ignored(case)], "No autoscaler fights with Git."
    )
    yield check(
        "windows", "no sync window is closed", [*case.of_rules(*rules.WINDOWS), *_windows(case)], "There is none."
    )
    yield check("changed-by-hand", "nothing was changed by hand", case.of_live(_changed), "")


_HEAL = "a change by hand stays until the next commit, or the next sync"
_PRUNE = "what was removed from Git stays in the cluster, and the Application OutOfSync"


def automated(application: ArgoApplication) -> Mapping[str, Any] | None:
    """Return an Application's automatic sync, None where there is none."""
    found = field(application.spec, "syncPolicy", "automated")
    return found if isinstance(found, dict) and found.get("enabled") is not False else None


def _automated(case: Case) -> Iterator[Observation]:
    yield from case.of_rules(*rules.AUTOMATED)
    for application in case.applications:
        if automated(application) is not None:
            yield ok("Yes.", applications=(application.name,))
        else:
            advice = "It waits for someone to sync it: a setting, not a fault."
            yield ok("No.", advice, f"argocd app sync {application.name}", (application.name,))


def _policy(case: Case, name: str, otherwise: str) -> Iterator[Observation]:
    for application in case.applications:
        policy, about = automated(application), (application.name,)
        if policy is None:
            yield ok("No: there is no automatic sync.", applications=about)
        elif policy.get(name) is True:
            yield ok("Yes.", applications=about)
        else:
            seen = f"No: {name} is off, so {otherwise}."
            yield ok(seen, f"Set spec.syncPolicy.automated.{name} if that is not meant.", applications=about)


def _ignored(case: Case) -> Iterator[Observation]:
    for application in case.applications:
        for each in map(mapping, sequence(application.spec.get("ignoreDifferences"))):
            fields = [
                text(this)
                for name in ("jsonPointers", "jqPathExpressions", "managedFieldsManagers")
                for this in sequence(each.get(name))
            ]
            yield ok(
                f"{joined(fields, 3)} of {each.get('kind')} is left as it is, whoever changes it.",
                applications=(application.name,),
            )


def _windows(case: Case) -> Iterator[Observation]:
    for name in sorted({text(each.spec.get("project")) or "default" for each in case.applications}):
        document = case.view.projects.get(name)
        if document is None:
            seen = f"The AppProject “{name}” is not in this repository, and so are its windows."
            yield unknown(seen, "Whether one is open now:", f"argocd proj windows list {name}")
        windows = sequence(field(document.data, "spec", "syncWindows")) if document else ()
        for window in map(mapping, windows):
            when = f"{window.get('kind')} at {window.get('schedule')} for {window.get('duration')}"
            seen = f"The AppProject “{name}” has a window: {when}."
            yield ok(seen, "Whether it is open now:", f"argocd proj windows list {name}")


def _changed(case: Case, cluster: Cluster) -> Iterator[Observation]:
    for application in case.applications:
        found = live(application, cluster)
        about = (application.name,)
        if found is None:
            yield unknown("The cluster has no such Application.", applications=about)
            continue
        status = text(field(found, "status", "sync", "status"))
        if status in {"", "Unknown"}:
            seen = "Argo CD could not compare it." if status else "No controller has looked at it yet."
            yield unknown(seen, applications=about)
            continue
        compared = text(field(found, "status", "sync", "revision"))
        operation = mapping(field(found, "status", "operationState"))
        applied = text(field(operation, "syncResult", "revision"))
        is_drift = field(found, "status", "sync", "status") == "OutOfSync" and compared and compared == applied
        if not is_drift or operation.get("phase") != "Succeeded":
            yield ok("Nothing that was synced differs since.", applications=about)
            continue
        # What counts is the Application that is there: it may not be the one in Git.
        policy = field(found, "spec", "syncPolicy", "automated")
        heals = isinstance(policy, dict) and policy.get("enabled") is not False and policy.get("selfHeal") is True
        seen = f"{compared[:7]} was synced in full, and the cluster differs from it again."
        if is_paused(found):
            advice = f"Argo CD undoes nothing meanwhile: see “{PAUSED}”. What differs:"
        elif syncing(found):
            advice = "Argo CD is about to undo that. What differs:"
        elif heals:
            others = "a controller, a webhook, another Application"
            advice = f"selfHeal is on, so something sets it back each time: {others}. See:"
        else:
            advice = "Someone changed it by hand. Put it into Git, or sync; selfHeal would undo it."
        yield problem(seen, advice, f"argocd app diff {application.name}", about)
