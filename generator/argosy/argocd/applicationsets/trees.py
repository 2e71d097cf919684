"""Trees of YAML: read, searched, and rebuilt with other texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from argosy import documents
from argosy.documents import Pointer


def parse(text: str) -> Any:
    """Return the first document of a YAML text; raise ValueError where it is none."""
    parsed = documents.parse(text, "")
    refused = [defect for defect in parsed.defects if defect.document is None]
    if refused:
        line = f"line {refused[0].line}: " if refused[0].line else ""
        raise ValueError(f"{line}{refused[0].message}")
    return parsed.documents[0].data if parsed.documents else None


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a map as it is, and anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """Return a list as it is, and anything else as an empty one."""
    return value if isinstance(value, list) else []


def strings(tree: Any) -> Iterator[str]:
    """Yield every string of a tree, keys included: Argo CD renders those too."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from (key, *strings(value)) if isinstance(key, str) else strings(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from strings(value)


def rebuilt(tree: Any, texts: Mapping[str, str]) -> Any:
    """Return a tree with its strings, keys included, replaced by others."""
    if isinstance(tree, str):
        return texts.get(tree, tree)
    if isinstance(tree, dict):
        return {rebuilt(key, texts): rebuilt(value, texts) for key, value in tree.items()}
    return [rebuilt(value, texts) for value in tree] if isinstance(tree, list) else tree


def find(tree: Any, text: str) -> Pointer | None:
    """Return the way to the first string, or key, that is the text."""
    if tree == text:
        return ()
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        inside = () if key == text else find(value, text)
        if inside is not None:
            return (key, *inside)
    return None
