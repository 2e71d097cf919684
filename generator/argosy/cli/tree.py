"""`argosy tree`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click

from argosy.cli import options
from argosy.repository.root import root_of


@click.command("tree", cls=options.LookingCommand)
@click.argument("apps", metavar="[APP]...", nargs=-1)
@click.option("--env", "environments", metavar="ENV", multiple=True, help="Only this environment.")
@click.option("--resources/--no-resources", default=True, help="Show what Applications render.  [default: show]")
@click.option("--verbose", is_flag=True, help="List every file that nothing leads to.")
@options.repository
@options.output("text", "json", "name", "svg", "mermaid", "dot")
@options.fetch
@options.rendering
@options.quiet
def command(
    *,
    apps: tuple[str, ...],
    environments: tuple[str, ...],
    resources: bool,
    verbose: bool,
    repository: Path | None,
    output: str,
    quiet: bool,
) -> int:
    """Show what leads to what: root, ApplicationSet, Application, resources; and what nothing leads to.

    Roots are what is applied by hand: Applications and ApplicationSets that no other renders, overlays and charts of
    such, or what `roots` in .argosy.yaml names. An Application has its environment, cluster and namespace; what is not
    all known here has the reason after a ?. With APPs, only what leads to these, by the name of the application or of
    the Application.
    """
    from argosy.api import Repository  # noqa: PLC0415
    from argosy.graph import GraphFormat, format_graph  # noqa: PLC0415
    from argosy.reporting.progress import progress  # noqa: PLC0415

    root = root_of(repository).resolve()
    seen = Repository(root, watch=lambda what, total: progress(what, total, enabled=not quiet))
    made = seen.tree(apps, environments, resources=resources)
    if output in {*GraphFormat}:
        from argosy.tree import pictures  # noqa: PLC0415

        click.echo(format_graph(pictures.of_tree(made), output), nl=False)
        return 0
    formatter = import_module(f"argosy.tree.as_{output}")
    options.show(formatter.format_tree(made, verbose=verbose))
    return 0
