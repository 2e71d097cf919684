"""`argosy remove`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from argosy.cli import delivery, options, words
from argosy.cli.options import ChangeOptions

if TYPE_CHECKING:
    from argosy.change.own_branches import Elsewhere
    from argosy.change.planning import Change


@click.group("remove", cls=words.Group)
def command() -> None:
    """Remove applications, components, an environment, a cluster, or a team."""


@command.command("app", cls=options.ChangeCommand)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@options.yes
@options.of_change
def app(names: tuple[str, ...], yes: bool, given: ChangeOptions) -> int:
    """Remove applications: their folders, values and Applications, also what people wrote there."""
    from argosy.change import operations  # noqa: PLC0415
    from argosy.repository import layout  # noqa: PLC0415

    with delivery.opened(given) as stored:
        change = operations.remove_applications(stored.repository, names)

        def again(there: Elsewhere) -> Change | None:
            known = [name for name in names if name in {each.name for each in there.repository.applications}]
            return operations.remove_applications(there.repository, known) if known else None

        code = delivery.carry_out_removal(given, stored, change, yes, f"Remove {', '.join(names)}", again=again)
        places = layout.cluster_deployments("*", "*")
        left = sorted(each for name in names for each in given.root.glob(f"{places}/{name}"))
        if code == 0 and not given.dry_run and left:
            listed = " ".join(each.relative_to(given.root).as_posix() for each in left)
            given.say(f"Of clusters that their environment left before, these are still there: git rm -r {listed}")
        return code


@command.command("env", cls=options.ChangeCommand)
@click.argument("name")
@options.yes
@options.of_change
def env(name: str, yes: bool, given: ChangeOptions) -> int:
    """Remove an environment: its values, project and Applications, also what people wrote there."""
    from argosy.change import (  # noqa: PLC0415
        components,
        operations,
    )

    with delivery.opened(given) as stored:
        change = operations.remove_environment(stored.repository, name)
        orphaned, heir = components.orphaned(stored.repository, name)
        if orphaned:
            given.say(
                f"The cluster that it shares with {heir} has {', '.join(orphaned)} through it. Once it is removed: "
                f"argosy add component {' '.join(orphaned)} --env {heir}. Their values are in Git's history then."
            )
        return delivery.carry_out_removal(
            given,
            stored,
            change,
            yes,
            f"Remove the environment {name}",
            again=lambda there: operations.remove_environment(there.repository, name),
        )


@command.command("team", cls=options.ChangeCommand)
@click.argument("name")
@options.yes
@options.of_change
def team(name: str, yes: bool, given: ChangeOptions) -> int:
    """Remove a team that owns no application any more: its settings and its AppProjects."""
    from argosy.change import operations  # noqa: PLC0415

    with delivery.opened(given) as stored:
        change = operations.remove_team(stored.repository, name)
        return delivery.carry_out_removal(
            given,
            stored,
            change,
            yes,
            f"Remove the team {name}",
            again=lambda there: operations.remove_team(there.repository, name),
        )


@command.command("component", cls=options.ChangeCommand)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--env", "environments", metavar="ENV", multiple=True, help="Where.  [default: everywhere]")
@options.yes
@options.of_change
def component(names: tuple[str, ...], environments: tuple[str, ...], yes: bool, given: ChangeOptions) -> int:
    """Remove components: their Applications, values and custom resources, also what people wrote there."""
    from argosy.catalogue import catalogue  # noqa: PLC0415
    from argosy.change import components  # noqa: PLC0415

    with delivery.opened(given) as stored:

        def again(there: Elsewhere) -> Change:
            return components.remove(there.repository, catalogue.load(there.root), names, environments)

        change = components.remove(stored.repository, catalogue.load(given.root), names, environments)
        return delivery.carry_out_removal(given, stored, change, yes, f"Remove {', '.join(names)}", again=again)


@command.command("cluster", cls=options.ChangeCommand)
@click.argument("name")
@options.of_change
def cluster(name: str, given: ChangeOptions) -> int:
    """Remove a cluster that no environment is in. Argo CD goes on knowing it where it was added by hand."""
    from argosy.change import clusters  # noqa: PLC0415
    from argosy.change.planning import Change  # noqa: PLC0415
    from argosy.repository.model import Secrets  # noqa: PLC0415

    with delivery.opened(given) as stored:
        change = Change(stored.repository, clusters.remove(stored.repository, name))
        code = delivery.carry_out(given, stored, change, f"Remove the cluster {name}")
    declared = change.before.settings.production.secrets is Secrets.EXTERNAL_SECRETS
    if code == 0 and not given.dry_run and not declared:
        given.say(f"To have Argo CD forget it: argocd cluster rm {name}")
    return code
