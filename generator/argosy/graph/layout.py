"""Where the boxes of a graph stand: in columns that arrows lead through from left to right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from argosy.graph import Graph

_SWEEPS = 4
"""How often columns are sorted by their neighbours: more of it changes little."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a graph, each from top to bottom."""

    columns: Sequence[Sequence[int]]
    """Boxes by their places in the graph; a number beyond these is a bend of an arrow that passes a column."""
    paths: Sequence[Sequence[int]]
    """For each arrow, what it leads through, from its source to its target."""


def of(graph: Graph) -> Layout:
    """Lay a graph out: an arrow that would lead in a circle goes back, all others lead to the right."""
    count, forward = len(graph.boxes), _forward(graph)
    column = _columns(count, forward)
    made = [[box for box in range(count) if column[box] == place] for place in range(max(column, default=-1) + 1)]
    paths, bends = [], count
    for source, target in forward:
        path = [source]
        for place in range(column[source] + 1, column[target]):
            made[place].append(bends)
            path.append(bends)
            bends += 1
        paths.append([*path, target])
    _sort(made, {each for path in paths for each in pairwise(path)})
    backwards = [(each.source, each.target) != ends for each, ends in zip(graph.arrows, forward, strict=True)]
    return Layout(made, [path[::-1] if back else path for path, back in zip(paths, backwards, strict=True)])


def _forward(graph: Graph) -> list[tuple[int, int]]:
    """Return source and target of each arrow, in turn where it would close a circle."""
    leads_to: dict[int, list[int]] = defaultdict(list)
    for each in graph.arrows:
        leads_to[each.source].append(each.target)
    finished: dict[int, int] = {}
    seen: set[int] = set()
    for start in range(len(graph.boxes)):
        waiting = [start]
        while waiting:
            box = waiting[-1]
            if box in seen:
                waiting.pop()
                finished.setdefault(box, len(finished))
                continue
            seen.add(box)
            waiting += [each for each in reversed(leads_to[box]) if each not in seen]
    # What an arrow leads to is finished before where it comes from, but in a circle.
    return [
        (each.source, each.target) if finished[each.source] >= finished[each.target] else (each.target, each.source)
        for each in graph.arrows
    ]


def _columns(count: int, forward: Sequence[tuple[int, int]]) -> list[int]:
    """Return the column of each box: one to the right of all that lead to it."""
    leads_to: dict[int, list[int]] = defaultdict(list)
    missing = [0] * count
    for source, target in forward:
        if source != target:
            leads_to[source].append(target)
            missing[target] += 1
    column = [0] * count
    ready = [box for box in range(count) if not missing[box]]
    for box in ready:
        for each in leads_to[box]:
            column[each] = max(column[each], column[box] + 1)
            missing[each] -= 1
            if not missing[each]:
                ready.append(each)
    return column


def _sort(columns: Sequence[list[int]], links: set[tuple[int, int]]) -> None:
    """Sort each column by where its neighbours stand, so that few arrows cross."""
    before, after = defaultdict(list), defaultdict(list)
    for one, other in links:
        before[other].append(one)
        after[one].append(other)
    for sweep in range(_SWEEPS):
        neighbours: Mapping[int, list[int]] = after if sweep % 2 else before
        place = {each: number for column in columns for number, each in enumerate(column)}
        for column in reversed(columns) if sweep % 2 else columns:
            weights = {
                each: sum(place[other] for other in neighbours[each]) / len(neighbours[each])
                if neighbours[each]
                else place[each]
                for each in column
            }
            column.sort(key=lambda each, weights=weights: weights[each])  # type: ignore[misc]
            place |= {each: number for number, each in enumerate(column)}
