"""The tree as text, for people."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from argosy.reporting.wording import number
from argosy.terminal import printable
from argosy.tree import Node, Tree

_FEW_PATHS = 3


def format_tree(tree: Tree, *, verbose: bool = False) -> str:
    """Return a line for each node, and what nothing leads to; every path of that if verbose."""
    lines = [line for root in tree.roots for line in _lines(root, "", "")]
    return "\n".join([*lines, *_clusters(tree), *_unreached(tree, verbose=verbose), _closing(tree)]) + "\n"


def _lines(node: Node, first: str, indent: str) -> Iterator[str]:
    place = f"  {node.path}" if not indent or node.reason else ""
    where = f" ({node.where})" if node.where else ""
    more = " (see above)" if node.is_repeated else ""
    yield printable(f"{first}{node.title}{where}{more}{place}").rstrip()
    if node.reason and not node.is_repeated:
        message = node.reason.split("\n")[0]
        yield printable(f"{indent}? {message}")
    for place_of, child in enumerate(node.children, 1):
        is_last = place_of == len(node.children)
        branch, below = ("└── ", "    ") if is_last else ("├── ", "│   ")
        yield from _lines(child, f"{indent}{branch}", f"{indent}{below}")


def _clusters(tree: Tree) -> Iterator[str]:
    for path, group in groupby(tree.clusters, key=lambda each: each.path):
        yield printable(f"\nclusters of {path}")
        for each in group:
            labels = "".join(f" {key}={value}" for key, value in each.labels.items())
            server = f" ({each.server})" if each.server else ""
            users = number(len(each.applications), "Application")
            yield printable(f"    {each.name or '?'}{server}{labels}: {users}")


def _unreached(tree: Tree, *, verbose: bool) -> Iterator[str]:
    by_reason = sorted(tree.unreached, key=lambda each: (each.reason, each.path))
    for reason, group in groupby(by_reason, key=lambda each: each.reason):
        files = [each.path for each in group]
        few = files if verbose else files[:_FEW_PATHS]
        yield printable(f"\nunreached: {reason} ({number(len(files), 'file')})")
        yield from (printable(f"    {each}") for each in few)
        if len(few) < len(files):
            yield f"    and {len(files) - len(few)} more: --verbose lists them"


def _closing(tree: Tree) -> str:
    nodes = [node for root in tree.roots for node in root.all() if not (node.is_repeated or node.is_outline)]
    kinds = [sum(node.kind == kind for node in nodes) for kind in ("ApplicationSet", "Application")]
    roots, unreached = number(len(tree.roots), "root"), number(len(tree.unreached), "file")
    return (
        f"\n{roots}, {number(kinds[0], 'ApplicationSet')}, {number(kinds[1], 'Application')}; "
        f"{len(tree.unresolved)} unresolved, {unreached} unreached"
    )
