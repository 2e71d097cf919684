"""Manifests as data: read from YAML, written as what kubectl reads, compared as a cluster has them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from argosy.documents import plain
from argosy.documents.fields import group_and_kind, mapping, sequence
from argosy.errors import ArgosyError, ToolError

Manifest = Mapping[str, Any]

_SERVER_SIDE = {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"}


class Reference(NamedTuple):
    """What names an object in a cluster."""

    api_version: str
    kind: str
    namespace: str
    name: str


class Identity(NamedTuple):
    """What tells a resource of a cluster from all others."""

    group: str
    kind: str
    namespace: str
    """Empty for a kind without one."""
    name: str
    """`generateName`, where it has no name."""
    occurrence: int = 0
    """Counts those that have all else in common."""

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}" + (f" ({self.occurrence + 1})" if self.occurrence else "")


def read(text: str, where: str) -> list[Manifest]:
    """Return the manifests of a YAML text, those of Lists one by one; raise ArgosyError where it holds none."""
    try:
        documents = list(plain.documents(text))
    except (yaml.YAMLError, ValueError) as error:
        raise ArgosyError(f"{where} is not valid YAML: {' '.join(str(error).split())}.", "argosy validate") from error
    found = [each for document in documents if document for each in _unpacked(document)]
    for each in found:
        if not isinstance(each, dict) or not all(reference(each)[position] for position in (0, 1, 3)):
            raise ArgosyError(
                f"{where} holds something without apiVersion, kind and metadata.name.", "argosy validate says more."
            )
    return found


def _unpacked(document: Any) -> Sequence[Any]:
    is_list = isinstance(document, dict) and document.get("kind") == "List"
    return [each for each in (sequence(document.get("items")) if is_list else [document]) if isinstance(each, dict)]


def listed(manifests: Iterable[Manifest]) -> str:
    """Return manifests as kubectl reads them from its standard input."""
    # One after the other: the fields of a List's items are not left to the server to check, and kubectl checks less.
    return "\n".join(map(json.dumps, manifests))


def parse(answer: str) -> list[Manifest]:
    """Return the objects that kubectl printed as JSON: none, one, a List, or one after the other.

    Raise ToolError where it is no JSON that can be read.
    """
    return [each for document in documents(answer) for each in _unpacked(document)]


def documents(answer: str) -> Sequence[Any]:
    """Return what kubectl printed, one JSON after the other; raise ToolError where it is none that can be read."""
    found = []
    rest, decoder = answer.strip(), json.JSONDecoder()
    try:
        while rest:
            each, end = decoder.raw_decode(rest)
            found.append(each)
            rest = rest[end:].lstrip()
    except (ValueError, RecursionError) as error:
        raise ToolError("kubectl returned an unexpected response (not JSON).") from error
    return found


def reference(manifest: Manifest) -> Reference:
    """Return what names a manifest's object."""
    named = mapping(manifest.get("metadata"))
    return Reference(
        str(manifest.get("apiVersion") or ""),
        str(manifest.get("kind") or ""),
        str(named.get("namespace") or ""),
        str(named.get("name") or ""),
    )


def identity(manifest: Manifest) -> Identity:
    """Return what tells a resource from all others."""
    group, kind = group_and_kind(manifest)
    metadata = mapping(manifest.get("metadata"))
    return Identity(
        group,
        kind,
        str(metadata.get("namespace") or ""),
        str(metadata.get("name") or metadata.get("generateName") or ""),
    )


def by_identity(manifests: Iterable[Manifest]) -> dict[Identity, Manifest]:
    """Return manifests by what tells them apart, in their order."""
    seen: Counter[Identity] = Counter()
    found = {}
    for manifest in manifests:
        this = identity(manifest)
        found[this._replace(occurrence=seen[this])] = manifest
        seen[this] += 1
    return found


def is_crd(manifest: Manifest) -> bool:
    """Return whether a manifest defines a kind."""
    return manifest.get("kind") == "CustomResourceDefinition"


def is_same(one: Manifest, other: Manifest) -> bool:
    """Return whether two states of an object are the same but for what the server adds."""
    return _asked(one) == _asked(other)


def _asked(manifest: Manifest) -> Mapping[str, Any]:
    metadata = {key: value for key, value in manifest.get("metadata", {}).items() if key not in _SERVER_SIDE}
    return {**{key: value for key, value in manifest.items() if key != "status"}, "metadata": metadata}


def counted(number: int, what: str) -> str:
    """Return a number with its noun: `1 object`, `2 objects`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
