"""A difference as Markdown, for a comment on a pull request."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence

from argosy.difference.as_text import describe_fault, describe_risk, describe_skipped, summary
from argosy.difference.comparison import ApplicationChange, Difference, Kind, Status
from argosy.reporting.wording import code, in_html, in_markdown, number
from argosy.terminal import printable

HEADING = "### What changes in the clusters"
_FEWEST_LINES = 8
"""Fewer lines than these of a diff that is cut are not worth their place."""
_REST = 200
"""Room for the sentence that says what was left out, in characters."""


def format_difference(difference: Difference, limit: int | None = None) -> str:
    """Return a heading, a table, what to beware of, and a diff for each Application that can be folded.

    With a limit, in characters, what does not fit is left out, and it is said how much that is.
    """
    room = sys.maxsize if limit is None else max(limit, 0)
    heading = f"{HEADING}\n\n{summary(difference)}\n"
    left = room - len(heading) - _REST
    # What to beware of matters most, then which Applications change, then how.
    alerts, untold_alerts = _fitted(list(_alerts(difference)), left // 2)
    left -= len(alerts)
    table, untold_rows = _fitted(list(_table(difference)), left // 2)
    left -= len(table)
    details, untold_lines = "", 0
    for change in difference.applications:
        block, untold = _details(change, left)
        details, left, untold_lines = details + block, left - len(block), untold_lines + untold
    told = [
        number(count, noun)
        for count, noun in ((untold_alerts, "warning"), (untold_rows, "Application"), (untold_lines, "line"))
        if count
    ]
    rest = f"\n_{', '.join(told)} more: too much for one comment, so see `argosy diff`._\n" if told else ""
    return (heading + table + alerts + details + rest)[:room]


def _fitted(blocks: Sequence[str], room: int) -> tuple[str, int]:
    """Return as many blocks as there is room for, and how many are left out; the first only introduces the others."""
    text = ""
    for index, block in enumerate(blocks):
        if len(text) + len(block) > room:
            return (text if index > 1 else ""), len(blocks) - max(index, 1)
        text += block
    return text, 0


def _alerts(difference: Difference) -> Iterator[str]:
    """Yield an alert's beginning and its items."""
    told = [
        *(f"error: {describe_fault(each)}" for each in difference.faults),
        *(describe_risk(each) for each in difference.risks),
        *(f"note: {describe_skipped(each)}" for each in difference.skipped),
    ]
    if told:
        yield f"\n> [!{'WARNING' if difference.faults or difference.risks else 'NOTE'}]\n"
        yield from (f"> - {in_markdown(each)}\n" for each in told)


def _table(difference: Difference) -> Iterator[str]:
    moved = any(each.count(Kind.MOVED) for each in difference.applications)
    kinds = [kind for kind in Kind if moved or kind is not Kind.MOVED]
    if difference.applications:
        yield f"\n| Application | environment | {' | '.join(kinds)} |\n| --- | --- |{' ---: |' * len(kinds)}\n"
    signs = {Status.APPEARS: "**new** ", Status.VANISHES: "**gone** ", Status.CHANGES: ""}
    first = sorted(difference.applications, key=lambda each: each.status is Status.CHANGES)
    for each in first:
        counts = " | ".join(str(each.count(kind)) for kind in kinds)
        yield f"| {signs[each.status]}{code(each.application)} | {code(each.environment)} | {counts} |\n"


def _details(change: ApplicationChange, room: int) -> tuple[str, int]:
    """Return the diff of an Application, as many lines as there is room for, and how many are left out."""
    lines = [printable(line).replace("\n", "\\n") for each in change.resources for line in each.lines]
    fence = "`" * max([3, *(len(run) + 1 for line in lines for run in re.findall("`+", line))])
    counts = ", ".join(f"{change.count(kind)} {kind}" for kind in Kind if change.count(kind))
    place = " in ".join(in_html(each) for each in (change.application, change.environment) if each)
    note = f"\n{in_markdown(change.note)}\n" if change.note else ""
    before = f"\n<details><summary>{place}: {counts}</summary>\n{note}\n{fence}diff\n"
    after = f"{fence}\n\n</details>\n"
    size, shown = len(before) + len(after), 0
    for line in lines:
        size += len(line) + 1
        if size > room:
            break
        shown += 1
    if shown < min(_FEWEST_LINES, len(lines)):
        return "", len(lines)
    return before + "".join(f"{line}\n" for line in lines[:shown]) + after, len(lines) - shown
