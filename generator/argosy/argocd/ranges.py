"""Ranges of versions in `targetRevision`, such as `1.*` or `>=1.2 <2`, as github.com/Masterminds/semver reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

_PART = r"[0-9xX*]+"
_ENDING = r"(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
_LOOSE = rf"v?{_PART}(?:\.{_PART})?(?:\.{_PART})?{_ENDING}"
_SIGN = r"(?:!=|>=|=>|<=|=<|~>|[=<>~^])"
# Each blank has one part of an expression that takes it, so that none is looked at twice, however many there are.
_ONE = re.compile(rf"(?:({_SIGN})\s*)?({_LOOSE})")
_LIMIT = rf"(?:{_SIGN}\s*+)?{_LOOSE}"
_ALL = re.compile(rf"\s*+{_LIMIT}(?:(?:\s++(?:,\s*+)?|,\s*+){_LIMIT})*+\s*+")
_SPAN = re.compile(rf"(?<!\s)\s*+(?<![^\s,|])({_LOOSE})\s++-\s++({_LOOSE})")
_NUMBER = r"([0-9]{1,20})"
"""A number as long as those of 64 bits are."""
_VERSION = re.compile(
    rf"v?{_NUMBER}(?:\.{_NUMBER})?(?:\.{_NUMBER})?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?"
)
_COUNTED = re.compile(_NUMBER)


@dataclass(frozen=True, slots=True)
class _Version:
    numbers: tuple[int, ...]
    before: tuple[tuple[bool, int, str], ...] = ()
    """What comes before a release, each part so that it sorts: numbers before texts."""

    @property
    def order(self) -> tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]:
        return self.numbers, not self.before, self.before


def _version(text: str) -> _Version | None:
    found = _VERSION.fullmatch(text)
    if not found:
        return None
    numbers = tuple(int(each or 0) for each in found.groups()[:3])
    parts = (found[4] or "").split(".") if found[4] else []
    return _Version(
        numbers, tuple((False, int(each), each) if _COUNTED.fullmatch(each) else (True, 0, each) for each in parts)
    )


@dataclass(frozen=True, slots=True)
class _Limit:
    sign: str
    version: _Version
    given: int
    """How many of the three numbers are written: what stands for any is none."""

    def admits(self, found: _Version) -> bool:
        """Return whether a version is in it; what is left out of a limit means more than zeros, for most signs."""
        own, given = self.version, self.given
        is_upon, is_below = found.order == own.order, found.order < own.order
        is_short, heads = given in {1, 2}, (found.numbers[:given], own.numbers[:given])
        match self.sign:
            case "<":
                admitted = is_below
            case ">=" | "=>":
                admitted = not is_below
            case ">":
                admitted = heads[0] > heads[1] if is_short else not (is_upon or is_below)
            case "<=" | "=<":
                length = given or 2
                admitted = is_upon or is_below if given == 3 else found.numbers[:length] <= own.numbers[:length]
            case "!=":
                is_other = given == 2 and found.before != own.before
                admitted = is_other or heads[0] != heads[1] if is_short else not is_upon
            case "^":
                admitted = not is_below and self._is_compatible(found)
            case "" | "=" if given == 3:
                admitted = is_upon
            case _:
                admitted = not is_below and self._is_near(found)
        return admitted

    def _is_compatible(self, found: _Version) -> bool:
        """Return whether the first number that is not zero is the same, and those before it."""
        major, minor, _ = self.version.numbers
        length = 1 if major or self.given == 1 else 2 if minor or self.given == 2 else 3
        return found.numbers[:length] == self.version.numbers[:length]

    def _is_near(self, found: _Version) -> bool:
        """Return whether the first two numbers are the same, as far as they are given."""
        if not any(self.version.numbers) and self.given in {0, 3}:
            return True
        length = 1 if self.given == 1 else 2
        return found.numbers[:length] == self.version.numbers[:length]


def parse(revision: str) -> Callable[[Iterable[str]], bool] | None:
    """Return what says whether one of some tags is in a range; None for what is no range."""
    if _version(revision):
        return None
    groups = []
    for group in _SPAN.sub(lambda span: f">= {span[1]}, <= {span[2]} ", revision).split("||"):
        if not _ALL.fullmatch(group):
            return None
        limits = [_limit(sign, text) for sign, text in _ONE.findall(group)]
        if None in limits:
            return None
        groups.append([each for each in limits if each])

    def admit(tags: Iterable[str]) -> bool:
        return any(_admitted(version, each) for tag in tags if (version := _version(tag)) for each in groups)

    return admit


def _limit(sign: str, text: str) -> _Limit | None:
    number, mark, before = text.removeprefix("v").partition("+")[0].partition("-")
    parts = number.split(".")
    given = next((place for place, each in enumerate(parts) if each in {"x", "X", "*"}), len(parts))
    filled = ".".join([*parts[:given], *["0"] * (3 - given)])
    version = _version(f"{filled}{mark}{before}")
    return _Limit(sign, version, given) if version else None


def _admitted(found: _Version, limits: Sequence[_Limit]) -> bool:
    if found.before and not any(each.version.before for each in limits):
        return False
    return all(each.admits(found) for each in limits)
