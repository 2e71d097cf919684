"""What each Argo CD Application applies, in a state of the repository that need not be written anywhere."""

from __future__ import annotations

import os
import posixpath
import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from argosy import git, temporary
from argosy.argocd import configuration, deployments
from argosy.argocd.applicationsets import Flaw
from argosy.argocd.applicationsets.applications import CASCADE
from argosy.argocd.configuration import Configuration
from argosy.argocd.deployments import Deployments
from argosy.argocd.installed import INSTALL
from argosy.argocd.inventory import everything
from argosy.argocd.matching import applied, is_cluster_scoped
from argosy.argocd.rendering import Progress, Render, silent, written_documents
from argosy.argocd.sources import SUBMODULES, Kind
from argosy.argocd.view import ArgoApplication, View, key, sources_of
from argosy.documents import Document, is_manifest, items
from argosy.documents.defects import NOT_JUDGED
from argosy.documents.fields import group_and_kind, mapping, text
from argosy.engines import Engine
from argosy.errors import ArgosyError
from argosy.git.objects import EXECUTABLE, SYMLINK, Files
from argosy.git.snapshot import Snapshot
from argosy.kubernetes.manifests import Identity, Manifest, by_identity
from argosy.paths import astray, told_from
from argosy.repository import layout, states

Wanted = Callable[[str], bool]
FINALIZERS = frozenset({CASCADE, "pre-delete-finalizer.argocd.argoproj.io", "post-delete-finalizer.argocd.argoproj.io"})
"""Those that Argo CD gives to Applications and takes away again, each by itself or with a `/` and more behind it."""
ARGOCD_KINDS = frozenset({"AppProject", "Application", "ApplicationSet"})


@dataclass(frozen=True, slots=True, eq=False)
class Deployed:
    """What an Application applies."""

    application: str
    """The name of the Argo CD Application, such as my-app-prod."""
    app: str
    environment: str
    namespace: str
    """The namespace of its destination, which manifests that had none have been given."""
    manifests: Mapping[Identity, Manifest] = field(default_factory=dict)
    """In the order in which they are rendered; an Application that it declares is not among them, but on its own."""
    faults: Sequence[str] = ()
    """Why some of its manifests are unknown, with file and line."""
    skipped: str = ""
    """Why some of them cannot be known here, such as a chart of a registry."""
    definition: Manifest = field(default_factory=dict)
    """The Application itself."""
    declares: bool = False
    """Whether it declares Applications: where it has faults, some of these may be unknown."""
    unread: bool = False
    """Whether the folder that it is rendered from was not wanted, so that there are no manifests."""
    missing: Sequence[str] = ()
    """Files that were not wanted, although it is rendered from them too."""
    engines: Sequence[Engine] = ()
    """What renders it."""

    @property
    def cluster(self) -> str:
        """The name of the cluster that it deploys to, or else its server."""
        destination = mapping(mapping(self.definition.get("spec")).get("destination"))
        return str(destination.get("name") or destination.get("server") or "").rstrip("/")

    @property
    def cascades(self) -> bool:
        """Whether Argo CD deletes what the Application deployed, when the Application goes."""
        finalizers = mapping(self.definition.get("metadata")).get("finalizers")
        return any(str(each).startswith(CASCADE) for each in (finalizers if isinstance(finalizers, list) else ()))


def of_snapshot(snapshot: Snapshot, wanted: Wanted = everything, progress: Progress = silent) -> Mapping[str, Deployed]:
    """Render what a state deploys, of the files that are wanted; return it by the names of the Applications."""
    with temporary.folder("render") as folder:
        paths = {*snapshot.paths()}
        chosen = {path for path in paths if wanted(path) or path in _ALWAYS}
        write(folder, *snapshot.measured(chosen.__contains__))
        unwanted = paths - chosen
        folders = {posixpath.dirname(path) for path in unwanted} - {""}
        known = unwanted.union(folders, *map(above, folders))
        return _render(folder, snapshot.root, frozenset(known), progress)


_ALWAYS = frozenset({SUBMODULES, INSTALL, layout.CONFIGURATION})
"""The files that say what others mean, and by which Argo CD they are rendered."""


