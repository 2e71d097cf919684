"""The commits of a branch: in a line, each merge as one, with what they touched; and as a graph, for ancestry."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from argosy import git
from argosy.promotion.states import unit_of


@dataclass(frozen=True, slots=True)
class Line:
    """A tip, its first parent, that one's first parent and so on."""

    folders: Sequence[str]
    """What was looked at: changes elsewhere are not known."""
    commits: Sequence[str]
    """The newest first."""
    times: Sequence[int]
    """When each was committed, in seconds since 1970."""
    places: Mapping[str, int]
    """Where in the line a commit is."""
    touched: Mapping[str, Sequence[int]]
    """Which commits changed a unit, the newest first."""
    came: Mapping[str, Sequence[int]]
    """Which commits brought a unit, or brought it back, the newest first."""
    gone: Mapping[int, Sequence[str]]
    """Which units went with a commit."""

    def since(self, place: int, units: Iterable[str]) -> list[int]:
        """Return the commits after the one at a place that changed units, the newest first."""
        return sorted({each for unit in units for each in self.touched.get(unit, ()) if each < place})

    def covers(self, path: str) -> bool:
        """Return whether changes of a path would be known."""
        return any(f"{path}/".startswith(f"{each}/") for each in self.folders)

    def has_kept(self, commit: str, *units: str) -> bool:
        """Return whether units are known to be at the tip what they were at a commit."""
        is_known = commit in self.places and all(map(self.covers, units))
        return is_known and not self.since(self.places[commit], units)

    def time(self, place: int) -> datetime:
        """Return when the commit at a place was made."""
        return datetime.fromtimestamp(self.times[place], UTC)


_HEADER = re.compile(r"\n*\x01([0-9a-f]+) (\d+)")


def read(root: Path, tip: str, *folders: str) -> Line:
    """Read the line of a tip, with what its commits changed below folders."""
    listed = git.run(
        root,
        *("-c", "log.follow=false"),
        *("log", "-z", "--first-parent", "-m", "--root", "--sparse", "--no-renames", "--name-status"),
        *("--format=%x01%H %ct", tip, "--", *folders),
    )
    times: list[int] = []
    places: dict[str, int] = {}
    touched: dict[str, list[int]] = {}
    moved: list[tuple[int, str, str, str]] = []
    kind = ""
    for part in listed.split("\0"):
        if header := _HEADER.match(part):
            kind = ""
            places[header[1]] = len(times)
            times.append(int(header[2]))
        elif not kind:
            kind = part.strip("\n")
        else:
            unit, place = unit_of(part), len(times) - 1
            found = touched.setdefault(unit, [])
            if not found or found[-1] != place:
                found.append(place)
            if kind in {"A", "D"}:
                moved.append((-place, kind, unit, part))
            kind = ""
    came: dict[str, list[int]] = {}
    gone: dict[int, list[str]] = {}
    held: dict[str, set[str]] = {}
    # A folder whose files are all replaced at once was there all along: what comes counts before what goes.
    for place, kind, unit, path in sorted(moved):
        files = held.setdefault(unit, set())
        if kind == "D":
            files.discard(path)
            if not files:
                gone.setdefault(-place, []).append(unit)
            continue
        if not files:
            came.setdefault(unit, []).insert(0, -place)
        files.add(path)
    return Line(folders, [*places], times, places, touched, came, gone)


class Graph:
    """The commits that some lead to, each with its parents; git is asked once for all that is not known yet."""

    def __init__(self, root: Path) -> None:
        """Take the repository's root; nothing is read yet."""
        self.root = root
        self._parents: dict[str, Sequence[str]] = {}
        self._lines: dict[str, Mapping[str, int]] = {}

    def read(self, commits: Iterable[str]) -> None:
        """Read what leads to commits."""
        fresh = sorted({*commits} - self._parents.keys())
        if fresh:
            names = "".join(f"{each}\n" for each in fresh).encode()
            listed = git.run(self.root, "rev-list", "--parents", "--stdin", stdin=names)
            for line in listed.split("\n")[:-1]:
                commit, *parents = line.split(" ")
                self._parents[commit] = parents

    def line(self, tip: str) -> Mapping[str, int]:
        """Return a tip, its first parent and so on, each with its place."""
        if tip not in self._lines:
            self.read([tip])
            found, commit = {tip: 0}, tip
            while parents := self._parents.get(commit):
                commit = parents[0]
                found[commit] = len(found)
            self._lines[tip] = found
        return self._lines[tip]

    def is_part(self, commit: str, whole: str, tip: str) -> bool:
        """Return whether a commit is in the history of another one, or is that one; a tip has both, as a rule."""
        self.read([whole])
        line = self.line(tip)
        last = line.get(commit, len(line))
        seen, waiting = {whole}, [whole]
        while waiting:
            each = waiting.pop()
            place = line.get(each)
            if each == commit or (place is not None and place <= last and commit in line):
                return True
            if place is None or place <= last:  # What is older than the commit does not hold it.
                fresh = [parent for parent in self._parents.get(each, ()) if parent not in seen]
                seen.update(fresh)
                waiting += fresh
        return False

    def meeting(self, commit: str, places: Mapping[str, int]) -> int:
        """Return where in a line what a commit holds ends: the newest place in its history, else the line's end."""
        if commit in places:
            return places[commit]
        self.read([commit])
        newest, seen, waiting = len(places), {commit}, [commit]
        while waiting:
            each = waiting.pop()
            if each in places:
                newest = min(newest, places[each])
                continue
            fresh = [parent for parent in self._parents.get(each, ()) if parent not in seen]
            seen.update(fresh)
            waiting += fresh
        return newest
