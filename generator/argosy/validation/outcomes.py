"""The outcome of each document: none is left out, and none counts as passed that was not checked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from argosy.argocd.inventory import Entry, Inventory, Role
from argosy.argocd.reach import Reach
from argosy.argocd.rendering import Render, with_dependencies
from argosy.argocd.sources import Kind
from argosy.documents import Document
from argosy.findings import Outcome, Severity, Status, Unreached
from argosy.repository import layout
from argosy.validation.causes import Found


@dataclass(frozen=True)
class Selection:
    """The files and folders of a repository to report on, what is rendered from them, and what their Applications read.

    No paths: all.
    """

    root: Path
    paths: Sequence[Path]
    inventory: Inventory
    renders: Sequence[Render]

    def takes(self, path: str, render: Render | None = None) -> bool:
        """Return whether a file, or what was rendered from other files, is asked for."""
        if not self.paths or "." in self._wanted or _is_in(path, self._wanted):
            return True
        return render in self._reading if render is not None else _is_in(path, self._read)

    @cached_property
    def _wanted(self) -> frozenset[str]:
        return frozenset(self._relative(path.resolve() for path in self.paths))

    @cached_property
    def _reading(self) -> frozenset[Render]:
        """The renders that read what is asked for: their Application, chart, overlay or values."""
        return frozenset(
            each
            for each in self.renders
            if self._is_declared(each)
            or any(_is_in(path, self._wanted) for path in self._inputs(each))
            or (each.source.kind is Kind.HELM and any(_is_in(path, {each.path}) for path in self._wanted))
        )

    @cached_property
    def _read(self) -> frozenset[str]:
        """The files and folders that Applications read which are asked for."""
        return frozenset(path for each in self.renders if self._is_declared(each) for path in self._inputs(each))

    def _is_declared(self, render: Render) -> bool:
        return render.application is not None and _is_in(render.application.document.path, self._wanted)

    def _inputs(self, render: Render) -> Iterator[str]:
        if render.written:
            yield from (document.path for document in render.documents)
            return
        yield render.path
        overlay = render.source.folder if render.source.kind is Kind.KUSTOMIZE else None
        yield from self._relative(file for file, folders in self.inventory.inputs.items() if overlay in folders)
        yield from self._relative((*render.source.value_files, *render.imported))

    def _relative(self, files: Iterable[Path]) -> Iterator[str]:
        return (file.relative_to(self.root).as_posix() for file in files if file.is_relative_to(self.root))


def _is_in(path: str, places: Set[str]) -> bool:
    """Return whether a file or folder is one of these places, or below one."""
    above = [path, *map(str, PurePosixPath(path).parents)]
    return not places.isdisjoint(above)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome of a document where nothing is wrong with it, and the errors that make it a failure."""

    outcome: Outcome
    errors: Sequence[Found]
    render: Render | None = None


