"""Argo CD's own ConfigMaps, whose entries hold YAML, CSV and Lua that no schema looks into.

Most often they are patches of a kustomization whose base lies elsewhere, so that nothing but rules reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

import yaml

from argosy.argocd.view import View
from argosy.documents import Document, Pointer, plain
from argosy.documents.fields import field, mapping

SETTINGS, ACCESS, NOTIFICATIONS = "argocd-cm", "argocd-rbac-cm", "argocd-notifications-cm"


def example(name: str, data: str) -> str:
    """Return a ConfigMap as an example of a rule has it."""
    head = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n"
    return f"# file: argocd/install/{name}.yaml\n{head}data:\n{data}"


def is_config_map(document: Document, name: str) -> bool:
    """Tell whether a manifest is the ConfigMap of that name, in whatever namespace."""
    data = document.data
    return (data.get("apiVersion"), data.get("kind"), field(data, "metadata", "name")) == ("v1", "ConfigMap", name)


def entries(document: Document, name: str) -> Iterator[tuple[Pointer, str, str]]:
    """Yield the place, the key and the text of each entry of the ConfigMap of that name."""
    if is_config_map(document, name):
        for key, value in mapping(document.data.get("data")).items():
            if isinstance(value, str):
                yield ("data", key), key, value


@lru_cache(maxsize=1)  # One validation looks at one View.
def config_maps(repository: View) -> tuple[Document, ...]:
    """Return Argo CD's ConfigMaps: written, rendered, or patches of those that lie elsewhere."""
    rendered = (each for documents in repository.rendered.values() for each in documents)
    found = (*repository.documents, *repository.patches, *rendered)
    names = (SETTINGS, ACCESS, NOTIFICATIONS)
    return tuple(
        each for each in found if isinstance(each.data, dict) and any(is_config_map(each, name) for name in names)
    )


def read(value: str) -> tuple[Any, str]:
    """Return what a text is as YAML, and why it is none."""
    try:
        return next(iter(plain.documents(value)), None), ""
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return None, " ".join(str(getattr(error, "problem", None) or error).split())


def one_of(values: Iterable[str]) -> str:
    """Return a hint that names what is possible."""
    return f"Use one of {', '.join(values)}."


def near(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the word that is most likely meant; empty where none is near."""
    close = get_close_matches(word, sorted(known), 1)
    return f"Did you mean “{close[0]}”?" if close else ""
