"""The status as Markdown, for a pull request or a wiki."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from argosy.reporting.wording import code, in_markdown
from argosy.status import report as wording
from argosy.status.promotions import Promoted
from argosy.status.report import Report

_LONGEST = 60_000
"""How many characters the table of keys may have: hosts take 65,536 in a comment."""


def overview(report: Report) -> str:
    """Return a table with a row for each application, and what to know of the whole."""
    heads = ["application", *map(wording.heading, report.matrix.columns)]
    rows = (
        [
            application,
            *(_cell(report, application, column.environment.name) for column in report.matrix.columns),
        ]
        for application in report.matrix.applications
    )
    return "\n".join([*_table(heads, rows), "", *_closing(report), ""])


def detail(report: Report) -> str:
    """Return all that there is to say of one application: a section for each environment that has it."""
    from argosy.promotion import report as promotion_report  # noqa: PLC0415

    lines = [f"## {report.application}", ""]
    for deployment, promotion in wording.moves(report):
        lines += [f"### {deployment.environment}", ""]
        lines += [_cell(report, deployment.application, deployment.environment), ""]
        lines += [*(f"- {in_markdown(each)}" for each in wording.facts(report, deployment)), ""]
        if promotion.moves and promotion.moves[0].decisions:
            lines += [promotion_report.as_markdown(promotion, _LONGEST)]
    return "\n".join([*lines, *_closing(report), ""])


def history(promotions: Sequence[Promoted]) -> str:
    """Return a table with a row for each promotion and rollback."""
    rows = (
        [
            wording.moment(each.record),
            each.record.step.kind.value + (f" ({each.undone})" if each.undone else ""),
            each.record.step.source or each.record.step.origin[:7],
            each.record.step.target,
            in_markdown(str(each.version)),
            in_markdown(each.record.who),
            each.record.commit[:7],
        ]
        for each in promotions
    )
    return "\n".join([*_table(["when", "what", "from", "to", "version", "who", "commit"], rows), ""])


def _cell(report: Report, application: str, environment: str) -> str:
    (version, _), *more = wording.phrases(report, application, environment)
    is_version = version not in {wording.ABSENT[0], wording.UNREAD[0]}
    return ", ".join([code(version) if is_version else version, *(in_markdown(text) for text, _ in more)])


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for row in (heads, ["---"] * len(heads), *rows):
        yield f"| {' | '.join(row)} |"


def _closing(report: Report) -> list[str]:
    return [
        *(f"> {in_markdown(note)}" for note in wording.notes(report.matrix)),
        "",
        in_markdown(wording.summary(report.matrix)),
        "",
        in_markdown(str(report.template)),
    ]
