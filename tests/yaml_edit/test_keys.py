"""A path means the same in two environments' files, whatever the order and the way of writing."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.yaml_edit import keys
from argosy.yaml_edit.keys import Key, Text


def named(*texts: str) -> list[list[str]] | None:
    """Return the names of the entries at `x` in several texts."""
    nodes = [(keys.entries(Text(each).documents[""]) or [{}])[0]["x"].value for each in texts]
    found = keys.entries(*nodes)
    return None if found is None else [list(each) for each in found]


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        (["x: {b: 1, a: 2}", "x: {}"], [["b", "a"], []]),
        (["x: [{name: web}, {image: y, name: db}]", "x: [{name: db}]"], [["web", "db"], ["db"]]),
        (["x: [{containerPort: 80}]", "x: []"], [["80"], []]),
        # Two mounts of one volume are told apart by where they are.
        (["x: [{name: tmp, mountPath: /a}, {name: tmp, mountPath: /b}]"], [["/a", "/b"]]),
        (["x: [LOG=debug, A.B=c=d]", "x: [LOG=info]"], [["LOG", "A.B"], ["LOG"]]),
        (["x: [{configMapRef: {name: a}}, {secretRef: {name: a}}]"], [["configMapRef/a", "secretRef/a"]]),
        (
            ["x: [{repoURL: r, chart: redis}, {repoURL: r, ref: values, name: mine}, {repoURL: r, path: a/b}]"],
            [["redis", "$values", "a/b"]],
        ),
        (["x: [1, 2]"], None),
        (["x: [{name: a}, {name: a}]"], None),
        (["x: [{name: a}]", "x: [a]"], None),
        (["x: {a: 1}", "x: [a=1]"], None),
        (["x: ['sh -c a=b']"], None),
    ],
)
def test_entries_are_known_by_names(texts: list[str], names: list[list[str]] | None) -> None:
    assert named(*texts) == names


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("1e3", 1000), ('"1e3"', "1e3"), ("yes", True), ("'on'", "on"), ("0o17", 15), ("1_000", 1000), ("1.10", 1.1)],
        *[
            ('"1.10"', "1.10"),
            ("~", None),
            ("", None),
            ("2024-01-01", "2024-01-01"),
            ("12:30", "12:30"),
            ("!!str 5", "5"),
        ],
        *[("!vault x", "!vault x"), ("!!int '5'", 5), ("[a, {b: 1}]", ["a", {"b": 1}]), ("|\n  x\n", "x\n")],
    ],
)
def test_values_are_what_kubernetes_reads(text: str, value: Any) -> None:
    assert keys.value(Text(f"x: {text}").documents[""]) == {"x": value}


def test_numbers_texts_and_truths_are_three() -> None:
    assert not any(keys.same(one, other) for one, other in [(1, "1"), (1, True), ("true", True), (None, ""), (0, None)])
    assert keys.same({"a": 1, "b": [None]}, {"b": [None], "a": 1})


def test_an_alias_is_what_it_stands_for() -> None:
    root = Text("a: &x {b: 1}\nc: *x\n").documents[""]
    assert keys.value(root) == {"a": {"b": 1}, "c": {"b": 1}}


def test_documents_are_known_by_what_they_are() -> None:
    text = """\
kind: Deployment
metadata: {name: web}
---
# nothing
---
kind: Service
metadata: {name: web}
---
kind: Service
metadata: {name: web}
---
kind: Application
metadata: {name: web-prod}
---
kind: Kustomization
metadata: {name: x}
"""
    assert list(Text(text).documents) == ["Deployment/web", "Service/web", "Service/web#2", "Application", ""]


@pytest.mark.parametrize("content", [b"a: [", b"\xff", b"just text", b"- a\n---\nb", b"a: *none", b"\x00", b"&a [*a]"])
def test_what_is_no_mapping_or_list_is_none(content: bytes) -> None:
    assert keys.read(content) is None


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"---\n", b"a: 1\r\n", b"\xef\xbb\xbfa: 1\n", b"- 1\n"])
def test_what_is_one_is_read(content: bytes) -> None:
    found = keys.read(content)
    assert found is not None
    assert list(found.documents) == [""]


def test_keys_are_named_for_people() -> None:
    assert str(Key("values.yaml", "", ("image", "tag"))) == "image.tag"
    assert str(Key("more.yaml", "", ("image", "a.b"))) == 'more.yaml: image."a.b"'
    assert str(Key("web.yaml", "Deployment/web", ("spec", "replicas"))) == "Deployment/web: spec.replicas"
    assert str(Key("web.yaml", "Deployment/web", ())) == "Deployment/web"
    assert str(Key("app.properties", "", ())) == "app.properties"
