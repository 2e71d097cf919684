"""Names in sentences: several joined, and the known one that a misspelt one is meant to be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def joined(names: Sequence[str], most: int | None = None) -> str:
    """Return names as a person reads them, such as `a, b and c`; of more than `most`, the first and how many more."""
    cut = most if most is not None and len(names) > most else len(names)
    parts = [*names[:cut], *([f"{len(names) - cut} more"] if cut < len(names) else [])]
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)


def one_of(values: Iterable[str]) -> str:
    """Return a hint that names what is possible."""
    return f"Use one of {', '.join(values)}."


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known name that is nearest to a word, whatever their case; empty where none is near."""
    from difflib import get_close_matches  # noqa: PLC0415 - nobody misspells anything in most runs.

    by_lower = {each.lower(): each for each in known}
    near = get_close_matches(word.lower(), by_lower, 1)
    return by_lower[near[0]] if near else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the known name nearest to a word; empty where none is near."""
    near = nearest(word, known)
    return f"Did you mean “{near}”?" if near else ""
