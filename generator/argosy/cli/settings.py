"""`argosy settings`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from argosy import data, terminal
from argosy.cli import options
from argosy.cli import words as words_of
from argosy.repository.root import root_of

if TYPE_CHECKING:
    from argosy.repository.model import Repository
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
    from argosy.repository import store  # noqa: PLC0415

    model = store.load(root_of(repository)).repository
    asked = [*_asked(model, words)]
    if output == "json":
        options.show(data.written("Settings", {"settings": [_as_json(model, *each) for each in asked]}))
    elif output == "name":
        named = (
            " ".join(filter(None, (*each[:2], setting.key))) for each in asked for setting, _ in _settings(model, *each)
        )
        click.echo("".join(f"{name}\n" for name in named), nl=False)
    elif len(words) > 1 and asked[0][2]:
        _show(model, *asked[0])
    else:
        _list(model, asked, is_wide=output == "wide")
    return 0


def _asked(model: Repository, words: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Yield what is asked for: the word for it, its name, and a key or "" for all keys."""
    if not words:
        yield "repository", "", ""
        yield from (("env", each.name, "") for each in model.environments)
        yield from (("app", each.name, "") for each in model.applications)
        yield from (("cluster", each.name, "") for each in model.clusters)
        yield from (("team", each.name, "") for each in model.teams)
        return
    what = words_of.what(words[0])
    names = int(what != "repository")
    if not names <= len(words) - 1 <= names + 1:
        raise click.UsageError(f"Write argosy settings {what}{' NAME' if names else ''} [KEY].")
    yield what, words[1] if names else "", "".join(words[1 + names :])


def _settings(model: Repository, what: str, name: str, key: str) -> list[tuple[Setting, Any]]:
    """Return settings with their values."""
    from argosy.change import edits  # noqa: PLC0415
    from argosy.repository import switches  # noqa: PLC0415

    of = f"{what} {name}".strip()
    values = edits.values(model, what, name)
    quotas = _quotas(model, name) if what == "team" else {}
    if key in quotas:
        return [quotas[key]]
    chosen = [switches.setting(of, key)] if key else switches.SETTINGS[what].values()
    return [*((each, values[each.field]) for each in chosen), *(() if key else quotas.values())]


def _quotas(model: Repository, name: str) -> dict[str, tuple[Setting, str]]:
    """Return what each namespace of a team may use, by ENV.LIMIT, where that is other than usual."""
    from argosy.change import edits  # noqa: PLC0415
    from argosy.repository.switches import Setting  # noqa: PLC0415

    return {
        (key := f"{place}.{limit}"): (Setting(key, "quotas", str, ""), quantity)
        for place, quota in edits.team(model, name).quotas
        for limit, quantity in quota
    }


def _as_json(model: Repository, what: str, name: str, key: str) -> dict[str, Any]:
    from argosy.template import effects  # noqa: PLC0415

    settings = [
        {
            **{"key": each.key, "value": each.plain(value), "default": each.plain(each.default)},
            **{"allowed": [each.plain(each.read(text)) for text in each.values], "several": each.several},
            **{"meaning": effects.meaning(what, each), "files": effects.files(what, each)},
        }
        for each, value in _settings(model, what, name, key)
    ]
    return {"of": what, "name": name or model.settings.name, "settings": settings}


def _list(model: Repository, asked: list[tuple[str, str, str]], *, is_wide: bool) -> None:
    from argosy.names import joined  # noqa: PLC0415
    from argosy.reporting import console  # noqa: PLC0415
    from argosy.template import effects  # noqa: PLC0415

    tables, wide = [], ("meaning",) if is_wide else ()
    for what, name, key in asked:
        table = console.table(f"{what} {name}".strip(), "value", "can be", "default", "files that follow", *wide)
        for each, value in _settings(model, what, name, key):
            files = effects.files(what, each)
            cells = (each.key, each.shown(value), _can_be(each), each.shown(each.default))
            shown = (joined(files), effects.meaning(what, each)) if is_wide else (joined(files, 2),)
            table.add_row(*cells, *shown)
        tables.append(table)
    click.echo(console.written(tables, colour=terminal.has_colour(sys.stdout)), nl=False)
    if model.settings.production.quotas and any(what == "team" and not key for what, _, key in asked):
        click.echo(
            "A team's namespaces may use what is usual, or what is set: argosy set team NAME ENV.requests.cpu=4 "
            "(`argosy help teams` lists the limits)",
            err=True,
        )


def _show(model: Repository, what: str, name: str, key: str) -> None:
    from argosy.template import effects  # noqa: PLC0415

    ((each, value),) = _settings(model, what, name, key)
    facts = {"value": each.shown(value), "can be": _can_be(each), "default": each.shown(each.default)}
    click.echo(f"{each.key}: {effects.meaning(what, each)}\n")
    for fact, text in facts.items():
        click.echo(f"{fact:9}  {text}".rstrip())
    for index, path in enumerate(effects.files(what, each) or ["of new applications"]):
        click.echo(f"{'' if index else 'files':9}  {path}")
    click.echo(f"\nargosy set {f'{what} {name}'.strip()} {each.key}=…")


def _can_be(setting: Setting) -> str:
    """Return what a setting can be; of a list, what each value of it can be."""
    if setting.values:
        return ", ".join(setting.values)
    return "a number" if setting.kind is int else "texts, with commas" if setting.several else "text"
