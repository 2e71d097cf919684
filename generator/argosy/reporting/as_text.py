"""Findings as text, for people: what is wrong and where, the renders, what was skipped, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rich.table import Table
from rich.text import Text

from argosy.findings import Report, Severity, Status
from argosy.reporting import console
from argosy.reporting.grouping import JoinedFinding, join, render_of, split
from argosy.reporting.options import Options
from argosy.reporting.verdict import closing_line, is_valid, verdict
from argosy.reporting.wording import describe_renders, number, place, printable

_FEW_PATHS = 3
_FEW_RENDERS = 20
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow"}


def format_report(report: Report, options: Options) -> str:
    """Return a report as blocks of lines, which are the same in every terminal, however narrow."""
    style = "green" if is_valid(report, strict=options.strict) else "red"
    blocks: list[Text | Table] = []
    for block in (*_findings(report), *_renders(report, options), *_skipped(report, options)):
        blocks += [block, Text("")]
    closing = (Text(closing_line(report)), Text(verdict(report, options), style))
    return console.written([*blocks, *closing], colour=options.colour)


def _findings(report: Report) -> Iterator[Text]:
    """Yield a block for each written file, then one for each set of renders."""

    def key(item: JoinedFinding) -> tuple[str, str]:
        return item.renders, "" if item.renders else item.finding.path

    for (renders, _), items in groupby(sorted(join(report.findings), key=key), key=key):
        heading = [Text(printable(f"{renders}:"), "bold")] if renders else []
        yield Text("\n").join([*heading, *map(_finding, items)])


def _finding(item: JoinedFinding) -> Text:
    finding = item.finding
    message, *more = printable(finding.message).split("\n")
    # A line says where. A rendered manifest has none: there, the resources do.
    resources = f" ({', '.join(item.resources)})" if item.resources and finding.line is None else ""
    line = Text.assemble(
        (printable(f"{place(finding)}: "), "bold"),
        (f"{finding.severity}: ", _STYLES[finding.severity]),
        message,
        printable(resources),
        (f" [{finding.rule}]", "dim"),
    )
    hint = printable(finding.hint).split("\n") if finding.hint else []
    return Text("\n").join([line, *(Text(f"    {each}") for each in (*more, *hint))])


def _renders(report: Report, options: Options) -> Iterator[Table | Text]:
    """Yield a table with a row for each render; of many, only for those that did not simply pass."""
    parts = {render: part for render, part in sorted(split(report, render_of).items()) if render[0]}
    shown = parts
    if len(parts) > _FEW_RENDERS and not options.verbose:
        shown = {
            render: part
            for render, part in parts.items()
            if part.findings or part.count(Status.PASSED) < len(part.outcomes)
        }
    if shown:
        table = console.table("application", "environment")
        for column in ("documents", *Status, "errors", "warnings"):
            table.add_column(column, justify="right")
        for render, part in shown.items():
            counts = (len(part.outcomes), *map(part.count, Status), part.errors, part.warnings)
            table.add_row(*map(printable, render), *map(str, counts))
        yield table
    if passed := len(parts) - len(shown):
        yield Text(f"{number(passed, 'render')} passed without a finding: --verbose lists them.")


def _skipped(report: Report, options: Options) -> Iterator[Text]:
    """Yield a block for each reason, with the paths of the documents that it kept from being judged."""
    skipped = [outcome for outcome in report.outcomes if outcome.status is Status.SKIPPED]
    skipped.sort(key=lambda outcome: (outcome.reason, outcome.path))
    for reason, group in groupby(skipped, key=lambda outcome: outcome.reason):
        outcomes = list(group)
        paths = []
        for path, documents in groupby(outcomes, key=lambda outcome: outcome.path):
            renders = describe_renders(documents)
            paths.append(f"    {path} ({renders})" if renders else f"    {path}")
        few = paths if options.verbose else paths[:_FEW_PATHS]
        more = [f"    and {number(len(paths) - len(few), 'more path')}"] if len(few) < len(paths) else []
        heading = f"skipped: {reason} ({number(len(outcomes), 'document')})"
        yield Text(printable("\n".join([heading, *few, *more])))
