"""JSON texts are read strictly, with lines and duplicate keys."""

import json

import pytest

from argosy.documents import DefectKind, parse
from tests.documents.texts import defect


def test_a_json_template_is_known() -> None:
    assert defect('{\n"a": {{ .b }}\n}', "a.json").kind is DefectKind.HELM_TEMPLATE


@pytest.mark.parametrize(
    ("text", "line"),
    [("", 1), ("{\n'a': 1}", 2), ("[1,\n2,\n]", 3), ("[1] x", 1), ("// c\n{}", 1), ("a: 1", 1), ("[NaN]", None)],
)
def test_json_is_strict(text: str, line: int | None) -> None:
    found = defect(text, "a.json")
    assert (found.kind, found.line) == (DefectKind.JSON_SYNTAX, line)


def test_json_has_lines_and_duplicate_keys() -> None:
    parsed = parse('\n{\n\t"a": "\\ud83d\\ude00",\n\t"b": [1,\n\t\t{"c\\/": 1}],\n\t"a": 1.0\n}', "a.json")
    [document] = parsed.documents
    assert document.data == {"a": 1, "b": [1, {"c/": 1}]}
    assert document.line == 2
    assert document.line_of(("b", 1, "c/")) == 5
    assert [(each.kind, each.line) for each in parsed.defects] == [(DefectKind.DUPLICATE_KEY, 6)]


def test_a_duplicate_key_is_told_even_where_lines_cannot_be() -> None:
    text = json.dumps({"k" * 2000: 1})[:-1] + ', "a": 1, "a": 2}'
    found = defect(text, "a.json")
    assert (found.kind, found.line) == (DefectKind.DUPLICATE_KEY, None)
