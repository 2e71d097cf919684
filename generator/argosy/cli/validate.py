"""`argosy validate`."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from argosy.cli import options
from argosy.errors import ArgosyError, UsageError

if TYPE_CHECKING:
    from argosy.findings import Report
    from argosy.git.snapshot import Snapshot

FORMATS = ("text", "json", "sarif", "junit", "github")


class ReportType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of Click alone
    """FORMAT=FILE -> (format, file)."""

    name = "FORMAT=FILE"

    def convert(
        self, value: str | tuple[str, Path], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path]:
        """Split at the first `=`."""
        if isinstance(value, tuple):
            return value
        form, _, file = value.partition("=")
        if form not in FORMATS or not file:
            self.fail(f"“{value}” is not FORMAT=FILE with a format of {', '.join(FORMATS)}.", param, ctx)
        return form, Path(file)


@click.command("validate")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--repository",
    type=options.folder,
    metavar="DIR",
    help="The repository's root.  [default: around PATH, or the current folder]",
)
@click.option(
    "--kubernetes-version",
    "kubernetes_versions",
    metavar="1.NN[,1.NN]",
    help="The Kubernetes versions to check manifests for.  [default: the repository's]",
)
@click.option(
    "--schema-location",
    "schema_locations",
    metavar="WHERE",
    multiple=True,
    help="A folder, or a path or URL like crds/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json, with "
    "schemas of custom resources.",
)
@click.option(
    "--helm", type=click.Path(path_type=Path), metavar="PATH", help="A helm binary to use instead of the library."
)
@click.option("--strict", is_flag=True, help="Fail on skipped documents too.")
@click.option("--verbose", is_flag=True, help="List every skipped document and every render.")
@options.output(*FORMATS)
@click.option(
    "--report",
    "reports",
    type=ReportType(),
    multiple=True,
    help="Write the result to a file as well, in a format of its own; may be repeated.",
)
@options.quiet
def command(
    *,
    paths: tuple[Path, ...],
    repository: Path | None,
    kubernetes_versions: str | None,
    schema_locations: tuple[str, ...],
    helm: Path | None,
    strict: bool,
    verbose: bool,
    output: str,
    reports: tuple[tuple[str, Path], ...],
    quiet: bool,
) -> int:
    """Prove offline that Argo CD and Kubernetes will take what is in a repository.

    Every YAML and JSON file is accounted for: passed, failed, or skipped with a reason. What Helm charts and
    Kustomize overlays render to for each Application is checked like what is written. With PATHs, findings of these
    files and folders, and of what is rendered from them, are reported alone. Exit code: 0 without errors, 1 with
    errors or where there is nothing to validate, 2 for wrong usage.
    """
    versions = tuple(each.strip() for each in kubernetes_versions.split(",")) if kubernetes_versions else ()
    return run(
        repository or root_of(paths),
        paths=paths,
        kubernetes_versions=versions,
        schema_locations=schema_locations,
        helm=helm,
        strict=strict,
        verbose=verbose,
        output=output,
        reports=reports,
        quiet=quiet,
    )


def root_of(paths: Sequence[Path]) -> Path:
    """Return the root of the repository around the paths: the nearest folder with argosy's answers, or Git's."""
    from argosy import git  # noqa: PLC0415
    from argosy.repository import layout  # noqa: PLC0415

    start = (paths[0] if paths else Path.cwd()).resolve()
    folder = start if start.is_dir() else start.parent
    for above in (folder, *folder.parents):
        if (above / layout.ANSWERS).is_file() or (above / layout.CONFIGURATION).is_file():
            return above
    return git.top_level(folder) or folder


def run(
    root: Path,
    *,
    paths: Sequence[Path] = (),
    kubernetes_versions: Sequence[str] = (),
    schema_locations: Sequence[str] = (),
    helm: Path | None = None,
    changed: Collection[str] = (),
    strict: bool = False,
    verbose: bool = False,
    output: str = "text",
    reports: Sequence[tuple[str, Path]] = (),
    quiet: bool = False,
) -> int:
    """Validate, print the report, write it to files, and return the exit code."""
    from argosy import reporting  # noqa: PLC0415
    from argosy.reporting.progress import progress  # noqa: PLC0415
    from argosy.validation import pipeline  # noqa: PLC0415

    if not root.is_dir():
        raise UsageError(f"{root} is no folder.", "Give the repository's root.")
    outside = [path for path in paths if not path.resolve().is_relative_to(root.resolve())]
    if outside:
        raise UsageError(f"{outside[0]} is not in {root}.", "Validate each repository by itself.")
    chosen = pipeline.Options(
        paths=paths,
        kubernetes_versions=kubernetes_versions,
        schema_locations=schema_locations,
        helm=helm,
        changed=frozenset(changed),
        progress=lambda description, total: progress(description, total, enabled=not quiet),
    )
    report = pipeline.validate(root, chosen)
    valid = reporting.is_valid(report, strict=strict)
    if not (quiet and valid and output == "text"):
        click.echo(_formatted(report, output, strict=strict, verbose=verbose, colour=True), nl=False)
    for form, file in reports:
        _write(file, _formatted(report, form, strict=strict, verbose=verbose))
    if not report.outcomes:
        where = ", ".join(map(str, paths)) or root
        raise ArgosyError(f"No YAML or JSON file was found in {where}.", "Name the folder of a GitOps repository.")
    return 0 if valid else 1


def is_valid(state: Snapshot, changed: Collection[str]) -> bool:
    """Validate a state that no work tree holds, of which only what changes is read, and show what is wrong."""
    from importlib.metadata import version  # noqa: PLC0415

    from argosy import reporting, temporary  # noqa: PLC0415
    from argosy.argocd import (  # noqa: PLC0415
        deployed,
        inventory,
    )
    from argosy.validation import pipeline  # noqa: PLC0415

    wanted = frozenset(changed)
    with temporary.folder("validate") as folder:
        deployed.write(folder, state.chosen(inventory.reached_by(wanted)))
        report = pipeline.validate(folder, pipeline.Options(changed=wanted, repository=state.root))
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
