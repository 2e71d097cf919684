"""Every JSON schema that validation knows: which one judges a manifest or a file, and what is wrong by it.

Schemas come from the CustomResourceDefinitions of the repository, from Kubernetes itself (kubernetes-validate's data,
made strict by `schemas/kubernetes-constraints.json`), from `--schema-location`, from `schemas/`, and for CI files
from check-jsonschema's data. Each is compiled once, when it is first asked for.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import jsonschema_rs

from generator.errors import ArgosyError, UsageError
from generator.validation.crd_schemas import schemas_of, with_defaults
from generator.validation.schema_locations import SchemaLocation, read
from generator.validation.schema_violations import Violation, did_you_mean, translate

BUILT_IN_GROUPS = frozenset(
    {"", "admission.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "apps"}
    | {"auditregistration.k8s.io", "authentication.k8s.io", "authorization.k8s.io", "autoscaling", "batch"}
    | {"certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "extensions"}
    | {"flowcontrol.apiserver.k8s.io", "imagepolicy.k8s.io", "internal.apiserver.k8s.io", "lifecycle.k8s.io"}
    | {"networking.k8s.io", "node.k8s.io", "policy", "rbac.authorization.k8s.io", "resource.k8s.io"}
    | {"scheduling.k8s.io", "settings.k8s.io", "storage.k8s.io", "storagemigration.k8s.io"}
)
"""The API groups that Kubernetes itself serves, or once served: a kind of these that no schema knows does not exist."""

_OWN_KINDS = {
    "argoproj.io/v1alpha1": "argocd.json",
    "external-secrets.io/v1": "external-secrets.json",
    "external-secrets.io/v1beta1": "external-secrets.json",
    "gateway.networking.k8s.io/v1": "gateway.json",
    "gateway.networking.k8s.io/v1beta1": "gateway.json",
    "kustomize.config.k8s.io/v1alpha1": "kustomize.json",
    "kustomize.config.k8s.io/v1beta1": "kustomize.json",
    "monitoring.coreos.com/v1": "monitoring.json",
}

_OWN_FILES = (
    (r"environments/[^/]+/environment\.yaml", "files.json#/$defs/environment"),
    (r"applications/[^/]+/application\.yaml", "files.json#/$defs/application"),
    (r"\.copier-answers\.yml", "files.json#/$defs/answers"),
    (r"\.argosy\.yaml", "files.json#/$defs/configuration"),
    (r"(.*/)?Chart\.yaml", "files.json#/$defs/chart"),
    (r"\.pre-commit-config\.yaml", "files.json#/$defs/preCommit"),
    (r"\.yamllint(\.ya?ml)?", "files.json#/$defs/yamllint"),
    (r"(.*/)?(kustomization\.ya?ml|Kustomization)", "kustomize.json#/$defs/file"),
)

_VENDORED_FILES = (
    (r"\.github/workflows/[^/]+\.ya?ml", "github-workflows"),
    (r"(\.github/actions/.+/)?action\.ya?ml", "github-actions"),
    (r"\.github/dependabot\.ya?ml", "dependabot"),
    (r"\.github/ISSUE_TEMPLATE/config\.ya?ml", "github-issue-config"),
    (r"\.github/ISSUE_TEMPLATE/[^/]+\.ya?ml", "github-issue-forms"),
    (r"\.github/DISCUSSION_TEMPLATE/[^/]+\.ya?ml", "github-discussion"),
    (r"(.*/)?[^/]*\.gitlab-ci\.ya?ml", "gitlab-ci"),
    (r"bitbucket-pipelines\.ya?ml", "bitbucket-pipelines"),
    (r"(\.github/|\.gitlab/)?(renovate\.json|\.renovaterc(\.json)?)", "renovate"),
    (r"\.circleci/config\.ya?ml", "circle-ci"),
    (r"\.travis\.yml", "travis"),
    (r"\.woodpecker(\.ya?ml|/.+\.ya?ml)", "woodpecker-ci"),
    (r"\.buildkite/pipeline(\.[^/]+)?\.(ya?ml|json)", "buildkite"),
    (r"cloudbuild\.(ya?ml|json)", "cloudbuild"),
    (r"(\.mergify|\.mergify/config|\.github/mergify)\.yml", "mergify"),
    (r"\.readthedocs\.ya?ml", "readthedocs"),
    (r"[Tt]askfile(\.dist)?\.ya?ml", "taskfile"),
)

_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_INT32 = {"minimum": -(2**31), "maximum": 2**31 - 1}
_DRAFT = re.compile(r"https?://json-schema\.org/(draft-0[467]|draft/20(19-09|20-12))/schema#?")


class Schema(Protocol):
    """What judges one document."""

    def violations(self, data: Any) -> list[Violation]:
        """Return everything that is wrong with the data; nulls count, so drop those that an API server drops first."""


@dataclass(frozen=True, slots=True, eq=False)
class CompiledSchema:
    """A JSON schema, ready to judge."""

    validator: Any
    documents: Mapping[str, Any]
    """The schema and what it refers to, by URI."""

    def violations(self, data: Any) -> list[Violation]:
        """Return everything that is wrong with the data, whatever it holds."""
        try:
            return translate(self.validator.iter_errors(data), self.documents)
        except ValueError:
            # Keys that are no text, dates and the like: YAML has them, JSON has not.
            return self._violations_of_json(data)

    def _violations_of_json(self, data: Any) -> list[Violation]:
        try:
            return translate(self.validator.iter_errors(json.loads(json.dumps(data, default=str))), self.documents)
        except (TypeError, ValueError, RecursionError) as error:
            return [Violation((), f"the document cannot be read as JSON: {error}")]


@dataclass(frozen=True, slots=True, eq=False)
class AnySchema:
    """Several schemas of one kind, as when environments hold different versions of a CustomResourceDefinition."""

    schemas: Sequence[Schema]

    def violations(self, data: Any) -> list[Violation]:
        """Return what is wrong by the schema that the data fits best."""
        return min((schema.violations(data) for schema in self.schemas), key=len)


@dataclass(frozen=True, slots=True, eq=False)
class Unserved:
    """The answer for a kind that no API server of the version can know: always one violation."""

    message: str
    hint: str = ""
    at: str = "apiVersion"

    def violations(self, data: Any) -> list[Violation]:  # noqa: ARG002 - the kind alone decides
        """Return the one violation."""
        return [Violation((self.at,), f"{self.at}: {self.message}", self.hint)]


class SchemaStore:
    """The schemas for one Kubernetes version and one repository."""

    def __init__(
        self, kubernetes_version: str, locations: Sequence[str] = (), crds: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        """Take the version (`1.37`, `v1.37.2`), `--schema-location`s, and the repository's CustomResourceDefinitions.

        Raise UsageError for a version without schemas and for a location that cannot be meant.
        """
        self.kubernetes_version = _minor(kubernetes_version)
        self._locations = [SchemaLocation.parse(text) for text in locations]
        self._crds: dict[tuple[str, str], dict[str, list[Any]]] = {}
        for crd in crds:
            for group, version, kind, schema in schemas_of(crd):
                same = self._crds.setdefault((group, kind), {}).setdefault(version, [])
                if schema not in same:
                    same.append(schema)
        self._manifests: dict[tuple[str, str], Schema | None] = {}

    def for_manifest(self, api_version: str, kind: str) -> Schema | None:
        """Return the schema of a kind, an `Unserved` if it cannot exist, None if nothing is known of its group.

        Expand a `List` before. Raise ArgosyError if a schema location cannot be read.
        """
        key = (api_version, kind)
        if key not in self._manifests:
            self._manifests[key] = self._find(api_version, kind)
        return self._manifests[key]

    def for_file(self, path: str) -> Schema | None:
        """Return the schema of a file that is no manifest, by its path from the repository's root; None if none is."""
        return file_schema(path)

    def _find(self, api_version: str, kind: str) -> Schema | None:
        group, _, version = api_version.rpartition("/")
        if (group, version, kind) == ("", "v1", "List"):
            return None
        own = _OWN_KINDS.get(api_version, "")
        return (
            self._of_repository(group, version, kind)
            or _kubernetes(self.kubernetes_version).schema(api_version, kind)
            or self._of_locations(api_version, kind)
            or (_own_schema(f"{own}#/$defs/{kind}") if own and kind in _own_documents()[own]["kinds"] else None)
            or (self._unserved(api_version, kind) if group in BUILT_IN_GROUPS else None)
        )

    def _of_repository(self, group: str, version: str, kind: str) -> Schema | None:
        versions = self._crds.get((group, kind))
        if not versions:
            return None
        if version not in versions:
            return Unserved(
                f'"{group}/{version}" of {kind} is not served by the repository\'s CustomResourceDefinition',
                f"It serves {', '.join(sorted(versions))}.",
            )
        schemas = [compiled for schema in versions[version] if (compiled := _compile_crd(schema))]
        return AnySchema(schemas) if schemas else None

    def _of_locations(self, api_version: str, kind: str) -> Schema | None:
        for location in self._locations:
            found = location.find(self.kubernetes_version, api_version, kind)
            if found:
                return _compile_foreign(*found)
        return None

    def _unserved(self, api_version: str, kind: str) -> Unserved:
        served = _kubernetes(self.kubernetes_version).kinds
        kubernetes = f"Kubernetes {self.kubernetes_version}"
        others = sorted((version for version, name in served if name == kind), key=_maturity)
        if others:
            return Unserved(f'"{api_version}" of {kind} is not served by {kubernetes}', f"Use {others[-1]}.")
        siblings = [name for version, name in served if version == api_version]
        if not siblings:
            return Unserved(
                f'"{api_version}" is not served by {kubernetes}', f"{kubernetes} has no kind {kind} at all."
            )
        near = did_you_mean(kind, [name for name in siblings if not name.endswith("List")])
        return Unserved(f'{kubernetes} has no kind "{kind}" in {api_version}', near, "kind")


