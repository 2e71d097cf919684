"""`argosy apply`."""

from __future__ import annotations

import functools

import click

from argosy.cli import options
from argosy.cli.options import ChangeOptions
from argosy.delivery import changes


@click.command("apply", cls=options.ChangeCommand)
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
@options.yes
@options.of_change
def command(since: str, least: bool, yes: bool, given: ChangeOptions) -> int:
    """Update the files that depend on what was edited by hand.

    Edit environment.yaml or application.yaml, or copy the folders of an application or an environment, then run this.
    Where such an edit is committed already, say with --since which commit came before it. After edits of values and
    manifests, committed or not, it lets the AppProjects permit the kinds that came with them. Where an edit moves
    applications that are deployed, it says what stays behind, and asks. From the default branch, the same edits are
    made on branches that environments follow.
    """
    from argosy.change import by_hand, privileges  # noqa: PLC0415
    from argosy.change.planning import Change  # noqa: PLC0415
    from argosy.repository import store  # noqa: PLC0415

    with changes.opened(given) as stored:
        before = store.load_at(given.root, since)
        store.refuse_foreign_charts(given.root, stored.repository)
        store.refuse_reformatted(given.root, before.repository, stored.repository)
        asked = store.asked(given.root) | privileges.uncommitted(given.root, stored.repository)
        change = Change(before.repository, stored.repository, asked=asked)
        changes.confirm_moves(given, change, yes)
        edits = by_hand.edits(given.root, since)
        again = changes.asking(given, lambda there: by_hand.carried(there, edits), yes)
        return changes.carry_out(
            given,
            stored,
            change,
            "Apply what was edited by hand",
            settle=functools.partial(privileges.in_line, least=least),
            again=again if edits.after or edits.gone else None,
        )
