"""`argosy rename`."""

from __future__ import annotations

import click

from argosy.cli import changing
from argosy.cli.changing import Manner


@click.group("rename")
def command() -> None:
    """Rename an application, or an environment."""


@command.command("app")
@click.argument("old")
@click.argument("new")
@changing.yes
@changing.options_of_change
def app(old: str, new: str, yes: bool, manner: Manner) -> int:
    """Rename an application: its folders with all that is in them, its chart, and its Applications."""
    from argosy.change import operations  # noqa: PLC0415

    with changing.opened(manner) as stored:
        change = operations.rename_application(stored.repository, old, new)
        return changing.carry_out_removal(manner, stored, change, yes, f"Rename the application {old} to {new}")


@command.command("env")
@click.argument("old")
@click.argument("new")
@changing.yes
@changing.options_of_change
def env(old: str, new: str, yes: bool, manner: Manner) -> int:
    """Rename an environment: its folder with all that is in it, its project, and its Applications."""
    from argosy.change import operations  # noqa: PLC0415

    with changing.opened(manner) as stored:
        change = operations.rename_environment(stored.repository, old, new)
        return changing.carry_out_removal(manner, stored, change, yes, f"Rename the environment {old} to {new}")
