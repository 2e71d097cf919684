"""A graph in DOT, for Graphviz."""

from __future__ import annotations

from itertools import groupby

from argosy.graph import Graph
from argosy.terminal import printable


def format_graph(graph: Graph) -> str:
    """Return a directed graph; what is not all known has a dashed border, and a group is a frame."""
    lines = ["digraph argosy {", "  rankdir=LR;", "  node [shape=box];"]
    in_groups = sorted(enumerate(graph.boxes), key=lambda each: each[1].group)
    for count, (group, members) in enumerate(groupby(in_groups, key=lambda each: each[1].group)):
        indent = "    " if group else "  "
        lines += [f"  subgraph cluster_{count} {{", f'    label="{_escaped(group)}";'] if group else []
        for number, box in members:
            style = ", style=dashed" if box.is_dashed else ""
            label = "\\n".join(map(_escaped, box.lines))
            lines.append(f'{indent}n{number} [label="{label}"{style}];')
        lines += ["  }"] if group else []
    for each in graph.arrows:
        label = f' [label="{_escaped(each.label)}"]' if each.label else ""
        lines.append(f"  n{each.source} -> n{each.target}{label};")
    return "\n".join([*lines, "}"]) + "\n"


def _escaped(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
