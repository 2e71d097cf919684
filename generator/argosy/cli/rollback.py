"""`argosy rollback`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from argosy.cli import options, promoting
from argosy.cli.promoting import Job, PromotionOptions
from argosy.errors import UsageError

if TYPE_CHECKING:
    from argosy.promotion.promoting import Answers


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
    from argosy.git import branches  # noqa: PLC0415
    from argosy.git.snapshot import Snapshot  # noqa: PLC0415
    from argosy.promotion import promoting as core  # noqa: PLC0415
    from argosy.promotion.ends import applications  # noqa: PLC0415
    from argosy.promotion.history import Place  # noqa: PLC0415

    with promoting.opened(given, [app]) as places:
        ends = places.end(env)
        applications(places, ends, env, env, [app])
        to = Snapshot.of(given.root, state).commit if state else ""
        place = Place(ends.target.commit, app, env)
        goal = core.goal(places.history, place, steps=steps or 1, to=to)

        def make(answers: Answers) -> Sequence[Job]:
            promotion = core.roll_back(place, ends.target, goal, answers, places.history, own_branch=ends.own_branch)
            back = Job(promotion, ends.base, branch := f"rollback/{app}-{env}", ends.own_branch)
            default = places.repository.settings.branch
            if not ends.own_branch or ends.base == default or not branches.is_branch(places.root, default):
                return [back]
            there = Snapshot(places.root, branches.tip(places.root, default, places.remote))
            beside = core.told(promotion.moves, env, there)
            telling = core.Promotion(there, (), beside=beside)
            title = f"Roll {app} back in {env}"
            then = Job(telling, default, f"{branch}-on-{default}", own_branch=True, title=title)
            return [back, then] if beside else [back]

        return promoting.carry_out(given, places, make)
