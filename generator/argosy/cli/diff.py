"""`argosy diff`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from argosy import data
from argosy.cli import options
from argosy.errors import IncompleteError
from argosy.names import joined
from argosy.repository.root import root_of

if TYPE_CHECKING:
    from argosy.difference import Difference
    from argosy.difference.formats import Noise

MARKER = "argosy-diff"
"""Tells the comment from all others, also from those of other tools."""


@click.command("diff", cls=options.LookingCommand)
@click.argument("apps", metavar="[APP]...", nargs=-1)
@click.option(
    "--against",
    metavar="REVISION",
    help="Compare with the commit where this branch, or that of --at, left another one, such as main: what the branch "
    "changes, without what happened there since.  [default: compare with the last commit]",
)
@click.option("--at", "revision", metavar="REVISION", help="Compare a commit, branch or tag.  [default: the work tree]")
@click.option(
    "--between",
    nargs=2,
    metavar="ENV ENV",
    help="Compare two environments; differences that the policy expects are listed separately.",
)
@click.option(
    "--template",
    "of_template",
    is_flag=True,
    help="Compare the files with what the template gives, and say why they differ. APP may be an environment, a file "
    "or a folder, too.",
)
@click.option("--env", "environments", metavar="ENV", multiple=True, help="Only this environment.")
@options.repository
@click.option("--comment", is_flag=True, help="Post it as a comment on the pull request, or update the previous one.")
@click.option(
    "--pull-request",
    "number",
    type=click.IntRange(1),
    metavar="N",
    help="The pull request to comment on.  [default: the one CI runs for]",
)
@click.option(
    "--noise",
    type=click.Choice(["show", "fold", "hide"]),
    default="fold",
    show_default=True,
    help="What to do with changes of only chart and version labels, and of checksums: show them, count them in one "
    "line an Application, or in the last line alone. JSON always has all.",
)
@click.option("--no-pager", is_flag=True, help="Print what is longer than the terminal at once, without a pager.")
@click.option(
    "--artifact",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the whole difference as Markdown, noise too, to a file for CI to keep.",
)
@click.option("--artifact-url", metavar="URL", default="", help="Where CI keeps it: the comment has a link to it.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if anything changes, as git diff does.")
@options.output("text", "markdown", "json")
@options.fetch
@options.rendering
@options.quiet
def command(
    *,
    apps: tuple[str, ...],
    against: str | None,
    revision: str | None,
    between: tuple[str, str] | None,
    of_template: bool,
    environments: tuple[str, ...],
    repository: Path | None,
    comment: bool,
    number: int | None,
    noise: str,
    no_pager: bool,
    artifact: Path | None,
    artifact_url: str,
    exit_code: bool,
    output: str,
    quiet: bool,
) -> int:
    """Show what a change does in each cluster, before it is merged.

    Compared are the manifests that Argo CD would apply, not the files: by default, those of the work tree, untracked
    files included, with those of the last commit. Applications that appear or vanish come first, then what deletes
    data or cannot be synced. Only what the change can reach is rendered. Values of Secrets are never shown. Exit
    code: 0; 2 where an Application cannot be rendered, after what can be compared is shown; with --exit-code, 1 where
    something changes.
    """
    from argosy.api import Repository  # noqa: PLC0415
    from argosy.difference.formats import Noise, OutputFormat, format_difference  # noqa: PLC0415
    from argosy.reporting import Options  # noqa: PLC0415
    from argosy.reporting.progress import progress  # noqa: PLC0415

    root = root_of(repository)
    if number is not None and not comment:
        raise click.UsageError("--pull-request goes with --comment.")
    if artifact_url and not artifact_url.startswith(("https://", "http://")):
        raise click.UsageError("--artifact-url takes an address that begins with https:// or http://.")
    if artifact and artifact.is_symlink():
        # A pull request can bring one, and what it leads to is not its own.
        raise click.UsageError(f"--artifact: {artifact} is a symbolic link. Name another file.")
    if of_template:
        if against or revision or between or environments or comment or artifact or output == "markdown":
            raise click.UsageError("--template can be combined only with names, --exit-code and --output text or json.")
        return int(_show_departures(root, apps, output, by_page=not no_pager) and exit_code)
    if between:
        from argosy.cli import between as environments_compared  # noqa: PLC0415

        if against or environments or comment or artifact:
            raise click.UsageError("--between can be combined only with --at and APPs.")
        alike = environments_compared.show(
            root, between, apps, revision, output, noise=Noise(noise), by_page=not no_pager, quiet=quiet
        )
        return 1 if exit_code and not alike else 0
    seen = Repository(root, revision or "", lambda what, total: progress(what, total, enabled=not quiet))
    found = seen.diff(against or "", applications=apps, environments=environments)
    if artifact:
        _keep(artifact, format_difference(found, OutputFormat.MARKDOWN, noise=Noise.SHOW))
    if comment:
        _comment(root, found, number, Noise(noise), artifact_url)
    else:
        colour = Options.of(sys.stdout, version="").colour
        options.show(
            format_difference(found, OutputFormat(output), colour=colour, noise=Noise(noise)), by_page=not no_pager
        )
    if not quiet:
        click.echo(f"{found.rendered} of {found.deployments} rendered.", err=True)
    if found.faults:
        names = list(dict.fromkeys(each.application for each in found.faults))
        raise IncompleteError(f"Not compared: {joined(names, 3)} cannot be rendered.", "See `argosy validate`.")
    return 1 if exit_code and found.applications else 0


def _show_departures(root: Path, names: tuple[str, ...], output: str, *, by_page: bool) -> bool:
    """Print what differs from the template and why, and return whether anything does."""
    from argosy.change import ownership, regeneration  # noqa: PLC0415

    found = regeneration.departures(root, ownership.load(root), names)
    if output == "json":
        rows = [
            {
                "path": each.status.path,
                "class": each.status.owner.value,
                "state": each.status.state.value,
                "layer": each.status.layer or None,
                "why": each.why,
                "diff": each.diff,
            }
            for each in found
        ]
        shown = data.written("Departures", {"files": rows})
    else:
        shown = ""
        for each in found:
            layer = f"layer {each.status.layer}, " if each.status.layer else ""
            shown += f"# {each.status.path} ({layer}{each.status.owner.value}): {each.why}\n{each.diff}"
    options.show(shown, by_page=by_page)
    return bool(found)


def _keep(file: Path, text: str) -> None:
    from argosy.errors import UsageError  # noqa: PLC0415

    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{file} cannot be written: {error.strerror}.", "Name another file with --artifact."
        ) from error


def _comment(root: Path, found: Difference, number: int | None, noise: Noise, link: str) -> None:
    from argosy import git, hosting  # noqa: PLC0415
    from argosy.difference.formats import OutputFormat, format_difference  # noqa: PLC0415
    from argosy.documents import plain  # noqa: PLC0415
    from argosy.errors import UsageError  # noqa: PLC0415
    from argosy.repository import layout  # noqa: PLC0415

    settings = plain.load(root / layout.CONFIGURATION, root).get("host")
    host = hosting.host_of(git.origin(root), settings if isinstance(settings, dict) else {})
    request = number or host.current_request(os.environ)
    if request is None:
        raise UsageError("This is not a CI job of a pull request.", "Name the pull request with --pull-request.")
    body = format_difference(found, OutputFormat.MARKDOWN, limit=host.body_limit, noise=noise, link=link)
    click.echo(host.comment(request, MARKER, body))
