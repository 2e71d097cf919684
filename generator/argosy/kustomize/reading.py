"""YAML as Kustomize reads it, so that nothing that it would follow is overlooked.

Kustomize takes a field in capitals for the same field, reads past tags that it does not know, past a key that stands
twice and into several documents. So a mapping here is each field, in small letters, with every value given to it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import yaml

from argosy.documents.plain import bounded

Fields = Mapping[str, list[Any]]
"""A mapping: each field in small letters, with every value that is given to it."""


_SMALL = 16 * 1024
"""How long a text is whose documents are kept: each build and each look asks for those of its bases again."""


def trees(text: str | bytes) -> Sequence[Any]:
    """Return the documents of a text, of `Fields`, lists and texts; raise yaml.YAMLError or RecursionError."""
    return _of_small(text) if len(text) <= _SMALL else _documents(text)


@lru_cache(maxsize=256)
def _of_small(text: str | bytes) -> Sequence[Any]:
    return _documents(text)


def _documents(text: str | bytes) -> Sequence[Any]:
    known: dict[int, Any] = {}
    return [_tree(node, known) for node in yaml.compose_all(bounded(text), Loader=yaml.CSafeLoader) if node is not None]


def strings(values: Any) -> list[str]:
    """Return the texts among the values of a field, and of its lists, that are not empty."""
    found = []
    for value in values if isinstance(values, list) else [values]:
        found += value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, str) and each]


def mappings(values: Any) -> list[Fields]:
    """Return the mappings among the values of a field, and of its lists."""
    found = []
    for value in values if isinstance(values, list) else [values]:
        found += value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, dict)]


def all_fields(trees: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yield every field of documents, however deep it stands, with its values."""
    pending, seen = [*trees], set()
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue  # An alias.
        seen.add(id(node))
        if isinstance(node, dict):
            yield from node.items()
            pending += node.values()
        elif isinstance(node, list):
            pending += node


def _tree(node: yaml.Node, known: dict[int, Any]) -> Any:
    """Return what a node holds; of what an alias repeats, the same object."""
    if id(node) in known:
        return known[id(node)]
    if isinstance(node, yaml.SequenceNode):
        items: list[Any] = []
        known[id(node)] = items
        items += [_tree(each, known) for each in node.value]
        return items
    if isinstance(node, yaml.MappingNode):
        fields: dict[str, list[Any]] = {}
        known[id(node)] = fields
        for key, value in node.value:
            name, held = _tree(key, known), _tree(value, known)
            fields.setdefault(name.casefold() if isinstance(name, str) else "", []).append(held)
        for merged in mappings(fields.pop("<<", [])):
            for name, values in merged.items():
                fields.setdefault(name, []).extend(values)
        return fields
    return _text(node)


def _text(node: yaml.Node) -> str:
    text = str(node.value)
    if node.tag != "tag:yaml.org,2002:binary":
        return text
    try:
        return base64.b64decode(text).decode(errors="replace")
    except (ValueError, binascii.Error):
        return text
