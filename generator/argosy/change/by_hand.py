"""What was edited by hand to ask for a change, carried over to the branches that environments follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from argosy.change import merge
from argosy.change.own_branches import Elsewhere
from argosy.change.planning import Change
from argosy.errors import ArgosyError
from argosy.git import objects
from argosy.git.objects import Files
from argosy.git.snapshot import Snapshot
from argosy.repository import layout, states, store


@dataclass(frozen=True, slots=True)
class Edits:
    """What was edited: settings, and the folders of applications, environments and deployments that came or went."""

    before: Files
    after: Files
    gone: frozenset[str]
    """The folders and settings that are there no more."""


def edits(root: Path, since: str) -> Edits:
    """Return what was edited since a revision, committed or not; raise UsageError where there is no such revision."""
    old, new = Snapshot.of(root, since), states.work_tree(root)
    changed = states.changed(old, new)
    before, after = ({each for path in state.paths() for each in _folders(path)} for state in (old, new))
    wanted = {path for path in changed if store.is_setting(path) or not before.issuperset(_folders(path))}
    olds, news = (state.chosen(wanted.__contains__) for state in (old, new))
    gone = {each for path in changed for each in _folders(path) if each not in after} | (olds.keys() - news)
    return Edits({path: blob for path, blob in olds.items() if path in news}, news, frozenset(gone))


def _folders(path: str) -> Iterator[str]:
    """Yield the folders of an application, an environment and a deployment that a file is in."""
    parts = path.split("/")
    of_cluster = (5,) if parts[2:3] == [layout.IN_CLUSTERS] else ()
    depths = {layout.APPLICATIONS: (2,), layout.ENVIRONMENTS: (2, 3, *of_cluster)}.get(parts[0], ())
    yield from ("/".join(parts[:depth]) for depth in depths if depth < len(parts))


def carried(there: Elsewhere, made: Edits) -> Change | None:
    """Return the change that the same edits make of what a branch holds; None where it has them already.

    Raise ArgosyError where the branch has something else in the same place.
    """
    merged = merge.plan(there.root, made.before, made.after)
    if merged.conflicts:
        raise ArgosyError(
            f"{merged.conflicts[0]} differs from what was edited here, in the same lines.",
            f"Make this edit there by hand first: git switch {there.branch}, edit it, and argosy apply --commit.",
        )
    entries = objects.entries(there.root, merged.head)
    gone = sorted(each for each in made.gone if any(objects.is_within(path, (each,)) for path in entries))
    removed = {path: None for path in entries if objects.is_within(path, gone)}
    written = {path: blob for path, blob in merged.written.items() if blob}
    if not written and not gone:
        return None
    after = store.load_of(Snapshot(there.root, merged.head, {**removed, **written}))
    return Change(there.repository, after.repository, written=written, removed=gone)
