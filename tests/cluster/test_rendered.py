"""What argosy writes, as an API server takes it: a dry run of all that the trees render to, of its own kinds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from argosy.catalogue import catalogue
from argosy.change import components
from argosy.repository.model import WRITTEN_HERE, ArgocdStyle, Format, Repository
from argosy.template import rendering
from argosy.template.rendering import File
from argosy.validation import pipeline
from tests import covering, goldens
from tests.cluster import differential
from tests.cluster.control_plane import ControlPlane
from tests.cluster.mutations import Mutation
from tests.test_production import CHOICES as SWITCHES
from tests.test_production import OFF, VALUES
from tests.test_production import model as switched

NEW = [*product(WRITTEN_HERE, ArgocdStyle)]
COMPONENTS = sorted(catalogue.load())
CHOICES: Mapping[str, Sequence[str]] = {
    "format": [*WRITTEN_HERE],
    "argocd": [*ArgocdStyle],
    **SWITCHES,
    **dict.fromkeys(COMPONENTS, (OFF, "on")),
}
"""All that can be chosen of a repository and shows in what it applies."""
CASES = [{key: value for key, value in case.items() if value != OFF} for case in covering.cases(CHOICES)]
"""Any two of these choices together."""


@pytest.mark.parametrize("name", goldens.NAMES)
def test_the_golden_trees_are_taken(plane: ControlPlane, name: str, tmp_path: Path) -> None:
    write(goldens.tree(goldens.model(name)), tmp_path)
    all_are_taken(plane, tmp_path)


@pytest.mark.parametrize(("form", "style"), NEW)
def test_a_new_repository_is_taken(plane: ControlPlane, form: str, style: str, tmp_path: Path) -> None:
    write(rendering.render(goldens.repository(Format(form), ArgocdStyle(style))), tmp_path)
    all_are_taken(plane, tmp_path)


def test_each_switch_and_each_component_is_in_several_cases() -> None:
    for name, values in CHOICES.items():
        assert all(sum(case.get(name, OFF) == value for case in CASES) > 2 for value in values), name


@pytest.mark.parametrize("number", range(len(CASES)))
def test_whatever_is_switched_on_is_taken(plane: ControlPlane, number: int, tmp_path: Path) -> None:
    write(goldens.tree(chosen(CASES[number], number)), tmp_path)
    all_are_taken(plane, tmp_path)


def chosen(case: Mapping[str, str], number: int) -> Repository:
    """Return the repository of a case."""
    turned = {key: value for key, value in case.items() if key not in {"format", *COMPONENTS}}
    if turned.get("secrets") == "external-secrets":
        turned["secretStore"] = VALUES["secretStore"][number % len(VALUES["secretStore"])]
    made, known = switched(turned, Format(case["format"])), catalogue.load()
    wanted = [each for each in COMPONENTS if each in case]
    if not wanted:
        return made
    placed = components.place(made, known, wanted, ())
    return components.add(made, placed, fetch=goldens.refuse, held=lambda _: None).after


def write(tree: Mapping[str, File], folder: Path) -> None:
    """Write a tree, but for what is executable in it."""
    for path, file in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(file.content)


def all_are_taken(plane: ControlPlane, root: Path) -> None:
    """Fail on what the API server refuses of what a repository renders to and applies."""
    paths = differential.prepared(plane)
    manifests = {json.dumps(each, sort_keys=True): each for each in applied(root)}
    known = {text: each for text, each in manifests.items() if (each["apiVersion"], each["kind"]) in paths}
    assert known
    refused = []
    for text, each in known.items():
        if text in _TAKEN:
            continue
        told = differential.of_server(plane, paths, Mutation("", {**each, "metadata": in_namespace(each, paths)}))
        refused += [(each["kind"], each["metadata"].get("name"), told)] if told else []
        _TAKEN.add(text)
    assert refused == []


_TAKEN: set[str] = set()
"""What was judged before: most of a repository is that of the last."""


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
