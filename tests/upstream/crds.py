"""Write the schemas of operators' kinds from their CustomResourceDefinitions, as `make schemas` does."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from argosy.documents import plain
from argosy.kubernetes import manifests
from argosy.schemas import bundled
from argosy.schemas.crds import GONE, RULES, schemas_of

_SHORT = 80
"""Up to how many characters a part of a schema is written each time that it occurs."""
_AS_THEY_ARE = {"default", "enum", RULES}


def read(places: Iterable[Path]) -> Iterator[Mapping[str, Any]]:
    """Yield the CustomResourceDefinitions in YAML files, and in folders at any depth."""
    for place in places:
        files = sorted(place.rglob("*.y*ml")) if place.is_dir() else [place]
        for file in files:
            yield from within(file.read_text(encoding="utf-8"))


def within(text: str) -> Iterator[Mapping[str, Any]]:
    """Yield the CustomResourceDefinitions in a text."""
    for document in plain.documents(text):
        if isinstance(document, dict) and manifests.is_crd(document):
            yield document


def write(releases: Mapping[str, Iterable[Mapping[str, Any]]], folder: Path) -> list[Path]:
    """Write a file for each API version that an operator's releases have, in place of what there was.

    `releases` are the definitions by release, the newest first: of older ones there is what it has no more, kinds and
    fields. What is no longer served is written too, as such: a cluster may have an older operator.
    """
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    cluster: dict[str, set[str]] = defaultdict(set)
    newest = next(iter(releases))
    for release, definitions in releases.items():
        for definition in definitions:
            spec = definition["spec"]
            served = {each["name"] for each in spec["versions"] if each.get("served", True)}
            versions = [{**each, "served": True} for each in spec["versions"]]
            for group, version, kind, schema in schemas_of({**definition, "spec": {**spec, "versions": versions}}):
                name = f"{group}_{version}.json"
                if kind in found[name]:
                    found[name][kind] = _of_both(found[name][kind], schema)
                    continue
                if release != newest or version not in served:
                    schema[GONE] = f"{folder.name} {newest}"
                found[name][kind] = schema
                if spec.get("scope") == "Cluster":
                    cluster[name].add(kind)
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.json"):
        path.unlink()
    for name, kinds in found.items():
        (folder / name).write_text(_text(f"{folder.name}/{name}", kinds, cluster[name]), encoding="utf-8")
    return [folder / name for name in found]


def _of_both(newer: Mapping[str, Any], older: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema that takes what either release takes of a field: which one a cluster has is not known."""
    made = {**newer}
    fields = older.get("properties", {})
    if "properties" in newer:
        known = {
            key: _of_both(each, fields[key]) if key in fields else each for key, each in newer["properties"].items()
        }
        made["properties"] = {**known, **{key: each for key, each in fields.items() if key not in known}}
    for key in ("items", "additionalProperties"):
        if isinstance(newer.get(key), dict) and isinstance(older.get(key), dict):
            made[key] = _of_both(newer[key], older[key])
    if "enum" in newer:
        made["enum"] = [*newer["enum"], *(each for each in older.get("enum", ()) if each not in newer["enum"])]
    if "required" in newer:
        made["required"] = [each for each in newer["required"] if each in older.get("required", ())]
    return {key: each for key, each in made.items() if (key, each) != ("required", [])}


def write_scopes(folder: Path = bundled.CRDS) -> None:
    """Write which of the kinds that have schemas belong to no namespace."""
    scopes: dict[str, set[str]] = defaultdict(set)
    for path in folder.glob("*/*.json"):
        scopes[path.name.partition("_")[0]].update(json.loads(path.read_bytes())["x-cluster"])
    lines = [f"  {json.dumps(group)}: {json.dumps(sorted(kinds))}" for group, kinds in sorted(scopes.items()) if kinds]
    (folder / bundled.SCOPES).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _text(name: str, kinds: Mapping[str, Any], cluster: Iterable[str]) -> str:
    """Return the file's text: a line for each kind, and for each part that occurs twice."""
    lines = [f"    {json.dumps(key)}: {_compact(schema)}" for key, schema in _shared(kinds).items()]
    head = (
        f'{{\n  "$id": "argosy:/crds/{name}",\n  "$comment": "Written by `make schemas`.",\n'
        f'  "x-cluster": {json.dumps(sorted(cluster))},\n  "$defs": {{\n'
    )
    return head + ",\n".join(lines) + "\n  }\n}\n"


def _shared(kinds: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schemas with parts that occur several times once, under the field's name and a digest."""
    counts: Counter[str] = Counter()

    def count(schema: Any) -> None:
        text = _compact(schema)
        if _is_schema(schema) and len(text) > _SHORT:
            counts[text] += 1
            if counts[text] > 1:
                return
        if isinstance(schema, dict):
            for key, each in schema.items():
                if key not in _AS_THEY_ARE:
                    count(each)
        for each in schema if isinstance(schema, list) else ():
            count(each)

    names: dict[str, str] = {}
    parts: dict[str, Any] = {}

    def shared(schema: Any, field: str = "") -> Any:
        text = _compact(schema)
        if field and _is_schema(schema) and counts[text] > 1:
            if text not in names:
                names[text] = f"{field[:1].lower()}{field[1:]}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
                parts[names[text]] = inner(schema, field)
            return {"$ref": f"#/$defs/{names[text]}"}
        return inner(schema, field)

    def inner(schema: Any, field: str) -> Any:
        if isinstance(schema, list):
            return [shared(each, field) for each in schema]
        if not isinstance(schema, dict):
            return schema
        return {
            key: value
            if key in _AS_THEY_ARE
            else {name: shared(each, name) for name, each in value.items()}
            if key == "properties"
            else shared(value, field)
            for key, value in schema.items()
        }

    for schema in kinds.values():
        count(schema)
    written = {kind: inner(kinds[kind], kind) for kind in sorted(kinds)}
    return {**written, **dict(sorted(parts.items()))}


def _is_schema(value: Any) -> bool:
    return isinstance(value, dict) and ("type" in value or "properties" in value or "anyOf" in value)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
