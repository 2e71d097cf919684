"""Graphs: boxes and arrows, and how they are written as SVG, Mermaid and DOT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module

from argosy.terminal import without_logins


class GraphFormat(StrEnum):
    """How a graph is written."""

    SVG = "svg"
    MERMAID = "mermaid"
    DOT = "dot"


@dataclass(frozen=True, slots=True)
class Box:
    """What stands in a picture: its lines, the first of which is its title."""

    lines: Sequence[str]
    group: str = ""
    """What it belongs to, together with others; empty for nothing."""
    is_dashed: bool = False
    """Whether it is not known, or not all of it."""

    def __post_init__(self) -> None:
        """Leave the logins out of URLs, before anything is cut off."""
        object.__setattr__(self, "lines", [*map(without_logins, self.lines)])
        object.__setattr__(self, "group", without_logins(self.group))


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow from box to box, by their places in the graph."""

    source: int
    target: int
    label: str = ""

    def __post_init__(self) -> None:
        """Leave the logins out of URLs."""
        object.__setattr__(self, "label", without_logins(self.label))


@dataclass(frozen=True, slots=True)
class Graph:
    """A picture before it is drawn."""

    boxes: Sequence[Box]
    arrows: Sequence[Arrow]
    title: str = ""

    def __post_init__(self) -> None:
        """Leave the logins out of URLs."""
        object.__setattr__(self, "title", without_logins(self.title))


def format_graph(graph: Graph, form: str) -> str:
    """Return a graph in a format, with a newline at its end; texts that others wrote are shown as they are."""
    written: str = import_module(f"{__name__}.as_{GraphFormat(form)}").format_graph(graph)
    return written
