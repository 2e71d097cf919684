"""The tree in DOT, for Graphviz."""

from __future__ import annotations

from argosy.tree import Tree
from argosy.tree.edges import labelled, lines_of


def format_tree(tree: Tree, *, verbose: bool = False) -> str:  # noqa: ARG001 - a picture has no place for files
    """Return a directed graph; what is not all known has a dashed border."""
    nodes, edges = labelled(tree)
    lines = ["digraph argosy {", "  rankdir=LR;", "  node [shape=box];"]
    for number, node in nodes.items():
        style = ", style=dashed" if node.reason else ""
        label = "\\n".join(map(_escaped, lines_of(node)))
        lines.append(f'  n{number} [label="{label}"{style}];')
    lines += [f"  n{one} -> n{other};" for one, other in edges]
    return "\n".join([*lines, "}"]) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
