"""Rules of what lies in a source's folder, and is not deployed although an Application reads that folder."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from argosy.argocd import directory
from argosy.argocd.inventory import everything
from argosy.argocd.matching import glob_error, glob_matches
from argosy.argocd.reach import is_argocds
from argosy.argocd.sources import CHART, KUSTOMIZATIONS, Kind, Source, resolve
from argosy.argocd.view import ArgoApplication, View, key
from argosy.documents import is_manifest, is_read
from argosy.documents.fields import field, group_and_kind, mapping, text
from argosy.findings import Problem, Severity
from argosy.names import joined
from argosy.paths import astray, content, entries, holds
from argosy.repository import layout
from argosy.rules.examples import APPLICATION, CONFIG_MAP, DEPLOYED, DESTINATION, GREETING, SOURCE
from argosy.rules.registry import Scope, rule

_INCLUDING = DEPLOYED.replace("path: apps/my-app}", "path: apps/my-app, directory: {include: %s}}")


@rule(
    "directory-glob-invalid",
    Severity.ERROR,
    Scope.APPLICATION,
    "A directory source's `include` or `exclude` is not a valid glob.",
    explanation="Argo CD only logs it, and goes on as if nothing matched: `exclude` leaves nothing out, and `include` "
    "takes nothing in, so that the Application is Synced and Healthy without a resource. A class in square brackets is "
    "one range, as in `[a-z]`, or characters, as in `[abc]`, and never both.",
    bad=_INCLUDING % "'[a-zA-Z]*.yaml'",
    good=_INCLUDING % "'[a-z]*.yaml'",
)
def directory_glob_invalid(application: ArgoApplication, _view: View) -> Iterator[Problem]:
    """Find globs of directory sources that Argo CD's library does not compile."""
    for at, source in application.sources:
        for name in ("include", "exclude"):
            glob = text(field(source, "directory", name))
            if why := glob_error(glob):
                effect = "leaves nothing out" if name == "exclude" else "takes nothing in"
                yield Problem(
                    f"The {name} “{glob}” is not a valid glob, so it {effect}: {why}.",
                    application.at(*at, "directory", name),
                    "Several classes or names are written as alternatives: {[a-z]*,[A-Z]*}.",
                    cause=glob,
                )


class _Left(NamedTuple):
    """A file that an Application does not deploy, although it lies where the Application looks."""

    name: str
    """Relative to the source's folder."""
    why: str
    hint: str
    field: tuple[str, ...] = ("path",)
    """What of the source leaves it out."""
    is_meant: bool = False
    """Whether somebody has said so, rather than overlooked it."""


@rule(
    "renders-nothing",
    Severity.WARNING,
    Scope.APPLICATION,
    "An Application renders no manifest.",
    explanation="Argo CD shows it as synced and healthy, although nothing runs. If it deployed something before, that "
    "is to be pruned, which Argo CD refuses unless `allowEmpty` is set. Usually the path is not the one that is meant, "
    "`include` or `exclude` leave everything out, the manifests are in a subfolder without `recurse`, or a stray "
    "`Chart.yaml` or `kustomization.yaml` makes the folder something else than a folder of manifests. A chart whose "
    "values switch off all that it has is left alone, and so is a folder that is kept empty with a `.gitkeep`.",
    bad=DEPLOYED.replace("path: apps/my-app}", "path: apps}"),
    good=DEPLOYED,
)
def renders_nothing(application: ArgoApplication, view: View) -> Iterator[Problem]:
    """Find Applications of which all is known, and that give no manifest."""
    this, sources = key(application), resolve(application, view)
    known = [each for each in sources if each.folder is not None and each.kind is not Kind.VALUES]
    if this in view.partial or not known or any(each.kind is Kind.MISSING for each in sources):
        return
    if any(is_manifest(each.data) for each in view.rendered.get(this, ())) or all(map(_is_empty_on_purpose, known)):
        return
    if any(glob_error(text(field(each.spec, "directory", "include"))) for each in known):
        return  # Which is an error.
    paths = [each.folder.relative_to(view.root).as_posix() for each in known if each.folder]
    # Of a part of the repository, another's files may not be looked at.
    if view.wanted is not everything and not all(layout.application_of(f"{path}/") for path in paths):
        return
    for source, path in zip(known, paths, strict=True):
        if left := _left_out(source, view):
            yield Problem(
                f"{application.name} deploys nothing of what is in {path}: {_listed(left)}.",
                application.at(*source.at, *left[0].field),
                left[0].hint,
            )
            return
    empty = _why_empty(known[0], paths[0])
    yield Problem(
        f"{application.name} renders no manifest from {joined(paths)}{empty}.",
        application.at(*known[0].at, "path"),
        "Correct the path, or add what is to be deployed.",
    )


