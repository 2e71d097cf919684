"""`argosy rename`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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
    """Rename an application, an environment, a cluster, or a team."""


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


@command.command("cluster", cls=options.ChangeCommand)
@click.argument("old")
@click.argument("new")
@options.of_change
def cluster(old: str, new: str, given: ChangeOptions) -> int:
    """Rename a cluster, also where environments and their projects name it."""
    from argosy.change import operations  # noqa: PLC0415
    from argosy.repository.model import Secrets  # noqa: PLC0415

    with delivery.opened(given) as stored:
        declared = stored.repository.clusters

        def made(there: Repository) -> Change:
            # Of clusters the default branch alone is read.
            return operations.rename_cluster(replace(there, clusters=declared), old, new)

        change = made(stored.repository)
        title = f"Rename the cluster {old} to {new}"
        code = delivery.carry_out(given, stored, change, title, again=lambda there: made(there.repository))
    if code == 0 and not given.dry_run:
        by_hand = stored.repository.settings.production.secrets is not Secrets.EXTERNAL_SECRETS
        given.say(
            f"As soon as this is merged: argocd cluster set {old} --name {new} --label cluster={new}"
            if by_hand
            else f"Copy what the store has as argocd-cluster-{old} to argocd-cluster-{new} before this is merged."
        )
    return code


@command.command("team", cls=options.ChangeCommand)
@click.argument("old")
@click.argument("new")
@options.yes
@options.of_change
def team(old: str, new: str, yes: bool, given: ChangeOptions) -> int:
    """Rename a team: its settings, its AppProjects, and what names it in its applications."""
    from argosy.change import operations  # noqa: PLC0415

    return _carry_out(given, f"Rename the team {old} to {new}", yes, partial(operations.rename_team, old=old, new=new))


def _carry_out(given: ChangeOptions, title: str, yes: bool, rename: Callable[[Repository], Change]) -> int:
    from argosy.change import removal  # noqa: PLC0415

    with delivery.opened(given) as stored:
        change = rename(stored.repository)
        if told := removal.reassigned(change):
            given.say(told)
        return delivery.carry_out_removal(
            given, stored, change, yes, title, again=lambda there: rename(there.repository)
        )
