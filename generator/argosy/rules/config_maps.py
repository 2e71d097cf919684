"""Argo CD's own ConfigMaps, whose entries hold YAML, CSV and Lua that no schema looks into.

Most often they are patches of a kustomization whose base lies elsewhere, so that nothing but rules reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from argosy.argocd.view import config_map_name
from argosy.documents import Document, Pointer, plain
from argosy.documents.fields import mapping


def example(name: str, data: str) -> str:
    """Return a ConfigMap as an example of a rule has it."""
    head = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n"
    return f"# file: argocd/install/{name}.yaml\n{head}data:\n{data}"


def entries(document: Document, name: str) -> Iterator[tuple[Pointer, str, str]]:
    """Yield the place, the key and the text of each entry of the ConfigMap of that name."""
    if config_map_name(document) == name:
        for key, value in mapping(document.data.get("data")).items():
            if isinstance(value, str):
                yield ("data", key), key, value


def read(value: str) -> tuple[Any, str]:
    """Return what a text is as YAML, and why it is none."""
    try:
        return next(iter(plain.documents(value)), None), ""
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return None, " ".join(str(getattr(error, "problem", None) or error).split())
