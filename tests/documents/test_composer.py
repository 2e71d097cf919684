"""YAML texts -> documents, lines and defects, within limits."""

import json
from pathlib import Path

import pytest

from argosy.documents import DEEPEST, MOST_DEFECTS, DefectKind, parse
from tests.documents.texts import defect, load, only


def test_documents_are_counted_and_empty_ones_are_none() -> None:
    parsed = parse("# only a comment\n---\n---\na: 1\n---\n# nothing\n---\nnull\n---\nb: 2\n...\n---\nc: 3\n", "a.yaml")
    assert [(each.index, each.line, each.data) for each in parsed.documents] == [
        (0, 4, {"a": 1}),
        (1, 10, {"b": 2}),
        (2, 13, {"c": 3}),
    ]
    assert parsed.defects == ()


@pytest.mark.parametrize("text", ["", "\n", "---", "--- # nothing\n", "# comment\n", "\ufeff"])
def test_a_file_without_content_has_no_documents(text: str, tmp_path: Path) -> None:
    parsed = load(tmp_path, text.encode())
    assert (parsed.documents, parsed.defects) == ((), ())


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_editors_count_them(line_break: str) -> None:
    document = only(parse(line_break.join(["a: 1", "b:", "  - x", "  - w: '\u2028\x85'", "    z: 2", ""]), "a.yaml"))
    assert document.data == {"a": 1, "b": ["x", {"w": document.data["b"][1]["w"], "z": 2}]}
    assert [document.line_of(at) for at in ((), ("a",), ("b",), ("b", 0), ("b", 1), ("b", 1, "z"))] == [
        1,
        1,
        2,
        3,
        4,
        5,
    ]


def test_lines_of_a_later_document_count_from_the_top_of_the_file() -> None:
    parsed = parse("a: 1\n---\nb: [\n---\nc:\n  d: 1\n", "a.yaml")
    assert [(each.index, each.data) for each in parsed.documents] == [(0, {"a": 1}), (2, {"c": {"d": 1}})]
    assert [each.line for each in parsed.defects] == [4]
    assert parsed.documents[1].line_of(("c", "d")) == 6


def test_merge_keys_give_way_to_own_keys_and_earlier_mappings() -> None:
    text = """\
a: &a {u: 1, v: 1}
b: &b {v: 2, w: 2}
one: {v: own, <<: *a}
both:
  <<: [*a, *b]
  x: 3
quoted: {"<<": 1}
"""
    document = only(parse(text, "a.yaml"))
    assert document.data["one"] == {"u": 1, "v": "own"}
    assert document.data["both"] == {"u": 1, "v": 1, "w": 2, "x": 3}
    assert document.data["quoted"] == {"<<": 1}
    assert document.line_of(("both", "w")) == 2
    assert document.line_of(("both", "x")) == 6


def test_aliases_stand_for_their_anchors_also_as_keys() -> None:
    document = only(parse("a: &name web\nb: *name\n*name : 1\nc: &c\n  - d: 1\ne: *c\n", "a.yaml"))
    assert document.data == {"a": "web", "b": "web", "web": 1, "c": [{"d": 1}], "e": [{"d": 1}]}
    assert [document.line_of(("e",)), document.line_of(("e", 0, "d"))] == [6, 5]


