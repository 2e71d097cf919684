"""Whether a repository is valid, and the sentences that say so."""

from __future__ import annotations

from argosy.findings import Report, Status
from argosy.reporting.options import Options
from argosy.reporting.wording import number


def is_valid(report: Report, *, strict: bool) -> bool:
    """Tell whether a repository passes. Warnings never fail it; skipped documents do if `strict`."""
    failures = report.errors + report.count(Status.FAILED)
    return not failures and not (strict and report.count(Status.SKIPPED))


def closing_line(report: Report) -> str:
    """Return one line that counts the documents, the renders and the findings."""
    documents = len(report.outcomes)
    rendered = sum(bool(outcome.application or outcome.environment) for outcome in report.outcomes)
    statuses = ", ".join(f"{report.count(status)} {status}" for status in Status)
    return (
        f"{number(documents, 'document')} ({documents - rendered} written, {rendered} rendered in "
        f"{number(report.renders, 'render')}): {statuses}; "
        f"{number(report.errors, 'error')}, {number(report.warnings, 'warning')}"
    )


def verdict(report: Report, options: Options) -> str:
    """Return what the counts mean for the repository, and the next step."""
    skipped = number(report.count(Status.SKIPPED), "skipped document")
    if not is_valid(report, strict=False):
        return "The repository is not valid. Mend the errors above."
    if not is_valid(report, strict=options.strict):
        return f"The repository is not valid: --strict counts {skipped} as failed. Mend the causes above."
    if report.count(Status.SKIPPED):
        return f"The repository is valid, but for {skipped} that nothing judged."
    if not report.outcomes:
        return "There was no document to judge."
    return "The repository is valid."
