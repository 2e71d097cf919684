"""Two environments compared: what policy expects to differ, set apart from what it does not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from argosy.argocd.inventory import reached_by
from argosy.argocd.rendering import Progress, silent
from argosy.difference import Deployed, Difference, Identity, compare, of_snapshot
from argosy.git.snapshot import Snapshot, Written
from argosy.promotion import deployment, promoting
from argosy.promotion.decision import Decision, Names, Sides, Verdict, decide
from argosy.promotion.history import History
from argosy.promotion.states import State
from argosy.repository import layout


@dataclass(frozen=True, slots=True)
class Comparison:
    """How one environment differs from another, from the first to the second."""

    missing: tuple[Sequence[str], Sequence[str]]
    """The applications that are in the first alone, and in the second alone."""
    unexpected: Difference
    """What would be the same if every key were that no policy pins."""
    expected: Difference
    """The rest: what belongs to each environment."""
    keys: Mapping[str, Sequence[Decision]]
    """By application: the keys that differ; of these, policy expects the pinned ones."""

    @property
    def is_even(self) -> bool:
        """Return whether nothing differs but what policy expects."""
        return not (any(self.missing) or self.unexpected.applications)


def between(
    states: tuple[Snapshot, Snapshot],
    environments: tuple[str, str],
    deployed: tuple[Sequence[str], Sequence[str]],
    history: History,
    progress: Progress = silent,
) -> Comparison:
    """Compare two environments, each in a state of its own, in the applications that are deployed to them."""
    first, second = states
    shared = [name for name in deployed[1] if name in deployed[0]]
    keys, levelled = {}, dict[str, Any]()
    for name in shared:
        keys[name], written = level(name, environments, (history.state(first), history.state(second)))
        levelled |= written
    if not shared:
        return Comparison((deployed[0], deployed[1]), Difference(), Difference(), {})
    source = _deployed(first, environments[0], shared, progress)
    even = _deployed(second.with_files(levelled), environments[1], shared, progress)
    target = _deployed(second, environments[1], shared, progress)
    alone = [[name for name in one if name not in other] for one, other in (deployed, deployed[::-1])]
    return Comparison((alone[0], alone[1]), compare(even, target), compare(dict(_moved(source, even)), even), keys)


def _deployed(
    state: Snapshot, environment: str, applications: Sequence[str], progress: Progress
) -> dict[str, Deployed]:
    """Render applications in an environment: of what is there, what the layout says they need, or all."""
    wanted = reached_by({f"{layout.deployment(environment, name)}/{layout.VALUES}" for name in applications})
    found = _of(of_snapshot(state, wanted, progress), environment, applications)
    if len(found) < len(applications) or any(each.missing or each.unread or each.faults for each in found.values()):
        found = _of(of_snapshot(state, progress=progress), environment, applications)
    return found


def _of(found: Mapping[str, Deployed], environment: str, applications: Collection[str]) -> dict[str, Deployed]:
    return {name: each for name, each in found.items() if each.environment == environment and each.app in applications}


def level(
    application: str, environments: tuple[str, str], states: tuple[State, State]
) -> tuple[list[Decision], Written]:
    """Return the keys that differ, and the second environment's files with all that is not pinned as in the first."""
    source, target = (
        deployment.files(state, application, name) for state, name in zip(states, environments, strict=True)
    )
    policy = promoting.policy_of(states[1], application)
    # As if the source had changed what differs, so that nothing is taken for the target's own.
    sides = Sides(target, source, target, target)
    decisions = decide(sides, policy, Names(*environments))
    taken = [
        replace(each, verdict=Verdict.PROMOTED) if each.verdict is not Verdict.PINNED else each for each in decisions
    ]
    return decisions, promoting.written_by(taken, sides, application, environments[1], states[1])


def _moved(source: Mapping[str, Deployed], target: Mapping[str, Deployed]) -> Iterator[tuple[str, Deployed]]:
    """Yield what the first environment deploys as if the second did, by the names of the second's Applications."""
    theirs: dict[str, list[Deployed]] = {}
    for each in source.values():
        theirs.setdefault(each.app, []).append(each)
    for name, mine in target.items():
        if theirs.get(mine.app):
            its = theirs[mine.app].pop(0)
            spaces = (its.namespace, mine.namespace)
            moved = {_in(this, spaces): _placed(manifest, spaces) for this, manifest in its.manifests.items()}
            yield name, replace(mine, manifests=moved, faults=its.faults, skipped=its.skipped)


def _in(this: Identity, spaces: tuple[str, str]) -> Identity:
    return this._replace(namespace=spaces[1]) if this.namespace == spaces[0] else this


def _placed(manifest: Mapping[str, Any], spaces: tuple[str, str]) -> Mapping[str, Any]:
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("namespace") != spaces[0]:
        return manifest
    return {**manifest, "metadata": {**metadata, "namespace": spaces[1]}}
