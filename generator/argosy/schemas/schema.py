"""What judges one document: a JSON schema, several, or the certainty that the document's kind does not exist."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jsonschema_rs

from argosy.errors import ArgosyError
from argosy.schemas.violations import Violation, translate


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


def compiled(schema: dict[str, Any], documents: Mapping[str, Any], *, of_crd: bool = False) -> CompiledSchema:
    """Return a schema ready to judge; `documents` are what it refers to, by URI.

    Raise ValueError if it is malformed.
    """
    # Rust's engine has the syntax of Go's, which the patterns of a CustomResourceDefinition are written for.
    of_go: dict[str, Any] = {"pattern_options": jsonschema_rs.RegexOptions(), "validate_formats": True}
    options = of_go if of_crd else {}
    registry = jsonschema_rs.Registry(documents.items())
    return CompiledSchema(
        jsonschema_rs.Draft202012Validator(schema, registry=registry, offline=True, **options), documents
    )


_DRAFT = re.compile(r"https?://json-schema\.org/(draft-0[467]|draft/20(19-09|20-12))/schema#?")


def compiled_foreign(uri: str, schema: Any, read: Callable[[str], Any]) -> CompiledSchema:
    """Return a schema of the user's ready to judge, of whatever draft; raise ArgosyError if it cannot be used.

    `read` returns what it refers to, or None.
    """
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
