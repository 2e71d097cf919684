"""The definitions of Kubernetes' own kinds, from the data of kubernetes-validate, which is 100 MB on a disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from argosy.schemas import bundled


def texts() -> Mapping[str, str]:
    """Return what `bundled.KUBERNETES` has to hold, by file name: a definition is a line, so that a change shows."""
    found = {}
    origin = f"kubernetes-validate {version('kubernetes-validate')}, of Kubernetes: Apache-2.0"
    for folder in (files("kubernetes_validate") / "kubernetes-json-schema").iterdir():
        if not folder.name.endswith("-local-strict"):
            continue
        number = ".".join(folder.name.removeprefix("v").split(".")[:2])
        definitions = json.loads((folder / "_definitions.json").read_bytes())["$defs"]
        lines = [f"{json.dumps(name)}: {_compact(definitions[name])}" for name in sorted(definitions)]
        text = ",\n".join(lines)
        found[f"{number}.json"] = f'{{"$comment": {json.dumps(origin)}, "$defs": {{\n{text}\n}}}}\n'
    return found


def write() -> list[str]:
    """Write the files, remove others, and return their names."""
    bundled.KUBERNETES.mkdir(exist_ok=True)
    wanted = texts()
    for each in bundled.KUBERNETES.iterdir():
        if each.name not in wanted:
            each.unlink()
    for name, text in wanted.items():
        (bundled.KUBERNETES / name).write_text(text, encoding="ascii")
    return sorted(wanted)


def _compact(schema: Any) -> str:
    return json.dumps(_undescribed(schema), separators=(",", ":"))


def _undescribed(schema: Any) -> Any:
    """Return a schema without what it says to people, which is most of it."""
    if isinstance(schema, dict):
        return {
            key: _undescribed(value)
            for key, value in schema.items()
            if key != "description" or not isinstance(value, str)
        }
    return [*map(_undescribed, schema)] if isinstance(schema, list) else schema
