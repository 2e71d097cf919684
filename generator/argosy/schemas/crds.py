"""CustomResourceDefinitions -> strict JSON schemas of their kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jsonschema_rs

from argosy.documents.fields import mapping, sequence
from argosy.schemas import bundled
from argosy.schemas.schema import Schema
from argosy.schemas.schema import compiled as schema_compiled

_KEPT = (
    "enum", "maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength", "minimum", "multipleOf",
    "uniqueItems",
)  # fmt: skip
_FORMATS = {"ipv4", "ipv6", "uuid"}
"""Those that JSON Schema, YAML and Kubernetes read alike; a `duration` or a date is another thing to each."""
_OF_CEL = {"byte", "date", "date-time", "duration"}
"""Those that rules in CEL see as something else than text."""
RULES, FORMAT = "x-kubernetes-validations", "x-format"
"""Keys of the JSON schemas for what rules in CEL need: themselves, and a format of `_OF_CEL`."""
DEPRECATION, GONE = "x-deprecation", "x-gone"
"""Keys for what the definition says of a deprecated version, and the release that does not serve it any more."""
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_EXPECTED = {
    f"^{_LABEL}$": "made of lower-case letters, digits and “-”, with a letter or digit at both ends",
    rf"^{_LABEL}(\.{_LABEL})*$": "made of lower-case letters, digits, “-” and “.”, with a letter or digit at both ends",
    "^[-._a-zA-Z0-9]+$": "made of letters, digits, “-”, “_” and “.”",
    "^([0-9]{1,5}(h|m|s|ms)){1,4}$": "a duration such as 500ms, 15s or 1h30m",
    "^([0-9]+(s|m|h))+$": "a duration such as 30s, 5m or 1h30m",
    "^(([0-9]+(s|m|h))+|Never)$": "a duration such as 30s, 5m or 1h30m, or Never",
    "^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$": (
        "a duration such as 30s or 1h30m"
    ),
    "^((100|[0-9]{1,2})%|[0-9]+)$": "a number in quotes, or a percentage",
    "^((([01][0-9])|(2[0-3])):[0-5][0-9])$|(^24:00$)": "a time such as 09:00",
}
"""What patterns that many definitions have mean, in words."""
_Convert = Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]
_METADATA = {"$ref": "argosy:/common.json#/$defs/objectMeta"}


def schemas_of(crd: Mapping[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Yield (group, version, kind, schema) for each version that the definition serves.

    As a strict API server does, a schema refuses the fields that the definition does not list, unless it says
    `x-kubernetes-preserve-unknown-fields`. Rules in CEL come along for `rules_in_cel.py`, with the defaults and formats
    that they see. Parts that are malformed are left out.
    """
    spec = mapping(crd.get("spec"))
    group, kind = spec.get("group"), mapping(spec.get("names")).get("kind")
    versions = [mapping(each) for each in sequence(spec.get("versions"))]
    stored = next((each.get("name") for each in versions if each.get("storage") is True), None)
    for version in versions:
        name, root = version.get("name"), mapping(mapping(version.get("schema")).get("openAPIV3Schema"))
        if root and version.get("served") is not False and all(isinstance(each, str) for each in (group, name, kind)):
            schema = _resource(root, f"{group}/{name}", str(kind))
            if version.get("deprecated") is True:
                use = f"{group}/{stored}" if stored not in {None, name} else ""
                schema |= {"deprecated": True, DEPRECATION: version.get("deprecationWarning") or use}
            yield str(group), str(name), str(kind), schema


def compiled(schema: Mapping[str, Any]) -> Schema | None:
    """Compile a definition's schema; None if it is malformed, which its own document's findings say."""
    uri = "argosy:/crd.json"
    document = {"$id": uri, **schema}
    try:
        return schema_compiled(document, {**bundled.by_uri(), uri: document}, of_crd=True)
    except ValueError:
        return None


