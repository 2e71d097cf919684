"""The tree as JSON, for programs."""

from __future__ import annotations

from argosy import data
from argosy.documents.fields import JSON
from argosy.tree import Node, Tree

_FIELDS = (
    "kind",
    "name",
    "path",
    "application",
    "environment",
    "cluster",
    "namespace",
    "hydrated",
    "phase",
    "wave",
    "reason",
)

_OF_CLUSTER = ("name", "server", "labels", "path", "applications")


def format_tree(tree: Tree, *, verbose: bool = False) -> str:  # noqa: ARG001 - JSON has everything
    """Return a tree as one JSON object: `roots`, each with `children`, `unresolved`, `unreached` and `clusters`."""
    document = {
        "roots": [_node(each) for each in tree.roots],
        "unresolved": [_fields(each) for each in tree.unresolved],
        "unreached": [{"path": each.path, "reason": each.reason} for each in tree.unreached],
        "clusters": [{name: getattr(each, name) for name in _OF_CLUSTER} for each in tree.clusters],
    }
    return data.written("Tree", document)


def _node(node: Node) -> JSON:
    shown = {"repeated": node.is_repeated, "outline": node.is_outline}
    return {**_fields(node), **shown, "children": [_node(each) for each in node.children]}


def _fields(node: Node) -> JSON:
    return {name: getattr(node, name) for name in _FIELDS}
