"""`argosy template`: an organisation's templates as layers over the built-in one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from argosy import data
from argosy.cli import options
from argosy.cli.options import ChangeOptions
from argosy.delivery import changes
from argosy.errors import UsageError
from argosy.names import joined
from argosy.repository.root import root_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.repository.model import Layer, Repository

_ANSWERS = click.option(
    "--set",
    "answers",
    type=options.SettingType(),
    multiple=True,
    help="Answer one of its questions: KEY=VALUE. Repeat it for several.",
)
_ORDER = "argosy template order changes who wins."


@click.group("template")
def command() -> None:
    """Lay an organisation's templates over the built-in one."""


@command.command("add", cls=options.ChangeCommand)
@click.argument("source", metavar="SOURCE[@REF]")
@click.option("--name", metavar="NAME", default="", help="What the layer is called.  [default: as it says itself]")
@_ANSWERS
@options.of_change
def add(source: str, name: str, answers: tuple[tuple[str, str], ...], given: ChangeOptions) -> int:
    """Fetch a layer, a Git repository or folder in Copier's format, and lay it over the built-in template.

    REF is a tag, branch or commit; by default, the newest tag. Git's own credentials are used.
    """
    from argosy.change import layering  # noqa: PLC0415
    from argosy.template import fetching  # noqa: PLC0415

    with changes.opened(given) as stored:
        layer = fetching.fetch(*fetching.parted(source), name)
        taken = [each for each in stored.repository.settings.layers if each.name == layer.name]
        if taken:
            raise UsageError(
                f"This repository has a layer {layer.name} already: {taken[0]} of {taken[0].source}.",
                f"Update it: argosy template update {layer.name}. Or give this one another name with --name.",
            )
        layer = layering.answered(stored.repository, layer, dict(answers), options.asking())
        if layering.is_here_alone(layer):
            given.say(f"{layer.source} is on this machine alone: others, and CI, cannot fetch the layer from there.")
        added = layering.with_layer(stored.repository, layer)
        for path, names in layering.overlaps(added).items():
            if layer.name in names:
                given.say(f"{path} is what {names[-1]} writes: {joined(names)} have it. {_ORDER}")
        return _carry_out(given, stored, f"Add the layer {layer}", lambda model: layering.with_layer(model, layer))


@command.command("list")
@options.repository
@options.output("text", "json", "name")
def list_(repository: Path | None, output: str) -> int:
    """List the layers, the lowest first: their versions, what is newer of what was fetched, and where they are from.

    Of a file that several write, the last one's is in the repository.
    """
    from argosy.repository import store  # noqa: PLC0415
    from argosy.template import layers  # noqa: PLC0415

    rows = []
    for each in store.load(root_of(repository), ()).repository.settings.layers:
        newest = layers.newest(each.source)
        rows.append(
            {
                "name": each.name,
                "version": each.label,
                "commit": each.commit,
                "source": each.source,
                "answers": json.loads(each.answers),
                "fetched": layers.has(each),
                "newest": replace(each, version=newest).label if newest else None,
            }
        )
    if output == "json":
        options.show(data.written("Layers", {"layers": rows}))
        return 0
    if output == "name":
        click.echo("".join(f"{row['name']}\n" for row in rows), nl=False)
        return 0
    if not rows:
        click.echo("This repository has no layers: argosy template add SOURCE adds one.", err=True)
    for row in rows:
        told = "" if row["fetched"] else "  not on this machine: argosy template fetch"
        newer = f"  newer: {row['newest']}" if row["newest"] not in {None, row["version"]} else ""
        click.echo(f"{row['name']:16}  {row['version']:12}  {row['source']}{newer}{told}")
    return 0


@command.command("order", cls=options.ChangeCommand)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@options.of_change
def order(names: tuple[str, ...], given: ChangeOptions) -> int:
    """Lay the layers in another order over the built-in template: of a file that several write, the last one wins.

    A new layer lies over those that are there.
    """
    from argosy.change import layering  # noqa: PLC0415

    with changes.opened(given) as stored:
        title = f"Lay {joined(names)} over the template in this order"
        return _carry_out(given, stored, title, lambda model: layering.ordered(model, names))


@command.command("fetch")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@options.repository
@options.quiet
def fetch(names: tuple[str, ...], repository: Path | None, quiet: bool) -> int:
    """Bring the versions of the layers that are recorded, and the newest ones, to this machine.

    This asks the sources that the repository names: look at them first (argosy template list).
    """
    from argosy.change import layering  # noqa: PLC0415
    from argosy.repository import store  # noqa: PLC0415
    from argosy.template import fetching  # noqa: PLC0415

    model = store.load(root_of(repository), ()).repository
    for layer in [layering.find(model, name) for name in names] or model.settings.layers:
        newest = replace(layer, version=fetching.bring(layer))
        if not quiet:
            told = f"; the newest is {newest.label}" if newest.version != layer.version else ""
            click.echo(f"Fetched {layer} of {layer.source}{told}.", err=True)
    return 0


@command.command("update", cls=options.ChangeCommand)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--to", "ref", metavar="REF", default="", help="A tag, branch or commit.  [default: the newest tag]")
@_ANSWERS
@options.of_change
def update(names: tuple[str, ...], ref: str, answers: tuple[tuple[str, str], ...], given: ChangeOptions) -> int:
    """Fetch newer versions of layers, or answer their questions anew, and merge what that changes."""
    from argosy.change import layering  # noqa: PLC0415
    from argosy.template import fetching  # noqa: PLC0415

    if (ref or answers) and len(names) != 1:
        raise UsageError("--to and --set are for one layer.", "Name it.")
    with changes.opened(given) as stored:
        current = stored.repository
        wanted: list[Layer] = []
        for layer in [layering.find(current, name) for name in names] or current.settings.layers:
            # Other answers alone are no reason to ask the network.
            at = layer if answers and not ref else fetching.fetch(layer.source, ref, layer.name, layer)
            there = replace(layer, version=at.version)
            wanted.append(layering.answered(current, there, dict(answers), options.asking()))

        def made(model: Repository) -> Repository:
            for each in wanted:
                model = layering.with_layer(model, each)
            return model

        title = f"Update the layer{'s' if len(wanted) > 1 else ''} {', '.join(map(str, wanted))}"
        return _carry_out(given, stored, title, made)


@command.command("remove", cls=options.ChangeCommand)
@click.argument("name")
@options.of_change
def remove(name: str, given: ChangeOptions) -> int:
    """Take a layer away: what it added goes, what it replaced or left out is the built-in template's again."""
    from argosy.change import layering  # noqa: PLC0415

    with changes.opened(given) as stored:
        layering.find(stored.repository, name)
        return _carry_out(given, stored, f"Remove the layer {name}", lambda model: layering.without_layer(model, name))


def _carry_out(given: ChangeOptions, stored: Any, title: str, edit: Callable[[Repository], Repository]) -> int:
    from argosy.change.planning import Change  # noqa: PLC0415

    def made(model: Repository) -> Change:
        return Change(model, edit(model))

    return changes.carry_out(given, stored, made(stored.repository), title, again=lambda there: made(there.repository))
