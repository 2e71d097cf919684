"""What a CustomResourceDefinition says beyond JSON Schema: defaults, rules in CEL, and which versions end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from argosy.schemas.crds import DEPRECATION, GONE
from argosy.schemas.schema import Schema
from argosy.schemas.violations import Violation

_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """The JSON schema of a kind as `crds.py` makes it of its definition."""

    schema: Mapping[str, Any]
    parts: Mapping[str, Any]
    """What it refers to, by `#/$defs/NAME`."""

    def ends(self) -> tuple[str, str] | None:
        """Return which release lacks its version, and what is said of a deprecated one; None if it stays."""
        gone, said = str(self.schema.get(GONE, "")), str(self.schema.get(DEPRECATION, ""))
        return (gone, said) if gone or self.schema.get("deprecated") is True else None

    def defaulted(self, data: Any) -> Any:
        """Return an object with the defaults that the API server fills in before it validates."""
        try:
            return self._defaulted(data, self.schema)
        except RecursionError:
            return data

    def resolved(self, schema: Any) -> Mapping[str, Any]:
        """Return what a schema refers to; a list's items that may be null, without that."""
        while isinstance(schema, dict):
            reference = schema.get("$ref")
            if reference is not None:
                schema = self.parts.get(str(reference).removeprefix("#/$defs/"))
            elif schema.keys() == {"anyOf"} and schema["anyOf"][1:] == [{"type": "null"}]:
                schema = schema["anyOf"][0]
            else:
                return schema
        return _NOTHING

    def _defaulted(self, data: Any, given: Any) -> Any:
        schema = self.resolved(given)
        if isinstance(data, list):
            items = schema.get("items")
            return [self._defaulted(each, items) for each in data] if items else data
        if not isinstance(data, dict):
            return data
        properties, more = schema.get("properties", {}), schema.get("additionalProperties")
        whole = dict(data)
        for name, each in properties.items():
            default = self.resolved(each).get("default")
            if name not in whole and default is not None:
                whole[name] = default
        return {name: self._defaulted(each, properties.get(name, more)) for name, each in whole.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Custom:
    """The schema of a custom resource, whose defaults are there before it is judged."""

    schema: Schema
    definition: Definition

    def violations(self, data: Any) -> list[Violation]:
        """Return everything that is wrong with the data."""
        return self.schema.violations(self.definition.defaulted(data))
