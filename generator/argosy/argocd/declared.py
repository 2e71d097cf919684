"""What `.argosy.yaml` declares of what Argo CD knows and Git does not: clusters, and what generators are told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from argosy.documents import Document, File, Pointer, read
from argosy.documents.fields import JSON, mapping, sequence, text
from argosy.documents.fields import field as at
from argosy.paths import astray, holds

CLUSTERS = "clusters"
_OF_PLUGIN = ("output", "parameters")
"""Where a plugin's own answer has them."""


@dataclass(frozen=True, slots=True)
class Given:
    """A list that is declared, in `.argosy.yaml` or in a file that it names."""

    named: Pointer
    """Where `.argosy.yaml` declares it."""
    path: str
    """The file that it names; empty where it has the list itself."""
    document: Document | None
    """What has the list; None where nothing can be read."""
    prefix: Pointer = ()
    """Where in the document the list is."""

    @property
    def items(self) -> Sequence[JSON]:
        """The maps of the list; others are for validation to find."""
        listed = sequence(at(self.document.data, *self.prefix)) if self.document else ()
        return [each for each in listed if isinstance(each, dict)]

    @property
    def schema(self) -> str:
        """The name of the list's schema: clusters, or a generator's kind."""
        return str(self.named[0] if self.named[0] == CLUSTERS else self.named[1])


@dataclass(frozen=True, slots=True)
class Declared:
    """All that is declared."""

    clusters: Given | None = None
    generators: Mapping[tuple[str, str], Given] = field(default_factory=dict)
    """By the generator's kind, and the name of a plugin's ConfigMap, or of another one's ApplicationSet."""

    @property
    def all(self) -> Sequence[Given]:
        """Each list that is declared."""
        return [*filter(None, [self.clusters]), *self.generators.values()]

    def outputs(self, kind: str, name: str) -> Sequence[JSON] | None:
        """Return what a generator gives, None where nothing says it."""
        given = self.generators.get((kind, name))
        return None if given is None or given.document is None else given.items


def of(document: Document | None, root: Path) -> Declared:
    """Return what the document of `.argosy.yaml` declares."""
    if document is None:
        return Declared()
    data = mapping(document.data)
    clusters = _given((CLUSTERS,), data.get(CLUSTERS), document, root) if CLUSTERS in data else None
    return Declared(clusters, dict(_generators(document, root)))


def _generators(document: Document, root: Path) -> Iterator[tuple[tuple[str, str], Given]]:
    for kind, several in mapping(at(document.data, "generators")).items():
        for name, value in mapping(several).items():
            yield (kind, name), _given(("generators", kind, name), value, document, root)


def _given(named: Pointer, value: JSON, document: Document, root: Path) -> Given:
    path = text(value)
    if not path:
        return Given(named, "", document, named)
    location = root / path
    if Path(path).is_absolute() or astray(location, root) or not holds(location.is_file):
        return Given(named, path, None)
    found = read(File(path, location)).documents
    if not found:
        return Given(named, path, None)
    is_answer = named[1:2] == ("plugin",) and isinstance(found[0].data, dict)
    return Given(named, path, found[0], _OF_PLUGIN if is_answer else ())
