"""Data: what commands print for programs, as JSON that names its schema, or YAML of the same; and the schemas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

SCHEMA_VERSION = 1
"""Grows when a field goes away or changes its meaning. New fields may come at any time.

The schema of each kind is in `schemas/data/output/`, and tests hold all that is written to it.
"""


def written(kind: str, document: Mapping[str, Any]) -> str:
    """Return a document as JSON that every encoding can show; the schema `kind` says what is in it."""
    return json.dumps(_named(kind, document), indent=2, default=str) + "\n"


def on_one_line(kind: str, document: Mapping[str, Any]) -> str:
    """Return the same on one line, to be found among others."""
    return json.dumps(_named(kind, document), default=str, ensure_ascii=False) + "\n"


def _named(kind: str, document: Mapping[str, Any]) -> dict[str, Any]:
    return {"schemaVersion": SCHEMA_VERSION, "kind": kind, **document}


def as_yaml(text: str) -> str:
    """Return JSON as YAML."""
    import yaml  # noqa: PLC0415

    return yaml.safe_dump(json.loads(text), sort_keys=False, width=120)
