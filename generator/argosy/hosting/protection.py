"""How a branch is protected, in the same words for every host: what is asked for, what is there, what is missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import reduce
from typing import Any

PIPELINE = "the pipeline"
"""The one check of hosts that do not name checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What a host enforces on a branch; None: the host has no such rule, or does not say."""

    pull_request: bool | None = False
    approvals: int | None = 0
    code_owners: bool | None = False
    fresh_approvals: bool | None = False
    """Whether a push takes approvals back."""
    enforced: bool | None = False
    """Whether a pull request that lacks something cannot be merged, rather than shows it."""
    everyone: bool | None = False
    """Whether it binds all alike: no administrator merges what lacks something, and nobody else is exempt."""
    checks: frozenset[str] | None = frozenset()
    no_force_push: bool | None = False
    no_deletion: bool | None = False
    linear: bool | None = False
    signed: bool | None = False

    def __or__(self, other: Protection) -> Protection:
        """Return what two rules enforce together."""
        return Protection(
            **{each.name: _stricter(getattr(self, each.name), getattr(other, each.name)) for each in fields(Protection)}
        )

    def is_any(self) -> bool:
        """Return whether anything is enforced, or may be."""
        about = {"enforced", "everyone"}  # How the others are enforced.
        return any(
            getattr(self, each.name) not in (False, 0, frozenset()) for each in fields(self) if each.name not in about
        )

    def perhaps(self) -> Protection:
        """Return the same where other rules may be that are not seen: what is missing is not known to be missing."""
        return replace(self, **{each.name: getattr(self, each.name) or None for each in fields(Protection)})


def together(rules: Iterable[Protection]) -> Protection:
    """Return what rules enforce together: everyone is bound if the rules that bind everyone enforce all of it."""
    listed = list(rules)

    def by(*bound: bool | None) -> Protection:
        parts = (replace(each, everyone=None) for each in listed if each.everyone in bound)
        return reduce(Protection.__or__, parts, Protection(enforced=True, everyone=None))

    whole = by(True, False, None)
    return replace(whole, everyone=True if by(True) == whole else None if by(True, None) == whole else False)


def _stricter(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return one or other or None
    return one | other if isinstance(one, frozenset) else max(one, other)


_WORDS: Mapping[str, tuple[str, str]] = {
    "pull_request": ("changes come without a pull request", "whether changes need a pull request"),
    "approvals": ("too few have to approve", "how many have to approve"),
    "code_owners": ("code owners need not approve", "whether code owners have to approve"),
    "fresh_approvals": ("approvals outlast a push", "whether a push takes approvals back"),
    "enforced": ("what a pull request lacks is shown, but it can be merged", "whether checks of a merge are enforced"),
    "everyone": ("administrators or others are exempt", "whether somebody is exempt"),
    "checks": ("checks need not pass", "which checks have to pass"),
    "no_force_push": ("force push is allowed", "whether force push is denied"),
    "no_deletion": ("it can be deleted", "whether it can be deleted"),
    "linear": ("history need not be linear", "whether history has to be linear"),
    "signed": ("commits need not be signed", "whether commits have to be signed"),
}
"""Of each rule: what it means that it is missing, and what is unknown where the host does not say."""


def missing(wanted: Protection, found: Protection) -> tuple[list[str], list[str]]:
    """Return what is missing, and what the host does not say, of what is wanted; each as part of a sentence."""
    lacks, untold = [], []
    for name, (is_missing, is_unknown) in _WORDS.items():
        want, have = getattr(wanted, name), getattr(found, name)
        if not want:
            continue
        if have is None:
            untold.append(is_unknown)
        elif isinstance(want, frozenset):
            if rest := sorted(want - have):
                lacks.append(f"{is_missing} ({', '.join(rest)})")
        elif have < want:
            lacks.append(f"{is_missing} ({have} of {want})" if name == "approvals" else is_missing)
    return lacks, untold


def pipeline_check(succeeds: bool | None) -> frozenset[str] | None:
    """Return the check that stands for a whole pipeline, if it has to succeed; None where that is unknown."""
    if succeeds is None:
        return None
    return frozenset({PIPELINE}) if succeeds else frozenset()


def is_like(pattern: str, branch: str) -> bool:
    """Return whether a rule is about a branch: `*` matches any text, slashes too."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), branch) is not None
