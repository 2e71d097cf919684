"""`argosy convert`."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from argosy.cli import delivery, options
from argosy.cli.options import ChangeOptions
from argosy.errors import UsageError
from argosy.names import joined
from argosy.repository.model import OWN, SHARED, WRITTEN_HERE, Format, Origin

if TYPE_CHECKING:
    from argosy.change.own_branches import Elsewhere
    from argosy.change.planning import Change
    from argosy.conversion import Conversion, Difference


@click.command("convert", cls=options.ChangeCommand)
@click.argument("app")
@click.option("--to", "form", type=options.choice(WRITTEN_HERE), help="The new format.")
@click.option("--chart", metavar="own|shared", help="Its new Helm chart: its own, or the one that is shared.")
@options.yes
@options.of_change
def command(app: str, form: str | None, chart: str | None, yes: bool, given: ChangeOptions) -> int:
    """Change how an application is written: as a Helm chart, a Kustomize base with overlays, or plain manifests.

    Or whose Helm chart it has. Then its values stay, as long as that deploys the same.

    What every environment runs today is read from what is rendered, and put into the new files: image, replicas,
    ports, environment variables, resources and the rest. Other resources are carried over. What is deployed before and
    after is compared, and each difference is listed with its reason.
    """
    from argosy import conversion  # noqa: PLC0415
    from argosy.change import own_branches  # noqa: PLC0415

    if form is None and chart is None:
        raise UsageError("Neither a format nor a chart is given.", "Give --to or --chart.")
    if chart not in {None, OWN, SHARED}:
        raise _unproven(app, str(chart))
    wanted = Format(form) if form else None
    whose = {OWN: "its own chart", SHARED: "the shared chart"}
    what = " with ".join(each for each in (form, whose.get(chart or "")) if each)
    with delivery.opened(given) as stored:
        made = conversion.convert(given.root, stored, app, wanted, chart)
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
                delivery.confirm(yes, "Continue?")
            return made.change

        def again(there: Elsewhere) -> Change | None:
            converted = conversion.convert(there.root, there.stored, app, wanted, chart)
            if converted is None:
                return None
            if not (given.is_committed or given.dry_run):  # It stays as it is there.
                return converted.change
            return announced(converted, there.environments, f"On the branch {there.branch}: ")

        elsewhere = own_branches.followed(given.root, stored.repository)
        change = announced(made, {each.name for each in stored.repository.environments} - elsewhere.keys())
        with _with_differences(given, found):
            return delivery.carry_out(given, stored, change, f"Convert {app} to {what}", again=again)


def _unproven(app: str, chart: str) -> UsageError:
    """Return the error for a chart from elsewhere, with how to get there; raise UsageError for what is no chart."""
    Origin.of_chart(chart)
    return UsageError(
        f"{app} cannot be converted to {chart}: that chart has values of its own, and nothing proves that it deploys "
        "the same with them.",
        "Replace it in two commits that are pushed together, so that its Applications stay, and see what changes:\n"
        f"    argosy remove app {app} --commit\n"
        f"    argosy add app {app} --chart {chart} --version VERSION --commit\n"
        f"    git show HEAD~2:environments/ENV/{app}/…    # what was set: write it as the chart's values, and commit\n"
        "    argosy diff --against HEAD~3 --fetch",
    )


@contextlib.contextmanager
def _with_differences(given: ChangeOptions, differences: Sequence[Difference]) -> Iterator[None]:
    """Add the differences to the JSON that the change reports."""
    if given.output != "json":
        yield
        return
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            yield
    finally:
        text = printed.getvalue()
        if text.startswith("{"):
            report, end = json.JSONDecoder().raw_decode(text)
            report["differences"] = [asdict(each) for each in differences]
            text = json.dumps(report, indent=2) + text[end:]
        click.echo(text, nl=False)


def _summary(made: Conversion) -> str:
    """Return what to know before the conversion, for people."""
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
            lines += [title, *_grouped(these)]
    restarted: dict[str, list[str]] = {}
    for each in made.differences:
        if each.path.startswith("spec.template."):
            restarted.setdefault(each.resource, []).append(each.environment)
    lines += [
        f"Argo CD rolls out {resource} once more in {joined([*dict.fromkeys(environments)])}: its Pods are replaced."
        for resource, environments in restarted.items()
    ]
    return "\n".join(lines) or "Nothing changes in what is deployed."


def _grouped(differences: Sequence[Difference]) -> list[str]:
    """Return a line for each field and reason, with all resources and environments that have it."""
    groups: dict[tuple[str, str], list[Difference]] = {}
    for each in differences:
        place = each.path or f"{each.resource} is {'new' if each.before is None else 'gone'}"
        groups.setdefault((place, each.why), []).append(each)
    return [_line(place, why, these) for (place, why), these in groups.items()]


def _line(place: str, why: str, these: Sequence[Difference]) -> str:
    changes = {f"{_shown(each.before)} -> {_shown(each.after)}" for each in these}
    resources = list(dict.fromkeys(each.resource for each in these))
    environments = ", ".join(dict.fromkeys(each.environment for each in these))
    what = f" of {', '.join(resources)}" if these[0].path else ""
    values = f": {changes.pop()}" if these[0].path and len(changes) == 1 else ""
    return f"  {place}{what} ({environments}){values}" + (f"; {why}" if why else "")


def _shown(value: object) -> str:
    if value is None:
        return "absent"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
