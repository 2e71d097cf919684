"""Applications -> the manifests that Argo CD would apply, through Helm, Kustomize and Jsonnet."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, TypeVar

from argosy import kustomize, plugins, remote, supervisor
from argosy.argocd import build_environment, directory
from argosy.argocd.inventory import Inventory
from argosy.argocd.sources import CHART, KUSTOMIZATIONS, Kind, Source, inside, kind_of, normalise, plugin_for, resolve
from argosy.argocd.variants import Variant
from argosy.argocd.view import ArgoApplication, View
from argosy.documents import Defect, Document, File, find, is_read, read, rendered
from argosy.documents.fields import mapping, sequence, text
from argosy.documents.syntax import with_actions
from argosy.helm import Dependency, Fault, Helm, OfflineError, Parameter, Release, RenderError
from argosy.paths import astray, entries, holds

T = TypeVar("T")
Made = TypeVar("Made")


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
    asks: bool = False
    """Whether it depends on the API versions of the cluster, or may."""
    variant: str = ""
    """The environment that a chart which no Application renders is rendered for."""
    written: bool = False
    """Whether the documents are files of the repository, rather than an engine's output."""
    imported: Sequence[Path] = ()
    """The files outside of the source that were read as well, links followed."""

    @property
    def is_made(self) -> bool:
        """Whether an engine gave manifests, be it without those of a dependency that is not here."""
        return not self.faults and (not self.skipped or self.release is not None)


Progress = Callable[[str, int], AbstractContextManager[Callable[[], None]]]
"""Called with what is done and of how many: a context in which each call says that one more is done."""


def silent(description: str, total: int) -> AbstractContextManager[Callable[[], None]]:  # noqa: ARG001
    """Show no progress."""
    return nullcontext(lambda: None)


def of_applications(
    applications: Sequence[ArgoApplication], view: View, helm: Helm, progress: Progress = silent
) -> list[Render]:
    """Render each source of each Application, on all processors."""
    pairs = [(application, source) for application in applications for source in resolve(application, view)]
    made = on_all_processors("Rendering", lambda pair: _render(*pair, view, helm), pairs, progress)
    made += [each for pair in pairs if (each := _of_other_files(*pair, view))]
    evaluated = [(*pair, found) for pair in pairs if (found := _jsonnet_files(pair[1], view))]
    if not evaluated:
        return made
    return made + on_all_processors("Evaluating", lambda each: _evaluated(*each, view.root), evaluated, progress)


def of_outlines(
    outlines: Sequence[ArgoApplication], view: View, helm: Helm, progress: Progress = silent
) -> list[Render]:
    """Render the sources of Applications that are known but for their name, destination and revision."""
    pairs = [
        (each, source)
        for each in outlines
        if _has_known_sources(each)
        for source in resolve(each, view)
        if source.kind in {Kind.HELM, Kind.KUSTOMIZE, Kind.DIRECTORY} and not source.misses
    ]
    return on_all_processors("Rendering", lambda pair: _render(*pair, view, helm), pairs, progress)


def _has_known_sources(outline: ArgoApplication) -> bool:
    patch = text(mapping(outline.document.data["spec"]).get("templatePatch"))
    specs = [{**spec, "targetRevision": ""} for _, spec in outline.sources]
    is_patched = "{{" in patch and re.search(r"\b(sources?|path|helm|kustomize|directory|plugin):", patch)
    return not is_patched and "{{" not in json.dumps(specs, default=str)


def of_the_rest(
    renders: Sequence[Render],
    inventory: Inventory,
    view: View,
    helm: Helm,
    progress: Progress = silent,
    *,
    wanted: Callable[[Path], bool] = lambda _: True,
    variants: Callable[[Path], Sequence[Variant]] = lambda _: (),
) -> list[Render]:
    """Build each overlay, and render each chart, that no render so far has read, if wanted.

    A chart is rendered with its own values, or once for each of its variants.
    """
    read = {render.source.folder for render in renders if render.source.folder}
    overlays = [each for each in _unread_overlays(read, inventory) if wanted(each)]
    charts = [each for each in _unread_charts(read, inventory) if wanted(each)]
    pairs = [(chart, each) for chart in charts for each in variants(chart) or (None,)]
    return on_all_processors(
        "Building", lambda folder: _overlay(folder, inventory, view), overlays, progress
    ) + on_all_processors("Rendering", lambda pair: _chart(*pair, inventory, view, helm), pairs, progress)


