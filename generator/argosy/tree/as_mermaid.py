"""The tree as a Mermaid flowchart, which Git hosts show in Markdown."""

from __future__ import annotations

from argosy.tree import Tree
from argosy.tree.edges import labelled, lines_of


def format_tree(tree: Tree, *, verbose: bool = False) -> str:  # noqa: ARG001 - a picture has no place for files
    """Return a flowchart; what is not all known has a dashed border."""
    nodes, edges = labelled(tree)
    lines = ["flowchart LR"]
    for number, node in nodes.items():
        label = "<br>".join(map(_escaped, lines_of(node)))
        lines.append(f'  n{number}["{label}"]')
    lines += [f"  n{one} --> n{other}" for one, other in edges]
    if unresolved := [f"n{number}" for number, node in nodes.items() if node.reason]:
        lines += ["  classDef unresolved stroke-dasharray: 5 5", f"  class {','.join(unresolved)} unresolved"]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Return a text that Mermaid shows as it is: its own entities begin with #."""
    return "".join(each if each.isalnum() or each in " -_./:,()?" else f"#{ord(each)};" for each in text)
