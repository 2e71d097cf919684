"""Where environments are read from: one trunk, or a branch of each environment's own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from argosy import git
from argosy.change import edits
from argosy.errors import ArgosyError, UsageError
from argosy.git import branches, objects
from argosy.git.branches import Tip
from argosy.git.snapshot import Snapshot, resolve
from argosy.promotion import trailers
from argosy.promotion.history import History
from argosy.promotion.trailers import Kind, Step
from argosy.repository import layout, store
from argosy.repository.model import Environment, Repository

HEAD = "HEAD"


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


@dataclass(frozen=True)
class Places:
    """The environments of a repository, and where each of them is to be read."""

    root: Path
    repository: Repository
    history: History
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
        if remote:
            revisions = [each.revision for each in repository.environments]
            branches.fetch(root, remote, [*revisions, repository.settings.branch])
        places = cls(root, repository, History(root), remote)
        for name in {*applications} - {each.name for each in repository.applications}:
            if not any(places.deploys(each, name) for each in repository.environments):
                edits.application(repository, name)
        return places

    def deploys(self, environment: Environment, application: str) -> bool:
        """Return whether an environment deploys an application where it is read from."""
        tip = self.tip(environment).commit
        return bool(tip) and application in self.history.cache.state(tip).deployed(environment.name)

    def ends(self, source: str, target: str) -> Ends:
        """Return the states of two environments."""
        one, other = (edits.environment(self.repository, name) for name in (source, target))
        if one.revision == other.revision or not self._has_branch(other):
            return self._trunk(other)
        states = [Snapshot(self.root, self._find(each.revision).commit) for each in (one, other)]
        return Ends(states[0], states[1], one.revision, other.revision, own_branch=True)

    def end(self, environment: str) -> Ends:
        """Return the state of one environment, as both ends."""
        place = edits.environment(self.repository, environment)
        if self._is_on_trunk(place) or not self._has_branch(place):
            return self._trunk(place)
        state = Snapshot(self.root, self._find(place.revision).commit)
        return Ends(state, state, place.revision, place.revision, own_branch=True)

    def tip(self, environment: Environment) -> Tip:
        """Return what an environment deploys: its own branch, tag or commit, else what is checked out.

        Where this clone has no such revision, there is no commit.
        """
        if self._is_on_trunk(environment) or environment.revision == HEAD:
            return Tip(HEAD, HEAD, self.head)
        try:
            return self._find(environment.revision)
        except ArgosyError:
            name = environment.revision
            fetch = branches.fetching(self.root, name)
            return Tip(name, name, "", f"this clone has no branch, tag or commit “{name}”: {fetch}")

    @property
    def remarks(self) -> list[str]:
        """What to know of the branches that are read, where this clone's are not the remote's."""
        tips = map(self.tip, self.repository.environments)
        return [*dict.fromkeys(each.remark for each in tips if each.commit and each.remark)]

    @property
    def head(self) -> str:
        """The commit that is checked out; raise ArgosyError where nothing is committed yet."""
        if found := self._commits[HEAD]:
            return found
        raise ArgosyError(f"Nothing is committed in {self.root} yet.", "Commit it first: git add --all && git commit.")

    @cached_property
    def _commits(self) -> Mapping[str, str]:
        """The commits of all revisions, and of the branches of their names, looked up at once; "" for none."""
        revisions = {*(each.revision for each in self.repository.environments), self.repository.settings.branch}
        names = [HEAD, *(name for each in sorted(revisions) for name in (*self._branches(each), each))]
        answers = objects.types(self.root, [f"{name}^{{commit}}" for name in names])
        return {name: id if kind == "commit" else "" for name, (id, kind) in zip(names, answers, strict=True)}

    def _branches(self, revision: str) -> list[str]:
        """Return the references that a branch may have here."""
        names = branches.places(self.root, revision)
        return [f"refs/remotes/{self.remote}/{revision}", *names] if self.remote else [*names]

    def _is_branch(self, revision: str) -> bool:
        """Return whether a revision is a branch, rather than a tag or a commit."""
        return revision != HEAD and any(self._commits[each] for each in self._branches(revision))

    def _find(self, revision: str) -> Tip:
        """Return what a revision stands for; raise ArgosyError where this clone lacks it."""
        if revision not in self._found:
            self._found[revision] = self._looked_up(revision)
        return self._found[revision]

    @cached_property
    def _found(self) -> dict[str, Tip]:
        """What was found already."""
        return {}

    def _looked_up(self, revision: str) -> Tip:
        listed = self._branches(revision)
        tips = {name: self._commits[name] for name in (listed[:1] if self.remote else listed) if self._commits[name]}
        if found := branches.newer(self.root, revision, tips):
            return found
        if self._commits[revision] and not (self.remote and self._is_branch(revision)):
            return Tip(revision, revision, self._commits[revision])
        raise branches.absent(self.root, revision, self.remote)

    def _is_on_trunk(self, environment: Environment) -> bool:
        """Return whether an environment has no revision of its own."""
        others = [each.revision for each in self.repository.environments if each is not environment]
        return not others or environment.revision in others

    def _has_branch(self, environment: Environment) -> bool:
        """Return whether an environment follows a branch; raise ArgosyError where this clone lacks what it follows."""
        self._find(environment.revision)
        return self._is_branch(environment.revision)

    def _trunk(self, environment: Environment) -> Ends:
        """Return the state of the trunk: what is checked out, or what the remote has."""
        base = environment.revision if self._is_branch(environment.revision) else self.repository.settings.branch
        state = Snapshot(self.root, self._find(base).commit if self.remote else self.head)
        return Ends(state, state, base, base, own_branch=False)


def applications(
    places: Places, ends: Ends, source: str, target: str, wanted: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return which applications to promote: the wanted ones, or with none all that both environments deploy.

    And which of the source's the target does not deploy: of the wanted ones those that may come to it, else all. Raise
    UsageError for a name that the source does not deploy.
    """
    states = ((ends.source, source), (ends.target, target))
    there = [places.history.state(state).deployed(name) for state, name in states]
    for name in wanted:
        if name not in there[0]:
            brings = f"argosy promote {name} --to {source} brings it there"
            if not edits.environment(places.repository, source).promotes_from:
                folder = layout.deployment(source, name)
                brings = f"To deploy it there, copy its folder as {folder}, run argosy apply and commit"
            raise UsageError(f"{name} is not deployed to {source}.", f"{brings}; argosy status shows where it is.")
    names = list(dict.fromkeys(wanted)) or there[0]
    return [name for name in names if name in there[1]], [name for name in names if name not in there[1]]


