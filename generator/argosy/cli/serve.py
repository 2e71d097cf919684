"""`argosy serve`."""

from __future__ import annotations

from pathlib import Path

import click

from argosy.cli import options
from argosy.errors import ArgosyError, UsageError
from argosy.repository.root import root_of


@click.command("serve", cls=options.LookingCommand)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8099, show_default=True, help="The port; 0 for any that is free."
)
@click.option("--live", "is_live", is_flag=True, help="Show sync and health status from Argo CD in the cluster.")
@click.option("--context", metavar="NAME", help="The kubeconfig context for --live.  [default: the current one]")
@options.repository
@options.fetch
@options.rendering
@options.quiet
def command(*, port: int, is_live: bool, context: str | None, repository: Path | None, quiet: bool) -> int:
    """Show the page of `argosy report --html` to this machine's browsers, and follow changes.

    It is made anew when files or commits of the repository have changed, and a browser that shows it loads it again.
    The page alone is served, on 127.0.0.1, to be read, and nobody is asked who they are: other users of this machine
    can read it too. Ctrl-C ends it.
    """
    from datetime import UTC, datetime  # noqa: PLC0415

    from argosy import cache, git, terminal  # noqa: PLC0415
    from argosy.cel import engine  # noqa: PLC0415
    from argosy.reporting.progress import progress  # noqa: PLC0415
    from argosy.web import as_html, gathering, serving  # noqa: PLC0415

    if context is not None and not is_live:
        raise UsageError("--context is for --live.", "Add --live.")
    root = root_of(repository).resolve()

    def make() -> serving.Files:
        git.forget()
        cache.try_again()
        engine.begin()
        wish = gathering.Wish(
            is_live=is_live,
            context=context or "",
            made=datetime.now(UTC),
            progress=lambda what, total: progress(what, total, enabled=not quiet),
        )
        return as_html.written(gathering.gather(root, wish), apart=True, follow=True)

    def complain(error: ArgosyError) -> None:
        click.echo(f"The page stays as it was: {terminal.printable(error.message)}", err=True)

    begun = serving.state(root)
    shown = serving.Shown(make())
    try:
        with serving.listening(shown, port) as address:
            click.echo(address)
            if not quiet:
                click.echo("Ctrl-C ends it.", err=True)
            serving.follow(root, begun, shown, make, complain)
    except KeyboardInterrupt:
        return 0
    return 0
