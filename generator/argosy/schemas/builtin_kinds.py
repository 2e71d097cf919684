"""The kinds that Kubernetes itself serves, by version: what it publishes of them, made as strict as an API server.

`kubernetes/VERSION.json` has its definitions, as `python -m tests.upstream kubernetes` writes them.
`kubernetes-server.json` adds what an API server answered about each field; `kubernetes-constraints.json`, which was
written by hand and counts where both speak of a field, what it checks beside that; `kubernetes-rules.json` what it
refuses across the fields of a type.
"""

from __future__ import annotations

import contextlib
import copy
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs

from argosy.documents import fields
from argosy.documents.fields import may_hold_null
from argosy.errors import UsageError
from argosy.names import did_you_mean
from argosy.schemas import bundled
from argosy.schemas.schema import CompiledSchema, Unserved
from argosy.schemas.violations import Violation

BUILT_IN_GROUPS = frozenset(
    {"", "admission.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "apps"}
    | {"auditregistration.k8s.io", "authentication.k8s.io", "authorization.k8s.io", "autoscaling", "batch"}
    | {"certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "extensions"}
    | {"flowcontrol.apiserver.k8s.io", "imagepolicy.k8s.io", "internal.apiserver.k8s.io", "lifecycle.k8s.io"}
    | {"networking.k8s.io", "node.k8s.io", "policy", "rbac.authorization.k8s.io", "resource.k8s.io"}
    | {"scheduling.k8s.io", "settings.k8s.io", "storage.k8s.io", "storagemigration.k8s.io"}
)
"""The API groups that Kubernetes itself serves, or once served: a kind of these that no schema knows does not exist."""

_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_CONSTRAINTS = ("kubernetes-server.json", "kubernetes-constraints.json")
_META, _CLAIM = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "io.k8s.api.core.v1.PersistentVolumeClaim"
_SELECTOR = "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector"
_DEFINITION = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition"
_UNCHECKED = (
    ("io.k8s.api.batch.v1.JobTemplateSpec", "metadata", _META),
    ("io.k8s.api.apps.v1.StatefulSetSpec", "volumeClaimTemplates", _CLAIM),
    (f"{_CLAIM}.of.io.k8s.api.apps.v1.StatefulSetSpec", "metadata", _META),
    (f"{_DEFINITION}Status", "acceptedNames", f"{_DEFINITION}Names"),
    ("io.k8s.api.autoscaling.v2.MetricIdentifier", "selector", _SELECTOR),
    (f"{_SELECTOR}.of.io.k8s.api.autoscaling.v2.MetricIdentifier", "matchExpressions", f"{_SELECTOR}Requirement"),
)
"""Type, field, and the field's type, where an API server checks nothing but types: what it makes of them is checked."""
_ZEROS: Mapping[str, Any] = {"string": "", "integer": 0, "object": {}, "array": [], "boolean": False}
_INT32 = {"minimum": -(2**31), "maximum": 2**31 - 1}


@cache
def versions() -> tuple[str, ...]:
    """Return the Kubernetes versions that there are schemas for, oldest first: ("1.25", …, "1.37")."""
    found = (path.stem for path in bundled.KUBERNETES.glob("*.json"))
    return tuple(sorted(found, key=lambda each: int(each.partition(".")[2])))


def minor(version: str) -> str:
    """Return the version (`v1.37.2`) as schemas go by it (`1.37`); raise UsageError where there are none for it."""
    found = re.match(r"v?(\d+\.\d+)(\.|$)", version)
    if not found or found[1] not in versions():
        known = versions()
        raise UsageError(
            f"There are no schemas for Kubernetes “{version}”.", f"Choose a version from {known[0]} to {known[-1]}."
        )
    return found[1]


class Decoded(CompiledSchema):
    """The schema of a kind that the API server decodes itself: an item that is null is empty text, 0 or nothing set."""

    def violations(self, data: Any) -> list[Violation]:
        """Return everything that is wrong with the data."""
        try:
            return CompiledSchema.violations(self, self._decoded(data) if may_hold_null(data) else data)
        except RecursionError:
            return CompiledSchema.violations(self, data)

    def _decoded(self, data: Any) -> Any:
        data = copy.deepcopy(data)
        with contextlib.suppress(ValueError):
            self._fill(data)
        return data

    def _fill(self, data: Any) -> None:
        for error in list(self.validator.iter_errors(data)):
            path = error.instance_path
            if error.instance is None and error.kind.name == "type" and path and isinstance(path[-1], int):
                fields.field(data, *path[:-1])[path[-1]] = _ZEROS.get(error.kind.as_dict()["types"][0])


@dataclass(frozen=True, slots=True, eq=False)
class Kubernetes:
    """The built-in kinds of one version."""

    version: str
    kinds: Mapping[tuple[str, str], str]
    """(apiVersion, kind) -> the type's name among the definitions."""
    uri: str
    documents: Mapping[str, Any]
    registry: Any
    compiled: dict[str, CompiledSchema]

    def schema(self, api_version: str, kind: str) -> CompiledSchema | None:
        """Return a kind's schema, None if the version serves no such kind."""
        name = self.kinds.get((api_version, kind))
        if name and name not in self.compiled:
            reference = {"$ref": f"{self.uri}#/$defs/{name}"}
            validator = jsonschema_rs.Draft202012Validator(reference, registry=self.registry, offline=True)
            self.compiled[name] = Decoded(validator, self.documents)
        return self.compiled[name] if name else None

    def served(self) -> frozenset[tuple[str, str]]:
        """Return the kinds, as (apiVersion, kind), that an API server serves unless told otherwise, and can list.

        Source: the discovery of API servers; from 1.24 on no new beta is on by default.
        """
        return frozenset(
            (version, kind)
            for version, kind in self.kinds
            if (version, f"{kind}List") in self.kinds and (_is_stable(version) or (version, kind) in _BETAS)
        ) - {("v1", "ComponentStatus")}

    def ends(self, api_version: str, kind: str) -> tuple[str, str]:
        """Return the first newer version that does not serve a kind so, and the stable apiVersion that it has already.

        Each is empty for none, and for a stable apiVersion both are: Kubernetes keeps those.
        """
        if (api_version, kind) not in self.kinds or not re.search("alpha|beta", api_version):
            return "", ""
        known = versions()
        newer = known[known.index(self.version) + 1 :]
        group = api_version.rpartition("/")[0]
        gone = next((each for each in newer if (api_version, kind) not in _kinds(_published(each))), "")
        stable = [each for each, name in self.kinds if name == kind and each.rpartition("/")[0] == group]
        return gone, next((each for each in stable if not re.search("alpha|beta", each)), "")

    def unserved(self, api_version: str, kind: str) -> Unserved:
        """Return the answer for a kind of Kubernetes' own groups that the version does not serve."""
        kubernetes = f"Kubernetes {self.version}"
        others = sorted((version for version, name in self.kinds if name == kind), key=_maturity)
        if others:
            return Unserved(f'"{api_version}" of {kind} is not served by {kubernetes}', f"Use {others[-1]}.")
        siblings = [name for version, name in self.kinds if version == api_version]
        if not siblings:
            return Unserved(
                f'"{api_version}" is not served by {kubernetes}', f"{kubernetes} has no kind {kind} at all."
            )
        near = did_you_mean(kind, [name for name in siblings if not name.endswith("List")])
        return Unserved(f'{kubernetes} has no kind "{kind}" in {api_version}', near, "kind")


_FLOW = "flowcontrol.apiserver.k8s.io"
_BETAS = {
    *(
        (f"{_FLOW}/v1beta{number}", kind)
        for number in (1, 2, 3)
        for kind in ("FlowSchema", "PriorityLevelConfiguration")
    ),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler"),
    ("storage.k8s.io/v1beta1", "CSIStorageCapacity"),
}
"""The kinds of the beta versions that were still on by default when those of Kubernetes 1.24 and later were not."""


def _is_stable(api_version: str) -> bool:
    return not re.search("alpha|beta", api_version)


@cache
def kubernetes(version: str) -> Kubernetes:
    """Return the built-in kinds of a minor version."""
    definitions = _published(version, object_hook=_as_api_server)
    _leave_unchecked(definitions)
    for file in _CONSTRAINTS:
        constraints = json.loads((bundled.FOLDER / file).read_bytes())
        for name, constrained in constraints["types"].items():
            properties = definitions.get(name, {}).get("properties", {})
            for field, keywords in constrained.items():
                if field in properties:
                    _merge(properties[field], keywords)
        for name, optional in constraints.get("optional", {}).items():
            if "required" in definitions.get(name, {}):
                required = [each for each in definitions[name]["required"] if each not in optional]
                definitions[name]["required"] = required
    for name, rules in json.loads((bundled.FOLDER / "kubernetes-rules.json").read_bytes())["types"].items():
        if name in definitions:
            refused = [{"not": each["refuses"], "x-refused": each["says"]} for each in rules]
            definitions[name]["allOf"] = [*definitions[name].get("allOf", ()), *refused]
    definitions[_QUANTITY] = {"$ref": "common.json#/$defs/quantity"}
    uri, common = f"argosy:/kubernetes-{version}.json", bundled.by_uri()["argosy:/common.json"]
    documents = {uri: {"$id": uri, "$defs": definitions}, common["$id"]: common}
    return Kubernetes(version, _kinds(definitions), uri, documents, jsonschema_rs.Registry(documents.items()), {})


def _published(version: str, object_hook: Callable[[dict[str, Any]], Any] | None = None) -> dict[str, Any]:
    text = (bundled.KUBERNETES / f"{version}.json").read_bytes()
    found: dict[str, Any] = json.loads(text, object_hook=object_hook)["$defs"]
    return found


def _kinds(definitions: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Return the types that are kinds, by apiVersion and kind."""
    return {
        ("/".join(filter(None, (served[0]["group"], served[0]["version"]))), served[0]["kind"]): name
        for name, definition in definitions.items()
        if len(served := definition.get("x-kubernetes-group-version-kind", ())) == 1
        and "metadata" in definition.get("properties", ())
    }


def _as_api_server(schema: dict[str, Any]) -> dict[str, Any]:
    """Make a part of the definitions as strict as an API server: nulls are gone before, 32 bits have bounds."""
    types = schema.get("type")
    if isinstance(types, list):
        schema["type"] = next((each for each in types if each != "null"), "null")
    if schema.get("format") == "int32":
        schema.update(_INT32)
    return schema


def _leave_unchecked(definitions: dict[str, Any]) -> None:
    """Give the fields of `_UNCHECKED` types of their own, which no constraint is for."""
    for name, field, of_type in _UNCHECKED:
        properties = definitions.get(name, {}).get("properties", {})
        if field in properties and of_type in definitions:
            own = json.loads(json.dumps(definitions[of_type]))
            own.pop("x-kubernetes-group-version-kind", None)
            definitions[f"{of_type}.of.{name}"] = own
            _refer(properties[field], of_type, f"{of_type}.of.{name}")


def _refer(schema: dict[str, Any], of_type: str, to: str) -> None:
    """Let a schema, or that of its items, refer to another type."""
    for each in (schema, schema.get("items", {})):
        if str(each.get("$ref", "")).endswith(f"/{of_type}"):
            each["$ref"] = each["$ref"].removesuffix(of_type) + to


def _merge(schema: dict[str, Any], keywords: Mapping[str, Any]) -> None:
    for keyword, value in keywords.items():
        if isinstance(value, dict) and isinstance(schema.get(keyword), dict):
            _merge(schema[keyword], value)
        else:
            schema[keyword] = value


def _maturity(api_version: str) -> tuple[bool, bool, str]:
    """Order the versions of an API: alpha, beta, stable, and each by its number."""
    return "alpha" not in api_version, "beta" not in api_version, api_version.rpartition("/")[2]
