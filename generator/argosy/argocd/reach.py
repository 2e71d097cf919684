"""What Argo CD reads of a repository, from which roots: a file that nothing leads to, it never sees."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from argosy import kustomize
from argosy.argocd import directory, rendering
from argosy.argocd.applicationsets import RepositoryFiles
from argosy.argocd.inventory import Entry, Inventory, Role, is_answers
from argosy.argocd.rendering import Render
from argosy.argocd.sources import Kind, Source
from argosy.argocd.variants import Variant, Variants
from argosy.argocd.view import CONFIG_MAPS, ArgoApplication, View, config_map_name, key
from argosy.documents import ESCAPES, DefectKind, Document
from argosy.documents.fields import JSON, field, group_and_kind, mapping, sequence, text
from argosy.paths import astray, holds
from argosy.repository import layout
from argosy.schemas.files import is_of_argosy, is_of_tools

APPLICATIONS = frozenset({"Application", "ApplicationSet"})
ARGOCD_KINDS = APPLICATIONS | {"AppProject"}
_GROUP, _KIND = r"apiVersion:[ \t]*[\"']?argoproj\.io/", r"kind:[ \t]*[\"']?(Application|ApplicationSet|AppProject)\b"
_DECLARED = re.compile(rf"^([ \t]*)(?:{_GROUP}.*\n\1{_KIND}|{_KIND}.*\n\1{_GROUP})", re.MULTILINE)
"""What a text says of itself that is no YAML, such as a chart's template, or a file with an error."""
_SOURCE_PATH = re.compile(r"""\bpath:[ \t]*["']?([^\s"'{},]{1,4096})(?=["'\s,}]|$)""")
Identify = Callable[[Document], Hashable]
"""Returns what an Application, ApplicationSet or AppProject is known by, wherever it is found."""


def is_within(path: str, place: str) -> bool:
    """Return whether a path of the repository is a place in it, or below that."""
    return place in {path, "."} or path.startswith(f"{place}/")


def is_argocds(document: Document) -> bool:
    """Return whether a document is one of Argo CD's own kinds: an Application, an ApplicationSet or an AppProject."""
    group, kind = group_and_kind(document.data)
    return group == "argoproj.io" and kind in ARGOCD_KINDS


def declared_in(entry: Entry) -> frozenset[str]:
    """Return which of Argo CD's own kinds a file declares, and ConfigMap where that is one of Argo CD's settings."""
    if entry.documents:
        found = {group_and_kind(each.data)[1] for each, _ in entry.documents if is_argocds(each)}
        is_setting = any(config_map_name(each) in CONFIG_MAPS for each, _ in entry.documents)
        return frozenset(found | {"ConfigMap"} if is_setting else found)
    if "argoproj.io/" not in entry.parsed.text:
        return frozenset()
    return frozenset(filter(None, (name for each in _DECLARED.findall(entry.parsed.text) for name in each[1:])))


