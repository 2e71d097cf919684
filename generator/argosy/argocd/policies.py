"""Policies of the repository's own: what `.argosy.yaml` asks of what is deployed, in CEL, or in files that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from argosy.argocd.matching import glob_matches
from argosy.documents import Document, File, Pointer, read
from argosy.documents.fields import JSON, group_and_kind, mapping, sequence, text
from argosy.documents.fields import field as value_at
from argosy.findings import Severity
from argosy.kubernetes.admission import GROUP, Bound
from argosy.paths import astray, holds

POLICIES = "policies"
PREFIX = "policy/"
"""What the ids of their rules begin with."""
_ENDINGS = (".yaml", ".yml", ".json")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?")
_OBJECT_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_IN_FORCE: Mapping[str, JSON] = {"validationActions": ["Deny"]}
"""What a binding says where there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """A policy: what it asks, of which manifests, and where it is written."""

    name: str
    severity: Severity | None
    """None: an error where a binding denies, else a warning."""
    document: Document
    at: Pointer
    """Where in the document its fields are, which are those of a ValidatingAdmissionPolicy's `spec`."""
    match: Mapping[str, JSON] = field(default_factory=dict)
    """Globs of environments, applications, clusters and namespaces: of each that it has, one has to fit."""
    bindings: Sequence[Mapping[str, JSON]] = (_IN_FORCE,)
    entry: Pointer = ()
    """Where in `.argosy.yaml` it is, or the file that has it is named."""

    @property
    def id(self) -> str:
        """The id of its rule."""
        return PREFIX + self.name

    @property
    def spec(self) -> Mapping[str, JSON]:
        """Its fields, as a ValidatingAdmissionPolicy has them."""
        return mapping(value_at(self.document.data, *self.at))

    @property
    def is_of_creation(self) -> bool:
        """Return whether it is about new objects, as all manifests are."""
        rules = sequence(mapping(self.spec.get("matchConstraints")).get("resourceRules"))
        return len([*_not_of_creation(self.spec, self.at)]) < max(len(rules), 1)

    def bound(self, known: Mapping[str, JSON]) -> Sequence[Bound]:
        """Return how it is in force for what is deployed by an Application, of which this is known."""
        given: dict[str, JSON] = {"argosy": known}
        if "paramKind" not in self.spec:
            given["params"] = self.spec.get("params")
        return [Bound(self.document, self.spec, each, given) for each in self.bindings]

    def is_about(self, name: str, *values: str) -> bool:
        """Return whether one of the values of what it may be narrowed down by, such as `environments`, is meant."""
        globs = sequence(self.match.get(name))
        return not globs or any(glob_matches(text(glob), value) for glob in globs for value in values)


@dataclass(frozen=True, slots=True)
class Policies:
    """All of them, and what is wrong with where they are to be."""

    all: Sequence[Policy] = ()
    paths: frozenset[str] = frozenset()
    """The files and folders that have some."""
    mistakes: Sequence[tuple[Pointer, str, str]] = ()
    """Where in `.argosy.yaml` something is wrong, what, and what to do next."""


def of(document: Document | None, root: Path) -> Policies:
    """Return the policies that the document of `.argosy.yaml` has or names; what has the wrong shape is left out."""
    found: dict[str, Policy] = {}
    mistakes: list[tuple[Pointer, str, str]] = []
    listed = sequence(mapping(document.data).get(POLICIES)) if document else ()
    for place, entry in enumerate(map(mapping, listed)):
        at, path = (POLICIES, place), text(entry.get("path"))
        severity = Severity(entry["severity"]) if entry.get("severity") in [*Severity] else None
        match = mapping(entry.get("match"))
        if path:
            several = [replace(each, entry=at) for each in _in_files(path, root, severity, match)]
            if not several:
                hint = "Name a YAML file, or a folder of such files, by its path from the repository's root."
                mistakes.append(((*at, "path"), f"There is no ValidatingAdmissionPolicy in “{path}”.", hint))
        elif document and _NAME.fullmatch(name := text(entry.get("name"))):
            several = [Policy(name, severity or Severity.ERROR, document, at, match, entry=at)]
            mistakes += _not_of_creation(entry, at)
        else:
            continue
        for each in several:
            if each.name in found:
                where = (*at, "path") if path else (*at, "name")
                mistakes.append((where, f"There are two policies “{each.name}”.", "Rename one of them."))
            found.setdefault(each.name, each)
    paths = frozenset(filter(None, (text(mapping(each).get("path")).strip("/") for each in listed)))
    return Policies([*found.values()], paths, mistakes)


def _not_of_creation(spec: Mapping[str, JSON], at: Pointer) -> Iterator[tuple[Pointer, str, str]]:
    """Yield the rules of a policy's resources that say nothing of an object that is new."""
    for place, rule in enumerate(sequence(mapping(spec.get("matchConstraints")).get("resourceRules"))):
        operations = sequence(mapping(rule).get("operations"))
        if operations and not {"*", "CREATE"} & {*map(text, operations)}:
            where = (*at, "matchConstraints", "resourceRules", place, "operations")
            yield (
                where,
                "This is asked of no manifest: each is judged as a new object.",
                "Add CREATE to the operations.",
            )


def _in_files(path: str, root: Path, severity: Severity | None, match: Mapping[str, JSON]) -> Iterator[Policy]:
    """Yield the ValidatingAdmissionPolicies of a file or of a folder, each with its bindings that are there as well."""
    documents = [document for file in _files(path, root) for document in read(file).documents]
    bindings = [
        mapping(value_at(each.data, "spec"))
        for each in documents
        if group_and_kind(each.data) == (GROUP, "ValidatingAdmissionPolicyBinding")
    ]
    for each in documents:
        name = text(value_at(each.data, "metadata", "name"))
        if group_and_kind(each.data) == (GROUP, "ValidatingAdmissionPolicy") and _OBJECT_NAME.fullmatch(name):
            own = [binding for binding in bindings if binding.get("policyName") == name]
            yield Policy(name, severity, each, ("spec",), match, own or (_IN_FORCE,))


def _files(path: str, root: Path) -> Sequence[File]:
    location = root / path
    if Path(path).is_absolute() or astray(location, root):
        return ()
    if holds(location.is_dir):
        found = sorted(each for each in location.rglob("*") if each.suffix in _ENDINGS)
    else:
        found = [location]
    return [
        File(each.relative_to(root).as_posix(), each)
        for each in found
        if not astray(each, root) and holds(each.is_file)
    ]