def anew(
    renders: Sequence[Render],
    inventory: Inventory,
    view: View,
    helm: Helm,
    progress: Progress = silent,
    *,
    before: View,
) -> dict[int, Render]:
    """Render again what was rendered by other settings than a view's, where these differ for it; return it by place.

    So are the API versions of its cluster, where it asks for them.
    """

    def differs(each: Render) -> bool:
        was, now, source = before.settings, view.settings, each.source
        if each.asks and _served(before, each.application)() != _served(view, each.application)():
            return True
        if source.kind is Kind.KUSTOMIZE:
            version = _version(source)
            return was.build_options(version) != now.build_options(version)
        is_other = was.value_schemes != now.value_schemes or bool(was.data) != bool(now.data)
        return is_other and ":" in str(mapping(source.spec.get("helm")).get("valueFiles"))

    def made(place: int) -> Render:
        old = renders[place]
        if old.application is None and old.source.kind is Kind.HELM:
            empty = Render(old.source, old.path, variant=old.variant)
            new = _rendered_chart(empty, replace(old.release, served=_served(view)), helm) if old.release else old
            return old if new.faults else new
        if old.application is None:
            return _overlay(old.source.folder or view.root, inventory, view)
        sources = {each.at: each for each in resolve(old.application, view)}
        return _render(old.application, sources[old.source.at], view, helm)

    places = [place for place, each in enumerate(renders) if differs(each)]
    return dict(zip(places, on_all_processors("Rendering", made, places, progress), strict=True))


def _served(view: View, application: ArgoApplication | None = None) -> Callable[[], Sequence[str]]:
    """Return how to find the API versions of an Application's cluster; of all, where there is no Application."""
    destination = mapping(application.spec.get("destination")) if application else {}
    return lambda: view.capabilities.of(destination)


def _version(source: Source) -> str:
    """Return the version of Kustomize that an Application names; empty where it names none."""
    return text(mapping(source.spec.get("kustomize")).get("version"))


def on_all_processors(
    description: str, work: Callable[[T], Made], these: Sequence[T], progress: Progress
) -> list[Made]:
    """Return what the work makes of each of these, in their order: engines let the others run meanwhile."""
    with begun(description, work, these, progress) as finish:
        return finish()


@contextmanager
def begun(
    description: str, work: Callable[[T], Made], these: Sequence[T], progress: Progress
) -> Iterator[Callable[[], list[Made]]]:
    """Begin the same, and yield what waits for its end and returns all: something else can be done until then."""
    waiting: SimpleQueue[tuple[int, T]] = SimpleQueue()
    done: SimpleQueue[BaseException | None] = SimpleQueue()
    made: dict[int, Made] = {}
    for job in enumerate(these):
        waiting.put(job)

    def take_on() -> None:
        with suppress(Empty):
            while True:
                number, this = waiting.get_nowait()
                try:
                    made[number] = work(this)
                    done.put(None)
                except BaseException as error:
                    done.put(error)

    # Not those of a ThreadPoolExecutor, which an end of argosy would wait for.
    threads = [Thread(target=take_on, daemon=True) for _ in range(min(os.cpu_count() or 1, len(these)))]

    def finish() -> list[Made]:
        with progress(description, len(these)) as advance:
            for _ in these:
                if error := done.get():
                    raise error
                advance()
        return [made[number] for number in range(len(these))]

    try:
        for thread in threads:
            thread.start()
        yield finish
    except BaseException:
        _abandon(waiting, threads)
        raise


def _abandon(waiting: SimpleQueue[Any], threads: Sequence[Thread]) -> None:
    """Stop what engines do for threads, and give these a moment to put away what is theirs."""
    with suppress(Empty):
        while True:
            waiting.get_nowait()
    supervisor.abandon(threads)
    end = monotonic() + 1
    for thread in threads:
        if thread.is_alive():
            thread.join(max(0, end - monotonic()))


def _unread_overlays(read: Set[Path], inventory: Inventory) -> list[Path]:
    """Return the kustomizations that no build has read: those that none of the others reads, or that a circle does."""
    readers: dict[Path, set[Path]] = {folder: set() for folder in inventory.kustomizations}
    for file, folders in inventory.inputs.items():
        if file.name in KUSTOMIZATIONS and file.parent in readers:
            readers[file.parent].update(folder for folder in folders if folder != file.parent)
    first = {folder for folder, others in readers.items() if not others and folder not in read}
    return [
        folder
        for folder, others in readers.items()
        if folder in first or (folder not in read and not others & (first | read))
    ]


