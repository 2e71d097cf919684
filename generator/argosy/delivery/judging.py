"""Judge what a change or a promotion makes of a repository."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from argosy.delivery.delivery import Delivery

if TYPE_CHECKING:
    from argosy.findings import Report
    from argosy.git.snapshot import Snapshot


def is_valid(given: Delivery, state: Snapshot, changed: Collection[str]) -> bool:
    """Validate a state that no work tree holds, of which only what changes is read, and tell what is wrong."""
    from argosy.validation import pipeline  # noqa: PLC0415

    options = pipeline.Options(changed=frozenset(changed))
    return _told(given, pipeline.of_state(state, options), in_tree=False)


def is_tree_valid(given: Delivery, changed: Collection[str]) -> bool:
    """Validate what changes in the work tree can reach, and tell what is wrong."""
    from argosy.change import layering  # noqa: PLC0415
    from argosy.validation import baseline, pipeline  # noqa: PLC0415

    options = pipeline.Options(changed=frozenset(changed), baseline=baseline.find(given.root))
    return _told(given, layering.told(given.root, pipeline.validate(given.root, options)), in_tree=True)


def _told(given: Delivery, report: Report, *, in_tree: bool) -> bool:
    from argosy import reporting  # noqa: PLC0415

    valid = reporting.is_valid(report, strict=False)
    if not valid:
        given.judged(report, in_tree=in_tree)
    return valid
