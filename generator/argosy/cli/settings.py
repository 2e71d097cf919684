"""`argosy settings`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from argosy import terminal
from argosy.cli import options
from argosy.cli import words as words_of
from argosy.repository.root import root_of

if TYPE_CHECKING:
    from argosy.change.settings import Settings
    from argosy.repository.switches import Setting


@click.command("settings")
@click.argument(
    "words",
    metavar="[repository|env NAME|app NAME|cluster NAME|team NAME] [KEY]",
    nargs=-1,
    shell_complete=words_of.of_settings,
)
@options.repository
@options.output("text", "wide", "json", "name")
def command(words: tuple[str, ...], repository: Path | None, output: str) -> int:
    """List the settings: the value of each, what it can be, its default, and the files that follow from it.

    Without words it lists those of the repository, of each env, app, cluster and team; with a KEY, all that is known of
    that setting. In paths, ENV, APP and COMPONENT are names, VERSION is a version.
    """
    from argosy.api import Repository, to_json  # noqa: PLC0415

    asked = _asked(words)
    seen = Repository(root_of(repository))
    found = seen.settings(*asked)
    if output == "json":
        options.show(to_json(found))
    elif output == "name":
        keys = (" ".join(filter(None, (part.of, part.name, each.key))) for part in found for each, _ in part.values)
        click.echo("".join(f"{key}\n" for key in keys), nl=False)
    elif asked[2]:
        _show(found[0])
    else:
        _list(found, is_wide=output == "wide")
        if any(part.of == "team" for part in found) and seen.model().settings.production.quotas:
            click.echo(
                "A team's namespaces may use what is usual, or what is set: argosy set team NAME ENV.requests.cpu=4 "
                "(`argosy help teams` lists the limits)",
                err=True,
            )
    return 0


def _asked(words: tuple[str, ...]) -> tuple[str, str, str]:
    """Return what is asked for: the word for it, its name, and a key or "" for all keys."""
    if not words:
        return "", "", ""
    what = words_of.what(words[0])
    names = int(what != "repository")
    if not names <= len(words) - 1 <= names + 1:
        raise click.UsageError(f"Write argosy settings {what}{' NAME' if names else ''} [KEY].")
    return what, words[1] if names else "", "".join(words[1 + names :])


def _list(found: Sequence[Settings], *, is_wide: bool) -> None:
    from argosy.names import joined  # noqa: PLC0415
    from argosy.reporting import console  # noqa: PLC0415
    from argosy.template import effects  # noqa: PLC0415

    tables, wide = [], ("meaning",) if is_wide else ()
    for part in found:
        title = f"{part.of} {part.name}".strip()
        table = console.table(title, "value", "can be", "default", "files that follow", *wide)
        for each, value in part.values:
            files = effects.files(part.of, each)
            cells = (each.key, each.shown(value), _can_be(each), each.shown(each.default))
            shown = (joined(files), effects.meaning(part.of, each)) if is_wide else (joined(files, 2),)
            table.add_row(*cells, *shown)
        tables.append(table)
    click.echo(console.written(tables, colour=terminal.has_colour(sys.stdout)), nl=False)


def _show(part: Settings) -> None:
    from argosy.template import effects  # noqa: PLC0415

    ((each, value),) = part.values
    facts = {"value": each.shown(value), "can be": _can_be(each), "default": each.shown(each.default)}
    click.echo(f"{each.key}: {effects.meaning(part.of, each)}\n")
    for fact, text in facts.items():
        click.echo(f"{fact:9}  {text}".rstrip())
    for index, path in enumerate(effects.files(part.of, each) or ["of new applications"]):
        click.echo(f"{'' if index else 'files':9}  {path}")
    click.echo(f"\nargosy set {f'{part.of} {part.name}'.strip()} {each.key}=…")


def _can_be(setting: Setting) -> str:
    """Return what a setting can be; of a list, what each value of it can be."""
    if setting.values:
        return ", ".join(setting.values)
    return "a number" if setting.kind is int else "texts, with commas" if setting.several else "text"
