"""Validate for a person or for CI: print the report, write it to files, and say by the exit code what came out."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from argosy import terminal
from argosy.cli import options
from argosy.cli.options import Command
from argosy.errors import ArgosyError, UsageError

if TYPE_CHECKING:
    from argosy.findings import Report
    from argosy.kubernetes.dry_run import Access, Server
    from argosy.reporting import Options
    from argosy.validation.baseline import Baseline


_FORMATS = ("text", "json", "sarif", "junit", "github")


def _is_format(name: str) -> bool:
    """Return whether argosy, or an installed package, can write a report so."""
    from argosy import extensions  # noqa: PLC0415

    return name in _FORMATS or name in extensions.entry_points(extensions.REPORTERS)


class _FormatType(click.Choice[str]):
    """One of argosy's formats, or of an installed package's."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Look at what is installed for a format that argosy does not have."""
        return str(value) if value not in self.choices and _is_format(value) else super().convert(value, param, ctx)


class _ReportType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of Click alone
    """FORMAT=FILE -> (format, file)."""

    name = "FORMAT=FILE"

    def convert(
        self, value: str | tuple[str, Path], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path]:
        """Split at the first `=`."""
        if isinstance(value, tuple):
            return value
        form, _, file = value.partition("=")
        if not file or not _is_format(form):
            self.fail(f"“{value}” is not FORMAT=FILE with a format of {', '.join(_FORMATS)}.", param, ctx)
        return form, Path(file)


def reported(command: Command) -> Command:
    """Add the options of a command that reports: what fails and is listed, and where it is written, in which form."""
    for option in (
        click.option(
            "--report",
            "reports",
            type=_ReportType(),
            multiple=True,
            help="Also write the result to a file, in that format; may be repeated.",
        ),
        options.output(*_FORMATS, kind=_FormatType),
        click.option("--verbose", is_flag=True, help="List every skipped or unreached document and every render."),
        click.option("--strict", is_flag=True, help="Fail on skipped documents too."),
    ):
        command = option(command)
    return command


def run(
    root: Path,
    *,
    paths: Sequence[Path] = (),
    kubernetes_versions: Sequence[str] = (),
    schema_locations: Sequence[str] = (),
    unreached: bool = False,
    strict: bool = False,
    verbose: bool = False,
    output: str = "text",
    reports: Sequence[tuple[str, Path]] = (),
    quiet: bool = False,
    baseline: Path | None = None,
    update_baseline: bool = False,
    shard: tuple[int, int] | None = None,
    since: str | None = None,
    access: Access | None = None,
    environments: Sequence[str] = (),
) -> int:
    """Validate, print the report, write it to files and the baseline, and return the exit code."""
    from argosy.api import Repository  # noqa: PLC0415
    from argosy.change import layering  # noqa: PLC0415
    from argosy.reporting.progress import progress  # noqa: PLC0415
    from argosy.validation import baseline as known  # noqa: PLC0415
    from argosy.validation import changed as changes  # noqa: PLC0415
    from argosy.validation import parts, pipeline  # noqa: PLC0415

    check_places([file for _, file in reports], "--report", root)
    outside = [path for path in paths if not path.resolve().is_relative_to(root.resolve())]
    if outside:
        raise UsageError(f"{outside[0]} is not in {root}.", "Validate each repository by itself.")
    chosen = pipeline.Options(
        paths=paths,
        kubernetes_versions=kubernetes_versions,
        schema_locations=schema_locations,
        unreached=unreached,
        progress=lambda description, total: progress(description, total, enabled=not quiet),
        baseline=known.find(root, baseline, is_made=update_baseline),
        part=parts.Shard(*shard) if shard else parts.Part(),
        since=changes.since(root, since) if since else None,
        environments=environments,
    )
    # Whether a cluster answers is known before anything takes time.
    with _asking(access) as server:
        chosen = replace(chosen, server=server)
        if update_baseline:
            found, renewed = pipeline.renew(root, chosen)
            _write_baseline(chosen.baseline, renewed, quiet=quiet)
            report = layering.told(root, found)
        else:
            report = Repository(root).validate(chosen)
    code = tell(report, strict=strict, verbose=verbose, output=output, reports=reports, quiet=quiet)
    if not (report.outcomes or report.unreached or report.title):
        where = ", ".join(map(str, paths)) or root
        raise ArgosyError(f"No YAML or JSON file was found in {where}.", "Name the folder of a GitOps repository.")
    return code


