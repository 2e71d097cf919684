"""OpenShift's aggregated API servers -> CustomResourceDefinitions, which these kinds do not have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from argosy.documents.fields import mapping

_GROUPS = ("apps", "authorization", "build", "image", "oauth", "project", "template", "user")
_CLUSTER = re.compile(
    "ClusterRole.*|Group|Identity|Image|ImageSignature|OAuth.*|Project.*|User.*|BrokerTemplateInstance"
)
_KIND = re.compile(r"com\.github\.openshift\.api\.(\w+)\.(v\w+)\.(\w+)")
_OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_KNOWN: Mapping[str, Mapping[str, Any]] = {
    "IntOrString": {"x-kubernetes-int-or-string": True},
    "Quantity": {"x-kubernetes-int-or-string": True},
    "RawExtension": _OPEN,
    "Time": {"type": "string"},
    "MicroTime": {"type": "string"},
    "FieldsV1": _OPEN,
}


def definitions(openapi: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a definition for each kind that such a server has.

    What OpenAPI requires is left out: it is what Go always writes, and not what the server asks for.
    """
    types = openapi["definitions"]
    for name, each in types.items():
        found = _KIND.fullmatch(name)
        is_kind = {"apiVersion", "kind", "metadata"} <= mapping(each.get("properties")).keys()
        if not found or found[1] not in _GROUPS or not is_kind or found[3].endswith("List"):
            continue
        package, version, kind = found.groups()
        names = {"kind": kind, "plural": f"{kind.lower()}s"}
        schema = {"openAPIV3Schema": _structural(each, types, ())}
        yield {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{names['plural']}.{package}.openshift.io"},
            "spec": {
                "group": f"{package}.openshift.io",
                "names": names,
                "scope": "Cluster" if _CLUSTER.fullmatch(kind) else "Namespaced",
                "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
            },
        }


def _structural(given: Mapping[str, Any], types: Mapping[str, Any], within: tuple[str, ...]) -> dict[str, Any]:
    """Return a schema with what it refers to in its place."""
    if "$ref" in given:
        name = given["$ref"].rpartition("/")[2]
        short = name.partition(".")[0] if name.endswith(".k8s.io") else name.rpartition(".")[2]
        if short in _KNOWN:
            return dict(_KNOWN[short])
        return dict(_OPEN) if name in within else _structural(types[name], types, (*within, name))
    schema = {key: given[key] for key in ("type", "format", "enum") if key in given}
    if "properties" in given:
        schema["properties"] = {name: _structural(each, types, within) for name, each in given["properties"].items()}
    elif schema.get("type") == "object" and "additionalProperties" not in given:
        schema.update(_OPEN)
    for key in ("items", "additionalProperties"):
        if isinstance(given.get(key), dict):
            schema[key] = _structural(given[key], types, within)
    return schema
