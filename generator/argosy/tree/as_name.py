"""The names of a tree's Applications, a line each, for shells."""

from __future__ import annotations

from argosy.tree import APPLICATION, Tree


def format_tree(tree: Tree, *, verbose: bool = False) -> str:  # noqa: ARG001 - names are names
    """Return each Application's name once, in the order of the tree."""
    named = (each.name for root in tree.roots for each in root.all() if each.kind == APPLICATION)
    return "".join(f"{name}\n" for name in dict.fromkeys(named))
