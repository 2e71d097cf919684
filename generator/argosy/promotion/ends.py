"""Where environments are read from: one trunk, or a branch of each environment's own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from argosy.change import edits
from argosy.errors import UsageError
from argosy.git import branches
from argosy.git.snapshot import Snapshot, resolve
from argosy.promotion import history
from argosy.promotion.history import Kind
from argosy.repository import layout, store
from argosy.repository.model import Environment, Repository


@dataclass(frozen=True, slots=True)
class Ends:
    """The states that a promotion starts from and goes to."""

    source: Snapshot
    target: Snapshot
    start: str
    """The branch that the source is on."""
    base: str
    """The branch that the target is on."""
    own_branch: bool
    """Whether the target has a branch of its own, which the source is not on."""


@dataclass(frozen=True, slots=True)
class Places:
    """The environments of a repository, and where each of them is to be read."""

    root: Path
    repository: Repository
    remote: str = ""
    """The remote whose branches count; empty: those of this clone."""

    @classmethod
    def of(cls, root: Path, remote: str = "", applications: Collection[str] = ()) -> Self:
        """Return the places of a repository; those of a remote are fetched.

        Raise UsageError for an unknown application. Of the others, the settings are not read.
        """
        repository = store.load(root, applications).repository
        if len(repository.applications) < len(set(applications)):
            repository = store.load(root).repository
        for name in applications:
            edits.application(repository, name)
        if remote:
            revisions = [each.revision for each in repository.environments]
            branches.fetch(root, remote, [*revisions, repository.settings.branch])
        return cls(root, repository, remote)

    def ends(self, source: str, target: str) -> Ends:
        """Return the states of two environments."""
        one, other = (edits.environment(self.repository, name) for name in (source, target))
        if one.revision == other.revision or not self._has_branch(other):
            return self._trunk(other)
        from_there, to_here = (branches.tip(self.root, each.revision, self._remote(each)) for each in (one, other))
        states = Snapshot(self.root, from_there), Snapshot(self.root, to_here)
        return Ends(*states, one.revision, other.revision, own_branch=True)

    def end(self, environment: str) -> Ends:
        """Return the state of one environment, as both ends."""
        place = edits.environment(self.repository, environment)
        others = [each.revision for each in self.repository.environments if each is not place]
        if not others or place.revision in others or not self._has_branch(place):
            return self._trunk(place)
        state = Snapshot(self.root, branches.tip(self.root, place.revision, self._remote(place)))
        return Ends(state, state, place.revision, place.revision, own_branch=True)

    def _trunk(self, environment: Environment) -> Ends:
        """Return the state of the trunk: what is checked out, or what the remote has."""
        known = branches.is_branch(self.root, environment.revision)
        base = environment.revision if known else self.repository.settings.branch
        state = Snapshot.of(self.root, branches.tip(self.root, base, self.remote) if self.remote else "HEAD")
        return Ends(state, state, base, base, own_branch=False)

    def _has_branch(self, environment: Environment) -> bool:
        """Tell whether an environment follows a branch; raise ArgosyError where this clone does not know what it is."""
        found = branches.is_branch(self.root, environment.revision)
        if not found and not resolve(self.root, environment.revision):
            branches.tip(self.root, environment.revision, self.remote)
        return found

    def _remote(self, environment: Environment) -> str:
        return self.remote if branches.is_branch(self.root, environment.revision) else ""


def applications(ends: Ends, source: str, target: str, wanted: Sequence[str]) -> list[str]:
    """Return which applications to promote: the wanted ones, or with none all that both environments deploy.

    Raise UsageError for a name that one of them does not deploy.
    """
    there = [deployed(state, name) for state, name in ((ends.source, source), (ends.target, target))]
    for name in wanted:
        for listed, environment in zip(there, (source, target), strict=True):
            if name not in listed:
                folder = layout.deployment(environment, name)
                where = f" on the branch {ends.base}" if ends.own_branch and environment == target else ""
                raise UsageError(
                    f"{name} is not deployed to {environment}{where}.",
                    f"Copy its folder there as {folder}, run argosy apply and commit; argosy status shows them all.",
                )
    return list(dict.fromkeys(wanted)) or [name for name in there[1] if name in there[0]]


def deployed(state: Snapshot, environment: str) -> list[str]:
    """Return the applications that an environment deploys in a state."""
    known = {path.split("/")[1] for path in state.paths(layout.APPLICATIONS) if layout.is_settings(path)}
    folder = layout.environment(environment)
    found = dict.fromkeys(path.split("/")[2] for path in state.paths(folder) if path.count("/") > 2)
    return [name for name in found if name in known]


def followers(places: Places, since: str) -> list[tuple[list[str], str, str]]:
    """Return what follows the promotions since a commit: applications, from, to.

    Raise UsageError where there is no such commit; all zeros, as hosts say of a new branch, are nothing.
    """
    root = places.root
    if not since.strip("0"):
        return []
    if not resolve(root, since):
        raise UsageError(f"There is no commit “{since}” here.", "Fetch the whole history, or name another commit.")
    groups: dict[tuple[str, str], list[str]] = {}
    seen: set[tuple[str, str]] = set()
    for each in history.records(root, f"{since}..HEAD"):
        place = (each.step.application, each.step.target)
        if place in seen or each.reverted:
            continue
        seen.add(place)  # The newest tells: what was rolled back since is not to be followed.
        for environment in places.repository.environments:
            follows = environment.promotes_from == each.step.target and each.step.kind is Kind.PROMOTION
            if follows and each.step.application in environment.applications:
                groups.setdefault((each.step.target, environment.name), []).append(each.step.application)
    return [(sorted(names), *legs) for legs, names in groups.items()]
