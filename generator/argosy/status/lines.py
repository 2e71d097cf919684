"""The commits of a branch in a line, each merge as one: what touched each deployment, and when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from argosy import git
from argosy.status.states import unit_of


@dataclass(frozen=True, slots=True)
class Line:
    """A tip, its first parent, that one's first parent and so on."""

    times: Sequence[int]
    """When each was committed, in seconds since 1970; the newest first."""
    places: Mapping[str, int]
    """Where in the line a commit is."""
    touched: Mapping[str, Sequence[int]]
    """Which commits changed a unit, the newest first."""
    added: Mapping[str, str]
    """The first commit that added something to each deployment's folder that never lost anything."""

    def since(self, place: int, units: Iterable[str]) -> list[int]:
        """Return the commits after the one at a place that changed units, the newest first."""
        return sorted({each for unit in units for each in self.touched.get(unit, ()) if each < place})

    def time(self, place: int) -> datetime:
        """Return when the commit at a place was made."""
        return datetime.fromtimestamp(self.times[place], UTC)


_HEADER = re.compile(r"\n*\x01([0-9a-f]+) (\d+)")


def read(root: Path, tip: str, *folders: str) -> Line:
    """Read the line of a tip, with what its commits changed below folders."""
    listed = git.run(
        root,
        *("log", "-z", "--first-parent", "-m", "--root", "--sparse", "--no-renames", "--name-status"),
        *("--format=%x01%H %ct", tip, "--", *folders),
    )
    times: list[int] = []
    places: dict[str, int] = {}
    touched: dict[str, list[int]] = {}
    added: dict[str, str] = {}
    losing: set[str] = set()
    commit, kind = "", ""
    for part in listed.split("\0"):
        if header := _HEADER.match(part):
            commit, kind = header[1], ""
            places[commit] = len(times)
            times.append(int(header[2]))
        elif not kind:
            kind = part.strip("\n")
        else:
            unit = unit_of(part)
            found = touched.setdefault(unit, [])
            if not found or found[-1] != places[commit]:
                found.append(places[commit])
            if kind == "A":
                added[unit] = commit  # The log goes back in time: the last one that is seen came first.
            elif kind == "D":
                losing.add(unit)
            kind = ""
    return Line(times, places, touched, {unit: came for unit, came in added.items() if unit not in losing})


def meetings(root: Path, lines: Mapping[str, Line], commits: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Return where in a tip's line what a commit holds ends: the newest place that is in the commit's history.

    `lines` are by their tips, `commits` pairs of a tip and a commit; with nothing in common, it is the line's end.
    """
    asked = set(commits)
    beside = {(tip, each) for tip, each in asked if each not in lines[tip].places}
    parents: dict[str, list[str]] = {}
    if beside:
        names = "".join(f"{each}\n" for each in {each for _, each in beside})
        listed = git.run(root, "rev-list", "--parents", "--stdin", stdin=names.encode())
        parents = {line.split(" ")[0]: line.split(" ")[1:] for line in listed.splitlines()}
    return {
        (tip, each): _meeting(lines[tip], each, parents) if (tip, each) in beside else lines[tip].places[each]
        for tip, each in asked
    }


def _meeting(line: Line, commit: str, parents: Mapping[str, Sequence[str]]) -> int:
    newest, seen, waiting = len(line.times), {commit}, [commit]
    while waiting:
        each = waiting.pop()
        if each in line.places:
            newest = min(newest, line.places[each])
            continue
        fresh = [parent for parent in parents.get(each, ()) if parent not in seen]
        seen.update(fresh)
        waiting += fresh
    return newest
