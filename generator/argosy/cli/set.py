"""`argosy set`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from argosy.cli import options
from argosy.cli import words as completion
from argosy.cli.options import ChangeOptions
from argosy.delivery import changes
from argosy.errors import UsageError

if TYPE_CHECKING:
    from argosy.change.requests import Settable


@click.command("set", cls=options.ChangeCommand)
@click.argument(
    "words",
    metavar="repository|env NAME|app NAME|cluster NAME|team NAME KEY=VALUE...",
    nargs=-1,
    required=True,
    shell_complete=completion.of_set,
)
@options.yes
@options.of_change
def command(words: tuple[str, ...], yes: bool, given: ChangeOptions) -> int:
    """Change settings and update the files that depend on them.

    `argosy settings` lists them all. What moves applications that are deployed (namespace, cluster) says what stays
    behind, and asks.
    """
    from argosy.change.requests import Set  # noqa: PLC0415

    what, name, values = _understood(words)
    return changes.grant(given, Set(what=what, name=name, values=values), yes=yes)


def _understood(words: tuple[str, ...]) -> tuple[Settable, str, dict[str, str]]:
    what = completion.what(words[0])
    names = 0 if what == "repository" else 1
    pairs = words[1 + names :]
    wrong = [each for each in pairs if "=" not in each]
    if wrong or not pairs or "=" in "".join(words[1 : 1 + names]):
        raise UsageError(
            f"“{' '.join(words)}” does not say what to set.",
            f"Write argosy set {what}{' NAME' if names else ''} KEY=VALUE.",
        )
    return what, words[1] if names else "", dict(each.split("=", 1) for each in pairs)
