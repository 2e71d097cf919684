"""`argosy components`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from argosy import data, terminal
from argosy.cli import options
from argosy.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from argosy.catalogue.catalogue import Entry
    from argosy.repository.model import Repository


@click.command("components")
@click.argument("name", metavar="[NAME]", required=False)
@options.repository
@options.output("text", "wide", "json", "name")
def command(name: str | None, repository: Path | None, output: str) -> int:
    """List the catalogue of components, and where each is installed; with NAME, all that is known of one.

    Outside a repository, it lists the catalogue alone.
    """
    from argosy.catalogue import catalogue  # noqa: PLC0415

    root, model = _opened(repository)
    known = catalogue.load(root)
    rows = [_row(each, model) for each in ([catalogue.entry(known, name)] if name else known.values())]
    if output == "json":
        options.show(data.written("Components", {"components": rows}))
    elif output == "name":
        click.echo("".join(f"{row['name']}\n" for row in rows), nl=False)
    elif name:
        _show(rows[0])
    else:
        _list(rows, model, is_wide=output == "wide")
    return 0


def _opened(repository: Path | None) -> tuple[Path | None, Repository | None]:
    from argosy.repository import store  # noqa: PLC0415
    from argosy.repository.root import root_of  # noqa: PLC0415

    try:
        root = root_of(repository)
    except UsageError:
        if repository is not None:
            raise
        return None, None
    if repository is None and not store.is_repository(root):
        return None, None
    return root, store.load(root).repository


def _row(entry: Entry, model: Repository | None) -> dict[str, Any]:
    """Return what is known of a component, and where a repository installs it."""
    from argosy.change import components  # noqa: PLC0415

    component = entry.component
    asked = components.asked_for(model.settings.production) if model else {}
    return {
        "name": entry.name,
        "summary": entry.summary,
        "chart": {"repository": component.repo_url, "name": component.chart, "version": component.version},
        "namespace": component.namespace,
        "wave": component.wave,
        "needs": list(entry.needs),
        "crds": [str(each) for each in entry.crds],
        "own": entry.own,
        "askedForBy": asked.get(entry.name, ""),
        "installed": _installed(entry.name, model),
        "notes": entry.notes,
    }


def _installed(name: str, model: Repository | None) -> Mapping[str, Any]:
    return {
        environment.name: {"version": each.version, "vendored": each.vendored}
        for environment in (model.environments if model else ())
        for each in environment.components
        if each.name == name
    }


def _list(rows: list[dict[str, Any]], model: Repository | None, *, is_wide: bool) -> None:
    from argosy.reporting import console  # noqa: PLC0415

    columns = [
        "component",
        "version",
        *(["installed"] if model else []),
        *(["namespace", "chart"] if is_wide else []),
        "what for",
    ]
    table = console.table(*columns)
    for row in rows:
        where = ", ".join(
            environment if there["version"] == row["chart"]["version"] else f"{environment} ({there['version']})"
            for environment, there in row["installed"].items()
        )
        missing = f"missing: {row['askedForBy']}" if row["askedForBy"] and not where else where
        chart = row["chart"]
        wide = [row["namespace"], f"{chart['repository']}/{chart['name']}"] if is_wide else []
        table.add_row(row["name"], chart["version"], *([missing] if model else []), *wide, row["summary"])
    click.echo(console.written([table], colour=terminal.has_colour(sys.stdout)), nl=False)


def _show(row: dict[str, Any]) -> None:
    chart = row["chart"]
    facts = {
        "chart": f"{chart['name']} {chart['version']} of {chart['repository']}",
        "namespace": row["namespace"],
        "sync wave": row["wave"],
        "needs": ", ".join(row["needs"]),
        "brings": ", ".join(row["crds"]),
        "asked for by": row["askedForBy"],
        "installed": ", ".join(
            f"{name} {there['version']}{', vendored' if there['vendored'] else ''}"
            for name, there in row["installed"].items()
        ),
    }
    click.echo(f"{row['name']}: {row['summary']}\n")
    for fact, value in facts.items():
        if value != "":
            click.echo(f"{fact:14}{value}")
    if row["notes"]:
        click.echo(f"\n{row['notes']}")
