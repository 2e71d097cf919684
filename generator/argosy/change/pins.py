"""Pinned versions that both the template and a robot such as Renovate keep current: the newer one is no conflict.

A pin is an action's commit with its version beside it, a job's image, a pre-commit hook, or Argo CD's manifests.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from argosy.git.objects import Blob

_PIN = re.compile(rb"\s*(?:- )?(?:(?:uses|image|name|rev): \S+|https://raw\.githubusercontent\.com/\S+)[^\n]*")
_VERSION = re.compile(rb"v?(?<!\d)(\d{1,9})\.(\d{1,9})\.(\d{1,9})")
_EXACT = re.compile(rb"@?\b(?:sha256:[0-9a-f]{64}|[0-9a-f]{40})\b|v?\d+\.\d+\.\d+")

Side = Mapping[str, Blob]
"""The files of one side of a merge, by path."""


def settled(base: Side, ours: Side, theirs: Side) -> tuple[Side, Side, Side]:
    """Return the sides of a merge with the same pin in all three: the one that a side changed, or the newer of two.

    Where both changed it and one of them not to a newer version, it stays: that is for the merge to tell.
    """
    new_base, new_ours, new_theirs = dict(base), dict(ours), dict(theirs)
    for path in base.keys() & ours.keys() & theirs.keys():
        sides = (base[path].content, ours[path].content, theirs[path].content)
        if len({*sides}) == 3 and (chosen := _chosen(*map(_pins, sides))):
            for new in (new_base, new_ours, new_theirs):
                new[path] = Blob(new[path].mode, _with(new[path].content, chosen))
    return new_base, new_ours, new_theirs


def _pins(content: bytes) -> Mapping[bytes, bytes]:
    """Return the lines with pins by what they are for; those alone that are the same wherever they stand."""
    found: dict[bytes, set[bytes]] = defaultdict(set)
    for subject, line in _read(content):
        if subject:
            found[subject].add(line)
    return {subject: line for subject, (line, *others) in found.items() if not others}


def _read(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield each line after what it pins: the line without the version, or b"" where it pins nothing."""
    before = b""
    for line in content.split(b"\n"):
        is_pin = _PIN.fullmatch(line) and _VERSION.search(line)
        # A hook's revision does not say whose: the line above does.
        whose = before if line.lstrip().startswith(b"rev:") else b""
        yield (whose + _EXACT.sub(b"", line) if is_pin else b""), line
        before = line


def _chosen(
    base: Mapping[bytes, bytes], ours: Mapping[bytes, bytes], theirs: Mapping[bytes, bytes]
) -> Mapping[bytes, bytes]:
    """Return the line to take of each pin, by what it is for."""
    chosen = {}
    for subject in base.keys() & ours.keys() & theirs.keys():
        before, one, other = base[subject], ours[subject], theirs[subject]
        if before in (one, other):
            chosen[subject] = other if before == one else one
        elif _version(before) < min(_version(one), _version(other)):
            chosen[subject] = max(one, other, key=_version)
    return chosen


def _version(line: bytes) -> tuple[int, ...]:
    found = _VERSION.search(line)
    return tuple(map(int, found.groups())) if found else ()


def _with(content: bytes, chosen: Mapping[bytes, bytes]) -> bytes:
    return b"\n".join(chosen.get(subject, line) for subject, line in _read(content))