def _unread_charts(read: Set[Path], inventory: Inventory) -> list[Path]:
    """Return the charts that no render read, and that no other chart depends on, but in a circle."""
    wanted = with_dependencies((chart for chart in inventory.charts if chart in read), inventory)
    within = {above for chart in wanted for above in (chart, *chart.parents)}
    unread = [chart for chart in inventory.outermost_charts if chart not in within]
    used = {chart: with_dependencies([chart], inventory) - {chart} for chart in unread}
    taken = {each for chart, several in used.items() for each in several if chart not in used.get(each, ())}
    return [chart for chart in unread if chart not in taken]


def with_dependencies(charts: Iterable[Path], inventory: Inventory) -> set[Path]:
    """Return charts with those of the repository that they depend on."""
    found = set(charts)
    pending = list(found)
    while pending:
        more = set(_local_dependencies(pending.pop(), inventory)) - found
        found |= more
        pending += more
    return found


def _local_dependencies(chart: Path, inventory: Inventory) -> Iterator[Path]:
    listed = inventory.head(chart, "Chart.yaml").get("dependencies")
    for dependency in listed if isinstance(listed, list) else ():
        repository = dependency.get("repository") if isinstance(dependency, dict) else None
        if isinstance(repository, str) and repository.startswith("file://"):
            yield Path(os.path.normpath(chart / repository.removeprefix("file://")))


def written_documents(source: Source, view: View) -> Iterator[Document]:
    """Yield the documents of a directory source, as Argo CD chooses its files: none of one that says so itself."""
    options = mapping(source.spec.get("directory"))
    folder = source.folder.relative_to(view.root).as_posix() if source.folder else ""
    prefix = "" if folder == "." else f"{folder}/"
    for document in _by_folder(view).get(folder, ()):
        if directory.is_chosen(document.path.removeprefix(prefix), options) and not _is_skipped(document):
            yield document


def _is_skipped(document: Document) -> bool:
    return document.source is not None and directory.SKIPPED in document.source.text


def _of_other_files(application: ArgoApplication, source: Source, view: View) -> Render | None:
    """Return what a directory source has in files that are not named as manifests; None where it takes none."""
    options = mapping(source.spec.get("directory"))
    if source.kind is not Kind.DIRECTORY or not options.get("disableExtensionFilter") or source.folder is None:
        return None
    documents: list[Document] = []
    defects: list[Defect] = []
    for file in directory.files(source):
        path = file.relative_to(view.root).as_posix()
        if is_read(file.name) or file.suffix == directory.SUFFIX or not view.wanted(path) or astray(file, view.root):
            continue
        found = read(File(path, file))
        documents += found.documents
        defects += found.defects
    return Render(
        source,
        source.folder.relative_to(view.root).as_posix(),
        [_deployed(each, application) for each in documents],
        defects,
        application=application,
    )


def _jsonnet_files(source: Source, view: View) -> list[Path]:
    named = directory.jsonnet_files(source, view.root)
    return [each for each in named if view.wanted(each.relative_to(view.root).as_posix())]


def _evaluated(application: ArgoApplication, source: Source, files: Sequence[Path], root: Path) -> Render:
    """Return what the Jsonnet of a directory source evaluates to, each file by itself."""
    path = source.folder.relative_to(root).as_posix() if source.folder else "."
    imported = [each.resolve() for each in directory.imported(source, root)]
    render = Render(replace(source, kind=Kind.JSONNET), path, application=application, imported=imported)
    documents: list[Document] = []
    faults: list[Fault] = []
    for file in files:
        try:
            manifests = directory.evaluated(file, application, source, root)
        except OfflineError as error:
            return replace(render, skipped=error.faults[0].message)
        except RenderError as error:
            faults += error.faults
        else:
            name = file.relative_to(root).as_posix()
            documents += (Document(name, index, each) for index, each in enumerate(manifests))
    return replace(render, documents=[_deployed(each, application) for each in documents], faults=faults)


def _deployed(document: Document, application: ArgoApplication) -> Document:
    return replace(document, application=application.application, environment=application.environment)


@lru_cache(maxsize=1)
def _by_folder(view: View) -> Mapping[str, Sequence[Document]]:
    """Return the documents at or below each folder, the root being “.”."""
    found: dict[str, list[Document]] = defaultdict(list)
    for document in view.documents:
        found["."].append(document)
        end = document.path.rfind("/")
        while end > 0:
            found[document.path[:end]].append(document)
            end = document.path.rfind("/", 0, end)
    return found


