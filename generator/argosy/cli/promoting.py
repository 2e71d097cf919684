"""The options that promote and rollback have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import click

from argosy.cli import options
from argosy.cli.options import ChangeOptions


class Decided(TypedDict):
    """What was decided beforehand, by the names of a promotion's fields."""

    take: tuple[str, ...]
    leave: tuple[str, ...]
    allow_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionOptions(ChangeOptions):
    """Where a promotion goes, and what it moves."""

    yes: bool = False
    take: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()
    allow_open: bool = False

    @property
    def decided(self) -> Decided:
        """What was decided beforehand."""
        return Decided(take=self.take, leave=self.leave, allow_open=self.allow_open)


of_promotion = options.collected(
    PromotionOptions,
    click.option(
        "--take",
        metavar="KEY",
        multiple=True,
        help="Take the source's value of what is undecided, in conflict, or kept.",
    ),
    click.option(
        "--leave",
        metavar="KEY",
        multiple=True,
        help="Leave a key as it is, be it undecided, in conflict or to be moved; '**': all that is open.",
    ),
    click.option(
        "--allow-open",
        is_flag=True,
        allow_from_autoenv=False,
        help="Exit with 0 although nothing moves, and keys are open that --leave '**' left.",
    ),
    options.commit,
    options.branch,
    options.pull_request,
    options.message,
    options.dry("Show what would change, and write nothing."),
    options.yes,
    click.option("--validate/--no-validate", default=True, help="Refuse what does not validate.  [default: validate]"),
    options.repository,
    options.output("text", "json"),
    options.fetch,
    options.rendering,
    options.quiet,
)
"""The options of promote and rollback, in the order of their help."""
