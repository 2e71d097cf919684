"""`argosy rename`."""

from __future__ import annotations

import click

from argosy.cli import delivery, options
from argosy.cli.options import ChangeOptions


@click.group("rename")
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

    with delivery.opened(given) as stored:
        change = operations.rename_application(stored.repository, old, new)
        title = f"Rename the application {old} to {new}"
        return delivery.carry_out_removal(
            given,
            stored,
            change,
            yes,
            title,
            again=lambda there: operations.rename_application(there.repository, old, new),
        )


@command.command("env", cls=options.ChangeCommand)
@click.argument("old")
@click.argument("new")
@options.yes
@options.of_change
def env(old: str, new: str, yes: bool, given: ChangeOptions) -> int:
    """Rename an environment: its folder with all that is in it, its project, and its Applications."""
    from argosy.change import operations  # noqa: PLC0415

    with delivery.opened(given) as stored:
        change = operations.rename_environment(stored.repository, old, new)
        title = f"Rename the environment {old} to {new}"
        return delivery.carry_out_removal(
            given,
            stored,
            change,
            yes,
            title,
            again=lambda there: operations.rename_environment(there.repository, old, new),
        )
