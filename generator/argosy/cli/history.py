"""`argosy history`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from argosy.cli import options
from argosy.repository.root import root_of

if TYPE_CHECKING:
    from argosy.status.promotions import Promoted


@click.command("history")
@click.argument("app")
@click.argument("env", required=False, default="")
@options.repository
@click.option("--limit", type=click.IntRange(1), metavar="N", help="List only the newest N.  [default: all]")
@options.output("text", "markdown", "json")
@options.quiet
def command(*, app: str, env: str, repository: Path | None, limit: int | None, output: str, quiet: bool) -> int:
    """List who promoted an application, when, and to which version; with ENV, only to that environment.

    Read from commit messages, on an environment's own branch if it has one.
    """
    from argosy.change import edits  # noqa: PLC0415
    from argosy.promotion.ends import Places  # noqa: PLC0415
    from argosy.promotion.history import History  # noqa: PLC0415
    from argosy.repository import store  # noqa: PLC0415
    from argosy.status import promotions  # noqa: PLC0415

    root = root_of(repository)
    stored = store.load(root)
    edits.application(stored.repository, app)
    if env:
        edits.environment(stored.repository, env)
    for remark in () if quiet else Places(root, stored.repository, History(root)).remarks:
        click.echo(remark, err=True)
    found, cut = promotions.of(root, stored.repository, app, env, limit or 0)
    if not found and cut is None and not quiet:
        where = f" to {env}" if env else ""
        click.echo(f"{app} was not promoted{where} yet: see argosy promote.", err=True)
    if found or output == "json":
        options.show(_format(app, found, output))
    if cut is not None:
        raise cut
    return 0


def _format(application: str, found: list[Promoted], output: str) -> str:
    if output == "json":
        from argosy.status import as_json  # noqa: PLC0415

        return as_json.history(application, found)
    if output == "markdown":
        from argosy.status import as_markdown  # noqa: PLC0415

        return as_markdown.history(found)
    from argosy.reporting.options import Options  # noqa: PLC0415
    from argosy.status import as_text  # noqa: PLC0415

    return as_text.history(found, colour=Options.of(sys.stdout, version="").colour)
