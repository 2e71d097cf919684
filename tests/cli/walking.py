"""Every command there is, however deep, as Click knows it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from argosy.cli import argosy


def commands(context: click.Context | None = None) -> Iterator[click.Context]:
    """Yield a context for each command that does something."""
    context = context or click.Context(argosy, info_name="argosy")
    group = context.command
    if not isinstance(group, click.Group):
        yield context
        return
    for name in group.list_commands(context):
        below = group.get_command(context, name)
        assert below is not None
        yield from commands(click.Context(below, info_name=name, parent=context))


def options(context: click.Context) -> Iterator[click.Option]:
    """Yield a command's options."""
    yield from (each for each in context.command.params if isinstance(each, click.Option))
