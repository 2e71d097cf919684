"""What is taken over is the source's; all else in the target is what it was, to the byte."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy.documents import parse
from argosy.errors import ArgosyError
from argosy.yaml_edit import keys
from argosy.yaml_edit.editing import take
from tests.yaml_edit.texts import Written, differing, texts

Address = tuple[str, tuple[str, ...]]
ALIASES = ("*m", "*s", "&s v1", "&s2 [1, 2]")
GENERATED = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def named(data: Any) -> Any:
    """Return data in which the items of lists are known by their names."""
    if isinstance(data, dict):
        return {name: named(each) for name, each in data.items()}
    if not isinstance(data, list):
        return data
    if all(isinstance(each, dict) and isinstance(each.get("name"), str) for each in data):
        return {each["name"]: named(each) for each in data}
    if all(isinstance(each, str) and "=" in each for each in data):
        return {each.partition("=")[0]: each for each in data}
    return [named(each) for each in data]


def read(text: str) -> Any:
    found = parse(text, "values.yaml")
    assert not found.defects, found.defects
    return named(found.documents[0].data) if found.documents else {}


def moved(target: Any, source: Any, path: tuple[str, ...]) -> Any:
    """Return the target's data with the source's at a path."""
    name, *below = path
    mine = dict(target) if isinstance(target, dict) else {}
    its = source if isinstance(source, dict) else {}
    if below and (name in mine or name in its):
        mine[name] = moved(mine.get(name, {}), its.get(name), tuple(below))
        if name not in its and not mine[name]:
            del mine[name]
    elif name in its:
        mine[name] = its[name]
    else:
        mine.pop(name, None)
    return mine


def anchored(text: str) -> str:
    """Return a text whose mappings are shared here and there."""
    return re.sub(r"^( *)m:(?=$|  #)", r"\1m: &m", text, count=1, flags=re.MULTILINE)


def holds(data: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        if not isinstance(data, dict) or name not in data:
            return False
        data = data[name]
    return True


_TARGETS, _SOURCES = texts("t"), texts("s")


@st.composite
def cases(draw: Any) -> tuple[Written, Written, list[Address]]:
    target, source = draw(_TARGETS), draw(_SOURCES)
    found = differing(target.text, source.text)
    return target, source, draw(st.lists(st.sampled_from(found), unique=True, max_size=4)) if found else []


@GENERATED
@given(cases())
def test_what_is_taken_is_the_sources_and_all_else_is_the_targets(
    case: tuple[Written, Written, list[Address]],
) -> None:
    target, source, addresses = case
    after = take(target.text, source.text, addresses)
    wanted = read(target.text)
    for _, path in addresses:
        wanted = moved(wanted, read(source.text), path)
    assert read(after) == wanted
    assert take(after, source.text, addresses) == after
    _stays(target, after, [path for _, path in addresses])
    # Scalars that are taken there and back are the same bytes.
    scalars = in_line(target, differing(target.text, source.text), source)
    assert take(take(target.text, source.text, scalars), target.text, scalars) == target.text


def _stays(target: Written, after: str, paths: list[tuple[str, ...]]) -> None:
    """Assert that comments, and lines that are not touched, are as they were."""
    left = read(after)
    for line in target.lines:
        place = line.owner if line.beside else line.owner[:-1]
        place = place[:-1] if place[-1:] == ("in flow",) else place
        replaced = any(line.owner[: len(path)] == path != line.owner for path in paths)
        if line.comment and holds(left, place) and not replaced:
            assert line.comment in after
    rest = iter(after.splitlines())
    for line in target.lines:
        if line.text and not any(_touches(path, line.owner) for path in paths):
            assert line.text in rest


def _touches(path: tuple[str, ...], owner: tuple[str, ...]) -> bool:
    owner = owner[:-1] if owner[-1:] == ("in flow",) else owner
    shorter = min(len(path), len(owner))
    # In an item of a list, another key may come to stand behind the dash.
    return path[:shorter] == owner[:shorter] or path[:-1] == owner[:-1]


def in_line(line: Written, addresses: list[Address], other: Written) -> list[Address]:
    """Return the addresses at which both texts have a scalar in one line."""
    return [each for each in addresses if all(_is_scalar(text, each[1]) for text in (line.text, other.text))]


def _is_scalar(text: str, path: tuple[str, ...]) -> bool:
    node: Any = keys.Text(text).documents[""]
    for name in path:
        found = (keys.entries(node) or [{}])[0]
        if name not in found:
            return False
        node = found[name].value
    return isinstance(node, yaml.ScalarNode) and node.style not in {"|", ">"} and node.value != ""


@GENERATED
@given(texts("t"))
def test_what_is_there_already_changes_no_byte(text: Written) -> None:
    other = text.text.replace("  #", " #").replace("v1", '"v1"').replace('""v1""', "'v1'")
    paths = [line.owner for line in text.lines if line.owner and not {*line.owner} & {"in flow", *"0123456789"}]
    assert take(text.text, text.text, [("", path) for path in paths]) == text.text
    if not differing(text.text, other):
        assert take(text.text, other, [("", path) for path in paths]) == text.text


@GENERATED
@given(texts("t", shared=ALIASES), texts("s", shared=ALIASES), st.data())
def test_with_anchors_it_is_right_or_refused(target: Written, source: Written, data: st.DataObject) -> None:
    found = [anchored(each.text) for each in (target, source)]
    if any(parse(text, "x.yaml").defects or keys.read(text.encode()) is None for text in found):
        return
    addresses = differing(*found)
    chosen = data.draw(st.lists(st.sampled_from(addresses), unique=True, max_size=3)) if addresses else []
    try:
        after = take(found[0], found[1], chosen)
    except ArgosyError:
        return
    assert not {*chosen} & {*differing(after, found[1])}
    assert {*differing(after, found[0])} <= {*chosen}


ANYTHING = st.text(alphabet="a:-?#&*!|>'\"%@[]{}, \n\r\t\u2028\ufeff\x00", max_size=20)


@GENERATED
@given(
    ANYTHING, ANYTHING, st.lists(st.sampled_from([("", ()), ("", ("a",)), ("A/b", ()), ("", ("a", "a"))]), max_size=2)
)
def test_anything_is_right_or_refused(target: str, source: str, addresses: list[Address]) -> None:
    with contextlib.suppress(ArgosyError):
        after = take(target, source, addresses)
        assert after == target or addresses


@pytest.mark.parametrize(
    ("target", "source", "path", "after"),
    [
        # The target's way of quoting stays, as far as every reader of YAML takes the same from it.
        ("a: 'v1' # c\n", "a: v2\n", "a", "a: 'v2' # c\n"),
        ("a: v1\n", 'a: "v2"\n', "a", "a: v2\n"),
        ("a: v1\n", 'a: "1.30"\n', "a", 'a: "1.30"\n'),
        ("a: 'v1'\n", "a: 1.30\n", "a", "a: 1.30\n"),
        ("a: v1\n", 'a: "on"\n', "a", 'a: "on"\n'),
        ("a: v1\n", 'a: "1e3"\n', "a", 'a: "1e3"\n'),
        ('a: "v1"\n', "a: 1e3\n", "a", "a: 1e3\n"),
        ("a: 'é'\n", 'a: "ü"\n', "a", "a: 'ü'\n"),
        ("{a: 'v1', b: 1}\n", "a: v2, 3\n", "a", '{a: "v2, 3", b: 1}\n'),
        # From one shape to another.
        ("a: # c\n  - 1 # d\n  # e\n  - 2\nb: 1\n", "a: 5\n", "a", "a: 5 # c\nb: 1\n"),
        ("a: 5 # c\nb: 1\n", "a:\n    - 1\n    - 2\n", "a", "a: # c\n    - 1\n    - 2\nb: 1\n"),
        ("a: 5 # c\nb: 1\n", "a: |\n  x\n  y\n", "a", "a: | # c\n  x\n  y\nb: 1\n"),
        ("a: | # c\n  x\n\nb: 1\n", "a: 5\n", "a", "a: 5 # c\n\nb: 1\n"),
        ("a:\nb: 1\n", "a: 5\n", "a", "a: 5\nb: 1\n"),
        ("a: x # c\n", "a:\n", "a", "a: # c\n"),
        # What is new comes where it is in the source, what is empty is filled.
        ("a: 1\n# c\nc: 3 # d\n", "a: 1\nb: {x: 1}\nc: 3\n", "b", "a: 1\nb: {x: 1}\n# c\nc: 3 # d\n"),
        ("# all\n\nb: 1\n", "a: 1\nb: 1\n", "a", "# all\n\na: 1\nb: 1\n"),
        ("# all\nb: 1\n", "a: 1\nb: 1\n", "a", "# all\nb: 1\na: 1\n"),
        ("m:\n  # of b\n  b: 1\n", "m: {a: 1, b: 1}\n", "m.a", "m:\n  a: 1\n  # of b\n  b: 1\n"),
        ("a: {} # c\n", "a:\n    b: 1\n", "a.b", "a: # c\n  b: 1\n"),
        ("a:\n  b: 1\n  # - more\nc: 1\n", "a:\n  b: 1\nd: 1\n", "d", "a:\n  b: 1\n  # - more\nd: 1\nc: 1\n"),
        ("a: 1", "a: 1\nb: {c: {d: 1, e: 2}}\n", "b.c.d", "a: 1\nb:\n  c:\n    d: 1\n"),
        ("a: 1", "a: 1\nt: |\n  x\n", "t", "a: 1\nt: |\n  x\n"),
        ("", "a: 1\n", "a", "a: 1\n"),
        ("# all\n", "a: 1\n", "a", "# all\na: 1\n"),
        ("{}\n", "a: 1\n", "a", "a: 1\n"),
        ("\ufeffa: 1\n", "a: 2\n", "a", "\ufeffa: 2\n"),
        (
            "l:\n- name: a # c\n- name: b\n",
            "l: [{name: x}, {name: b}]\n",
            "l.x",
            "l:\n- {name: x}\n- name: a # c\n- name: b\n",
        ),
        (
            "l:\n- name: a # c\n",
            "l:\n  - name: a\n  - name: b\n    env:\n      - A=1\n",
            "l.b",
            "l:\n- name: a # c\n- name: b\n  env:\n    - A=1\n",
        ),
        # What goes takes its own lines along, and no more.
        ("# a\na: 1 # b\n# c\nc: 1\n", "c: 1\n", "a", "# a\n# c\nc: 1\n"),
        ("a:\n  - x: 1 # c\n    # d\n    y: 2\n", "a: []\n", "a", "a: []\n"),
        ("l:\n  - x: 1 # c\n    # d\n    name: y\n", "l: [{name: y}]\n", "l.y.x", "l:\n  -\n    # d\n    name: y\n"),
        ("l:\n  - x: 1 # c\n    name: y\n", "l: [{name: y}]\n", "l.y.x", "l:\n  - name: y\n"),
        ("a: [x=1, y=2, z=3] # c\n", "a: [y=2, z=3]\n", "a.x", "a: [y=2, z=3] # c\n"),
        ("a: [x=1, y=2, z=3] # c\n", "a: [x=1, y=2]\n", "a.z", "a: [x=1, y=2] # c\n"),
        ("a: {\n  x: 1, # c\n  y: 2,\n}\n", "a: {x: 1}\n", "a.y", "a: {\n  x: 1, # c\n}\n"),
        ("a:\n  # b\n  b: 1 # c\nd: 1\n", "a: {}\nd: 1\n", "a.b", "a: {}\n  # b\nd: 1\n"),
        ("a:\n  b: 1\nd: 1\n", "d: 1\n", "a.b", "d: 1\n"),
        ("a: 1\r\nb: 2\r\n", "a: 1\nb:\n  - 1\n", "b", "a: 1\r\nb:\r\n  - 1\r\n"),
    ],
)
def test_texts(target: str, source: str, path: str, after: str) -> None:
    assert take(target, source, [("", tuple(path.split(".")))]) == after


TWO = "# all\nkind: A\nmetadata: {name: a}\n# end\n---\n# of b\nkind: B\nmetadata: {name: b}\n"


@pytest.mark.parametrize(
    ("target", "source", "scope", "after"),
    [
        (TWO, "", "A/a", "# all\n# of b\nkind: B\nmetadata: {name: b}\n"),
        (TWO, "", "B/b", "# all\nkind: A\nmetadata: {name: a}\n# end\n"),
        (TWO, "kind: C\nmetadata: {name: c} # d\n", "C/c", f"{TWO}---\nkind: C\nmetadata: {{name: c}}\n"),
        ("# none\n", "kind: C\nmetadata: {name: c}\n", "C/c", "# none\nkind: C\nmetadata: {name: c}\n"),
        ("kind: C\nmetadata: {name: c}\n", "", "C/c", ""),
        (TWO, TWO, "B/b", TWO),
    ],
)
def test_documents(target: str, source: str, scope: str, after: str) -> None:
    assert take(target, source, [(scope, ())]) == after


@pytest.mark.parametrize(
    ("target", "source", "path"),
    [
        ("a: &x 1\nb: *x\n", "a: 2\nb: 1\n", "a"),
        ("a: &x {b: 1}\nc: *x\n", "a: {b: 1}\nc: {b: 2}\n", "c.b"),
        ("a: [\n", "a: 1\n", "a"),
        ("a: 1\n", "a: [\n", "a"),
        ("? a\n: b: 1\n", "a: 5\n", "a"),
    ],
)
def test_what_cannot_be_changed_in_place_is_refused(target: str, source: str, path: str) -> None:
    with pytest.raises(ArgosyError, match=r"cannot be changed in place|would change as well"):
        take(target, source, [("", tuple(path.split(".")))])


def test_an_alias_can_be_replaced_and_one_of_the_source_is_written_out() -> None:
    target = "a: &x {b: 1}\nc: *x # d\ne: 1\n"
    assert take(target, "a: {b: 1}\nc: {b: 2}\n", [("", ("c",))]) == "a: &x {b: 1}\nc: {b: 2} # d\ne: 1\n"
    source = "z: &y\n  b: 1e3\n  d: &z x\ne: *y\n"
    assert take(target, source, [("", ("e",))]) == "a: &x {b: 1}\nc: *x # d\ne: {b: 1e3, d: x}\n"