def answers() -> Schema:
    """Return the schema of an answers file, the template's questions answered in YAML."""
    return _own_schema("files.json#/$defs/answersFile")


def file_schema(path: str) -> Schema | None:
    """Return the schema of a file that is no manifest, by its path from the repository's root; None if none is known."""
    for pattern, reference in _OWN_FILES:
        if re.fullmatch(pattern, path):
            return _own_schema(reference)
    for pattern, name in _VENDORED_FILES:
        if re.fullmatch(pattern, path):
            return _vendored_schema(name)
    return None


def versions() -> tuple[str, ...]:
    """Return the Kubernetes versions that there are schemas for, oldest first: ("1.25", …, "1.37")."""
    return tuple(_version_folders())


def without_nulls(data: Any) -> Any:
    """Return the data without the fields that are null, as an API server drops them; items of lists stay."""
    try:
        return _without_nulls(data)
    except RecursionError:
        return data


def _without_nulls(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_nulls(value) for key, value in data.items() if value is not None}
    return [_without_nulls(item) for item in data] if isinstance(data, list) else data


@dataclass(frozen=True, slots=True, eq=False)
class _Kubernetes:
    """The built-in kinds of one version."""

    kinds: Mapping[tuple[str, str], str]
    """(apiVersion, kind) -> the type's name among the definitions."""
    uri: str
    documents: Mapping[str, Any]
    registry: Any
    compiled: dict[str, CompiledSchema]

    def schema(self, api_version: str, kind: str) -> CompiledSchema | None:
        name = self.kinds.get((api_version, kind))
        if name and name not in self.compiled:
            reference = {"$ref": f"{self.uri}#/$defs/{name}"}
            validator = jsonschema_rs.Draft202012Validator(reference, registry=self.registry, offline=True)
            self.compiled[name] = CompiledSchema(validator, self.documents)
        return self.compiled[name] if name else None


