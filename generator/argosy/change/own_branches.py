"""Environments that follow branches of their own: what a change does there, and in which order it gets to Argo CD.

Argo CD reads the Applications from the default branch, and what they deploy from each environment's own. So a change on
the default branch alone leaves Applications that lead nowhere, or that lead to something else: what an environment's
branch has to hold is changed there, and worked out from what that branch holds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from argosy import git
from argosy.argocd.elsewhere import Branches, Read, Sources, is_on, of_folder, reads, sources_in
from argosy.argocd.sources import normalise
from argosy.change import merge, origin, ownership, planning, privileges
from argosy.change.merge import Plan
from argosy.change.planning import Change
from argosy.errors import ArgosyError, UsageError
from argosy.git import branches, objects
from argosy.git.branches import Tip
from argosy.git.repository import Entry
from argosy.git.snapshot import Snapshot, Written
from argosy.names import joined
from argosy.repository import layout
from argosy.repository.model import SHARED, Application, ArgocdStyle, Environment, Format, Repository, RevisionStyle
from argosy.repository.store import Stored


def behind(root: Path, repository: Repository, version: str) -> tuple[Mapping[str, str], Sequence[str]]:
    """Return the environments' own branches that another template rendered, with the version that each records.

    A branch that is no repository of argosy's is none of them. Those that this clone does not have are returned as
    well. From an environment's own branch, none is seen.
    """
    own = sorted({*_followed(root, repository).values()})
    tips = [tip for each in own if (tip := branches.newest(root, each))]
    answers = objects.named(root, [f"{tip.commit}:{layout.ANSWERS}" for tip in tips])
    found = {tip.branch: origin.recorded(text) for tip, (_, _, text) in zip(tips, answers, strict=True)}
    lacking = {*own} - found.keys()
    unseen = [each for each in own if each in lacking and not _is_fixed(root, each)]
    return {branch: each for branch, each in found.items() if each not in {"", version}}, unseen


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What a branch that environments follow holds, checked out at a place of its own."""

    branch: str
    environments: Collection[str]
    """Those that follow the branch."""
    root: Path
    stored: Stored

    @property
    def repository(self) -> Repository:
        """The repository as the branch has it."""
        return self.stored.repository


Again = Callable[[Elsewhere], Change | None]
"""Makes a change of the default branch of what another one holds; None where there is nothing to change."""


@dataclass(frozen=True, slots=True)
class OnBranch:
    """What a change does on a branch that environments follow, in one or two steps."""

    tip: Tip
    """Where it starts from: the branch, or for a new one that of another."""
    branch: str
    plan: Plan
    first: Written
    """What is pushed before the default branch: nothing that is read until then goes."""
    last: Written
    """What is pushed once Argo CD has synced the default branch."""

    @property
    def is_new(self) -> bool:
        """Whether the branch is made."""
        return self.tip.branch != self.branch

    @property
    def start(self) -> Snapshot:
        """The state that it starts from."""
        return Snapshot(self.plan.root, self.tip.commit)

    @property
    def after(self) -> Snapshot:
        """The state after all steps."""
        return self.start.with_files(self.plan.written)


class Found(list[OnBranch]):
    """What a change does on branches, and why it could not be worked out on others."""

    def __init__(self) -> None:
        self.refused: dict[str, ArgosyError] = {}
        self.unseen: dict[str, ArgosyError] = {}
        """The branches that the change concerns, and that are not where they are looked for."""


def plans(plan: Plan, change: Change, again: Again, remote: str = "", *, writes: bool) -> Found:
    """Return what a change of the default branch does on the branches that environments follow.

    With a remote, its branches are fetched, and count alone. Nothing is done from an environment's own branch. Where
    it cannot be worked out is noted, or raised as ArgosyError if it `writes` what is found.
    """
    root, found = plan.root, Found()
    own = _own(change)
    if not own or is_on(root, own, change.after.settings.branch):
        return found
    there = branches.fetch(root, remote, [*own, change.before.settings.branch]) if remote else frozenset[str]()
    work = _Work(plan, change)
    for revision in (each for each in own if any(each == one.revision for one in change.after.environments)):
        tip = work.start(revision, remote, there)
        if tip is None:
            if work.is_unseen(revision):
                found.unseen[revision] = _unseen(root, revision, remote)
            continue
        with branches.checked_out(root, tip.commit) as place:
            try:
                held = ownership.load(place)
                # Clusters are declared on the default branch alone.
                known = replace(held, repository=replace(held.repository, clusters=change.before.clusters))
                made = _planned(Elsewhere(revision, work.followers(revision), place, known), again)
            except ArgosyError as error:
                told = error.message.replace(str(place), "this")
                # As usage, there is nothing to change there, or someone has done it already.
                if writes and not isinstance(error, UsageError):
                    raise ArgosyError(f"On the branch {tip.branch}: {told}", error.hint) from error
                found.refused[revision] = type(error)(told, error.hint)
                continue
        if made and (tip.branch != revision or work.concerns(revision, *made)):
            on_it = replace(made[1], root=root)
            found.append(OnBranch(tip, revision, on_it, *work.steps(revision, on_it, is_new=tip.branch != revision)))
    return found


