"""CustomResourceDefinitions -> strict JSON schemas of their kinds, and what judges by those."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from argosy.schemas import bundled
from argosy.schemas.schema import CompiledSchema, Schema
from argosy.schemas.violations import Violation

_KEPT = (
    "default", "enum", "maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength", "minProperties",
    "minimum", "multipleOf", "uniqueItems",
)  # fmt: skip
_FORMATS = {"ipv4", "ipv6", "uuid"}
"""Those that JSON Schema, YAML and Kubernetes read alike; a `duration` or a date is another thing to each."""
_Convert = Callable[[Mapping[str, Any]], dict[str, Any]]
_METADATA = {"$ref": "argosy:/common.json#/$defs/objectMeta"}


def schemas_of(crd: Mapping[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Yield (group, version, kind, schema) for each version that the definition serves.

    As a strict API server does, a schema refuses the fields that the definition does not list, unless it says
    `x-kubernetes-preserve-unknown-fields`. Rules in CEL are not expressed. Parts that are malformed are left out.
    """
    spec = _mapping(crd.get("spec"))
    group, kind = spec.get("group"), _mapping(spec.get("names")).get("kind")
    versions = spec.get("versions")
    for version in versions if isinstance(versions, list) else ():
        name = _mapping(version).get("name")
        root = _mapping(_mapping(_mapping(version).get("schema")).get("openAPIV3Schema"))
        if root and version.get("served") is not False and all(isinstance(each, str) for each in (group, name, kind)):
            yield str(group), str(name), str(kind), _resource(root, f"{group}/{name}", str(kind))


def compiled(schema: Mapping[str, Any]) -> Schema | None:
    """Compile a definition's schema; None if it is malformed, which its own document's findings say."""
    uri = "argosy:/crd.json"
    document = {"$id": uri, **schema}
    try:
        validator = jsonschema_rs.Draft202012Validator(
            document,
            registry=jsonschema_rs.Registry(bundled.by_uri().items()),
            offline=True,
            validate_formats=True,
            # Rust's engine has the syntax of Go's, which the definition's patterns are written for.
            pattern_options=jsonschema_rs.RegexOptions(),
        )
    except ValueError:
        return None
    return _CustomSchema(document, CompiledSchema(validator, {**bundled.by_uri(), uri: document}))


@dataclass(frozen=True, slots=True, eq=False)
class _CustomSchema:
    """A definition's schema: defaults come before validation."""

    document: Mapping[str, Any]
    schema: Schema

    def violations(self, data: Any) -> list[Violation]:
        try:
            data = _with_defaults(self.document, data)
        except RecursionError:
            return [Violation((), "the document is nested too deeply")]
        return self.schema.violations(data)


def _with_defaults(schema: Mapping[str, Any], data: Any) -> Any:
    """Return the data with the schema's defaults filled in, as an API server does before it validates."""
    if isinstance(data, list) and "items" in schema:
        return [_with_defaults(schema["items"], item) for item in data]
    if not isinstance(data, dict):
        return data
    properties, extra = schema.get("properties", {}), _mapping(schema.get("additionalProperties"))
    filled = {name: _with_defaults(properties.get(name, extra), value) for name, value in data.items()}
    for name, each in properties.items():
        if name not in filled and "default" in each:
            filled[name] = _with_defaults(each, each["default"])
    return filled


def _resource(root: Mapping[str, Any], api_version: str, kind: str) -> dict[str, Any]:
    schema = _strict({**root, "type": "object"})
    identity = {"apiVersion": {"const": api_version}, "kind": {"const": kind}, "metadata": _METADATA}
    schema["properties"] = {**schema.get("properties", {}), **identity}
    return schema


def _strict(openapi: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of a structural OpenAPI schema, with the fields refused that it does not list."""
    schema = _constraints(openapi, _strict)
    free = openapi.get("x-kubernetes-preserve-unknown-fields") is True
    if openapi.get("type") == "object" and not free:
        schema.setdefault("additionalProperties", False)
    if openapi.get("x-kubernetes-embedded-resource") is True:
        identity = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": _METADATA}
        schema["properties"] = {**schema.get("properties", {}), **identity}
        schema["required"] = sorted({*schema.get("required", ()), "apiVersion", "kind"})
    return schema


def _loose(openapi: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of what stands below allOf, anyOf, oneOf or not: it constrains fields, it lists none."""
    return _constraints(openapi, _loose)


def _constraints(given: Mapping[str, Any], nested: _Convert) -> dict[str, Any]:
    schema: dict[str, Any] = {key: given[key] for key in _KEPT if given.get(key) is not None}
    if given.get("x-kubernetes-int-or-string") is True:
        schema["type"] = ["integer", "string"]
    elif isinstance(given.get("type"), str):
        schema["type"] = given["type"]
    if isinstance(given.get("pattern"), str) and _compiles(given["pattern"]):
        schema["pattern"] = given["pattern"]
    if isinstance(given.get("format"), str) and given["format"] in _FORMATS:
        schema["format"] = given["format"]
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if given.get(exclusive) is True and bound in schema:
            schema[exclusive] = schema.pop(bound)
    for several in ("allOf", "anyOf", "oneOf"):
        if isinstance(given.get(several), list) and given[several]:
            schema[several] = [_loose(_mapping(each)) for each in given[several]]
    if isinstance(given.get("not"), dict):
        schema["not"] = _loose(given["not"])
    return {**schema, **_children(given, nested)}


def _children(given: Mapping[str, Any], nested: _Convert) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    properties = _mapping(given.get("properties"))
    if properties:
        schema["properties"] = {name: nested(_mapping(each)) for name, each in properties.items()}
    if isinstance(given.get("required"), list):
        # Nulls are dropped before validation, so a field that may be null must be free to be absent.
        nullable = {name for name, each in properties.items() if _mapping(each).get("nullable") is True}
        schema["required"] = [name for name in given["required"] if name not in nullable]
    if isinstance(given.get("items"), dict):
        items = nested(given["items"])
        nullable_items = given["items"].get("nullable") is True
        schema["items"] = {"anyOf": [items, {"type": "null"}]} if nullable_items else items
    extra = given.get("additionalProperties")
    if isinstance(extra, bool | dict):
        schema["additionalProperties"] = nested(extra) if isinstance(extra, dict) else extra
    return schema


def _compiles(pattern: str) -> bool:
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())
    except ValueError:
        return False
    return True


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
