"""Where an Application's source leads in this repository, resolved as Argo CD resolves it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from argosy import plugins, remote
from argosy.argocd import build_environment
from argosy.argocd.build_environment import substituted
from argosy.argocd.view import ArgoApplication, View
from argosy.documents import Pointer
from argosy.documents.fields import mapping, text
from argosy.names import joined
from argosy.paths import OUTSIDE, astray, content, entries, holds, is_of_git, once
from argosy.plugins import Plugin
from argosy.remote import Pin

SUBMODULES = ".gitmodules"
"""The file that says which folders are other repositories."""
CHART = "Chart.yaml"
"""What makes a folder a chart: a file whose name ends so."""
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


class Kind(StrEnum):
    """What Argo CD makes manifests with."""

    HELM = "helm"
    KUSTOMIZE = "kustomize"
    DIRECTORY = "directory"
    JSONNET = "jsonnet"
    """The files of a directory source that are evaluated, as the source of a render of their own."""
    PLUGIN = "plugin"
    REMOTE = "remote"
    """A chart of a Helm repository, or another Git repository: nothing of it is here."""
    VALUES = "values"
    """A source that others refer to by `ref`, and that deploys nothing itself."""
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Miss:
    """A path that Argo CD would not find."""

    at: Pointer
    path: str
    reason: str


@dataclass(frozen=True)
class Source:
    """One source of an Application, as far as it lies in this repository."""

    kind: Kind
    at: Pointer
    spec: Mapping[str, Any]
    folder: Path | None = None
    value_files: tuple[Path, ...] = ()
    file_parameters: tuple[tuple[str, Path], ...] = ()
    """The parameters whose value is what a file holds: name and file."""
    misses: tuple[Miss, ...] = ()
    unread: tuple[str, ...] = ()
    """Why values files that lie elsewhere are not here."""
    reason: str = ""
    """Why nothing of it can be rendered here, for the kinds PLUGIN and REMOTE."""
    pin: Pin | None = None
    """What is elsewhere, for the kind REMOTE."""
    fetched: Path | None = None
    """The folder with all of that, where it was fetched."""
    others: tuple[Path, ...] = ()
    """The folders of what else was fetched, with files that it names."""
    plugin: Plugin | None = None
    """What renders it, for the kind PLUGIN, where the user allows it."""

    @cached_property
    def values(self) -> tuple[Path, ...]:
        """Where the values files really are, links followed."""
        return tuple(file.resolve() for file in self.value_files)

    @property
    def files(self) -> tuple[Path, ...]:
        """The values files and those of parameters."""
        return (*self.value_files, *(file for _, file in self.file_parameters))


class _Home(NamedTuple):
    """All of a View that decides where a source leads."""

    root: Path
    urls: frozenset[str]
    work_tree: Path | None
    remotes: frozenset[str]
    schemes: frozenset[str]
    """Of the URLs that values files may be fetched from."""
    is_configured: bool
    """Whether Argo CD's settings are in the repository."""
    is_named: bool = False
    """Whether the Application names this repository by a URL that is known: then another URL is another repository."""


class _Names(NamedTuple):
    """What the names in a source's paths stand for."""

    references: Mapping[str, Any]
    """The sources that have a `ref`, by it."""
    variables: Mapping[str, str]


def resolve(application: ArgoApplication, view: View) -> tuple[Source, ...]:
    """Return each source of an Application with the folder and the value files that it names."""
    told = view.settings
    home = _Home(view.root, view.urls, view.work_tree, view.remotes, told.value_schemes, bool(told.data))
    return _resolved(application, home)


@lru_cache(maxsize=8192)
def _resolved(application: ArgoApplication, home: _Home) -> tuple[Source, ...]:
    # One look at a repository has several Views: each knows more than the one before.
    references = {
        str(spec["ref"]): spec for _, spec in application.sources if isinstance(spec.get("ref"), str) and spec["ref"]
    }
    named = any(normalise(str(spec.get("repoURL", ""))) in home.urls for _, spec in application.sources)
    home = home._replace(is_named=named)
    several = "sources" in {pointer[1] for pointer, _ in application.sources if len(pointer) > 1}
    return tuple(
        _resolve_one(
            pointer, spec, _Names(references if several else {}, build_environment.of(application, spec)), home
        )
        for pointer, spec in application.sources
    )


@lru_cache(maxsize=1024)
def normalise(url: str) -> str:
    """Return what two spellings of one repository's URL share: `host/path`, in lower case, without `.git`."""
    bare = re.sub(r"^[a-z+]+://", "", url.strip().lower())
    bare = re.sub(r"^[^/@]*@", "", bare)
    bare = re.sub(r"^([^/:]+):(?:\d+/)?", r"\1/", bare)
    return bare.rstrip("/").removesuffix(".git")


