"""Findings as text, for people: what is wrong and where, the renders, what was skipped, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, groupby

from rich.table import Table
from rich.text import Text

from argosy.findings import Finding, Report, Severity, Status
from argosy.names import joined
from argosy.reporting import console
from argosy.reporting.grouping import also_at, by_application, ordered, renders, resources
from argosy.reporting.options import Options
from argosy.reporting.verdict import closing_line, is_valid, verdict
from argosy.reporting.wording import describe_renders, number, place
from argosy.terminal import printable

_FEW_PATHS = 3
_FEW_RENDERS = 20
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow"}


def format_report(report: Report, options: Options) -> str:
    """Return a report as blocks of lines; its table fits the terminal."""
    style = "green" if is_valid(report, strict=options.strict) else "red"
    blocks: list[Text | Table] = []
    found = (
        _findings(report),
        _known(report, options),
        _renders(report, options),
        _skipped(report, options),
        _unreached(report, options),
    )
    for block in chain.from_iterable(found):
        blocks += [block, Text("")]
    if report.notes:
        blocks += [Text(printable("\n".join(report.notes))), Text("")]
    notes = (each.note or (options.verbose and f"Rendered with {each}.") for each in report.engines)
    blocks += [Text(printable(each)) for each in notes if each]
    closing = (Text(closing_line(report)), Text(verdict(report, options), style))
    return console.written([*blocks, *closing], colour=options.colour)


def _findings(report: Report) -> Iterator[Text]:
    """Yield a block for each written file, then one for each set of renders."""

    def key(finding: Finding) -> tuple[str, str]:
        is_rendered = finding.application or finding.environment
        return (renders(finding), "") if is_rendered else ("", finding.path)

    for (heading, _), items in groupby(sorted(ordered(report.findings), key=key), key=key):
        title = [Text(printable(f"{heading}:"), "bold")] if heading else []
        yield Text("\n").join([*title, *(_finding(each, found_in=not heading) for each in items)])


def _known(report: Report, options: Options) -> Iterator[Text]:
    """Yield what is in the baseline, with the reasons."""
    if report.known and options.verbose:
        reasons = [f"{each.known}: " if each.known else "" for each in ordered(report.known)]
        lines = (
            f"    {place(each)}: {why}{each.message} [{each.rule}]".replace("\n", " ")
            for each, why in zip(ordered(report.known), reasons, strict=True)
        )
        yield Text(printable("\n".join(["known, in the baseline:", *lines])))


def _finding(finding: Finding, *, found_in: bool) -> Text:
    message, *more = printable(finding.message).split("\n")
    # A line says where. A rendered manifest has none: there, the resources do.
    manifests = resources(finding) if finding.line is None else []
    line = Text.assemble(
        (printable(f"{place(finding)}: "), "bold"),
        (f"{finding.severity}: ", _STYLES[finding.severity]),
        message,
        printable(f" ({', '.join(manifests)})" if manifests else ""),
        (f" [{finding.rule}]", "dim"),
    )
    hint = printable(finding.hint).split("\n") if finding.hint else []
    where = renders(finding) if found_in else ""
    places = [f"Found in {where}." if where else "", also_at(finding, _FEW_PATHS)]
    below = (*more, *hint, *map(printable, filter(None, places)))
    return Text("\n").join([line, *(Text(f"    {each}") for each in below)])


def _renders(report: Report, options: Options) -> Iterator[Table | Text]:
    """Yield a table with a row for each Application; of many, only for those that did not simply pass."""
    parts = dict(sorted(by_application(report).items()))
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
            table.add_column(column, justify="right", overflow="fold")
        for render, part in shown.items():
            counts = (len(part.outcomes), *map(part.count, Status), part.errors, part.warnings)
            table.add_row(*map(printable, render), *map(str, counts))
        yield table
    if passed := len(parts) - len(shown):
        yield Text(f"{number(passed, 'Application')} passed without a finding: --verbose lists them.")


def _skipped(report: Report, options: Options) -> Iterator[Text]:
    """Yield a block for each reason, with the paths of the documents that were not checked for it."""
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


def _unreached(report: Report, options: Options) -> Iterator[Text]:
    """Yield what nothing leads to: Applications, which were checked, and files, which were not."""
    if report.unrooted:
        paths = joined(report.unrooted, None if options.verbose else _FEW_PATHS)
        yield Text(printable(f"No root leads to the Applications in {paths}: they were checked all the same."))
    if report.unreached and not options.verbose:
        count = number(report.left_out, "document")
        was = "was" if report.left_out == 1 else "were"
        yield Text(f"{count} that nothing leads to {was} not checked: --verbose lists them, --unreached checks them.")
        return
    by_reason = sorted(report.unreached, key=lambda each: (each.reason, each.path))
    for reason, group in groupby(by_reason, key=lambda each: each.reason):
        files = list(group)
        heading = f"unreached: {reason} ({number(sum(each.documents for each in files), 'document')})"
        yield Text(printable("\n".join([heading, *(f"    {each.path}" for each in files)])))
