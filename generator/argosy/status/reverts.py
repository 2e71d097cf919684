"""Which promotions and rollbacks were taken back since, although no message says so: looked up for all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from argosy.promotion import baseline
from argosy.promotion.history import Record
from argosy.repository import layout
from argosy.status.lines import Line
from argosy.status.states import Shelf, State

Place = tuple[str, str, str]
"""A branch's tip, an application, and an environment that is on the branch."""


def find(
    shelf: Shelf, tips: Mapping[str, State], lines: Mapping[str, Line], last: Mapping[Place, Record]
) -> list[Place]:
    """Return the places whose last step was taken back; states and lines are by their tip."""
    units = {place: _units(tips[place[0]], place) for place in last}
    asked = [
        place for place, each in last.items() if each.parent and _may_differ(lines[place[0]], each.commit, units[place])
    ]
    after = shelf.states({(last[place].commit, unit) for place in asked for unit in units[place]})
    changed = [
        place
        for place in asked
        if any(after[last[place].commit].units.get(unit) != tips[place[0]].units.get(unit) for unit in units[place])
    ]
    before = shelf.states({(last[place].parent, unit) for place in changed for unit in units[place]})
    sides = {place: (before[last[place].parent], after[last[place].commit], tips[place[0]]) for place in changed}
    shelf.load(
        entry.blob
        for place, states in sides.items()
        for state in states[:2]
        for unit in units[place]
        for entry in state.units.get(unit, {}).values()
    )
    return [
        (tip, application, name)
        for (tip, application, name), states in sides.items()
        if baseline.is_taken_back(*(baseline.files(state, application, name) for state in states))
    ]


def _units(state: State, place: Place) -> Sequence[str]:
    """Return what a promotion looks at in a place."""
    _, application, environment = place
    argocd = layout.argocd_application(environment, application)
    return [layout.deployment(environment, application), *([argocd] if argocd in state.units else [])]


def _may_differ(line: Line, commit: str, units: Sequence[str]) -> bool:
    return commit not in line.places or bool(line.since(line.places[commit], units))