def _render(application: ArgoApplication, source: Source, view: View, helm: Helm) -> Render:
    path = source.folder.relative_to(view.root).as_posix() if source.folder else application.document.path
    empty = Render(source, path, application=application)
    if source.kind is Kind.HELM:
        return _helm(empty, application, source, view, helm)
    if source.kind is Kind.KUSTOMIZE:
        return _kustomize(empty, source, view)
    if source.kind is Kind.DIRECTORY:
        found = tuple(_deployed(each, application) for each in written_documents(source, view))
        return replace(empty, documents=found, written=True)
    if source.kind is Kind.REMOTE and source.fetched and source.pin:
        return _remote(empty, application, source, view, helm)
    if source.kind is Kind.PLUGIN:
        return _plugin(empty, application, source, view)
    return replace(empty, skipped=source.reason) if source.kind is Kind.REMOTE else empty


def _remote(empty: Render, application: ArgoApplication, source: Source, view: View, helm: Helm) -> Render:
    """Render what was fetched; its files go by the name and version of what was."""
    home, pin = source.fetched, source.pin
    assert home
    assert pin
    path = "" if pin.chart else text(source.spec.get("path"))
    if not path and source.spec.get("ref") and not pin.chart:
        return empty
    folder = inside(home, PurePosixPath(path))
    if folder is None or astray(folder, home) or not holds(folder.is_dir):
        return replace(empty, faults=(Fault(f"{pin} has no folder {path}."),))
    below = folder.relative_to(home).as_posix()
    local = replace(source, kind=kind_of(source.spec, folder), folder=folder)
    # Its folder is none of the repository's.
    shown = replace(source, kind=local.kind)
    there = replace(empty, source=shown, path=pin.label if below == "." else f"{pin.label}/{below}")
    plugin, reason = plugin_for(source.spec, folder, view.work_tree, frozenset({normalise(pin.url)}))
    if plugin or reason:
        return _plugin(there, application, replace(local, plugin=plugin, reason=reason), replace(view, root=home))
    if local.kind is Kind.HELM:
        return _helm(there, application, local, view, helm)
    if local.kind is Kind.KUSTOMIZE:
        return _kustomize(there, local, replace(view, root=home))
    return _directory(there, application, local, home)


def _directory(empty: Render, application: ArgoApplication, source: Source, home: Path) -> Render:
    """Return the manifests of a folder that was fetched."""
    assert source.folder
    options, documents, defects = mapping(source.spec.get("directory")), list[Document](), list[Defect]()
    for file in find(home, [source.folder]):
        name = file.location.relative_to(source.folder).as_posix()
        if astray(file.location, home) or not directory.is_chosen(name, options):
            continue
        found = read(replace(file, path=f"{empty.path}/{name}"))
        defects += found.defects
        documents += (replace(_deployed(each, application), source=None) for each in found.documents)
    faults: list[Fault] = []
    for place in directory.jsonnet_files(source, home):
        path = f"{empty.path}/{place.relative_to(source.folder).as_posix()}"
        try:
            manifests = directory.evaluated(place, application, source, home)
        except OfflineError as error:
            return replace(empty, skipped=error.faults[0].message)
        except RenderError as error:
            faults += (Fault(f"{path}: {each.message}", hint=each.hint) for each in error.faults)
        else:
            documents += (_deployed(Document(path, index, each), application) for index, each in enumerate(manifests))
    return replace(empty, documents=documents, defects=defects, faults=faults)


def _plugin(empty: Render, application: ArgoApplication, source: Source, view: View) -> Render:
    """Return what a plugin makes; that it fails here is no reason why it would within Argo CD."""
    if source.plugin is None or source.folder is None or view.work_tree is None:
        return replace(empty, skipped=source.reason)
    environment = build_environment.of_plugin(application, source.spec)
    try:
        made = plugins.generate(source.plugin, source.folder, view.root, environment, view.work_tree)
    except RenderError as error:
        return replace(empty, skipped=f"the plugin {source.plugin.name} made nothing here: {error.faults[0].message}")
    documents, defects = rendered(
        [(made, empty.path)], application=application.application, environment=application.environment
    )
    return replace(empty, documents=documents, defects=defects)