def _resource(root: Mapping[str, Any], api_version: str, kind: str) -> dict[str, Any]:
    schema = _strict({**root, "type": "object"})
    identity = {"apiVersion": {"const": api_version}, "kind": {"const": kind}, "metadata": _METADATA}
    schema["properties"] = {**schema.get("properties", {}), **identity}
    if "metadata" not in (required := schema.get("required", [])):
        schema["required"] = [*required, "metadata"]
    return schema


def _strict(openapi: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of a structural OpenAPI schema, with the fields refused that it does not list."""
    schema = _constraints(openapi, openapi, lambda each, _: _strict(each))
    for key in ("default", RULES):
        if openapi.get(key) is not None:
            schema[key] = openapi[key]
    if openapi.get("format") in _OF_CEL:
        schema[FORMAT] = openapi["format"]
    free = openapi.get("x-kubernetes-preserve-unknown-fields") is True
    if openapi.get("type") == "object" and not free:
        schema.setdefault("additionalProperties", False)
    if openapi.get("x-kubernetes-embedded-resource") is True:
        identity = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": _METADATA}
        schema["properties"] = {**schema.get("properties", {}), **identity}
        schema["required"] = sorted({*schema.get("required", ()), "apiVersion", "kind"})
    return schema


def _loose(openapi: Mapping[str, Any], around: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of what stands below allOf, anyOf, oneOf or not: it constrains fields, it lists none.

    `around` is the structural schema of the same value, which alone has the defaults.
    """
    return _constraints(openapi, around, _loose)


def _constraints(given: Mapping[str, Any], around: Mapping[str, Any], nested: _Convert) -> dict[str, Any]:
    schema: dict[str, Any] = {key: given[key] for key in _KEPT if given.get(key) is not None}
    if given.get("x-kubernetes-int-or-string") is True:
        schema["type"] = ["integer", "string"]
    elif isinstance(given.get("type"), str):
        schema["type"] = given["type"]
    if isinstance(given.get("pattern"), str) and _compiles(given["pattern"]):
        schema["pattern"] = given["pattern"]
        if given["pattern"] in _EXPECTED:
            schema["x-expected"] = _EXPECTED[given["pattern"]]
    if isinstance(given.get("format"), str) and given["format"] in _FORMATS:
        schema["format"] = given["format"]
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if given.get(exclusive) is True and bound in schema:
            schema[exclusive] = schema.pop(bound)
    for several in ("allOf", "anyOf", "oneOf"):
        if isinstance(given.get(several), list) and given[several]:
            schema[several] = [_loose(mapping(each), around) for each in given[several]]
    if isinstance(given.get("not"), dict):
        schema["not"] = _loose(given["not"], around)
    return {**schema, **_children(given, around, nested)}


def _children(given: Mapping[str, Any], around: Mapping[str, Any], nested: _Convert) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    properties, known = mapping(given.get("properties")), mapping(around.get("properties"))
    if properties:
        schema["properties"] = {
            name: nested(mapping(each), mapping(known.get(name))) for name, each in properties.items()
        }
    # An API server fills in defaults before it validates, and drops nulls: both fields are free to be absent.
    defaults = {name for name, each in known.items() if mapping(each).get("default") is not None}
    nullable = {name for name, each in known.items() if mapping(each).get("nullable") is True}
    if isinstance(given.get("required"), list):
        schema["required"] = [name for name in given["required"] if name not in defaults | nullable]
    if not defaults and given.get("minProperties") is not None:
        schema["minProperties"] = given["minProperties"]
    if isinstance(given.get("items"), dict):
        items = nested(given["items"], mapping(around.get("items")))
        nullable_items = given["items"].get("nullable") is True
        schema["items"] = {"anyOf": [items, {"type": "null"}]} if nullable_items else items
    extra = given.get("additionalProperties")
    if isinstance(extra, bool | dict):
        each = mapping(around.get("additionalProperties"))
        schema["additionalProperties"] = nested(extra, each) if isinstance(extra, dict) else extra
    return schema


def _compiles(pattern: str) -> bool:
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())
    except ValueError:
        return False
    return True
