"""Who promoted what, and when, with the version that came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from argosy.promotion import baseline, history
from argosy.promotion.history import Kind, Record
from argosy.repository.model import Repository
from argosy.status import tips, versions
from argosy.status.states import Shelf, State
from argosy.status.versions import Version


@dataclass(frozen=True, slots=True)
class Promoted:
    """A promotion or rollback, and what the target had afterwards."""

    record: Record
    version: Version
    rolled_back: bool
    """Whether a rollback undid it since."""
    reverted: bool = False
    """Whether it was taken back since without a rollback, by `git revert` for example."""

    @property
    def undone(self) -> str:
        """How it was undone, for people; empty if it was not."""
        return "reverted since" if self.reverted else "rolled back since" if self.rolled_back else ""


def of(root: Path, repository: Repository, application: str, environment: str = "", limit: int = 0) -> list[Promoted]:
    """Return what was promoted and rolled back of an application, the newest first; `limit` of them, 0 for all.

    With branches for environments, each environment's own branch is asked.
    """
    places = {name: tip.commit for name, tip in tips.of(root, repository).items() if tip.commit}
    by_tip = {tip: history.records(root, tip) for tip in dict.fromkeys(places.values())}
    found = {
        (each.commit, each.step): each
        for records in by_tip.values()
        for each in records
        if each.step.application == application and environment in {"", each.step.target}
    }
    newest = sorted(found.values(), key=lambda each: each.when, reverse=True)
    held = _held(root, application, newest, places, by_tip)
    standing = _standing(root, application, held)
    chosen = newest[:limit] if limit else newest
    states = _states(root, application, chosen)
    return [
        Promoted(
            each,
            versions.of(states[each.commit], application, each.step.target),
            rolled_back=each in held[each.step.target] and each.step.kind is Kind.PROMOTION and each not in standing,
            reverted=each not in held[each.step.target],
        )
        for each in chosen
    ]


def _held(
    root: Path,
    application: str,
    records: Sequence[Record],
    places: Mapping[str, str],
    by_tip: Mapping[str, Sequence[Record]],
) -> Mapping[str, Sequence[Record]]:
    """Return the promotions and rollbacks that were not taken back by other commits since, by environment."""
    found: dict[str, Sequence[Record]] = {}
    for target in {each.step.target for each in records}:
        tip = places.get(target, "")
        known = history.of(by_tip[tip] if tip else records, application, target)
        found[target] = baseline.holding(root, tip, known) if tip else known
    return found


def _standing(root: Path, application: str, held: Mapping[str, Sequence[Record]]) -> list[Record]:
    """Return the promotions that hold, and were not rolled back since."""
    return [each for target, known in held.items() for each in history.in_force(root, known, application, target)]


def _states(root: Path, application: str, records: Sequence[Record]) -> Mapping[str, State]:
    """Return what tells the versions, at each record's commit."""
    shelf = Shelf(root)
    wanted = [(each.commit, unit) for each in records for unit in versions.places(application, each.step.target)]
    found = shelf.states(wanted)
    shelf.load({blob for state in found.values() for blob in versions.looked_at(state)})
    return found
