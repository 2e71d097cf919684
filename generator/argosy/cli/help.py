"""`argosy help`."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from argosy import pages
from argosy.cli import COMMANDS, argosy
from argosy.errors import UsageError
from argosy.names import did_you_mean


def _complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [
        CompletionItem(name, help=pages.title(page))
        for name, page in pages.topics().items()
        if name.startswith(incomplete)
    ]


@click.command("help")
@click.argument("topic", metavar="[TOPIC]", required=False, shell_complete=_complete)
@click.pass_context
def command(ctx: click.Context, topic: str | None) -> None:
    """Print a page of the documentation, or list the pages.

    A command that no page is named after prints its options.
    """
    topics = pages.topics()
    if topic is None:
        width = max(map(len, topics))
        for name, page in topics.items():
            click.echo(f"{name:{width}}  {pages.title(page)}")
    elif topic in topics:
        # Click starts a pager on a terminal alone.
        click.echo_via_pager(pages.plain(topics[topic]))
    elif topic in COMMANDS and (found := argosy.get_command(ctx, topic)):
        click.echo(found.get_help(click.Context(found, parent=ctx.parent, info_name=topic)))
    else:
        hint = did_you_mean(topic, (*topics, *COMMANDS)) or "`argosy help` lists them."
        raise UsageError(f"There is no page “{topic}”.", hint)
