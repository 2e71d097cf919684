"""What a repository says of itself: `.argosy.yaml`, the answers file, and Git."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from argosy import git
from argosy.argocd import declared, policies
from argosy.argocd.declared import Declared
from argosy.argocd.policies import Policies
from argosy.argocd.sources import is_local, normalise
from argosy.documents import Document, File, read
from argosy.documents.fields import mapping
from argosy.paths import astray
from argosy.remote import Lock, locking
from argosy.repository import layout
from argosy.repository.model import Tenancy

NEWEST = "1.37"


@dataclass(frozen=True, slots=True)
class Exemption:
    """A rule that the repository ignores, in the files that match one of the globs, with the reason why."""

    rule: str
    reason: str
    paths: tuple[str, ...] = ()

    def covers(self, rule: str, path: str) -> bool:
        """Return whether a finding of a rule in a file is ignored."""
        return self.rule in {rule, rule.partition("/")[0]} and (
            not self.paths or any(fnmatch.fnmatchcase(path, glob) for glob in self.paths)
        )


@dataclass(frozen=True, slots=True)
class Configuration:
    """The repository's own say in how it is validated."""

    root: Path | None = None
    """The repository; None where the files are a state of it that was written elsewhere: of which branch is unknown."""
    work_tree: Path | None = None
    """The work tree that the files are, or are a state of."""
    remotes: frozenset[str] = frozenset()
    """The URLs that it fetches from, normalised."""
    branch: str = ""
    """The branch that Argo CD reads Applications from; empty where the answers file does not tell."""
    least_privilege: bool = False
    """Whether projects outside production, too, permit no more than what is used."""
    by_team: bool = False
    """Whether each team has AppProjects of its own."""
    quotas: bool = False
    """Whether namespaces have quotas."""
    urls: frozenset[str] = frozenset()
    revisions: Set[str] = frozenset()
    has_every_branch: Callable[[], bool] = lambda: True
    kubernetes_versions: tuple[str, ...] = (NEWEST,)
    schema_locations: tuple[str, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    roots: tuple[str, ...] = ()
    """The files and folders that are applied by hand; empty: what no Application leads to."""
    variants: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    """The values files that charts are applied by hand with: by the chart's folder, and the environment."""
    declared: Declared = field(default_factory=Declared)
    """What it says of clusters, and of what generators are told."""
    policies: Policies = field(default_factory=Policies)
    """What it asks of what is deployed."""
    lock: Lock = field(default_factory=dict)
    """What was fetched from elsewhere is to be."""


def load(root: Path, repository: Path | None = None) -> Configuration:
    """Read what a repository says of itself; what is wrong in its files is for validation to find, no error here.

    Git is asked in `repository`, where the files of one of its states were written elsewhere.
    """
    answers, said = _mapping(root, layout.ANSWERS), _document(root, layout.CONFIGURATION)
    own = mapping(said.data) if said else {}
    place = repository or root
    remotes = git.remotes(place)
    equals = (answers.get("repo_url"), *_texts(own.get("repoURLs")), *(url for url in remotes if not is_local(url)))
    urls = {normalise(url) for url in equals if isinstance(url, str) and url}
    version = answers.get("kubernetes_version")
    versions = _texts(own.get("kubernetesVersions")) or ((version,) if isinstance(version, str) else (NEWEST,))
    exemptions = own.get("ignore")
    branch = answers.get("branch")
    return Configuration(
        root=root if repository is None else None,
        work_tree=place,
        remotes=frozenset(map(normalise, remotes)),
        branch=branch if isinstance(branch, str) else "",
        least_privilege=answers.get("least_privilege") is True,
        by_team=answers.get("tenancy") == Tenancy.TEAM,
        quotas=answers.get("quotas") is True,
        urls=frozenset(urls),
        revisions=git.Revisions(place, remotes.values()),
        has_every_branch=cache(partial(git.has_every_branch, place)),
        kubernetes_versions=versions,
        schema_locations=_texts(own.get("schemaLocations")),
        exemptions=tuple(
            Exemption(str(each.get("rule", "")), str(each.get("reason", "")), _texts(each.get("paths")))
            for each in (exemptions if isinstance(exemptions, list) else ())
            if isinstance(each, dict)
        ),
        roots=tuple(posixpath.normpath(each) for each in _texts(own.get("roots"))),
        lock=locking.read(root),
        variants={
            posixpath.normpath(chart): {
                name: tuple(map(_in_repository, _texts(files))) for name, files in mapping(several).items()
            }
            for chart, several in mapping(own.get("variants")).items()
        },
        declared=declared.of(said, root),
        policies=policies.of(said, root),
    )


def own_policies(root: Path) -> Policies:
    """Return the policies that a repository has of its own, by what `.argosy.yaml` says alone."""
    return policies.of(_document(root, layout.CONFIGURATION), root)


def baseline(root: Path) -> str:
    """Return the file of the baseline that a repository names, relative to its root; empty where it names none."""
    named = _mapping(root, layout.CONFIGURATION).get("baseline")
    return named if isinstance(named, str) else ""


def _in_repository(path: str) -> str:
    """Return a path from the repository's root, which a leading `/` stands for, as in an Application."""
    return posixpath.normpath(path.lstrip("/") or ".")


def _mapping(root: Path, path: str) -> Mapping[str, Any]:
    found = _document(root, path)
    return mapping(found.data) if found else {}


def _document(root: Path, path: str) -> Document | None:
    if not (root / path).is_file() or astray(root / path, root):
        return None
    return next(iter(read(File(path, root / path)).documents), None)


def _texts(value: Any) -> tuple[str, ...]:
    listed: Sequence[Any] = value if isinstance(value, list) else ()
    return tuple(each for each in listed if isinstance(each, str))
