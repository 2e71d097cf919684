"""What is in a repository and no agent is shown: passwords, tokens, keys, and what Secrets hold."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from argosy.api import BranchChange
from argosy.difference import Difference, ResourceChange
from argosy.difference.manifest_text import MASK
from argosy.rules.secrets import credentials
from argosy.web import hiding


def of_difference(found: Difference) -> Difference:
    """Return a difference in whose lines nothing is that looks like a credential, whatever it is called."""
    return replace(
        found,
        applications=tuple(
            replace(each, resources=tuple(map(_of_resource, each.resources))) for each in found.applications
        ),
    )


def _of_resource(change: ResourceChange) -> ResourceChange:
    return replace(change, lines=_of_lines(change.lines), folded=_of_lines(change.folded))


def _of_lines(lines: Sequence[str]) -> tuple[str, ...]:
    (found,) = credentials(["\n".join(line[1:] for line in lines)])
    hidden = {number for number, _ in found}
    return tuple(f"{line[:1]}{MASK}" if number in hidden else line for number, line in enumerate(lines, 1))


def of_document(difference: Any) -> Any:
    """Return a difference as data in which the same holds; None of none."""
    for application in difference["applications"] if difference else ():
        for each in application["resources"]:
            each["diff"] = "\n".join(_of_lines(each["diff"].rstrip("\n").split("\n"))) + "\n"
    return difference


def diff(change: BranchChange, page: slice) -> str:
    """Return the unified diff of some of the files, in which nothing secret can be read."""
    parts = []
    for file in change.files[page]:
        old = "/dev/null" if file.before is None else f"a/{file.path}"
        new = "/dev/null" if file.after is None else f"b/{file.path}"
        try:
            one, other = hiding.in_files(*((each or b"").decode() for each in (file.before, file.after)))
        except UnicodeDecodeError:
            parts.append(f"--- {old}\n+++ {new}\nA file that is no text.\n")
            continue
        lines = [*difflib.unified_diff(one.splitlines(), other.splitlines(), old, new, lineterm="")]
        lines = lines or [f"--- {old}", f"+++ {new}", f"{MASK} (what changes is secret)"]
        parts.append("\n".join(lines) + "\n")
    return "".join(parts)