def is_local(url: str) -> bool:
    """Return whether a URL is a path of this machine, as Git tells it: Argo CD reads nothing by that."""
    return url.startswith("file:") or not re.match(r"[^/]+:", url)


def is_here(url: str, view: View | _Home) -> bool:
    """Return whether a URL is this repository's, as far as that is known."""
    return not view.urls or normalise(url) in view.urls


def inside(root: Path, path: PurePosixPath) -> Path | None:
    """Return where a path of the repository lies, or None if `..` leads out of it."""
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {".", "/"}:
            parts.append(part)
    return root.joinpath(*parts)


def _resolve_one(at: Pointer, spec: Mapping[str, Any], names: _Names, home: _Home) -> Source:
    url, path = str(spec.get("repoURL", "")), spec.get("path")
    elsewhere, pin = _elsewhere(spec, url, home)
    if elsewhere:
        fetched = remote.folder(pin) if pin else None
        is_of_values = pin and spec.get("ref") and not path and not pin.chart
        kind = Kind.VALUES if is_of_values else Kind.REMOTE
        source = Source(kind, at, spec, reason=elsewhere, pin=pin, fetched=fetched)
        if is_of_values or not pin:
            return source if is_of_values else _with_files(source, home.root, names, home)
        within = inside(fetched, PurePosixPath(path)) if fetched and isinstance(path, str) and path else fetched
        reason = "" if fetched else f"{elsewhere}: {remote.trouble(pin)}"
        return _with_files(replace(source, reason=reason), within or home.root, names, home)
    if path is None and spec.get("ref"):
        return Source(Kind.VALUES, at, spec)
    folder, miss = _folder((*at, "path"), path, home.root)
    if folder is None:
        return Source(Kind.MISSING, at, spec, misses=(miss,) if miss else ())
    kind = kind_of(spec, folder)
    plugin, reason = plugin_for(spec, folder, home.work_tree, home.remotes)
    if plugin or reason:
        return Source(Kind.PLUGIN, at, spec, folder, reason=reason, plugin=plugin)
    source = Source(kind, at, spec, folder)
    return _with_files(source, folder, names, home) if kind is Kind.HELM else source


def _elsewhere(spec: Mapping[str, Any], url: str, home: _Home) -> tuple[str, Pin | None]:
    """Return why nothing of a source is in this repository, or nothing, and what could be fetched."""
    pin = remote.of_source(spec)
    if spec.get("chart"):
        chart = f"the chart {spec['chart']} {spec.get('targetRevision', '')} of {url}".replace("  ", " ")
        return f"{chart} is not in this repository", pin
    if url.startswith("oci://"):
        return f"{url} is an OCI artifact", pin
    if not is_here(url, home) and (home.is_named or _is_beside(url, home) or not _exists(home.root, spec.get("path"))):
        return f"{url} is another repository", pin
    name = _submodule(home.root, spec.get("path"))
    lies = "is a Git submodule, another repository, whose files are not here: git submodule update --init brings them"
    return (f"{name} {lies}" if name else ""), None


def _is_beside(url: str, home: _Home) -> bool:
    """Return whether a repository is called like this one and more: `gitops-secrets` is no mistake for `gitops`."""
    return any(normalise(url).startswith(f"{own}-") for own in home.urls)


def _submodule(root: Path, path: Any) -> str:
    """Return the path of the Git submodule in which a folder would be that is empty here; "" if it is in none."""
    folder = inside(root, PurePosixPath(path)) if isinstance(path, str) and path else None
    if folder is None or not holds((root / SUBMODULES).is_file) or (_exists(root, path) and entries(folder)):
        return ""
    try:
        listed = content(root / SUBMODULES, root).decode(errors="replace")
    except OSError:
        return ""
    paths = re.findall(r'^[ \t]*path[ \t]*=[ \t]*"?([^"\n]*)', listed, re.MULTILINE)
    return next((each for each in map(str.strip, paths) if each and folder.is_relative_to(root / each)), "")


def _exists(root: Path, path: Any) -> bool:
    found = inside(root, PurePosixPath(path)) if isinstance(path, str) and path else None
    return found is not None and found != root and holds(found.is_dir)


