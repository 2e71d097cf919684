"""`argosy rename`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import click

from argosy.cli import delivery, options, words
from argosy.cli.options import ChangeOptions

if TYPE_CHECKING:
    from argosy.change.planning import Change
    from argosy.repository.model import Repository


@click.group("rename", cls=words.Group)
def command() -> None:
    """Rename an application, or an environment."""


@command.command("app", cls=options.ChangeCommand)
@click.argument("old")
@click.argument("new")
@options.yes
@options.of_change
def app(old: str, new: str, yes: bool, given: ChangeOptions) -> int:
    """Rename an application: its folders with all that is in them, its chart, and its Applications."""
    from argosy.change import operations  # noqa: PLC0415

    return _carry_out(
        given, f"Rename the application {old} to {new}", yes, partial(operations.rename_application, old=old, new=new)
    )


@command.command("env", cls=options.ChangeCommand)
@click.argument("old")
@click.argument("new")
@options.yes
@options.of_change
def env(old: str, new: str, yes: bool, given: ChangeOptions) -> int:
    """Rename an environment: its folder with all that is in it, its project, and its Applications."""
    from argosy.change import operations  # noqa: PLC0415

    return _carry_out(
        given, f"Rename the environment {old} to {new}", yes, partial(operations.rename_environment, old=old, new=new)
    )


def _carry_out(given: ChangeOptions, title: str, yes: bool, rename: Callable[[Repository], Change]) -> int:
    with delivery.opened(given) as stored:
        change = rename(stored.repository)
        return delivery.carry_out_removal(
            given, stored, change, yes, title, again=lambda there: rename(there.repository)
        )
