"""`argosy status`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from argosy import data
from argosy.cli import options
from argosy.errors import UsageError
from argosy.repository.root import root_of

if TYPE_CHECKING:
    from argosy.repository.store import Stored
    from argosy.status.report import Report


@click.command("status", cls=options.LookingCommand)
@click.argument("app", required=False, default="")
@options.repository
@click.option("--live", "is_live", is_flag=True, help="Add sync and health status from Argo CD in the cluster.")
@click.option("--context", metavar="NAME", help="The kubeconfig context for --live.  [default: the current one]")
@click.option("--files", "by_file", is_flag=True, help="List every file: its owner, and whether it was edited.")
@click.option(
    "--exit-code",
    is_flag=True,
    help="Exit with 1 if anything is left to promote or decide, with 2 if something could not be read.",
)
@options.output("text", "wide", "markdown", "json", "name")
def command(
    *,
    app: str,
    repository: Path | None,
    is_live: bool,
    context: str | None,
    by_file: bool,
    exit_code: bool,
    output: str,
) -> int:
    """Show the version in each environment, and what is still to be promoted to it.

    "Behind" counts the keys that argosy promote would change, "set by hand" the keys that should be equal in both
    environments but were changed in the target, "undecided" the keys that a person has to decide on. With APP, every
    key that differs is listed with the reason. Only commits are read, on an environment's own branch if it has one.

    With --files: a template-owned file follows the template at each update, a seeded file is yours once it is written,
    and argosy never touches a user's file.
    """
    from argosy.api import Repository  # noqa: PLC0415
    from argosy.change import ownership  # noqa: PLC0415

    if context is not None and not is_live:
        raise UsageError("--context is for --live.", "Add --live.")
    if by_file and (app or is_live or exit_code or output in {"markdown", "wide"}):
        raise UsageError("--files lists all files, as text, names, JSON or YAML.", "Leave the other options out.")
    root = root_of(repository)
    if by_file:
        _print_files(root, ownership.load(root), output)
        return 0
    report = Repository(root).status(app, live=is_live, context=context or "")
    options.show(_format(report, output))
    if not exit_code:
        return 0
    return 1 if report.matrix.is_behind else 2 if report.matrix.is_unknown or report.matrix.unread else 0


def _format(report: Report, output: str) -> str:
    if output == "json":
        from argosy.api import to_json  # noqa: PLC0415

        return to_json(report)
    if output == "name":
        return "".join(f"{application} {environment}\n" for application, environment in report.matrix.deployments)
    if output == "markdown":
        from argosy.status import as_markdown  # noqa: PLC0415

        return as_markdown.detail(report) if report.application else as_markdown.overview(report)
    from argosy.reporting.options import Options  # noqa: PLC0415
    from argosy.status import as_text  # noqa: PLC0415

    colour = Options.of(sys.stdout, version="").colour
    if report.application:
        return as_text.detail(report, colour=colour)
    return as_text.overview(report, colour=colour, is_wide=output == "wide")


def _print_files(root: Path, stored: Stored, output: str) -> None:
    from argosy import git  # noqa: PLC0415
    from argosy.change import own_branches, ownership  # noqa: PLC0415
    from argosy.status import as_json  # noqa: PLC0415
    from argosy.status.report import Template  # noqa: PLC0415
    from argosy.template import versions  # noqa: PLC0415

    files = ownership.files(root, stored)
    if git.at(root).is_shallow:
        click.echo("This clone is shallow: seeded files are compared with the oldest version that it has.", err=True)
    if output == "name":
        click.echo("".join(f"{each.path}\n" for each in files), nl=False)
        return
    if output == "text":
        for each in files:
            layer = f"  (layer {each.layer})" if each.layer else ""
            click.echo(f"{each.owner.value:14}  {each.state.value:9}  {each.path}{layer}")
        return
    newest = versions.current().version
    behind, unseen = own_branches.behind(root, stored.repository, newest)
    template = Template(stored.version, newest, behind=behind, unseen=unseen)
    told = {
        "template": as_json.template(template),
        "environments": [
            {"name": each.name, "applications": list(each.applications), "promotesFrom": each.promotes_from}
            for each in stored.repository.environments
        ],
        "files": [
            {
                "path": each.path,
                "class": each.owner.value,
                "state": each.state.value,
                **({"layer": each.layer} if each.layer else {}),
            }
            for each in files
        ],
    }
    options.show(data.written("OwnedFiles", told))