@dataclass(frozen=True)
class Outcomes:
    """The outcomes of one validation."""

    inventory: Inventory
    renders: Sequence[Render]
    reach: Reach
    found: Sequence[Found]
    """What is found, without what the repository asks to ignore."""
    skipped: Mapping[Hashable, str]
    """Why a document was not checked, by `identity(document)`; by its path for a file without documents."""
    patches: frozenset[Hashable] = frozenset()
    """What was checked although no build contains it, by `identity(document)`."""

    def each(self) -> Iterator[Judgement]:
        """Yield an outcome for each document, written and rendered, and for each source that was not rendered."""
        for entry in self.inventory.entries:
            if self.reach.judges(entry.file.path):
                read_by = self._readers.get(entry.file.path, ())
                for each in self._of_entry(entry):
                    yield replace(each, outcome=replace(each.outcome, read_by=read_by)) if read_by else each
        for render in self.renders:
            for each in self._of_render(render):
                yield replace(each, outcome=replace(each.outcome, is_rendered=True), render=render)

    @cached_property
    def _readers(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """The Applications, each with its environment, that take the documents of a file as they are."""
        found: dict[str, dict[tuple[str, str], None]] = {}
        for render in self.renders:
            if render.written and render.application:
                for document in render.documents:
                    reader = (render.application.application, render.application.environment)
                    found.setdefault(document.path, {})[reader] = None
        return {path: (*readers,) for path, readers in found.items()}

    def unreached(self) -> Iterator[Unreached]:
        """Yield the files that were not judged, because nothing leads to them."""
        for entry in self.inventory.entries:
            if not self.reach.judges(entry.file.path):
                yield Unreached(entry.file.path, self.reach.why_not(entry), max(len(entry.documents), 1))

    # Files

    def _of_entry(self, entry: Entry) -> Iterator[Judgement]:
        path = entry.file.path
        reason = self.reach.withheld.get(path)
        if reason is not None and path not in self.reach.applied:
            errors = self._errors_by_path.get(path, ())
            yield from (_outcome(path, errors, reason) for _ in entry.documents or (None,))
        else:
            yield from self._of_chart_file(entry) if entry.chart else self._of_file(entry)

    def _of_file(self, entry: Entry) -> Iterator[Judgement]:
        path = entry.file.path
        errors = self._errors_by_path.get(path, ())
        unread = [defect for defect in entry.parsed.defects if defect.document is None]
        if unread:
            lines = {defect.line for defect in unread}
            own = [each for each in errors if each.document is None and each.finding.line in lines]
            yield _outcome(path, own, self.skipped.get(path) or _IGNORED)
        elif not entry.documents:
            checked = self._is_values_file(entry) or layout.is_catalogue_text(path)
            yield _outcome(path, errors, "" if checked else "it contains no document")
        mistaken = _mistaken(entry, errors)
        for document, role in entry.documents:
            reason = self.skipped.get(identity(document), "")
            if role is Role.OTHER and self._is_values_file(entry):
                reason = ""
            elif role is Role.OTHER and reason:
                reason = self._unread_values.get(entry.file.real, reason)
            is_input = role is Role.KUSTOMIZE_INPUT or (role is Role.MANIFEST and path in self.reach.unbuilt)
            if is_input and not (reason or identity(document) in self.patches):
                reason = self._unbuilt(entry.file.real)
            yield _outcome(path, mistaken.get(identity(document), ()), reason)

    def _is_values_file(self, entry: Entry) -> bool:
        """Return whether a render read the file as its values."""
        return entry.file.real in self._values

    def _unbuilt(self, location: Path) -> str:
        """Return why no build checked a Kustomize input, or nothing."""
        folders = self.inventory.inputs.get(location, ())
        rendered = [render for folder in folders for render in self._by_folder.get(folder, ())]
        if not rendered or any(render.is_made for render in rendered):
            return ""
        return rendered[0].skipped or _NOT_RENDERED

    @cached_property
    def _by_folder(self) -> Mapping[Path, Sequence[Render]]:
        """The renders of each folder."""
        found: dict[Path, list[Render]] = {}
        for render in self.renders:
            if render.source.folder is not None:
                found.setdefault(render.source.folder, []).append(render)
        return found

    def _of_chart_file(self, entry: Entry) -> Iterator[Judgement]:
        """Yield one outcome for a chart's file: it is checked by rendering the chart."""
        path = entry.file.path
        reason = self._unrendered.get(entry.chart, "") if entry.chart else ""
        unread = self.skipped.get(path, "")
        yield _outcome(path, self._errors_by_path.get(path, ()), reason or ("" if entry.documents else unread))

    @cached_property
    def _unrendered(self) -> Mapping[Path, str]:
        """Why a chart was not rendered, for each that was not."""
        reasons: dict[Path, str] = {}
        checked: set[Path] = set()
        for render in self.renders:
            for chart in self._charts_of(render):
                if render.is_made:
                    checked.add(chart)
                else:
                    reasons.setdefault(chart, render.skipped or _NOT_RENDERED)
        return {chart: reason for chart, reason in reasons.items() if chart not in checked}

    def _charts_of(self, render: Render) -> Iterable[Path]:
        folder = render.source.folder
        if render.source.kind is Kind.KUSTOMIZE and folder is not None:
            return self._built.get(folder, ())
        if render.source.kind is not Kind.HELM or folder is None:
            return ()
        charts = [chart for chart in (folder, *folder.parents) if chart in self._outermost]
        return with_dependencies(charts, self.inventory)

    @cached_property
    def _built(self) -> Mapping[Path, Set[Path]]:
        """The charts that builds render, by the builds' folders."""
        found: dict[Path, set[Path]] = {}
        for entry in self.inventory.entries:
            for folder in self.inventory.inputs.get(entry.file.real, ()) if entry.chart else ():
                found.setdefault(folder, set()).update([entry.chart] if entry.chart else ())
        return found

    # Renders

    def _of_render(self, render: Render) -> Iterator[Judgement]:
        application = render.application.application if render.application else ""
        environment = render.application.environment if render.application else ""
        path = render.path if render.source.folder or not render.application else render.application.document.path
        if render.skipped:
            yield _outcome(path, (), render.skipped, application, environment)
        if render.faults or render.defects:
            errors = self._of_renders.get(render, ())
            for place in self._broken(render) or [path]:
                yield _outcome(place, errors, _IGNORED, application, environment)
        for document in () if render.written else render.documents:
            reason = self.skipped.get(identity(document), "")
            yield _outcome(document.path, self._failed.get(identity(document), ()), reason, application, environment)

    def _broken(self, render: Render) -> Iterable[str]:
        """Return the files of Jsonnet that give nothing: the others of their folder give their manifests."""
        root, files = self.inventory.root, (each.path for each in render.faults if render.source.kind is Kind.JSONNET)
        return dict.fromkeys(each.relative_to(root).as_posix() for each in files if each and each.is_relative_to(root))

    @cached_property
    def _errors(self) -> Sequence[Found]:
        return [each for each in self.found if each.finding.severity is Severity.ERROR]

    @cached_property
    def _errors_by_path(self) -> Mapping[str, Sequence[Found]]:
        by_path: dict[str, list[Found]] = {}
        for each in self._errors:
            by_path.setdefault(each.finding.path, []).append(each)
        return by_path

    @cached_property
    def _failed(self) -> Mapping[Hashable, Sequence[Found]]:
        failed: dict[Hashable, list[Found]] = defaultdict(list)
        for each in self._errors:
            if each.document is not None:
                failed[identity(each.document)].append(each)
        return failed

    @cached_property
    def _of_renders(self) -> Mapping[Render, Sequence[Found]]:
        """What is wrong with a render as a whole."""
        found: dict[Render, list[Found]] = defaultdict(list)
        for each in self._errors:
            if each.render is not None and each.document is None:
                found[each.render].append(each)
        return found

    @cached_property
    def _outermost(self) -> frozenset[Path]:
        return frozenset(self.inventory.outermost_charts)

    @cached_property
    def _unread_values(self) -> Mapping[Path, str]:
        """Why nothing was rendered with a values file, for those of which that is so."""
        return {file: render.skipped or _NOT_RENDERED for render in self.renders for file in render.source.values}

    @cached_property
    def _values(self) -> frozenset[Path]:
        return frozenset(file for render in self.renders if render.is_made for file in render.source.values)


_IGNORED = "its findings are ignored, or in the baseline"
_NOT_RENDERED = "the chart or overlay that uses it cannot be rendered"


def identity(document: Document) -> Hashable:
    """Return what a document is known by: a written one by its place, since an Application's labels are on copies."""
    return document if document.is_rendered else (document.path, document.index, document.prefix)


def _mistaken(entry: Entry, errors: Iterable[Found]) -> Mapping[Hashable, Sequence[Found]]:
    """Return the errors about a file's documents by the identity of each: they tell it, or else their line does."""
    own = {identity(document) for document, _ in entry.documents}
    unread = {defect.line for defect in entry.parsed.defects if defect.document is None}
    found: dict[Hashable, list[Found]] = defaultdict(list)
    for each in errors:
        if each.document is not None and identity(each.document) in own:
            found[identity(each.document)].append(each)
        elif entry.documents and (each.document is not None or each.finding.line not in unread):
            above = [document for document, _ in entry.documents if document.line <= (each.finding.line or 1)]
            found[identity(above[-1] if above else entry.documents[0][0])].append(each)
    return found


def _outcome(
    path: str, errors: Sequence[Found], reason: str, application: str = "", environment: str = ""
) -> Judgement:
    status = Status.SKIPPED if reason else Status.PASSED
    return Judgement(Outcome(path, status, reason, application, environment), errors)
