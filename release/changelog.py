"""CHANGELOG.md by version: what a release says of itself, and how the next one begins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

UNRELEASED = "Unreleased"
_HEADING = re.compile(r"^## (\S.*)$", re.MULTILINE)
_RELEASED = re.compile(r"(\d+\.\d+\.\d+\S*) - (\d{4}-\d\d-\d\d)")


class ReleaseError(Exception):
    """What keeps a release from being made, and what to do about it."""


def sections(text: str) -> Mapping[str, str]:
    """Return the text below each version's heading, newest first; raise ReleaseError for a heading of another form."""
    _, *parts = _HEADING.split(text)
    found: dict[str, str] = {}
    for heading, body in zip(parts[::2], parts[1::2], strict=True):
        released = _RELEASED.fullmatch(heading)
        if not released and heading != UNRELEASED:
            raise ReleaseError(f"CHANGELOG.md: write “## {heading}” as “## VERSION - YYYY-MM-DD” or “## {UNRELEASED}”.")
        name = released[1] if released else heading
        if name in found:
            raise ReleaseError(f"CHANGELOG.md has “{name}” twice: make one section of them.")
        found[name] = body.strip()
    if next(iter(found), None) != UNRELEASED:
        raise ReleaseError(f"CHANGELOG.md does not begin with “## {UNRELEASED}”: write that above the newest version.")
    return found


def released(text: str, version: str, day: date) -> str:
    """Return the changelog with what is unreleased as a version's, below a new empty section; raise ReleaseError."""
    known = sections(text)
    if version in known:
        raise ReleaseError(f"CHANGELOG.md has version {version} already: name a newer one.")
    if not known[UNRELEASED]:
        raise ReleaseError(f"CHANGELOG.md has nothing below “## {UNRELEASED}”: there is nothing to release.")
    heading = f"## {UNRELEASED}\n"
    return text.replace(heading, f"{heading}\n## {version} - {day.isoformat()}\n", 1)


def notes(text: str, version: str) -> str:
    """Return what a version that is about to be published says; raise ReleaseError where it is not all said."""
    known = sections(text)
    if not known.get(version):
        raise ReleaseError(f"CHANGELOG.md says nothing of {version}: run `python -m release begin {version}`.")
    if known[UNRELEASED]:
        raise ReleaseError(
            f"CHANGELOG.md has changes below “## {UNRELEASED}”: they belong to {version}, or to a later commit."
        )
    return known[version]
