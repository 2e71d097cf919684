"""Where each environment's state is read: the tip of the branch that it follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from argosy.errors import ArgosyError
from argosy.git import objects
from argosy.repository import layout, store
from argosy.repository.model import Environment, Repository, RevisionStyle

HEAD = "HEAD"


@dataclass(frozen=True, slots=True)
class Tip:
    """What a revision stands for in this clone."""

    revision: str
    commit: str = ""
    """Empty where this clone has no such revision."""

    @property
    def problem(self) -> str:
        """What is wrong with it, and what to do; empty if nothing is."""
        if self.commit:
            return ""
        return f"this clone has no branch, tag or commit “{self.revision}”: git fetch origin {self.revision}"


def of(root: Path, repository: Repository) -> Mapping[str, Tip]:
    """Return the tip of each environment by its name; raise ArgosyError where nothing is committed yet.

    Of a trunk, which several environments follow, what is checked out is looked at; else an environment's own branch,
    here or as it was fetched last.
    """
    asked = {each.name: _names(each, repository) for each in repository.environments}
    names = list(dict.fromkeys([HEAD, *(name for listed in asked.values() for name in listed)]))
    answers = objects.types(root, [f"{name}^{{commit}}" for name in names])
    commits = {name: id for name, (id, kind) in zip(names, answers, strict=True) if kind == "commit"}
    if HEAD not in commits:
        raise ArgosyError(f"Nothing is committed in {root} yet.", "Commit it first: git add --all && git commit.")
    return {each.name: _tip(each.revision, asked[each.name], commits) for each in repository.environments}


def _names(environment: Environment, repository: Repository) -> list[str]:
    revision, settings = environment.revision, repository.settings
    shared = sum(each.revision == revision for each in repository.environments) > 1
    if shared or (settings.revision is RevisionStyle.TRUNK and revision in {settings.branch, HEAD}):
        return [HEAD]
    return [f"refs/heads/{revision}", f"refs/remotes/origin/{revision}", revision]


def _tip(revision: str, names: list[str], commits: Mapping[str, str]) -> Tip:
    found = next((name for name in names if name in commits), None)
    if found is None:
        return Tip(revision)
    return Tip(found.removeprefix("refs/heads/").removeprefix("refs/remotes/"), commits[found])


def edited(root: Path) -> frozenset[str]:
    """Return the environments of which the work tree has changes that are not committed."""
    paths = store.uncommitted(root, layout.ENVIRONMENTS, layout.ARGOCD)
    return frozenset(found for path in paths if (found := layout.environment_of(path)))
