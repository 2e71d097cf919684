"""How a value of one YAML text is written in another."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

import yaml

from argosy.yaml_edit import keys
from argosy.yaml_edit.places import (
    Collection,
    has_anchors,
    is_block,
    is_block_scalar,
    keeps_blank_lines,
    line_start,
    span,
)

_PLAIN = re.compile(r"[\w/](?:[\w./@+=-]|:(?=[\w/])| (?=\w))*")
_AMBIGUOUS = re.compile(
    r"y|yes|n|no|on|off|true|false|null|0[xob][\da-f_]+|[+-]?(?:\d[\d_]*(?:\.[\d_]*)?|\.[\d_]+)(?:e[+-]?\d*)?"
    r"|[+-]?\d[\d_]*(?::[\d_]+)+(?:\.[\d_]*)?|[+-]?\.(?:inf|nan)|[.+-]+|\d{4}-\d\d?-\d\d?\b.*",
    re.I,
)
"""Text that some reader of YAML takes for something else where it has no quotes."""
_IN_FLOW = set(",[]{}")
_INDENT = 2


class Shape(Enum):
    """How a value stands behind its key."""

    INLINE = "inline"
    SCALAR = "scalar"
    """As text in lines of its own below a `|` or `>`."""
    BLOCK = "block"
    """As entries in lines of their own."""


class Body(NamedTuple):
    """The text of a value."""

    text: str
    """For a block, with its first line's indentation."""
    shape: Shape


def body(its: Collection, name: str, column: int, newline: str) -> Body:
    """Return the text of an entry's value, for an entry at a column."""
    node, content = its.entries[name].value, its.content
    if not _is_movable(its, name):
        return Body(flow(content, node), Shape.INLINE)
    place = span(content, node)
    shift = column - its.column(name)
    text = shifted(content[place], shift, newline)
    if not is_block(node):
        return Body(text, Shape.SCALAR if is_block_scalar(node) else Shape.INLINE)
    return Body(" " * (place.start - line_start(content, place.start) + shift) + text, Shape.BLOCK)


def entry(its: Collection, path: keys.Path, column: int, newline: str) -> str | None:
    """Return the text of what a path leads to, with the mappings on its way, from a column on; None for part of a list.

    The first line is without its indentation.
    """
    name, *below = path
    if below:
        deeper = _deeper(its, name)
        inner = entry(deeper, tuple(below), column + _INDENT, newline) if deeper else None
        return f"{_key(its, name)}:{newline}{' ' * (column + _INDENT)}{inner}" if inner is not None else None
    if _is_movable(its, name):
        return shifted(its.content[its.start(name) : its.stop(name)], column - its.column(name), newline)
    written = flow(its.content, its.entries[name].value)
    return f"- {written}" if its.is_list else f"{_key(its, name)}: {written}"


def entry_in_flow(its: Collection, path: keys.Path) -> str | None:
    """Return the text of what a path leads to, for braces or brackets; None for part of a list."""
    name, *below = path
    if below:
        deeper = _deeper(its, name)
        inner = entry_in_flow(deeper, tuple(below)) if deeper else None
        return f"{_key(its, name)}: {{{inner}}}" if inner is not None else None
    written = flow(its.content, its.entries[name].value)
    return written if its.is_list else f"{_key(its, name)}: {written}"


def _deeper(its: Collection, name: str) -> Collection | None:
    node = its.entries[name].value
    if its.is_list or not isinstance(node, yaml.MappingNode):
        return None
    return Collection(its.content, node, (keys.entries(node) or [{}])[0], its, name)


def _key(its: Collection, name: str) -> str:
    key = its.entries[name].key
    return flow(its.content, key) if key is not None else name


def _is_movable(its: Collection, name: str) -> bool:
    """Return whether an entry's own text can stand elsewhere."""
    found = its.entries[name]
    return (
        not its.in_flow
        and not its.in_alias
        and (its.is_list or its.colon(name) is not None)
        and not keeps_blank_lines(its.content, found.value)
        and not has_anchors(its.content, found.value)
    )


def shifted(text: str, shift: int, newline: str) -> str:
    """Return a text of which all lines but the first are indented further, or less."""
    first, *lines = re.split(r"\r?\n", text)
    return newline.join([first, *(_indented(line, shift) for line in lines)])


def _indented(line: str, shift: int) -> str:
    if shift >= 0:
        return " " * shift + line if line else line
    return line[min(-shift, len(line) - len(line.lstrip(" "))) :]


def flow(content: str, node: yaml.Node) -> str:
    """Return the text of a node in one line, in braces or brackets, without anchors and comments."""
    if isinstance(node, yaml.MappingNode):
        return "{" + ", ".join(f"{flow(content, key)}: {flow(content, each)}" for key, each in node.value) + "}"
    if isinstance(node, yaml.SequenceNode):
        return "[" + ", ".join(flow(content, each) for each in node.value) + "]"
    written = content[span(content, node)]
    if has_anchors(content, node):
        written = node.value if isinstance(node, yaml.ScalarNode) and not node.style else ""
    is_text = isinstance(keys.value(node), str)
    if "\n" in written or (not written and is_text) or is_block_scalar(node):
        return quoted(node.value)
    if is_text and not node.style and _IN_FLOW & set(written):  # type: ignore[attr-defined]
        return quoted(node.value)
    return written or "null"


def written(text: str) -> str:
    """Return a text without quotes where every reader takes it for that text, else in double quotes."""
    return text if _PLAIN.fullmatch(text) and not _AMBIGUOUS.fullmatch(text) else quoted(text)


def quoted(text: str) -> str:
    """Return a text in double quotes."""
    dumped: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**9)
    return dumped.rstrip("\n")


def scalar(old: tuple[yaml.ScalarNode, str], new: tuple[yaml.ScalarNode, str]) -> str:
    """Return the text of a new scalar in the old one's way of quoting, where both may be written in either's.

    So what is brought there and back again is the same text.
    """
    (was, _), (node, text) = old, new
    styles = {was.style or None, node.style or None}
    if len(styles) == 1 or not all(_is_free(*each, styles) for each in (old, new)):
        return text
    return _in_style(str(node.value), was.style or None)


def _is_free(node: yaml.ScalarNode, text: str, styles: set[str | None]) -> bool:
    plain = str(node.value)
    free = _PLAIN.fullmatch(plain) and not _AMBIGUOUS.fullmatch(plain) if None in styles else plain.isprintable()
    return bool(free) and _in_style(plain, node.style or None) == text


def _in_style(text: str, style: str | None) -> str:
    if style is None:
        return text
    return "'" + text.replace("'", "''") + "'" if style == "'" else quoted(text)