def of_work_tree(root: Path, wanted: Wanted = everything, progress: Progress = silent) -> Mapping[str, Deployed]:
    """Render what the work tree deploys: what Git does not ignore, or all there is where there is no Git."""
    if not states.is_repository(root):
        return _render(root.resolve(), root, frozenset(), progress)
    return of_snapshot(states.work_tree(root), wanted, progress)


def of_folder(folder: Path) -> Mapping[str, Deployed]:
    """Render what a folder deploys that is under no version control."""
    return _render(folder, folder, frozenset(), silent)


def find(folder: Path, root: Path, progress: Progress = silent) -> Deployments:
    """Render what is written to a folder, which is a state of the repository at a root."""
    return deployments.find(folder, _configured(root, folder), progress=progress, every_example=False)


_DEEPEST = 200
"""How many folders may lie in each other: Python makes and removes them by recursion."""


def write(folder: Path, files: Files, large: Mapping[str, int]) -> None:
    """Write files below a folder; a link that leads astray then leads to nothing, but as far out as it did.

    Those that are too large to be read only have their size, and hold nothing that can be parsed: who needs one fails.
    """
    links = []
    for path, size in large.items():
        target = _place(folder, path)
        target.write_bytes(b"\x01")  # No YAML has it, where Helm takes zeros alone for an empty file.
        os.truncate(target, min(size, 10 * git.LARGEST))  # A few bytes in Git may stand for terabytes.
    for path, blob in files.items():
        target = _place(folder, path)
        if blob.mode == SYMLINK:
            links.append((target, os.fsdecode(blob.content)))
            continue
        target.write_bytes(blob.content)
        if blob.mode == EXECUTABLE:
            target.chmod(0o755)
    for target, place in links:
        target.symlink_to(place)
    nowhere = folder.parent / f"outside-{secrets.token_hex(8)}"
    for target in [target for target, _ in links if astray(target, folder)]:
        target.unlink()
        target.symlink_to(os.path.relpath(nowhere, target.parent))


def _place(folder: Path, path: str) -> Path:
    if path.count("/") > _DEEPEST:
        raise ArgosyError(f"{path[:80]}… lies more than {_DEEPEST} folders deep.", "Move it up.")
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def faults(render: Render) -> list[str]:
    """Return why the manifests of a render are not all known."""
    missing = [f"{miss.path}: {miss.reason}" for miss in render.source.misses]
    strange = [
        f"{each.path} renders to something that is no manifest."
        for each in render.documents
        if each.data is not None and not _is_named(each.data)
    ]
    return [
        *map(str, render.faults),
        *(f"{defect.path}: {defect.message}" for defect in render.defects),
        *missing,
        *strange,
    ]


def _is_named(data: Any) -> bool:
    return is_manifest(data) and (isinstance(data.get("metadata"), dict) or data["kind"].endswith("List"))


def _configured(root: Path, folder: Path) -> Configuration:
    """Return what the repository says of itself; in an older state, it may have had another URL."""
    known = configuration.load(root)
    return replace(known, urls=known.urls | configuration.load(folder, root).urls)


def above(path: str) -> Iterator[str]:
    """Yield the folders that a file is in, but for the root."""
    end = path.rfind("/")
    while end > 0:
        yield path[:end]
        end = path.rfind("/", 0, end)


def _render(folder: Path, root: Path, unwanted: frozenset[str], progress: Progress) -> Mapping[str, Deployed]:
    return of_deployments(find(folder, root, progress), unwanted)


def of_deployments(found: Deployments, unwanted: frozenset[str] = frozenset()) -> Mapping[str, Deployed]:
    """Return what is applied, by the names of the Applications; some files may be there, and not wanted."""
    work = _Rendered(found, unwanted)
    made = {each.application: each for each in work.sets()}
    applications = found.view.applications
    told = Counter((each.name, each.environment) for each in applications)
    names = Counter(name for name, environment in told if environment)
    for application in applications:
        name, number = application.name, 2
        if application.environment and names[name] > 1 and told[name, application.environment] == 1:
            name = f"{name} ({application.environment})"
        first = name
        while name in made:
            name, number = f"{first} ({number})", number + 1
        made[name] = work.application(application, name)
    return made


