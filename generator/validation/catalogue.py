"""All rules: importing this module registers them, the pipeline's own among them."""

from __future__ import annotations

from generator.validation import argocd, builtin, policy, references
from generator.validation.rules import RULES, Rule

__all__ = ["argocd", "builtin", "ordered", "policy", "references"]


def ordered() -> list[Rule]:
    """Return all rules by id."""
    return [RULES[name] for name in sorted(RULES)]