def followers(
    places: Places, since: str, texts: Mapping[str, Sequence[str]] | None = None
) -> list[tuple[list[str], str, str]]:
    """Return what follows the promotions since a commit: applications, from, to.

    `texts` are what else tells of commits, of the deployments that these changed. Raise UsageError where there is no
    such commit; all zeros, as hosts say of a new branch, are nothing.
    """
    root = places.root
    if not _is_told(root, since):
        return []
    found = [(each.commit, each.step) for each in trailers.records(root, f"{since}..HEAD") if not each.reverted]
    if told := _told(root, texts or {}):
        listed = git.run(root, "rev-list", "--date-order", f"{since}..HEAD", "--").split()
        newest = {commit: place for place, commit in enumerate(listed)}
        found = sorted([*found, *told], key=lambda each: newest[each[0]])
    groups: dict[tuple[str, str], list[str]] = {}
    seen: set[tuple[str, str]] = set()
    for _, step in found:
        place = (step.application, step.target)
        if place in seen:
            continue
        seen.add(place)  # The newest tells: what was rolled back since is not to be followed.
        for environment in places.repository.environments:
            follows = environment.promotes_from == step.target and step.kind is Kind.PROMOTION
            if follows and step.application in environment.applications:
                groups.setdefault((step.target, environment.name), []).append(step.application)
    return [(sorted(names), *legs) for legs, names in groups.items()]


def _is_told(root: Path, since: str) -> bool:
    """Return whether it is a commit that something may follow; raise UsageError where there is none of that name."""
    if since.strip("0") and not resolve(root, since):
        raise UsageError(f"There is no commit “{since}” here.", "Fetch the whole history, or name another commit.")
    return bool(since.strip("0"))


def _told(root: Path, texts: Mapping[str, Sequence[str]]) -> list[tuple[str, Step]]:
    """Return the steps that texts tell of commits, where these bear them out."""
    told = {commit: [step for each in listed for step in trailers.steps(each)] for commit, listed in texts.items()}
    changed = trailers.deployments(root, [commit for commit, steps in told.items() if steps])
    return [
        (commit, step)
        for commit, steps in told.items()
        for step in steps
        if (step.target, step.application) in changed[commit]
    ]


def untold(places: Places, since: str) -> Mapping[str, str]:
    """Return the commits since one that may be promotions to follow, but tell of none: their ids and titles.

    They change an environment between two others, and revert nothing. Raise UsageError as `followers` does.
    """
    known = places.repository.environments
    between = [each.name for each in known if each.promotes_from and any(o.promotes_from == each.name for o in known)]
    if not _is_told(places.root, since) or not between:
        return {}
    told = {each.commit for each in trailers.records(places.root, f"{since}..HEAD")}
    listed = git.run(
        places.root,
        *("log", "--no-merges", "--invert-grep", "--grep=^This reverts commit "),
        *("--format=%H %s", f"{since}..HEAD", "--", *map(layout.environment, between)),
    )
    commits = dict(line.split(" ", 1) for line in listed.split("\n")[:-1])
    return {commit: title for commit, title in commits.items() if commit not in told}
