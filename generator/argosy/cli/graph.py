"""`argosy graph`."""

from __future__ import annotations

from pathlib import Path

import click

from argosy.cli import options
from argosy.errors import UsageError
from argosy.repository.root import root_of


@click.command("graph", cls=options.LookingCommand)
@click.argument("what", metavar="WHAT", type=click.Choice(["promotion", "clusters", "waves", "dependencies"]))
@click.argument("apps", metavar="[APP]...", nargs=-1)
@click.option("--env", "environments", metavar="ENV", multiple=True, help="Only this environment.")
@options.repository
@options.output("svg", "mermaid", "dot")
@options.fetch
@options.rendering
@options.quiet
def command(
    *,
    what: str,
    apps: tuple[str, ...],
    environments: tuple[str, ...],
    repository: Path | None,
    output: str,
    quiet: bool,
) -> int:
    """Draw a repository, as SVG, Mermaid or DOT.

    WHAT is `promotion`: the environments, and the way of a release from one to the next; `clusters`: AppProjects, their
    Applications, and the clusters that they deploy to; `waves`: what each Application applies, by phase and sync wave;
    or `dependencies`: which resources of an Application need which, by name or by labels. What nothing here deploys has
    a dashed border. With APPs, only these, by the name of the application or of the Application. `argosy tree --output
    svg` draws what leads to what.
    """
    from argosy.argocd import configuration, deployments  # noqa: PLC0415
    from argosy.graph import format_graph  # noqa: PLC0415
    from argosy.reporting.progress import progress  # noqa: PLC0415
    from argosy.tree import pictures  # noqa: PLC0415

    root = root_of(repository).resolve()
    found = deployments.find(
        root, configuration.load(root), progress=lambda what, total: progress(what, total, enabled=not quiet)
    )
    drawn = pictures.draw(pictures.Picture(what), found, pictures.Scope(apps, environments))
    if not drawn.boxes and (apps or environments):
        raise UsageError(f"No Application is meant by {', '.join((*apps, *environments))}.", "Run argosy tree.")
    click.echo(format_graph(drawn, output), nl=False)
    return 0