@dataclass(frozen=True)
class _Rendered:
    found: Deployments
    unwanted: frozenset[str]
    """The files and folders that are there, but were not written."""

    def sets(self) -> Iterator[Deployed]:
        """Yield each ApplicationSet of which some Applications are unknown, with the reasons."""
        wrong = [
            (document, f"{document.path}:{document.line_of(problem.at) or document.line}: {problem.message}", "")
            for flaw, problem, document in self.found.problems
            if flaw is not Flaw.EMPTY  # Then there are none: Argo CD deletes them.
        ]
        told = [*wrong, *((document, "", reason) for document, reason in self.found.unknown)]
        for name in dict.fromkeys(f"ApplicationSet {_name(document.data)}" for document, _, _ in told):
            own = [each for each in told if f"ApplicationSet {_name(each[0].data)}" == name]
            reasons = [fault for _, fault, _ in own if fault], "; ".join(reason for *_, reason in own if reason)
            yield Deployed(name, "", "", "", {}, *reasons, declares=True)

    def application(self, application: ArgoApplication, name: str) -> Deployed:
        """Return what an Application applies."""
        renders = self._renders.get(key(application), ())
        namespace = text(mapping(application.spec.get("destination")).get("namespace"))
        made = Deployed(
            name, application.application, application.environment, namespace, definition=application.manifest
        )
        if any(text(render.source.spec.get("path")) in self.unwanted for render in renders if not render.source.folder):
            return replace(made, unread=True)
        resources = [
            item.data
            for document in applied(application, self.found.view)
            if _is_named(document.data)
            for item in items(document)
            if _is_named(item.data)
        ]
        return replace(
            made,
            manifests=by_identity(self._placed(each, namespace) for each in resources if not self._is_found(each)),
            faults=[told_from(self.found.view.root, fault) for render in renders for fault in self._faults(render)],
            skipped="; ".join(dict.fromkeys(render.skipped for render in renders if render.skipped)),
            declares=any(map(_is_argocd, resources)),
            missing=[path for render in renders for path in self._missing(render)],
            engines=self.found.view.engines.used({each.source.kind for each in renders}),
        )

    @cached_property
    def _renders(self) -> Mapping[str, Sequence[Render]]:
        found = defaultdict(list)
        for render in self.found.renders:
            if render.application is not None:
                found[key(render.application)].append(render)
        return found

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(application.name for application in self.found.view.applications)

    def _is_found(self, manifest: Manifest) -> bool:
        """Return whether a manifest is an Application that is shown on its own."""
        return group_and_kind(manifest) == ("argoproj.io", "Application") and _name(manifest) in self._names

    def _missing(self, render: Render) -> Iterator[str]:
        folder = text(render.source.spec.get("path"))
        for miss in render.source.misses:
            from_root = miss.path[:1] in {"/", "$"}
            path = posixpath.normpath(miss.path.partition("/")[2] if from_root else posixpath.join(folder, miss.path))
            if path in self.unwanted:
                yield path

    def _faults(self, render: Render) -> Iterator[str]:
        yield from faults(render)
        if render.source.kind is Kind.DIRECTORY:
            for document in written_documents(render.source, self._unreadable):
                yield document.data

    @cached_property
    def _unreadable(self) -> View:
        """Return a view in which a file's documents are the reasons why it, or a part of it, cannot be read."""
        reasons = [
            Document(entry.file.path, 0, f"{defect.path}:{defect.line or 1}: {defect.message}")
            for entry in self.found.inventory.entries
            for defect in entry.parsed.defects
            if defect.document is None and defect.kind not in NOT_JUDGED
        ]
        return replace(self.found.view, documents=reasons)

    def _placed(self, manifest: Manifest, namespace: str) -> Manifest:
        """Return a manifest with the namespace that it is applied to."""
        metadata = mapping(manifest.get("metadata"))
        if not namespace or metadata.get("namespace") or is_cluster_scoped(manifest, self.found.view):
            return manifest
        return {**manifest, "metadata": {**metadata, "namespace": namespace}}


def sources(application: Manifest) -> Sequence[Mapping[str, Any]]:
    """Return the sources that an Application's manifests are made from."""
    return [source for _, source in sources_of(mapping(application.get("spec")))]


def _is_argocd(manifest: Manifest) -> bool:
    group, kind = group_and_kind(manifest)
    return group == "argoproj.io" and kind in ARGOCD_KINDS


def _name(manifest: Manifest) -> str:
    return text(mapping(manifest.get("metadata")).get("name"))
