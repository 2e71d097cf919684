"""`argosy report`."""

from __future__ import annotations

from pathlib import Path

import click

from argosy.cli import options
from argosy.cli.validation import merge, reported
from argosy.errors import UsageError


@click.command("report")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--merge", "is_merged", is_flag=True, help="Put the reports of all shards together.")
@reported
@options.quiet
def command(
    *,
    files: tuple[Path, ...],
    is_merged: bool,
    strict: bool,
    verbose: bool,
    output: str,
    reports: tuple[tuple[str, Path], ...],
    quiet: bool,
) -> int:
    """Put the reports of shards together: the result is that of one validation of the whole repository.

    FILEs are what `argosy validate --shard I/N --report json=FILE` wrote for each I, of one commit. Exit code: 0
    without errors, 1 with errors, 2 for wrong usage, such as a shard that is missing.
    """
    if not is_merged:
        raise UsageError("Say what to do with the reports.", "argosy report --merge FILE...")
    return merge(files, strict=strict, verbose=verbose, output=output, reports=reports, quiet=quiet)
