"""One document of a file or of a render, with the line of every field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from argosy.documents.composer import Composer, Located
from argosy.documents.defects import Defect

Pointer = tuple[str | int, ...]
"""The way to a field from the document's root: ("spec", "containers", 0, "image")."""

_SURROGATES = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The text of a file or of a render, kept so that places in it can be looked up."""

    text: str
    is_json: bool = False
    is_rendered: bool = False

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
    """The text that the document stands in; None for one that was made in memory."""
    prefix: Pointer = ()
    """Where the document stands in its text's document: () or ("items", 3), an item of a List."""

    @property
    def is_rendered(self) -> bool:
        """Return whether no file holds the document, so that it has no lines."""
        return self.source is None or self.source.is_rendered

    def line_of(self, pointer: Pointer) -> int | None:
        """Return the 1-based line of a field, or of the nearest one above it; None for a rendered document."""
        return None if self.is_rendered else self._way(pointer)[-1].line

    def text_of(self, pointer: Pointer) -> str:
        """Return a scalar as it is written, without quotes: 0755, where the data is 493; "" where there is none."""
        way = self._way(pointer)
        return way[-1].text if len(way) > len(self.prefix) + len(pointer) else ""

    def _way(self, pointer: Pointer) -> list[Located]:
        """Return where the document stands, and each value on the way to a field, as far as it is there."""
        whole = _positions(self.source).get(self.index) if self.source else None
        way = [whole or Located(self.line, None, "")]
        for part in (*self.prefix, *pointer):
            value = way[-1].value
            known: Any = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
            if part not in known:
                break
            way.append(value[part])
        return way


@dataclass(frozen=True, slots=True, eq=False)
class ParsedFile:
    """What a file holds: its documents, and what is wrong with it."""

    path: str
    text: str
    documents: tuple[Document, ...] = ()
    defects: tuple[Defect, ...] = ()


@lru_cache(maxsize=4)
def _positions(source: Source) -> Mapping[int, Located]:
    """Return line and located data of each document. A few files are kept: findings come file by file."""
    composer = Composer(source.as_yaml(), located=True)
    return {found.index: Located(found.line, found.data, "") for found in composer.documents()}


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
