"""Mutations of valid manifests, field by field, from Kubernetes' published schemas: argosy's rules are not asked."""

from __future__ import annotations

import copy
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from argosy.repository.model import KUBERNETES

VALID = Path(__file__).with_name("valid.yaml")
_LONG = 254

_TEXTS = (
    "", "Upper", "under_score", "with space", "-begins", "ends-", "9starts", "a..b", "a.b", "../up", "/absolute",
    "a/b/c", "a" * 64, "a" * _LONG, "http://example.com/", "10.0.0.0/33", "10.0.0.1", "fe80::1", "0", "-1", "1x", "10",
    "*", "*.example.com", "a\n", "$(A)", "0 0 32 1 *", "true", "é",
)  # fmt: skip
_NUMBERS = (-1, 0, 1, 2, 100, 101, 32768, 65536, 2**31, 2**63, 1.5)
_QUANTITIES = ("-1", "", "0", "1x", "1.5.5", "1e3", "1Ki", "100m", "1KiB", "0.0001", 2, -1)
_KEYS = ("", "with space", "-a", "a/b", "a/b/c", "A_b", "a" * 64, "example.com/a", "kubernetes.io/x", "..", "/a", "é")
_OTHER: Mapping[str, Any] = {
    "string": 7, "integer": "seven", "boolean": "true", "array": {}, "object": [], "number": "seven",
}  # fmt: skip


class Place(NamedTuple):
    """A field of a type, or what is in it: `items`, `propertyNames` or `additionalProperties`."""

    type: str
    field: str
    position: str = ""


@dataclass(frozen=True)
class Mutation:
    """A manifest in which one thing is changed, and what."""

    name: str
    manifest: dict[str, Any]
    place: Place | None = None
    path: tuple[str | int, ...] = ()
    value: Any = None
    """What is there now; None where something was taken away."""


def valid() -> list[dict[str, Any]]:
    """Return the manifests that are mutated."""
    return list(yaml.safe_load_all(VALID.read_text(encoding="utf-8")))


def mutations(count: int) -> list[Mutation]:
    """Return that many of all mutations, the same each time: one of each field in turn, by their names' digests."""
    by_name = all_of()
    turns: Counter[str] = Counter()
    order: list[tuple[int, int, str]] = []
    for name in sorted(by_name, key=lambda name: hashlib.sha256(name.encode()).digest()):
        field = name.rpartition(" ")[0] if " = " not in name else name.partition(" = ")[0]
        turns[field] += 1
        order.append((turns[field], len(order), name))
    return [by_name[name] for _, _, name in sorted(order)[:count]]


@cache
def all_of() -> Mapping[str, Mutation]:
    """Return all mutations by their names."""
    return {each.name: each for document in valid() for each in _of(document)}


def _of(document: dict[str, Any]) -> Iterator[Mutation]:
    known = f"{document['kind']} {document['metadata']['name']}"
    seen = {json.dumps(document, sort_keys=True)}
    whole = _type_of(document["apiVersion"], document["kind"])
    for path, what, value, place in _changes(document, {"$ref": whole}, (), Place(whole, "")):
        # Where a manifest goes is said by the address as well.
        if path[:1] in {("apiVersion",), ("kind",), ("status",)} or path == ("metadata", "namespace"):
            continue
        manifest = _changed(document, path, value)
        if (text := json.dumps(manifest, sort_keys=True)) not in seen:
            seen.add(text)
            name = f"{known}: {'.'.join(map(str, path))} {what}"
            yield Mutation(name, manifest, place, path, None if value is _GONE else value)


_GONE = object()
_Change = tuple[tuple[str | int, ...], str, Any, Place]


def _changes(value: Any, schema: Mapping[str, Any], path: tuple[str | int, ...], place: Place) -> Iterator[_Change]:
    """Yield the place of each change, what it is, and the value that is there then."""
    type_of = schema["$ref"].rpartition("/")[2] if "$ref" in schema else ""
    schema = _resolved(schema)
    kind = _type(schema)
    if path:
        yield path, "removed", _GONE, place
        yield path, "null", None, place
        yield path, "of another type", _OTHER.get(kind, [1]), place
    if isinstance(value, dict):
        yield from _of_mapping(value, schema, path, place._replace(type=type_of) if type_of else place)
    elif isinstance(value, list):
        if value:
            yield path, "empty", [], place
            yield path, "twice", [*value, copy.deepcopy(value[0])], place
            yield path, "with null", [*value, None], place
        for index, item in enumerate(value):
            yield from _changes(item, schema.get("items", {}), (*path, index), place._replace(position="items"))
    else:
        yield from ((path, f"= {_brief(other)}", other, place) for other in _others(value, schema, kind))


