"""Whether a repository is valid, and the sentences that say so."""

from __future__ import annotations

from argosy.findings import Report, Status
from argosy.reporting.options import Options
from argosy.reporting.wording import number


def is_valid(report: Report, *, strict: bool) -> bool:
    """Return whether a repository passes. Warnings never fail it; skipped documents do if `strict`."""
    failures = report.errors + report.count(Status.FAILED)
    return not failures and not (strict and report.count(Status.SKIPPED))


def closing_line(report: Report) -> str:
    """Return one line that counts the documents, the renders, the findings, and what nothing leads to."""
    documents = len(report.outcomes)
    rendered = sum(outcome.is_rendered for outcome in report.outcomes)
    known = "" if report.known is None else f"; {len(report.known)} known, in the baseline"
    left_out = f"; {number(report.left_out, 'document')} unreached" if report.left_out else ""
    statuses = ", ".join(f"{report.count(status)} {status}" for status in Status)
    return (
        f"{report.title}{' ' if report.title else ''}"
        f"{number(documents, 'document')} ({documents - rendered} written, {rendered} rendered in "
        f"{number(report.renders, 'render')}): {statuses}; "
        f"{number(report.errors, 'error')}, {number(report.warnings, 'warning')}{known}{left_out}"
    )


def verdict(report: Report, options: Options) -> str:
    """Return what the counts mean for the repository, and the next step."""
    skipped = report.count(Status.SKIPPED)
    if not is_valid(report, strict=False):
        return "Validation failed. Fix the errors above."
    if not is_valid(report, strict=options.strict):
        return f"Validation failed: --strict counts {number(skipped, 'skipped document')} as failed (listed above)."
    if skipped:
        return f"Valid. {number(skipped, 'document')} {'was' if skipped == 1 else 'were'} not checked (listed above)."
    if report.outcomes:
        return "Valid."
    if report.left_out or not report.title:
        return "Nothing was checked: nothing leads to any document." if report.left_out else "No documents found."
    return "Valid: there is nothing to check in it."
