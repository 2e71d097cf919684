"""Repositories rendered from the template, and Kubernetes' own schemas to judge their manifests by."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import jsonschema_rs
import pytest

from argosy.repository.model import ChartExtra
from argosy.template import copying, creation, rendering, versions

Document = dict[str, Any]
EXTRAS = (*map(str, ChartExtra),)
GUIDE = {
    "team": "",
    "port": 80,
    "image": {"repository": "nginx", "tag": "1.24.0-alpine", "digest": ""},
    "images": {"dev": {"repository": "nginx", "tag": "1.23.0-alpine", "digest": ""}},
}


class Render(Protocol):
    """Render a repository of dev, staging and prod, with an application of each format that is named after it."""

    def __call__(self, *formats: str, extras: Sequence[str] = EXTRAS, **changes: Any) -> Path:
        """Return its folder; its charts have the extras, and the changes are to the guide's application."""


@pytest.fixture(scope="session")
def render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Return what renders repositories as argosy does: what Copier gives is the same, a second later."""

    def render(*formats: str, extras: Sequence[str] = EXTRAS, **changes: Any) -> Path:
        place = tmp_path_factory.mktemp("tree")
        applications = [GUIDE | changes | {"name": format, "format": format} for format in formats]
        data = {"applications": applications, "chart_extras": [*extras]}
        creation.write(place, copying.run(versions.current(), data, rendering.everything, ()))
        return place

    return render


@pytest.fixture(scope="session")
def tree(render: Render) -> Path:
    """Return a repository with the guide's application in each format."""
    return render("helm", "kustomize", "manifests")


@functools.cache
def _schemas(version: str) -> tuple[Path, jsonschema_rs.Registry]:
    folder = Path(str(files("kubernetes_validate"))) / "kubernetes-json-schema" / f"v{version}.0-local-strict"
    definitions = json.loads((folder / "_definitions.json").read_text())
    return folder, jsonschema_rs.Registry([("file:///api/_definitions.json", definitions)])


@functools.cache
def _validator(version: str, name: str) -> jsonschema_rs.Validator:
    folder, registry = _schemas(version)
    schema = json.loads((folder / name).read_text())
    schema.pop("$schema", None)
    return jsonschema_rs.validator_for(schema | {"$id": f"file:///{name}"}, registry=registry)


@pytest.fixture(scope="session")
def errors() -> Callable[[Document, str], list[str]]:
    """Return what Kubernetes' strict schema of a version finds wrong with a manifest of a built-in kind."""

    def errors(document: Document, version: str) -> list[str]:
        group, slash, api_version = document["apiVersion"].rpartition("/")
        name = "-".join([document["kind"].lower(), *([group.partition(".")[0]] if slash else []), api_version])
        found = _validator(version, f"{name}.json").iter_errors(document)
        return [f"{error.instance_path}: {error.message}" for error in found]

    return errors
