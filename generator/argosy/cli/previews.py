"""`argosy previews`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from argosy import data
from argosy.cli import options
from argosy.errors import ArgosyError, IncompleteError
from argosy.repository.root import root_of


@click.group("previews")
def command() -> None:
    """Look after the previews of pull requests."""


@command.command("expire")
@click.argument("apps", metavar="[APP]...", nargs=-1)
@options.dry("Print what would end, and write nothing.")
@options.repository
@options.output("text", "json")
@options.quiet
def expire(*, apps: tuple[str, ...], dry_run: bool, repository: Path | None, output: str, quiet: bool) -> int:
    """End previews of pull requests that nobody touched for as long as previewTTL says, of all applications or some.

    Argo CD knows no dates: the label goes that a preview needs, with a comment, and Argo CD removes the preview. CI
    runs this each day. The token, in ARGOSY_TOKEN or where the host's own tools look for it, may write pull requests
    where the code is. Exit code: 0; 2 where a host does not let it.
    """
    from argosy import git  # noqa: PLC0415
    from argosy.change import edits  # noqa: PLC0415
    from argosy.hosting import expiry  # noqa: PLC0415
    from argosy.repository import store  # noqa: PLC0415

    root = root_of(repository)
    model = store.load(root).repository
    wanted = {edits.application(model, name).name for name in apps}
    rows, failed = [], list[ArgosyError]()
    for code in expiry.of(model.applications):
        if wanted and not wanted & {*code.applications}:
            continue
        if code.ttl is None and not quiet:
            click.echo(f"{code.url}: an application without previewTTL shares the label {code.label}.", err=True)
        try:
            host = expiry.host_of(code, git.origin(root))
            for request in expiry.idle(host, code, datetime.now(UTC)):
                if not dry_run:
                    expiry.end(host, code, request)
                told = {"url": request.url, "updated": request.updated.isoformat()}
                rows.append({"apps": [*code.applications], "number": request.number, **told})
                if output == "text":
                    click.echo(
                        f"{'Would end' if dry_run else 'Ended'}: {request.url}, unchanged since {request.updated:%F}"
                    )
        except ArgosyError as error:
            failed.append(error)
    if output == "json":
        options.show(data.written("EndedPreviews", {"dryRun": dry_run, "ended": rows}))
    elif not rows and not failed and not quiet:
        click.echo("No preview is to end.", err=True)
    if failed:
        for each in failed[1:]:
            click.echo(f"{each.message}\n    {each.hint}", err=True)
        raise IncompleteError(failed[0].message, failed[0].hint)
    return 0