@cache
def _kubernetes(version: str) -> _Kubernetes:
    text = (_version_folders()[version] / "_definitions.json").read_bytes()
    definitions = json.loads(text, object_hook=_as_api_server)["$defs"]
    for name, fields in json.loads((_own_folder() / "kubernetes-constraints.json").read_bytes())["types"].items():
        properties = definitions.get(name, {}).get("properties", {})
        for field, keywords in fields.items():
            if field in properties:
                _merge(properties[field], keywords)
    definitions[_QUANTITY] = {"$ref": "common.json#/$defs/quantity"}
    uri, common = f"argosy:/kubernetes-{version}.json", _own_documents()["common.json"]["document"]
    documents = {uri: {"$id": uri, "$defs": definitions}, common["$id"]: common}
    kinds = {
        ("/".join(filter(None, (served[0]["group"], served[0]["version"]))), served[0]["kind"]): name
        for name, definition in definitions.items()
        if len(served := definition.get("x-kubernetes-group-version-kind", ())) == 1
        and "metadata" in definition.get("properties", ())
    }
    return _Kubernetes(kinds, uri, documents, jsonschema_rs.Registry(documents.items()), {})


def _as_api_server(schema: dict[str, Any]) -> dict[str, Any]:
    """Make a part of the definitions as strict as an API server: nulls are gone before, 32 bits have bounds."""
    types = schema.get("type")
    if isinstance(types, list):
        schema["type"] = next((each for each in types if each != "null"), "null")
    if schema.get("format") == "int32":
        schema.update(_INT32)
    return schema


