"""`argosy abort`."""

from __future__ import annotations

from pathlib import Path

import click

from argosy.cli import options
from argosy.errors import ArgosyError
from argosy.repository.root import root_of


@click.command("abort")
@options.repository
@options.quiet
def command(repository: Path | None, quiet: bool) -> int:
    """Undo a change that left conflicts or findings, and restore the repository exactly."""
    from argosy.change import locking, merge  # noqa: PLC0415

    root = root_of(repository)
    with locking.locked(root):
        journal = merge.Journal(root)
        if not (journal.undo() or journal.abort()):
            raise ArgosyError("There is no change to undo.", "git status shows the state of the repository.")
    if not quiet:
        click.echo(journal.told, err=True)
    return 0
