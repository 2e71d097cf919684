"""Kustomize: a folder with a kustomization -> manifests. The only package that runs Kustomize.

Threads may build at once, for nothing is kept between calls but what `cache` keeps, and nothing is written below the
user's folder.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from argosy.documents.plain import load
from argosy.engines import Engine
from argosy.errors import Fault, OfflineError, RenderError
from argosy.helm.kept import asks_for_apis
from argosy.helm.release import Fetched as Charts
from argosy.helm.release import offline as no_charts
from argosy.kustomize import charts
from argosy.kustomize.command import Cluster, choose, line_of, run
from argosy.kustomize.overrides import components_of, patch_files, with_overrides
from argosy.kustomize.references import (
    NAMES,
    Reference,
    contents,
    inputs,
    kustomization,
    read_by,
    references,
    resources,
)

__all__ = [
    "BUILT_IN",
    "NAMES",
    "Cluster",
    "Remote",
    "build",
    "choose",
    "contents",
    "inputs",
    "kustomization",
    "named_by",
    "resources",
]


BUILT_IN = "builtin"
"""The apiVersion of the settings of Kustomize's own generators and transformers, which are no manifests."""
Fetched = Callable[[str], "Remote | str"]
"""Finds what a URL in a kustomization means, or says why it is not here."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A base that was fetched: a folder, in the repository that it is in; or a file, in a folder of its own."""

    home: Path
    folder: Path


def offline(_: str) -> Remote | str:
    """Have nothing that was fetched."""
    return "was not fetched (offline)"


@dataclass(frozen=True)
class _Tree:
    """A kustomization with all that it takes in of one repository."""

    folder: Path
    home: Path
    named: Sequence[Reference]
    bases: dict[Path, dict[str, Remote]] = field(default_factory=dict)
    """What its kustomizations take in of other repositories, by the URLs that they name."""

    @property
    def files(self) -> set[Path]:
        return {self.folder} if self.folder.is_file() else read_by(self.folder, self.named)


def build(
    folder: Path,
    root: Path,
    overrides: Mapping[str, Any] | None = None,
    options: Collection[str] = (),
    *,
    fetched: Fetched = offline,
    chart: Charts = no_charts,
    engine: Engine | None = None,
    helm: Callable[[], Engine] | None = None,
    cluster: Callable[[], Cluster] = Cluster,
) -> str:
    """Build a folder as Argo CD does, with an Application's `spec.source.kustomize` as the overrides.

    The options are those of `kustomize build`; what they let programs of the repository or the network do is not done,
    but charts are rendered, those elsewhere as far as they were fetched. The engines are those of this machine, unless
    they are given. The cluster is asked for where a chart asks what that has.
    Return a YAML stream. Raise OfflineError where a base lies in another repository, RenderError where the build
    fails or would leave the root, which is the repository's, ToolError where there is no Kustomize.
    """
    folder = folder.resolve()
    components = components_of(folder, overrides or {})
    trees = _trees(folder, root, named_by(folder, overrides or {}), fetched)
    own, others = trees[0], trees[1:]
    _refuse([each for each in own.named if each.missing], "does not exist.")
    _refuse([each for each in own.named if each.hollow], "contains no kustomization.")
    # What generators and transformers read is not known to the last file.
    is_known = not any(each.in_settings for tree in trees for each in tree.named)
    inflated = list(charts.named(trees, chart)) if _ENABLED & {*options} else []
    file = kustomization(folder)
    data = load(file) if file and overrides else {}
    if file is None or not (data or own.bases or inflated):
        return run(folder, own.files if is_known and not overrides else None, options, engine=engine)
    # A copy of all that the build reads, in which the kustomization has the overrides.
    top = root.resolve() if inflated else Path(os.path.commonpath([folder, *(each.parent for each in own.files)]))
    with tempfile.TemporaryDirectory() as name:
        scratch, tools = Path(name).resolve() / "copy", Path(name).resolve() / "tools"
        tools.mkdir()
        places = {own.home: (top, scratch)} | {
            each.home: (each.home, scratch / _FETCHED / each.home.name) for each in others
        }
        copies = [copy for tree in trees for copy in _copied(tree, *places[tree.home])]
        copied = scratch / file.relative_to(top)
        if overrides and data:
            copied.write_text(yaml.safe_dump(with_overrides(data, overrides, components, folder), sort_keys=False))
        for tree in trees:
            for by, entries in tree.bases.items():
                _name_copies(_copy_of(by, *places[tree.home]), entries, places)
        there: set[Path] = set()
        for each in inflated:
            copies += charts.put(each, _copy_of(each.by, *places[each.home]), scratch, there)
        if own.bases:
            _refuse_asking(references(copied.parent, scratch, named_by(folder, overrides or {})), file, bool(inflated))
        program = charts.program(tools, there, Path(name).resolve(), helm and helm()) if inflated else None
        told = cluster() if any(map(asks_for_apis, there)) else None
        read = copies if is_known else None
        return run(copied.parent, read, options, (scratch, top), helm=program, cluster=told, engine=engine)


