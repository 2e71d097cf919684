"""Keep answers within what an agent's context holds, and say how much was left out."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from argosy import terminal

ITEMS = 50
"""Of each list, unless something else is asked for."""
CHARACTERS = 50_000
"""Of an answer's data."""
TEXT = 10_000
"""Of an answer's text."""
LONGEST = 8_000
"""Of one text in the data, such as a diff."""


def text(told: str, longest: int = TEXT) -> str:
    """Return a text, or its beginning, whole lines of it, with what is left out."""
    if len(told) <= longest:
        return told
    end = max(told.rfind("\n", 0, longest), 0) or longest
    lines = told[end:].strip("\n").count("\n") + 1
    return f"{told[:end]}\n… {lines} more lines were left out: ask for less, or for a part of it."


def data(document: Any, paged: str, *, limit: int = ITEMS, offset: int = 0) -> Any:
    """Return a document whose lists have at most so many items, and whose texts are not too long.

    Of the list `paged`, items before the offset are left out too. What is left out is counted in `leftOut`, by the
    names of lists. Where that is still too much, there are fewer items.
    """
    whole = {**document, paged: document[paged][offset:]} if paged in document else document
    while True:
        left = Counter[str]()
        made = _cut(whole, limit, "", left)
        if offset and paged in document:
            left[f"{paged} before"] = min(offset, len(document[paged]))
        if limit == 1 or len(json.dumps(made, default=str)) <= CHARACTERS:
            return {**made, "leftOut": dict(left)} if left else made
        limit //= 2


def _cut(value: Any, limit: int, name: str, left: Counter[str]) -> Any:
    if isinstance(value, dict):
        return {key: _cut(each, limit, str(key), left) for key, each in value.items()}
    if isinstance(value, list):
        if len(value) > limit:
            left[name] += len(value) - limit
        return [_cut(each, limit, name, left) for each in value[:limit]]
    return text(shown(value), LONGEST) if isinstance(value, str) else value


def shown(told: str) -> str:
    """Return a text that no terminal obeys, and that holds no login."""
    return terminal.harmless(terminal.printable(terminal.without_logins(told)))
