"""Applications -> the manifests that Argo CD would apply, through Helm and Kustomize."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from generator import kustomize
from generator.helm import Fault, Helm, OfflineError, Parameter, Release, RenderError
from generator.validation.documents import Defect, Document, rendered
from generator.validation.inventory import Inventory
from generator.validation.sources import KUSTOMIZATIONS, Kind, Source, resolve
from generator.validation.view import ArgoApplication, View


@dataclass(frozen=True, slots=True, eq=False)
class Render:
    """What became of one source of an Application, or of a chart or overlay that no Application names."""

    source: Source
    path: str
    """What was rendered, relative to the root."""
    documents: Sequence[Document] = ()
    defects: Sequence[Defect] = ()
    faults: Sequence[Fault] = ()
    remarks: Sequence[str] = ()
    """What the engine could not do as Argo CD does."""
    skipped: str = ""
    application: ArgoApplication | None = None
    release: Release | None = None
    """What Helm rendered, where it succeeded."""
    written: bool = False
    """Whether the documents are files of the repository, rather than an engine's output."""


@dataclass(frozen=True, slots=True)
class Renders:
    """All renders, by Application where one asked for them."""

    all: Sequence[Render] = ()
    charts: frozenset[Path] = field(default_factory=frozenset)
    overlays: frozenset[Path] = field(default_factory=frozenset)


def render(view: View, inventory: Inventory, helm: Helm, advance: Callable[[], None]) -> Renders:
    """Render each source of each Application, then each overlay that none of them built, on all processors."""
    pairs = [(application, source) for application in view.applications for source in resolve(application, view)]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:

        def one(pair: tuple[ArgoApplication, Source]) -> Render:
            try:
                return _render(pair[0], pair[1], view, helm)
            finally:
                advance()

        made = list(pool.map(one, pairs))
        built = {render.source.folder for render in made if render.source.kind is Kind.KUSTOMIZE and render.source.folder}
        read = set(built)
        for folder in built:
            read |= {path.parent for path in kustomize.inputs(folder) if path.name in KUSTOMIZATIONS}
        read = {folder.resolve() for folder in read}
        alone = [folder for folder in inventory.kustomizations if folder.resolve() not in read]
        made += pool.map(lambda folder: _overlay(folder, view.root), alone)
    charts = frozenset(r.source.folder for r in made if r.source.kind is Kind.HELM and r.source.folder)
    return Renders(made, charts, frozenset(read | {folder.resolve() for folder in alone}))


def written_documents(source: Source, view: View) -> Iterator[Document]:
    """Yield the documents of a directory source, as Argo CD chooses its files."""
    options = source.spec.get("directory") or {}
    folder = source.folder.relative_to(view.root).as_posix() if source.folder else ""
    prefix = "" if folder == "." else f"{folder}/"
    for document in view.documents:
        if not document.path.startswith(prefix):
            continue
        path = document.path.removeprefix(prefix)
        if "/" in path and not options.get("recurse"):
            continue
        if options.get("include") and not _matches(path, str(options["include"])):
            continue
        if not (options.get("exclude") and _matches(path, str(options["exclude"]))):
            yield document


def _matches(path: str, glob: str) -> bool:
    """Match as Argo CD matches include and exclude: `*` crosses `/`, and `{a,b}` is either."""
    match = re.fullmatch(r"\{(.*)\}", glob)
    return any(fnmatch.fnmatchcase(path, each) for each in (match[1].split(",") if match else [glob]))


def _render(application: ArgoApplication, source: Source, view: View, helm: Helm) -> Render:
    path = source.folder.relative_to(view.root).as_posix() if source.folder else application.document.path
    empty = Render(source, path, application=application)
    if source.kind is Kind.HELM:
        return _helm(empty, application, source, view, helm)
    if source.kind is Kind.KUSTOMIZE:
        return _kustomize(empty, source, view.root, source.spec.get("kustomize"))
    if source.kind is Kind.DIRECTORY:
        found = tuple(
            replace(document, application=application.application, environment=application.environment)
            for document in written_documents(source, view)
        )
        return replace(empty, documents=found, written=True)
    if source.kind in {Kind.REMOTE, Kind.PLUGIN}:
        return replace(empty, skipped=source.reason)
    return empty


def _helm(empty: Render, application: ArgoApplication, source: Source, view: View, helm: Helm) -> Render:
    if source.folder is None or source.misses:
        return replace(empty, skipped="a values file is missing")
    if not (source.folder / "Chart.yaml").is_file():
        fault = Fault("The source is a Helm source, and its folder has no Chart.yaml.", source.folder)
        return replace(empty, faults=(fault,))
    try:
        release = _release(application, source)
        found = helm.render(release)
    except RenderError as error:
        if isinstance(error, OfflineError):
            return replace(empty, skipped="; ".join(fault.message for fault in error.faults))
        return replace(empty, faults=error.faults)
    documents: list[Document] = []
    defects: list[Defect] = []
    for manifest in found.manifests:
        of_template = rendered(
            manifest.text,
            f"{empty.path}/{manifest.path}",
            application=application.application,
            environment=application.environment,
        )
        documents += of_template[0]
        defects += of_template[1]
    remarks = tuple(message.text for message in found.messages)
    return replace(empty, documents=documents, defects=defects, remarks=remarks, release=release)


def _release(application: ArgoApplication, source: Source) -> Release:
    spec: Mapping[str, Any] = source.spec.get("helm") or {}
    destination = application.spec.get("destination")
    parameters = [each for each in spec.get("parameters") or () if isinstance(each, dict)]
    files = [each for each in spec.get("fileParameters") or () if isinstance(each, dict)]
    folder = source.folder or Path()
    return Release(
        chart=folder,
        name=str(spec.get("releaseName") or application.name),
        namespace=str(destination.get("namespace", "")) if isinstance(destination, dict) else "",
        values=source.value_files,
        inline=spec.get("valuesObject") or spec.get("values") or "",
        parameters=tuple(
            Parameter(str(each.get("name", "")), str(each.get("value", "")), bool(each.get("forceString")))
            for each in parameters
        ),
        file_parameters=tuple((str(each.get("name", "")), folder / str(each.get("path", ""))) for each in files),
        kube_version=str(spec.get("kubeVersion") or ""),
        api_versions=tuple(str(each) for each in spec.get("apiVersions") or ()),
        skip_crds=bool(spec.get("skipCrds")),
        skip_tests=bool(spec.get("skipTests")),
        skip_schema_validation=bool(spec.get("skipSchemaValidation")),
    )


def _kustomize(empty: Render, source: Source, root: Path, overrides: Any) -> Render:
    if source.folder is None:
        return empty
    try:
        text = kustomize.build(source.folder, overrides if isinstance(overrides, dict) else None)
    except OfflineError as error:
        return replace(empty, skipped="; ".join(dict.fromkeys(fault.message for fault in error.faults)))
    except RenderError as error:
        return replace(empty, faults=error.faults)
    file = kustomize.kustomization(source.folder) or source.folder
    documents, defects = rendered(
        text,
        file.relative_to(root).as_posix(),
        application=empty.application.application if empty.application else "",
        environment=empty.application.environment if empty.application else "",
    )
    return replace(empty, documents=documents, defects=defects)


def _overlay(folder: Path, root: Path) -> Render:
    source = Source(Kind.KUSTOMIZE, (), {}, folder)
    return _kustomize(Render(source, folder.relative_to(root).as_posix()), source, root, None)