@pytest.mark.parametrize(
    ("text", "kind", "line", "words"),
    [
        ("a: 1\na: 2\n", DefectKind.DUPLICATE_KEY, 2, "duplicate key “a”, first defined in line 1"),
        ("1: a\n'1': b\n", DefectKind.DUPLICATE_KEY, 2, "“1”"),
        ("a: {b: [1]}\na:\n  b:\n    - 1\n", DefectKind.REPEATED_KEY, 2, "with the same value"),
        ("a: 1\na: true\n", DefectKind.DUPLICATE_KEY, 2, "duplicate key “a”"),
        ("a: &a\n  b: *a\n", DefectKind.RECURSIVE_ALIAS, 2, "*a"),
        ("a: *b\n", DefectKind.YAML_SYNTAX, 1, "no anchor &b"),
        ("a: 1\nb: !vault |\n  x\n", DefectKind.CUSTOM_TAG, 2, "!vault"),
        ("a: !!python/object:os.system {}\n", DefectKind.CUSTOM_TAG, 1, "!!python/object:os.system"),
        ("a: !Ref b\nc: !Ref d\n", DefectKind.CUSTOM_TAG, 1, "!Ref"),
        ("a: 1\n? [b]\n: 2\n", DefectKind.KEY, 2, "a mapping or a list"),
        ("~: 1\n", DefectKind.KEY, 1, "null"),
        ("a:\n\tb: 1\n", DefectKind.TABS, 2, "tab"),
        ("a: b\n\tc: 1\n", DefectKind.TABS, 2, "tab"),
        ("a: b: c\n", DefectKind.YAML_SYNTAX, 1, "“:”"),
        ("a: 1\nb: 'c\nd: 2\n", DefectKind.YAML_SYNTAX, 2, "is not closed"),
        ("a: [1,\nb: 2\n", DefectKind.YAML_SYNTAX, 3, "in the block that starts in line 1"),
        ("a: 1\nb\nc: 2\n", DefectKind.YAML_SYNTAX, 2, "no “:”"),
        ("a: 1\n b: 2\n", DefectKind.YAML_SYNTAX, 2, "“:”"),
        ('a: "\\d"\n', DefectKind.YAML_SYNTAX, 1, "escape"),
        ("a: @b\n", DefectKind.YAML_SYNTAX, 1, "a value cannot begin"),
        ("a: 1\nb: é\x01\n", DefectKind.YAML_SYNTAX, 2, "U+0001"),
        ("a: !!int b\n", DefectKind.YAML_SYNTAX, 1, "!!int"),
        ("<<: 1\n", DefectKind.YAML_SYNTAX, 1, "“<<”"),
        ("<<: [{}, 1]\n", DefectKind.YAML_SYNTAX, 1, "“<<”"),
        ("[" * 100_000, DefectKind.TOO_DEEP, 1, f"{DEEPEST}"),
        ("%TAG !a! b\n" * 1000, DefectKind.YAML_SYNTAX, 1, "“%”"),
    ],
)
def test_a_defect_says_what_is_wrong_and_where(text: str, kind: DefectKind, line: int, words: str) -> None:
    found = defect(text)
    assert (found.kind, found.path, found.line) == (kind, "a.yaml", line)
    assert words in found.message
    assert found.hint or "%" in words


def test_a_document_is_read_in_spite_of_duplicate_keys_and_custom_tags() -> None:
    parsed = parse("z: 1\n---\na: 1\na: !x {b: !y 2}\n", "a.yaml")
    assert parsed.documents[1].data == {"a": {"b": "2"}}
    assert {(each.kind, each.document) for each in parsed.defects} == {
        (DefectKind.DUPLICATE_KEY, 1),
        (DefectKind.CUSTOM_TAG, 1),
    }


def test_aliases_that_multiply_are_a_defect_and_many_plain_ones_are_none() -> None:
    bomb = "a0: &a0 [lol]\n" + "".join(f"a{i + 1}: &a{i + 1} [{f'*a{i}, ' * 9}]\n" for i in range(60))
    assert defect(bomb).kind is DefectKind.ALIAS_BOMB
    merges = "a: &a {k: 1}\n" + "".join(f"b{i}: {{<<: *a}}\n" for i in range(5000))
    assert len(only(parse(merges, "a.yaml")).data) == 5001


def test_depth_counts_what_aliases_stand_for() -> None:
    def chain(depth: int) -> str:
        return "a0: &a0 []\n" + "".join(f"a{i + 1}: &a{i + 1} [*a{i}]\n" for i in range(depth - 2))

    json.dumps(only(parse(chain(DEEPEST), "a.yaml")).data)
    assert defect(chain(DEEPEST + 1)).kind is DefectKind.TOO_DEEP


@pytest.mark.parametrize("path", ["a.yaml", "a.json"])
def test_the_deepest_document_that_is_read_has_lines(path: str) -> None:
    document = only(parse("[" * DEEPEST + "]" * DEEPEST, path))
    assert document.line_of((0,) * DEEPEST) == 1
    assert defect("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), path).kind is DefectKind.TOO_DEEP
    assert defect("[" * 100_000, path).kind is DefectKind.TOO_DEEP


@pytest.mark.parametrize(
    "text", ["a: b: c\n---\n" * 5000, "a: 1\n" * 5000, "".join(f"- !a{i} x\n" for i in range(5000))]
)
def test_defects_without_end_are_cut_and_said_to_be(text: str) -> None:
    defects = parse(text, "a.yaml").defects
    assert len(defects) == MOST_DEFECTS + 1
    assert defects[-1].kind is DefectKind.TOO_MANY


def test_many_defects_in_one_document_do_not_hide_the_next_ones() -> None:
    tags = "".join(f"- !a{i} x\n" for i in range(MOST_DEFECTS + 1))
    document = parse(f"{tags}---\na: b: c\n---\nb: 1\nb: 2\n", "a.yaml").documents[-1]
    assert (document.data, document.line_of(("b",))) == ({"b": 2}, MOST_DEFECTS + 6)
