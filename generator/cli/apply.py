"""`argosy apply`."""

from __future__ import annotations

import click

from generator.cli import changing
from generator.cli.changing import Manner


@click.command("apply")
@click.option(
    "--since",
    metavar="REV",
    default="HEAD",
    show_default=True,
    help="A commit in which everything was in line with the settings.",
)
@changing.options_of_change
def command(since: str, manner: Manner) -> int:
    """Bring in line what depends on settings that were edited by hand.

    Edit environment.yaml or application.yaml, or copy the folders of an application or an environment, then run this.
    Where such an edit is committed already, say with --since which commit came before it.
    """
    from generator import store  # noqa: PLC0415
    from generator.changes import Change  # noqa: PLC0415

    with changing.opened(manner) as stored:
        before = store.load_at(manner.root, since)
        store.refuse_foreign_charts(manner.root, stored.repository)
        change = Change(before.repository, stored.repository, asked=store.asked(manner.root))
        return changing.carry_out(manner, stored, change, "Apply settings that were edited by hand")
