"""What Applications read on other branches than the one that is looked at, and what these branches do not have."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from argosy import git
from argosy.argocd.sources import KUSTOMIZATIONS
from argosy.argocd.view import sources_of
from argosy.documents import Pointer, plain
from argosy.documents.fields import mapping
from argosy.git import objects
from argosy.git.snapshot import Snapshot
from argosy.repository import layout

CHART = "Chart.yaml"
_MARKERS = (CHART, *KUSTOMIZATIONS)
"""The files by which Argo CD tells what renders a folder."""
_COMMIT = re.compile("[0-9a-f]{7,64}")
_MANIFESTS = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Read:
    """A path that an Application reads at a revision."""

    application: str
    at: Pointer
    """The field of the Application that names the path."""
    revision: str
    wanted: tuple[str, ...]
    """One of these has to be there; the first is what it is called here."""
    unwanted: tuple[str, ...] = ()
    """With one of these, something else would be made of the folder."""


def reads(
    application: str,
    sources: Iterable[tuple[Pointer, Mapping[str, Any]]],
    is_own: Callable[[str], bool],
    names: Callable[[str], Collection[str]],
) -> Iterator[Read]:
    """Yield what an Application reads of this repository.

    `is_own` tells whether a URL is this repository's; `names` gives the files that are in a folder here.
    """
    listed = list(sources)
    references = {str(spec["ref"]): spec for _, spec in listed if spec.get("ref")}
    for at, spec in listed:
        folder = "" if spec.get("chart") or not is_own(str(spec.get("repoURL", ""))) else _normal(spec.get("path"))
        if folder:
            yield of_folder(application, (*at, "path"), revision_of(spec), folder, names(folder))
        for place, name in _value_files(spec):
            owner, path = spec, f"{folder}/{name}" if folder else ""
            if name.startswith("$"):
                reference, _, path = name[1:].partition("/")
                owner = references.get(reference, {})
            elif name.startswith("/"):
                path = name
            if path and "$" not in path and is_own(str(owner.get("repoURL", ""))) and not owner.get("chart"):
                yield Read(application, (*at, "helm", "valueFiles", place), revision_of(owner), (_normal(path),))


def of_folder(application: str, at: Pointer, revision: str, folder: str, names: Collection[str]) -> Read:
    """Return by which files one knows that a folder is rendered elsewhere as it is here, where it holds names."""
    present = next((name for name in _MARKERS if name in names), "")
    if present == CHART:
        wanted, unwanted = [CHART], list[str]()
    elif present:
        wanted, unwanted = [present, *(name for name in KUSTOMIZATIONS if name != present)], [CHART]
    else:
        wanted, unwanted = sorted(name for name in names if name.endswith(_MANIFESTS)), list(_MARKERS)
    paths = [tuple(f"{folder}/{name}" for name in each) for each in (wanted, unwanted if names else ())]
    return Read(application, at, revision, paths[0] or (folder,), paths[1])


def revision_of(spec: Mapping[str, Any]) -> str:
    """Return the revision that a source follows, a branch by its short name."""
    return str(spec.get("targetRevision") or "HEAD").removeprefix("refs/heads/")


def _normal(path: Any) -> str:
    """Return a path from the repository's root; empty for the root itself, and for what is none."""
    found = posixpath.normpath(path.lstrip("/")) if isinstance(path, str) and path.strip("/") else "."
    return "" if found == "." or found.startswith("..") else found


