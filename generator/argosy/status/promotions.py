"""Who promoted what, and when, with the version that came of it."""

from __future__ import annotations

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
    ends = Places(root, repository, History(root))
    history = ends.history
    tips = {each.name: ends.tip(each).commit for each in repository.environments}
    places = [Place(tip, application, name) for name, tip in tips.items() if tip]
    for tip in dict.fromkeys(filter(None, tips.values())):
        gone = [name for name in history.environments(tip, application) if not tips.get(name)]
        # What a renamed one was called before is told of the present one.
        places = [*(Place(tip, application, name) for name in gone), *places]
    found = {
        (each.commit, each.step): (each, place)
        for place in places
        if environment in {"", place.environment}
        for each in history.records(place)
    }
    newest = sorted(found.values(), key=lambda pair: pair[0].when, reverse=True)
    chosen = newest[: limit or None]
    held = history.held([*dict.fromkeys(place for _, place in chosen)])
    in_force = {place: history.in_force(place) for place in held}
    wanted = {
        (each.commit, unit) for each, _ in chosen for unit in versions.places(each.step.application, each.step.target)
    }
    states = history.units(wanted)
    history.cache.load({blob for state in states.values() for blob in versions.looked_at(state)})
    promoted = [
        Promoted(
            each,
            versions.of(states[each.commit], each.step.application, each.step.target),
            rolled_back=each in held[place] and each.step.kind is Kind.PROMOTION and each not in in_force[place],
            reverted=each not in held[place],
        )
        for each, place in chosen
    ]
    is_all = not limit or len(newest) < limit
    looked = [each for each in places if is_all and environment in {"", each.environment}]
    return promoted, next(filter(None, map(history.cut, looked)), None)
