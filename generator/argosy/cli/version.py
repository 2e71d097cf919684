"""`argosy version`."""

from __future__ import annotations

import platform
from importlib import metadata

import click

from argosy import data
from argosy.cli import options


@click.command("version")
@options.output("text", "json")
def command(output: str) -> int:
    """Print the versions of argosy, of its template and of its engines.

    Also the newest Argo CD that it knows, and the programs on PATH that it uses. `argosy --version` has argosy's alone.
    """
    from argosy.argocd import versions as argocd  # noqa: PLC0415
    from argosy.doctor import tools  # noqa: PLC0415
    from argosy.template import versions  # noqa: PLC0415

    engines = [*tools.engines()]
    told = {
        "argosy": metadata.version("argosy"),
        "template": versions.current().version,
        "argocd": argocd.newest().minor,
        "python": platform.python_version(),
    }
    if output == "json":
        rows = [{"name": each.name, "version": each.version, "source": each.source} for each in engines]
        options.show(data.written("Version", {**told, "engines": rows}))
        return 0
    width = max(len(each) for each in (*told, *(each.name for each in engines)))
    for name, version in told.items():
        click.echo(f"{name:{width}}  {version}")
    for each in engines:
        click.echo(f"{each.name:{width}}  {each.version or 'unknown'}  ({each.source})")
    return 0
