"""Who owns each file of a repository, and whether it still is what was generated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from argosy import git
from argosy.change import origin
from argosy.repository import layout, store
from argosy.repository.store import Stored
from argosy.template import rendering, versions


class Owner(StrEnum):
    """Who decides what stands in a file."""

    TEMPLATE = "template-owned"
    SEEDED = "seeded"
    VENDOR = "vendor's"
    USER = "user"


class State(StrEnum):
    """What became of a file since it was generated."""

    UNCHANGED = "unchanged"
    EDITED = "edited"
    DELETED = "deleted"
    OUTDATED = "outdated"
    """As an earlier version of the template gave it, or gave it not: an update left it behind."""


@dataclass(frozen=True, slots=True)
class FileStatus:
    """A file, its owner and its state; a user's own file is unchanged as long as it is there."""

    path: str
    owner: Owner
    state: State
    layer: str = ""
    """The layer that wrote it, with its version; "" for the built-in template and for what no template wrote."""


def load(root: Path) -> Stored:
    """Read the model of the repository at a root, with the version of the template that rendered it."""
    stored = store.load(root)
    return replace(stored, version=origin.version(root, stored))


def files(root: Path, stored: Stored, wanted: Callable[[str], bool] = rendering.everything) -> list[FileStatus]:
    """Return the status of every wanted file that is tracked or generated, by path.

    Raise ArgosyError for an unknown version of the template.
    """
    with versions.checkout(stored.version) as known:
        pristine = rendering.render(stored.repository, template=known, wanted=wanted)
    earlier = origin.had_earlier(root, stored.version)
    left = origin.left_behind(root, stored.repository, earlier, pristine, wanted)
    outdated = left.keys() - store.uncommitted(root) if left else set[str]()
    of_components = _of_components(root, stored)
    tracked = {each.path for each in git.at(root).index if wanted(each.path)}
    paths = sorted({*tracked, *pristine, *outdated})

    def owner(path: str) -> Owner:
        if layout.is_vendored(path):
            return Owner.VENDOR
        if path in outdated and not layout.is_seeded(path):
            return Owner.TEMPLATE
        if path not in pristine:
            return Owner.SEEDED if path in of_components else Owner.USER
        return Owner.SEEDED if layout.is_seeded(path) else Owner.TEMPLATE

    seeded = [path for path in paths if owner(path) is Owner.SEEDED and (root / path).is_file()]
    edited = _edited(root, seeded) if seeded else set()

    def state(path: str) -> State:
        file = root / path
        if path in outdated:
            return State.OUTDATED
        if not file.is_file():
            return State.DELETED
        same = _is(file, pristine[path]) if owner(path) is Owner.TEMPLATE else path not in edited
        return State.UNCHANGED if same else State.EDITED

    layers = {path: file.layer for path, file in pristine.items()}
    return [FileStatus(path, owner(path), state(path), layers.get(path, "")) for path in paths]


def _of_components(root: Path, stored: Stored) -> frozenset[str]:
    """Return the paths of the values and custom resources that the catalogue gives the components there are."""
    places = [(each.name, component.name) for each in stored.repository.environments for component in each.components]
    if not places:
        return frozenset()
    from argosy.catalogue import catalogue  # noqa: PLC0415

    known = catalogue.load(root)
    return frozenset(
        f"{layout.component(environment, name)}/{path}"
        for environment, name in places
        for path in (known[name].paths if name in known else (layout.VALUES,))
    )


def _is(file: Path, pristine: rendering.File) -> bool:
    # A checkout may have other line endings than what was generated.
    same = file.read_bytes().replace(b"\r\n", b"\n") == pristine.content
    return same and bool(file.stat().st_mode & 0o100) == pristine.executable


def _edited(root: Path, paths: list[str]) -> set[str]:
    """Return the seeded files that are not what they were when they came, which Git's history tells."""
    first = {**{each.path: each.entry.blob for each in git.at(root).index}, **_added(root)}
    asked = "".join(f"{path}\n" for path in paths).encode(errors="surrogateescape")
    present = git.run(root, "hash-object", "--stdin-paths", stdin=asked).split()
    return {path for path, blob in zip(paths, present, strict=True) if first.get(path) != blob}


def _added(root: Path) -> Mapping[str, str]:
    """Return the blob that each file had when it was added last, by path."""
    listed = git.run(
        root,
        *("log", "--format=", "--raw", "--no-abbrev", "--no-renames", "--diff-filter=A", "-z", "--root", "--reverse"),
        *("--", *_SEEDED),
    )
    fields = listed.split("\0")
    pairs = zip(fields[::2], fields[1::2], strict=False)
    return {path: head.lstrip("\n").split(" ")[3] for head, path in pairs if head.lstrip("\n").startswith(":")}


_SEEDED = (*layout.CODEOWNERS, layout.ENVIRONMENTS, layout.APPLICATIONS, layout.PLATFORM)
