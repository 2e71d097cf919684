"""All rules: importing this module registers them, the pipeline's own among them."""

from __future__ import annotations

from generator.validation import (
    argocd,
    argocd_access,
    argocd_branches,
    argocd_notifications,
    argocd_settings,
    builtin,
    components,
    guardrails,
    policy,
    references,
)
from generator.validation.rules import RULES, Rule

__all__ = [
    "argocd",
    "argocd_access",
    "argocd_branches",
    "argocd_notifications",
    "argocd_settings",
    "builtin",
    "components",
    "guardrails",
    "ordered",
    "policy",
    "references",
]


def ordered() -> list[Rule]:
    """Return all rules by id."""
    return [RULES[name] for name in sorted(RULES)]
