"""Environments that follow branches of their own: what a change says of them here has to be there before.

Argo CD reads the Applications from the default branch, and what they deploy from each environment's own. So a change on
the default branch alone leaves Applications that lead nowhere, or that lead to something else.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from argosy import git
from argosy.argocd.elsewhere import Branches, Read, is_on, of_folder, reads
from argosy.argocd.sources import normalise
from argosy.change import merge
from argosy.change.merge import Plan
from argosy.change.planning import Change, is_below
from argosy.documents import plain
from argosy.errors import ArgosyError
from argosy.git import branches, objects
from argosy.git.repository import Entry
from argosy.repository import layout
from argosy.repository.model import Application, ArgocdStyle, Environment, Format, Repository

Sources = Sequence[Mapping[str, Any]]
_VERSION = re.compile(rb"^_commit: (\S+)$", re.MULTILINE)


def behind(root: Path, repository: Repository, version: str) -> list[str]:
    """Return the environments' own branches, but for the one that is checked out, that another template rendered.

    A branch that this clone does not have, or that is no repository of argosy's, is none of them.
    """
    found = []
    others = {each.revision for each in repository.environments} - {git.branch(root), repository.settings.branch}
    for revision in sorted(each for each in others if branches.is_branch(root, each)):
        place = f"{branches.tip(root, revision)}:{layout.ANSWERS}"
        recorded = _VERSION.search(objects.named(root, [place])[0][2])
        if recorded and recorded[1].decode() != version:
            found.append(revision)
    return found


def refuse_leading_nowhere(plan: Plan, change: Change, command: str) -> None:
    """Raise ArgosyError where a plan lets an Application read what the branch that it follows does not have.

    `command` is how the user says it, to be said on each branch first. What is planned on an environment's own branch
    is never refused: Argo CD does not read its Applications there.
    """
    default = change.after.settings.branch
    own = {each.revision for model in (change.before, change.after) for each in model.environments} - {default, "HEAD"}
    if not own or is_on(plan.root, own, default):
        return
    work = _Work(plan, change)
    found = [each for each in work.reads() if each.revision in own]
    if not found:
        return
    branches = Branches.of(plan.root, {each.revision for each in found})
    unknown = [each for each in found if each.revision in branches.unknown and work.has_to_be_there(each.revision)]
    wrong = [(each, each.wanted[0]) for each in unknown] or branches.lacking(found)
    if wrong:
        raise _refusal(work, wrong, command, is_known=not unknown)


@dataclass(frozen=True)
class _Work:
    plan: Plan
    change: Change

    def reads(self) -> Iterator[Read]:
        """Yield what is read anew, or in another way."""
        before, after = self.applications
        url = normalise(self.change.after.settings.repo_url)
        for name, sources in after.items():
            if sources != before.get(name):
                placed = [((), each) for each in sources]
                yield from reads(name, placed, lambda each: normalise(each) == url, self._names)
        yield from self._of_deployments()

    def _of_deployments(self) -> Iterator[Read]:
        """Yield what is read of applications that an environment deploys anew, or in another format."""
        before = {(one.name, each.name): (one, each) for one, each in self.change.before.deployments()}
        for environment, application in self.change.after.deployments():
            was = before.get((environment.name, application.name))
            if was is None or (was[0].revision, was[1].format) != (environment.revision, application.format):
                name, folder = f"{application.name}-{environment.name}", _folder(environment, application)
                if names := self._names(folder):  # None are there of a chart from a chart repository.
                    yield of_folder(name, (), environment.revision, folder, names)
                if self._by_set:
                    settings = layout.application_settings(application.name)
                    yield Read(name, (), environment.revision, (settings,))

    @cached_property
    def applications(self) -> tuple[Mapping[str, Sources], Mapping[str, Sources]]:
        """The sources of the Applications in files that change, by their names: before and after."""
        touched = {path: blob for path, blob in self.plan.written.items() if is_below(path, layout.ARGOCD)}
        before = [self.plan.committed[path] for path in touched if path in self.plan.committed]
        after = [blob for blob in touched.values() if blob]
        return _sources(each.content for each in before), _sources(each.content for each in after)

    def _names(self, folder: str) -> Collection[str]:
        """Return the names of the files in a folder of the plan's result."""
        return self._result.get(folder, ())

    @cached_property
    def _result(self) -> Mapping[str, Collection[str]]:
        """The names of the files in each folder of the plan's result."""
        planned = {each.path: _remains(each) for each in self.plan.touched}
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
    def renames(self) -> bool:
        """Whether an environment goes, so that what it has lies elsewhere from then on."""
        return any(not _is_in(self.change.after, each.name) for each in self.change.before.environments)

    def has_to_be_there(self, revision: str) -> bool:
        """Return whether a revision has to be known: not that of a new environment, nor one that somebody chose."""
        before, after = self.change.before, self.change.after
        is_followed = any(each.revision == revision for each in before.environments)
        return is_followed or self.renames or before.settings.revision is not after.settings.revision

    @property
    def leaves_what_is_read(self) -> bool:
        """Whether Applications that are there now read files which go, and others take their place."""
        before, after = self.applications
        goes = any(not _remains(each) for each in self.plan.touched if not is_below(each.path, layout.ARGOCD))
        return goes and not self._by_set and any(sources != after.get(name) for name, sources in before.items())


