"""`argosy rollback`."""

from __future__ import annotations

import click

from argosy.cli import options, promoting
from argosy.cli.promoting import PromotionOptions
from argosy.errors import UsageError


@click.command("rollback", cls=options.ChangeCommand)
@click.argument("app")
@click.argument("env")
@click.option("--steps", type=click.IntRange(1), metavar="N", help="How many promotions to undo.  [default: 1]")
@click.option("--to", "state", metavar="COMMIT", help="Undo all promotions since a commit.")
@promoting.of_promotion
def command(*, app: str, env: str, steps: int | None, state: str | None, given: PromotionOptions) -> int:
    """Undo the last promotion to an environment: its keys get their previous values, and nothing else changes.

    A key that was changed by hand since is a conflict. argosy history lists promotions and rollbacks. To undo any other
    commit, use git revert.
    """
    if steps and state:
        raise UsageError("--steps and --to exclude each other.", "Give one of them.")
    from argosy.delivery.jobs import RollBack  # noqa: PLC0415
    from argosy.delivery.promotions import grant  # noqa: PLC0415

    wanted = RollBack(application=app, environment=env, steps=steps or 1, state=state or "", **given.decided)
    return grant(given, wanted, yes=given.yes)