def _value_files(spec: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    helm = spec.get("helm")
    named = helm.get("valueFiles") if isinstance(helm, Mapping) and not helm.get("ignoreMissingValueFiles") else None
    for place, name in enumerate(named if isinstance(named, list) else ()):
        if isinstance(name, str) and "://" not in name and not set("*?[") & set(name):
            yield place, name


@dataclass(frozen=True)
class Branches:
    """Branches, as far as a clone knows them. Tags and commits stay as they are, so nothing is asked of them."""

    root: Path
    known: Mapping[str, Sequence[str]]
    """The names that each branch has here: of this clone's own, and of remotes."""
    unknown: frozenset[str]
    """The revisions that are no branch, tag or commit here."""
    planned: Mapping[str, Snapshot] = field(default_factory=dict)
    """What branches are going to be, which is what is asked then."""

    @classmethod
    def of(cls, root: Path, revisions: Iterable[str], planned: Mapping[str, Snapshot] | None = None) -> Branches:
        """Return what is known of revisions."""
        to_be = planned or {}
        wanted = sorted({*revisions})
        kinds = ("refs/heads/", "refs/remotes/", "refs/tags/")
        listed = [each for each in git.at(root).refs if each.startswith(kinds)] if wanted else []
        refs = {each: [ref for ref in listed if _is(ref, each)] for each in wanted}
        branches = {each: [ref for ref in found if not ref.startswith("refs/tags/")] for each, found in refs.items()}
        unknown = frozenset(each for each, found in refs.items() if not found and not _COMMIT.fullmatch(each))
        known = {each: found for each, found in branches.items() if found}
        commits = {each: [state.commit] for each, state in to_be.items()}
        return cls(root, known | commits, unknown - to_be.keys(), to_be)

    def lacking(self, found: Sequence[Read]) -> list[tuple[Read, str]]:
        """Return what a branch that is known does not have as it is read here, with the path that is wrong there.

        What one of its names has is there: a branch may be ahead of the remote's, or behind it.
        """
        asked = [each for each in found if each.revision in self.known]
        names = dict.fromkeys(
            f"{ref}:{path}" for each in asked for ref in self.known[each.revision] for path in _paths(each)
        )
        answers = objects.types(self.root, names)
        there = {name for name, (_, kind) in zip(names, answers, strict=True) if kind}
        held = {name: _with_planned(there, state) for name, state in self.planned.items()}
        lacking = []
        for each in asked:
            wrong = [_wrong(each, ref, held.get(each.revision, there)) for ref in self.known[each.revision]]
            if all(wrong):
                lacking.append((each, wrong[0]))
        return lacking


def _with_planned(there: set[str], state: Snapshot) -> set[str]:
    """Return what is there once a state is committed, whose commit is there now."""
    gone = {f"{state.commit}:{path}" for path, blob in state.written.items() if blob is None}
    new = [PurePosixPath(path) for path, blob in state.written.items() if blob]
    return there - gone | {f"{state.commit}:{each}" for path in new for each in (path, *path.parents)}


def _is(ref: str, revision: str) -> bool:
    parts = ref.split("/", 3 if ref.startswith("refs/remotes/") else 2)
    return parts[-1] == revision


def _paths(read: Read) -> Iterator[str]:
    yield from (*read.wanted, *read.unwanted)


def _wrong(read: Read, ref: str, there: set[str]) -> str:
    """Return the path that is wrong at a ref; empty if none is."""
    return wrong_where(read, lambda path: f"{ref}:{path}" in there)


def wrong_where(read: Read, is_there: Callable[[str], bool]) -> str:
    """Return the path that keeps something from being read as it is meant; empty if none does."""
    if not any(is_there(path) for path in read.wanted):
        return read.wanted[0]
    return next((path for path in read.unwanted if is_there(path)), "")


Sources = Sequence[Mapping[str, Any]]


def sources_in(texts: Iterable[bytes]) -> Mapping[str, Sources]:
    """Return the sources of the Applications in files, by their names."""
    found = {}
    for text in texts:
        if b"Application" not in text:
            continue
        try:
            documents = list(plain.documents(text.decode()))
        except (yaml.YAMLError, ValueError):
            continue  # Validation says what is wrong.
        for each in documents:
            if isinstance(each, dict) and each.get("kind") == "Application":
                name = str((each.get("metadata") or {}).get("name", ""))
                found[name] = [source for _, source in sources_of(mapping(each.get("spec"))) if source]
    return found


def read_by(state: Snapshot, revision: str, is_own: Callable[[str], bool]) -> Iterator[Read]:
    """Yield what the Applications in a state read at a revision, as far as they are written in files."""
    folders: dict[str, set[str]] = {}
    for path in state.paths():
        folder, _, name = path.rpartition("/")
        folders.setdefault(folder, set()).add(name)
    written = state.chosen(lambda path: path.startswith(f"{layout.ARGOCD}/") and path.endswith(_MANIFESTS))
    for name, sources in sources_in(blob.content for blob in written.values()).items():
        placed = [((), each) for each in sources]
        found = reads(name, placed, is_own, lambda folder: folders.get(folder, ()))
        yield from (each for each in found if each.revision == revision)


def is_on(root: Path, own: Iterable[str], default: str) -> bool:
    """Return whether what is checked out belongs to one of some branches of environments' own: is one, or left it."""
    return branch_of(root, own, default) not in {default, ""}


def branch_of(root: Path, own: Iterable[str], default: str) -> str:
    """Return the branch that what is checked out belongs to: the default one, or one of environments' own.

    It is the one that is checked out, or the one that it left last. Where several are at the same commit, as they are
    in a new repository, it is the one that a CI job says the pull request is for, or else the default branch.
    """
    names = [default, *sorted({*own} - {default})]
    current = git.branch(root)
    if current in names:
        return current
    asked = ("--merged=HEAD", "--format=%(objectname) %(refname)", "refs/heads", "refs/remotes")
    listed = [line.split(" ", 1) for line in git.run(root, "for-each-ref", *asked).split("\n")[:-1]]
    merged = {each: found for each in names if (found := {tip for tip, ref in listed if _is(ref, each)})}
    if len(merged) < 2:
        return next(iter(merged), default)
    # Many branches have one tip: each pair of a clone, and all of them in a new repository.
    tips = {tip for found in merged.values() for tip in found}
    after = {tip: int(git.run(root, "rev-list", "--count", f"{tip}..HEAD")) for tip in tips}
    since = {each: min(after[tip] for tip in found) for each, found in merged.items()}
    nearest = [each for each, count in since.items() if count == min(since.values())]
    targets = {os.environ.get(variable) for variable in _TARGETS}
    return next((each for each in nearest if each in targets), nearest[0])


_TARGETS = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "BITBUCKET_PR_DESTINATION_BRANCH")
"""Where the hosts' CI says which branch a pull request is for."""
