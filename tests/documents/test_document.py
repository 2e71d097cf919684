"""Documents know their lines, their resource and, if they are lists, their items."""

import pytest

from argosy import documents
from argosy.documents import Document, is_manifest, items, parse, resource
from tests.documents.texts import only, value


def test_a_field_that_is_not_there_has_the_line_of_the_nearest_above() -> None:
    document = only(parse("kind: Pod\nspec:\n  containers:\n    - name: a\n", "a.yaml"))
    assert document.line_of(("spec", "containers", 0, "image")) == 4
    assert document.line_of(("spec", "containers", 7, "image")) == 3
    assert document.line_of(("spec", "containers", "name")) == 3
    assert document.line_of(("kind", 0)) == 1
    assert document.line_of(("status", "phase")) == 1


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


def test_a_scalar_is_known_as_it_is_written() -> None:
    text = "mode: 0755\nold: &old 1.10\ntags: [*old, '1.10', yes]\n<<: {size: 1e3}\n1.0: {a: on}\n"
    document = only(parse(text, "a.yaml"))
    written = {at: document.text_of(at) for at in (("mode",), ("tags", 0), ("tags", 1), ("tags", 2), ("size",))}
    assert list(written.values()) == ["0755", "1.10", "1.10", "yes", "1e3"]
    assert [document.text_of(at) for at in (("1", "a"), ("tags",), ("mode", "x"), ("tags", 3))] == ["on", "", "", ""]
    assert only(parse('{"a": {"b": 1.10}}', "a.json")).text_of(("a", "b")) == "1.10"
    [rendered], _ = documents.rendered([("data: {a: 010}\n", "a.yaml")], application="", environment="")
    assert (rendered.data, rendered.text_of(("data", "a")), rendered.line_of(("data",))) == (
        {"data": {"a": 8}},
        "010",
        None,
    )
