"""Findings by their causes: what is wrong once is one finding, in however many places it shows."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from argosy.argocd.inventory import Inventory, Role
from argosy.argocd.rendering import Render
from argosy.argocd.sources import Kind
from argosy.argocd.view import ArgoApplication
from argosy.documents import Document, Pointer, is_manifest
from argosy.documents.fields import JSON, field, group_and_kind, text
from argosy.findings import Finding, Place
from argosy.rules.files import OF_FILES
from argosy.rules.manifests import OF_ENGINES


@dataclass(frozen=True, slots=True)
class Found:
    """A finding of one place, and the document that it fails; None where it fails the file."""

    finding: Finding
    cause: Hashable
    document: Document | None = None
    render: Render | None = None
    """What was rendered when it was found."""
    about: str = ""
    """The path of the file that is wrong, where the finding is of one that names it."""
    at: Pointer = ()
    """The field of the document."""
    way: str | None = None
    """The field as a baseline names it, where the document is not here."""
    fails: tuple[int, ...] = ()
    """The outcomes that it makes failures, by their places in the list of all."""
    is_extra: bool = False
    """Whether its path has no outcome."""
    is_own: bool = True
    """Whether it is told: it lies in the part of the repository that is asked for."""


def cause_of(finding: Finding, application: ArgoApplication | None = None) -> Hashable:
    """Return what findings share that have one cause: rule, place, and message but for the names of the Application."""
    message = finding.message
    if application is not None:
        target = text(field(application.spec, "destination", "namespace"))
        names = sorted(filter(None, (application.name, application.environment, target)), key=len, reverse=True)
        if names:
            message = re.sub(rf"(?<![a-zA-Z0-9])(?:{'|'.join(map(re.escape, names))})(?![a-zA-Z0-9])", "…", message)
    return finding.rule, finding.path, finding.line, message


def with_echoes(found: Sequence[Found]) -> list[Found]:
    """Return findings in which what an engine says of a file that cannot be read has the cause of reading it."""
    of_files = {each.finding.path: each.cause for each in reversed(found) if each.finding.rule in OF_FILES}

    def echoing(each: Found) -> Found:
        echoed = of_files.get(each.about or each.finding.path) if each.finding.rule in OF_ENGINES else None
        if not echoed:
            return each
        finding = each.finding if each.about else replace(each.finding, line=None)
        return replace(each, finding=finding, cause=echoed)

    return [*map(echoing, found)]


def fold(found: Iterable[Found]) -> list[Finding]:
    """Return one finding for each cause, by path and line, with all the places in which it shows."""
    causes: dict[Hashable, list[Finding]] = {}
    for each in found:
        causes.setdefault(each.cause, []).append(each.finding)
    folded = (_folded(findings) for findings in causes.values())
    return sorted(folded, key=lambda each: (each.path, each.line or 0, each.rule, each.environment))


def _folded(findings: Sequence[Finding]) -> Finding:
    def order(finding: Finding) -> tuple[object, ...]:
        is_rendered = bool(finding.application or finding.environment)
        first = (finding.rule in OF_ENGINES, is_rendered, finding.path, finding.line or 0)
        # The same, whatever was found first.
        rest = (finding.environment, finding.application, finding.resource, finding.message, finding.hint)
        return (*first, *rest, finding.rule, finding.severity, [*map(place_order, finding.also)])

    first, *others = sorted(findings, key=order)
    places = dict.fromkeys(place for each in (first, *others) for place in each.places)
    return replace(first, also=tuple(places)[1:])


def place_order(place: Place) -> tuple[str | int, ...]:
    """Return what puts places in order."""
    return place.path, place.line or 0, place.application, place.environment, place.resource


@dataclass(frozen=True)
class Origins:
    """Where what Kustomize builds comes from: the files that its overlays take in."""

    inventory: Inventory

    def of(self, document: Document, render: Render, at: Pointer) -> tuple[Document, bool] | None:
        """Return the document that a field of a built one comes from, and whether it has the same there.

        It is a patch or a resource of the same kind and name, which the build may have given a prefix or a suffix.
        """
        if render.source.kind is not Kind.KUSTOMIZE or render.source.folder is None:
            return None
        name = _name(document)
        candidates = self._written.get((render.source.folder.resolve(), *group_and_kind(document.data)), ())
        named = [each for each in candidates if _name(each[0]) == name] or [
            each for each in candidates if _name(each[0]) and _name(each[0]) in name
        ]
        value = field(document.data, *at)
        for written, is_whole in named:
            same = field(written.data, *at) == value
            if same and (is_whole or value is not None):
                return written, True
        return next(((written, False) for written, is_whole in named if is_whole), None)

    @cached_property
    def _written(self) -> Mapping[tuple[object, str, str], Sequence[tuple[Document, bool]]]:
        """The manifests that builds read, by folder, group and kind, each with whether it is whole: patches first."""
        found: dict[tuple[object, str, str], list[tuple[Document, bool]]] = {}
        patches_first = sorted(self._taken_in(), key=lambda each: each[2])
        for folder, document, is_whole in patches_first:
            found.setdefault((folder, *group_and_kind(document.data)), []).append((document, is_whole))
        return found

    def _taken_in(self) -> Iterator[tuple[object, Document, bool]]:
        for entry in self.inventory.entries:
            folders = self.inventory.inputs.get(entry.file.real, ())
            for document, role in entry.documents if folders else ():
                if role in {Role.MANIFEST, Role.KUSTOMIZE_INPUT} and is_manifest(document.data):
                    yield from ((folder.resolve(), document, role is Role.MANIFEST) for folder in folders)


def _name(document: Document) -> str:
    name: JSON = field(document.data, "metadata", "name")
    return text(name)
