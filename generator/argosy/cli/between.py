"""`argosy diff --between`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from argosy import data
from argosy.cli import options
from argosy.errors import IncompleteError, UsageError
from argosy.names import joined

if TYPE_CHECKING:
    from argosy.difference import Difference
    from argosy.difference.formats import Noise
    from argosy.promotion.comparing import Comparison
    from argosy.promotion.decision import Decision


def show(
    root: Path,
    environments: tuple[str, str],
    apps: Sequence[str],
    revision: str | None,
    output: str,
    *,
    noise: Noise,
    by_page: bool,
    quiet: bool,
) -> bool:
    """Print how two environments differ; return whether they differ in nothing but what policy expects.

    Raise IncompleteError where one of them cannot be rendered, after what can is shown.
    """
    from argosy.difference import work_tree  # noqa: PLC0415
    from argosy.git.snapshot import Snapshot  # noqa: PLC0415
    from argosy.promotion import comparing, ends  # noqa: PLC0415
    from argosy.reporting.progress import progress  # noqa: PLC0415

    if environments[0] == environments[1]:
        raise UsageError("Both environments are the same.", "Name two different ones.")
    places = ends.Places.of(root, applications=apps)
    found = places.ends(*environments)
    for remark in places.remarks if found.own_branch and not quiet else ():
        click.echo(remark, err=True)
    states = (found.source, found.target)
    if revision:
        states = (Snapshot.of(root, revision),) * 2
    elif not found.own_branch:
        states = (work_tree(root),) * 2
    there = [places.history.state(each).deployed(name) for each, name in zip(states, environments, strict=True)]
    chosen = [[name for name in listed if not apps or name in apps] for listed in there]
    made = comparing.between(
        states,
        environments,
        (chosen[0], chosen[1]),
        places.history,
        lambda what, total: progress(what, total, enabled=not quiet),
    )
    if output == "json":
        options.show(_as_json(made, environments), by_page=by_page)
    else:
        options.show((_as_markdown if output == "markdown" else _as_text)(made, environments, noise), by_page=by_page)
    faults = (*made.unexpected.faults, *made.expected.faults)
    if faults:
        names = list(dict.fromkeys(each.application for each in faults))
        raise IncompleteError(f"Not compared: {joined(names, 3)} cannot be rendered.", "See `argosy validate`.")
    return made.is_even


def _as_text(made: Comparison, environments: tuple[str, str], noise: Noise) -> str:
    from argosy.difference.formats import OutputFormat, format_difference  # noqa: PLC0415
    from argosy.reporting import Options  # noqa: PLC0415

    colour = Options.of(sys.stdout, version="").colour
    lines = [*_alone(made, environments)]
    for title, difference, pinned in _parts(made, environments):
        lines += [_bold(title, colour=colour), *(f"  {line}" for line in _keys(made, environments, pinned=pinned))]
        if difference.applications or difference.faults:
            lines.append(format_difference(difference, OutputFormat.TEXT, colour=colour, noise=noise).rstrip("\n"))
        elif not any(True for _ in _keys(made, environments, pinned=pinned)):
            lines.append("  Nothing.")
        lines.append("")
    return "\n".join(lines)


def _bold(text: str, *, colour: bool) -> str:
    return click.style(text, bold=True) if colour else text


def _as_markdown(made: Comparison, environments: tuple[str, str], noise: Noise) -> str:
    from argosy.difference.as_markdown import HEADING  # noqa: PLC0415
    from argosy.difference.formats import OutputFormat, format_difference  # noqa: PLC0415

    lines = [*_alone(made, environments)]
    for title, difference, pinned in _parts(made, environments):
        keys = [f"- `{line}`" for line in _keys(made, environments, pinned=pinned)]
        written = format_difference(difference, OutputFormat.MARKDOWN, noise=noise).replace(HEADING, "", 1).strip("\n")
        lines += ["", f"### {title}", "", *keys, *([""] if keys else []), written]
    return "\n".join(lines).lstrip("\n") + "\n"


def _as_json(made: Comparison, environments: tuple[str, str]) -> str:
    from argosy.difference import as_json  # noqa: PLC0415

    def part(difference: Difference, *, pinned: bool) -> dict[str, Any]:
        keys = [
            {
                "application": name,
                "key": str(each.key),
                "from": _datum(each, each.source),
                "to": _datum(each, each.target),
            }
            for name, each in _decisions(made, pinned=pinned)
        ]
        return {"keys": keys, **as_json.document(difference)}

    told = {
        "from": environments[0],
        "to": environments[1],
        "onlyFrom": list(made.missing[0]),
        "onlyTo": list(made.missing[1]),
        "unexpected": part(made.unexpected, pinned=False),
        "expected": part(made.expected, pinned=True),
    }
    return data.written("EnvironmentDifference", told)


def _datum(decision: Decision, value: Any) -> Any:
    from argosy.promotion import report  # noqa: PLC0415

    return report.datum(report.hidden(decision, value))


def _alone(made: Comparison, environments: tuple[str, str]) -> Iterator[str]:
    for names, environment in zip(made.missing, environments, strict=True):
        if names:
            yield f"Only in {environment}: {', '.join(names)}."


def _parts(made: Comparison, environments: tuple[str, str]) -> Iterator[tuple[str, Difference, bool]]:
    one, other = environments
    yield f"Unexpected: {other} differs from {one} in keys that no policy pins", made.unexpected, False
    yield f"Expected: what belongs to {one} or to {other}", made.expected, True


def _decisions(made: Comparison, *, pinned: bool) -> Iterator[tuple[str, Decision]]:
    from argosy.promotion.decision import Verdict  # noqa: PLC0415

    for name, decisions in made.keys.items():
        yield from ((name, each) for each in decisions if (each.verdict is Verdict.PINNED) is pinned)


def _keys(made: Comparison, environments: tuple[str, str], *, pinned: bool) -> Iterator[str]:
    from argosy.promotion import report  # noqa: PLC0415

    one, other = environments
    for name, each in _decisions(made, pinned=pinned):
        target, source = report.pair(each)
        yield f"{name} {each.key}: {source} in {one}, {target} in {other}"
