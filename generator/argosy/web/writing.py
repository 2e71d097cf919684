"""Put the page's files in place, over an older page and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from argosy import temporary
from argosy.errors import UsageError
from argosy.web.as_html import INDEX

_OURS = b'<meta name="generator" content="argosy '
_PART = re.compile(r"\d+\.bin")


def check(place: Path, *, is_file: bool) -> None:
    """Raise UsageError where the page would take the place of something else."""
    index = place if is_file else place / INDEX
    if index.is_dir() or (not is_file and place.is_file()):
        raise UsageError(f"{place} is {'a folder' if is_file else 'a file'}.", "A page in one file ends with .html.")
    if index.is_file() and _OURS not in index.read_bytes()[:4096]:
        raise UsageError(f"{index} is there, and no page of argosy's.", "Name another place with --html.")


def write(place: Path, files: Mapping[str, bytes], *, is_file: bool) -> None:
    """Write the files, each as a whole, and remove parts that an older page had; raise OSError."""
    if is_file:
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary.write(place, files[INDEX])
        return
    for path in sorted(files, key=lambda each: each == INDEX):  # The page comes last, when its parts are there.
        file = place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write(file, files[path])
    for file in (place / "data").iterdir():
        if _PART.fullmatch(file.name) and f"data/{file.name}" not in files:
            file.unlink()