@dataclass(frozen=True)
class Declaring:
    """The files of a repository that declare what Argo CD takes its orders from, found before anything is rendered."""

    inventory: Inventory
    named: Sequence[str] = ()
    """The files and folders that `.argosy.yaml` names as roots."""
    found_variants: Variants | None = None

    @cached_property
    def by_path(self) -> Mapping[str, frozenset[str]]:
        """The files, and what each declares."""
        found = ((entry.file.path, declared_in(entry)) for entry in self.inventory.entries)
        return {path: kinds for path, kinds in found if kinds}

    @cached_property
    def is_for_argocd(self) -> bool:
        """Whether anything in the repository is an Application, or makes some: otherwise nothing could be reached."""
        return bool(self.named) or any(kinds & APPLICATIONS for kinds in self.by_path.values())

    @cached_property
    def is_argosys(self) -> bool:
        """Whether the repository is one of argosy's own, in whose layout each file has its meaning."""
        if any(map(is_answers, self.inventory.at(self.inventory.root / layout.ANSWERS))):
            return True
        # The answers may be gone, which is for validation to tell.
        places = (each for each in self.inventory.files if layout.environment_of(each))
        settings = (each for each in places if each.endswith(f"/{layout.ENVIRONMENT_SETTINGS}"))
        found = (one for each in settings for one in self.inventory.at(self.inventory.root / each))
        return any("promotesFrom" in mapping(each.data) for each in found)

    @cached_property
    def folders(self) -> frozenset[Path]:
        """The charts and overlays that declare something of Argo CD's: applied by hand, where nothing renders them."""
        found: set[Path] = set()
        for entry in self.inventory.entries:
            if entry.file.path in self.by_path:
                found.update([entry.chart] if entry.chart else self.inventory.inputs.get(entry.file.real, ()))
        return frozenset(found)

    def is_root(self, folder: Path) -> bool:
        """Return whether a chart or overlay that no Application renders is applied by hand."""
        place = folder.relative_to(self.inventory.root).as_posix()
        # `argosy bootstrap` applies that one.
        is_installed = self.is_argosys and place == layout.INSTALL
        # What some Application gives a chart, of a source that is unknown here, is not its default values.
        is_applied = folder in self.folders and (
            folder not in self.inventory.charts or place not in self._sources or bool(self.variants(folder))
        )
        return is_installed or is_applied or self.is_named(place) or self._is_declared(place)

    def _is_declared(self, place: str) -> bool:
        return self.found_variants is not None and place in self.found_variants.declared

    def variants(self, chart: Path) -> Sequence[Variant]:
        """Return the variants of a chart of Applications that no Application renders."""
        place = chart.relative_to(self.inventory.root).as_posix()
        if self.found_variants is None or not (chart in self.folders or self._is_declared(place)):
            return ()
        if chart not in self._variants:
            self._variants[chart] = self.found_variants.of(chart)
        return self._variants[chart]

    @cached_property
    def _variants(self) -> dict[Path, Sequence[Variant]]:
        return {}

    @cached_property
    def _sources(self) -> frozenset[str]:
        """The paths that the texts of Applications and ApplicationSets name, but for a chart's that manages itself."""
        root = self.inventory.root
        return frozenset(
            place
            for entry in self.inventory.entries
            if self.by_path.get(entry.file.path, frozenset()) & APPLICATIONS
            for place in map(posixpath.normpath, _SOURCE_PATH.findall(entry.parsed.text))
            if entry.chart is None or entry.chart != root / place
        )

    def is_named(self, path: str) -> bool:
        """Return whether `.argosy.yaml` names a file or folder, or one above it, as a root."""
        return any(is_within(path, each) for each in self.named)