def plugin_for(
    spec: Mapping[str, Any], folder: Path, work_tree: Path | None, urls: frozenset[str]
) -> tuple[Plugin | None, str]:
    """Return the plugin that renders a source, the one named or else chosen by discovery, or why a known one may not.

    Argo CD asks plugins about each folder for which an Application names no tool, before Helm and Kustomize. The user
    allows each for some repositories, known by their URLs: for others, it is as if it were not there.
    """
    named = spec.get("plugin")
    if named is None and any(spec.get(kind.value) for kind in (Kind.HELM, Kind.KUSTOMIZE, Kind.DIRECTORY)):
        return None, ""
    known, name = plugins.allowed(work_tree) if work_tree else {}, text(mapping(named).get("name"))
    of_name = [known[name]] if name in known else []
    chosen = of_name if name else [each for _, each in sorted(known.items()) if each.is_for(folder)]
    lacking = {each.name: urls - {normalise(url) for url in each.repositories} for each in chosen}
    allowed = next((each for each in chosen if urls and not lacking[each.name]), None)
    if allowed or not isinstance(named, dict):
        return allowed, ""
    what = f"the plugin {name}" if name else "a plugin that Argo CD chooses by discovery"
    if not chosen:
        step = f"to have it run here, put its plugin.yaml into {plugins.folder()}, and name this repository there"
    elif urls:
        urls = lacking[chosen[0].name]
        step = f"to have it run here, add {joined(sorted(urls))} to argosy.repositories in {chosen[0].file}"
    else:
        step = f"it runs here once the repository has a remote, and {chosen[0].file} names that in argosy.repositories"
    return None, f"{what} makes its manifests: {step}"


def kind_of(spec: Mapping[str, Any], folder: Path) -> Kind:
    """Return what Argo CD makes a source's manifests with: what its settings are for, else what its folder tells.

    Settings that set nothing are dropped. Of the files that tell, the last one in the order of their names does.
    """
    for kind in (Kind.HELM, Kind.KUSTOMIZE, Kind.DIRECTORY):
        if any(mapping(spec.get(kind.value)).values()):
            return kind
    return once(("kind", folder), lambda: _kind_of_files(folder))


def _kind_of_files(folder: Path) -> Kind:
    told = [each for each in entries(folder) if each.name.endswith(CHART) or each.name in KUSTOMIZATIONS]
    last = next((each.name for each in reversed(told) if not holds(each.is_dir)), "")
    return Kind.HELM if last.endswith(CHART) else Kind.KUSTOMIZE if last else Kind.DIRECTORY


def _folder(at: Pointer, path: Any, root: Path) -> tuple[Path | None, Miss | None]:
    if not isinstance(path, str) or not path:
        return None, None
    if path.startswith("/"):
        return None, Miss(at, path, "it is absolute, and Argo CD takes a path relative to the repository's root")
    found = inside(root, PurePosixPath(path))
    if reason := OUTSIDE if found is None else astray(found, root):
        return None, Miss(at, path, reason)
    if found is None or not holds(found.is_dir):
        return None, Miss(at, path, "it is a file" if found and holds(found.exists) else "there is no such folder")
    return found, None


def _with_files(source: Source, folder: Path, names: _Names, home: _Home) -> Source:
    """Return a Helm source with the files that it names: a chart from elsewhere gets those by `$ref/…` from here."""
    helm = source.spec.get("helm")
    if not isinstance(helm, dict):
        return source
    files: list[Path] = []
    parameters: list[tuple[str, Path]] = []
    misses: list[Miss] = []
    unread: list[str] = []
    others: list[Path] = []
    for at, name, parameter in _named_files(helm, source.at):
        meant = substituted(name, names.variables)
        scheme = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*):", meant)
        if (
            scheme
            and parameter is None
            and _HELM_SECRETS.fullmatch(scheme[1].lower())
            and (scheme[1].lower() in home.schemes or not home.is_configured)
        ):
            unread.append(f"helm-secrets decrypts the values file {name} within Argo CD")
            continue
        if scheme and parameter is None and scheme[1].lower() not in home.schemes:
            misses.append(Miss(at, name, f"helm.valuesFileSchemes of argocd-cm does not permit “{scheme[1]}”"))
            continue
        if source.kind is Kind.REMOTE and not source.fetched and not (scheme or name.startswith("$")):
            continue
        place = (folder, source.fetched or home.root)
        found = _at_url(meant) if scheme else _files(name, place, names, home, is_glob=parameter is None)
        if parameter is None:
            files += found.files
        else:
            parameters += [(parameter, each) for each in found.files]
        if found.away:
            unread.append(f"{'the values file' if parameter is None else 'the file'} {name} is not here: {found.away}")
        if found.within:
            others.append(found.within)
        lenient = parameter is None and helm.get("ignoreMissingValueFiles")
        if found.reason and not (lenient and found.reason == _NOT_THERE):
            misses.append(Miss(at, name, found.reason))
    return replace(
        source,
        value_files=tuple(files),
        file_parameters=tuple(parameters),
        misses=tuple(misses),
        unread=tuple(unread),
        others=tuple(dict.fromkeys(others)),
    )