def _own(change: Change) -> Sequence[str]:
    """Return the revisions other than the default branch that environments follow, before or after a change."""
    followed = [each.revision for model in (change.after, change.before) for each in model.environments]
    return [each for each in dict.fromkeys(followed) if each not in {change.after.settings.branch, "HEAD"}]


def _planned(there: Elsewhere, again: Again) -> tuple[Change, Plan] | None:
    change = again(there)
    if change is None:
        return None
    present = there.stored.version
    versioned = replace(change, from_version=present, to_version=change.to_version or present)
    made = planning.plan(there.root, versioned, privileges.kept)
    return (versioned, made) if made.touched else None


def followed(root: Path, repository: Repository) -> Mapping[str, str]:
    """Return the branches that environments are read from rather than from what is checked out, by environment."""
    own = _followed(root, repository)
    return {name: branch for name, branch in own.items() if branches.newest(root, branch)}


def _followed(root: Path, repository: Repository) -> Mapping[str, str]:
    """Return the revisions that environments are read from rather than from what is checked out, known here or not."""
    default = repository.settings.branch
    own = {each.name: each.revision for each in repository.environments if each.revision not in {default, "HEAD"}}
    return {} if not own or is_on(root, own.values(), default) else own


def _is_fixed(root: Path, revision: str) -> bool:
    """Return whether a revision that is no branch here is a tag or a commit, which stays as it is."""
    known = Branches.of(root, [revision])
    return revision not in known.unknown and revision not in known.known


def _unseen(root: Path, revision: str, remote: str) -> ArgosyError:
    """Return the error that what is on a branch is not known: of a remote, if one is given."""
    here = branches.newest(root, revision)
    if remote and not here:
        return branches.absent(root, revision, remote)
    if remote and here:
        push = f"git push {remote} {here.name}:refs/heads/{revision}"
        return ArgosyError(
            f"The branch {revision}, which the change is for as well, is not on {remote}.",
            f"Push it, and run this command again: {push}",
        )
    return ArgosyError(
        f"The branch {revision}, which the change is for as well, is not in this clone.",
        f"Bring it here, and run this command again: {branches.fetching(root, revision)}",
    )


def refuse_leading_nowhere(plan: Plan, change: Change, command: str, found: Found, *, writes: bool) -> None:
    """Raise ArgosyError where a plan lets an Application read what the branch that it follows does not have.

    `command` is how the user says it, and `writes` whether what was found to do on the branches is done as well. What
    is planned on an environment's own branch is never refused: Argo CD does not read its Applications there.
    """
    default, own = change.after.settings.branch, _own(change)
    if not own or is_on(plan.root, own, default):
        return
    work = _Work(plan, change)
    read = [each for each in work.reads() if each.revision in own]
    if not read:
        return
    planned = {each.branch: each.start.with_files(each.first or each.plan.written) for each in found}
    revisions = {each.revision for each in read}

    def wrong(known: Branches) -> tuple[Sequence[tuple[Read, str]], bool]:
        """Return what leads nowhere, with the path that is wrong there, and whether its branch is known."""
        unknown = [each for each in read if each.revision in known.unknown and work.has_to_be_there(each.revision)]
        return [(each, each.wanted[0]) for each in unknown] or known.lacking(read), not unknown

    left, is_known = wrong(Branches.of(plan.root, revisions, planned))
    if left:
        raise _refusal(work, left, command, found, is_known=is_known, is_mended=False)
    if not writes and found:
        left, is_known = wrong(Branches.of(plan.root, revisions))
    if left:
        raise _refusal(work, left, command, found, is_known=is_known, is_mended=True)


