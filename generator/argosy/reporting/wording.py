"""The phrases that several formats share."""

from __future__ import annotations

from collections.abc import Iterable

from argosy.findings import Finding, Outcome, Place
from argosy.terminal import printable


def in_cell(text: str) -> str:
    """Return text that a cell of a Markdown table shows as it is."""
    return "".join(f"\\{each}" if each in "\\|*_<>[]`" else each for each in printable(text))


def number(count: int, noun: str) -> str:
    """Return a count with its noun: `1 error`, `2 errors`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def place(finding: Finding | Place) -> str:
    """Return `path:line`, or the path alone where the line is not known."""
    return finding.path if finding.line is None else f"{finding.path}:{finding.line}"


def describe_renders(items: Iterable[Place | Outcome]) -> str:
    """Return the applications and environments of places or outcomes: `my-app in dev, prod; other in dev`."""
    environments: dict[str, set[str]] = {}
    for item in items:
        environments.setdefault(item.application, set()).add(item.environment)
    return "; ".join(
        " in ".join(filter(None, (application, ", ".join(filter(None, sorted(of_application))))))
        for application, of_application in sorted(environments.items())
    )
