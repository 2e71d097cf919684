"""Globs as github.com/gobwas/glob reads them, matched in a time as they and the values are long, times each other."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache

_LONGEST_GLOB, _LONGEST_VALUE = 5_000, 4_096
"""A value is a path, a URL or a name; Linux has no longer paths."""
_MOST_KNOWN = 20_000
"""Of how many places a glob remembers where a character leads, a few for each part of most globs."""
_TOKEN = re.compile(
    r"\\.|\*\*|\[(?:(?P<no>!)|(?!!))(?:(?P<low>.)-(?P<high>.)|(?!.-)(?P<these>(?:\\.|[^\]\\])+))\]|.", re.DOTALL
)
"""One of a glob's parts; a class is one range or some characters, never both, and only `!` negates it."""

_Test = Callable[[str], bool]


class _State(dict[str, "_State"]):
    """Places of a glob that the same beginnings of values lead to, with the state that each character leads to."""

    def __init__(self, glob: Glob, places: frozenset[int]) -> None:
        super().__init__()
        self.glob, self.places = glob, places

    def __missing__(self, character: str) -> _State:
        glob = self.glob
        steps = (each for place in self.places for each in glob.steps[place])
        found = glob.state(to for to, test in steps if test(character))
        if glob.room > 0:
            self[character] = found
        return found


class Glob:
    """The places between the parts of a glob, where a value is at all together, so that none is gone back to."""

    def __init__(self) -> None:
        """Begin with a glob of nothing."""
        self.steps: list[list[tuple[int, _Test]]] = [[]]
        self.skips: dict[int, list[int]] = defaultdict(list)
        self.room, self.end = _MOST_KNOWN, 0
        self._states: dict[frozenset[int], _State] = {}

    def place(self) -> int:
        """Add a place that nothing leads to, and return it."""
        self.steps.append([])
        return len(self.steps) - 1

    def step(self, place: int, test: _Test) -> int:
        """Let a character lead from a place to a new one, and return that."""
        self.steps[place].append((self.place(), test))
        return len(self.steps) - 1

    def skip(self, place: int, to: int | None = None) -> int:
        """Let nothing lead from a place to another, which is a new one unless given, and return that."""
        reached = self.place() if to is None else to
        self.skips[place].append(reached)
        return reached

    def matches(self, value: str) -> bool:
        """Return whether a value is what the glob stands for; none is that is longer than paths are."""
        if len(value) > _LONGEST_VALUE:
            return False
        state = self._first
        for character in value:
            state = state[character]
        return self.end in state.places

    @cached_property
    def _first(self) -> _State:
        return self.state([0])

    def state(self, places: Iterable[int]) -> _State:
        """Return the state of being at some places, and at all that nothing leads to from there."""
        left, reached = [*places], set[int]()
        while left:
            if (place := left.pop()) not in reached:
                reached.add(place)
                left += self.skips.get(place, ())
        key = frozenset(reached)
        if (found := self._states.get(key)) is None:
            found = _State(self, key)
            if self.room > 0:
                self._states[key] = found
        self.room -= len(key) + 1
        return found


@lru_cache(maxsize=1024)
def compiled(pattern: str, separator: str) -> Glob | str:
    """Return a glob that can be matched, or what is wrong with it."""
    if len(pattern) > _LONGEST_GLOB:
        return f"it has more than {_LONGEST_GLOB:,} characters, which is more than argosy looks at"
    glob, alternatives, at = Glob(), list[tuple[int, int]](), 0
    for found in _TOKEN.finditer(pattern):
        token, low = found[0], found["low"]
        if token == "[":
            start = pattern[found.start() :][:20]
            return f"the class at “{start}” is neither one range, as in [a-z], nor characters, as in [abc]"
        if low and low > found["high"]:
            return f"the range {low}-{found['high']} is empty"
        if token == "{":
            alternatives.append((at, glob.place()))
            at = glob.skip(at)
        elif alternatives and token == ",":
            first, end = alternatives[-1]
            glob.skip(at, end)
            at = glob.skip(first)
        elif alternatives and token == "}":
            at = glob.skip(at, alternatives.pop()[1])
        elif token in {"*", "**"}:
            at = glob.skip(at)
            glob.steps[at].append((at, _test(found, separator)))
        elif token != "\\":  # What a backslash would escape at the end is nothing.
            at = glob.step(at, _test(found, separator))
    for _, end in reversed(alternatives):  # Those that nothing ends go on to the end.
        at = glob.skip(at, end)
    glob.end = at
    return glob


def _test(found: re.Match[str], separator: str) -> _Test:
    """Return what says whether a character is one of those that a part stands for."""
    token, low, high, these = found[0], found["low"], found["high"], found["these"]
    is_other = bool(found["no"])
    if token in {"?", "*"}:
        return lambda character: character not in separator
    if token == "**":
        return lambda _: True
    if low:
        return lambda character: (low <= character <= high) is not is_other
    if these:
        meant = re.sub(r"\\(.)", r"\1", these, flags=re.DOTALL)
        return lambda character: (character in meant) is not is_other
    return token[-1].__eq__
