"""All rules: importing this module registers them, the pipeline's own among them."""

from __future__ import annotations

from argosy.rules import (
    admission,
    application,
    applicationset,
    clusters,
    components,
    environments,
    expressions,
    files,
    folders,
    images,
    manifests,
    namespaces,
    notifications,
    objects,
    placeholders,
    previews,
    project,
    rbac,
    references,
    resources,
    secrets,
    settings,
    sources,
    sync,
    teams,
)
from argosy.rules.registry import RULES, Rule

__all__ = [
    "admission",
    "application",
    "applicationset",
    "clusters",
    "components",
    "environments",
    "expressions",
    "files",
    "folders",
    "images",
    "manifests",
    "namespaces",
    "notifications",
    "objects",
    "ordered",
    "placeholders",
    "previews",
    "project",
    "rbac",
    "references",
    "resources",
    "secrets",
    "settings",
    "sources",
    "sync",
    "teams",
]


def ordered() -> list[Rule]:
    """Return all rules by id."""
    return [RULES[name] for name in sorted(RULES)]
