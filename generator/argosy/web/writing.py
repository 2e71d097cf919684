"""Put the page's files in place, over an older page and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from argosy import temporary
from argosy.errors import UsageError
from argosy.paths import entries
from argosy.web.as_html import DATA, INDEX

_OURS = b'<meta name="generator" content="argosy '
_PART = re.compile(r"\d+\.bin")
_NAMED = re.compile(rb'"chunk":(\d{1,6})\b')
"""How the page names a part of its details; in what others wrote, quotes are escaped."""


def check(place: Path, *, is_file: bool) -> None:
    """Raise UsageError where the page would take the place of something else."""
    index = place if is_file else place / INDEX
    if index.is_dir() or (not is_file and place.is_file()):
        raise UsageError(f"{place} is {'a folder' if is_file else 'a file'}.", "A page in one file ends with .html.")
    is_ours = index.is_file() and _OURS in index.read_bytes()[:4096]
    others = [] if is_file else [each for each in entries(place / DATA) if _PART.fullmatch(each.name)]
    for file in () if is_ours else (*([index] if index.is_file() else []), *others[:1]):
        raise UsageError(f"{file} is there, and no page of argosy's.", "Name another place with --html.")


def write(place: Path, files: Mapping[str, bytes], *, is_file: bool) -> None:
    """Write the files, each as a whole, and remove the parts that the older page names; raise OSError."""
    if is_file:
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary.write(place, files[INDEX])
        return
    index = place / INDEX
    older = {int(each) for each in _NAMED.findall(index.read_bytes())} if index.is_file() else set[int]()
    for path in sorted(files, key=lambda each: each == INDEX):  # The page comes last, when its parts are there.
        file = place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write(file, files[path])
    for path in {f"{DATA}/{number}.bin" for number in older} - files.keys():
        (place / path).unlink(missing_ok=True)
