"""Who promoted what, and when, with the version that came of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from argosy.errors import ArgosyError
from argosy.promotion.ends import Places
from argosy.promotion.history import History, Place
from argosy.promotion.trailers import Kind, Record
from argosy.repository.model import Repository
from argosy.status import versions
from argosy.status.versions import Version


@dataclass(frozen=True, slots=True)
class Promoted:
    """A promotion or rollback, and what the target had afterwards."""

    record: Record
    version: Version
    rolled_back: bool
    """Whether a rollback undid it since."""
    reverted: bool = False
    """Whether it was undone since without a rollback, by `git revert` for example."""

    @property
    def undone(self) -> str:
        """How it was undone, for people; empty if it was not."""
        return "reverted since" if self.reverted else "rolled back since" if self.rolled_back else ""


def of(
    root: Path, repository: Repository, application: str, environment: str = "", limit: int = 0
) -> tuple[list[Promoted], ArgosyError | None]:
    """Return what was promoted and rolled back of an application, the newest first; `limit` of them, 0 for all.

    And why there may be more, where the clone does not reach back far enough.
    With branches for environments, each environment's own branch is asked, and all of them of one that is gone.
    """
    places = Places(root, repository, History(root))
    found = of_many(places, [application], environment, limit)
    return found[application]


def of_many(
    ends: Places, applications: Collection[str], environment: str = "", limit: int = 0
) -> Mapping[str, tuple[list[Promoted], ArgosyError | None]]:
    """Return the same of several applications, by their names, which are read at once."""
    history = ends.history
    tips = {each.name: ends.tip(each).commit for each in ends.repository.environments}
    places: dict[str, list[Place]] = {}
    chosen: dict[str, list[tuple[Record, Place]]] = {}
    is_cut: dict[str, bool] = {}
    for name in applications:
        there = [Place(tip, name, each) for each, tip in tips.items() if tip]
        for tip in dict.fromkeys(filter(None, tips.values())):
            gone = [each for each in history.environments(tip, name) if not tips.get(each)]
            # What a renamed one was called before is told of the present one.
            there = [*(Place(tip, name, each) for each in gone), *there]
        places[name] = [each for each in there if environment in {"", each.environment}]
        found = {(each.commit, each.step): (each, place) for place in places[name] for each in history.records(place)}
        newest = sorted(found.values(), key=lambda pair: pair[0].when, reverse=True)
        chosen[name], is_cut[name] = newest[: limit or None], bool(limit) and len(newest) >= limit
    listed = [pair for pairs in chosen.values() for pair in pairs]
    held = history.held([*dict.fromkeys(place for _, place in listed)])
    in_force = {place: history.in_force(place) for place in held}
    wanted = {
        (each.commit, unit) for each, _ in listed for unit in versions.places(each.step.application, each.step.target)
    }
    states = history.units(wanted)
    history.cache.load({blob for state in states.values() for blob in versions.looked_at(state)})

    def promoted(each: Record, place: Place) -> Promoted:
        return Promoted(
            each,
            versions.of(states[each.commit], each.step.application, each.step.target),
            rolled_back=each in held[place] and each.step.kind is Kind.PROMOTION and each not in in_force[place],
            reverted=each not in held[place],
        )

    return {
        name: (
            [promoted(*pair) for pair in chosen[name]],
            None if is_cut[name] else next(filter(None, map(history.cut, places[name])), None),
        )
        for name in applications
    }
