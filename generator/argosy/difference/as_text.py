"""A difference as text, for people."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import groupby

from argosy.difference.comparison import ApplicationChange, Difference, Kind, Status, Unknown
from argosy.difference.highlights import fitted
from argosy.difference.noise import Noise
from argosy.difference.risks import Risk
from argosy.names import joined
from argosy.reporting.wording import number
from argosy.terminal import printable


class _Style(StrEnum):
    """What a terminal is told (ECMA-48, SGR)."""

    PLAIN = ""
    BOLD = "1"
    RED = "31"
    GREEN = "32"
    YELLOW = "33"
    CYAN = "36"


_OF_LINE = {"+": _Style.GREEN, "-": _Style.RED, "@": _Style.CYAN}
Line = tuple[str, _Style]
_WIDTH = 80
"""Of a terminal that nobody made wider, so that what matters of an Application is one line of it."""


def format_difference(difference: Difference, *, colour: bool = False, noise: Noise = Noise.FOLD) -> str:
    """Return what appears and vanishes, what to beware of, and then what changes, by environment and Application."""
    lines = [*_heads(difference), *_changes(difference, noise), (summary(difference), _Style.BOLD)]
    return "".join(f"{_painted(printable(text), style if colour else _Style.PLAIN)}\n" for text, style in lines)


def summary(difference: Difference) -> str:
    """Return a sentence that says how much changes."""
    if not difference.applications:
        failed = " that can be rendered" if difference.faults else ""
        return f"Nothing{failed} changes in any cluster."
    counts = {kind: sum(each.count(kind) for each in difference.applications) for kind in Kind}
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    noise = [each for change in difference.applications for each in change.resources if each.is_noise]
    if noise:
        restarting = sum(each.restarts for each in noise)
        told += f"; {len(noise)} of these in labels only" + (
            f", and Pods of {restarting} restart" if restarting else ""
        )
    return f"{number(len(difference.applications), 'Application')} changed; resources: {told}."


def folded(change: ApplicationChange) -> str:
    """Return a sentence on what of an Application's changes is noise; empty where nothing is."""
    noise = [each for each in change.resources if each.is_noise]
    inside = [each for each in change.resources if each.noise and not each.is_noise]
    keys = sorted({key for each in (*noise, *inside) for key in each.noise})
    if not keys:
        return ""
    shown = joined(keys, 4)
    if not noise:
        return f"Not shown above: changes of {shown}."
    told = f"{number(len(noise), 'object')} change{'s' if len(noise) == 1 else ''} in labels only: {shown}."
    restarting = [str(each.identity) for each in noise if each.restarts]
    if restarting:
        told += f" {joined(restarting, 3)} restart{'s' if len(restarting) == 1 else ''}."
    return told


def place(of: ApplicationChange | Risk | Unknown) -> str:
    """Return an Application's name and environment."""
    return f"{of.application} in {of.environment}" if of.environment else of.application


def describe_risk(risk: Risk) -> str:
    """Return a warning as a sentence that begins with the Application."""
    return f"{place(risk)}: {risk.message}"


def describe_fault(fault: Unknown) -> str:
    """Return why an Application cannot be rendered, and when."""
    side = f" {fault.side} the change" if fault.side else ""
    return f"{place(fault)} cannot be rendered{side}: {fault.message}"


def describe_skipped(skipped: Unknown) -> str:
    """Return why an Application, or a part of it, is not compared."""
    return f"{place(skipped)} is not compared: {skipped.message}."


def _painted(text: str, style: _Style) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if style and text else text


def _heads(difference: Difference) -> Iterator[Line]:
    heads: list[Line] = []
    for status, sign in ((Status.APPEARS, "+"), (Status.VANISHES, "-")):
        for each in difference.of(status):
            heads.append((f"{sign} {place(each)} {status}. {each.note}".rstrip(), _OF_LINE[sign]))
    heads += [(f"warning: {describe_risk(each)}", _Style.YELLOW) for each in difference.risks]
    heads += [(f"error: {describe_fault(each)}", _Style.RED) for each in difference.faults]
    heads += [(f"note: {describe_skipped(each)}", _Style.PLAIN) for each in difference.skipped]
    yield from heads
    if heads:
        yield "", _Style.PLAIN


def _changes(difference: Difference, noise: Noise) -> Iterator[Line]:
    for environment, changes in groupby(difference.applications, key=lambda each: each.environment):
        for change in changes:
            shown = [each for each in change.resources if noise is Noise.SHOW or not each.is_noise]
            title = f"{environment or 'no environment'}: {change.application}"
            told = folded(change) if noise is Noise.FOLD else ""
            if shown:
                counts = ", ".join(f"{change.count(kind)} {kind}" for kind in Kind if change.count(kind))
                yield f"{title} ({counts})", _Style.BOLD
                if change.highlights:
                    yield f"  {fitted(change.highlights, _WIDTH - 2)}", _Style.BOLD
            elif told:
                yield f"{title}: {told}", _Style.BOLD
            else:
                continue
            for resource in shown:
                lines = resource.shown(noise)
                for line in lines:
                    heading = line.startswith(("--- ", "+++ ")) and line in lines[:2]
                    yield line, _Style.BOLD if heading else _OF_LINE.get(line[0], _Style.PLAIN)
            if shown and told:
                yield told, _Style.PLAIN
            yield "", _Style.PLAIN
