"""`argosy doctor`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from argosy.cli import options
from argosy.repository.root import root_of

if TYPE_CHECKING:
    from argosy.doctor.diagnosis import Diagnosis


@click.command("doctor", cls=options.LookingCommand)
@click.argument("app", required=False, default="")
@click.option("--env", "environment", metavar="ENV", default="", help="Check only this environment.")
@click.option("--live", "is_live", is_flag=True, help="Ask the cluster of the kubeconfig's current context too.")
@click.option("--context", metavar="NAME", help="Ask the cluster of this context of the kubeconfig.")
@click.option("--offline", is_flag=True, help="Do not ask the Git remotes: use what was last fetched.")
@options.repository
@options.output("text", "markdown", "json")
@options.rendering
@options.quiet
def command(
    *,
    app: str,
    environment: str,
    is_live: bool,
    context: str | None,
    offline: bool,
    repository: Path | None,
    output: str,
    quiet: bool,
) -> int:
    """Find out why Argo CD does not do what Git says.

    For each symptom, from an Application that is stuck OutOfSync to a quota that is used up, the causes are checked
    in order: what was seen, and what to do next. Without a cluster, the repository and its Git remotes tell; with
    --live or --context, what Argo CD and Kubernetes say is looked at too, and nothing is changed there. What cannot
    be looked at is unknown, and the reason is given. Exit code: 0 without a problem, 1 with problems, 2 where
    the repository or the cluster could not be looked at.
    """
    from argosy.doctor.case import Choice  # noqa: PLC0415
    from argosy.doctor.diagnosis import State  # noqa: PLC0415
    from argosy.doctor.examination import examine  # noqa: PLC0415
    from argosy.reporting.progress import progress  # noqa: PLC0415

    root = root_of(repository)
    found = examine(
        root,
        Choice(
            application=app,
            environment=environment,
            context=context if context is not None else "" if is_live else None,
            offline=offline,
            progress=lambda description, total: progress(description, total, enabled=not quiet),
        ),
    )
    if found.problems or not (quiet and output == "text"):
        options.show(_format(found, output))
    if found.count(State.PROBLEM):
        return 1
    return 0 if found.is_complete else 2


def _format(diagnosis: Diagnosis, output: str) -> str:
    from argosy.doctor import as_json, as_markdown, as_text  # noqa: PLC0415
    from argosy.reporting.options import Options  # noqa: PLC0415

    if output == "json":
        return as_json.format_diagnosis(diagnosis)
    if output == "markdown":
        return as_markdown.format_diagnosis(diagnosis)
    return as_text.format_diagnosis(diagnosis, colour=Options.of(sys.stdout, version="").colour)
