"""Write the schemas of operators' kinds from their CustomResourceDefinitions, as `make schemas CRDS=…` does."""

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
from argosy.schemas.crds import schemas_of

_SHORT = 80
"""Up to how many characters a part of a schema is written each time that it occurs."""


def read(places: Iterable[Path]) -> Iterator[Mapping[str, Any]]:
    """Yield the CustomResourceDefinitions in YAML files, and in folders at any depth."""
    for place in places:
        files = sorted(place.rglob("*.y*ml")) if place.is_dir() else [place]
        for file in files:
            for document in plain.documents(file.read_text(encoding="utf-8")):
                if isinstance(document, dict) and manifests.is_crd(document):
                    yield document


def write(definitions: Iterable[Mapping[str, Any]], folder: Path = bundled.CRDS) -> list[Path]:
    """Write a file for each API version that definitions have, in place of what there was, and return the files.

    Versions that are no longer served are written too: a cluster may have an older operator.
    """
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for definition in definitions:
        versions = [{**each, "served": True} for each in definition["spec"]["versions"]]
        for group, version, kind, schema in schemas_of(
            {**definition, "spec": {**definition["spec"], "versions": versions}}
        ):
            found[f"{group}_{version}.json"][kind] = schema
    folder.mkdir(parents=True, exist_ok=True)
    for name, kinds in found.items():
        (folder / name).write_text(_text(name, kinds), encoding="utf-8")
    return [folder / name for name in found]


def _text(name: str, kinds: Mapping[str, Any]) -> str:
    """Return the file's text: a line for each kind, and for each part that occurs twice."""
    lines = [f"    {json.dumps(key)}: {_compact(schema)}" for key, schema in _shared(kinds).items()]
    head = f'{{\n  "$id": "argosy:/crds/{name}",\n  "$comment": "Written by `make schemas`.",\n  "$defs": {{\n'
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
        for each in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
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
            key: {name: shared(each, name) for name, each in value.items()}
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
