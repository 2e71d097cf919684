"""Comments that ask to ignore findings."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from argosy.documents.lines import BREAK

_SUPPRESSION = re.compile(
    r"(?:^|(?<=\s))(?:#|\{\{-?[ \t]*/\*)[ \t]*argosy:[ \t]*ignore\b[ \t]*(?:\[(?P<rules>[^\]]*)\])?(?P<reason>.*)"
)
_COMMENT_END = re.compile(r"\*/[ \t]*-?\}\}.*")
_COMMENT = re.compile(r"\s*(?:#|\{\{-?[ \t]*/\*.*\*/[ \t]*-?\}\}\s*$|$)")
_PREAMBLE = re.compile(r"(?:---\s*(?:#|$)|%)")


@dataclass(frozen=True, slots=True)
class Suppression:
    """A comment `# argosy: ignore[rule, rule] reason`; Helm templates may have it in `{{/* … */}}`."""

    line: int
    rules: tuple[str, ...]
    """Empty where the comment names none."""
    reason: str
    alone: bool
    """Whether nothing else stands in its line."""
    whole_file: bool
    """Whether it stands before all content of the file."""
    covers: int | None
    """The line that it is about: its own, or, if it stands alone, the next one that is no comment, if there is one."""


def suppressions(text: str) -> list[Suppression]:
    """Return the comments that ask to ignore findings; `#` begins one after a space or first in a line."""
    if "argosy:" not in text:
        return []
    found: list[Suppression] = []
    waiting: list[Suppression] = []
    whole_file = True
    for number, line in enumerate(BREAK.split(text), 1):
        match = _SUPPRESSION.search(line) if "argosy:" in line else None
        if _COMMENT.match(line):
            waiting += [_suppression(match, number, whole_file=whole_file, covers=None)] if match else []
            continue
        whole_file &= bool(_PREAMBLE.match(line))
        found += [replace(comment, covers=number) for comment in waiting]
        waiting = []
        found += [_suppression(match, number, whole_file=False, covers=number)] if match else []
    return found + waiting


def _suppression(match: re.Match[str], number: int, *, whole_file: bool, covers: int | None) -> Suppression:
    rules = tuple(rule for each in (match["rules"] or "").split(",") if (rule := each.strip()))
    reason = _COMMENT_END.sub("", match["reason"]).strip()
    return Suppression(number, rules, reason, covers is None, whole_file, covers)
