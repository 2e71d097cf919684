"""The rule of the annotation that tells Argo CD which paths an Application is made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath

from argosy import kustomize
from argosy.argocd.matching import glob_matches, normal_url
from argosy.argocd.sources import Kind, Source, resolve
from argosy.argocd.view import ArgoApplication, View
from argosy.documents.fields import annotations_of, text
from argosy.findings import Problem, Severity
from argosy.rules.examples import APPLICATION, DEPLOYED, DESTINATION, SOURCE
from argosy.rules.registry import Scope, rule

GENERATE_PATHS = "argocd.argoproj.io/manifest-generate-paths"


@rule(
    "generate-paths-missing",
    Severity.WARNING,
    Scope.APPLICATION,
    "Argo CD is not told, or not fully, which paths an Application is made from.",
    explanation="In a repository of several Applications, each commit makes Argo CD generate all of them anew, unless "
    "the annotation `argocd.argoproj.io/manifest-generate-paths` names the paths that matter, separated "
    "by `;`: relative to the source's path (`.` is the path itself), or with a leading `/` from the root. "
    "With the annotation, a commit that touches none of them is not deployed until something else does, "
    "so it has to cover the value files and bases outside of the path too (argo-cd issues 14725, 18267 "
    "and 21086).",
    bad=DEPLOYED + (APPLICATION + SOURCE).replace("my-app", "two") + DESTINATION,
    good=DEPLOYED.replace("namespace: argocd}", f"namespace: argocd, annotations: {{{GENERATE_PATHS}: .}}}}"),
)
def generate_paths_missing(application: ArgoApplication, repository: View) -> Iterator[Problem]:
    """Find Applications of a shared repository whose paths are not declared in full."""
    sources = [source for source in resolve(application, repository) if text(source.spec.get("path"))]
    if not sources or not _is_shared(sources, repository):
        return
    declared = text(annotations_of(application.manifest).get(GENERATE_PATHS))
    if not declared.strip(" ;"):
        yield Problem(
            f"The annotation {GENERATE_PATHS} is missing: every commit to the repository refreshes this Application.",
            application.at("metadata"),
            f"Add it: “{_suggested(sources, repository.root)}”.",
        )
        return
    covered = _declared_paths(declared, sources)
    missed = [path for path, _ in _paths_read(sources, repository.root) if not _covers(covered, path)]
    if missed:
        yield Problem(
            f"The annotation {GENERATE_PATHS} does not cover “{missed[0]}”"
            + (f" and {len(missed) - 1} more" if missed[1:] else "")
            + ": a commit to it alone is not deployed.",
            application.at("metadata", "annotations", GENERATE_PATHS),
            f"Write “{_suggested(sources, repository.root)}”.",
        )


def _is_shared(sources: Iterable[Source], repository: View) -> bool:
    readers = _readers(repository)
    return any(readers[normal_url(text(source.spec.get("repoURL")))] > 1 for source in sources)


@lru_cache(maxsize=1)
def _readers(repository: View) -> Counter[str]:
    """Return how many Applications read each repository."""
    return Counter(
        url
        for each in repository.applications
        for url in {normal_url(text(source.get("repoURL"))) for _, source in each.sources}
    )


def _declared_paths(declared: str, sources: Iterable[Source]) -> frozenset[str]:
    items = [item.strip() for item in declared.split(";") if item.strip()]
    return frozenset(
        _normal_path(item if item.startswith("/") else f"{source.spec['path']}/{item}")
        for source in sources
        for item in items
    )


def _normal_path(path: str) -> str:
    parts: list[str] = []
    for part in PurePosixPath(path.lstrip("/")).parts:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
    return "/".join(parts)


def _covers(covered: Iterable[str], path: str) -> bool:
    return any(
        not item or path == item or path.startswith(f"{item}/") or glob_matches(item, path, "/") for item in covered
    )


def _paths_read(sources: Iterable[Source], root: Path) -> Iterator[tuple[str, str]]:
    """Yield each folder and file that a source is made from, and the path to declare for it; both from the root."""
    for source in sources:
        own = _normal_path(text(source.spec["path"]))
        yield own, own
        read = source.files
        if source.kind is Kind.KUSTOMIZE and source.folder:
            read = tuple(sorted(kustomize.inputs(source.folder, root)))
        for file in read:
            if file.resolve().is_relative_to(root.resolve()):
                path = file.resolve().relative_to(root.resolve())
                yield path.as_posix(), (path.parent if source.kind is Kind.KUSTOMIZE else path).as_posix()


def _suggested(sources: Iterable[Source], root: Path) -> str:
    own = [_normal_path(text(source.spec["path"])) for source in sources]
    outside = [declared for path, declared in _paths_read(sources, root) if not _covers(own, path)]
    return ";".join([".", *dict.fromkeys(f"/{path}" for path in outside)])
