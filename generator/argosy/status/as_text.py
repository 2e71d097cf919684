"""The status as text, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from argosy.reporting import console
from argosy.status import report as wording
from argosy.status.promotions import Promoted
from argosy.status.report import Phrase, Report
from argosy.terminal import printable


def overview(report: Report, *, colour: bool = False, is_wide: bool = False) -> str:
    """Return a row for each application, and what to know of the whole; a wide one has charts and images too."""
    table = console.table("application", *map(wording.heading, report.matrix.columns))
    for application in report.matrix.applications:
        cells = (_cell(report, application, each.environment.name, is_wide) for each in report.matrix.columns)
        table.add_row(application, *cells)
    return console.written([table, Text(), *_closing(report)], colour=colour)


def _cell(report: Report, application: str, environment: str, is_wide: bool) -> Text:
    told = _joined(wording.phrases(report, application, environment))
    found = report.matrix.deployments.get((application, environment)) if is_wide else None
    facts = wording.facts(report, found) if found else ()
    return Text("\n").join([told, *(Text(printable(each), "dim") for each in facts)])


def detail(report: Report, *, colour: bool = False) -> str:
    """Return all that there is to say of one application: a block for each environment that has it."""
    from argosy.promotion import report as promotion_report  # noqa: PLC0415

    blocks: list[RenderableType] = []
    for deployment, promotion in wording.moves(report):
        told = wording.phrases(report, deployment.application, deployment.environment)
        blocks.append(Text.assemble((f"{deployment.environment}: ", "bold"), _joined(told)))
        blocks += [Text(printable(f"  {each}")) for each in wording.facts(report, deployment)]
        blocks.append(Text())
        if promotion.moves and promotion.moves[0].decisions:
            blocks.append(Text.from_ansi(promotion_report.as_text(promotion, colour=colour).rstrip()))
            blocks.append(Text())
    return console.written([*blocks, *_closing(report)], colour=colour)


def history(promotions: Sequence[Promoted], *, colour: bool = False) -> str:
    """Return a row for each promotion and rollback."""
    table = console.table("when", "what", "from", "to", "version", "who", "commit", "")
    for each in promotions:
        record, step = each.record, each.record.step
        cells = (wording.moment(record), step.kind.value, step.source or step.origin[:7], step.target)
        row = (*cells, str(each.version), record.who, record.commit[:7], each.undone)
        table.add_row(*(Text(printable(cell), "dim" if each.undone else "") for cell in row))
    return console.written([table], colour=colour)


def _closing(report: Report) -> Iterator[Text]:
    for note in wording.notes(report.matrix):
        yield Text(printable(note), "yellow")
    yield Text(wording.summary(report.matrix), "bold")
    yield Text(str(report.template))


def _joined(told: Sequence[Phrase]) -> Text:
    parts = [(printable(text), tone.value) for text, tone in told]
    return Text(", ").join(Text(text, style) for text, style in parts)