def named_by(folder: Path, overrides: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the components and files that an Application's overrides add to a kustomization."""
    return (*components_of(folder, overrides), *patch_files(overrides))


_ENABLED = {"--enable-helm", "--enable-helm=true"}
_FETCHED = ".argosy-fetched"
"""The folder of a copy that has the repositories of remote bases."""
_MOST_TREES = 100
"""How many remote bases may be taken in, those of bases included."""


def _trees(folder: Path, root: Path, added: Sequence[str], fetched: Fetched) -> list[_Tree]:
    """Return a kustomization and the remote ones that it takes in, those of remote ones included.

    Raise RenderError where one leads out of its repository, OfflineError where one was not fetched.
    """
    found: dict[Path, _Tree] = {}
    pending = [(folder, root, tuple(added))]
    lacking = []
    while pending and len(found) < _MOST_TREES:
        this, home, more = pending.pop()
        if this in found:
            continue
        tree = found[this] = _Tree(this, home, [] if this.is_file() else [*references(this, home, more)])
        _refuse_unread([each for each in tree.named if each.refused])
        for each in (each for each in tree.named if each.remote):
            base = fetched(each.entry)
            if isinstance(base, Remote):
                tree.bases.setdefault(each.by, {})[each.entry] = base
                pending.append((base.folder, base.home, ()))
            else:
                lacking.append((each, f"Remote base {each.entry} {base}"))
    if lacking:
        hint = "Vendor it into this repository to check it."
        raise OfflineError([Fault(said, each.by, line_of(each.by, each.entry), hint) for each, said in lacking])
    if pending:
        raise RenderError([Fault(f"More than {_MOST_TREES} remote bases take in each other.", kustomization(folder))])
    return [*found.values()]


def _copy_of(file: Path, top: Path, place: Path) -> Path:
    return place / file.relative_to(top)


def _copied(tree: _Tree, top: Path, place: Path) -> Iterator[Path]:
    """Copy all that a kustomization reads of its repository, and yield the copies."""
    for file in tree.files:
        copy = _copy_of(file, top, place)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
        yield copy


def _name_copies(kustomization: Path, bases: Mapping[str, Remote], places: Mapping[Path, tuple[Path, Path]]) -> None:
    """Have a copy of a kustomization name the copies of remote bases."""
    paths = {
        entry: os.path.relpath(_copy_of(base.folder, *places[base.home]), kustomization.parent)
        for entry, base in bases.items()
    }

    files = {entry: paths[entry] for entry, base in bases.items() if base.folder.is_file()}

    def replaced(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        # Entries are URLs, and so are the files of patches.
        listed = [paths.get(each, each) if isinstance(each, str) else each for each in value]
        return [
            {**each, "path": files[each["path"]]} if isinstance(each, dict) and each.get("path") in files else each
            for each in listed
        ]

    data = load(kustomization)
    kustomization.write_text(yaml.safe_dump({key: replaced(each) for key, each in data.items()}, sort_keys=False))


def _refuse_asking(named: Iterable[Reference], own: Path, inflates: bool) -> None:
    """Raise OfflineError where a copy names what is elsewhere in place of a file: Kustomize would ask for it itself.

    Raise RenderError where a fetched base, taken for what it is named as, such as a generator, reads what it may not.
    """
    found = list(named)
    # What a fetched base names has no file here to point at.
    _refuse_unread([replace(each, by=own, target=own, line=None) for each in found if each.refused])
    if inflates and any(each.inflates for each in found):
        raise OfflineError([Fault(charts.OF_A_GENERATOR, own)])
    if left := [each.entry for each in found if each.remote]:
        hint = "Name it as a resource or component, or vendor it into this repository."
        raise OfflineError([Fault(f"{each} is read from elsewhere.", own, line_of(own, each), hint) for each in left])


def _refuse_unread(named: Sequence[Reference]) -> None:
    if not named:
        return
    hint = "Use files or relative links in this repository: Argo CD follows no other links."
    faults = []
    for each in named:
        line = each.line or (line_of(each.by, each.entry) if each.by != each.target else None)
        if each.by == each.target and each.line:
            faults.append(Fault(f"Not a valid kustomization: {each.refused}.", each.by, line))
        else:
            faults.append(
                Fault(f"“{each.entry.strip()}” cannot be used: {each.refused}.", each.by, line, hint, about=each.target)
            )
    raise RenderError(faults)


def _refuse(named: Sequence[Reference], why: str) -> None:
    if named:
        hint = "Create it, or remove it from the kustomization."
        raise RenderError(
            [Fault(f"“{each.entry}” {why}", each.by, line_of(each.by, each.entry), hint) for each in named]
        )
