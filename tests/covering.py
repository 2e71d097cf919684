"""Few cases in which any two choices meet: a covering array of strength two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

Case = dict[str, str]
Pair = tuple[tuple[str, str], tuple[str, str]]


def pairs(case: Mapping[str, str]) -> set[Pair]:
    """Return any two choices of a case."""
    return set(combinations(sorted(case.items()), 2))


def wanted(choices: Mapping[str, Sequence[str]]) -> set[Pair]:
    """Return any two choices that can be made together: a value each for two names."""
    return {
        ((one, first), (other, second))
        for one, other in combinations(sorted(choices), 2)
        for first in choices[one]
        for second in choices[other]
    }


def cases(choices: Mapping[str, Sequence[str]], given: Iterable[Case] = ()) -> list[Case]:
    """Return cases that have a value for each name, and among them any two values of two names; always the same ones.

    `given` come first and count; only what these lack is added.
    """
    made = list(given)
    left = wanted(choices).difference(*map(pairs, made))
    while left:
        case = dict(min(left))
        # The value that completes the most pairs, name after name: greedy, and near the fewest there can be.
        for name in sorted(choices, key=lambda each: (-len(choices[each]), each)):
            if name not in case:
                case[name] = max(
                    choices[name],
                    key=lambda value: sum(tuple(sorted(((name, value), each))) in left for each in case.items()),
                )
        left -= pairs(case)
        made.append(case)
    return made
