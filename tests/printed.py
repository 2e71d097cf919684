"""What commands print for programs, judged by the schemas that say what it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema_rs
import pytest

from argosy import data
from argosy.schemas import bundled


def closed(schema: Any) -> Any:
    """Return a schema under which objects have no field but those that it names.

    The published ones permit others, since fields may come at any time.
    """
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(each) for key, each in schema.items()}
    return {"additionalProperties": False, **inner} if isinstance(inner.get("properties"), dict) else inner


def wrong(document: Mapping[str, Any]) -> list[str]:
    """Return what in a document its kind's schema does not say, each with its place."""
    if document["kind"] not in bundled.printed():
        return [f"The kind {document['kind']} has no schema."]
    plain = json.loads(json.dumps(document, default=str))
    errors = _validator(document["kind"]).iter_errors(plain)
    return [f"{'.'.join(map(str, each.instance_path))}: {each.message}" for each in errors]


@cache
def _validator(kind: str) -> Any:
    schema = json.loads(bundled.printed()[kind].read_bytes())
    return jsonschema_rs.Draft202012Validator(closed(schema), validate_formats=True, offline=True)


@pytest.fixture(scope="session", autouse=True)
def _documents_are_as_their_schemas_say() -> Iterator[None]:
    """Fail each test in which a command prints what its kind's schema does not say."""
    named = data._named

    def judged(kind: str, document: Mapping[str, Any]) -> dict[str, Any]:
        made = named(kind, document)
        if faults := wrong(made):
            pytest.fail(f"Not as schemas/data/output/{kind}.json says:\n" + "\n".join(faults))
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "_named", judged)
        yield