@dataclass(frozen=True, slots=True, eq=False)
class Root:
    """What is applied by hand: an Application or ApplicationSet, or an overlay or chart that gives some."""

    path: str
    """Its file, or its folder."""
    place: str
    """Whose Argo CD it is applied to: roots of one folder share one."""
    documents: Sequence[Document]
    """What it applies of Argo CD's own kinds."""
    render: Render | None = None
    variant: str = ""
    """The environment that a chart is applied for."""
    is_unrooted: bool = False
    """Whether nothing says that it is applied: no root leads to it, or what takes it in cannot be built."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What leads to what: roots -> Applications -> renders -> Applications, and the files that they read.

    Most of it is found when it is asked for: in a repository of argosy's own, everything is judged as it stands.
    """

    search: Declaring
    view: View
    applications: Sequence[ArgoApplication]
    renders: Sequence[Render]
    identify: Identify
    followed: Sequence[Document]
    """The written documents of Argo CD's own kinds that count as they stand."""
    generating: Set[str]
    """The files that ApplicationSets are made from."""
    possible: Mapping[Path, str]
    """The folders that an ApplicationSet may read of which the Applications are unknown here, each with the reason."""
    is_whole: bool
    """Whether what is not reached is judged too."""

    @cached_property
    def made(self) -> Mapping[Hashable, Sequence[ArgoApplication]]:
        """The Applications that a document is, or makes, by what it is known by."""
        found: dict[Hashable, list[ArgoApplication]] = defaultdict(list)
        for application in self.applications:
            found[self.identify(application.document)].append(application)
        return found

    @cached_property
    def declared(self) -> Mapping[str, Sequence[Document]]:
        """What an Application renders of Argo CD's own kinds, by `key(application)`."""
        found: dict[str, list[Document]] = defaultdict(list)
        for each in self.renders:
            if each.application is not None:
                found[key(each.application)] += filter(is_argocds, each.documents)
        return found

    @cached_property
    def roots(self) -> Sequence[Root]:
        """What no Application renders, or what `.argosy.yaml` names; of Applications in a circle, the first."""
        named = self.search.named
        rest = (each for each in self.renders if each.application is None and each.source.folder)
        roots = [
            Root(
                each.path,
                # A chart with values for each environment is applied to an Argo CD for each.
                f"{each.path}/{each.variant}" if each.variant else each.path,
                [*filter(is_argocds, each.documents)],
                each,
                each.variant,
                is_unrooted=bool(named) and not self.search.is_named(each.path),
            )
            for each in rest
            if each.source.folder and self.search.is_root(each.source.folder)
        ]
        below = {
            node
            for name, documents in self.declared.items()
            for node in map(self.identify, documents)
            if name not in {key(each) for each in self.made.get(node, ())}
        }
        below |= {node for root in roots for node in map(self.identify, root.documents)}
        written = [each for each in self.followed if group_and_kind(each.data)[1] in APPLICATIONS]
        chosen = [each for each in written if self.search.is_named(each.path)]
        first = [each for each in written if self.identify(each) not in below]
        roots += map(self._root, dict.fromkeys([*chosen, *first]))
        if named:
            # What a named root leads to needs no other one.
            sure = [each for each in roots if not each.is_unrooted]
            there = self._led_to(sure)
            roots = sure + [each for each in roots if each.is_unrooted and not self._nodes(each) <= there]
        there = self._led_to(roots)
        for document in written:
            if self.identify(document) not in there:
                roots.append(self._root(document))
                there |= self._led_to(roots[-1:])
        return roots

    def _root(self, document: Document) -> Root:
        is_taken = (self.view.root / document.path) in self.search.inventory.inputs
        is_named = not self.search.named or self.search.is_named(document.path)
        folder = PurePosixPath(document.path).parent.as_posix()
        place = next((each for each in self.search.named if is_within(document.path, each)), folder)
        return Root(document.path, place, [document], is_unrooted=is_taken or not is_named)

    def _nodes(self, root: Root) -> set[Hashable]:
        return set(map(self.identify, root.documents))

    def _led_to(self, roots: Sequence[Root]) -> set[Hashable]:
        """Return all that is applied from some roots on, by what it is known by."""
        pending = [node for root in roots for node in self._nodes(root)]
        found: set[Hashable] = set()
        while pending:
            node = pending.pop()
            if node not in found:
                found.add(node)
                for application in self.made.get(node, ()):
                    pending += map(self.identify, self.declared.get(key(application), ()))
        return found

    @cached_property
    def places(self) -> Mapping[str, frozenset[str]]:
        """The places of the roots that lead to an Application, by `key(application)`; empty: all are of one place."""
        by_place: dict[str, list[Root]] = defaultdict(list)
        for each in () if self.search.is_argosys else self.roots:
            by_place[each.place].append(each)
        found: dict[str, set[str]] = defaultdict(set)
        for place, several in by_place.items():
            for node in self._led_to(several):
                for application in self.made.get(node, ()):
                    found[key(application)].add(place)
        return {name: frozenset(places) for name, places in found.items()}

    @cached_property
    def _reading(self) -> Sequence[Render]:
        rooted = {id(each.render) for each in self.roots}
        return [
            each
            for each in self.renders
            if each.application is not None or id(each) in rooted or each.source.folder in self.possible
        ]

    @cached_property
    def _files(self) -> _Files:
        return _Files(self.search.inventory, self.view)

    @cached_property
    def files(self) -> frozenset[str]:
        """The files that are read on the way."""
        inventory, is_known = self.search.inventory, is_of_argosy if self.search.is_argosys else is_of_tools
        read = self.applied | self._files.read_by(self._reading) | self.generating | self.search.by_path.keys()
        read |= {each for each in inventory.files if self.search.is_named(each) or is_known(each)}
        read |= {each.file.path for each in inventory.entries if self._files.is_open_question(each, self.possible)}
        return frozenset(read)

    def read_by(self, renders: Sequence[Render]) -> frozenset[str]:
        """Return the files that some renders read."""
        applied = (path for each in renders for path in self._files.applied_by(each.source))
        return frozenset(self._files.read_by(renders)).union(applied)

    @cached_property
    def applied(self) -> frozenset[str]:
        """The files that directory sources take for manifests."""
        return frozenset(path for each in self._reading for path in self._files.applied_by(each.source))

    @cached_property
    def through(self) -> frozenset[str]:
        """The files whose manifests are what builds make of them, so that they are not judged alone."""
        if self.search.is_argosys:
            return frozenset()
        return frozenset(path for path, is_built in self._taken_in.items() if is_built)

    @cached_property
    def unbuilt(self) -> frozenset[str]:
        """Those of which the builds are not known."""
        return frozenset() if self.search.is_argosys else frozenset(self._taken_in.keys() - self.through)

    @cached_property
    def _taken_in(self) -> Mapping[str, bool]:
        """The files that builds take in, and nothing else takes as they are, each with whether one of them is known."""
        found: dict[str, bool] = {}
        for each in self.renders:
            is_built = not (each.skipped or each.faults)
            for path in self._files.built_by(each.source):
                found[path] = found.get(path, False) or is_built
        return {path: is_built for path, is_built in found.items() if path not in self.applied} if found else {}

    @cached_property
    def withheld(self) -> Mapping[str, str]:
        """The files that only a plugin reads, each with the reason why nothing is known of it, or ""."""
        return {} if self.search.is_argosys else self._files.withheld_by(self._reading)

    def judges(self, path: str) -> bool:
        """Return whether a file is judged: it is reached, or everything is."""
        return self.is_whole or path in self.files

    def is_readable(self, path: str) -> bool:
        """Return whether a file says by itself what is applied: not where only what cannot be run here would tell."""
        return path in self.applied or not (path in self.unbuilt or path in self.withheld)

    def applies(self, entry: Entry) -> bool:
        """Return whether a directory source takes a file that cannot be parsed for a manifest, as Argo CD does."""
        text = entry.parsed.text
        looks_so = all(each in text for each in ("apiVersion:", "kind:", "metadata:")) or entry.file.path.endswith(
            ".json"
        )
        return entry.file.path in self.applied and looks_so

    def why_not(self, entry: Entry) -> str:
        """Return why nothing leads to a file, as far as that can be told."""
        if entry.chart:
            reasons = (reason for folder, reason in self.possible.items() if folder.is_relative_to(entry.chart))
            return next(reasons, "no Application renders the chart")
        roles = {role for _, role in entry.documents}
        if Role.KUSTOMIZATION in roles:
            return "no Application builds the kustomization"
        if Role.KUSTOMIZE_INPUT in roles:
            return "no Application builds the kustomization that takes it in"
        return f"it says {directory.SKIPPED}" if directory.SKIPPED in entry.parsed.text else "no Application reads it"

    def below(self, document: Document) -> Sequence[ArgoApplication]:
        """Return the Applications that a document is, or makes."""
        return self.made.get(self.identify(document), ())


