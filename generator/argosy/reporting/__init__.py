"""Write what validation found: text for people, JSON, SARIF, JUnit and GitHub annotations for machines."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from argosy.findings import Report
from argosy.reporting.options import Options, OutputFormat
from argosy.reporting.verdict import is_valid

__all__ = ["Options", "OutputFormat", "format_report", "is_valid"]


def format_report(report: Report, output_format: OutputFormat, options: Options) -> str:
    """Return a report in a format, with a newline at its end. The same report gives the same text."""
    # Only text needs rich, which takes longer to import than the other formats take to write.
    formatter: Callable[[Report, Options], str] = import_module(f"{__name__}.as_{output_format}").format_report
    return formatter(report, options)
