"""`argosy report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from argosy.cli import options
from argosy.cli.validation import check_places, merged, reported, tell
from argosy.errors import ArgosyError, UsageError
from argosy.repository.root import root_of

if TYPE_CHECKING:
    from argosy.findings import Report


@click.command("report", cls=options.LookingCommand)
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--merge", "is_merged", is_flag=True, help="Put the reports of all shards together.")
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path),
    metavar="FILE|DIR",
    help="Write a page for browsers: a file that ends with .html holds all of it, a folder has its parts apart.",
)
@click.option("--live", "is_live", is_flag=True, help="Show sync and health status from Argo CD in the cluster.")
@click.option("--context", metavar="NAME", help="The kubeconfig context for --live.  [default: the current one]")
@options.repository
@reported
@options.fetch
@options.rendering
@options.quiet
def command(
    *,
    files: tuple[Path, ...],
    is_merged: bool,
    page: Path | None,
    is_live: bool,
    context: str | None,
    repository: Path | None,
    strict: bool,
    verbose: bool,
    output: str,
    reports: tuple[tuple[str, Path], ...],
    quiet: bool,
) -> int:
    """Write what is known of a repository as a page, or put the reports of shards together.

    The page has the versions of applications in each environment and how far behind they are, differences between
    environments, manifests, history, findings, the tree, clusters and projects. It loads nothing from elsewhere, and
    holds no value of a Secret. With --merge, FILEs are what `argosy validate --shard I/N --report json=FILE` wrote for
    each I, of one commit, and the result is that of one validation of the whole repository, which --html shows. Exit
    code: 0; with --merge 1 where there are errors; 2 for wrong usage, such as a shard that is missing.
    """
    if files and not is_merged:
        raise UsageError("Say what to do with the reports.", "argosy report --merge FILE...")
    if not (is_merged or page):
        raise UsageError("Say what to do.", "argosy report --html FILE, or argosy report --merge FILE...")
    if is_merged and not files:
        raise UsageError("--merge puts the reports of shards together.", "Name them: argosy report --merge FILE...")
    if (context is not None and not is_live) or (is_live and not page):
        raise UsageError("--context is for --live, and --live is for --html.", "Add them.")
    report = merged(files) if is_merged else None
    check_places([file for _, file in reports], "--report", repository)
    if page:
        _write_page(root_of(repository), page, report, live=(is_live, context or ""), quiet=quiet)
    if report is None:
        return 0
    return tell(report, strict=strict, verbose=verbose, output=output, reports=reports, quiet=quiet)


def _write_page(root: Path, page: Path, report: Report | None, *, live: tuple[bool, str], quiet: bool) -> None:
    from datetime import UTC, datetime  # noqa: PLC0415

    from argosy.reporting.progress import progress  # noqa: PLC0415
    from argosy.web import as_html, gathering, writing  # noqa: PLC0415

    is_file = page.suffix.lower() in {".html", ".htm"}
    check_places([page] if is_file else [page / as_html.INDEX, page / as_html.DATA], "--html", root)
    writing.check(page, is_file=is_file)
    wish = gathering.Wish(
        is_live=live[0],
        context=live[1],
        judged=report,
        made=datetime.now(UTC),
        progress=lambda what, total: progress(what, total, enabled=not quiet),
    )
    found = gathering.gather(root, wish)
    files = as_html.written(found, apart=not is_file)
    try:
        writing.write(page, files, is_file=is_file)
    except OSError as error:
        raise ArgosyError(f"{page} cannot be written: {error.strerror}.", "Name another place with --html.") from error
    if not quiet:
        size = sum(map(len, files.values())) / 1024
        click.echo(f"{page}: {len(found.page.rows)} applications, {size:,.0f} KB.", err=True)
