"""Which of the JSON schemas that validation knows judges a manifest or a file.

Schemas come from the CustomResourceDefinitions of the repository, from Kubernetes itself (made as
strict as an API server), from `--schema-location`, from `schemas/`, and for CI files
from check-jsonschema's data. Each is compiled once, when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from argosy.documents.fields import may_hold_null
from argosy.schemas import argocd, bundled
from argosy.schemas.builtin_kinds import BUILT_IN_GROUPS, kubernetes, minor, versions
from argosy.schemas.crds import compiled, schemas_of
from argosy.schemas.definition import Custom, Definition
from argosy.schemas.files import answers, file_schema
from argosy.schemas.locations import SchemaLocation
from argosy.schemas.schema import AnySchema, Schema, Unserved, compiled_foreign

__all__ = ["Definition", "SchemaStore", "answers", "file_schema", "versions", "without_nulls"]


class SchemaStore:
    """The schemas for one Kubernetes version and one repository."""

    def __init__(
        self,
        kubernetes_version: str,
        locations: Sequence[str | SchemaLocation] = (),
        crds: Iterable[Mapping[str, Any]] = (),
        argocd_version: str = "",
    ) -> None:
        """Take the version (`1.37`, `v1.37.2`), `--schema-location`s, and the repository's CustomResourceDefinitions.

        `argocd_version` is the Argo CD whose fields its kinds have; empty for the newest.

        Raise UsageError for a version without schemas and for a location that cannot be meant.
        """
        self.kubernetes_version = minor(kubernetes_version)
        self._locations = [
            each if isinstance(each, SchemaLocation) else SchemaLocation.parse(each) for each in locations
        ]
        self._crds: dict[tuple[str, str], dict[str, list[Any]]] = {}
        for crd in crds:
            for group, version, kind, schema in schemas_of(crd):
                same = self._crds.setdefault((group, kind), {}).setdefault(version, [])
                if schema not in same:
                    same.append(schema)
        self._argocd = argocd_version
        self._manifests: dict[tuple[str, str], Schema | None] = {}
        self._definitions: dict[tuple[str, str], Sequence[Definition]] = {}

    def for_manifest(self, api_version: str, kind: str) -> Schema | None:
        """Return the schema of a kind, an `Unserved` if it cannot exist, None if nothing is known of its group.

        Expand a `List` before. Raise ArgosyError if a schema location cannot be read.
        """
        key = (api_version, kind)
        if key not in self._manifests:
            self._manifests[key] = self._find(api_version, kind)
        return self._manifests[key]

    def definitions(self, api_version: str, kind: str) -> Sequence[Definition]:
        """Return what is known of a custom resource from its definitions, the repository's or an operator's."""
        key = (api_version, kind)
        if key not in self._definitions:
            self._definitions[key] = self._defined(api_version, kind)
        return self._definitions[key]

    def _defined(self, api_version: str, kind: str) -> Sequence[Definition]:
        group, _, version = api_version.partition("/")
        if (group, kind) in self._crds:
            return [Definition(each, {}) for each in self._crds[group, kind].get(version, ())]
        document = None if self._of_locations(api_version, kind) else bundled.generated(api_version, kind)
        return [Definition(document["$defs"][kind], document["$defs"])] if document else ()

    def for_file(self, path: str) -> Schema | None:
        """Return the schema of a file that is no manifest, by its path from the repository's root; None if none is."""
        return file_schema(path)

    def _find(self, api_version: str, kind: str) -> Schema | None:
        group, _, version = api_version.rpartition("/")
        if (group, version, kind) == ("", "v1", "List"):
            return None
        built_in = kubernetes(self.kubernetes_version)
        return (
            self._of_repository(group, version, kind)
            or built_in.schema(api_version, kind)
            or self._of_locations(api_version, kind)
            or self._of_operators(api_version, kind)
            or (built_in.unserved(api_version, kind) if group in BUILT_IN_GROUPS else None)
            or argocd.unserved(api_version, kind)
        )

    def _of_repository(self, group: str, version: str, kind: str) -> Schema | None:
        served = self._crds.get((group, kind))
        if not served:
            return None
        if version not in served:
            return Unserved(
                f'"{group}/{version}" of {kind} is not served by the repository\'s CustomResourceDefinition',
                f"It serves {', '.join(sorted(served))}.",
            )
        schemas = [Custom(judge, Definition(each, {})) for each in served[version] if (judge := compiled(each))]
        return AnySchema(schemas) if schemas else None

    def _of_operators(self, api_version: str, kind: str) -> Schema | None:
        schema = argocd.schema(api_version, kind, self._argocd) or bundled.for_kind(api_version, kind)
        document = bundled.generated(api_version, kind) if schema else None
        return Custom(schema, Definition(document["$defs"][kind], document["$defs"])) if schema and document else schema

    def _of_locations(self, api_version: str, kind: str) -> Schema | None:
        for location in self._locations:
            found = location.find(self.kubernetes_version, api_version, kind)
            if found:
                return compiled_foreign(*found, location.read)
        return None


def without_nulls(data: Any) -> Any:
    """Return the data without the fields that are null, as an API server drops them; items of lists stay."""
    try:
        return _without_nulls(data) if may_hold_null(data) else data
    except RecursionError:
        return data


def _without_nulls(data: Any) -> Any:
    # Most of what there is are texts and numbers: a call for each of them would double what it takes.
    if isinstance(data, dict):
        return {
            key: _without_nulls(value) if isinstance(value, dict | list) else value
            for key, value in data.items()
            if value is not None
        }
    return [_without_nulls(item) for item in data] if isinstance(data, list) else data
