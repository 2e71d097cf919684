"""`argosy remove`."""

from __future__ import annotations

import click

from argosy.cli import options, words
from argosy.cli.options import ChangeOptions
from argosy.delivery import changes


@click.group("remove", cls=words.Group)
def command() -> None:
    """Remove applications, components, an environment, a cluster, or a team."""


@command.command("app", cls=options.ChangeCommand)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@options.yes
@options.of_change
def app(names: tuple[str, ...], yes: bool, given: ChangeOptions) -> int:
    """Remove applications: their folders, values and Applications, also what people wrote there."""
    from argosy.change.requests import Remove  # noqa: PLC0415

    return changes.grant(given, Remove(what="app", names=names), yes=yes)


@command.command("env", cls=options.ChangeCommand)
@click.argument("name")
@options.yes
@options.of_change
def env(name: str, yes: bool, given: ChangeOptions) -> int:
    """Remove an environment: its values, project and Applications, also what people wrote there."""
    from argosy.change.requests import Remove  # noqa: PLC0415

    return changes.grant(given, Remove(what="env", names=[name]), yes=yes)


@command.command("team", cls=options.ChangeCommand)
@click.argument("name")
@options.yes
@options.of_change
def team(name: str, yes: bool, given: ChangeOptions) -> int:
    """Remove a team that owns no application any more: its settings and its AppProjects."""
    from argosy.change.requests import Remove  # noqa: PLC0415

    return changes.grant(given, Remove(what="team", names=[name]), yes=yes)


@command.command("component", cls=options.ChangeCommand)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--env", "environments", metavar="ENV", multiple=True, help="Where.  [default: everywhere]")
@options.yes
@options.of_change
def component(names: tuple[str, ...], environments: tuple[str, ...], yes: bool, given: ChangeOptions) -> int:
    """Remove components: their Applications, values and custom resources, also what people wrote there."""
    from argosy.change.requests import Remove  # noqa: PLC0415

    return changes.grant(given, Remove(what="component", names=names, environments=environments), yes=yes)


@command.command("cluster", cls=options.ChangeCommand)
@click.argument("name")
@options.of_change
def cluster(name: str, given: ChangeOptions) -> int:
    """Remove a cluster that no environment is in. Argo CD goes on knowing it where it was added by hand."""
    from argosy.change.requests import Remove  # noqa: PLC0415

    return changes.grant(given, Remove(what="cluster", names=[name]))
