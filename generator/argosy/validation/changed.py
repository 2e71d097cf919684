"""What a change since a commit can reach: files, builds, charts, and the Applications that read them or are theirs."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from argosy import git, kustomize
from argosy.argocd.deployments import Deployments
from argosy.argocd.inventory import Entry, Role
from argosy.argocd.reach import APPLICATIONS, declared_in, is_argocds
from argosy.argocd.rendering import Render
from argosy.argocd.sources import Kind
from argosy.argocd.urls import normal_url
from argosy.argocd.view import ArgoApplication, key
from argosy.documents import Document, File, parse
from argosy.documents.fields import JSON, field, group_and_kind, mapping, sequence, text
from argosy.errors import UsageError
from argosy.git import snapshot
from argosy.reporting.wording import number
from argosy.repository import layout
from argosy.validation.parts import Part, Reached, of_application, of_file, of_render

_EVERYWHERE = re.compile(
    r"CustomResourceDefinition|ValidatingAdmissionPolicy|argocd\.argoproj\.io/secret-type|buildOptions|globalProjects|valuesFileSchemes"
    r"|resource\.(?:exclusions|inclusions)"
)
"""What a text has by which all others may be judged: definitions, clusters, and Argo CD's settings, be it in values."""
_WORD = re.compile(r"[^\s\"'`,;=\[\](){}|<>&]+")


@dataclass(frozen=True, slots=True)
class Change:
    """What differs from a commit, in the work tree too."""

    since: str
    """What it is called."""
    commit: str
    paths: frozenset[str]
    """Relative to the root that is validated."""
    before: Mapping[str, str]
    """What each path held, where it was there."""


def since(root: Path, revision: str) -> Change:
    """Return what changed since the work tree's branch left a revision; raise UsageError where Git cannot tell."""
    root = root.resolve()
    top = git.top_level(root)
    if top is None:
        raise UsageError(f"{root} is no Git repository.", "Leave out --changed-since.")
    wanted = snapshot.resolve(root, revision)
    if not wanted:
        hint = "Fetch it, or name a commit, a branch or a tag: in a CI job, the clone may lack it."
        raise UsageError(f"There is no revision “{revision}”.", hint)
    base = git.run(root, "merge-base", wanted, "HEAD", accepted=(0, 1, 128)).strip()
    if not base:
        hint = "In a CI job, fetch the whole history: fetch-depth: 0, or GIT_DEPTH: 0."
        raise UsageError(f"This clone has no commit that {revision} and the work tree have in common.", hint)
    listed = git.run(root, "diff", "--name-only", "--no-renames", "--no-ext-diff", "-z", "--relative", base, "HEAD")
    paths = {each for each in listed.split("\0") if each}
    paths |= {path for path, letters in git.at(root).status.items() if letters != "!!" and not path.endswith("/")}
    prefix = root.relative_to(top.resolve()).as_posix()
    names = [f"{base}:{path}" if prefix == "." else f"{base}:{prefix}/{path}" for path in sorted(paths)]
    found = git.at(root).objects.read(names)
    before = {
        path: (each.content or b"").decode(errors="surrogateescape")
        for path, each in zip(sorted(paths), found, strict=True)
        if each and each.kind == "blob"
    }
    return Change(revision, base, frozenset(paths), before)


def reached(deployed: Deployments, change: Change) -> Part:
    """Return the part of a repository that a change can reach."""
    return _Search(deployed, change).run()


