"""What source and target were when they last met: what a promotion is merged against."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from argosy import git
from argosy.documents import plain
from argosy.errors import ArgosyError
from argosy.git import snapshot
from argosy.git.objects import SYMLINK, Blob
from argosy.git.snapshot import Snapshot
from argosy.promotion import history
from argosy.promotion.decision import Sides, differing
from argosy.promotion.history import Kind, Record
from argosy.repository import layout
from argosy.yaml_edit.keys import overlap

APPLICATION = "Application.yaml"
"""How the files of a deployment name the Argo CD Application of a remote chart, which lies in another folder."""


class State(Protocol):
    """A state of the repository."""

    def files(self, *folders: str) -> Mapping[str, Blob]:
        """Return the files at or below folders."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The commits at which source and target are looked at as they were before."""

    source: str
    target: str
    since: str
    """What happened then, for reasons."""
    record: Record | None = None
    """The promotion or rollback that it was; None if there was none yet."""

    @property
    def is_promotion(self) -> bool:
        """Tell whether it was a promotion, so that what it left different is meant to be."""
        return self.record is not None and self.record.step.kind is Kind.PROMOTION


@dataclass(frozen=True)
class Past:
    """What the history of the target's branch tells."""

    root: Path
    tip: str
    """The commit that the history ends with."""
    added: Mapping[str, str] = field(default_factory=dict)
    """The commit that added each folder of a deployment, where it is known already."""

    @cached_property
    def records(self) -> Sequence[Record]:
        """What was promoted and rolled back, the newest first."""
        return history.records(self.root, self.tip)

    def steps(self, application: str, target: str) -> Sequence[Record]:
        """Return what was promoted and rolled back of an application in an environment and holds, the newest first."""
        return holding(self.root, self.tip, history.of(self.records, application, target))

    def baseline(self, application: str, source: str, target: str, source_tip: str) -> Baseline:
        """Return what a promotion is merged against; raise ArgosyError where the history does not reach that far.

        `source_tip` is the commit that the source is promoted from.
        """
        steps = self.steps(application, target)
        if not steps:
            seed = self._seed(layout.deployment(target, application))
            return Baseline(seed, seed, f"{application} came to {target}")
        last = steps[0]
        if last.step.kind is Kind.PROMOTION:
            return Baseline(self._origin(last, source, source_tip), last.commit, "the last promotion", last)
        standing = history.in_force(self.root, steps, application, target)
        seed = "" if standing else self._seed(layout.deployment(target, application))
        before = self._origin(standing[0], source, source_tip) if standing else seed
        return Baseline(before, last.commit, "the last rollback", last)

    def _origin(self, record: Record, source: str, source_tip: str) -> str:
        """Return the commit whose source a record promoted, or the nearest that is known."""
        if record.step.source == source and record.step.origin:
            if found := snapshot.resolve(self.root, record.step.origin):
                return found
            if is_shallow(self.root):
                raise cut_off(f"the last promotion to {record.step.target}")
        if history.is_part(self.root, record.commit, source_tip):
            return record.commit
        return git.run(self.root, "merge-base", record.commit, source_tip, accepted=(0, 1)).strip() or record.commit

    def _seed(self, folder: str) -> str:
        """Return the commit that added a deployment's folder."""
        found = self.added.get(folder) or added(self.root, self.tip, folder).get(folder)
        if found is None or is_cut_off(self.root, found):
            raise cut_off(f"when {folder} came")
        return found


def holding(root: Path, tip: str, found: Sequence[Record]) -> Sequence[Record]:
    """Return the steps of one application in one environment without the newest ones that were taken back since.

    Not every revert says in its message what it reverts; then the target tells.
    """
    now = Snapshot(root, tip)
    for place, each in enumerate(found):
        application, target = each.step.application, each.step.target
        after = Snapshot(root, each.commit)
        folders = (layout.deployment(target, application), layout.argocd_application(target, application))
        if not each.parent or after.holds_the_same(now, *folders):
            return found[place:]
        before = Snapshot(root, each.parent)
        if not is_taken_back(*(files(state, application, target) for state in (before, after, now))):
            return found[place:]
    return ()


