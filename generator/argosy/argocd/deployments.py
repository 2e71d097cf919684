"""The Applications of a repository and what they render to: written, made by ApplicationSets, or rendered in turn."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from argosy import git, helm, kustomize, programs, remote
from argosy.argocd import clusters, elsewhere, installed, reach, rendering, settings, versions
from argosy.argocd.applicationsets import MOST, Flaw, RepositoryFiles, expand, is_second
from argosy.argocd.capabilities import Capabilities, installed_kinds
from argosy.argocd.configuration import Configuration
from argosy.argocd.elsewhere import Read
from argosy.argocd.engines import Engines
from argosy.argocd.inventory import Inventory, Role, everything, take
from argosy.argocd.matching import namespace_of
from argosy.argocd.reach import Declaring, Reach
from argosy.argocd.rendering import Progress, Render, silent
from argosy.argocd.sources import Kind, Source, is_here
from argosy.argocd.variants import Variants
from argosy.argocd.view import ArgoApplication, Dropped, View, key, named
from argosy.documents import Document, fields, is_manifest
from argosy.documents.defects import NOT_JUDGED
from argosy.documents.fields import JSON, mapping, sequence, text
from argosy.findings import Problem
from argosy.git import branches
from argosy.git.snapshot import Snapshot
from argosy.helm import Fault, Helm
from argosy.paths import entries, holds, unchanged
from argosy.repository import layout
from argosy.schemas.store import without_nulls

ARGO = "argoproj.io/"
DEEPEST = 8
"""How many Applications may render each other in turn, before nothing more is looked for."""


@dataclass(frozen=True, slots=True)
class Deployments:
    """What the repository would deploy."""

    view: View
    """The repository, with its Applications, AppProjects and renders."""
    renders: Sequence[Render]
    problems: Sequence[tuple[Flaw, Problem, Document]]
    """What is wrong with ApplicationSets."""
    unknown: Sequence[tuple[Document, str]]
    """ApplicationSets of which some Applications are unknown here, and why."""
    outlines: Sequence[ArgoApplication]
    """What is known of those Applications."""
    inventory: Inventory
    """The files that all this was read from."""
    configured: Configuration
    helm: Helm
    """What rendered the charts."""
    reach: Reach
    """What leads to what."""


def find(
    root: Path,
    configured: Configuration,
    wanted: Callable[[str], bool] = everything,
    progress: Progress = silent,
    *,
    every_example: bool = True,
    is_whole: bool = False,
) -> Deployments:
    """Read a state of a repository from a folder, find its Applications and render them, and those that come out of it.

    Only files that are wanted are looked at. What is made for pull requests is made for one example of them, or for
    every one that there is. Overlays and charts that no
    Application leads to are rendered where the repository is whole: one of argosy's, without an Application, or asked
    for as such.
    """
    remote.follow(configured.lock)
    with unchanged():
        with progress("Reading", 1) as advance:
            inventory = take(root, wanted)
            advance()
        return _Search(inventory, configured, progress, every_example, is_whole).run()


@dataclass
class _Search:
    inventory: Inventory
    configured: Configuration
    progress: Progress
    every_example: bool
    is_whole: bool
    applications: list[ArgoApplication] = field(default_factory=list)
    projects: dict[str, Document] = field(default_factory=dict)
    namesakes: dict[str, list[Document]] = field(default_factory=dict)
    renders: list[Render] = field(default_factory=list)
    problems: list[tuple[Flaw, Problem, Document]] = field(default_factory=list)
    unknown: list[tuple[Document, str]] = field(default_factory=list)
    outlines: list[ArgoApplication] = field(default_factory=list)
    unlisted: list[Document] = field(default_factory=list)
    """ApplicationSets whose Applications stand for others."""
    generating: set[str] = field(default_factory=set)
    """The files that ApplicationSets are made from."""

    def run(self) -> Deployments:
        root, written = self.inventory.root, _settings(self.inventory)
        installs = installed.find(self.inventory)
        argocd = installed.of(installs)
        programs.distrust(root, *filter(None, (self.configured.root, self.configured.work_tree)))
        chosen = Engines(versions.version(argocd))
        self.helm = helm.of(lambda: chosen.helm)
        self.view = View(
            root=root,
            documents=self.inventory.manifests,
            urls=self.configured.urls,
            work_tree=self.configured.work_tree,
            remotes=self.configured.remotes,
            least_privilege=self.configured.least_privilege,
            policies=self.configured.policies.all,
            revisions=self.configured.revisions,
            has_every_branch=self.configured.has_every_branch,
            overlaid=frozenset(
                path.relative_to(root).as_posix() for path in self.inventory.inputs if path.is_relative_to(root)
            ),
            environments=written[layout.ENVIRONMENTS],
            clusters=clusters.of(self.inventory.manifests, _listing(self.inventory), self.configured.declared.clusters),
            teams=written[layout.TEAMS] if self.configured.by_team else None,
            application_settings=written[layout.APPLICATIONS],
            quotas=self.configured.quotas,
            wanted=self.inventory.wanted,
            installs=installs,
            argocd=argocd,
            engines=chosen,
        )
        known = Capabilities(self.configured.kubernetes_versions, self.view.clusters)
        self.view = replace(self.view, settings=settings.of(self.inventory, self.view), capabilities=known)
        self.files = RepositoryFiles(
            root,
            self.inventory.files,
            lambda url: is_here(url, self.view),
            self.view.clusters,
            lambda: self.inventory.folders,
            self.configured.declared,
        )
        self.generating |= {each.path for each in self.configured.declared.all if each.path}
        self.generating |= {each.document.path for each in self.configured.policies.all}
        self.written = {_identity(each.data): each for each in self.view.documents if _is_argo(each)}
        self.seen: set[int | str] = set()
        self.declaring = Declaring(
            self.inventory, self.configured.roots, Variants(self.inventory, self.configured.variants)
        )
        # What a kustomization takes in, the cluster gets as the overlays make it, with their patches.
        self._follow([each for each in self.view.documents if each.path not in self.view.overlaid])
        self.possible = reach.may_be_read(self.unknown, self.files)
        if not self._is_whole and (reason := self._may_lead_on()):
            anywhere = dict.fromkeys((each.file.location.parent for each in self.inventory.entries), reason)
            self.possible = {**anywhere, **self.possible}
        self._follow(self._render_the_rest())
        self._settle()
        self._follow(self._unbuilt())
        reached = Reach(
            search=self.declaring,
            view=self.view,
            applications=[*self.applications, *self.outlines],
            renders=self.renders,
            identify=self._known_by,
            followed=[each for each in self.view.documents if id(each) in self.seen],
            generating=self.generating,
            possible=self.possible,
            is_whole=self._is_whole,
        )
        view = replace(
            self.view,
            applications=self.applications,
            places=reached.places,
            projects=self.projects,
            namesakes=self.namesakes,
            rendered=_by_application(self.renders),
            lacking=self._lacking(),
            dropped=self._dropped,
            patches=self._patches(reached.unbuilt),
            partial=self._partial(reached),
            unlisted=[
                *(document for flaw, _, document in self.problems if flaw is not Flaw.EMPTY),
                *(document for document, _ in self.unknown),
                *self.unlisted,
            ],
        )
        return Deployments(
            view,
            self.renders,
            self.problems,
            self.unknown,
            self.outlines,
            self.inventory,
            self.configured,
            self.helm,
            reached,
        )

    def _follow(self, documents: Sequence[Document]) -> None:
        """Render the Applications among the documents, and those among what they render to."""
        for _ in range(DEEPEST):
            known = len(self.outlines)
            found = list(islice(self._made_by(documents), MOST - len(self.applications) + 1))
            outlines = self.outlines[known:]
            if not (found or outlines) or len(self.applications) == MOST:
                return
            if len(self.applications) + len(found) > MOST:
                last = found.pop()
                fault = Fault(f"There are more than {MOST:,} Applications: this one and those after it are left out.")
                missing = Source(Kind.MISSING, (), {})
                self.renders.append(Render(missing, last.document.path, faults=(fault,), application=last))
            self.applications += found
            renders = rendering.of_applications(found, self.view, self.helm, self.progress)
            renders += rendering.of_outlines(outlines, self.view, self.helm, self.progress)
            self.renders += renders
            documents = self._rendered(renders)

    def _render_the_rest(self) -> Sequence[Document]:
        search = self.declaring
        renders = rendering.of_the_rest(
            self.renders,
            self.inventory,
            self.view,
            self.helm,
            self.progress,
            wanted=lambda folder: self._is_whole or search.is_root(folder) or self._may_be_built(folder),
            variants=search.variants,
        )
        self.renders += renders
        return self._rendered(renders)

    @property
    def _is_whole(self) -> bool:
        search = self.declaring
        return self.is_whole or search.is_argosys or not search.is_for_argocd

    def _may_lead_on(self) -> str:
        """Return why Applications may come out of what is unknown here, for Argo CD's own namespace; or nothing."""
        for each in self.renders:
            application, source = each.application, each.source
            if application is None or source.folder is None or source.kind is Kind.MISSING:
                continue
            own = text(application.metadata.get("namespace")) or "argocd"
            if namespace_of(application) == own and (each.skipped or each.faults):
                return f"what the Application {application.name} leads to is not known here"
        return ""

    def _may_be_built(self, folder: Path) -> bool:
        """Return whether an ApplicationSet may build an overlay; of a chart, what values it would give is unknown."""
        return folder in self.possible and folder not in self.inventory.charts

    def _settle(self) -> None:
        """Take the settings and API versions that are rendered too, and render anew what they change, to the end."""
        written = self.view.settings
        for _ in range(DEEPEST):
            before = self.view
            made = (each for render in self.renders if not render.written for each in render.documents)
            self.view = replace(before, settings=written.with_config_maps(made), capabilities=self._capabilities())
            anew = rendering.anew(self.renders, self.inventory, self.view, self.helm, self.progress, before=before)
            if not anew:
                return
            self.renders = [anew.get(place, each) for place, each in enumerate(self.renders)]
            self._follow(self._rendered([*anew.values()]))

    def _capabilities(self) -> Capabilities:
        """Return what is known of the clusters' API versions, if anything asks."""
        known = self.view.capabilities
        if not any(each.asks for each in self.renders):
            return known
        return known.with_kinds(installed_kinds(self.renders, self.inventory, self.view.overlaid, known.clusters))

    def _unbuilt(self) -> Sequence[Document]:
        """Return the documents that kustomizations take in, but no build gave."""
        built = {render.source.folder for render in self.renders if render.documents and not render.written}
        return [
            each
            for each in self.view.documents
            if each.path in self.view.overlaid
            and not any(folder in built for folder in self.inventory.inputs.get(self.view.root / each.path, ()))
        ]

    def _lacking(self) -> dict[str, list[tuple[Read, str]]]:
        """Return what written Applications read on other branches that do not have it so, by the Applications' keys.

        Argo CD reads them from the default branch: what is written of them on an environment's own counts for nothing.
        """
        place, view = self.configured.root, self.view
        if place is None:
            return {}
        default = self.configured.branch or git.branch(place)

        def is_other(revision: str) -> bool:
            return revision != default and revision in view.revisions

        def revisions_of(application: ArgoApplication) -> Iterator[str]:
            return (elsewhere.revision_of(spec) for _, spec in application.sources)

        found = [
            each
            for application in self.applications
            if not application.prefix and any(map(is_other, revisions_of(application)))
            for each in elsewhere.reads(
                key(application),
                application.sources,
                lambda url: is_here(url, view),
                lambda folder: {each.name for each in entries(view.root / folder) if holds(each.is_file)},
            )
            if is_other(each.revision)
        ]
        lacking: dict[str, list[tuple[Read, str]]] = {}
        if found and not elsewhere.is_on(place, self._own(default), default):
            known = elsewhere.Branches.of(place, {each.revision for each in found})
            for each, path in known.lacking(found):
                lacking.setdefault(each.application, []).append((each, path))
        return lacking

    def _dropped(self) -> list[Dropped]:
        """Return what Applications on the default branch read here and is not so, on an environment's own branch."""
        place, view = self.configured.root, self.view
        default = self.configured.branch
        own = self._own(default)
        if place is None or not default or not own or not git.at(place).head:
            return []
        here = elsewhere.branch_of(place, own, default)
        tip = branches.newest(place, default) if here in own else None
        if tip is None:
            return []
        read = elsewhere.read_by(Snapshot(place, tip.commit), here, lambda url: is_here(url, view))
        wrong = ((each, elsewhere.wrong_where(each, lambda path: holds((view.root / path).exists))) for each in read)
        return [Dropped(each.application, path, here, default, path in each.wanted) for each, path in wrong if path]

    def _own(self, default: str) -> set[str]:
        """Return the revisions of the environments that follow one of their own."""
        settings = [each.data for each in self.view.environments.values()]
        return {str(each.get("revision")) for each in settings if isinstance(each, dict)} - {default, "HEAD"}

    def _patches(self, unbuilt: Set[str]) -> Sequence[Document]:
        """Return the patches that are manifests, and that no build has read, since a base lies elsewhere.

        So is what else only such builds take in, where it is not judged alone. Where a kustomization says what a patch
        is for, the patch's own kind may be anything.
        """
        targets = self._targets()
        offline = {render.source.folder for render in self.renders if render.skipped}
        built = {render.source.folder for render in self.renders if not render.skipped}
        return [
            document
            for entry in self.inventory.entries
            for document, role in entry.documents
            if role is Role.KUSTOMIZE_INPUT or (role is Role.MANIFEST and document.path in unbuilt)
            if is_manifest(document.data) and document.data["apiVersion"] != kustomize.BUILT_IN
            for folders in [set(self.inventory.inputs.get(entry.file.real, ()))]
            if folders & offline and not folders & built
            if targets.get(entry.file.real, frozenset({"", document.data["kind"]})) & {"", document.data["kind"]}
        ]

    def _targets(self) -> Mapping[Path, Set[str]]:
        """Return the kinds that patches are for, by the files of the patches; "" where the patch itself says it."""
        found: dict[Path, set[str]] = defaultdict(set)
        for entry in self.inventory.entries:
            for document, role in entry.documents:
                listed = sequence(fields.field(document.data, "patches")) if role is Role.KUSTOMIZATION else ()
                for patch in map(mapping, listed):
                    if path := text(patch.get("path")):
                        kind = text(mapping(patch.get("target")).get("kind"))
                        found[(entry.file.location.parent / path).resolve()].add(kind)
        return found

    def _partial(self, reached: Reach) -> frozenset[str]:
        """Return the Applications of which some manifests are unknown, by key."""
        unreadable = replace(
            self.view,
            documents=[
                entry.whole
                for entry in self.inventory.entries
                if any(each.document is None and each.kind not in NOT_JUDGED for each in entry.parsed.defects)
                or (not entry.documents and entry.parsed.defects and reached.applies(entry))
            ],
        )
        return frozenset(
            key(each.application)
            for each in self.renders
            if each.application
            and (
                each.skipped
                or each.faults
                or each.defects
                or each.source.misses
                or (each.source.kind is Kind.DIRECTORY and any(rendering.written_documents(each.source, unreadable)))
            )
        )

    def _known_by(self, document: Document) -> Hashable:
        """Return what tells one of Argo CD's own kinds from another, whether it is found in its file or in a render."""
        known = self.written.get(_identity(document.data)) if document.is_rendered else document
        return (known.path, known.index, known.prefix) if known else _identity(document.data)

    def _rendered(self, renders: Sequence[Render]) -> Sequence[Document]:
        """Return Argo CD's own kinds of what was rendered; those that a file has as they are, as the file has them."""
        made = [each for render in renders if not render.written for each in render.documents if _is_argo(each)]
        return [self.written.get(_identity(each.data), each) for each in made]

    def _made_by(self, documents: Sequence[Document]) -> Iterator[ArgoApplication]:
        for document in documents:
            # An Application that renders itself comes again and again; one that is written twice is two.
            this = _identity(document.data) if document.is_rendered else id(document)
            if not _is_argo(document) or this in self.seen:
                continue
            self.seen.add(this)
            kind = document.data["kind"]
            if kind == "AppProject":
                self.projects[_name(document)] = document
                self.namesakes.setdefault(_name(document), []).append(document)
            elif kind == "Application":
                yield written_application(document)
            elif kind == "ApplicationSet":
                expansion = expand(document, self.files, self.helm)
                self.generating |= expansion.files
                self.problems += [(flaw, problem, document) for flaw, problem in expansion.problems]
                self.outlines += map(named, islice(expansion.outlines, MOST - len(self.outlines)))
                if expansion.skipped:
                    self.unknown.append((document, expansion.skipped))
                if expansion.stands_for_others:
                    self.unlisted.append(document)
                wanted = (each for each in expansion.applications if self.every_example or not is_second(each))
                yield from map(named, wanted)


