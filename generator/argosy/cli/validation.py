"""Validate for a person or for CI: print the report, write it to files, and say by the exit code what came out."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from argosy import terminal
from argosy.errors import ArgosyError, UsageError

if TYPE_CHECKING:
    from argosy.findings import Finding, Report
    from argosy.git.snapshot import Snapshot
    from argosy.validation.baseline import Baseline


def run(
    root: Path,
    *,
    paths: Sequence[Path] = (),
    kubernetes_versions: Sequence[str] = (),
    schema_locations: Sequence[str] = (),
    helm: Path | None = None,
    changed: Collection[str] = (),
    unreached: bool = False,
    strict: bool = False,
    verbose: bool = False,
    output: str = "text",
    reports: Sequence[tuple[str, Path]] = (),
    quiet: bool = False,
    baseline: Path | None = None,
    update_baseline: bool = False,
) -> int:
    """Validate, print the report, write it to files and the baseline, and return the exit code."""
    from argosy import reporting  # noqa: PLC0415
    from argosy.reporting.progress import progress  # noqa: PLC0415
    from argosy.validation import baseline as known  # noqa: PLC0415
    from argosy.validation import pipeline  # noqa: PLC0415

    outside = [path for path in paths if not path.resolve().is_relative_to(root.resolve())]
    if outside:
        raise UsageError(f"{outside[0]} is not in {root}.", "Validate each repository by itself.")
    chosen = pipeline.Options(
        paths=paths,
        kubernetes_versions=kubernetes_versions,
        schema_locations=schema_locations,
        helm=helm,
        unreached=unreached,
        changed=frozenset(changed),
        progress=lambda description, total: progress(description, total, enabled=not quiet),
        baseline=known.find(root, baseline, is_made=update_baseline),
    )
    if update_baseline:
        report, renewed = pipeline.renew(root, chosen)
        _write_baseline(chosen.baseline, renewed, quiet=quiet)
    else:
        report = pipeline.validate(root, chosen)
    report = _with_owners(root, report)
    valid = reporting.is_valid(report, strict=strict)
    if not (quiet and valid and output == "text"):
        with terminal.annotating() if output == "github" else nullcontext():
            click.echo(_formatted(report, output, strict=strict, verbose=verbose, colour=True), nl=False)
    for form, file in reports:
        _write(file, _formatted(report, form, strict=strict, verbose=verbose))
    if not (report.outcomes or report.unreached):
        where = ", ".join(map(str, paths)) or root
        raise ArgosyError(f"No YAML or JSON file was found in {where}.", "Name the folder of a GitOps repository.")
    return 0 if valid else 1


def _with_owners(root: Path, report: Report) -> Report:
    """Return the report in which what is wrong with a layer's file says so: it comes again with the next update."""
    if not (report.findings or report.known):
        return report
    from argosy.change import layering  # noqa: PLC0415

    owners = layering.owners(root)

    def told(finding: Finding) -> Finding:
        if finding.path not in owners:
            return finding
        layer, template = owners[finding.path]
        hint = f"The layer {layer} writes this file ({template}): fix it there as well."
        return replace(finding, hint=f"{finding.hint} {hint}".strip())

    known = report.known and [told(each) for each in report.known]
    return replace(report, findings=[told(each) for each in report.findings], known=known)


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


def is_valid(state: Snapshot, changed: Collection[str]) -> bool:
    """Validate a state that no work tree holds, of which only what changes is read, and show what is wrong."""
    from importlib.metadata import version  # noqa: PLC0415

    from argosy import reporting, temporary  # noqa: PLC0415
    from argosy.argocd import (  # noqa: PLC0415
        deployed,
        inventory,
    )
    from argosy.validation import baseline, pipeline  # noqa: PLC0415

    wanted = frozenset(changed)
    with temporary.folder("validate") as folder:
        deployed.write(folder, *state.measured(inventory.reached_by(wanted)))
        chosen = pipeline.Options(changed=wanted, repository=state.root, baseline=baseline.find(folder))
        report = pipeline.validate(folder, chosen)
    valid = reporting.is_valid(report, strict=False)
    if not valid:
        written = reporting.Options.of(sys.stderr, version=version("argosy"))
        click.echo(reporting.format_report(report, reporting.OutputFormat.TEXT, written), nl=False, err=True)
    return valid


def _formatted(report: Report, output: str, *, strict: bool, verbose: bool, colour: bool = False) -> str:
    """Return the report in a format; coloured, if at all, where standard output can show it."""
    from importlib.metadata import version  # noqa: PLC0415

    from argosy import reporting  # noqa: PLC0415

    chosen = reporting.Options.of(sys.stdout, version=version("argosy"), strict=strict, verbose=verbose)
    chosen = chosen if colour else replace(chosen, colour=False)
    return reporting.format_report(report, reporting.OutputFormat(output), chosen)


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ArgosyError(f"{file} cannot be written: {error.strerror}.", "Name another file with --report.") from error
