"""What a repository hands to Argo CD: its projects, and the root Application that makes it read everything else."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argosy.errors import ArgosyError, UsageError
from argosy.kubernetes import manifests
from argosy.kubernetes.cluster import NAMESPACE
from argosy.kubernetes.manifests import Manifest
from argosy.names import joined
from argosy.repository import layout
from argosy.repository.model import ArgocdStyle, Environment, Repository

_EVERY_ENVIRONMENT = f"{layout.ENVIRONMENTS}/*/{layout.ENVIRONMENT_SETTINGS}"


@dataclass(frozen=True, slots=True)
class Handover:
    """What Argo CD is given, and for which environments."""

    environments: Sequence[Environment]
    projects: Sequence[Manifest]
    roots: Sequence[Manifest]
    """The root Application, and whatever else root.yaml holds; the ApplicationSet too where it is a root itself."""
    sources: Sequence[tuple[str, str, str]]
    """Of each root Application: the repository's URL, the revision and the path."""
    namespace: str = NAMESPACE
    """Where the root Application is, and so the Argo CD that reads it."""


def of(root: Path, repository: Repository, environment: Environment | None) -> Handover:
    """Return what an Argo CD is given for all environments, or the one in the cluster of a single environment."""
    if environment is not None and environment.clusters:
        raise UsageError(
            f"{environment.name} is in {joined(environment.clusters)}: one Argo CD deploys to all of them.",
            "Leave --env out.",
        )
    given = _read(root, layout.ROOT_APPLICATION)
    environments = repository.environments if environment is None else (environment,)
    if environment is not None:
        given = [_narrowed(each, environment.name) for each in given]
        if repository.settings.argocd is ArgocdStyle.APPLICATIONSET:
            given += [_narrowed_set(each, environment.name) for each in _read(root, layout.APPLICATION_SET)]
    projects = [each for each in given if each["kind"] == "AppProject"]
    own = [each for path in paths_of_projects(repository, environments) for each in _read(root, path)]
    roots = [each for each in given if each["kind"] != "AppProject"]
    applications = [each for each in roots if each["kind"] == "Application"]
    if not applications:
        raise ArgosyError(f"{layout.ROOT_APPLICATION} holds no Application.", "Restore it from Git.")
    namespace = manifests.reference(applications[0]).namespace or NAMESPACE
    return Handover(environments, [*projects, *own], roots, [source(each) for each in applications], namespace)


def paths_of_projects(repository: Repository, environments: Sequence[Environment]) -> list[str]:
    """Return the files of the AppProjects of environments, and of teams in them."""
    return [
        layout.project(each.environment.name, each.team)
        for each in repository.projects()
        if each.environment in environments
    ]


def _read(root: Path, path: str) -> list[Manifest]:
    try:
        text = (root / path).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ArgosyError(f"{path} is missing.", "Restore it from Git: it says what Argo CD reads.") from error
    return manifests.read(text, path)


def source(application: Manifest) -> tuple[str, str, str]:
    """Return the URL, the revision and the path that an Application reads."""
    spec = application.get("spec") or {}
    first: Manifest = spec.get("source") or next(iter(spec.get("sources") or ()), {})
    return str(first.get("repoURL", "")), str(first.get("targetRevision") or "HEAD"), str(first.get("path", ""))


def _narrowed(manifest: Manifest, environment: str) -> Manifest:
    """Return the root Application of a cluster that has an Argo CD of its own: it reads one environment's folder.

    And what belongs to Argo CD itself.
    """
    if manifest["kind"] != "Application" or source(manifest)[2].strip("/") != layout.ARGOCD:
        return manifest
    narrowed: dict[str, Any] = copy.deepcopy(dict(manifest))
    directory = narrowed["spec"]["source"].setdefault("directory", {})
    directory["include"] = f"{{{layout.PLATFORM}.yaml,{environment}/*}}"
    return narrowed


def _narrowed_set(manifest: Manifest, environment: str) -> Manifest:
    """Return the ApplicationSet that makes one environment's Applications alone."""
    narrowed: dict[str, Any] = copy.deepcopy(dict(manifest))
    found = [file for file in _files(narrowed.get("spec", {})) if file.get("path") == _EVERY_ENVIRONMENT]
    if manifest["kind"] == "ApplicationSet" and not found:
        raise ArgosyError(
            f"{layout.APPLICATION_SET} does not read {_EVERY_ENVIRONMENT}, so it cannot be limited to the "
            f"environment {environment}.",
            "Restore that from the template, or omit --env.",
        )
    for file in found:
        file["path"] = layout.environment_settings(environment)
    return narrowed


def _files(data: Any) -> Iterator[dict[str, Any]]:
    """Yield the entries of all git generators' `files`."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key == "files" and isinstance(value, list):
                yield from (each for each in value if isinstance(each, dict))
            else:
                yield from _files(value)
    elif isinstance(data, list):
        for each in data:
            yield from _files(each)
