"""JSON texts, as strict as JSON is, with lines and duplicate keys all the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn

from argosy.documents.composer import DEEPEST, Composer
from argosy.documents.defects import Defect, DefectKind
from argosy.documents.document import Document, ParsedFile, Source
from argosy.documents.lines import Lines
from argosy.documents.scalars import number
from argosy.documents.syntax import ACTION, TEMPLATE


def parse(text: str, path: str) -> ParsedFile:
    """Return what a JSON text holds."""
    duplicates = False

    def fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal duplicates
        made = dict(pairs)
        duplicates |= len(made) < len(pairs)
        return made

    try:
        data = json.loads(
            text, object_pairs_hook=fields, parse_float=number, parse_int=number, parse_constant=refuse_constant
        )
        if _is_deep(data):
            raise RecursionError
    except (ValueError, RecursionError) as error:
        return ParsedFile(path, text, defects=(_json_defect(text, path, error),))
    source = Source(text, is_json=True)
    first = Lines(text).number(len(text) - len(text.lstrip()))
    found = () if data is None else (Document(path, 0, data, first, source=source),)
    return ParsedFile(path, text, found, tuple(_json_duplicates(source, path)) if duplicates else ())


def refuse_constant(name: str) -> NoReturn:
    """Raise ValueError for what Python takes for a number, and JSON does not: NaN, Infinity."""
    raise ValueError(f"{name} is not JSON")


def _is_deep(data: Any) -> bool:
    level = [data]
    for _ in range(DEEPEST):
        level = [
            child
            for value in level
            if isinstance(value, dict | list)
            for child in (value.values() if isinstance(value, dict) else value)
        ]
    return any(isinstance(value, dict | list) for value in level)


def _json_defect(text: str, path: str, error: Exception) -> Defect:
    if isinstance(error, RecursionError):
        message = f"objects and arrays are nested more than {DEEPEST} levels deep"
        return Defect(DefectKind.TOO_DEEP, message, path, hint="Reduce the nesting.")
    if not isinstance(error, json.JSONDecodeError):
        return Defect(DefectKind.JSON_SYNTAX, str(error), path, hint="Use a number that JSON supports.")
    if ACTION.search(Lines(text).around(error.pos)):
        return Defect(DefectKind.HELM_TEMPLATE, TEMPLATE[0], path, error.lineno, error.colno, TEMPLATE[1])
    message = error.msg[0].lower() + error.msg[1:]
    hint = "JSON requires double quotes, and allows no comments and no trailing commas."
    return Defect(DefectKind.JSON_SYNTAX, message, path, error.lineno, error.colno, hint)


def _json_duplicates(source: Source, path: str) -> Iterator[Defect]:
    composer = Composer(source.as_yaml(), located=True)
    for _ in composer.documents():
        pass
    defects = [defect for defect in composer.defects_of(path) if defect.kind is DefectKind.DUPLICATE_KEY]
    general = Defect(DefectKind.DUPLICATE_KEY, "an object has a duplicate key", path, document=0)
    yield from defects or [general]