def written_application(document: Document) -> ArgoApplication:
    """Return the Application that a manifest is, nulls dropped as an API server drops them."""
    return named(ArgoApplication(without_nulls(document.data), document))


def _is_argo(document: Document) -> bool:
    return is_manifest(document.data) and document.data["apiVersion"].startswith(ARGO)


def _identity(data: JSON) -> str:
    """Return what two manifests share that are the same to the API server, whatever the order of their fields."""
    return json.dumps(without_nulls(data), sort_keys=True, default=str)


def _name(document: Document) -> str:
    metadata = document.data.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""


def _by_application(renders: Sequence[Render]) -> dict[str, Sequence[Document]]:
    made: dict[str, list[Document]] = {}
    for render in renders:
        if render.application is not None:
            made.setdefault(key(render.application), []).extend(render.documents)
    return dict(made)


def _listing(inventory: Inventory) -> Document | None:
    """Return the document of clusters.yaml."""
    return next(filter(clusters.is_listing, inventory.at(inventory.root / layout.CLUSTERS)), None)


def _settings(inventory: Inventory) -> Mapping[str, Mapping[str, Document]]:
    """Return the settings of environments, applications and teams: by the folder that these are in, and their names."""
    found: dict[str, dict[str, Document]] = {layout.ENVIRONMENTS: {}, layout.APPLICATIONS: {}, layout.TEAMS: {}}
    for entry in inventory.entries:
        if layout.is_settings(entry.file.path) and entry.file.path != layout.CLUSTERS:
            folder, name, _ = entry.file.path.split("/")
            for document, _ in entry.documents[:1]:
                found[folder][name] = document
    return found