def _merge(schema: dict[str, Any], keywords: Mapping[str, Any]) -> None:
    for keyword, value in keywords.items():
        if isinstance(value, dict) and isinstance(schema.get(keyword), dict):
            _merge(schema[keyword], value)
        else:
            schema[keyword] = value


def _maturity(api_version: str) -> tuple[bool, bool, str]:
    """Order the versions of an API: alpha, beta, stable, and each by its number."""
    return "alpha" not in api_version, "beta" not in api_version, api_version.rpartition("/")[2]


def _minor(version: str) -> str:
    found = re.match(r"v?(\d+\.\d+)(\.|$)", version)
    if not found or found[1] not in _version_folders():
        known = versions()
        raise UsageError(
            f"There are no schemas for Kubernetes “{version}”.", f"Choose a version from {known[0]} to {known[-1]}."
        )
    return found[1]


@cache
def _version_folders() -> dict[str, Path]:
    folders = {}
    for folder in (_package("kubernetes_validate") / "kubernetes-json-schema").glob("v*-local-strict"):
        major, minor = folder.name.removeprefix("v").split(".")[:2]
        folders[(int(major), int(minor))] = folder
    return {f"{major}.{minor}": folders[major, minor] for major, minor in sorted(folders)}


@cache
def _package(name: str) -> Path:
    """Return the folder of a package that is wanted for its data alone: importing it would load its command line."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ArgosyError(f"The Python package {name} is missing.", "Install argosy again.")
    return Path(spec.submodule_search_locations[0])


def _own_folder() -> Path:
    return Path(__file__).parent / "schemas"


@cache
def _own_documents() -> dict[str, dict[str, Any]]:
    """Return the schema files of this package: name -> its document, and the kinds that it defines."""
    files = {}
    for path in _own_folder().glob("*.json"):
        document = json.loads(path.read_bytes())
        if "$defs" in document:
            kinds = {name for name in document["$defs"] if name[0].isupper()}
            files[path.name] = {"document": document, "kinds": kinds}
    return files


@cache
def _own_schema(reference: str) -> CompiledSchema:
    return _compile({"$ref": f"argosy:/{reference}"}, _own_by_uri())


@cache
def _own_by_uri() -> dict[str, Any]:
    return {file["document"]["$id"]: file["document"] for file in _own_documents().values()}


@cache
def _vendored_schema(name: str) -> Schema:
    document = json.loads((_package("check_jsonschema") / "builtin_schemas" / "vendor" / f"{name}.json").read_bytes())
    uri = document.setdefault("$id", f"argosy:/{name}.json").rstrip("#")
    validator = jsonschema_rs.validator_for(document, offline=True)
    schema = CompiledSchema(validator, {uri: document})
    return _WorkflowSchema(schema) if name == "github-workflows" else schema


@dataclass(frozen=True, slots=True, eq=False)
class _WorkflowSchema:
    """GitHub's workflows, whose key `on` is the boolean true by YAML 1.1."""

    schema: Schema

    def violations(self, data: Any) -> list[Violation]:
        if not isinstance(data, dict) or "on" in data or not {True, "true"} & data.keys():
            return self.schema.violations(data)
        renamed = {"on" if key is True or key == "true" else key: value for key, value in data.items()}
        return [
            replace(found, at=("true", *found.at[1:])) if found.at[:1] == ("on",) else found
            for found in self.schema.violations(renamed)
        ]


