"""A graph as a Mermaid flowchart, which Git hosts show in Markdown."""

from __future__ import annotations

from itertools import groupby

from argosy.graph import Graph
from argosy.terminal import printable


def format_graph(graph: Graph) -> str:
    """Return a flowchart; what is not all known has a dashed border, and a group is a frame."""
    lines = ["flowchart LR"]
    in_groups = sorted(enumerate(graph.boxes), key=lambda each: each[1].group)
    for count, (group, members) in enumerate(groupby(in_groups, key=lambda each: each[1].group)):
        indent = "    " if group else "  "
        lines += [f'  subgraph g{count}["{_escaped(group)}"]'] if group else []
        for number, box in members:
            label = "<br>".join(map(_escaped, box.lines))
            lines.append(f'{indent}n{number}["{label}"]')
        lines += ["  end"] if group else []
    for each in graph.arrows:
        label = f'|"{_escaped(each.label)}"|' if each.label else ""
        lines.append(f"  n{each.source} -->{label} n{each.target}")
    if unresolved := [f"n{number}" for number, box in enumerate(graph.boxes) if box.is_dashed]:
        lines += ["  classDef unresolved stroke-dasharray: 5 5", f"  class {','.join(unresolved)} unresolved"]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Return a text that Mermaid shows as it is: its own entities begin with #."""
    shown = printable(text).replace("\n", " ")
    return "".join(each if each.isalnum() or each in " -_./:,()?" else f"#{ord(each)};" for each in shown)
