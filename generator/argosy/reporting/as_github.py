"""Findings as GitHub's workflow commands, which annotate the changed lines of a pull request."""

from __future__ import annotations

from argosy.findings import Finding, Report
from argosy.reporting.grouping import full_message, ordered
from argosy.reporting.options import Options
from argosy.reporting.verdict import closing_line, verdict
from argosy.terminal import printable


def format_report(report: Report, options: Options) -> str:
    """Return a workflow command for each finding, then the counts and the verdict."""
    commands = [_command(each) for each in ordered(report.findings)]
    return "\n".join([*commands, closing_line(report), verdict(report, options)]) + "\n"


def _command(finding: Finding) -> str:
    properties = {"file": finding.path, "line": finding.line, "title": finding.rule}
    written = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items() if value is not None)
    return f"::{finding.severity} {written}::{_data(full_message(finding))}"


def _data(text: str) -> str:
    # The runner undoes these escapes alone: https://github.com/actions/toolkit, packages/core/src/command.ts.
    return printable(text).replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
