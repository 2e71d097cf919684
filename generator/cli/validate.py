"""`argosy validate`."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from pathlib import Path

import click

from generator.cli import options
from generator.errors import ArgosyError, UsageError

FORMATS = ("text", "json", "sarif", "junit", "github")


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
        quiet=quiet,
    )


def root_of(paths: Sequence[Path]) -> Path:
    """Return the root of the repository around the paths: the nearest folder with argosy's answers, or Git's."""
    from generator import git, layout  # noqa: PLC0415

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
    quiet: bool = False,
) -> int:
    """Validate, print the report, and return the exit code."""
    from importlib.metadata import version  # noqa: PLC0415

    from generator import reporting  # noqa: PLC0415
    from generator.reporting.progress import progress  # noqa: PLC0415
    from generator.validation import pipeline  # noqa: PLC0415

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
        written = reporting.Options.of(sys.stdout, version=version("argosy"), strict=strict, verbose=verbose)
        click.echo(reporting.format_report(report, reporting.OutputFormat(output), written), nl=False)
    if not report.outcomes:
        where = ", ".join(map(str, paths)) or root
        raise ArgosyError(f"No YAML or JSON file was found in {where}.", "Name the folder of a GitOps repository.")
    return 0 if valid else 1