def _remains(change: merge.Change) -> bool:
    return change.wanted is not None


def _folder(environment: Environment, application: Application) -> str:
    """Return the folder that is rendered of a deployment."""
    is_chart = application.format is Format.HELM
    return layout.chart(application.name) if is_chart else layout.deployment(environment.name, application.name)


def _sources(texts: Iterable[bytes]) -> Mapping[str, Sources]:
    """Return the sources of the Applications in files, by their names."""
    found = {}
    for text in texts:
        if b"Application" not in text:
            continue
        try:
            documents = list(plain.documents(text.decode()))
        except (yaml.YAMLError, ValueError):
            continue  # Validation says what is wrong.
        for each in documents:
            if isinstance(each, dict) and each.get("kind") == "Application":
                spec = each.get("spec") or {}
                listed = spec.get("sources") or [spec.get("source")]
                name = str((each.get("metadata") or {}).get("name", ""))
                found[name] = [source for source in listed if isinstance(source, dict)]
    return found


def _refusal(work: _Work, wrong: Sequence[tuple[Read, str]], command: str, *, is_known: bool) -> ArgosyError:
    first, path = wrong[0]
    followed = {each.revision for each in work.change.before.environments}
    revisions = list(dict.fromkeys(each.revision for each, _ in wrong))
    if not is_known and first.revision in followed:
        return ArgosyError(
            f"{first.application} follows the branch {first.revision}, and this clone does not know what is on it.",
            f"Fetch it, and run this command again: git fetch origin {' '.join(revisions)}",
        )
    lacks = f"does not have {path}" if path in first.wanted else f"has {path}, so that it is rendered in another way"
    if not is_known:
        lacks = "does not exist"
    more = f" ({len(wrong) - 1} more like that)" if len(wrong) > 1 else ""
    default = work.change.after.settings.branch
    return ArgosyError(
        f"{first.application} follows the branch {first.revision}, which {lacks}{more}. Argo CD reads the Application "
        f"from {default}, and what it deploys from {first.revision}.",
        "\n".join(_way(work, revisions, command, is_known=is_known)),
    )


def _way(work: _Work, revisions: Sequence[str], command: str, *, is_known: bool) -> Iterator[str]:
    """Yield how to bring a change to each branch first, and to the default branch last."""
    default, keeps = work.change.after.settings.branch, work.leaves_what_is_read
    yield "Bring it to that branch first, and here last, so that no Application points to a missing path in between:"
    for revision in revisions:
        origin = _origin(work.change, revision)
        if not (is_known or work.renames):
            yield f"  git branch {revision} {origin}"
            yield f"  git push origin {revision}"
            continue
        yield f"  git switch {revision}" if is_known else f"  git switch --create {revision} {origin}"
        if origin and is_known:
            yield f"  git merge {origin}"
        yield f"  {command}{'' if keeps and not origin else ' --commit'}"
        if keeps and not origin:
            yield f"  {_KEEP}"
            yield "  git commit --message 'Add what is to be deployed'"
        yield f"  git push origin {revision}"
    yield f"  git switch {default}"
    yield f"  {command} --commit"
    yield f"  git push origin {default}"
    if keeps and any(not _origin(work.change, each) for each in revisions):
        yield "git restore brings back what Argo CD still reads: remove it there once Argo CD has synced the last push."


_KEEP = (
    "git diff --staged --name-only --no-renames --diff-filter=D -z | "
    "git restore --source=HEAD --staged --worktree --pathspec-from-file=- --pathspec-file-nul"
)


def _origin(change: Change, revision: str) -> str:
    """Return what has been followed until now instead of a revision; empty where it was followed itself."""
    if revision in {each.revision for each in change.before.environments}:
        return ""
    before = {each.name: each.revision for each in change.before.environments}
    gone = [each.revision for each in change.before.environments if not _is_in(change.after, each.name)]
    follower = next((each.name for each in change.after.environments if each.revision == revision), "")
    return before.get(follower, "") or next(iter(gone), "") or change.before.settings.branch


def _is_in(repository: Repository, environment: str) -> bool:
    return any(each.name == environment for each in repository.environments)
