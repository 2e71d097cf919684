"""`argosy help`."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from argosy import pages, programs
from argosy.cli import COMMANDS, argosy
from argosy.errors import UsageError
from argosy.names import did_you_mean, joined


def _complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [
        CompletionItem(name, help=pages.title(page))
        for name, page in pages.topics().items()
        if name.startswith(incomplete)
    ]


def _complete_kinds(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    from argosy.schemas import bundled  # noqa: PLC0415

    return [kind for kind in bundled.printed() if kind.startswith(incomplete)]


@click.command("help")
@click.argument("words", metavar="[TOPIC|COMMAND...]", nargs=-1, shell_complete=_complete)
@click.option(
    "--schema",
    "kind",
    metavar="KIND",
    shell_complete=_complete_kinds,
    help="Print the JSON Schema of what commands print as JSON of that kind: Status, Validation.",
)
@click.pass_context
def command(ctx: click.Context, words: tuple[str, ...], kind: str | None) -> None:
    """Print what there is on a command or a topic: options, examples, and the page of the documentation.

    Without words it lists the pages.
    """
    if kind is not None:
        _show_schema(kind, words)
        return
    topics, name = pages.topics(), " ".join(words)
    if not words:
        width = max(map(len, topics))
        for topic, page in topics.items():
            click.echo(f"{topic:{width}}  {pages.title(page)}")
        return
    told = [_help(ctx, words), pages.plain(topics[name]) if name in topics else ""]
    if not any(told):
        hint = did_you_mean(name, (*topics, *COMMANDS)) or "`argosy help` lists them."
        raise UsageError(f"There is no page “{name}”.", hint)
    with programs.alone():  # Click starts a pager on a terminal.
        click.echo_via_pager("\n\n\n".join(each.rstrip("\n") for each in told if each) + "\n")


def _show_schema(kind: str, words: tuple[str, ...]) -> None:
    from argosy.schemas import bundled  # noqa: PLC0415

    kinds = bundled.printed()
    if words:
        raise UsageError("--schema prints a schema alone.", f"argosy help --schema {kind}")
    if kind not in kinds:
        hint = did_you_mean(kind, kinds) or f"There are {joined([*kinds])}."
        raise UsageError(f"There is no kind “{kind}”.", hint)
    click.echo(kinds[kind].read_text(encoding="utf-8"), nl=False)


def _help(ctx: click.Context, words: tuple[str, ...]) -> str:
    """Return the help of the command that words are, or else nothing."""
    found: click.Command | None = argosy
    above = ctx.parent
    for word in words:
        group = found
        found = group.get_command(ctx, word) if isinstance(group, click.Group) else None
        if found is None:
            return ""
        above = click.Context(found, parent=above, info_name=word)
    return found.get_help(above) if found and above else ""
