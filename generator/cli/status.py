"""`argosy status`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli import options
from generator.cli.validate import root_of

if TYPE_CHECKING:
    from generator.ownership import FileStatus
    from generator.store import Stored


@click.command("status")
@click.option(
    "--repository",
    type=options.folder,
    metavar="DIR",
    help="The repository's root.  [default: around the current folder]",
)
@click.option("--files", "by_file", is_flag=True, help="Show every file: its class, and whether it was edited by hand.")
@options.output("text", "json")
def command(repository: Path | None, by_file: bool, output: str) -> int:
    """Show what a repository deploys where, its template's version, and which files were changed by hand.

    A template-owned file follows the template at each update, a seeded one is yours from the day it was written, and a
    user's file argosy never touches.
    """
    from generator import ownership, store, template  # noqa: PLC0415

    root = (repository or root_of(())).resolve()
    stored = store.load(root)
    newest = template.current().version
    files = ownership.files(root, stored)
    if ownership.is_shallow(root):
        click.echo("This clone is shallow: seeded files are compared with the oldest version that it has.", err=True)
    if output == "json":
        click.echo(json.dumps(_data(stored, newest, files), indent=2))
    elif by_file:
        for each in files:
            click.echo(f"{each.owner.value:14}  {each.state.value:9}  {each.path}")
    else:
        _print(stored, newest, files)
    return 0


def _data(stored: Stored, newest: str, files: Sequence[FileStatus]) -> dict[str, object]:
    return {
        "template": {"version": stored.version, "newest": newest},
        "environments": [
            {"name": each.name, "applications": list(each.applications), "promotesFrom": each.promotes_from}
            for each in stored.repository.environments
        ],
        "files": [{"path": each.path, "class": each.owner.value, "state": each.state.value} for each in files],
    }


def _print(stored: Stored, newest: str, files: Sequence[FileStatus]) -> None:
    for environment in stored.repository.environments:
        click.echo(f"{environment.name}: {', '.join(environment.applications) or 'nothing'}")
    told = "the newest" if stored.version == newest else "not the newest: see argosy update --dry-run"
    click.echo(f"Template: {stored.version[:12]}, {told}")
    counts = Counter((each.owner.value, each.state.value) for each in files)
    click.echo("Files: " + ", ".join(f"{count} {owner} {state}" for (owner, state), count in sorted(counts.items())))