def _asking(access: Access | None) -> AbstractContextManager[Server | None]:
    if access is None:
        return nullcontext(None)
    from argosy.kubernetes import dry_run  # noqa: PLC0415

    return dry_run.asking(access)


def merged(files: Sequence[Path]) -> Report:
    """Put the JSON reports of all shards together."""
    from argosy.change import layering  # noqa: PLC0415
    from argosy.rules import catalogue  # noqa: PLC0415
    from argosy.validation import judged  # noqa: PLC0415

    catalogue.extend()
    parts = {str(file): _read(file) for file in files}
    report = judged.together(parts).report()
    owners = {path: owner for each in parts.values() for path, owner in each.get("layers", {}).items()}
    return layering.told(Path(), report, owners)


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_bytes())
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.", "Name a JSON report of a shard.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is no JSON.", "Write it with argosy validate --report json=FILE.") from error
    part = found.get("shard") if isinstance(found, dict) else None
    return part if isinstance(part, dict) else {}


def tell(
    report: Report,
    *,
    strict: bool,
    verbose: bool,
    output: str,
    reports: Sequence[tuple[str, Path]],
    quiet: bool,
) -> int:
    """Print a report, write it to files, and return the exit code that it deserves."""
    from argosy import reporting  # noqa: PLC0415

    valid = reporting.is_valid(report, strict=strict)
    if not (quiet and valid and output == "text"):
        with terminal.annotating() if output == "github" else nullcontext():
            options.show(_formatted(report, output, strict=strict, verbose=verbose, colour=True))
    for form, file in reports:
        _write(file, _formatted(report, form, strict=strict, verbose=verbose))
    return 0 if valid else 1


def _write_baseline(before: Baseline | None, renewed: Baseline, *, quiet: bool) -> None:
    """Write the baseline, and say what is new in it."""
    old = set(before.entries) if before else set()
    counts = (len(renewed.entries.keys() - old), len(old - renewed.entries.keys()), len(old & renewed.entries.keys()))
    try:
        if renewed.entries or renewed.file.exists():
            renewed.write()
    except OSError as error:
        raise ArgosyError(f"{renewed.file} cannot be written: {error.strerror}.", "Name another --baseline.") from error
    if not quiet:
        click.echo("{}: {} added, {} removed, {} kept.".format(terminal.printable(renewed.path), *counts), err=True)


def _formatted(report: Report, output: str, *, strict: bool, verbose: bool, colour: bool = False) -> str:
    """Return the report in a format; coloured, if at all, where standard output can show it."""
    from importlib.metadata import version  # noqa: PLC0415

    from argosy import reporting  # noqa: PLC0415

    chosen = reporting.Options.of(sys.stdout, version=version("argosy"), strict=strict, verbose=verbose)
    chosen = chosen if colour else replace(chosen, colour=False)
    if output not in _FORMATS:
        return _by_extension(report, output, chosen)
    return reporting.format_report(report, reporting.OutputFormat(output), chosen)


def _by_extension(report: Report, output: str, chosen: Options) -> str:
    """Return a report as an installed package writes it."""
    from argosy import extensions  # noqa: PLC0415

    entry = extensions.entry_points(extensions.REPORTERS)[output]
    writer: Any = extensions.loaded(entry)
    try:
        return str(writer(report, chosen))
    except Exception as error:
        raise extensions.failure(entry, error) from error


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ArgosyError(f"{file} cannot be written: {error.strerror}.", "Name another file with --report.") from error


def check_places(files: Sequence[Path], option: str, root: Path | None) -> None:
    """Raise UsageError where a file to be written lies in a repository, and a link in that leads it elsewhere.

    The repository is the one that is looked at, or the one around the current folder.
    """
    from argosy import git  # noqa: PLC0415
    from argosy.paths import astray  # noqa: PLC0415

    if not files:
        return
    homes = {Path(os.path.realpath(each)) for each in (root, git.top_level(Path.cwd())) if each}
    for file, home in product(files, homes):
        place = Path(os.path.abspath(file))  # noqa: PTH100
        # The way to the repository may itself be a link.
        above = next((each for each in reversed(place.parents) if Path(os.path.realpath(each)) == home), None)
        reason = "" if above is None else astray(home / place.relative_to(above), home)
        if reason or (above and place.is_symlink()):
            raise UsageError(f"{file} cannot be written: {reason or 'it is a link'}.", f"Name another with {option}.")
