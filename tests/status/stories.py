"""Promotions as people's hands and argosy's commits make them, in repositories of every format."""

from __future__ import annotations

from pathlib import Path

from argosy.promotion.trailers import Kind, Step
from argosy.repository.model import Format
from tests.changing import commit, edit, git

FILES = {Format.HELM: "values.yaml", Format.KUSTOMIZE: "kustomization.yaml", Format.MANIFESTS: "deployment.yaml"}
"""Where each format says which image an environment has."""
OLD, NEW = "1.29.3-alpine", "1.30.0-alpine"


def path(environment: str, form: Format = Format.MANIFESTS, application: str = "web") -> str:
    """Return the file of an application that says which image an environment has."""
    return f"environments/{environment}/{application}/{FILES[form]}"


def bump(root: Path, file: str, old: str = OLD, new: str = NEW) -> str:
    """Commit a new version in a file, and return the commit."""
    edit(root, file, old, new)
    commit(root, message=f"Take {new} in {file}")
    return head(root)


def promoted(root: Path, file: str, step: tuple[str, str], *, old: str = OLD, new: str = NEW, origin: str = "") -> str:
    """Commit what a promotion of web does to a file, with its trailer, and return the commit."""
    edit(root, file, old, new)
    commit(root, message=f"Promote web\n\n{Step(Kind.PROMOTION, 'web', *step, origin or head(root)).trailer}")
    return head(root)


def rolled_back(root: Path, file: str, target: str, origin: str, *, old: str = NEW, new: str = OLD) -> str:
    """Commit what a rollback of web does to a file, with its trailer, and return the commit."""
    edit(root, file, old, new)
    commit(root, message=f"Roll web back\n\n{Step(Kind.ROLLBACK, 'web', '', target, origin).trailer}")
    return head(root)


def head(root: Path) -> str:
    """Return the commit that is checked out."""
    return git(root, "rev-parse", "HEAD").strip()
