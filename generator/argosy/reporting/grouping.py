"""Put findings in order, and apart by what they are about."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from argosy.findings import Finding, Outcome, Place, Report
from argosy.names import joined
from argosy.reporting.wording import describe_renders, place

Key = TypeVar("Key")


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by path, line, rule and message; their other fields only make the order total."""

    def where(there: Finding | Place) -> tuple[str | int, ...]:
        return (there.path, there.line or 0, there.application, there.environment, there.resource)

    def key(finding: Finding) -> tuple[object, ...]:
        first = (finding.path, finding.line or 0, finding.rule, finding.message)
        return (*first, *where(finding), finding.hint, finding.severity, *map(where, finding.also))

    return sorted(findings, key=key)


def renders(finding: Finding) -> str:
    """Return the renders that have a finding: `my-app in dev, prod`; empty for one of a written file alone."""
    return describe_renders(each for each in finding.places if each.application or each.environment)


def resources(finding: Finding) -> list[str]:
    """Return the manifests that have a finding, each once."""
    return list(dict.fromkeys(each.resource for each in finding.places if each.resource))


def others(finding: Finding) -> list[Place]:
    """Return the other files and lines that have a finding, each once; a render is listed by its name."""
    own = (finding.path, finding.line)
    named = {
        (each.path, each.line): each
        for each in finding.also
        if each.line is not None or not (each.application or each.environment or each.path == finding.path)
    }
    return [each for at, each in named.items() if at != own]


def full_message(finding: Finding) -> str:
    """Return message, hint, renders and other places, a line each: for formats with one field for all of them."""
    found_in = f"Found in {where}." if (where := renders(finding)) else ""
    return "\n".join(filter(None, (finding.message, finding.hint, found_in, also_at(finding))))


def also_at(finding: Finding, most: int | None = None) -> str:
    """Return a sentence that names the other places, at most so many of them; empty where there are none."""
    places = [place(each) for each in others(finding)]
    return f"Also at {joined(places, most)}." if places else ""


def render_of(item: Finding | Outcome) -> tuple[str, str]:
    """Return the application and the environment of a rendered manifest; both are empty for a written file."""
    return item.application, item.environment


def split(report: Report, key: Callable[[Finding | Outcome], Key]) -> dict[Key, Report]:
    """Return a report for each value of a key, in the order in which the values appear: a finding is in each once."""
    parts: dict[Key, tuple[list[Finding], list[Outcome], list[Finding]]] = {}
    for outcome in report.outcomes:
        parts.setdefault(key(outcome), ([], [], []))[1].append(outcome)
    for finding in (*report.findings, *(report.known or ())):
        shown: dict[Key, Finding] = {}
        for there in map(finding.at, finding.places):
            shown.setdefault(key(there), there)
        for value, there in shown.items():
            new, _, known = parts.setdefault(value, ([], [], []))
            (new if finding.known is None else known).append(there)
    return {value: Report(new, outcomes, renders=0, known=known) for value, (new, outcomes, known) in parts.items()}


def by_application(report: Report) -> dict[tuple[str, str], Report]:
    """Return a report for each Application and environment: what it renders, and the files it takes as they are."""
    parts = {render: part for render, part in split(report, render_of).items() if render[0]}
    written: dict[str, list[Finding]] = {}
    for finding in report.findings:
        for path in {there.path for there in finding.places if not there.application}:
            written.setdefault(path, []).append(finding)
    taken: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in report.outcomes:
        for reader in outcome.read_by:
            taken.setdefault(reader, []).append(outcome)
    for reader, outcomes in taken.items():
        own = {id(each): each for path in {each.path for each in outcomes} for each in written.get(path, ())}
        part = parts.get(reader) or Report([], [], renders=0)
        parts[reader] = replace(part, findings=[*part.findings, *own.values()], outcomes=[*part.outcomes, *outcomes])
    return parts
