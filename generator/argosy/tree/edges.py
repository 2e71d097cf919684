"""A tree as a graph: each node once, with a number, and who leads to whom."""

from __future__ import annotations

from collections.abc import Iterator

from argosy.terminal import printable
from argosy.tree import APPLICATION, Node, Tree


def labelled(tree: Tree) -> tuple[dict[int, Node], list[tuple[int, int]]]:
    """Return the nodes by number, and the edges between them; what is shown again is the node that was there."""
    nodes: dict[int, Node] = {}
    edges: list[tuple[int, int]] = []
    known: dict[tuple[str, str], int] = {}
    waiting: list[tuple[int | None, Node]] = [(None, root) for root in reversed(tree.roots)]
    while waiting:
        parent, node = waiting.pop()
        this = known.get((node.name, node.path)) if node.is_repeated else None
        if this is None:
            this = len(nodes)
            nodes[this] = node
            if node.kind == APPLICATION:
                known[node.name, node.path] = this
        if parent is not None:
            edges.append((parent, this))
        waiting += [(this, child) for child in reversed(node.children)]
    return nodes, edges


def lines_of(node: Node) -> Iterator[str]:
    """Yield the lines of a node's label."""
    yield printable(node.title)
    if node.where:
        yield printable(node.where)
    if node.reason:
        yield printable("? " + node.reason.split("\n")[0])
