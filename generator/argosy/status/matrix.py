"""Applications x environments: the version in each, and what a promotion from the environment before would move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from argosy.git.branches import Tip
from argosy.promotion.decision import Decision, Verdict
from argosy.promotion.trailers import Record
from argosy.repository.model import Environment
from argosy.status.versions import Version


@dataclass(frozen=True, slots=True)
class Lag:
    """What a deployment lacks of the one in the environment before it."""

    source: str
    decisions: Sequence[Decision] = ()
    drifted: Sequence[Decision] = ()
    """Keys that should be equal, but were set by hand in the target."""
    files: Sequence[str] = ()
    """What the environments' branches hold of the application itself, and the source's has newer."""
    commits: int = 0
    """How many commits changed the source since the two last met."""
    since: datetime | None = None
    """When the first of these commits was made."""
    unknown: str = ""
    """Why all this is unknown."""

    @property
    def moving(self) -> list[Decision]:
        """The keys that a promotion would move."""
        return [each for each in self.decisions if each.verdict is Verdict.PROMOTED]

    @property
    def undecided(self) -> list[Decision]:
        """The keys that someone has to decide on, but for those that should be equal anyway."""
        return [each for each in self.decisions if each.verdict.is_open and each not in self.drifted]

    @property
    def size(self) -> int:
        """How many keys and files a promotion would move."""
        return len(self.moving) + len(self.files)


@dataclass(frozen=True, slots=True)
class Deployment:
    """An application in an environment."""

    application: str
    environment: str
    version: Version
    last: Record | None = None
    """What was promoted or rolled back last."""
    lag: Lag | None = None
    """None where there is nothing to promote from."""


@dataclass(frozen=True, slots=True)
class Column:
    """An environment, and where its state is read."""

    environment: Environment
    tip: Tip
    edited: bool = False
    """Whether the work tree has changes of it that are not committed, and ignored."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Everything that is deployed."""

    columns: Sequence[Column]
    applications: Sequence[str]
    deployments: Mapping[tuple[str, str], Deployment] = field(default_factory=dict)
    """By application and environment."""

    @property
    def is_behind(self) -> bool:
        """Return whether something is left to promote or decide, or was set by hand."""
        lags = [each.lag for each in self.deployments.values() if each.lag]
        return any(lag.size or lag.drifted or lag.undecided for lag in lags)

    @property
    def is_unknown(self) -> bool:
        """Return whether it cannot be said of a deployment what is left to promote."""
        return any(each.lag and each.lag.unknown for each in self.deployments.values())

    @property
    def unread(self) -> Sequence[Environment]:
        """The environments whose revision this clone does not have, so that nothing of them is known."""
        return [each.environment for each in self.columns if not each.tip.commit]
