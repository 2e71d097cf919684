"""The errors of a JSON schema -> what is wrong, in plain words.

A schema says with `x-expected`, beside a `pattern` or an `anyOf`, what it wants in words, and with `x-refused`, beside
a `not`, what is wrong, and with `x-hint` what to do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from argosy.names import did_you_mean

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

    from argosy.documents import Document, Pointer

_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "an integer",
    "null": "null",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}
_LONGEST_VALUE = 60
_MOST_NAMES = 12


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong with a document: the field, and what to do next."""

    at: Pointer
    message: str
    hint: str = ""
    is_missing: bool = False
    """Whether only the whole object tells: a required field is not there, or several do not fit together."""
    is_accepted: bool = False
    """Whether the API server takes it, with a warning."""
    read: str = ""
    """What message and hint show of a number or truth value: 493, although its file may have 0755."""


def translate(errors: Iterable[ValidationError], schemas: Mapping[str, Any]) -> list[Violation]:
    """Return the errors in plain words, each once; `schemas` are the schema's documents by URI."""
    found = list(errors)
    mistyped = {tuple(error.instance_path) for error in found if error.kind.name == "type"}
    violations: dict[Violation, None] = {}
    for error in found:
        # A value of the wrong type breaks every other keyword of its field as well: the type says it all.
        if error.kind.name == "type" or tuple(error.instance_path) not in mistyped:
            violations.update(dict.fromkeys(_translate(error, schemas)))
    return list(violations)


def violation(at: Sequence[str | int], what: str, hint: str = "") -> Violation:
    """Return a violation whose message begins with the field's path."""
    return Violation(tuple(at), f"{path_of(at)}: {what}" if at else what, hint)


def as_written(violations: Iterable[Violation], document: Document) -> Iterator[Violation]:
    """Yield violations of a document, with its numbers and truth values as they are written there, but no Secret's."""
    for found in violations:
        each = _without_secret(found, document.data)
        text = document.text_of(each.at) if each.read else each.read
        if text in {"", each.read}:
            yield each
            continue
        path = path_of(each.at)
        both = f"{text}, which YAML reads as {each.read}"
        message = path + each.message.removeprefix(path).replace(each.read, both, 1)
        yield replace(each, message=message, hint=each.hint.replace(each.read, text, 1), read="")


def _without_secret(found: Violation, data: Any) -> Violation:
    """Return a violation that does not show what a Secret holds."""
    is_secret, value = False, data
    for part in found.at:
        if isinstance(value, dict):
            is_secret |= part in {"data", "stringData"} and str(value.get("kind")).startswith("Secret")
            value = value.get(part)
        else:
            value = value[part] if isinstance(value, list) and isinstance(part, int) and part < len(value) else None
    if not is_secret or value is None or isinstance(value, dict | list):
        return found
    # The path itself may hold what the value is, such as the name of a key, and not every message begins with it.
    path = path_of(found.at) if found.message.startswith(path_of(found.at)) else ""
    message = path + found.message.removeprefix(path).replace(shown(value), "***")
    return replace(found, message=message, hint="" if str(value) in found.hint else found.hint, read="")


def path_of(pointer: Sequence[str | int]) -> str:
    """Write a pointer as people do: `spec.containers[0].image`, `metadata.labels["a.b/c"]`."""
    text = ""
    for part in pointer:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.replace("-", "").replace("_", "").isalnum():
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part, ensure_ascii=False)}]"
    return text


def shown(value: Any) -> str:
    """Write a value briefly, text in quotes, a list or a mapping by its type alone."""
    if isinstance(value, dict | list):
        return _TYPES["object" if isinstance(value, dict) else "array"]
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except ValueError:
        # Python writes no integer of more than 4,300 digits.
        return "a number with thousands of digits"
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _translate(error: ValidationError, schemas: Mapping[str, Any]) -> list[Violation]:
    keyword, around = error.kind.name, _schema_around(error, schemas)
    if "x-refused" in around:
        refused = violation(error.instance_path, around["x-refused"], around.get("x-hint", ""))
        # What a type refuses is about all of it, what a field does about itself.
        return [replace(refused, is_missing="x-hint" not in around)]
    if keyword in _EXPLAINED:
        return _EXPLAINED[keyword](error, around, schemas)
    if keyword == "pattern" and "x-expected" in around:
        return [violation(error.instance_path, f"must be {around['x-expected']}, not {shown(error.instance)}")]
    say = _PHRASES.get(keyword)
    found = violation(error.instance_path, say(error.kind.as_dict(), error.instance) if say else error.message)
    return [replace(found, is_missing=keyword == "required")]


