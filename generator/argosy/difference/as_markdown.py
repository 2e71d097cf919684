"""A difference as Markdown, for a comment on a pull request."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from argosy.difference.as_text import describe_fault, describe_risk, describe_skipped, folded, summary
from argosy.difference.comparison import ApplicationChange, Difference, Kind, Status
from argosy.difference.highlights import fitted
from argosy.difference.noise import Noise
from argosy.reporting.wording import code, in_html, in_markdown, number
from argosy.terminal import printable

HEADING = "### What changes in the clusters"
_WIDTH = 100
"""What matters of an Application is so many characters, at most."""
_SAFE = ":/?#@!$&*+,;=%~-._"
"""What stays in an address as it is: no brackets, no blanks."""
_BREAK, _WRITTEN_BREAK = "\n", "\\n"
_REST = 200
"""Room for the sentence that says what was left out, in characters."""


def format_difference(
    difference: Difference, limit: int | None = None, noise: Noise = Noise.FOLD, link: str = ""
) -> str:
    """Return a heading, a table, what to beware of, and a diff for each Application that can be folded.

    With a limit, in characters, the objects that do not fit are left out, and it is said how many; `link` leads to
    where they are.
    """
    room = sys.maxsize if limit is None else max(limit, 0)
    whole = f"\n[The whole difference]({_address(link)})\n" if _address(link) else ""
    heading = f"{HEADING}\n\n{summary(difference)}\n{whole}"
    left = room - len(heading) - _REST
    # What to beware of matters most, then which Applications change, then how.
    alerts, untold_alerts = _fitted(list(_alerts(difference)), left // 2)
    left -= len(alerts)
    table, untold_rows = _fitted(list(_table(difference)), left // 2)
    left -= len(table)
    details, untold_objects = "", 0
    for change in difference.applications:
        block, untold = _details(change, left, noise)
        details, left, untold_objects = details + block, left - len(block), untold_objects + untold
    told = [
        number(count, noun)
        for count, noun in ((untold_alerts, "warning"), (untold_rows, "Application"), (untold_objects, "object"))
        if count
    ]
    where = "follow the link above" if whole else "see `argosy diff`"
    rest = f"\n_{', '.join(told)} more: too much for one comment, so {where}._\n" if told else ""
    return (heading + table + alerts + details + rest)[:room]


def _address(link: str) -> str:
    """Return an address that cannot end the link it is in; empty where it is none of the web."""
    return quote(link, safe=_SAFE) if link.startswith(("https://", "http://")) else ""


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
        head = " | ".join(["Application", "environment", "what matters", *kinds])
        yield f"\n| {head} |\n| --- | --- | --- |{' ---: |' * len(kinds)}\n"
    signs = {Status.APPEARS: "**new** ", Status.VANISHES: "**gone** ", Status.CHANGES: ""}
    first = sorted(difference.applications, key=lambda each: each.status is Status.CHANGES)
    for each in first:
        counts = " | ".join(str(each.count(kind)) for kind in kinds)
        matters = in_markdown(fitted(each.highlights, _WIDTH)) or "labels only"
        yield f"| {signs[each.status]}{code(each.application)} | {code(each.environment)} | {matters} | {counts} |\n"


def _details(change: ApplicationChange, room: int, noise: Noise) -> tuple[str, int]:
    """Return the diff of an Application, as many objects as there is room for, and how many are left out."""
    shown = [each for each in change.resources if noise is Noise.SHOW or not each.is_noise]
    objects = [
        "".join(f"{printable(line).replace(_BREAK, _WRITTEN_BREAK)}\n" for line in each.shown(noise)) for each in shown
    ]
    told = in_markdown(folded(change)) if noise is Noise.FOLD else ""
    if not (objects or told):
        return "", 0
    fence = "`" * max([3, *(len(run) + 1 for each in objects for run in re.findall("`+", each))])
    counts = ", ".join(f"{change.count(kind)} {kind}" for kind in Kind if change.count(kind))
    place = " in ".join(in_html(each) for each in (change.application, change.environment) if each)
    note = f"\n{in_markdown(change.note)}\n" if change.note else ""
    before = f"\n<details><summary>{place}: {counts}</summary>\n{note}"
    after = (f"\n{told}\n" if told else "") + "\n</details>\n"
    opening, closing = f"\n{fence}diff\n", f"{fence}\n"
    left = room - len(before) - len(after) - len(opening) - len(closing)
    fitting = []
    for each in objects:
        if len(each) <= left:
            fitting.append(each)
            left -= len(each)
    if not fitting and (objects or left < 0):
        return "", len(objects)
    fenced = opening + "".join(fitting) + closing if fitting else ""
    return before + fenced + after, len(objects) - len(fitting)
