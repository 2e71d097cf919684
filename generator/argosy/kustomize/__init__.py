"""Kustomize: a folder with a kustomization -> manifests. The only package that runs Kustomize.

Threads may build at once, for nothing is kept between calls but what `cache` keeps, and nothing is written below the
user's folder.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from argosy.documents.plain import load
from argosy.errors import Fault, OfflineError, RenderError
from argosy.kustomize.command import line_of, run
from argosy.kustomize.overrides import components_of, patch_files, with_overrides
from argosy.kustomize.references import NAMES, Reference, inputs, kustomization, read_by, references, resources

__all__ = ["NAMES", "Remote", "build", "inputs", "kustomization", "named_by", "resources"]


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


def build(
    folder: Path,
    root: Path,
    overrides: Mapping[str, Any] | None = None,
    options: Collection[str] = (),
    fetched: Fetched = offline,
) -> str:
    """Build a folder as Argo CD does, with an Application's `spec.source.kustomize` as the overrides.

    The options are those of `kustomize build`; what they let programs of the repository or the network do is not done.
    Return a YAML stream. Raise OfflineError where a base lies in another repository, RenderError where the build
    fails or would leave the root, which is the repository's, ToolError where there is no Kustomize.
    """
    folder = folder.resolve()
    components = components_of(folder, overrides or {})
    named = list(references(folder, root, named_by(folder, overrides or {})))
    _refuse_unread([each for each in named if each.refused])
    bases: dict[Path, dict[str, Remote]] = {}
    lacking = []
    for each in (each for each in named if each.remote):
        base = fetched(each.entry)
        if isinstance(base, Remote):
            bases.setdefault(each.by, {})[each.entry] = base
        else:
            lacking.append((each, f"Remote base {each.entry} {base}."))
    if lacking:
        hint = "Vendor it into this repository to check it."
        raise OfflineError([Fault(said, each.by, line_of(each.by, each.entry), hint) for each, said in lacking])
    _refuse([each for each in named if each.missing], "does not exist.")
    _refuse([each for each in named if each.hollow], "contains no kustomization.")
    files = read_by(folder, named)
    # What generators and transformers read is not known to the last file.
    is_known = not any(each.in_settings for each in named)
    own = kustomization(folder)
    data = load(own) if own and overrides else {}
    if own is None or not (data or bases):
        return run(folder, files if is_known and not overrides else None, options)
    # A copy of all that the build reads, in which the kustomization has the overrides.
    top = Path(os.path.commonpath([folder, *(file.parent for file in files)]))
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name).resolve()
        copies = [scratch / file.relative_to(top) for file in files]
        for file, copy in zip(files, copies, strict=True):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        copied = scratch / own.relative_to(top)
        if overrides and data:
            copied.write_text(yaml.safe_dump(with_overrides(data, overrides, components, folder), sort_keys=False))
        for by, entries in bases.items():
            copies += _with_bases(scratch / by.relative_to(top), entries, scratch)
        if bases:
            _refuse_asking(references(copied.parent, scratch, named_by(folder, overrides or {})), own)
        return run(copied.parent, copies if is_known else None, options, (scratch, top))


def named_by(folder: Path, overrides: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the components and files that an Application's overrides add to a kustomization."""
    return (*components_of(folder, overrides), *patch_files(overrides))


_FETCHED = ".argosy-fetched"
"""The folder of a copy that has the repositories of remote bases."""


def _with_bases(kustomization: Path, bases: Mapping[str, Remote], scratch: Path) -> list[Path]:
    """Have a copy of a kustomization name copies of remote bases, and return all files of these.

    Raise RenderError where a base leads out of its repository, OfflineError where it has remote ones itself.
    """
    copies: list[Path] = []
    paths: dict[str, str] = {}
    for entry, base in bases.items():
        named = [] if base.folder.is_file() else list(references(base.folder, base.home))
        _refuse_unread([each for each in named if each.refused])
        if remote := [each.entry for each in named if each.remote]:
            raise OfflineError([Fault(f"The base {entry} has remote bases of its own: {', '.join(remote)}.")])
        place = scratch / _FETCHED / base.home.name
        for file in {base.folder} if base.folder.is_file() else read_by(base.folder, named):
            copy = place / file.relative_to(base.home)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
            copies.append(copy)
        folder = place / base.folder.relative_to(base.home)
        paths[entry] = os.path.relpath(folder, kustomization.parent)

    def replaced(value: Any) -> Any:
        if isinstance(value, list):
            return [paths.get(each, each) if isinstance(each, str) else each for each in value]
        return value

    data = load(kustomization)
    kustomization.write_text(yaml.safe_dump({key: replaced(each) for key, each in data.items()}, sort_keys=False))
    return copies


def _refuse_asking(named: Iterable[Reference], own: Path) -> None:
    """Raise OfflineError where a copy names what is elsewhere in place of a file: Kustomize would ask for it itself.

    Raise RenderError where a fetched base, taken for what it is named as, such as a generator, reads what it may not.
    """
    found = list(named)
    # What a fetched base names has no file here to point at.
    _refuse_unread([replace(each, by=own, target=own, line=None) for each in found if each.refused])
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