_PHRASES: dict[str, Callable[[dict[str, Any], Any], str]] = {
    "required": lambda kind, _: f'the required field "{kind["property"]}" is missing',
    "pattern": lambda kind, found: f"{shown(found)} does not match the pattern {kind['pattern']}",
    "format": lambda kind, found: f"{shown(found)} is not a valid {kind['format']}",
    "minimum": lambda kind, found: f"must be at least {kind['limit']}, not {shown(found)}",
    "maximum": lambda kind, found: f"must be at most {kind['limit']}, not {shown(found)}",
    "exclusiveMinimum": lambda kind, found: f"must be more than {kind['limit']}, not {shown(found)}",
    "exclusiveMaximum": lambda kind, found: f"must be less than {kind['limit']}, not {shown(found)}",
    "multipleOf": lambda kind, found: f"must be a multiple of {kind['multiple_of']}, not {shown(found)}",
    "minLength": lambda kind, found: (
        f"has {len(found)} characters, at least {kind['limit']} are needed" if found else "must not be empty"
    ),
    "maxLength": lambda kind, found: f"has {len(found)} characters, at most {kind['limit']} are possible",
    "minItems": lambda kind, found: (
        f"has {len(found)} items, at least {kind['limit']} are needed" if found else "must not be empty"
    ),
    "maxItems": lambda kind, found: f"has {len(found)} items, at most {kind['limit']} are possible",
    "uniqueItems": lambda _, __: "must not name anything twice",
    "contains": lambda _, __: "lacks an item that it must have",
    "not": lambda kind, _: _of_not(kind["schema"]),
    "falseSchema": lambda _, __: "is not allowed here",
}


