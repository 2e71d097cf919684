"""Promotions on branches of their own, and the pull requests for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from argosy.cli import offering
from argosy.cli.offering import Offer
from argosy.errors import ArgosyError

if TYPE_CHECKING:
    from argosy.cli.promoting import Job, Manner, Outcome
    from argosy.promotion.promoting import Promotion


def propose(manner: Manner, todo: Sequence[tuple[Job, Outcome]]) -> None:
    """Commit each promotion on a branch of its own; push it and open a pull request if that is wanted."""
    made: dict[str, str] = {}
    done: list[str] = []
    for number, (job, outcome) in enumerate(todo):
        name = manner.branch or job.branch
        if manner.branch and len(todo) > 1:
            name = f"{manner.branch}-{number + 1}"
        job_now = replace(job, promotion=_with_origins(job.promotion, made))
        try:
            outcome.told |= offering.make(manner, _offer(manner, job_now, name, outcome))
        except KeyboardInterrupt:
            before = f"before {name} was done; {', '.join(done)} is" if done else f"while {name} was being made"
            raise ArgosyError(f"Interrupted {before}.", "Run this command again: it goes on from there.") from None
        done.append(name)
        made |= {step.target: outcome.told["commit"] for step in job.promotion.steps}


def _with_origins(promotion: Promotion, made: dict[str, str]) -> Promotion:
    """Name the commits that the steps of a chain start from, which were made just before."""
    moves = [
        move if move.step.origin else replace(move, step=replace(move.step, origin=made.get(move.step.source, "")))
        for move in promotion.moves
    ]
    return replace(promotion, moves=moves)


def _offer(manner: Manner, job: Job, name: str, outcome: Outcome) -> Offer:
    from argosy.promotion import report  # noqa: PLC0415

    promotion = job.promotion
    labels = offering.configured(manner.root, "promotion").get("labels")
    return Offer(
        before=promotion.before,
        written=promotion.written,
        message=report.message(promotion, manner.message or ""),
        base=job.base,
        branch=name,
        kind="promotion",
        labels=tuple(map(str, labels)) if isinstance(labels, list) else ("promotion",),
        body=partial(_body, promotion, outcome),
        is_earlier=partial(_is_same, promotion),
    )


def _is_same(promotion: Promotion, told: str) -> bool:
    """Tell whether a commit's message tells of the same steps."""
    from argosy.promotion import history  # noqa: PLC0415

    return {replace(each, origin="") for each in history.steps(told)} == {
        replace(each, origin="") for each in promotion.steps
    }


def _body(promotion: Promotion, outcome: Outcome, limit: int) -> str:
    """Return the table, the rendered difference and the trailers, in at most so many characters."""
    from argosy.difference.formats import OutputFormat, format_difference  # noqa: PLC0415
    from argosy.promotion import report  # noqa: PLC0415

    # Hosts can make the message of a merge from this text: then the last lines are its trailers.
    trailers = "\n".join(each.trailer for each in promotion.steps)
    end = f"\n\n{trailers}\n" if len(trailers) < limit // 3 else "\n"
    table = report.as_markdown(promotion, (limit - len(end)) // 2)
    rendered = ""
    if outcome.difference is not None:
        room = limit - len(end) - len(table) - 1
        rendered = format_difference(outcome.difference, OutputFormat.MARKDOWN, limit=room)
    return f"{table}\n{rendered}{end}"
