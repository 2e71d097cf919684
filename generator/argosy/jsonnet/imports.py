"""What a file of Jsonnet may import: a name is written out in each import, so that it is known before it is read."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from argosy.paths import content

_IMPORT = re.compile(r"""\bimport(str|bin)?\s*(@?)("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""", re.DOTALL)
_MOST = 10_000
"""How many files are followed."""


def read_by(file: Path, root: Path, libraries: Sequence[Path] = ()) -> list[Path]:
    """Return the files that a file imports, and that these import: those that are there, and may be read."""
    found: dict[Path, None] = {}
    pending = [file]
    while pending and len(found) < _MOST:
        here = pending.pop()
        for name, is_code in _imports(here, root):
            each = _place(name, [here.parent, *reversed(libraries)], root)
            if each is not None and each not in found and each != file:
                found[each] = None
                pending += [each] if is_code else []
    return [*found]


def _imports(file: Path, root: Path) -> Iterator[tuple[str, bool]]:
    """Yield what a file imports, and whether as code."""
    try:
        text = content(file, root).decode(errors="replace")
    except (OSError, ValueError):
        return
    for kind, verbatim, quoted in _IMPORT.findall(text):
        name = quoted[1:-1]
        if "\\" in name and not verbatim:
            try:
                name = json.loads('"' + name.replace("\\'", "'").replace('"', '\\"') + '"')
            except ValueError:
                continue
        yield name, not kind


def _place(name: str, folders: Sequence[Path], root: Path) -> Path | None:
    """Return the first file that a name means; None where there is none, or it may not be read."""
    for folder in folders:
        path = Path(os.path.normpath(folder / name))
        try:
            content(path, root)
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            return None
        return path
    return None
