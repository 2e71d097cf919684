"""Put findings in order, together where they are the same, and apart by what they are about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from argosy.findings import Finding, Outcome, Report
from argosy.reporting.wording import describe_renders

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class JoinedFinding:
    """A finding, and every occurrence of it: the same rule says the same of the same line."""

    finding: Finding
    occurrences: tuple[Finding, ...]

    @property
    def renders(self) -> str:
        """The renders that have it: `my-app in dev, prod`; empty for a written file."""
        return describe_renders(self.occurrences)

    @property
    def resources(self) -> list[str]:
        """The manifests that have it, each once."""
        return list(dict.fromkeys(finding.resource for finding in self.occurrences if finding.resource))

    @property
    def full_message(self) -> str:
        """The message, the hint and the renders, a line each: for formats with one field for all of them."""
        found_in = f"Found in {self.renders}." if self.renders else ""
        return "\n".join(filter(None, (self.finding.message, self.finding.hint, found_in)))


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by path, line, rule and message; their other fields only make the order total."""

    def key(finding: Finding) -> tuple[str | int, ...]:
        render = (finding.application, finding.environment, finding.resource)
        return (finding.path, finding.line or 0, finding.rule, finding.message, *render, finding.hint, finding.severity)

    return sorted(findings, key=key)


def join(findings: Iterable[Finding]) -> Iterator[JoinedFinding]:
    """Yield findings in order, those of the same rule, path, line and message as one."""
    for _, group in groupby(ordered(findings), key=lambda each: (each.path, each.line, each.rule, each.message)):
        occurrences = tuple(group)
        yield JoinedFinding(occurrences[0], occurrences)


def render_of(item: Finding | Outcome) -> tuple[str, str]:
    """Return the application and the environment of a rendered manifest; both are empty for a written file."""
    return item.application, item.environment


def split(report: Report, key: Callable[[Finding | Outcome], Key]) -> dict[Key, Report]:
    """Return a report for each value of a key, in the order in which the values appear."""
    parts: dict[Key, tuple[list[Finding], list[Outcome]]] = {}
    for outcome in report.outcomes:
        parts.setdefault(key(outcome), ([], []))[1].append(outcome)
    for finding in report.findings:
        parts.setdefault(key(finding), ([], []))[0].append(finding)
    return {value: Report(findings, outcomes, renders=0) for value, (findings, outcomes) in parts.items()}