@dataclass(frozen=True)
class _Work:
    plan: Plan
    change: Change

    def start(self, revision: str, remote: str, there: Collection[str]) -> Tip | None:
        """Return where a branch is, or where a new one starts; None for a tag, a commit, and what is not known here.

        With a remote, `there` are the branches that it has, which were fetched.
        """

        def tip(branch: str) -> Tip | None:
            if not remote:
                return branches.newest(self.plan.root, branch)
            ref = f"refs/remotes/{remote}/{branch}"
            return Tip(branch, ref, git.at(self.plan.root).refs[ref]) if branch in there else None

        if found := tip(revision):
            return found
        origin = self._origin(revision)
        if origin is None:
            return None
        return tip(origin) or Tip(origin, "HEAD", self.plan.head)

    def is_unseen(self, revision: str) -> bool:
        """Return whether a branch that is not known here has followers, and something changes for them."""
        is_followed = any(each.revision == revision for each in self.change.before.environments)
        return (
            is_followed and not _is_fixed(self.plan.root, revision) and self.concerns(revision, self.change, self.plan)
        )

    def _origin(self, revision: str) -> str | None:
        """Return the branch that a new one starts from; None where it is not the change's to make it."""
        before, after = self.change.before, self.change.after
        if any(each.revision == revision for each in before.environments):
            return None
        followers = [each for each in after.environments if each.revision == revision]
        known = {each.name: each.revision for each in before.environments}
        gone = [each.revision for each in before.environments if not _is_in(after, each.name)]
        for each in followers:
            if each.name not in known and after.settings.revision is RevisionStyle.BRANCH and each.name == revision:
                sources = (layout.environment_of(f"{old}/") for old in self.change.copies.values())
                copied = next((known[name] for name in sources if name in known), before.settings.branch)
                return gone[0] if gone else copied
            if each.name in known and before.settings.revision is not after.settings.revision:
                return known[each.name]
        return None

    def followers(self, revision: str) -> Collection[str]:
        """Return the environments that follow a revision, before or after the change."""
        models = (self.change.before, self.change.after)
        return {each.name for model in models for each in model.environments if each.revision == revision}

    def concerns(self, revision: str, change: Change, plan: Plan) -> bool:
        """Return whether a change of an environment's branch reaches what is read from there, or said of it."""
        names = self.followers(revision)
        applications = {
            name
            for model in (change.before, change.after)
            for each in model.environments
            if each.name in names
            for name in each.applications
        }
        charts = [
            layout.shared_chart(change.after.followed(each, name))
            for each in change.after.environments
            if each.name in names
            for name, _ in each.chart_versions
        ]
        return change.is_update or any(
            path == layout.ANSWERS
            or path.startswith(f"{layout.TEAMS}/")
            or objects.is_within(path, charts)
            or (layout.environment_of(path) in names and not objects.is_within(path, (layout.ARGOCD,)))
            or (layout.environment_of(path) is None and layout.application_of(path) in applications)
            for path in (each.path for each in plan.touched)
        )

    def steps(self, revision: str, plan: Plan, *, is_new: bool) -> tuple[Written, Written]:
        """Return what is to be there before Argo CD reads the default branch anew, and what afterwards.

        What Applications read that are there now goes when they are gone, or read something else.
        """
        written = plan.written
        if is_new:
            return written, {}
        lacking = Branches.of(self.plan.root, [revision]).lacking(
            [each for each in (self._of_applications() if self._by_set else self.reads()) if each.revision == revision]
        )
        going = {
            path: blob
            for path, blob in written.items()
            if blob is None and not objects.is_within(path, (layout.ARGOCD,))
        }
        if self._by_set and self.change.is_update:  # It goes on making the same, and may read that from other places.
            last = going if layout.APPLICATION_SET in self.plan.written else {}
            return {path: blob for path, blob in written.items() if path not in last}, last
        if self._by_set:  # What it makes of a branch is decided there; what the projects permit, on the default branch.
            return (written, {}) if lacking or going else ({}, written)
        before, after = self.applications
        changed = [
            each
            for name, sources in before.items()
            if sources != after.get(name)
            for each in sources
            if each.get("targetRevision") == revision
        ]
        if not (going and changed):
            return written, {}
        return (
            ({path: blob for path, blob in written.items() if path not in going}, going) if lacking else ({}, written)
        )

    def reads(self) -> Iterator[Read]:
        """Yield what is read anew, or in another way."""
        yield from self._of_applications()
        yield from self._of_deployments()

    def _of_applications(self) -> Iterator[Read]:
        before, after = self.applications
        url = normalise(self.change.after.settings.repo_url)
        for name, sources in after.items():
            if sources != before.get(name):
                placed = [((), each) for each in sources]
                yield from reads(name, placed, lambda each: normalise(each) == url, self._names)

    def _of_deployments(self) -> Iterator[Read]:
        """Yield what is read of applications that an environment deploys anew, or in another format."""
        before = {
            (one.name, each.name): (one.revision, each.format, _folder(self.change.before, one, each))
            for one, each in self.change.before.deployments()
        }
        for environment, application in self.change.after.deployments():
            folder = _folder(self.change.after, environment, application)
            now = (environment.revision, application.format, folder)
            if before.get((environment.name, application.name)) != now:
                name = f"{application.name}-{environment.name}"
                if names := self._names(folder):  # None are there of a chart from a chart repository.
                    yield of_folder(name, (), environment.revision, folder, names)
                if self._by_set:
                    settings = layout.application_settings(application.name)
                    yield Read(name, (), environment.revision, (settings,))

    @cached_property
    def applications(self) -> tuple[Mapping[str, Sources], Mapping[str, Sources]]:
        """The sources of the Applications in files that change, by their names: before and after."""
        touched = {path: blob for path, blob in self.plan.written.items() if objects.is_within(path, (layout.ARGOCD,))}
        before = [self.plan.committed[path] for path in touched if path in self.plan.committed]
        after = [blob for blob in touched.values() if blob]
        return sources_in(each.content for each in before), sources_in(each.content for each in after)

    def _names(self, folder: str) -> Collection[str]:
        """Return the names of the files in a folder of the plan's result."""
        return self._result.get(folder, ())

    @cached_property
    def _result(self) -> Mapping[str, Collection[str]]:
        """The names of the files in each folder of the plan's result."""
        planned = {each.path: _remains(each) for each in self.plan.touched}
        planned |= {path: (self.plan.root / path).is_file() for path in self.change.asked}
        found: dict[str, set[str]] = {}
        for path in {*self._committed, *planned}:
            if planned.get(path, True):
                folder, _, name = path.rpartition("/")
                found.setdefault(folder, set()).add(name)
        return found

    @cached_property
    def _committed(self) -> Mapping[str, Entry]:
        return objects.entries(self.plan.root, self.plan.head)

    @property
    def _by_set(self) -> bool:
        return self.change.after.settings.argocd is ArgocdStyle.APPLICATIONSET

    @property
    def _renames(self) -> bool:
        """Whether an environment goes, so that what it has lies elsewhere from then on."""
        return any(not _is_in(self.change.after, each.name) for each in self.change.before.environments)

    def has_to_be_there(self, revision: str) -> bool:
        """Return whether a revision has to be known: not that of a new environment, nor one that somebody chose."""
        before, after = self.change.before, self.change.after
        is_followed = any(each.revision == revision for each in before.environments)
        return is_followed or self._renames or before.settings.revision is not after.settings.revision


