"""Where the parts of a YAML text stand in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

from argosy.yaml_edit.keys import Entry

_DASH = re.compile(r"(?:[&!]\S*)?(?:[ \t\r\n]|#[^\n]*)*-")
_COLON = re.compile(r"[ \t]*:")
_ANCHOR = re.compile(r"(?:!\S*\s+)?[&*]")
_KEEPS_BLANK_LINES = re.compile(r"(?:[&!]\S+\s+)*[|>]\d?\+")


@dataclass(frozen=True, slots=True)
class Collection:
    """A mapping or list of a text, and what it is in."""

    content: str
    node: yaml.Node
    entries: dict[str, Entry]
    parent: Collection | None = None
    name: str = ""
    """The parent's entry that it is the value of."""

    @property
    def is_list(self) -> bool:
        """Return whether it is a list."""
        return isinstance(self.node, yaml.SequenceNode)

    @property
    def in_flow(self) -> bool:
        """Return whether it stands in braces or brackets, its own or around it."""
        return bool(getattr(self.node, "flow_style", False)) or (self.parent is not None and self.parent.in_flow)

    @property
    def in_alias(self) -> bool:
        """Return whether it stands elsewhere in the text."""
        return is_alias(self.content, self.node) or (self.parent is not None and self.parent.in_alias)

    def start(self, name: str) -> int:
        """Return where an entry begins: with its key, or with the dash of a list."""
        entry = self.entries[name]
        if entry.key is not None or self.in_flow:
            return int((entry.key or entry.value).start_mark.index)
        names = list(self.entries)
        before = names.index(name) - 1
        lowest = self.stop(names[before]) if before >= 0 else int(self.node.start_mark.index)
        dash = _DASH.match(self.content, lowest)
        return dash.end() - 1 if dash else int(entry.value.start_mark.index)

    def stop(self, name: str) -> int:
        """Return where an entry ends, without what stands behind it in the line."""
        return _stop(self.content, self.entries[name].value)

    def column(self, name: str) -> int:
        """Return how far an entry is indented."""
        start = self.start(name)
        return int(start - line_start(self.content, start))

    def colon(self, name: str) -> int | None:
        """Return what comes after the colon behind an entry's key; None where that is not in the key's line."""
        key = self.entries[name].key
        found = _COLON.match(self.content, key.end_mark.index) if key is not None else None
        return found.end() if found else None


def span(content: str, node: yaml.Node) -> slice:
    """Return where the text of a node is, without comments and blank lines behind it."""
    return slice(node.start_mark.index, _stop(content, node))


def _stop(content: str, node: yaml.Node) -> int:
    start, end = node.start_mark.index, node.end_mark.index
    if is_block(node) and not is_alias(content, node) and node.value:
        last = node.value[-1]
        if isinstance(node, yaml.SequenceNode):
            return _stop(content, last)
        return max(int(last[0].end_mark.index), _stop(content, last[1]))
    if not is_block_scalar(node) or is_alias(content, node):
        return int(end)
    text = content[start:end]
    if _KEEPS_BLANK_LINES.match(text):
        return int(end) - (len(text) - len(text.removesuffix("\n").removesuffix("\r")))
    return int(start + len(text.rstrip("\r\n")))


def is_block(node: yaml.Node) -> bool:
    """Return whether a node is a collection without braces or brackets."""
    return not isinstance(node, yaml.ScalarNode) and not getattr(node, "flow_style", False)


def is_block_scalar(node: yaml.Node) -> bool:
    """Return whether a node is text in lines of its own."""
    return isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"}


def is_alias(content: str, node: yaml.Node) -> bool:
    """Return whether a node stands elsewhere in the text."""
    return content.startswith("*", node.start_mark.index)


def keeps_blank_lines(content: str, node: yaml.Node) -> bool:
    """Return whether blank lines behind a text belong to it."""
    return is_block_scalar(node) and _KEEPS_BLANK_LINES.match(content, node.start_mark.index) is not None


def has_anchors(content: str, node: yaml.Node) -> bool:
    """Return whether a node is shared, or shares anything, within its document."""
    if _ANCHOR.match(content, node.start_mark.index):
        return True
    if isinstance(node, yaml.MappingNode):
        return any(has_anchors(content, each) for pair in node.value for each in pair)
    return isinstance(node, yaml.SequenceNode) and any(has_anchors(content, each) for each in node.value)


def line_start(content: str, index: int) -> int:
    """Return where the line of a place begins."""
    return content.rfind("\n", 0, index) + 1


def line_end(content: str, index: int) -> int:
    """Return where the line of a place ends, before its line break."""
    end = content.find("\n", index)
    if end < 0:
        return len(content)
    return end - 1 if content[end - 1] == "\r" and end - 1 >= index else end


def next_line(content: str, index: int) -> int:
    """Return where the line after a place begins."""
    end = content.find("\n", index)
    return len(content) if end < 0 else end + 1


def newline(content: str) -> str:
    """Return how lines end."""
    return "\r\n" if "\r\n" in content else "\n"
