"""The rules for Argo CD's own kinds: importing this module registers them all."""

from argosy.rules import (
    applications,
    applicationsets,
    generate_paths,
    permissions,
    privileges,
    projects,
    resources,
    sources,
    sync,
)

__all__ = [
    "applications",
    "applicationsets",
    "generate_paths",
    "permissions",
    "privileges",
    "projects",
    "resources",
    "sources",
    "sync",
]