def _is_empty_on_purpose(source: Source) -> bool:
    """Return whether a folder is kept empty, or a chart has what its values switch off."""
    assert source.folder
    if source.kind is Kind.HELM:
        return any(_has_entries(source.folder / each) for each in ("templates", "charts")) or _has_dependencies(source)
    found = [each.name for each in entries(source.folder)]
    return bool(found) and all(name in {".gitkeep", ".keep"} for name in found)


def _has_entries(folder: Path) -> bool:
    """Return whether a folder has files that are no parts of others, such as `_helpers.tpl`, and no notes."""
    return any(not each.name.startswith("_") and each.name != "NOTES.txt" for each in entries(folder))


def _has_dependencies(source: Source) -> bool:
    return source.folder is not None and b"dependencies:" in _content(source.folder / CHART, source.folder)


def _why_empty(source: Source, path: str) -> str:
    assert source.folder
    if source.kind is Kind.HELM:
        return ": the chart has no templates"
    if source.kind is Kind.KUSTOMIZE:
        return ": the kustomization names no resources"
    read = any(is_read(each.name) or each.suffix == directory.SUFFIX for each in entries(source.folder))
    return "" if read else f": {path} has no file that Argo CD reads (.yaml, .yml, .json, .jsonnet)"


@rule(
    "manifests-left-out",
    Severity.WARNING,
    Scope.APPLICATION,
    "Manifests beside what an Application deploys are left out.",
    explanation="Argo CD is silent about them: the Application is synced and healthy, and lacks what is in them. A "
    "directory source takes only files named `.yaml`, `.yml`, `.json` and `.jsonnet`, in lower case, that `include` "
    "matches, and those in subfolders only with `recurse: true`; a document without `kind` is no manifest to it. "
    "`include` is compared with the path from the source's folder on, `**/` there wants a folder, and in `{a, b}` the "
    "space is a part of the name. Beside a kustomization only what it names is deployed, and of a chart only "
    "`templates/` and `crds/`. Not reported is what somebody left out on purpose: by `exclude`, by "
    "`+argocd:skip-file-rendering`, in a comment of the kustomization, in a folder such as `examples`, or because "
    "something else deploys it.",
    bad=CONFIG_MAP
    + "# file: apps/my-app/more.yaml\n"
    + GREETING.format(greeting="hello")
    + "# file: apps/my-app/kustomization.yaml\nresources: [config-map.yaml]\n"
    + APPLICATION
    + SOURCE
    + DESTINATION,
    good=CONFIG_MAP
    + "# file: apps/my-app/more.yaml\n"
    + GREETING.format(greeting="hello")
    + "# file: apps/my-app/kustomization.yaml\nresources: [config-map.yaml, more.yaml]\n"
    + APPLICATION
    + SOURCE
    + DESTINATION,
)
def manifests_left_out(application: ArgoApplication, view: View) -> Iterator[Problem]:
    """Find manifests that lie where an Application looks, and that neither it nor anything else deploys."""
    this = key(application)
    if view.wanted is not everything or this in view.partial or not any(view.rendered.get(this, ())):
        return
    for source in resolve(application, view):
        left = [each for each in _left_out(source, view) if not each.is_meant]
        if left and source.folder:
            path = source.folder.relative_to(view.root).as_posix()
            yield Problem(
                f"{application.name} leaves out {_listed(left)} in {path}.",
                application.at(*source.at, *left[0].field),
                left[0].hint,
                cause=f"{path} {_listed(left)}",
            )


