"""`argosy completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from argosy.cli import argosy


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that completes argosy's commands in a shell.

    For bash, put this into ~/.bashrc:  eval "$(argosy completion bash)"
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"Click has no completion for {shell}.")
    click.echo(found(argosy, {}, "argosy", "_ARGOSY_COMPLETE").source())