def _others(value: Any, schema: Mapping[str, Any], kind: str) -> Iterable[Any]:
    if _is_quantity(schema) or kind == "int-or-string":
        return (*_QUANTITIES, "50%", "101%", "x%", 70000, "a" * 16, "UP")
    if kind == "string":
        return (*filter(None, schema.get("enum", ())), *_TEXTS)
    if kind in {"integer", "number"}:
        return _NUMBERS
    return [not value] if kind == "boolean" else []


def _of_mapping(
    value: dict[str, Any], schema: Mapping[str, Any], path: tuple[str | int, ...], place: Place
) -> Iterator[_Change]:
    properties = schema.get("properties")
    if properties is None:
        further = schema.get("additionalProperties") or {}
        sample = next(iter(value.values()), "x")
        for key in _KEYS:
            yield (*path, key), "added", sample, place._replace(position="propertyNames")
        for key, each in value.items():
            below = place._replace(position="additionalProperties")
            yield from _changes(each, further if isinstance(further, dict) else {}, (*path, key), below)
        return
    yield (*path, "unknownField"), "added", "x", Place(place.type, "unknownField")
    for key, below in properties.items():
        if key in value:
            yield from _changes(value[key], below, (*path, key), Place(place.type, key))
        elif path or key in {"spec", "data"}:
            for what, sample in _samples(below):
                yield (*path, key), f"added {what}", sample, Place(place.type, key)


def _samples(  # noqa: PLR0912 - a branch a type
    schema: Mapping[str, Any], depth: int = 0
) -> Iterator[tuple[str, Any]]:
    """Yield values that fit the types of a field that is not there."""
    schema = _resolved(schema)
    kind = _type(schema)
    if "enum" in schema:
        yield from ((f"= {each}", each) for each in schema["enum"] if each)
    elif _is_quantity(schema) or kind == "int-or-string":
        yield from (("= 1", 1), ("= 10%", "10%"))
    elif kind == "string":
        yield from (("= x", "x"), ("= Some-Text", "Some-Text"), ("= empty", ""))
    elif kind in {"integer", "number"}:
        yield from (("= 0", 0), ("= 5", 5), ("= -5", -5))
    elif kind == "boolean":
        yield from (("= true", True), ("= false", False))
    elif kind == "array":
        yield "empty", []
        for what, item in _samples(schema.get("items", {}), depth + 1):
            yield f"[{what}]", [item]
            break
    elif depth < 4:
        yield "empty", {}
        required = schema.get("required", ())
        made = {key: _sample(schema["properties"][key], depth + 1) for key in required}
        if made:
            yield "with what is required", made
        if depth == 0:
            for key, below in schema.get("properties", {}).items():
                if key not in required:
                    for what, each in _samples(below, depth + 1):
                        yield f".{key} {what}", {**made, key: each}
                        break


def _sample(schema: Mapping[str, Any], depth: int) -> Any:
    return next((value for what, value in _samples(schema, depth) if what != "empty"), {})


def _changed(document: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    made = copy.deepcopy(document)
    at: Any = made
    for step in path[:-1]:
        at = at[step]
    if value is _GONE:
        del at[path[-1]]
    else:
        at[path[-1]] = copy.deepcopy(value)
    return made


def _type(schema: Mapping[str, Any]) -> str:
    parts = (schema, *schema.get("oneOf", ()), *schema.get("anyOf", ()))
    told = (each.get("type", ()) for each in parts)
    kinds = [kind for each in told for kind in ([each] if isinstance(each, str) else each) if kind != "null"]
    if schema.get("format") == "int-or-string" or {"string", "integer"} <= {*kinds}:
        return "int-or-string"
    return kinds[0] if kinds else "object" if "properties" in schema or "additionalProperties" in schema else ""


def _is_quantity(schema: Mapping[str, Any]) -> bool:
    return "fixed-point representation" in str(schema.get("description", ""))


@cache
def _folder() -> Any:
    return files("kubernetes_validate") / "kubernetes-json-schema" / f"v{KUBERNETES}.0-local-strict"


@cache
def _definitions() -> Mapping[str, Any]:
    known: Mapping[str, Any] = json.loads((_folder() / "_definitions.json").read_text())["$defs"]
    return known


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = _definitions()[schema["$ref"].rpartition("/")[2]]
    return schema


def _type_of(api_version: str, kind: str) -> str:
    group, _, version = api_version.rpartition("/")
    for name, schema in _definitions().items():
        for each in schema.get("x-kubernetes-group-version-kind", ()):
            if (each["group"], each["version"], each["kind"]) == (group, version, kind):
                return name
    raise AssertionError(f"no schema of {api_version} {kind}")


def _brief(value: Any) -> str:
    text = str(value)
    return repr(value) if len(text) < 30 else f"{text[0]!r} * {len(text)}"
