"""YAML as people write it: generated texts with every way of quoting, comments anywhere, and what stands where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

from hypothesis import strategies as st

from argosy.yaml_edit import keys

SCALARS = [
    *("1", "1.10", '"1.30"', "'1.10'", "1.29.3-alpine", '"1.29.3"', "true", '"true"', "yes", "on", "y", "'y'", "No"),
    *("null", "~", "", '""', "''", "1e3", '"1e3"', "0o7", "0644", "1_000", '"1_000"', "0x1F", ".inf", "-1", "+1", ".5"),
    *("2024-01-01", '"2024-01-01"', "12:30:45", "2001-12-14t21:59:43.10-05:00", "v1", '"v1"', "'v1'", "nginx:1.29"),
    *('"nginx:1.29"', "ghcr.io/acme/web", "'ghcr.io/acme/web'", "plain words", '"tab\\tquote\\" \\u00e9"', "'it''s'"),
    *("é ü", "http://example.com/a?b=c", '"# no comment"', "a#b", "sha256:0123abcd", "=", "!!str 5", "日本", '"🚀"'),
    *('"a, b"', "a, [b", "'{x}'", '"{{ .Values.x }}"', "-x", "50m", "10%", '"@at"', "'*star'", "Mi", "<<", "0"),
]
BLOCKS = [("|", ["one", "  two", "", "three"]), (">-", ["folded", "text"]), ("|-", ["# no comment", "x: y"])]
WORDS = ["web", "db", "a.b", "x-y", "é"]
Owner = tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """A line, and the entry that it belongs to."""

    text: str
    owner: Owner
    comment: str = ""
    beside: bool = True
    """Whether its comment stands beside the entry, and not above it."""


@dataclass
class Writer:
    """Write a tree as YAML, in whatever way chance wants."""

    chance: Random
    mark: str
    comments: bool = True
    lines: list[Line] = field(default_factory=list)
    count: int = 0

    def often(self, percent: int) -> bool:
        return self.chance.random() * 100 < percent

    def comment(self, percent: int = 15) -> str:
        if not self.comments or not self.often(percent):
            return ""
        self.count += 1
        return f"# {self.mark}{self.count}: - {{x"

    def line(self, text: str, owner: Owner, comment: str = "", *, beside: bool = True) -> None:
        space = "  " if comment and text.strip() else ""
        self.lines.append(Line(f"{text}{space}{comment}", owner, comment, beside))

    def above(self, indent: int, owner: Owner) -> None:
        if self.often(10):
            self.lines.append(Line("", owner))
        comment = self.comment()
        if comment:
            self.line(" " * indent, owner, comment, beside=False)

    def mapping(self, tree: dict[str, Any], indent: int, owner: Owner, first: str | None = None) -> None:
        for name, node in tree.items():
            here = (*owner, name)
            if first is None:
                self.above(indent, here)
            key = f'"{name}"' if self.often(10) else name
            self.value(f"{' ' * indent if first is None else first}{key}:", node, indent, here)
            first = None

    def value(self, head: str, node: Any, indent: int, owner: Owner) -> None:
        if isinstance(node, str):
            self.line(f"{head} {node}".rstrip(" "), owner, self.comment())
        elif isinstance(node, tuple):
            self.line(f"{head} {node[0]}", owner, self.comment())
            for each in node[1]:
                self.line(" " * (indent + 2) + each if each else "", owner)
        elif not node or (is_flat(node) and self.often(25)):
            self.flow(head, node, indent, owner)
        else:
            step = 0 if isinstance(node, list) and self.often(40) else self.chance.choice([2, 2, 4])
            self.line(head, owner, self.comment())
            (self.items if isinstance(node, list) else self.mapping)(node, indent + step, owner)

    def flow(self, head: str, node: Any, indent: int, owner: Owner) -> None:
        if isinstance(node, dict):
            opening, parts, closing = "{", [f"{name}: {in_flow(each)}" for name, each in node.items()], "}"
        else:
            opening, parts, closing = "[", [in_flow(each) for each in node], "]"
        if parts and self.often(25):
            margin = " " * (indent + 2)
            self.line(f"{head} {opening}", (*owner, "in flow"), self.comment())
            for number, part in enumerate(parts):
                comma = "," if number + 1 < len(parts) or self.often(50) else ""
                self.line(f"{margin}{part}{comma}", (*owner, "in flow"), self.comment())
            self.line(f"{' ' * indent}  {closing}", owner, self.comment())
        else:
            self.line(f"{head} {opening}{', '.join(parts)}{closing}", owner, self.comment())

    def items(self, items: list[Any], indent: int, owner: Owner) -> None:
        for number, item in enumerate(items):
            here = (*owner, name_of(item, number))
            self.above(indent, here)
            dash = " " * indent + "-"
            if isinstance(item, str):
                self.line(f"{dash} {item}", here, self.comment())
            elif self.often(15):
                self.line(dash, here, self.comment())
                self.mapping(item, indent + 2, here)
            else:
                self.mapping(item, indent + 2, here, first=dash + " ")


def name_of(item: Any, number: int) -> str:
    """Return by which name a path knows an item."""
    if isinstance(item, dict):
        return str(item.get("name", number))
    assigned = re.match(r"([\w./-]+)=", item)
    return assigned[1] if assigned else str(number)


def is_flat(node: Any) -> bool:
    """Return whether a tree can stand in one line."""
    parts = node.values() if isinstance(node, dict) else node
    return all(isinstance(each, str) or (isinstance(each, dict | list) and is_flat(each)) for each in parts)


def in_flow(node: Any) -> str:
    """Return a tree in one line."""
    if isinstance(node, dict):
        return "{" + ", ".join(f"{name}: {in_flow(each)}" for name, each in node.items()) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(in_flow(each) for each in node) + "]"
    return f'"{node}"' if node[:1] not in {'"', "'", "!"} and ({*node} & {*",[]{}"} or not node) else node


# Each strategy is made once: to make and to check one takes longer than to draw from it.
@cache
def trees(depth: int = 0, shared: Sequence[str] = ()) -> st.SearchStrategy[dict[str, Any]]:
    """Return mappings whose keys tell what their values are, so that two of them have much in common."""
    names = st.lists(st.sampled_from([*"abcxt", *"mklep"[: 5 - depth]]), unique=True, max_size=5)

    @st.composite
    def tree(draw: Any) -> dict[str, Any]:
        return {name: draw(_values(name, depth, shared)) for name in draw(names)}

    return tree()


_KINDS = st.sampled_from("atmlep")
_BLOCKS = st.sampled_from(BLOCKS)
_ASSIGNED = st.dictionaries(st.sampled_from(["A", "B_C", "D.E"]), st.sampled_from(["1", "x", "a=b"]))


@cache
def _values(name: str, depth: int, shared: Sequence[str]) -> st.SearchStrategy[Any]:
    scalars = st.sampled_from([*SCALARS, *shared])
    lists = st.lists(scalars.filter(bool), max_size=3)

    @st.composite
    def value(draw: Any) -> Any:
        kind = draw(_KINDS) if name == "x" and depth < 2 else name
        if kind in "mk" and depth < 3:
            return draw(trees(depth + 1, shared))
        if kind == "l" and depth < 3:
            return draw(_named(depth, shared))
        if kind == "e":
            return [f"{key}={value}" for key, value in draw(_ASSIGNED).items()]
        if kind == "p":
            return draw(lists)
        if kind == "t" and draw(st.booleans()):
            return draw(_BLOCKS)
        return draw(scalars)

    return value()


_NAMES = st.lists(st.sampled_from(WORDS), unique=True, max_size=3)


@cache
def _named(depth: int, shared: Sequence[str]) -> st.SearchStrategy[list[dict[str, Any]]]:
    @st.composite
    def named(draw: Any) -> list[dict[str, Any]]:
        items = []
        for name in draw(_NAMES):
            fields = list(draw(trees(depth + 2, shared)).items())
            fields.insert(draw(st.integers(0, len(fields))), ("name", name))
            items.append(dict(fields))
        return items

    return named()


@dataclass(frozen=True)
class Written:
    """A text, and its lines."""

    text: str
    lines: Sequence[Line]


_CHANCES = st.integers(0, 2**16)


@st.composite
def texts(draw: Any, mark: str, *, comments: bool = True, shared: tuple[str, ...] = ()) -> Written:
    """Return the text of a file of values."""
    chance = Random(draw(_CHANCES))
    writer = Writer(chance, mark, comments)
    tree = draw(trees(0, shared))
    head = writer.comment(30)
    if head:
        writer.line("", (), head, beside=False)
        writer.line("", ())
    if writer.often(10):
        writer.line("---", ())
    writer.mapping(tree, 0, ())
    if not tree and writer.often(50):
        writer.line("{}", (), writer.comment())
    end = chance.choice(["\n", "\n", "\r\n"])
    text = end.join(line.text for line in writer.lines)
    ends_in_block = not text or writer.lines[-1].text.startswith(" ")
    return Written(text if not ends_in_block and writer.often(10) else text + end, writer.lines)


def differing(target: str, source: str) -> list[tuple[str, keys.Path]]:
    """Return the addresses in which two texts differ."""
    one, other = (keys.Text(each).documents for each in (target, source))
    scopes = list(dict.fromkeys((*one, *other)))
    return [(scope, path) for scope in scopes for path in _differing((), one.get(scope), other.get(scope))]


def _differing(path: keys.Path, one: Any, other: Any) -> Iterator[keys.Path]:
    found = keys.entries(one, other) if one is not None and other is not None else None
    if found is None:
        if (one is None) != (other is None) or not keys.same(keys.value(one), keys.value(other)):
            yield path
        return
    for name in dict.fromkeys((*found[0], *found[1])):
        below = (each[name].value if name in each else None for each in found)
        yield from _differing((*path, name), *below)
