"""The schemas that come with argosy, in `data/`: written by hand, and, in `data/crds/`, by `make schemas`."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from argosy.errors import ArgosyError
from argosy.schemas.schema import CompiledSchema, compiled

FOLDER = Path(__file__).parent / "data"
OUTPUT = FOLDER / "output"
"""A file for each kind of what commands print for programs."""
CRDS = FOLDER / "crds"
"""A file for each API version of an operator, OPERATOR/GROUP_VERSION.json, with the schema of each kind in `$defs`.

`origins.json` says where they come from. Most are never asked for: each is read when a manifest is of its version.
"""
KUBERNETES = FOLDER / "kubernetes"
"""A file for each version of Kubernetes, MAJOR.MINOR.json, with its definitions."""
SCOPES = "scopes.json"
"""The file of `CRDS` with the kinds that belong to no namespace, by group."""
_BY_HAND = {
    "argoproj.io/v1alpha1": "argocd.json",
    "kustomize.config.k8s.io/v1alpha1": "kustomize.json",
    "kustomize.config.k8s.io/v1beta1": "kustomize.json",
}
_FURTHER = "operators.json"
"""What operators check of their kinds beyond what their CustomResourceDefinitions say, by KIND.GROUP."""


@cache
def for_kind(api_version: str, kind: str) -> CompiledSchema | None:
    """Return the schema of a kind that others define and many repositories hold; None if it is none of those."""
    name = _BY_HAND.get(api_version)
    if not kind[:1].isupper():
        return None
    if name and kind in by_uri()[f"argosy:/{name}"]["$defs"]:
        return schema(f"{name}#/$defs/{kind}")
    document = generated(api_version, kind)
    if document is None:
        return None
    group = api_version.partition("/")[0]
    parts = [{"$ref": f"{document['$id']}#/$defs/{kind}"}]
    if f"{kind}.{group}" in by_uri()[f"argosy:/{_FURTHER}"]["$defs"]:
        parts.append({"$ref": f"argosy:/{_FURTHER}#/$defs/{kind}.{group}"})
    shared = {uri: by_uri()[uri] for uri in ("argosy:/common.json", f"argosy:/{_FURTHER}")}
    return compiled({"allOf": parts}, {**shared, document["$id"]: document}, of_crd=True)


def generated(api_version: str, kind: str) -> Mapping[str, Any] | None:
    """Return the file of `CRDS` with the schema of an operator's kind in its `$defs`; None if there is none."""
    group, _, version = api_version.partition("/")
    documents = (_document(path) for path in _generated().get(f"{group}_{version}.json", ()))
    return next((each for each in documents if kind in each["$defs"]), None)


@cache
def of_operator(name: str) -> frozenset[tuple[str, str]]:
    """Return the kinds of an operator, as (apiVersion, kind); none where there is no such operator."""
    files = [path for path in CRDS.glob("*/*.json") if path.parent.name == name]
    return frozenset(
        (path.stem.replace("_", "/"), kind) for path in files for kind in _document(path)["$defs"] if kind[:1].isupper()
    )


@cache
def scopes() -> Mapping[str, Sequence[str]]:
    """Return the operators' kinds that belong to no namespace, by group."""
    found: dict[str, list[str]] = json.loads((CRDS / SCOPES).read_bytes())
    return found


@cache
def schema(reference: str) -> CompiledSchema:
    """Return a part of a file: `files.json#/$defs/chart`."""
    return compiled({"$ref": f"argosy:/{reference}"}, by_uri())


@cache
def by_uri() -> Mapping[str, Any]:
    """Return the files written by hand that define something, by the URI that they refer to each other with."""
    read = [json.loads(path.read_bytes()) for path in FOLDER.glob("*.json")]
    return {document["$id"]: document for document in read if "$defs" in document}


@cache
def printed() -> Mapping[str, Path]:
    """Return the files with the schemas of what commands print for programs, by kind."""
    return {path.stem: path for path in sorted(OUTPUT.glob("*.json"))}


@cache
def package_folder(name: str) -> Path:
    """Return the folder of a package that is wanted for its data alone: importing it would load its command line."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ArgosyError(f"The Python package {name} is missing.", "Install argosy again.")
    return Path(spec.submodule_search_locations[0])


@cache
def _generated() -> Mapping[str, Sequence[Path]]:
    """Return the files by their name: several operators may share an API version."""
    found: dict[str, list[Path]] = {}
    for path in sorted(CRDS.glob("*/*.json")):
        found.setdefault(path.name, []).append(path)
    return found


@cache
def _document(path: Path) -> Any:
    return json.loads(path.read_bytes())
