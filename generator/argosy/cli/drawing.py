"""Show a repository's files as a tree, briefly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

DEEPEST = 4
"""How many levels are shown; a folder below them is summed up."""
WIDEST = 12
"""How many entries of a folder are shown."""


def drawn(name: str, paths: Iterable[str]) -> str:
    """Return the tree of these paths, below a root of that name."""
    root: dict[str, Any] = {}
    for path in paths:
        folder = root
        for part in path.split("/")[:-1]:
            folder = folder.setdefault(part, {})
        folder[path.rpartition("/")[2]] = None
    return "\n".join([f"{name}/", *_lines(root, "", DEEPEST)])


def _lines(folder: Mapping[str, Any], indent: str, deeper: int) -> Iterator[str]:
    shown = sorted(folder.items(), key=lambda entry: (entry[1] is None, entry[0]))
    more = len(shown) - WIDEST
    if more > 1:
        shown = [*shown[:WIDEST], (f"… and {more} more", None)]
    for name, content in shown:
        last = name == shown[-1][0]
        branch, below = ("└── ", "    ") if last else ("├── ", "│   ")
        if content is None:
            yield f"{indent}{branch}{name}"
        elif deeper == 1:
            yield f"{indent}{branch}{name}/ ({_count(content)} files)"
        else:
            yield f"{indent}{branch}{name}/"
            yield from _lines(content, indent + below, deeper - 1)


def _count(folder: Mapping[str, Any]) -> int:
    return sum(1 if content is None else _count(content) for content in folder.values())
