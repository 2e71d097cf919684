"""JSON texts, as strict as JSON is, with lines and duplicate keys all the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from argosy.documents.composer import Composed, Composer
from argosy.documents.defects import Defect, DefectKind
from argosy.documents.document import Source
from argosy.documents.lines import Lines
from argosy.documents.scalars import number
from argosy.documents.syntax import ACTION, DEEPEST, TEMPLATE


def compose(text: str) -> tuple[Sequence[Composed], Sequence[Defect]]:
    """Return what a JSON text holds: the data of its document, and what is wrong with it, of no path."""
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
        return (), [_json_defect(text, error)]
    first = Lines(text).number(len(text) - len(text.lstrip()))
    return [] if data is None else [Composed(0, first, data)], _json_duplicates(text) if duplicates else ()


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


def _json_defect(text: str, error: Exception) -> Defect:
    if isinstance(error, RecursionError):
        message = f"objects and arrays are nested more than {DEEPEST} levels deep"
        return Defect(DefectKind.TOO_DEEP, message, "", hint="Reduce the nesting.")
    if not isinstance(error, json.JSONDecodeError):
        return Defect(DefectKind.JSON_SYNTAX, str(error), "", hint="Use a number that JSON supports.")
    if ACTION.search(Lines(text).around(error.pos)):
        return Defect(DefectKind.HELM_TEMPLATE, TEMPLATE[0], "", error.lineno, error.colno, TEMPLATE[1])
    message = error.msg[0].lower() + error.msg[1:]
    hint = "JSON requires double quotes, and allows no comments and no trailing commas."
    if error.msg == "Extra data":
        message, hint = "there is more after the first value", "A JSON file holds one: make a file of each, or a List."
    return Defect(DefectKind.JSON_SYNTAX, message, "", error.lineno, error.colno, hint)


_DUPLICATES = {DefectKind.DUPLICATE_KEY, DefectKind.REPEATED_KEY}


def _json_duplicates(text: str) -> Sequence[Defect]:
    composer = Composer(Source(text, is_json=True).as_yaml(), located=True)
    for _ in composer.documents():
        pass
    defects = [defect for defect in composer.defects() if defect.kind in _DUPLICATES]
    return defects or [Defect(DefectKind.DUPLICATE_KEY, "an object has a duplicate key", "", document=0)]
