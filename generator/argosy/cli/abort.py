"""`argosy abort`."""

from __future__ import annotations

from pathlib import Path

import click

from argosy.cli import options
from argosy.cli.options import root_of
from argosy.errors import ArgosyError


@click.command("abort")
@click.option(
    "--repository",
    type=options.folder,
    metavar="DIR",
    help="The repository's root.  [default: around the current folder]",
)
@options.quiet
def command(repository: Path | None, quiet: bool) -> int:
    """Take back a change that left conflicts or findings: exactly to where the repository was."""
    from argosy.change import locking, merge  # noqa: PLC0415

    root = (repository or root_of(())).resolve()
    with locking.locked(root):
        journal = merge.Journal(root)
        if not (journal.undo() or journal.abort()):
            raise ArgosyError("There is no change here to take back.", "git status says what is under way.")
    if not quiet:
        click.echo("The repository is as it was before.", err=True)
    return 0
