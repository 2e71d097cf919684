"""The schemas of what commands print for programs: each kind has one, and it says what it should."""

from __future__ import annotations

import json
import re
from typing import Any

import click
import jsonschema_rs
import pytest

from argosy.cli import argosy as root
from argosy.schemas import bundled
from tests import printed
from tests.conftest import Argosy
from tests.test_pages import SOURCE

SCHEMAS: dict[str, dict[str, Any]] = {kind: json.loads(path.read_bytes()) for kind, path in bundled.printed().items()}
VERSION = {"argosy": "1.0", "template": "1", "argocd": "3.5", "python": "3.13", "engines": []}


def test_each_kind_that_is_written_has_a_schema() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    assert {*re.findall(r'(?:data\.(?:written|on_one_line)\(\s*|kind: str = )"(\w+)"', code)} == {*SCHEMAS}


def test_a_name_means_the_same_in_every_schema() -> None:
    shared: dict[str, Any] = {}
    for kind, schema in SCHEMAS.items():
        jsonschema_rs.meta.validate(schema)
        assert (schema["title"], schema["properties"]["kind"]) == (kind, {"const": kind})
        for name, part in schema.get("$defs", {}).items():
            assert shared.setdefault(name, part) == part, f"{kind}: {name}"
    # They are headings of one page.
    titles = [each.lower() for each in (*SCHEMAS, *shared)]
    assert len(titles) == len({*titles})


@pytest.mark.parametrize("line", [each for schema in SCHEMAS.values() for each in schema["x-commands"]])
def test_a_schema_names_commands_and_options_that_there_are(line: str) -> None:
    context, command = click.Context(root), root.get_command(click.Context(root), line.split(maxsplit=1)[0])
    for word in line.split()[1:]:
        assert command
        if word.startswith("-"):
            assert any(word in each.opts for each in command.params)
        else:
            assert isinstance(command, click.Group)
            command = command.get_command(context, word)
    assert command


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({}, []),
        ({"kind": "Versions"}, ["The kind Versions has no schema."]),
        ({"schemaVersion": 2}, ["schemaVersion: 1 was expected"]),
        ({"python": None}, ['python: null is not of type "string"']),
        ({"helm": "4"}, [": Additional properties are not allowed ('helm' was unexpected)"]),
        ({"engines": [{"name": "helm", "version": "4"}]}, ['engines.0: "source" is a required property']),
    ],
)
def test_tests_see_what_a_schema_does_not_say(change: dict[str, Any], faults: list[str]) -> None:
    document = {"schemaVersion": 1, "kind": "Version", **VERSION, **change}
    assert printed.wrong(document) == faults


def test_whoever_reads_may_get_fields_of_a_newer_argosy(argosy: Argosy) -> None:
    shown = argosy("help", "--schema", "Version")
    assert (shown.code, shown.err) == (0, "")
    published = jsonschema_rs.validator_for(json.loads(shown.out))
    newer = {"schemaVersion": 1, "kind": "Version", **VERSION, "helm": "4"}
    assert published.is_valid(newer)
    assert not published.is_valid({**newer, "kind": "Status"})
    assert published.is_valid(json.loads(argosy("version", "-o", "json").out))


def test_a_kind_that_there_is_not(argosy: Argosy) -> None:
    wrong = argosy("help", "--schema", "Staus")
    assert (wrong.code, wrong.out) == (2, "")
    assert "There is no kind “Staus”." in wrong.err
    assert "Did you mean “Status”?" in wrong.err
    assert "argosy help --schema Status" in argosy("help", "status", "--schema", "Status").err


def test_a_command_that_prints_something_else_fails_its_test(argosy: Argosy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.python_version", lambda: 3)
    with pytest.raises(pytest.fail.Exception, match='python: 3 is not of type "string"'):
        argosy("version", "-o", "json")
