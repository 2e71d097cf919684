"""Examine a repository, and the cluster if one is named: each symptom, with the checks of its causes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from argosy.doctor import deletion, drift, not_detected, out_of_sync, permissions, protection, quota, rendering, tools
from argosy.doctor.case import Case, Choice, take
from argosy.doctor.diagnosis import Check, Diagnosis, Symptom
from argosy.errors import ToolError
from argosy.kubernetes.cluster import Cluster
from argosy.reporting.wording import number

SYMPTOMS: Mapping[str, tuple[str, Callable[[Case], Iterator[Check]]]] = {
    "out-of-sync": ("An Application is stuck OutOfSync", out_of_sync.checks),
    "not-detected": ("Argo CD does not detect changes in Git", not_detected.checks),
    "permissions": ("Argo CD is not permitted to deploy", permissions.checks),
    "rendering": ("A Helm chart or an overlay does not render", rendering.checks),
    "drift": ("The cluster is not what Git says, after changes by hand", drift.checks),
    "deletion": ("Something is not deleted, or was deleted unexpectedly", deletion.checks),
    "quota": ("Quotas are used up", quota.checks),
    "review": ("A change was merged without review", protection.checks),
    "tools": ("The tools here are not Argo CD's", tools.checks),
}
"""Each symptom by its id: what people notice, and the checks of its causes."""


def examine(root: Path, choice: Choice | None = None) -> Diagnosis:
    """Return what is found; raise UsageError where the repository has nothing of what is asked about."""
    case = take(root.resolve(), choice or Choice())
    return Diagnosis(
        _subject(case),
        tuple(each.name for each in case.applications),
        [Symptom(id, title, list(checks(case))) for id, (title, checks) in SYMPTOMS.items()],
        case.cluster is None or _tells(case.cluster),
    )


def _tells(cluster: Cluster) -> bool:
    """Return whether a cluster told of its Applications."""
    try:
        cluster.applications()
    except ToolError:
        return False
    return True


def _subject(case: Case) -> str:
    where = "no cluster was asked"
    if case.cluster is not None:
        where = (
            f"the cluster of the context {case.cluster.context}"
            if case.cluster.context
            else "the current context's cluster"
        )
        where = f"{where} ({case.cluster.server()}) was asked"
    return f"{number(len(case.applications), 'Application')} of {case.root.name}; {where}."
