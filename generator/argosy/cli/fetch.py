"""`argosy fetch`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from argosy.cli import options
from argosy.cli.options import root_of
from argosy.errors import IncompleteError


@click.command("fetch", cls=options.LookingCommand)
@click.option("--again", is_flag=True, help="Fetch what was fetched before, too.")
@options.repository
@options.output("text", "json")
@options.quiet
def command(*, again: bool, repository: Path | None, output: str, quiet: bool) -> int:
    """Fetch what comes from elsewhere into your cache folder, in the versions that the repository pins.

    Charts of Helm repositories and OCI registries, other Git repositories, bases of kustomizations, OCI artifacts: all
    that Applications deploy, so that validate, diff, render and promote see it too. They fetch nothing by themselves,
    but with --fetch. What was fetched before stays, but for branches and the like, which may have changed. The
    credentials are those that git, Helm and Docker have. Exit code: 0; 2 where something could not be fetched.
    """
    from argosy import remote  # noqa: PLC0415
    from argosy.argocd import deployed  # noqa: PLC0415
    from argosy.names import joined  # noqa: PLC0415
    from argosy.reporting.progress import progress  # noqa: PLC0415

    root = root_of(repository)

    def say(pin: remote.Pin) -> None:
        if not quiet:
            click.echo(f"Fetching {pin}.", err=True)

    with remote.fetching_what_lacks(say, lambda pin: again or not pin.is_fixed) as fetched:
        deployed.find(root, root, lambda what, total: progress(what, total, enabled=not quiet))
    rows = [
        {
            "kind": pin.kind,
            "url": pin.url,
            **({"chart": pin.chart} if pin.chart else {}),
            "revision": pin.revision,
            "digest": f"sha256:{fetched.there[pin].name}" if pin in fetched.there else "",
            "fetched": pin in fetched.new,
            "error": fetched.failed[pin].message if pin in fetched.failed else "",
        }
        for pin in sorted({*fetched.there, *fetched.failed})
    ]
    if output == "json":
        click.echo(json.dumps({"sources": rows}, indent=2))
    else:
        for pin in sorted(fetched.there):
            told = "fetched" if pin in fetched.new else "was there"
            click.echo(f"{pin}: {told}, sha256:{fetched.there[pin].name[:12]}")
    if not rows and not quiet:
        click.echo("Nothing here comes from elsewhere.", err=True)
    if fetched.failed:
        for error in fetched.failed.values():
            click.echo(f"{error.message}\n    {error.hint}", err=True)
        raise IncompleteError(f"Not fetched: {joined([str(each) for each in fetched.failed], 3)}.")
    return 0
