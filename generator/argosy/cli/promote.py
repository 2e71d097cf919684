"""`argosy promote`."""

from __future__ import annotations

import click

from argosy.cli import options, promoting
from argosy.cli.promoting import PromotionOptions
from argosy.errors import UsageError


@click.command("promote", cls=options.ChangeCommand)
@click.argument("apps", metavar="[APP]...", nargs=-1)
@click.option("--from", "source", metavar="ENV", default="", help="The source.  [default: the environment before --to]")
@click.option("--to", "target", metavar="ENV", default="", help="The target environment.")
@click.option("--all", "every", is_flag=True, help="Promote every application that both environments deploy.")
@click.option("--chain", "chained", is_flag=True, help="Promote through all the environments up to --to.")
@click.option(
    "--follow-up", "since", metavar="COMMIT", help="Promote what was promoted since a commit, one environment further."
)
@promoting.of_promotion
def command(
    *,
    apps: tuple[str, ...],
    source: str,
    target: str,
    every: bool,
    chained: bool,
    since: str | None,
    given: PromotionOptions,
) -> int:
    """Promote applications: copy what was tested in one environment to the next, and keep what belongs to the target.

    Each key is merged by itself: the source at the last promotion, the source now, the target now. Images, versions and
    changed settings are promoted; replicas, resources, hosts and the like are not; a key that was changed by hand in
    the target is a conflict. application.yaml can override this. Every key is shown first, with verdict and reason, and
    what changes in the cluster. Exit code 3: someone has to decide first, or nothing was promoted and --leave '**' left
    open keys. Exit code 1: the result is not valid. In both cases nothing is written.
    """
    if since is not None and (apps or source or target or every or chained):
        raise UsageError("--follow-up finds out itself what to promote, and where.", "Leave the other options out.")
    if since is None and not target:
        raise UsageError("No target environment was given.", "Name it: --to ENV.")
    if since is None and bool(apps) == every:
        raise UsageError(
            "Name the applications to promote, or use --all." if not apps else "--all already means every application.",
            "For example: argosy promote my-app --to staging.",
        )
    from argosy.delivery.jobs import FollowUp, Promote  # noqa: PLC0415
    from argosy.delivery.promotions import grant  # noqa: PLC0415

    if since is not None:
        return grant(given, FollowUp(since=since, **given.decided), yes=given.yes)
    wanted = Promote(applications=apps, to=target, source=source, chain=chained, **given.decided)
    return grant(given, wanted, yes=given.yes)
