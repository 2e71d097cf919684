"""`argosy render`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from argosy.cli import options
from argosy.repository.root import root_of


@click.command("render")
@click.argument("app", metavar="APP")
@click.argument("env", metavar="ENV")
@click.option("--cluster", metavar="CLUSTER", default="", help="Of several clusters, this one.  [default: all]")
@click.option("--at", "revision", metavar="REVISION", help="A commit, branch or tag.  [default: the work tree]")
@options.repository
@options.output("yaml", "json")
@options.fetch
@options.rendering
@options.quiet
def command(
    *, app: str, env: str, cluster: str, revision: str | None, repository: Path | None, output: str, quiet: bool
) -> int:
    """Print the manifests that Argo CD would apply for an application in an environment.

    They are what the Application renders to, in that order: without the hooks of `helm test`, which Argo CD never
    applies, and with the destination's namespace where a manifest has none. Secrets are printed as they are. JSON is
    one List. The ENV `previews` is an example of a pull request's preview.
    """
    from argosy.api import Repository  # noqa: PLC0415

    found = Repository(root_of(repository), revision or "").render(app, env, cluster=cluster)
    for note in found.notes if not quiet else ():
        click.echo(note, err=True)
    if output == "json":
        click.echo(json.dumps({"apiVersion": "v1", "kind": "List", "items": found.manifests}, indent=2))
    else:
        click.echo(found.as_yaml(), nl=False)
    return 0
