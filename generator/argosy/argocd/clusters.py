"""The clusters that a repository declares: in a list of its own, and by what becomes Argo CD's Secrets of clusters."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from argosy.argocd.declared import Given
from argosy.documents import Document, Pointer
from argosy.documents.fields import JSON, group_and_kind, mapping, sequence, text
from argosy.documents.fields import field as at

SECRET_TYPE = "argocd.argoproj.io/secret-type"
_TEMPLATES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "Secret"): (),
    ("external-secrets.io", "ExternalSecret"): ("spec", "target", "template"),
    ("bitnami.com", "SealedSecret"): ("spec", "template"),
}
"""What is, or becomes, a Secret, and where it says what that is like."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A cluster as Argo CD's Secret of it is going to tell."""

    document: Document
    at: Pointer
    """Where in the document it is declared."""
    name: str | None
    """None where what is encrypted, or in a store, says it."""
    server: str | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    project: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    """Parameters that a generator gives as its `values`, where it has none of the name."""


@dataclass(frozen=True)
class Clusters:
    """What is known of the clusters of a repository's Argo CD."""

    listed: Sequence[Declared] = ()
    """Those of clusters.yaml or .argosy.yaml, which are all that there are."""
    secrets: Sequence[Declared] = ()
    """Those of Secrets and the like, beside which there may be more."""

    @cached_property
    def known(self) -> Sequence[Declared]:
        """All of them, each once."""
        names = {each.name for each in self.listed}
        return [*self.listed, *(each for each in self.secrets if each.name is None or each.name not in names)]

    def both(self, server: str | None, name: str | None) -> tuple[str | None, str | None]:
        """Return server and name of a cluster, where one tells the other."""
        return server or self._servers.get(name or ""), name or self._names.get(server or "")

    @cached_property
    def _servers(self) -> Mapping[str, str]:
        return {each.name: each.server.rstrip("/") for each in self.known if each.name and each.server}

    @cached_property
    def _names(self) -> Mapping[str, str]:
        return {server: name for name, server in self._servers.items()}


def of(documents: Sequence[Document], listing: Document | None, given: Given | None = None) -> Clusters:
    """Return the clusters that manifests declare, and those of the listing, which is the document of clusters.yaml.

    Those that are given are of `.argosy.yaml`.
    """
    listed = (*(_listed(listing) if listing else ()), *(_given(given) if given else ()))
    return Clusters(listed, tuple(_of_secrets(documents)))


def is_listing(document: Document) -> bool:
    """Return whether a document lists clusters as argosy does, rather than as somebody else."""
    listed = sequence(mapping(document.data).get("clusters"))
    return bool(listed) and all(text(at(each, "name")) and text(at(each, "server")) for each in listed)


def _listed(document: Document) -> Iterator[Declared]:
    for index, each in enumerate(document.data["clusters"]):
        labels = {**_texts(each.get("labels")), "cluster": each["name"], SECRET_TYPE: "cluster"}
        yield Declared(document, ("clusters", index), each["name"], each["server"], labels)


def _given(given: Given) -> Iterator[Declared]:
    listed = sequence(at(given.document.data, *given.prefix)) if given.document else ()
    for index, each in enumerate(listed):
        name, server = text(at(each, "name")), text(at(each, "server"))
        if given.document and name and server:
            labels, annotations, values = (_texts(at(each, key)) for key in ("labels", "annotations", "values"))
            place = (*given.prefix, index)
            labels |= {SECRET_TYPE: "cluster"}
            yield Declared(given.document, place, name, server, labels, annotations, text(at(each, "project")), values)


def _of_secrets(documents: Sequence[Document]) -> Iterator[Declared]:
    for document in documents:
        place = _TEMPLATES.get(group_and_kind(document.data))
        if place is None:
            continue
        made = mapping(at(document.data, *place))
        # What External Secrets and Sealed Secrets make has the metadata of the template, a Secret its own.
        labels = _texts(at(made, "metadata", "labels"))
        if labels.get(SECRET_TYPE) == "cluster":
            said = {key: _plain(value) for key, value in mapping(made.get("data")).items()}
            if not place:
                said = {key: _decoded(value) for key, value in mapping(made.get("data")).items()}
                said |= {key: _plain(value) for key, value in mapping(made.get("stringData")).items()}
            annotations = _texts(at(made, "metadata", "annotations"))
            name, server, project = (said.get(key) for key in ("name", "server", "project"))
            yield Declared(document, (*place, "data"), name, server, labels, annotations, project or "")


def _texts(value: JSON) -> dict[str, str]:
    return {str(key): each for key, each in mapping(value).items() if isinstance(each, str)}


def _plain(value: JSON) -> str | None:
    """Return a text, unless it is a template that a store fills in."""
    return value if isinstance(value, str) and "{{" not in value else None


def _decoded(value: JSON) -> str | None:
    try:
        return base64.b64decode(text(value), validate=True).decode() or None
    except (binascii.Error, ValueError):
        return None
