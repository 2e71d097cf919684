"""The rules for Argo CD's own kinds: importing this module registers them all."""

from generator.validation import (
    argocd_applications,
    argocd_applicationsets,
    argocd_generate_paths,
    argocd_permissions,
    argocd_privileges,
    argocd_projects,
    argocd_resources,
    argocd_sources,
    argocd_sync,
)

__all__ = [
    "argocd_applications",
    "argocd_applicationsets",
    "argocd_generate_paths",
    "argocd_permissions",
    "argocd_privileges",
    "argocd_projects",
    "argocd_resources",
    "argocd_sources",
    "argocd_sync",
]