@dataclass
class _Search:
    deployed: Deployments
    change: Change

    def run(self) -> Reached:
        change, count = self.change, len(self.change.paths)
        told = f"What {number(count, 'changed file')} {'reaches' if count == 1 else 'reach'} since {change.since}"
        told = f"{told} ({change.commit[:10]})"
        if self._reaches_all():
            return Reached(None, False, f"{told}: everything.")
        applications, renders = self._applications_and_renders()
        if self._makes_all_possible(applications):
            return Reached(None, False, f"{told}: everything.")
        files = self.touched | self.deployed.reach.read_by(renders)
        owners = {*map(of_file, files), *map(of_render, renders)}
        for each in applications:
            owners.add(of_application(each))
            if not each.document.is_rendered:
                owners.add(of_file(each.document.path))
        owners |= {*self._outlined()}
        of = len({key(each) for each in self.deployed.view.applications})
        found = {key(each) for each in applications}
        count = len({key(each) for each in self.deployed.view.applications} & found)
        title = f"{told}: {count} of {number(of, 'Application')}."
        return Reached(frozenset(owners), not self._kinds & APPLICATIONS, title)

    def _outlined(self) -> Iterator[str]:
        """Yield the owners of ApplicationSets of which it is known in outline what they make, where it matters."""
        if self.gone or "AppProject" in self._kinds:
            render_of = {document: each for each in self.deployed.renders for document in each.documents}
            for each in self.deployed.outlines:
                render = render_of.get(each.document)
                yield of_render(render) if render and each.document.is_rendered else of_file(each.document.path)

    # Files

    @cached_property
    def _texts(self) -> Sequence[str]:
        """What the changed files held, and hold."""
        now = {each.file.path: each.parsed.text for each in self.deployed.inventory.entries}
        return [*self.change.before.values(), *(now[path] for path in self.change.paths if path in now)]

    @cached_property
    def _before(self) -> Sequence[Entry]:
        entries = []
        for path, content in self.change.before.items():
            if path.endswith((".yaml", ".yml", ".json")):
                parsed = parse(content, path)
                documents = [(each, Role.OTHER) for each in parsed.documents]
                entries.append(Entry(File(path, self.deployed.view.root / path), parsed, documents))
        return entries

    @cached_property
    def _kinds(self) -> frozenset[str]:
        """Argo CD's own kinds that changed files declare, or declared."""
        now = self.deployed.reach.search.by_path
        return frozenset().union(*map(declared_in, self._before), *(now.get(path, ()) for path in self.change.paths))

    @cached_property
    def gone(self) -> frozenset[str]:
        """The files that are not there any more."""
        return frozenset(path for path in self.change.paths if not (self.deployed.view.root / path).is_file())

    @cached_property
    def changed(self) -> frozenset[str]:
        """The files that changed, and the links that lead to them."""
        root = self.deployed.view.root
        real = {(root / path).resolve() for path in self.change.paths - self.gone}
        entries = (each.file for each in self.deployed.inventory.entries if each.documents)
        return self.change.paths.union(each.path for each in entries if each.real in real)

    @cached_property
    def touched(self) -> frozenset[str]:
        """The files that are judged since they changed, or since another one takes them in, or no longer does."""
        inventory, places = self.deployed.inventory, self._places
        charts = {chart for chart in inventory.outermost_charts for path in self.change.paths if self._in(path, chart)}
        return self.changed.union(
            entry.file.path
            for entry in inventory.entries
            if entry.chart in charts or not places.isdisjoint((entry.file.path, *_above(entry.file.path)))
        )

    def _in(self, path: str, folder: Path) -> bool:
        return (self.deployed.view.root / path).is_relative_to(folder)

    def _taken_in_before(self) -> Iterator[str]:
        """Yield the files and folders that kustomizations named before: they may be judged alone from now on."""
        for path, content in self.change.before.items():
            if posixpath.basename(path) in kustomize.NAMES:
                folder = posixpath.dirname(path)
                named = {posixpath.normpath(posixpath.join(folder, word)) for word in _WORD.findall(content)}
                pending = [each for each in named if each != "." and not each.startswith("..")]
                yield from pending
                root = self.deployed.view.root
                below = {root / each for each in pending}
                for file, folders in self.deployed.inventory.inputs.items():
                    if file.is_relative_to(root) and not below.isdisjoint(folders):
                        yield file.relative_to(root).as_posix()

    def _reaches_all(self) -> bool:
        """Return whether all others may be judged by one of the changed files."""
        deployed, root = self.deployed, self.deployed.view.root
        named = {each.path for each in deployed.configured.declared.all}
        named |= {path for each in deployed.configured.variants.values() for values in each.values() for path in values}
        schemas = [each.partition("{{")[0].rstrip("/") for each in deployed.configured.schema_locations]
        schemas += deployed.configured.policies.paths
        is_argosys, is_linked = deployed.reach.search.is_argosys, bool(self.gone) and self._has_links
        return (
            is_linked
            or "ConfigMap" in self._kinds
            or any(map(_EVERYWHERE.search, self._texts))
            or (bool(self._kinds & APPLICATIONS) and not deployed.reach.search.is_for_argocd)
            or any(
                path in _GENERAL
                or path in named
                or (is_argosys and (layout.is_settings(path) or layout.is_catalogue(path)))
                or any(path.startswith(each) for each in schemas)
                or (root / path).is_symlink()
                for path in self.change.paths
            )
        )

    @property
    def _has_links(self) -> bool:
        root = self.deployed.view.root
        entries = (each for each in self.deployed.inventory.entries if each.documents)
        return any(each.file.real != root / each.file.path for each in entries)

    # Applications

    def _applications_and_renders(self) -> tuple[Sequence[ArgoApplication], Sequence[Render]]:
        """Return what is reached: by its file, by what it reads, by what makes it, by its project."""
        deployed, reach = self.deployed, self.deployed.reach
        of_render: dict[str, list[Render]] = {}
        alone = []
        for each in deployed.renders:
            if each.application:
                of_render.setdefault(key(each.application), []).append(each)
            else:
                alone.append(each)
        renders = [each for each in alone if self._is_read(each) or self._is_left_over(each)]
        sets = self._sets()
        first = [
            each
            for each in deployed.view.applications
            if each.document.path in self.touched
            or reach.identify(each.document) in sets
            or any(map(self._is_read, of_render.get(key(each), ())))
        ]
        found: dict[int, ArgoApplication] = {}
        pending = [*first, *self._made_by(renders)]
        projects = self._projects(self._before_and_now())
        while True:
            while pending:
                application = pending.pop()
                if id(application) not in found:
                    found[id(application)] = application
                    made = of_render.get(key(application), [])
                    renders += made
                    pending += self._made_by(made)
                    projects |= self._projects(document for each in made for document in each.documents)
            rest = (each for each in deployed.view.applications if id(each) not in found)
            pending = [each for each in rest if each.spec.get("project") in projects]
            pending += self._left_alone(found)
            if not pending:
                return [*found.values()], [*dict.fromkeys(renders)]

    def _before_and_now(self) -> Iterator[Document]:
        entries = (each for each in self.deployed.inventory.entries if each.file.path in self.change.paths)
        for entry in (*self._before, *entries):
            yield from (document for document, _ in entry.documents)

    def _projects(self, documents: Iterable[Document]) -> set[str]:
        """Return the names of the AppProjects among documents."""
        found = (each for each in documents if group_and_kind(each.data) == ("argoproj.io", "AppProject"))
        return {text(field(each.data, "metadata", "name")) for each in found}

    def _made_by(self, renders: Iterable[Render]) -> list[ArgoApplication]:
        reach = self.deployed.reach
        declared = (document for each in renders for document in each.documents if is_argocds(document))
        return [each for document in declared for each in reach.made.get(reach.identify(document), ())]

    def _left_alone(self, found: Collection[int]) -> Iterator[ArgoApplication]:
        """Yield Applications that may have been the only ones to read their repository, before others came."""
        rest = [each for each in self.deployed.view.applications if id(each) not in found]
        readers = Counter(url for each in rest for url in _urls(each))
        yield from (each for each in rest if found and any(readers[url] == 1 for url in _urls(each)))

    def _is_left_over(self, render: Render) -> bool:
        """Return whether a chart or overlay may be judged by itself because what took it in no longer does."""
        folder = render.source.folder
        place = folder.relative_to(self.deployed.view.root).as_posix() if folder else render.path
        if self._kinds & APPLICATIONS and any(
            "ApplicationSet" in held or place in held for held in self.change.before.values()
        ):
            return True
        return not self._places.isdisjoint((place, *_above(place)))

    @cached_property
    def _places(self) -> frozenset[str]:
        return frozenset(self._taken_in_before())

    def _is_read(self, render: Render) -> bool:
        """Return whether a render reads, read or would have read what changed."""
        source, root = render.source, self.deployed.view.root
        if self.gone and (source.misses or source.kind is Kind.MISSING or render.faults or render.skipped):
            return True
        folder = source.folder.relative_to(root).as_posix() if source.folder else None
        if folder is not None and folder in self._above:
            return True
        helm = mapping(source.spec.get("helm"))
        parameters = (field(each, "path") for each in sequence(helm.get("fileParameters")))
        names = map(text, (*sequence(helm.get("valueFiles")), *parameters))
        if any(self._is_named(name, folder or "") for name in names):
            return True
        return not self.changed.isdisjoint(self.deployed.reach.read_by([render]))

    @cached_property
    def _above(self) -> frozenset[str]:
        return frozenset(each for path in self.change.paths for each in _above(path))

    def _is_named(self, name: str, folder: str) -> bool:
        """Return whether a source's name for a file means one that changed, be it gone."""
        path = name.partition("/")[2] if name.startswith("$") else name if name.startswith("/") else f"{folder}/{name}"
        meant = posixpath.normpath(path.lstrip("/"))
        if not re.search(r"[*?\[]", meant):
            return meant in self.change.paths
        return any(fnmatch.fnmatchcase(each, meant.replace("**/", "*")) for each in self.change.paths)

    def _sets(self) -> frozenset[Hashable]:
        """Return the ApplicationSets whose generators read what changed, by what they are known by."""
        reach = self.deployed.reach
        documents = {
            reach.identify(each.document): each.document for each in self.deployed.view.applications if each.prefix
        }
        return frozenset(
            this
            for this, each in documents.items()
            if any(map(self._generates, _generators(field(each.data, "spec", "generators"))))
        )

    def _generates(self, generator: Mapping[str, JSON]) -> bool:
        for each in map(mapping, sequence(generator.get("files"))):
            pattern = text(each.get("path")).strip("/")
            if "{{" in pattern or any(
                fnmatch.fnmatchcase(path, pattern) or path.startswith(f"{pattern}/") or path == pattern
                for path in self.change.paths
            ):
                return True
        for each in map(mapping, sequence(generator.get("directories"))):
            pattern = text(each.get("path")).strip("/")
            if "{{" in pattern or any(fnmatch.fnmatchcase(folder, pattern) for folder in self._new_or_gone):
                return True
        return False

    @cached_property
    def _new_or_gone(self) -> frozenset[str]:
        """The folders in which nothing was, or nothing is."""
        old = {
            each
            for each in self.deployed.inventory.files
            if each not in self.change.paths or each in self.change.before
        }
        old_folders = {str(each) for path in old for each in PurePosixPath(path).parents}
        now = {str(each) for path in self.deployed.inventory.files for each in PurePosixPath(path).parents}
        return frozenset(each for each in self._above if each not in old_folders or each not in now)

    def _makes_all_possible(self, applications: Sequence[ArgoApplication]) -> bool:
        """Return whether, by what is reached, it is unknown what else is applied: then anything may be."""
        reach = self.deployed.reach
        if not reach.possible:
            return False
        names = {key(each) for each in applications}
        if any(each.path in self.touched for each, _ in self.deployed.unknown):
            return True
        is_reached = (each for each in self.deployed.renders if each.application and key(each.application) in names)
        return any(each.skipped or each.faults for each in is_reached)


_GENERAL = frozenset({layout.CONFIGURATION, layout.ANSWERS, layout.CLUSTERS, ".gitmodules", ".gitignore"})
"""Files that all others are judged by."""


def _urls(application: ArgoApplication) -> frozenset[str]:
    return frozenset(normal_url(str(each.get("repoURL") or "")) for _, each in application.sources)


def _above(path: str) -> Iterator[str]:
    return map(str, PurePosixPath(path).parents)


def _generators(generators: JSON) -> Iterator[Mapping[str, JSON]]:
    """Yield the Git generators among generators, those within others too."""
    for each in map(mapping, sequence(generators)):
        yield mapping(each.get("git"))
        for kind in ("matrix", "merge"):
            yield from _generators(mapping(each.get(kind)).get("generators"))
