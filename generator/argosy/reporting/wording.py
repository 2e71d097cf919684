"""The phrases that several formats share."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from argosy.findings import Finding, Outcome, Place
from argosy.terminal import printable


def in_html(text: str) -> str:
    """Return text that HTML shows as it is, on one line, and by which a host calls nobody."""
    # Hosts look for names after they have resolved entities, so that only a space without width keeps them apart.
    return html.escape(" ".join(printable(text).split()), quote=False).replace("@", "@&ZeroWidthSpace;")


def in_markdown(text: str) -> str:
    """Return the same that Markdown shows as it is: no markup, no HTML."""
    return re.sub(r"([\\`*_\[\]~#|!])", r"\\\1", in_html(text))


def code(text: str, *, in_table: bool = True) -> str:
    """Return text as code, which Markdown shows as it is, on one line."""
    shown = re.sub(r"\s*\n\s*", " ", printable(text).strip())
    if in_table:
        # A table takes the backslash before a bar away, and a second one would end the cell.
        shown = re.sub(r"\\(?=\|)", r"\\ ", shown).replace("|", r"\|")
    if not shown:
        return ""
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


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
