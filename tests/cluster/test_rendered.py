"""What argosy writes, as an API server takes it: a dry run of all that the trees render to, of its own kinds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from argosy.repository.model import WRITTEN_HERE, ArgocdStyle, Format
from argosy.template import rendering
from argosy.template.rendering import File
from argosy.validation import pipeline
from tests import goldens
from tests.cluster import differential
from tests.cluster.control_plane import ControlPlane
from tests.cluster.mutations import Mutation

NEW = [*product(WRITTEN_HERE, ArgocdStyle)]


@pytest.mark.parametrize("name", goldens.NAMES)
def test_the_golden_trees_are_taken(plane: ControlPlane, name: str, tmp_path: Path) -> None:
    write(goldens.tree(goldens.model(name)), tmp_path)
    all_are_taken(plane, tmp_path)


@pytest.mark.parametrize(("form", "style"), NEW)
def test_a_new_repository_is_taken(plane: ControlPlane, form: str, style: str, tmp_path: Path) -> None:
    write(rendering.render(goldens.repository(Format(form), ArgocdStyle(style))), tmp_path)
    all_are_taken(plane, tmp_path)


def write(tree: Mapping[str, File], folder: Path) -> None:
    """Write a tree, but for what is executable in it."""
    for path, file in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(file.content)


def all_are_taken(plane: ControlPlane, root: Path) -> None:
    """Fail on what the API server refuses of what a repository renders to and applies."""
    paths = differential.prepared(plane)
    manifests = {json.dumps(each, sort_keys=True): each for each in applied(root)}.values()
    known = [each for each in manifests if (each["apiVersion"], each["kind"]) in paths]
    assert known
    refused = []
    for each in known:
        told = differential.of_server(plane, paths, Mutation("", {**each, "metadata": in_namespace(each, paths)}))
        refused += [(each["kind"], each["metadata"].get("name"), told)] if told else []
    assert refused == []


def in_namespace(manifest: dict[str, Any], paths: dict[tuple[str, str], str]) -> dict[str, Any]:
    """Return the metadata with the namespace that there is."""
    metadata = dict(manifest["metadata"])
    if "/namespaces/" in paths[manifest["apiVersion"], manifest["kind"]]:
        metadata["namespace"] = differential.NAMESPACE
    return metadata


def applied(root: Path) -> Iterator[dict[str, Any]]:
    """Yield the manifests that Argo CD applies."""
    deployed = pipeline.look(root, pipeline.Options())
    for render in deployed.renders:
        yield from (each.data for each in render.documents if isinstance(each.data, dict))
