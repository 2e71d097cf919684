"""`argosy remove`."""

from __future__ import annotations

import click

from argosy.cli import changing
from argosy.cli.changing import Manner


@click.group("remove")
def command() -> None:
    """Remove applications, components, or an environment."""


@command.command("app")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@changing.yes
@changing.options_of_change
def app(names: tuple[str, ...], yes: bool, manner: Manner) -> int:
    """Remove applications: their folders, values and Applications, also what people wrote there."""
    from argosy.change import operations  # noqa: PLC0415

    with changing.opened(manner) as stored:
        change = operations.remove_applications(stored.repository, names)
        return changing.carry_out_removal(manner, stored, change, yes, f"Remove {', '.join(names)}")


@command.command("env")
@click.argument("name")
@changing.yes
@changing.options_of_change
def env(name: str, yes: bool, manner: Manner) -> int:
    """Remove an environment: its values, project and Applications, also what people wrote there."""
    from argosy.change import (  # noqa: PLC0415
        components,
        operations,
    )

    with changing.opened(manner) as stored:
        change = operations.remove_environment(stored.repository, name)
        orphaned, heir = components.orphaned(stored.repository, name)
        if orphaned:
            manner.say(
                f"The cluster that it shares with {heir} has {', '.join(orphaned)} through it. Once it is removed: "
                f"argosy add component {' '.join(orphaned)} --env {heir}. Their values are in Git's history then."
            )
        return changing.carry_out_removal(manner, stored, change, yes, f"Remove the environment {name}")


@command.command("component")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--env", "environments", metavar="ENV", multiple=True, help="Where.  [default: everywhere]")
@changing.yes
@changing.options_of_change
def component(names: tuple[str, ...], environments: tuple[str, ...], yes: bool, manner: Manner) -> int:
    """Remove components: their Applications, values and custom resources, also what people wrote there."""
    from argosy.catalogue import catalogue  # noqa: PLC0415
    from argosy.change import components  # noqa: PLC0415

    with changing.opened(manner) as stored:
        change = components.remove(stored.repository, catalogue.load(manner.root), names, environments)
        return changing.carry_out_removal(manner, stored, change, yes, f"Remove {', '.join(names)}")
