"""What validation reports: findings, and the outcome of each document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from argosy.terminal import printable

if TYPE_CHECKING:
    from argosy.documents import Document, Pointer
    from argosy.engines import Engine


class Severity(StrEnum):
    """How bad a finding is: errors fail the validation, warnings do not."""

    ERROR = "error"
    WARNING = "warning"


class Status(StrEnum):
    """The outcome of a document. A skipped document was not checked, and says why."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something that is wrong shows: in a file, or in what an Application renders."""

    path: str
    """Relative to the repository's root; for a rendered manifest, the template or overlay that it came from."""
    line: int | None = None
    """1-based; None where the text has no line of its own, as in a rendered manifest."""
    application: str = ""
    environment: str = ""
    resource: str = ""
    """`Kind/name` of the manifest, where there is one."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, where it is, what to do next, and where else it shows."""

    rule: str
    severity: Severity
    message: str
    path: str
    """As of `Place`, like the following fields: the place to fix, as far as it is known."""
    line: int | None = None
    hint: str = ""
    application: str = ""
    environment: str = ""
    resource: str = ""
    also: tuple[Place, ...] = ()
    """The other places in which the same shows."""
    known: str | None = None
    """Why it is in the baseline, which may be left empty; None where it is not there."""

    def __post_init__(self) -> None:
        # A program that reads a report would print what a stranger wrote as it stands there.
        for name in ("message", "hint"):
            object.__setattr__(self, name, printable(getattr(self, name)))

    @property
    def places(self) -> tuple[Place, ...]:
        """All the places, the one to fix first."""
        return (Place(self.path, self.line, self.application, self.environment, self.resource), *self.also)

    def at(self, place: Place) -> Finding:
        """Return the finding as it shows in one of its places."""
        where = {name: getattr(place, name) for name in ("path", "line", "application", "environment", "resource")}
        return replace(self, **where, also=())


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one document, of a file or of a render."""

    path: str
    status: Status
    reason: str = ""
    """Why it was skipped."""
    application: str = ""
    environment: str = ""
    """Set for what is rendered for an Application alone."""
    is_rendered: bool = False
    """Whether it is a render's, be it of a chart that no Application names."""
    read_by: tuple[tuple[str, str], ...] = ()
    """Of a written one: the Applications, each with its environment, whose directory source takes it as it is."""


@dataclass(frozen=True, slots=True)
class Unreached:
    """A file that nothing leads to, so that it was not judged."""

    path: str
    reason: str
    documents: int
    """How many outcomes it would have had."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that one validation found."""

    findings: Sequence[Finding]
    outcomes: Sequence[Outcome]
    renders: int
    unreached: Sequence[Unreached] = ()
    unrooted: Sequence[str] = ()
    """The files with Applications that were judged although no root leads to them."""
    known: Sequence[Finding] | None = None
    """What is in the baseline, so that it counts for nothing; None without a baseline."""
    title: str = ""
    """What is told above the counts: of which part of the repository it is."""
    notes: Sequence[str] = ()
    """What is told below the findings: what a cluster was asked, and what it was not."""
    engines: Sequence[Engine] = ()
    """What rendered anything."""
    part: Mapping[str, Any] | None = None
    """A part of a repository as JSON, which is put together with the others; None for a whole one."""

    @property
    def left_out(self) -> int:
        """How many documents were not judged because nothing leads to them."""
        return sum(each.documents for each in self.unreached)

    def count(self, status: Status) -> int:
        """Return how many documents have that status."""
        return sum(outcome.status is status for outcome in self.outcomes)

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def warnings(self) -> int:
        """How many findings are warnings."""
        return sum(finding.severity is Severity.WARNING for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Problem:
    """What a rule yields: the runner adds the rule's id and severity, and the place."""

    message: str
    at: Pointer = ()
    """The field, from the document's root: ("spec", "sources", 0). The line comes from it."""
    hint: str = ""
    document: Document | None = None
    """The document, for rules of the scope `repository`; others are about the one they were given."""
    cause: str = ""
    """What is wrong, where it is not the place: findings of a rule with the same cause are one, wherever they are."""
    in_file: bool = False
    """Whether the cause is one of the file that the finding is in, and not of the repository."""
    among: Sequence[Document] | None = None
    """What a rule of the whole repository compares the document with, where it is known: nothing else matters."""
    severity: Severity | None = None
    """How bad it is, where it is not as bad, or worse, than what the rule is mostly about."""
