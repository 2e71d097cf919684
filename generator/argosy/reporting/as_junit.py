"""Findings as JUnit XML, for CI servers that show tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from argosy.findings import Finding, Report, Severity, Status
from argosy.reporting.grouping import ordered, render_of, split
from argosy.reporting.options import Options
from argosy.reporting.wording import number, place
from argosy.terminal import printable


def format_report(report: Report, _options: Options) -> str:
    """Return a report as test suites: one for the written files, and one for each application and environment.

    Every document is a test case, and a finding is in each place in which it shows. It does not tell which of a file's
    documents it is about, so the first one that failed carries all the errors of the file. Errors that no failed
    document explains are a case of their own.
    """
    report = replace(
        report,
        findings=[each.at(place) for each in report.findings for place in each.places],
        known=[each.at(place) for each in report.known or () for place in each.places],
    )
    root = Element("testsuites", name="argosy")
    for render, part in sorted(split(report, render_of).items()):
        name = printable("/".join(filter(None, render)) or "repository")
        suite = SubElement(root, "testsuite", name=name)
        for path, file in sorted(split(part, lambda item: item.path).items()):
            for case in _cases(path, file):
                case.set("classname", name)
                suite.append(case)
        _count(suite)
    _count(root)
    indent(root)
    # ASCII with character references reads the same in whatever encoding the output is stored.
    return str(tostring(root, encoding="us-ascii", xml_declaration=True), "ascii") + "\n"


def _cases(path: str, file: Report) -> Iterator[Element]:
    """Yield the test cases of a file; one, if it has findings but no document."""
    several = len(file.outcomes) > 1
    cases = [
        (f"{path} (document {at})" if several else path, outcome.status, outcome.reason)
        for at, outcome in enumerate(file.outcomes, start=1)
    ]
    if file.errors and not file.count(Status.FAILED):
        cases.insert(0, (f"{path} (file)" if cases else path, Status.FAILED, ""))
    errors, warnings = (
        [finding for finding in ordered(file.findings) if finding.severity is severity] for severity in Severity
    )
    known = ordered(file.known or ())
    for name, status, reason in cases or [(path, Status.PASSED, "")]:
        case = Element("testcase", name=printable(name))
        if status is Status.FAILED:
            case.append(_failure(errors))
            errors = []
        elif status is Status.SKIPPED:
            SubElement(case, "skipped", message=printable(reason))
        if warnings or known:
            told = [*map(_sentence, warnings), *(f"Known, in the baseline: {_sentence(each)}" for each in known)]
            SubElement(case, "system-out").text = "\n".join(told)
            warnings, known = [], []
        yield case


def _failure(errors: list[Finding]) -> Element:
    if not errors:
        return Element("failure", message="See the other failures of this file.")
    first, *others = errors
    more = f" (and {number(len(others), 'more error')})" if others else ""
    failure = Element("failure", message=printable(first.message + more), type=printable(first.rule))
    failure.text = "\n".join(map(_sentence, errors))
    return failure


def _sentence(finding: Finding) -> str:
    resource = f" ({finding.resource})" if finding.resource else ""
    hint = f"\n{finding.hint}" if finding.hint else ""
    return printable(f"{place(finding)}: {finding.severity}: {finding.message}{resource} [{finding.rule}]{hint}")


def _count(element: Element) -> None:
    for attribute, child in {"tests": "", "failures": "/failure", "skipped": "/skipped"}.items():
        element.set(attribute, str(len(element.findall(f".//testcase{child}"))))