def _listed(left: Sequence[_Left]) -> str:
    """Return files and why they are left out, each reason once."""
    by_reason: dict[str, list[str]] = {}
    for each in left:
        by_reason.setdefault(each.why, []).append(each.name)
    return joined([f"{joined(names, 3)} ({why})" for why, names in by_reason.items()])


@lru_cache(maxsize=4096)
def _of_folder(folder: Path, kind: Kind, view: View) -> Sequence[_Left]:
    """Return what a chart or a kustomization leaves out of its folder."""
    return [*(_beside_chart(folder, view) if kind is Kind.HELM else _beside_kustomization(folder, view))]


def _left_out(source: Source, view: View) -> Sequence[_Left]:
    """Return the manifests that a source's folder has, and that are not deployed from there nor from elsewhere."""
    if source.folder is None or source.folder == view.root:
        return ()
    if source.kind in {Kind.HELM, Kind.KUSTOMIZE}:
        return _of_folder(source.folder, source.kind, view)
    return [*_beside_manifests(source, view)] if source.kind is Kind.DIRECTORY else ()


_SET_ASIDE = re.compile(
    r"(?:^|/)(?:[._].*|(?:.*[-._])?(?:archived?|backups?|bak|deprecated|disabled|docs?|drafts?|examples?|ignored?|off|old"
    r"|samples?|templates?|tests?|tmp|unused|values)(?:[-._].*)?)(?:/|$)",
    re.IGNORECASE,
)
"""Names that say of files that nobody is to deploy them."""
_OF_TOOLS = frozenset(
    {"backstage.io", "config.kubernetes.io", "kind.x-k8s.io", "kpt.dev", "kustomize.config.k8s.io", "skaffold"}
)
"""The groups of what programs read, and no cluster."""


def _beside_chart(folder: Path, view: View) -> Iterator[_Left]:
    found = [
        file
        for file in entries(folder)
        if is_read(file.name)
        and not (file.name.endswith(CHART) or file.name in KUSTOMIZATIONS or _SET_ASIDE.search(file.name))
        and not _is_deployed(file.relative_to(view.root).as_posix(), view)
        and _looks_deployable(_content(file, view.root))
    ]
    # What templates read of the chart's own files is theirs.
    if not found or any(b".Files" in _content(each, view.root) for each in entries(folder / "templates")):
        return
    for file in found:
        yield _Left(
            file.name,
            "Chart.yaml makes the folder a chart, of which only templates/ and crds/ are deployed",
            "Move what is to be deployed into templates/, or remove Chart.yaml if this is no chart.",
        )


_GIVEN = re.compile(rb"^[\"']?(apiVersion|kind)[\"']?:[ \t]*[\"']?([\w.-]+)", re.MULTILINE)
"""What a text says of itself at its beginning."""


def _looks_deployable(held: bytes) -> bool:
    """Return whether a text is a manifest for a cluster, but none of Argo CD's own, which is applied by hand."""
    given = dict(_GIVEN.findall(held[:_LONGEST]))
    group = given.get(b"apiVersion", b"").decode()
    return len(given) == 2 and group not in _OF_TOOLS and b"argoproj.io/" not in held


_LONGEST = 1024 * 1024


def _beside_kustomization(folder: Path, view: View) -> Iterator[_Left]:
    file = next((folder / name for name in KUSTOMIZATIONS if holds((folder / name).is_file)), None)
    if file is None:
        return
    held = _content(file, view.root).decode(errors="replace")
    path = folder.relative_to(view.root).as_posix()
    for name in _manifests_below(path, view):
        # What a comment names was taken out on purpose.
        if "/" not in name and not re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", held):
            yield _Left(
                name,
                f"not named in {file.name}",
                f"Add to the resources of {file.name} what is to be deployed, or remove it.",
            )


def _manifests_below(path: str, view: View) -> Iterator[str]:
    """Yield the manifests below a folder that nothing deploys, with their paths from there on."""
    found, prefix = _undeployed(view), f"{path}/"
    for each in found[bisect_left(found, prefix) :]:
        if not each.startswith(prefix):
            return
        name = each.removeprefix(prefix)
        if not _SET_ASIDE.search(name.rpartition(".")[0]):
            yield name


