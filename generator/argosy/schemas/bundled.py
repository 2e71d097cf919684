"""The schemas that come with argosy, in `data/`: written by hand, and, in `data/crds/`, by `make schemas`."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from argosy.errors import ArgosyError
from argosy.schemas.schema import CompiledSchema, compiled

FOLDER = Path(__file__).parent / "data"
CRDS = FOLDER / "crds"
"""A file for each API version of operators, GROUP_VERSION.json, with the schema of each kind in `$defs`."""
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
    group, slash, version = api_version.partition("/")
    if not slash or f"{group}_{version}.json" not in _generated():
        return None
    document = json.loads((CRDS / f"{group}_{version}.json").read_bytes())
    if kind not in document["$defs"]:
        return None
    parts = [{"$ref": f"{document['$id']}#/$defs/{kind}"}]
    if f"{kind}.{group}" in by_uri()[f"argosy:/{_FURTHER}"]["$defs"]:
        parts.append({"$ref": f"argosy:/{_FURTHER}#/$defs/{kind}.{group}"})
    shared = {uri: by_uri()[uri] for uri in ("argosy:/common.json", f"argosy:/{_FURTHER}")}
    return compiled({"allOf": parts}, {**shared, document["$id"]: document}, of_crd=True)


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
def package_folder(name: str) -> Path:
    """Return the folder of a package that is wanted for its data alone: importing it would load its command line."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ArgosyError(f"The Python package {name} is missing.", "Install argosy again.")
    return Path(spec.submodule_search_locations[0])


@cache
def _generated() -> frozenset[str]:
    return frozenset(path.name for path in CRDS.glob("*.json"))