_HELM_SECRETS = re.compile(r"secrets(?:\+[a-z0-9-]+)?")
"""The schemes of helm-secrets, which people permit where Argo CD's settings often are: in another repository."""


def _named_files(helm: Mapping[str, Any], at: Pointer) -> Iterator[tuple[Pointer, str, str | None]]:
    """Yield each file that a Helm source names, with where it does, and the parameter that it is the value of."""
    files, parameters = helm.get("valueFiles"), helm.get("fileParameters")
    for index, name in enumerate(files if isinstance(files, list) else ()):
        if isinstance(name, str):
            yield (*at, "helm", "valueFiles", index), name, None
    for index, each in enumerate(parameters if isinstance(parameters, list) else ()):
        if isinstance(each, dict) and isinstance(each.get("path"), str):
            yield (*at, "helm", "fileParameters", index, "path"), each["path"], str(each.get("name", ""))


_NOT_THERE = "there is no such file"


class _Found(NamedTuple):
    """The files that a name means, or why there are none."""

    files: Sequence[Path] = ()
    reason: str = ""
    """What Argo CD would say."""
    away: str = ""
    """Why they are not here, where they lie elsewhere."""
    within: Path | None = None
    """The folder of what was fetched, which they lie in."""


def _at_url(url: str) -> _Found:
    """Return the file at a URL, which is fetched alone."""
    if not re.match("https?:", url, re.IGNORECASE):
        return _Found(away=f"only a plugin of Argo CD's Helm reads {url.partition(':')[0]}:")
    pin = Pin(url, "")
    fetched = remote.folder(pin)
    return _Found([fetched / pin.file], within=fetched) if fetched else _Found(away=remote.trouble(pin))


def _files(name: str, place: tuple[Path, Path], names: _Names, home: _Home, *, is_glob: bool) -> _Found:
    """Return the files that a source's name for them means.

    `place` is the source's folder, and the repository that it is in.
    """
    folder, root = place
    within, not_there = None, _NOT_THERE
    reference, _, rest = name.removeprefix("$").partition("/") if name.startswith("$") else ("", "", "")
    if reference in names.references:
        root, spec = home.root, names.references[reference]
        if not is_here(str(spec.get("repoURL", "")), home):
            pin = remote.of_source(spec)
            within = remote.folder(pin) if pin else None
            if within is None:
                return _Found(away=remote.trouble(pin) if pin else "its source says not where it is")
            root = within
        name = substituted(f"/{rest}", names.variables)
    else:
        name = substituted(name, names.variables)
        if reference and name == f"/{rest}":
            known = ", ".join(f"${each}" for each in names.references) or "none"
            not_there = f"no source has the ref “{reference}” (there is {known})"
    if name.startswith("/"):
        target = inside(root, PurePosixPath(name[1:]))
    else:
        target = inside(root, PurePosixPath(folder.relative_to(root).as_posix()) / name)
    if target is None:
        return _Found(reason=OUTSIDE)
    if is_glob and re.search(r"[*?\[]", target.relative_to(root).as_posix()):
        found = sorted({each for each in _glob(root, target) if holds(each.is_file) or astray(each, root)})
    else:
        found = [target]
    if reason := next(filter(None, (astray(each, root) for each in found)), ""):
        return _Found(reason=reason)
    found = [each for each in found if holds(each.is_file)]
    return _Found(found, "" if found else not_there, within=within)


def _glob(root: Path, pattern: Path) -> Iterator[Path]:
    """Yield what a pattern means, and in place of what is below them, folders that lead astray.

    Each folder is looked at once for each part of the pattern: pathlib takes every way through several `**`.
    """
    parts = pattern.relative_to(root).parts
    pending, seen = [(root, 0)], set[tuple[Path, int]]()
    while pending:
        this = pending.pop()
        place, index = this
        if this in seen:
            continue
        seen.add(this)
        if index == len(parts) or astray(place, root):
            yield place
        elif parts[index] == "**":
            pending.append((place, index + 1))
            inner = (each for each in entries(place) if not (is_of_git(each.name) or each.is_symlink()))
            pending += [(each, index) for each in inner if holds(each.is_dir)]
        elif re.search(r"[*?\[]", parts[index]):
            named = (each for each in entries(place) if fnmatchcase(each.name, parts[index]))
            pending += [(each, index + 1) for each in named if not is_of_git(each.name)]
        else:
            pending.append((place / parts[index], index + 1))