@lru_cache(maxsize=1)
def _undeployed(view: View) -> Sequence[str]:
    """Return the files with manifests that nothing deploys, sorted; not those of Argo CD, which are applied by hand."""
    by_hand = {each.path for each in view.documents if is_argocds(each)}
    paths = {each.path for each in view.documents if group_and_kind(each.data)[0] not in _OF_TOOLS}
    return sorted(each for each in paths - by_hand if not _is_deployed(each, view))


def _is_deployed(path: str, view: View) -> bool:
    return path in view.overlaid or path in _taken(view)


@lru_cache(maxsize=1)
def _taken(view: View) -> frozenset[str]:
    """Return the files that directory sources take."""
    return frozenset(
        each.path for documents in view.rendered.values() for each in documents if each.source and not each.is_rendered
    )


def _beside_manifests(source: Source, view: View) -> Iterator[_Left]:
    assert source.folder
    options = mapping(source.spec.get("directory"))
    path, include = source.folder.relative_to(view.root).as_posix(), text(options.get("include"))
    meant = _as_meant(include, path)
    # An ApplicationSet of which something is unknown may deploy what is in the subfolders.
    is_deep = bool(options.get("recurse"))
    below = () if view.unlisted and not is_deep else _manifests_below(path, view)
    for name in below:
        if "/" in name and not is_deep:
            yield _Left(name, "recurse is not set", "Set directory.recurse: true, or name the subfolder in path.")
        elif text(options.get("exclude")) and glob_matches(text(options.get("exclude")), name):
            yield _Left(name, f"exclude is “{options['exclude']}”", "Correct exclude.", ("directory", "exclude"), True)
        elif include and not glob_matches(include, name):
            is_mistaken = not glob_error(include) and meant != include and glob_matches(meant, name)
            hint = f"Write include: '{meant}'." if is_mistaken else f"Correct include: paths begin in {path}."
            yield _Left(name, f"include is “{include}”", hint, ("directory", "include"), not is_mistaken)
        else:
            yield _Left(name, f"for {directory.SKIPPED}", "Remove that comment.", is_meant=True)
    for file in directory.files(source):
        name = file.relative_to(source.folder).as_posix()
        if _SET_ASIDE.search(name.rpartition(".")[0]) or astray(file, view.root):
            continue
        held = b"" if is_read(file.name) and f"{path}/{name}" in _manifests(view) else _content(file, view.root)
        if not held or directory.SKIPPED.encode() in held:
            continue
        if file.suffix.lower() in _ENDINGS and not is_read(file.name) and _looks_deployable(held):
            yield _Left(name, f"Argo CD reads no {file.suffix}", f"Rename it to end in {file.suffix.lower()}.")
        elif is_read(file.name) and file.suffix != ".json" and _lacks_kind(held):
            yield _Left(name, "without a kind", "Add its kind, or remove the file.")


_ENDINGS = frozenset({".yaml", ".yml", ".json"})
_WANTED = (b"apiVersion:", b"kind:", b"metadata:")
"""What Argo CD looks for in a file that it cannot read as manifests: with all of them, it is an error to it."""


def _lacks_kind(held: bytes) -> bool:
    """Return whether a text was meant to be a manifest, and Argo CD leaves it out without a word."""
    given = dict(_GIVEN.findall(held[:_LONGEST]))
    return b"apiVersion" in given and b"kind" not in given and not all(each in held for each in _WANTED)


@lru_cache(maxsize=1)
def _manifests(view: View) -> frozenset[str]:
    return frozenset(each.path for each in view.documents)


def _as_meant(include: str, path: str) -> str:
    """Return a glob as its author may have thought that it is read: as a shell or .gitignore reads it."""
    found = re.sub(r"(?<!\s)\s++(?=[{},])|(?<=[{},])\s++", "", include.strip())
    found = re.sub(rf"(^|(?<=[{{,]))(?:\./|/|{re.escape(path)}/)+", "", found)
    return re.sub(r"(^|(?<=[{,]))\*\*/", "{,**/}", found)


def _content(file: Path, root: Path) -> bytes:
    """Return what a file holds; nothing where it may not be read, or is no file."""
    try:
        return content(file, root) if holds(file.is_file) else b""
    except OSError:
        return b""
