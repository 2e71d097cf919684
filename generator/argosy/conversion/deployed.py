"""What an application deploys to each environment, of a tree that need not be written anywhere yet."""

from __future__ import annotations

import copy
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argosy import kustomize, temporary
from argosy.argocd import deployed
from argosy.argocd.rendering import Render
from argosy.argocd.sources import Kind
from argosy.change.merge import Plan
from argosy.documents import Document, items
from argosy.errors import ArgosyError
from argosy.git import objects
from argosy.repository import layout
from argosy.template import creation
from argosy.template.rendering import File, Tree

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Deployed:
    """What one environment gets: its manifests, without the namespace that the Application's destination says."""

    environment: str
    namespace: str
    manifests: Sequence[Manifest]
    read: frozenset[str] = frozenset()
    """The files outside of charts that they are made from, relative to the root."""


def of_commit(
    root: Path, application: str, plan: Plan | None = None, written: Mapping[str, bytes | None] | None = None
) -> Mapping[str, Deployed]:
    """Return what is deployed, by environment, as it is committed, or as a plan would leave it.

    `written` are files beside the plan, None for one that goes. Only the application's own files and those of the whole
    repository are looked at, so that it takes no longer in a repository of many applications; all files, where these
    are not enough. Raise ArgosyError where it cannot be known.
    """
    found, faults = _render(root, application, tree(root, application, plan, written))
    if faults:
        found, faults = _render(root, application, tree(root, "", plan, written))
    if faults:
        message = f"What {application} deploys cannot be rendered:\n{faults[0]}"
        raise ArgosyError(message, "See `argosy validate`.")
    return found


def tree(
    root: Path, application: str, plan: Plan | None = None, written: Mapping[str, bytes | None] | None = None
) -> Tree:
    """Return the committed files, after a plan if one is given: an application's and the repository's, or all for "".

    Of a conflict it has the template's side.
    """

    def is_wanted(path: str) -> bool:
        return not application or layout.application_of(path) in {None, application}

    entries = objects.entries(root, "HEAD")
    wanted = {path: entry for path, entry in entries.items() if entry.mode != "160000" and is_wanted(path)}
    held = objects.contents(root, [entry.blob for entry in wanted.values()])
    found = {path: File(held[entry.blob], entry.mode == "100755") for path, entry in wanted.items()}
    for path in [path for path, entry in wanted.items() if entry.mode == "120000"]:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), found.pop(path).content.decode()))
        if target in found:
            found[path] = found[target]
    changed: dict[str, File | None] = {}
    if plan:
        changed = {
            path: File(blob.content, blob.mode == "100755") if blob else None for path, blob in plan.written.items()
        }
    changed |= {path: None if text is None else File(text) for path, text in (written or {}).items()}
    return {path: file for path, file in {**found, **changed}.items() if file is not None}


def _render(root: Path, application: str, files: Tree) -> tuple[dict[str, Deployed], list[str]]:
    with temporary.folder("convert") as folder:
        creation.write(folder, files)
        found = deployed.find(folder, root)
        own = [each for each in found.renders if each.application and each.application.application == application]
        faults = [fault.replace(f"{folder}/", "") for render in own for fault in _faults(render)]
        return _by_environment(own, folder), faults


def _faults(render: Render) -> list[str]:
    return [*deployed.faults(render), *([f"{render.path}: {render.skipped}"] if render.skipped else [])]


def _by_environment(renders: Sequence[Render], root: Path) -> dict[str, Deployed]:
    found: dict[str, Deployed] = {}
    firsts: dict[tuple[str, int], str] = {}
    for render in renders:
        if render.application is None:
            continue
        # In each of several clusters an ApplicationSet deploys the same.
        made_by = (render.application.document.path, render.application.document.index)
        if firsts.setdefault(made_by, render.application.name) != render.application.name and _is_of_several(render):
            continue
        name, destination = render.application.environment, render.application.spec.get("destination") or {}
        namespace = str(destination.get("namespace", ""))
        manifests = [
            _without_namespace(item, namespace)
            for document in render.documents
            if document.data is not None
            for item in items(document)
        ]
        earlier = found.get(name, Deployed(name, namespace, ()))
        found[name] = Deployed(name, namespace, (*earlier.manifests, *manifests), earlier.read | _read(render, root))
    return found


def _is_of_several(render: Render) -> bool:
    labels = render.application.metadata.get("labels") if render.application else None
    return isinstance(labels, dict) and "cluster" in labels


def _read(render: Render, root: Path) -> frozenset[str]:
    """Return the files outside of charts that a source is rendered from."""
    files = set(render.source.files)
    if render.source.kind is Kind.KUSTOMIZE and render.source.folder:
        files |= kustomize.inputs(render.source.folder, root)
    written = {document.path for document in render.documents if render.written}
    return frozenset(written | {file.resolve().relative_to(root.resolve()).as_posix() for file in files})


def _without_namespace(document: Document, namespace: str) -> Manifest:
    manifest: Manifest = copy.deepcopy(document.data)
    metadata = manifest.get("metadata")
    if isinstance(metadata, dict) and metadata.get("namespace") == namespace:
        del metadata["namespace"]
    return manifest