def is_taken_back(before: Mapping[str, bytes], after: Mapping[str, bytes], now: Mapping[str, bytes]) -> bool:
    """Return whether all that a step changed in a deployment's files stands now as it did before."""
    changed = differing(before, after) if now != after else []
    return bool(changed) and not any(overlap(key, other) for other in differing(before, now) for key in changed)


def added(root: Path, tip: str, *folders: str) -> dict[str, str]:
    """Return the commit with which each deployment's folder came, or came back, by folder; by default of all."""
    listed = git.run(
        root,
        *("-c", "log.showSignature=false", "-c", "log.follow=false", "log", "-z", "--reverse", "--format=%x01%H"),
        *("--name-status", "--no-renames", "--diff-filter=AD", "--root", "-m", "--first-parent", tip, "--"),
        *(folders or (layout.ENVIRONMENTS,)),
    )
    found: dict[str, str] = {}
    files: dict[str, set[str]] = {}
    for entry in listed.split("\x01")[1:]:
        commit = entry.partition("\0")[0].strip("\n")
        changes = [("/".join(path.split("/")[:3]), status, path) for status, path in _CAME_OR_WENT.findall(entry)]
        # A folder whose files are all replaced at once was there all along: what comes counts before what goes.
        for folder, status, path in sorted(changes, key=lambda change: change[1]):
            held = files.setdefault(folder, set())
            if status == "D":
                held.discard(path)
                continue
            if not held:
                found[folder] = commit
            held.add(path)
    return found


_CAME_OR_WENT = re.compile(rf"\n?([AD])\0({layout.ENVIRONMENTS}/[^/\0]+/[^/\0]+/[^\0]+)\0")


def is_cut_off(root: Path, commit: str) -> bool:
    """Tell whether a shallow clone's history ends at a commit, so that all its files look new."""
    return commit in _boundary(root)


def is_shallow(root: Path) -> bool:
    """Tell whether a clone has a part of the history only."""
    return bool(_boundary(root))


def _boundary(root: Path) -> Sequence[str]:
    file = git.at(root).git_path("shallow", shared=True)
    return file.read_text().split() if file.is_file() else ()


def cut_off(what: str) -> ArgosyError:
    """Return the error that says what a shallow clone lacks."""
    return ArgosyError(
        f"This clone does not reach back to {what}, so nothing tells what changed since.",
        "Fetch the whole history: git fetch --unshallow.",
    )


def path_of(name: str, application: str, environment: str) -> str:
    """Return where a file of a deployment lies in the repository."""
    if name == APPLICATION:
        return layout.argocd_application(environment, application)
    return f"{layout.deployment(environment, application)}/{name}"


def files(state: State, application: str, environment: str) -> dict[str, bytes]:
    """Return what promotion looks at: a deployment's files, and its Application where the chart is remote."""
    found = _blobs(state, application, environment)
    return {name: blob.content for name, blob in found.items() if blob.mode != SYMLINK}


def modes(state: State, application: str, environment: str) -> dict[str, str]:
    """Return the modes of these files, and of links beside them."""
    return {name: blob.mode for name, blob in _blobs(state, application, environment).items()}


def _blobs(state: State, application: str, environment: str) -> dict[str, Blob]:
    folder, argocd = layout.deployment(environment, application), layout.argocd_application(environment, application)
    held = dict(state.files(folder, argocd))
    written = held.pop(argocd, None)
    found = {path.removeprefix(f"{folder}/"): blob for path, blob in held.items()}
    if written and is_remote(plain.parse(written.content)):
        found[APPLICATION] = written
    return found


def is_remote(application: Mapping[str, Any]) -> bool:
    """Tell whether an Application takes a chart from a chart repository."""
    spec = application.get("spec")
    found = [spec.get("source"), *(spec.get("sources") or ())] if isinstance(spec, dict) else []
    return any(isinstance(each, dict) and each.get("chart") for each in found)


def sides(
    baseline: Baseline,
    application: str,
    environments: tuple[str, str],
    now: tuple[State, State],
    state_of: Callable[[str], State],
) -> Sides:
    """Return the four versions of a deployment's files; `environments` and `now` are of source and target."""
    source, target = environments
    return Sides(
        files(state_of(baseline.source), application, source),
        files(now[0], application, source),
        files(state_of(baseline.target), application, target),
        files(now[1], application, target),
    )
