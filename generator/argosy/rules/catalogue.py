"""All rules: importing this module registers them, the pipeline's own among them."""

from __future__ import annotations

from argosy.rules import (
    access,
    argocd,
    branches,
    builtin,
    components,
    layout,
    namespaces,
    notifications,
    secrets_and_images,
    settings,
)
from argosy.rules.registry import RULES, Rule

__all__ = [
    "access",
    "argocd",
    "branches",
    "builtin",
    "components",
    "layout",
    "namespaces",
    "notifications",
    "ordered",
    "secrets_and_images",
    "settings",
]


def ordered() -> list[Rule]:
    """Return all rules by id."""
    return [RULES[name] for name in sorted(RULES)]
