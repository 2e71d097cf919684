"""`argosy convert`."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from argosy import data
from argosy.cli import options
from argosy.cli.options import ChangeOptions
from argosy.delivery import changes
from argosy.errors import UsageError
from argosy.names import joined
from argosy.repository.model import DEFAULT_IMAGE, DEFAULT_PORT, OWN, SHARED, WRITTEN_HERE, Format

if TYPE_CHECKING:
    from argosy.change.own_branches import Elsewhere
    from argosy.change.planning import Change
    from argosy.conversion import Conversion, Difference
    from argosy.repository.store import Stored


class ValuesType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of Click alone
    """FILE or ENV=FILE -> (environment or "", what the file holds)."""

    name = "[ENV=]FILE"

    def convert(
        self, value: str | tuple[str, bytes], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, bytes]:
        """Read the file."""
        if isinstance(value, tuple):
            return value
        environment, _, file = value.rpartition("=")
        try:
            return environment, Path(file).read_bytes()
        except OSError as error:
            self.fail(f"{file} cannot be read: {error.strerror}.", param, ctx)


@click.command("convert", cls=options.ChangeCommand)
@click.argument("app")
@click.option("--to", "form", type=options.choice(WRITTEN_HERE), help="The new format.")
@options.chart
@options.chart_versions
@click.option(
    "--values",
    type=ValuesType(),
    multiple=True,
    help="What a chart from elsewhere gets in place of the values that are there, or in one environment.",
)
@options.yes
@options.of_change
def command(
    *,
    app: str,
    form: str | None,
    chart: str | None,
    versions: tuple[tuple[str, str], ...],
    values: tuple[tuple[str, bytes], ...],
    yes: bool,
    given: ChangeOptions,
) -> int:
    """Change how an application is written: as a Helm chart, a Kustomize base with overlays, or plain manifests.

    Or whose Helm chart it has. Then its values stay, as long as that deploys the same. A chart from elsewhere, or one
    that comes from there, takes its place only where that deploys the same: else nothing is written, and the
    differences are listed.

    What every environment runs today is read from what is rendered, and put into the new files: image, replicas,
    ports, environment variables, resources and the rest. Other resources are carried over. What is deployed before and
    after is compared, and each difference is listed with its reason.
    """
    from argosy import conversion  # noqa: PLC0415
    from argosy.change import edits, own_branches, seeds  # noqa: PLC0415

    if form is None and chart is None:
        raise UsageError("Neither a format nor a chart is given.", "Give --to or --chart.")
    whose, where = seeds.read_chart(chart)
    _, seed = seeds.seed((DEFAULT_IMAGE, DEFAULT_PORT, ()), form, (where, None, None), versions)
    if values and not where:
        raise UsageError("--values are those of a chart from elsewhere.", "Give --chart REF too.")
    wanted = Format(form) if form else None
    said = {OWN: "its own chart", SHARED: "the shared chart"}
    what = " with ".join(each for each in (form, said.get(chart or "", where or "")) if each)
    with changes.opened(given) as stored:
        known = {each.name for each in stored.repository.environments}
        for name in {*dict(values), *dict(seed.revisions)} - {"", *known}:
            edits.environment(stored.repository, name)

        def converted(root: Path, stored: Stored) -> Conversion | None:
            origin = seed if where else None
            return conversion.convert(root, stored, app, wanted, whose, elsewhere=origin, values=dict(values))

        made = converted(given.root, stored)
        if made is None:
            given.say(f"Nothing to change: {app} {'is written for' if form else 'has'} {what} already.")
            return 0
        found: list[Difference] = []

        def announced(made: Conversion, environments: Collection[str], where: str = "") -> Change:
            """Say what a conversion does to the environments that are read from there, and ask."""
            differences = [each for each in made.differences if each.environment in environments]
            found.extend(differences)
            if environments or made.edited:
                given.say(where + _summary(replace(made, differences=differences)))
            if not given.dry_run and (made.edited or any(not each.why for each in differences)):
                given.confirm(yes, "Continue?")
            return made.change

        def again(there: Elsewhere) -> Change | None:
            made = converted(there.root, there.stored)
            if made is None:
                return None
            if not (given.is_committed or given.dry_run):  # It stays as it is there.
                return made.change
            return announced(made, there.environments, f"On the branch {there.branch}: ")

        elsewhere = own_branches.followed(given.root, stored.repository)
        change = announced(made, {each.name for each in stored.repository.environments} - elsewhere.keys())
        with _with_differences(given, found):
            return changes.carry_out(given, stored, change, f"Convert {app} to {what}", again=again)


@contextlib.contextmanager
def _with_differences(given: ChangeOptions, differences: Sequence[Difference]) -> Iterator[None]:
    """Add the differences to the JSON that the change reports."""
    if given.output != "json":
        yield
        return
    printed = io.StringIO()
    try:
        with options.in_json(), contextlib.redirect_stdout(printed):
            yield
    finally:
        text = printed.getvalue()
        if text.startswith("{"):
            report, end = json.JSONDecoder().raw_decode(text)
            report["differences"] = [asdict(each) for each in differences]
            click.echo(text[end:].lstrip("\n"), nl=False)
            text = data.written("Change", report)
        options.show(text)


def _summary(made: Conversion) -> str:
    """Return what to know before the conversion, for people."""
    from argosy.conversion.comparison import grouped  # noqa: PLC0415

    lines = []
    if made.edited:
        lines.append(
            "These files were written or edited by hand and are deleted. What they deploy goes into the new files; "
            "their comments, and what is not used, remain only in Git's history:"
        )
        lines += [f"  {each.path}" for each in made.edited]
    explained = [each for each in made.differences if each.why]
    for title, these in (
        ("Intended differences in what is deployed:", explained),
        ("Differences that the new format cannot express:", made.unexplained),
    ):
        if these:
            lines += [title, *grouped(these)]
    restarted: dict[str, list[str]] = {}
    for each in made.differences:
        if each.path.startswith("spec.template."):
            restarted.setdefault(each.resource, []).append(each.environment)
    lines += [
        f"Argo CD rolls out {resource} once more in {joined([*dict.fromkeys(environments)])}: its Pods are replaced."
        for resource, environments in restarted.items()
    ]
    return "\n".join(lines) or "Nothing changes in what is deployed."