def may_be_read(unknown: Iterable[tuple[Document, str]], files: RepositoryFiles) -> dict[Path, str]:
    """Return the folders that ApplicationSets may read of which Applications are unknown here, each with the reason.

    They are found by what is known of the template's paths, and of the folders that Git generators in it look for.
    """
    found: dict[Path, str] = {}
    for document, reason in unknown:
        spec = mapping(field(document.data, "spec"))
        template = mapping(field(spec, "template", "spec"))
        written = (template.get("source"), *sequence(template.get("sources")))
        sources = [mapping(each) for each in (*written, field(template, "sourceHydrator", "drySource"))]
        folders = [*_looked_for(sequence(spec.get("generators")), files)]
        name = text(field(document.data, "metadata", "name"))
        for source in sources:
            url = text(source.get("repoURL"))
            for pattern in (
                _patterns(text(source.get("path")), folders) if "{{" in url or files.is_this_repository(url) else ()
            ):
                for folder in files.in_directories(pattern):
                    found.setdefault(files.root / folder, f"the ApplicationSet {name} may read it: {reason}")
    return found


def _looked_for(generators: Sequence[JSON], files: RepositoryFiles) -> Iterator[str]:
    """Yield the patterns of the folders that Git generators look for, those within other generators too."""
    for each in map(mapping, generators):
        git = mapping(each.get("git"))
        if files.is_this_repository(text(git.get("repoURL"))):
            wanted = [mapping(one) for one in sequence(git.get("directories")) if not mapping(one).get("exclude")]
            yield from (text(one.get("path")) for one in wanted)
            yield from (posixpath.dirname(text(mapping(one).get("path"))) for one in sequence(git.get("files")))
        for kind in ("matrix", "merge"):
            yield from _looked_for(sequence(mapping(each.get(kind)).get("generators")), files)


_LONGEST = 4096
"""How many characters a path may have."""
_PATH = re.compile(r"\{\{-?\s*\.?(\w+\.)?path(\.path)?\s*-?\}\}")
"""What stands for the folder that a Git generator found."""