def _schema_around(error: ValidationError, schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema that holds the keyword that failed; empty where it cannot be found."""
    uri, _, fragment = (error.absolute_keyword_location or "").partition("#")
    schema: Any = schemas.get(uri)
    for part in fragment.split("/")[1:-1]:
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(schema, dict):
            schema = schema.get(key)
        else:
            schema = schema[int(key)] if isinstance(schema, list) and key.isdigit() else None
    return schema if isinstance(schema, dict) else {}


def _of_type(error: ValidationError, *_: Mapping[str, Any]) -> list[Violation]:
    return [_mistyped(error.instance_path, error.kind.as_dict()["types"], error.instance)]


def _mistyped(at: Sequence[str | int], types: Sequence[str], found: Any) -> Violation:
    wanted = [each for each in types if each != "null"] or list(types)
    if "number" in wanted and "integer" in wanted:
        wanted.remove("integer")
    hint = ""
    if isinstance(found, bool | int | float | str):
        text = found if isinstance(found, str) else shown(found)
        hint = quotes(text, wanted, are_there=isinstance(found, str))
    what = f"the text {shown(found)}" if isinstance(found, str) else shown(found)
    wrong = violation(at, f"must be {' or '.join(_TYPES.get(each, each) for each in wanted)}, not {what}", hint)
    return replace(wrong, read=_read(found))


def _read(found: Any) -> str:
    return shown(found) if isinstance(found, bool | int | float) else ""


def quotes(text: str, wanted: Collection[str], *, are_there: bool) -> str:
    """Return the hint to put a scalar into quotes, or to take them away, where that gives it one of the wanted types.

    `text` is what is written, "" where that is not known.
    """
    if not are_there:
        how = f': "{text}"' if text else ""
        return f"Put it in quotes{how}." if "string" in wanted and "number" not in wanted else ""
    is_number = text.isascii() and text.removeprefix("-").isdigit()
    fits = "boolean" in wanted if text in {"true", "false"} else is_number and bool({"integer", "number"} & {*wanted})
    return f"Write {text} without quotes." if fits else ""


def _of_choice(error: ValidationError, *_: Mapping[str, Any]) -> list[Violation]:
    kind = error.kind.as_dict()
    options = kind["options"] if "options" in kind else [kind["expected_value"]]
    words = [each if isinstance(each, str) else shown(each) for each in options if not (each is None or each == "")]
    words = words or ['""']
    use = f"use {words[0]}" if len(words) == 1 else f"use one of {', '.join(words)}"
    hint = did_you_mean(error.instance, words) if isinstance(error.instance, str) else ""
    wrong = violation(error.instance_path, f"{shown(error.instance)} is not allowed; {use}", hint)
    return [replace(wrong, read=_read(error.instance))]


def _of_unknown(error: ValidationError, around: Mapping[str, Any], _: Mapping[str, Any]) -> list[Violation]:
    known = sorted(around.get("properties", {}))
    few = f"Known here: {', '.join(known)}." if 0 < len(known) <= _MOST_NAMES else ""
    at = error.instance_path
    return [
        Violation((*at, name), violation(at, f'unknown field "{name}"').message, did_you_mean(name, known) or few)
        for name in error.kind.as_dict()["unexpected"]
    ]


def _of_count(error: ValidationError, around: Mapping[str, Any], _: Mapping[str, Any]) -> list[Violation]:
    limit, most = error.kind.as_dict()["limit"], error.kind.name == "maxProperties"
    known = list(around.get("properties", {}))
    how = f"{'at most' if most else 'at least'} {'one' if limit == 1 else limit}"
    which = f"of {', '.join(known)}" if 0 < len(known) <= _MOST_NAMES else "field" if limit == 1 else "fields"
    return [violation(error.instance_path, f"set {how} {which}")]


def _of_name(error: ValidationError, _: Mapping[str, Any], schemas: Mapping[str, Any]) -> list[Violation]:
    inner = error.kind.as_dict()["error"]
    name, at = str(inner.instance), list(error.instance_path)
    # The inner error speaks of the name as if it were the whole mapping.
    reasons = [each.message.removeprefix(f"{path_of(at)}: ") for each in _translate(inner, schemas)]
    return [
        Violation((*at, name), violation(at, f"the name {shown(name)} is not allowed: {reason}").message)
        for reason in reasons
    ]


def _of_not(schema: Any) -> str:
    names = schema.get("required") if isinstance(schema, dict) else None
    if isinstance(names, list) and names:
        return f"{' and '.join(map(str, names))} may not be set{' together' if len(names) > 1 else ' here'}"
    return "has a form that is not allowed"


def _of_branches(error: ValidationError, around: Mapping[str, Any], schemas: Mapping[str, Any]) -> list[Violation]:
    """Explain the alternative that the value comes nearest to, instead of every one of them."""
    at, branches = list(error.instance_path), error.kind.as_dict()["context"]
    failed = [branch for branch in branches if branch]
    if len(failed) < len(branches) or not failed:
        return [violation(at, "fits more than one of the forms that exclude each other")]
    if around.get("x-expected"):
        return [violation(at, f"must be {around['x-expected']}, not {shown(error.instance)}")]
    if all(each.kind.name == "required" and each.instance_path == at for branch in failed for each in branch):
        names = dict.fromkeys(f'"{each.kind.as_dict()["property"]}"' for branch in failed for each in branch)
        return [replace(violation(at, f"one of the fields {', '.join(names)} must be set"), is_missing=True)]

    def mistyped(branch: Sequence[ValidationError]) -> bool:
        return any(each.kind.name == "type" and each.instance_path == at for each in branch)

    if all(map(mistyped, failed)):
        types = [name for branch in failed for each in branch for name in each.kind.as_dict().get("types", ())]
        return [_mistyped(at, list(dict.fromkeys(types)), error.instance)]

    def distance(branch: Sequence[ValidationError]) -> tuple[bool, int, int]:
        return mistyped(branch), sum(each.kind.name in {"const", "enum"} for each in branch), len(branch)

    nearest: Sequence[ValidationError] = min(failed, key=distance)
    return translate(nearest, schemas)


_EXPLAINED: dict[str, Callable[[ValidationError, Mapping[str, Any], Mapping[str, Any]], list[Violation]]] = {
    "additionalProperties": _of_unknown,
    "anyOf": _of_branches,
    "const": _of_choice,
    "enum": _of_choice,
    "maxProperties": _of_count,
    "minProperties": _of_count,
    "oneOf": _of_branches,
    "propertyNames": _of_name,
    "type": _of_type,
    "unevaluatedProperties": _of_unknown,
}
