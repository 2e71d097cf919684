"""What a change does in each cluster: the rendered manifests of two states of the repository, compared."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from argosy.argocd.deployed import Deployed, Wanted, of_snapshot, of_work_tree, sources
from argosy.argocd.inventory import everything, reached_by
from argosy.argocd.rendering import Progress, silent
from argosy.difference.comparison import ApplicationChange, Difference, ResourceChange, Status, Veil, compare
from argosy.difference.reach import needed, of, reached
from argosy.difference.risks import Risk
from argosy.errors import ArgosyError
from argosy.git.snapshot import Snapshot
from argosy.kubernetes.manifests import Identity
from argosy.repository import layout
from argosy.repository.states import changed, head, is_repository, merge_base, work_tree

__all__ = [
    "ApplicationChange",
    "Deployed",
    "Difference",
    "Identity",
    "ResourceChange",
    "Risk",
    "Scope",
    "Status",
    "Veil",
    "between",
    "changed",
    "compare",
    "head",
    "merge_base",
    "of_application",
    "of_snapshot",
    "of_work_tree",
    "within_layout",
    "work_tree",
]


States = tuple[Mapping[str, Deployed], Mapping[str, Deployed]]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which Applications are compared; nothing named: all."""

    applications: Collection[str] = ()
    environments: Collection[str] = ()
    branch: str = ""
    """The branch that they read."""
    veil: Veil | None = None
    """Gives what of a manifest is shown; None: all but what a Secret holds."""

    def has(self, deployed: Deployed) -> bool:
        """Return whether an Application is meant."""
        return (
            (not self.applications or deployed.app in self.applications)
            and (not self.environments or deployed.environment in self.environments)
            and (not self.branch or _follows(deployed, self.branch))
        )


EVERYTHING = Scope()


def between(before: Snapshot, after: Snapshot, scope: Scope = EVERYTHING, progress: Progress = silent) -> Difference:
    """Render two states, as far as their difference reaches, and compare them."""
    paths = changed(before, after)
    if not paths:
        return Difference()
    wanted = reached(before, after, paths, of(scope.applications, scope.environments))
    return _compared(_reached(before, after, wanted, progress), scope)


def within_layout(
    before: Snapshot, after: Snapshot, scope: Scope = EVERYTHING, progress: Progress = silent
) -> Difference:
    """Compare two states in what the layout says that their difference reaches: nobody's own paths are looked for."""
    wanted = reached_by(changed(before, after))
    return _compared(_reached(before, after, wanted, progress), scope)


def _compared(states: States, scope: Scope) -> Difference:
    meant = {name for state in states for name, each in state.items() if scope.has(each)}
    one, other = (_named(state, meant) for state in states)
    return compare(one, other, scope.veil) if scope.veil else compare(one, other)


def _named(state: Mapping[str, Deployed], names: Collection[str]) -> Mapping[str, Deployed]:
    return {name: each for name, each in state.items() if name in names}


def _follows(deployed: Deployed, branch: str) -> bool:
    """Return whether an Application reads a branch; HEAD is whatever the host says."""
    revisions = {source.get("targetRevision") or "HEAD" for source in sources(deployed.definition)}
    return not revisions or not revisions.isdisjoint({branch, "HEAD"})


def _reached(before: Snapshot, after: Snapshot, wanted: Wanted, progress: Progress) -> States:
    states = _rendered(before, after, wanted, progress)
    while missing := {path for state in states for each in state.values() for path in each.missing}:
        wanted = _also(wanted, missing)
        states = _rendered(before, after, wanted, progress)
    if _is_too_little(*states):
        states = _rendered(before, after, everything, progress)
    return states


def _also(wanted: Wanted, paths: Set[str]) -> Wanted:
    return lambda path: path in paths or wanted(path)


def of_application(root: Path, revision: str | None, application: str, environment: str) -> Sequence[Deployed]:
    """Render what an application deploys to an environment, at a revision or as the work tree has it.

    It is that of each Application whose labels say so. Raise ArgosyError where there is none, or where not all of it
    can be told.
    """
    if revision is None and not is_repository(root):
        found = _deploying(of_work_tree(root), application, environment)
    else:
        state = Snapshot.of(root, revision) if revision else work_tree(root)
        found = _deploying(of_snapshot(state, needed(state, application, environment)), application, environment)
        if not found or any(each.unread or each.missing for each in found):
            found = _deploying(of_snapshot(state), application, environment)
    reasons = [reason for each in found for reason in (*each.faults, each.skipped) if reason]
    if reasons:
        told = "\n".join(dict.fromkeys(reasons))
        raise ArgosyError(f"{application} in {environment} cannot be rendered:\n{told}", "See `argosy validate`.")
    if not found:
        raise ArgosyError(
            f"No Argo CD Application deploys {application} to {environment}.",
            f"`argosy add` makes one, and the folder {layout.deployment(environment, application)}.",
        )
    return found


def _deploying(state: Mapping[str, Deployed], application: str, environment: str) -> list[Deployed]:
    return [each for each in state.values() if (each.app, each.environment) == (application, environment)]


def _rendered(before: Snapshot, after: Snapshot, wanted: Wanted, progress: Progress) -> States:
    return of_snapshot(before, wanted, progress), of_snapshot(after, wanted, progress)


def _is_too_little(before: Mapping[str, Deployed], after: Mapping[str, Deployed]) -> bool:
    """Return whether an Application changes of which nothing was read: a value far away made it another one."""
    return any(
        (one := before.get(name)) is None
        or (other := after.get(name)) is None
        or one.unread != other.unread
        or one.definition != other.definition
        for name in {*before, *after}
        if any(state[name].unread for state in (before, after) if name in state)
    )
