"""Findings as JSON, for programs."""

from __future__ import annotations

from argosy import data
from argosy.documents.fields import JSON
from argosy.findings import Finding, Report, Status
from argosy.reporting.grouping import ordered
from argosy.reporting.options import Options

_FINDING = ("rule", "severity", "path", "line", "message", "hint", "application", "environment", "resource")
_PLACE = ("path", "line", "application", "environment", "resource")
_SKIPPED = ("path", "reason", "application", "environment")


def format_report(report: Report, options: Options) -> str:
    """Return a report as one JSON object: `summary` (counts), and lists: `findings`, `known`, `skipped`, `unrooted`
    and `engines`.

    What is in the baseline is in `known`, with its `reason`. A finding has the place to fix, and in `also` the other
    places in which the same shows. The list `unreached` is there with the option `verbose`, `notes` where a
    cluster was asked, and `shard`, which is
    for `argosy report --merge` alone, in the report of a shard.
    """
    skipped = [outcome for outcome in report.outcomes if outcome.status is Status.SKIPPED]
    document: JSON = {
        "summary": {
            "documents": len(report.outcomes),
            **{status.value: report.count(status) for status in Status},
            "renders": report.renders,
            "errors": report.errors,
            "warnings": report.warnings,
            "unreached": report.left_out,
            "known": len(report.known or ()),
        },
        "findings": [_finding(each) for each in ordered(report.findings)],
        "known": [{**_finding(each), "reason": each.known} for each in ordered(report.known or ())],
        "skipped": sorted(
            ({key: getattr(outcome, key) for key in _SKIPPED} for outcome in skipped),
            key=lambda entry: tuple(entry.values()),
        ),
        "unrooted": sorted(report.unrooted),
        "engines": [each.as_json for each in report.engines],
    }
    if report.notes:
        document["notes"] = [*report.notes]
    if report.part is not None:
        document["shard"] = dict(report.part)
    if options.verbose:
        document["unreached"] = [{"path": each.path, "reason": each.reason} for each in report.unreached]
    return data.written("Validation", document)


def _finding(finding: Finding) -> JSON:
    also = [{key: getattr(place, key) for key in _PLACE} for place in finding.also]
    return {**{key: getattr(finding, key) for key in _FINDING}, "also": also}
