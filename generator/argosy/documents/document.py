"""One document of a file or of a render, with the line of every field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from argosy.documents.composer import Composer
from argosy.documents.defects import Defect

Pointer = tuple[str | int, ...]
"""The way to a field from the document's root: ("spec", "containers", 0, "image")."""

_SURROGATES = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The text of a file, kept so that lines can be looked up."""

    text: str
    is_json: bool = False

    def as_yaml(self) -> str:
        """Return the text as YAML of the same lines: YAML knows no surrogate pairs."""
        if not self.is_json or "\\u" not in self.text:
            return self.text
        return _SURROGATES.sub(lambda pair: str(json.loads(f'"{pair[0]}"')), self.text)


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One YAML or JSON document, of a file or of a render."""

    path: str
    index: int
    data: Any
    line: int = 1
    application: str = ""
    environment: str = ""
    source: Source | None = field(default=None, repr=False)
    """The text that the document stands in; None for a rendered document."""
    prefix: Pointer = ()
    """Where the document stands in its text's document: () or ("items", 3), an item of a List."""

    def line_of(self, pointer: Pointer) -> int | None:
        """Return the 1-based line of a field, or of the nearest one above it; None for a rendered document."""
        if self.source is None:
            return None
        line, value = _positions(self.source).get(self.index, (self.line, None))
        for part in (*self.prefix, *pointer):
            known: Any = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
            if value is None or part not in known:
                break
            line, value = value[part]
        return line


@dataclass(frozen=True, slots=True, eq=False)
class ParsedFile:
    """What a file holds: its documents, and what is wrong with it."""

    path: str
    text: str
    documents: tuple[Document, ...] = ()
    defects: tuple[Defect, ...] = ()


@lru_cache(maxsize=4)
def _positions(source: Source) -> Mapping[int, tuple[int, Any]]:
    """Return line and located data of each document. A few files are kept: findings come file by file."""
    composer = Composer(source.as_yaml(), located=True)
    return {found.index: (found.line, found.data) for found in composer.documents()}


def is_manifest(data: Any) -> bool:
    """Return whether the data says of itself which Kubernetes object it is."""
    names = (data.get("apiVersion"), data.get("kind")) if isinstance(data, dict) else (None,)
    return all(isinstance(name, str) and name for name in names)


def resource(document: Document) -> str:
    """Return `Kind/name` of a manifest, as much of it as there is, or "" for anything else."""
    if not is_manifest(document.data):
        return ""
    metadata = document.data.get("metadata")
    name = (metadata.get("name") or metadata.get("generateName")) if isinstance(metadata, dict) else None
    return f"{document.data['kind']}/{name}" if isinstance(name, str) else str(document.data["kind"])


def items(document: Document) -> Iterator[Document]:
    """Yield the items of a List, of Lists in it too, each as a document of its own; or else the document itself."""
    data = document.data
    if not (is_manifest(data) and data["kind"].endswith("List") and isinstance(data.get("items"), list)):
        yield document
        return
    for index, item in enumerate(data["items"]):
        line = document.line_of(("items", index)) or document.line
        yield from items(replace(document, data=item, line=line, prefix=(*document.prefix, "items", index)))