def _remains(change: merge.Change) -> bool:
    return change.wanted is not None


def _folder(repository: Repository, environment: Environment, application: Application) -> str:
    """Return the folder that is rendered of a deployment."""
    if application.chart == SHARED:
        return layout.shared_chart(repository.followed(environment, application.name))
    is_chart = application.format is Format.HELM
    return layout.chart(application.name) if is_chart else layout.deployment(environment.name, application.name)


def _refusal(
    work: _Work, wrong: Sequence[tuple[Read, str]], command: str, found: Found, *, is_known: bool, is_mended: bool
) -> ArgosyError:
    """Return why a change is refused, and what to do; `is_mended`: to have it made on the branches as well."""
    first, path = wrong[0]
    followed = {each.revision for each in work.change.before.environments}
    revisions = list(dict.fromkeys(each.revision for each, _ in wrong))
    if not is_known and first.revision in followed:
        return ArgosyError(
            f"{first.application} follows the branch {first.revision}, and this clone does not know what is on it.",
            f"Fetch it, and run this command again: {branches.fetching(work.plan.root, first.revision)}",
        )
    lacks = f"does not have {path}" if path in first.wanted else f"has {path}, so that it is rendered in another way"
    if not is_known:
        lacks = "does not exist"
    more = f" ({len(wrong) - 1} more like that)" if len(wrong) > 1 else ""
    default = work.change.after.settings.branch
    if is_mended:
        hint = (
            f"Say --commit: it commits on {joined([*revisions, default], 8)}, each from what that branch holds. "
            "--pull-request opens a pull request for each. --dry-run shows them all."
        )
    else:
        causes = [f"On {each}: {found.refused[each].message}" for each in revisions if each in found.refused]
        hint = "\n".join(
            [
                *causes,
                f"Bring it to {joined(revisions, 8)} first, and push that, so that no Application points to a missing "
                f"path in between; then run this command again: {command}",
            ]
        )
    return ArgosyError(
        f"{first.application} follows the branch {first.revision}, which {lacks}{more}. Argo CD reads the Application "
        f"from {default}, and what it deploys from {first.revision}.",
        hint,
    )


def _is_in(repository: Repository, environment: str) -> bool:
    return any(each.name == environment for each in repository.environments)