def _helm(empty: Render, application: ArgoApplication, source: Source, view: View, helm: Helm) -> Render:
    if source.folder is None or source.misses:
        of_parameters = all("fileParameters" in miss.at for miss in source.misses)
        return replace(empty, skipped=f"{'the file of a parameter' if of_parameters else 'a values file'} is missing")
    if source.unread:
        return replace(empty, skipped="; ".join(source.unread))
    if not holds((source.folder / "Chart.yaml").is_file):
        named = next((each.name for each in entries(source.folder) if each.name.endswith(CHART)), "")
        why = f": Argo CD takes it for one because of {named}" if named and not mapping(source.spec.get("helm")) else ""
        hint = f"Rename {named}, if this is no chart." if why else ""
        fault = Fault(f"The Helm source's folder has no Chart.yaml{why}.", source.folder, hint=hint)
        return replace(empty, faults=(fault,))
    return _rendered_chart(empty, _release(application, source, view), helm)


def _rendered_chart(empty: Render, release: Release, helm: Helm) -> Render:
    try:
        found = helm.render(release)
    except RenderError as error:
        if isinstance(error, OfflineError):
            return replace(empty, skipped="; ".join(fault.message for fault in error.faults))
        # It may fail for what it finds of the cluster.
        return replace(empty, faults=error.faults, asks=not any(fault.stopped for fault in error.faults))
    except (OSError, ValueError) as error:
        return replace(empty, faults=(Fault(f"Cannot be rendered: {error}."),))
    documents, defects = rendered(
        [(manifest.text, f"{empty.path}/{manifest.path}") for manifest in found.manifests],
        application=empty.application.application if empty.application else "",
        environment=empty.application.environment if empty.application else empty.variant,
    )
    return replace(
        empty,
        documents=documents,
        defects=defects,
        remarks=tuple(message.text for message in found.messages),
        skipped="; ".join(dict.fromkeys(found.lacking)),
        release=release,
        asks=found.asks,
    )


def _dependency(dependency: Dependency) -> Path | str:
    """Return the folder of a chart that another one depends on, or why it is not here."""
    pin = remote.of_chart(dependency.name, dependency.version, dependency.repository)
    if pin is None:
        return "it names no repository"
    return remote.folder(pin) or remote.trouble(pin)


def _example(name: str) -> str:
    """Return a name in which something stands for each parameter that is not known here."""
    return with_actions(name, "example") if "{{" in name else name


def _release(application: ArgoApplication, source: Source, view: View) -> Release:
    root = view.root
    spec, destination = mapping(source.spec.get("helm")), mapping(application.spec.get("destination"))
    parameters = [each for each in sequence(spec.get("parameters")) if isinstance(each, dict)]
    inline = spec.get("valuesObject") or spec.get("values")
    variables = build_environment.of(application, source.spec)
    return Release(
        chart=source.folder or root,
        name=_example(str(spec.get("releaseName") or application.name)),
        namespace=_example(text(destination.get("namespace"))),
        values=source.value_files,
        inline=inline if isinstance(inline, str | dict) else "",
        parameters=tuple(
            Parameter(
                str(each.get("name", "")),
                build_environment.substituted(str(each.get("value", "")), variables),
                bool(each.get("forceString")),
            )
            for each in parameters
        ),
        file_parameters=source.file_parameters,
        kube_version=str(spec.get("kubeVersion") or ""),
        api_versions=tuple(str(each) for each in sequence(spec.get("apiVersions"))),
        skip_crds=bool(spec.get("skipCrds")),
        skip_tests=bool(spec.get("skipTests")),
        skip_schema_validation=bool(spec.get("skipSchemaValidation")),
        root=root,
        home=source.fetched,
        others=source.others,
        fetched=_dependency,
        served=_served(view, application),
    )


def _kustomize(empty: Render, source: Source, view: View, *, is_deployed: bool = True) -> Render:
    if source.folder is None:
        return empty
    root, overrides = view.root, source.spec.get("kustomize")
    asks = False

    def cluster() -> kustomize.Cluster:
        nonlocal asks
        spec = mapping(overrides)
        own = tuple(str(each) for each in sequence(spec.get("apiVersions")))
        asks = not own
        return kustomize.Cluster(text(spec.get("kubeVersion")), own or _served(view, empty.application)())

    try:
        options = view.settings.build_options(_version(source))
        given: Mapping[str, Any] | None = overrides if isinstance(overrides, dict) else None
        if given and empty.application:
            given = _substituted(given, build_environment.of(empty.application, source.spec))
        base = partial(_base, is_deployed=is_deployed)
        built = kustomize.build(
            source.folder,
            root,
            given,
            options,
            fetched=base,
            chart=_dependency,
            engine=view.engines.kustomize,
            helm=lambda: view.engines.helm,
            cluster=cluster,
        )
    except OfflineError as error:
        return replace(empty, skipped="; ".join(dict.fromkeys(fault.message for fault in error.faults)))
    except RenderError as error:
        return replace(empty, faults=error.faults, asks=asks and not any(fault.stopped for fault in error.faults))
    file = kustomize.kustomization(source.folder) or source.folder
    documents, defects = rendered(
        [(built, file.relative_to(root).as_posix())],
        application=empty.application.application if empty.application else "",
        environment=empty.application.environment if empty.application else "",
    )
    return replace(empty, documents=documents, defects=defects, asks=asks)


