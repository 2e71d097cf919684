"""A diagnosis: symptoms, the checks of their causes in order, and what each has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from argosy.names import joined
from argosy.terminal import without_logins


class State(StrEnum):
    """What a check has come to; what could not be looked at is unknown, never left out."""

    OK = "ok"
    PROBLEM = "problem"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that was seen, or why it could not be."""

    state: State
    seen: str
    advice: str = ""
    """What to do next, as a sentence."""
    command: str = ""
    """What to type next; several lines are several commands."""
    applications: tuple[str, ...] = ()
    """The Argo CD Applications that it is about; empty where it is about all, or none."""

    def __post_init__(self) -> None:
        """Show no token of a URL: CI has its own in that of a remote."""
        for name in ("seen", "advice", "command"):
            object.__setattr__(self, name, without_logins(getattr(self, name)))


def ok(seen: str, advice: str = "", command: str = "", applications: Sequence[str] = ()) -> Observation:
    """Return an observation of something that is as it should be."""
    return Observation(State.OK, seen, advice, command, tuple(applications))


def problem(seen: str, advice: str = "", command: str = "", applications: Sequence[str] = ()) -> Observation:
    """Return an observation of a cause."""
    return Observation(State.PROBLEM, seen, advice, command, tuple(applications))


def unknown(seen: str, advice: str = "", command: str = "", applications: Sequence[str] = ()) -> Observation:
    """Return why something could not be looked at."""
    return Observation(State.UNKNOWN, seen, advice, command, tuple(applications))


@dataclass(frozen=True, slots=True)
class Check:
    """One possible cause, and what was seen of it."""

    id: str
    title: str
    observations: Sequence[Observation]

    @property
    def state(self) -> State:
        """Return the worst state of what was seen."""
        states = {each.state for each in self.observations}
        return next((state for state in (State.PROBLEM, State.UNKNOWN) if state in states), State.OK)


@dataclass(frozen=True, slots=True)
class Symptom:
    """What people notice, and the checks of its causes, the likeliest first."""

    id: str
    title: str
    checks: Sequence[Check]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that was found out."""

    subject: str
    """What was examined, in a sentence."""
    applications: tuple[str, ...]
    """The names of the Argo CD Applications that were examined."""
    symptoms: Sequence[Symptom]
    is_complete: bool = True
    """Whether the cluster that was to be asked told of its Applications, if one was."""

    def about(self, observation: Observation) -> str:
        """Return which Applications an observation is about; nothing where it is about none, or the only one."""
        names = observation.applications
        if len(self.applications) < 2 or not names:
            return ""
        if len(names) > 2 and set(names) == set(self.applications):
            return f"all {len(names)} Applications"
        return joined(names, 3)

    def count(self, state: State) -> int:
        """Return how many checks have come to a state."""
        return sum(check.state is state for symptom in self.symptoms for check in symptom.checks)

    @property
    def problems(self) -> Sequence[Observation]:
        """Return every cause that was found, in the order of the checks."""
        checks = (check for symptom in self.symptoms for check in symptom.checks)
        return [each for check in checks for each in check.observations if each.state is State.PROBLEM]

    @property
    def first(self) -> Observation:
        """Return the problem to begin with: what explains the most.

        That is a cause rather than what follows from one, and an error that Argo CD names rather than that something
        differs; of more Applications rather than of fewer. What keeps nothing from being deployed comes last.
        """

        def rank(found: tuple[Symptom, Check, Observation]) -> tuple[bool, int, int]:
            symptom, check, each = found
            return symptom.id in _ASIDE, _EFFECTS.get(check.id, 0), -len(each.applications or self.applications)

        found = (
            (symptom, check, each)
            for symptom in self.symptoms
            for check in symptom.checks
            for each in check.observations
            if each.state is State.PROBLEM
        )
        return min(found, key=rank)[2]


_EFFECTS = {"sync-operation": 1, "compared": 1, "changed-by-hand": 1, "sync-status": 2}
"""The checks of what follows from a cause that other checks find, and how far it is from one."""
_ASIDE = frozenset({"review", "tools"})
"""The symptoms without which everything is deployed all the same."""
