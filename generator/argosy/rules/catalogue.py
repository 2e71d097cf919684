"""All rules: importing this module registers them, the pipeline's own among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import Any

from argosy import extensions
from argosy.errors import ArgosyError
from argosy.findings import Problem
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
    policies,
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
    "extend",
    "files",
    "folders",
    "images",
    "manifests",
    "namespaces",
    "notifications",
    "objects",
    "ordered",
    "placeholders",
    "policies",
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


def extend() -> None:
    """Register the rules of installed packages, beside argosy's own; raise UsageError for one that cannot be."""
    for entry in extensions.entry_points(extensions.RULES).values():
        known = (entry.value, entry.dist.name if entry.dist else "")
        if known in _EXTENDED:
            continue
        before = {*RULES}
        extensions.loaded(entry)
        for name in RULES.keys() - before:
            RULES[name] = replace(RULES[name], check=_blaming(entry, RULES[name].check))
        _EXTENDED.add(known)


_EXTENDED: set[tuple[str, str]] = set()
_Check = Callable[..., Iterator[Problem]]


def _blaming(entry: EntryPoint, check: _Check | None) -> _Check | None:
    """Return a check whose errors say which extension they are of."""
    if check is None:
        return None

    def blamed(*arguments: Any) -> Iterator[Problem]:
        try:
            yield from check(*arguments)
        except ArgosyError:
            raise
        except Exception as error:
            raise extensions.failure(entry, error) from error

    return blamed


def ordered() -> list[Rule]:
    """Return all rules by id."""
    return [RULES[name] for name in sorted(RULES)]