def _substituted(overrides: Mapping[str, Any], variables: Mapping[str, str]) -> Mapping[str, Any]:
    """Return an Application's overrides of a build with the variables replaced where Argo CD does so."""
    fields = ["commonLabels", *(["commonAnnotations"] if overrides.get("commonAnnotationsEnvsubst") else [])]
    replaced: dict[str, Any] = {
        name: {key: build_environment.substituted(str(value), variables) for key, value in given.items()}
        for name in fields
        if isinstance(given := overrides.get(name), dict)
    }
    if isinstance(images := overrides.get("images"), list):
        replaced["images"] = [
            build_environment.substituted(each, variables) if isinstance(each, str) else each for each in images
        ]
    return {**overrides, **replaced}


def _base(entry: str, *, is_deployed: bool) -> kustomize.Remote | str:
    """Return the base that a URL in a kustomization means, or why it is not here.

    A file, such as Argo CD's own manifests, is not fetched for what no Application deploys.
    """
    found = remote.of_base(entry)
    if found is None:
        return (
            "is not fetched: whether it is a file or a folder of a Git repository, it does not say (//, ?ref= or .git)"
        )
    pin, path = found
    is_unasked = pin.kind is remote.Kind.FILE and not is_deployed
    home = remote.known(pin) if is_unasked else remote.folder(pin)
    if home is None and is_unasked:
        return "was not fetched (offline), since no Application deploys what takes it in"
    if home is None:
        return remote.trouble(pin).removeprefix("it ")
    folder = inside(home, PurePosixPath(path))
    if folder and pin.kind is remote.Kind.FILE:
        return kustomize.Remote(home.resolve(), folder)
    if folder is None or astray(folder, home) or kustomize.kustomization(folder) is None:
        return f"has no kustomization in {path or 'its root'}"
    return kustomize.Remote(home.resolve(), folder.resolve())


def _overlay(folder: Path, inventory: Inventory, view: View) -> Render:
    source = Source(Kind.KUSTOMIZE, (), {}, folder)
    empty = Render(source, folder.relative_to(inventory.root).as_posix())
    if inventory.head(folder, *KUSTOMIZATIONS).get("kind") == "Component":
        return replace(empty, skipped="no overlay uses this Component")
    return _kustomize(empty, source, view, is_deployed=False)


def _chart(chart: Path, variant: Variant | None, inventory: Inventory, view: View, helm: Helm) -> Render:
    files = tuple(variant.files) if variant else ()
    name = variant.name if variant else ""
    source = Source(Kind.HELM, (), {}, chart, value_files=files)
    path = chart.relative_to(inventory.root).as_posix()
    metadata = inventory.head(chart, "Chart.yaml")
    empty = Render(source, path, variant=name)
    if metadata.get("type") == "library":
        return replace(empty, skipped="no chart uses this library chart")
    if missing := next((each for each in files if not holds(each.is_file)), None):
        # Whoever names it is told so at that place.
        return replace(empty, skipped=f"there is no {missing.relative_to(inventory.root).as_posix()}")
    named = str(metadata.get("name") or "release")
    release = Release(chart, named, values=files, root=inventory.root, fetched=_dependency, served=_served(view))
    made = _rendered_chart(empty, release, helm)
    is_guess = variant is None or not variant.is_declared
    if is_guess and made.faults and not any(fault.stopped for fault in made.faults):
        why = "; ".join(fault.message for fault in made.faults)
        values = ", ".join(each.relative_to(inventory.root).as_posix() for each in files) or "its default values"
        skipped = f"no Application uses this chart, and it cannot be rendered with {values}: {why}"
        return replace(made, faults=(), skipped=skipped)
    return made
