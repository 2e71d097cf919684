"""The template's files one by one: brought up to date, compared with what people made of them, and put back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from argosy import git
from argosy.change import ownership, planning
from argosy.change.ownership import FileStatus, Owner, State
from argosy.errors import ArgosyError, UsageError
from argosy.git import objects
from argosy.git.objects import Blob
from argosy.names import did_you_mean
from argosy.repository import layout, states, store
from argosy.repository.model import Repository
from argosy.repository.store import Stored
from argosy.template import rendering, versions
from argosy.template.tree import Tree


def chosen(repository: Repository, names: Sequence[str]) -> Callable[[str], bool]:
    """Return what says whether a file is one of those named: by an application, an environment, a file or a folder.

    Answers are none of them. Raise UsageError where a name stands for an application and an environment.
    """
    applications = {each.name for each in repository.applications}
    environments = {each.name for each in repository.environments}
    if both := applications & environments & {*names}:
        name = min(both)
        raise UsageError(
            f"“{name}” is an application and an environment.",
            f"Name a folder: {layout.application(name)}, {layout.environment(name)}.",
        )
    places = [each.rstrip("/") for each in names if each not in applications | environments]

    def is_chosen(path: str) -> bool:
        named = layout.application_of(path) in names or layout.environment_of(path) in names
        return not store.is_answers(path) and (named or objects.is_within(path, places))

    return is_chosen


def refuse_unknown(repository: Repository, names: Sequence[str], paths: Collection[str]) -> None:
    """Raise UsageError with the nearest name where one of them stands for none of the paths."""
    for name in names:
        if not any(map(chosen(repository, [name]), paths)):
            known = [
                *(each.name for each in repository.applications),
                *(each.name for each in repository.environments),
                *paths,
            ]
            hint = did_you_mean(name, known) or "Name an application, an environment, a file or a folder."
            raise UsageError(f"The template has nothing called {name}.", hint)


@dataclass(frozen=True, slots=True)
class Departure:
    """A file that is not as the template gives it."""

    status: FileStatus
    why: str
    diff: str
    """From what the template gives to what is there."""


def departures(root: Path, stored: Stored, names: Sequence[str]) -> Sequence[Departure]:
    """Return the files that differ from what the template gives, of those named or all, and why."""
    pristine, listed = _pristine(root, stored, names)
    there = {path: blob for path in pristine if (blob := _on_disk(root, path))}
    gives = planning.as_files(pristine)
    differing = [
        each
        for each in listed
        if each.state is State.OUTDATED or (each.path in gives and there.get(each.path) != gives[each.path])
    ]
    commits = _last_commits(root, [each.path for each in differing])
    uncommitted = store.uncommitted(root) if differing else frozenset[str]()

    def why(status: FileStatus) -> str:
        last = "not committed" if status.path in uncommitted else commits.get(status.path, "")
        told = f": {last}" if last else ""
        if status.state is State.OUTDATED:
            return "an update left it as an earlier template gave it: argosy update brings it up to date"
        if status.state is State.DELETED:
            return f"deleted here{told}"
        if status.owner is Owner.SEEDED:
            return "written once, and yours since"
        return f"edited here{told}"

    def diff(path: str) -> str:
        before = {path: gives[path]} if path in gives else {}
        now = there.get(path) or _on_disk(root, path)
        return objects.diff(before, {path: now} if now else {})

    return [Departure(each, why(each), diff(each.path)) for each in differing]


def pristine_of(root: Path, stored: Stored, names: Sequence[str]) -> Mapping[str, Blob]:
    """Return what the template gives for the files named that are not so: path -> content.

    A file that was written once, and is the user's since, is among them where it is named itself. Raise ArgosyError
    where one has changes that are not committed.
    """
    pristine, listed = _pristine(root, stored, names)
    gives = planning.as_files(pristine)
    found = {
        each.path: gives[each.path]
        for each in listed
        if each.path in gives
        and (each.owner is Owner.TEMPLATE or each.path in names)
        and _on_disk(root, each.path) != gives[each.path]
    }
    if unsaved := sorted(found.keys() & store.uncommitted(root)):
        shown = "\n".join(f"  {path}" for path in unsaved[:10])
        raise ArgosyError(
            f"These files have changes that are not committed:\n{shown}",
            f"Commit them first, or take them back to what is committed: git restore -- {unsaved[0]}",
        )
    return found


def _pristine(root: Path, stored: Stored, names: Sequence[str]) -> tuple[Tree, Sequence[FileStatus]]:
    """Return what the template gives, and what is known of its files, of those named or all."""
    model = stored.repository
    wanted = chosen(model, names) if names else rendering.everything
    with versions.checkout(stored.version) as known:
        pristine = rendering.render(model, template=known)
    listed = [each for each in ownership.files(root, stored) if each.owner in {Owner.TEMPLATE, Owner.SEEDED}]
    refuse_unknown(model, names, {*pristine, *(each.path for each in listed)})
    some = {path: file for path, file in pristine.items() if wanted(path)}
    left = [each for each in listed if wanted(each.path) and not store.is_answers(each.path)]
    if stored.version != versions.current().version:
        # What `update --only` took over is the newest template's, and no edit.
        newest = planning.as_files(rendering.render(model))
        left = [each for each in left if _on_disk(root, each.path) != newest.get(each.path)]
    return some, left


def _on_disk(root: Path, path: str) -> Blob | None:
    """Return a file of the work tree, with the template's line endings; None where there is none."""
    found = states.on_disk(root, path)
    return found._replace(content=found.content.replace(b"\r\n", b"\n")) if found else None


def _last_commits(root: Path, paths: Sequence[str]) -> Mapping[str, str]:
    """Return the last commit of each file, as its id and title; nothing where nothing is committed."""
    if not paths or not git.at(root).head:
        return {}
    few = paths if len(paths) <= objects.FEW else ()
    asked = ("log", "--format=%x01%h %s", "--name-only", "--no-renames", "-z")
    listed = git.run(root, "--literal-pathspecs", *asked, "--", *few)
    found: dict[str, str] = {}
    commit = ""
    for field in listed.split("\0"):
        # After a commit's title, its first path comes behind a line feed.
        for part in field.split("\n"):
            if part.startswith("\x01"):
                commit = part[1:]
            elif part:
                found.setdefault(part, commit)
    return found