def _compile(schema: dict[str, Any], documents: Mapping[str, Any]) -> CompiledSchema:
    registry = jsonschema_rs.Registry(documents.items())
    return CompiledSchema(jsonschema_rs.Draft202012Validator(schema, registry=registry, offline=True), documents)


@dataclass(frozen=True, slots=True, eq=False)
class _CustomSchema:
    """A CustomResourceDefinition's schema: defaults come before validation."""

    document: Mapping[str, Any]
    schema: Schema

    def violations(self, data: Any) -> list[Violation]:
        try:
            data = with_defaults(self.document, data)
        except RecursionError:
            return [Violation((), "the document is nested too deeply")]
        return self.schema.violations(data)


def _compile_crd(schema: dict[str, Any]) -> Schema | None:
    """Compile a CustomResourceDefinition's schema; None if it is malformed, which its own document's findings say."""
    uri = "argosy:/crd.json"
    document = {"$id": uri, **schema}
    try:
        validator = jsonschema_rs.Draft202012Validator(
            document,
            registry=jsonschema_rs.Registry(_own_by_uri().items()),
            offline=True,
            validate_formats=True,
            # Rust's engine has the syntax of Go's, which the definition's patterns are written for.
            pattern_options=jsonschema_rs.RegexOptions(),
        )
    except ValueError:
        return None
    return _CustomSchema(document, CompiledSchema(validator, {**_own_by_uri(), uri: document}))


def _compile_foreign(uri: str, schema: Any) -> CompiledSchema:
    documents: dict[str, Any] = {}

    def retrieve(wanted: str) -> Any:
        document = read(wanted.partition("#")[0])
        if document is None:
            raise ArgosyError(f"The schema {wanted} is missing; {uri} refers to it.", "Check the schema location.")
        documents[wanted] = _readable(document)
        return documents[wanted]

    document = _readable(schema)
    documents[document.get("$id", uri).rstrip("#") if isinstance(document, dict) else uri] = document
    try:
        validator = jsonschema_rs.validator_for(document, base_uri=uri, retriever=retrieve)
    except (TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise ArgosyError(f"The schema {uri} cannot be used: {reason}.", "Check the schema location.") from error
    return CompiledSchema(validator, documents)


def _readable(schema: Any) -> Any:
    """Return the schema without a `$schema` that names no draft: many published ones say only `…/schema#`."""
    if isinstance(schema, dict) and not _DRAFT.fullmatch(str(schema.get("$schema", ""))):
        return {key: value for key, value in schema.items() if key != "$schema"}
    return schema
