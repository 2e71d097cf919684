"""`argosy apply`."""

from __future__ import annotations

from functools import partial

import click

from argosy.cli import changing
from argosy.cli.changing import Manner


@click.command("apply")
@click.option(
    "--since",
    metavar="REV",
    default="HEAD",
    show_default=True,
    help="A commit in which everything was in line with the settings.",
)
@click.option(
    "--least-privilege",
    "least",
    is_flag=True,
    help="Take from the AppProjects of the environments every kind that no application deploys any more.",
)
@changing.yes
@changing.options_of_change
def command(since: str, least: bool, yes: bool, manner: Manner) -> int:
    """Bring in line what depends on what was edited by hand.

    Edit environment.yaml or application.yaml, or copy the folders of an application or an environment, then run this.
    Where such an edit is committed already, say with --since which commit came before it. After edits of values and
    manifests, committed or not, it lets the AppProjects permit the kinds that came with them. Where an edit moves
    applications that are deployed, it says what stays behind, and asks.
    """
    from argosy.change import privileges  # noqa: PLC0415
    from argosy.change.planning import Change  # noqa: PLC0415
    from argosy.repository import store  # noqa: PLC0415

    with changing.opened(manner) as stored:
        before = store.load_at(manner.root, since)
        store.refuse_foreign_charts(manner.root, stored.repository)
        asked = store.asked(manner.root) | privileges.uncommitted(manner.root, stored.repository)
        change = Change(before.repository, stored.repository, asked=asked)
        changing.confirm_moves(manner, change, yes)
        return changing.carry_out(
            manner,
            stored,
            change,
            "Apply what was edited by hand",
            settle=partial(privileges.in_line, least=least),
        )
