"""Why something does not go, or went: finalizers of Applications, namespaces that are stuck in Terminating."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

from argosy.argocd.applicationsets.applications import CASCADE
from argosy.argocd.deployed import FINALIZERS
from argosy.doctor import rules
from argosy.doctor.case import PAUSED, Case, check, is_paused, live, namespace_of
from argosy.doctor.complaints import TITLES, Topic, complaints
from argosy.doctor.diagnosis import Check, Observation, ok, problem
from argosy.documents.fields import field, mapping, sequence, text
from argosy.kubernetes.cluster import Cluster
from argosy.names import joined


def checks(case: Case) -> Iterator[Check]:
    """Yield the checks: what a deletion would take along, then what is stuck in one."""
    rest = case.of_rules(*rules.DELETION)
    yield check("finalizers", "what goes with an Application", [*rest, *_declared(case)], "")
    yield check("stuck", TITLES[Topic.DELETION], case.of_live(_stuck), "None is.")
    yield check("terminating", "no namespace is stuck in Terminating", case.of_live(_terminating), "None is.")


def _declared(case: Case) -> Iterator[Observation]:
    for application in case.applications:
        finalizers = [text(each) for each in sequence(application.metadata.get("finalizers"))]
        cascades = any(each.startswith(CASCADE) for each in finalizers)
        about = (application.name,)
        if cascades:
            seen = "It has the resources finalizer: deleting the Application deletes what it deployed."
            yield ok(seen, "Remove the finalizer first to keep the workloads.", applications=about)
        else:
            yield ok("It has no resources finalizer: deleting it keeps what it deployed.", applications=about)


def _stuck(case: Case, cluster: Cluster) -> Iterator[Observation]:
    yield from complaints(case, cluster, Topic.DELETION)
    for application in case.applications:
        found = live(application, cluster)
        metadata = mapping(field(found, "metadata"))
        finalizers = [text(each) for each in sequence(metadata.get("finalizers"))]
        if not metadata.get("deletionTimestamp") or not finalizers:
            continue
        seen = f"It is being deleted since {metadata['deletionTimestamp']}, and waits for {joined(finalizers, 3)}."
        foreign = [each for each in finalizers if each.partition("/")[0] not in FINALIZERS]
        left = foreign if len(foreign) < len(finalizers) else []
        if foreign and not left:
            seen += " Argo CD has nothing to do with that, and has done its part."
            advice = "Whoever set it has to take it away. Only if that one is gone for good, do it by hand:"
        elif is_paused(found):
            advice = f"Argo CD does nothing about it: see “{PAUSED}”. Only if it is to leave what it deployed:"
        else:
            advice = (
                "Argo CD first deletes what it deployed: see what is left, and that the cluster is reached and the "
                "AppProject there. Only if that is lost for good, take its finalizers away; what it deployed stays:"
            )
        change = {"op": "replace", "path": "/metadata/finalizers", "value": left}
        if not left:
            change = {"op": "remove", "path": "/metadata/finalizers"}
        patch = f"--type json --patch {shlex.quote(json.dumps([change], separators=(',', ':')))}"
        where = cluster.kubectl(namespace_of(application))
        yield problem(
            seen, advice, f"{where} patch application.argoproj.io {application.name} {patch}", (application.name,)
        )


def _terminating(case: Case, cluster: Cluster) -> Iterator[Observation]:
    there = cluster.namespaces()
    for name in case.namespaces:
        found = there.get(name)
        if found is None or field(found, "status", "phase") != "Terminating":
            continue
        reasons = [
            " ".join(text(each.get("message")).split())
            for each in map(mapping, sequence(field(found, "status", "conditions")))
            if each.get("status") == "True"
        ]
        since = field(found, "metadata", "deletionTimestamp")
        seen = f"{name} is Terminating since {since}: {' '.join(reasons) or 'it does not say why'}"
        kinds = f"{cluster.kubectl()} api-resources --verbs=list --namespaced --output=name"
        left = f"xargs -n 1 {cluster.kubectl(name)} get --ignore-not-found --show-kind"
        listing = f"{kinds} | {left}"
        yield problem(seen, "Nothing can be created there until it is gone. What is left in it:", listing)
