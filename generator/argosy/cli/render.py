"""`argosy render`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from argosy.cli import options
from argosy.cli.options import root_of
from argosy.errors import UsageError


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
    from argosy import difference, git  # noqa: PLC0415
    from argosy.change import edits  # noqa: PLC0415
    from argosy.difference.manifest_text import as_yaml  # noqa: PLC0415
    from argosy.names import joined  # noqa: PLC0415
    from argosy.repository import store  # noqa: PLC0415
    from argosy.repository.previews import PREVIEWS  # noqa: PLC0415

    root = root_of(repository)
    known = (store.load_at(root, revision) if revision else store.load(root)).repository
    previews = edits.application(known, app).previews
    environment = edits.environment(known, previews.preview_env if previews and env == PREVIEWS else env)
    follows = environment.revision
    if cluster and cluster not in environment.places:
        raise UsageError(f"{env} is not in the cluster “{cluster}”.", f"It is in {joined(environment.places)}.")
    here = git.branch(root)
    if revision is None and here and follows != here and not quiet:
        click.echo(
            f"{env} follows the branch {follows}; this is {here}. To render that branch: --at {follows}.", err=True
        )
    found = difference.of_application(root, revision, app, env)
    meant = [each for each in found if not cluster or each.cluster in {cluster, known.server(cluster)}]
    for note in dict.fromkeys(engine.note for each in meant for engine in each.engines):
        if note and not quiet:
            click.echo(note, err=True)
    manifests = [manifest for each in meant for manifest in each.manifests.values()]
    if output == "json":
        click.echo(json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}, indent=2))
    else:
        click.echo("".join(f"---\n{as_yaml(each)}" for each in manifests), nl=False)
    return 0