def _patterns(path: str, folders: Sequence[str]) -> Iterator[str]:
    """Yield the patterns that a template's path stands for, of which something is known."""
    if len(path) > _LONGEST:
        return
    for folder in folders if _PATH.search(path) else ("*",):
        pattern = re.sub(r"\{\{.*?\}\}", "*", _PATH.sub(folder.replace("\\", ""), path)).strip("/")
        if pattern.strip("*/."):
            yield pattern


@dataclass(frozen=True)
class _Files:
    """The files that sources read."""

    inventory: Inventory
    view: View

    @cached_property
    def _paths(self) -> Mapping[Path, Sequence[str]]:
        """The paths of a file, by where it really is."""
        found: dict[Path, list[str]] = defaultdict(list)
        for entry in self.inventory.entries:
            found[entry.file.real].append(entry.file.path)
        return found

    @cached_property
    def _of_chart(self) -> Mapping[Path, Sequence[str]]:
        found: dict[Path, list[str]] = defaultdict(list)
        for entry in self.inventory.entries:
            if entry.chart:
                found[entry.chart].append(entry.file.path)
        return found

    @cached_property
    def _of_overlay(self) -> Mapping[Path, Sequence[Path]]:
        found: dict[Path, list[Path]] = defaultdict(list)
        for file, folders in self.inventory.inputs.items():
            for folder in folders:
                found[folder.resolve()].append(file)
        return found

    @cached_property
    def _everything(self) -> View:
        """A view in which each file is one document, whatever is in it."""
        return replace(self.view, documents=[each.whole for each in self.inventory.entries])

    def is_open_question(self, entry: Entry, possible: Container[Path]) -> bool:
        """Return whether a file may hold what is applied, although nothing is known to read it.

        It is a manifest in a folder that an ApplicationSet may read, or cannot be read here, or is a link for which
        Argo CD renders nothing of the repository.
        """
        if any(each.kind in {DefectKind.UNREADABLE, DefectKind.SYMLINK} for each in entry.parsed.defects):
            is_link = holds(entry.file.location.is_symlink)
            return not is_link or astray(entry.file.location, self.view.root) in ESCAPES
        folder = entry.file.location.parent
        is_alone = entry.chart is None and folder in possible and folder not in self.inventory.kustomizations
        return is_alone and any(role is Role.MANIFEST for _, role in entry.documents)

    def applied_by(self, source: Source) -> Iterator[str]:
        """Yield the files that a directory source takes for manifests."""
        if source.kind is Kind.DIRECTORY and source.folder:
            yield from (each.path for each in rendering.written_documents(source, self._everything))

    def built_by(self, source: Source) -> Iterator[str]:
        if source.kind is not Kind.KUSTOMIZE or source.folder is None:
            return
        folder, overrides = source.folder.resolve(), mapping(source.spec.get("kustomize"))
        files = self._of_overlay.get(folder, ())
        added = kustomize.named_by(folder, overrides) if overrides else ()
        if added or not files:
            files = [*kustomize.inputs(folder, self.view.root.resolve(), added)]
        yield from (path for file in files for path in self._paths.get(file, ()))

    def read_by(self, renders: Sequence[Render]) -> set[str]:
        """Return the files that renders read, other than directories of manifests."""
        found: set[str] = set()
        charts: set[Path] = set()
        for each in renders:
            source = each.source
            found.update(self.built_by(source))
            real = (*source.values, *(file.resolve() for _, file in source.file_parameters), *each.imported)
            found.update(path for file in real for path in self._paths.get(file, ()))
            if each.application is not None and source.folder is not None:
                names = (".argocd-source.yaml", f".argocd-source-{each.application.name}.yaml")
                found.update(f"{each.path}/{name}" if each.path != "." else name for name in names)
            if source.kind is Kind.HELM and source.folder is not None:
                charts.add(source.folder)
        for chart in rendering.with_dependencies(charts, self.inventory):
            outermost = next((each for each in (*reversed(chart.parents), chart) if each in self._of_chart), chart)
            found.update(self._of_chart.get(outermost, ()))
        return found | self.withheld_by(renders).keys()

    def withheld_by(self, renders: Sequence[Render]) -> Mapping[str, str]:
        """Return the files that only plugins read, each with the reason why nothing here does, or "" where one does."""
        folders = {
            f"{each.source.folder.relative_to(self.view.root).as_posix()}/": each.skipped
            for each in renders
            if each.source.kind is Kind.PLUGIN and each.source.folder
        }
        return {
            path: reason
            for folder, reason in folders.items()
            for path in self.inventory.files
            if path.startswith(folder) or folder == "./"
        }
