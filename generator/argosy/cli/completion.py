"""`argosy completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from argosy.cli import COMPLETE, argosy

_UNSPACED = {
    "COMPREPLY+=($value)": "COMPREPLY+=($value); [[ $value == *= ]] && compopt -o nospace",
    "compadd -U -V unsorted -a completions": (
        "if [[ -n ${(M)completions:#*=} ]]; then compadd -U -V unsorted -S '' -a completions; "
        "else compadd -U -V unsorted -a completions; fi"
    ),
}
"""What bash and zsh do with a completion, and what they should do."""


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish", "powershell"]))
def command(shell: str) -> None:
    """Print the script that completes argosy's commands, and the names of this repository, in a shell.

    Applications, environments, components, rules, settings and their values, contexts, branches and tags.
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"Click has no completion for {shell}.")
    script = found(argosy, {}, "argosy", COMPLETE).source()
    # After `KEY=` comes the value, no blank.
    for plain, unspaced in _UNSPACED.items():
        script = script.replace(plain, unspaced)
    click.echo(script)
