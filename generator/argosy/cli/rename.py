"""`argosy rename`."""

from __future__ import annotations

import click

from argosy.cli import options, words
from argosy.cli.options import ChangeOptions
from argosy.delivery import changes


@click.group("rename", cls=words.Group)
def command() -> None:
    """Rename an application, an environment, a cluster, or a team."""


@command.command("app", cls=options.ChangeCommand)
@click.argument("old")
@click.argument("new")
@options.yes
@options.of_change
def app(old: str, new: str, yes: bool, given: ChangeOptions) -> int:
    """Rename an application: its folders with all that is in them, its chart, and its Applications."""
    from argosy.change.requests import Rename  # noqa: PLC0415

    return changes.grant(given, Rename(what="app", old=old, new=new), yes=yes)


@command.command("env", cls=options.ChangeCommand)
@click.argument("old")
@click.argument("new")
@options.yes
@options.of_change
def env(old: str, new: str, yes: bool, given: ChangeOptions) -> int:
    """Rename an environment: its folder with all that is in it, its project, and its Applications."""
    from argosy.change.requests import Rename  # noqa: PLC0415

    return changes.grant(given, Rename(what="env", old=old, new=new), yes=yes)


@command.command("cluster", cls=options.ChangeCommand)
@click.argument("old")
@click.argument("new")
@options.of_change
def cluster(old: str, new: str, given: ChangeOptions) -> int:
    """Rename a cluster, also where environments and their projects name it."""
    from argosy.change.requests import Rename  # noqa: PLC0415

    return changes.grant(given, Rename(what="cluster", old=old, new=new))


@command.command("team", cls=options.ChangeCommand)
@click.argument("old")
@click.argument("new")
@options.yes
@options.of_change
def team(old: str, new: str, yes: bool, given: ChangeOptions) -> int:
    """Rename a team: its settings, its AppProjects, and what names it in its applications."""
    from argosy.change.requests import Rename  # noqa: PLC0415

    return changes.grant(given, Rename(what="team", old=old, new=new), yes=yes)
