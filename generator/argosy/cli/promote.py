"""`argosy promote`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from argosy.cli import delivery, options, promoting
from argosy.cli.promoting import Job, PromotionOptions
from argosy.errors import ArgosyError, UsageError
from argosy.names import joined

if TYPE_CHECKING:
    from argosy.git.objects import Blob
    from argosy.git.snapshot import Written
    from argosy.promotion.ends import Places
    from argosy.promotion.promoting import Answers

MANY = 3
"""Up to how many applications a branch is named by."""


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
    with promoting.opened(given, apps) as places:
        if since is not None:
            return promoting.carry_out(given, places, _following(given, places, since))
        return promoting.carry_out(given, places, _along(given, places, apps, source, target, chained=chained))


Make = Callable[["Answers"], Sequence[Job]]


def _along(
    given: PromotionOptions, places: Places, apps: Sequence[str], source: str, target: str, *, chained: bool
) -> Make:
    """Return what gives the jobs of a promotion to an environment, perhaps through others."""
    from argosy.promotion import promoting as core  # noqa: PLC0415

    way = core.route(places.repository, target, source, chained=chained)
    if not apps:
        _say_lacking(given, places, way)
    return lambda answers: _jobs(places, [(apps, *leg) for leg in way], answers, together=True)


def _say_lacking(given: PromotionOptions, places: Places, way: Sequence[tuple[str, str]]) -> None:
    """Say which applications the targets do not deploy yet."""
    from argosy.promotion import ends as here  # noqa: PLC0415

    for source, target in way:
        if lacking := here.applications(places, places.ends(source, target), source, target, ())[1]:
            given.say(
                f"Not in {target} yet, and so left out: {', '.join(lacking)}.\n"
                f"  argosy promote {' '.join(lacking)} --from {source} --to {target} brings "
                f"{'it' if len(lacking) == 1 else 'them'} there."
            )


def _following(given: PromotionOptions, places: Places, since: str) -> Make:
    """Return what gives the jobs that follow the promotions since a commit."""
    from argosy.promotion import ends  # noqa: PLC0415

    untold = ends.untold(places, since)
    texts = _of_host(given, places, untold)
    found = ends.followers(places, since, texts)
    for apps, source, target in found:
        given.say(f"To follow up: {', '.join(apps)} from {source} to {target}.")
    for commit, title in untold.items():
        if commit not in texts:
            given.say(
                f"Not followed up: {commit[:7]} ({title}). Its message tells of no promotion.\n  If it is one, the "
                "host left out the Argosy-Promotion line, and the title was changed: promote its applications by hand."
            )
    return lambda answers: _jobs(places, found, answers, together=not given.on_branch)


def _of_host(given: PromotionOptions, places: Places, commits: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Return what the pull requests of commits tell of promotions, where the host is spoken to anyway."""
    if not (given.pull_request and commits):
        return {}
    from argosy.promotion import trailers  # noqa: PLC0415

    host = delivery.host_of(given.root, places.remote)
    found: dict[str, Sequence[str]] = {}
    for commit in commits if host.token() else ():
        try:
            texts = host.merged_with(commit)
        except ArgosyError as error:
            given.say(f"{error.message} {error.hint}".strip())
            break
        if any(map(trailers.steps, texts)):
            found[commit] = texts
    return found


def _jobs(
    places: Places, way: Sequence[tuple[Sequence[str], str, str]], answers: Answers, *, together: bool
) -> list[Job]:
    """Return a job for each branch that is promoted to; `together`: each step starts from what the ones before left.

    And one for the default branch, where Argo CD has to read of applications that come to other branches.
    """
    from argosy.git import branches  # noqa: PLC0415
    from argosy.git.snapshot import Snapshot  # noqa: PLC0415
    from argosy.promotion import ends as here  # noqa: PLC0415
    from argosy.promotion import promoting as core  # noqa: PLC0415
    from argosy.promotion.promoting import Move  # noqa: PLC0415
    from argosy.repository import layout  # noqa: PLC0415
    from argosy.repository.model import ArgocdStyle  # noqa: PLC0415

    jobs: dict[str, Job] = {}
    pending: dict[str, Written] = {}
    announced: dict[str, Blob | None] = {}
    came: dict[str, list[str]] = {}
    default, style = places.repository.settings.branch, places.repository.settings.argocd
    for wanted, source, target in way:
        ends = places.ends(source, target)
        one = ends.source.with_files(pending.get(ends.start, {}))
        other = ends.target.with_files(pending.get(ends.base, {}))
        names, lacking = here.applications(places, replace(ends, source=one, target=other), source, target, wanted)
        made, new = core.promote(names, (source, target), (one, other), answers, places.history), list[Move]()
        if wanted and lacking:
            from argosy.promotion import arriving  # noqa: PLC0415

            new = arriving.arrive(lacking, (source, target), (one, other), answers, places.history)
            made = core.Promotion(made.before, [*made.moves, *new])
        is_apart = ends.own_branch and ends.base != default and branches.is_branch(places.root, default)
        if wanted and is_apart:
            from argosy.change import needs  # noqa: PLC0415
            from argosy.promotion import arriving, projects  # noqa: PLC0415

            there = Snapshot(places.root, branches.tip(places.root, default, places.remote)).with_files(announced)
            arrived = [move.step.application for move in new if not any(each.open for each in new)]
            # Of those that came earlier, this part may have got lost.
            if unknown := arriving.unannounced([*names, *arrived], target, style, there):
                announced |= arriving.announced(unknown, target, made.after, there)
                if earlier := {*unknown} & {*names}:
                    needed = needs.of_state(made.after, earlier, {target})
                    announced |= {each.path: each.blob for each in projects.widen(there.with_files(announced), needed)}
                came.setdefault(joined(unknown, MANY), []).append(target)
        tip = branches.tip(places.root, default, places.remote) if is_apart else ""
        if told := core.told(made.moves, target, Snapshot(places.root, tip)) if tip else {}:
            announced |= told
            came.setdefault(joined([str(layout.application_of(path)) for path in told], MANY), []).append(target)
        if together:
            pending[ends.base] = {**pending.get(ends.base, {}), **made.written}
        key = ends.base if together else f"{ends.base} {target}"
        moves = [*(jobs[key].promotion.moves if key in jobs else ()), *made.moves]
        first = jobs[key].first if key in jobs else source
        jobs[key] = Job(
            core.Promotion(ends.target, moves), ends.base, _branch(wanted, first, target), ends.own_branch, first
        )
    found = list(jobs.values())
    if announced:
        telling = _telling(places, announced, came, found[0].branch)
        # With an ApplicationSet, the branch alone decides: what the projects permit comes before.
        found = [telling, *found] if style is ArgocdStyle.APPLICATIONSET else [*found, telling]
    return found


def _telling(places: Places, announced: Written, came: Mapping[str, Sequence[str]], beside: str) -> Job:
    """Return the job of the default branch, from which Argo CD reads of applications: `came` by names, to where."""
    from argosy.git import branches  # noqa: PLC0415
    from argosy.git.snapshot import Snapshot  # noqa: PLC0415
    from argosy.promotion import promoting as core  # noqa: PLC0415

    default = places.repository.settings.branch
    there = Snapshot(places.root, branches.tip(places.root, default, places.remote))
    held = there.files(*announced)
    what = joined([f"{names} to {joined(targets, MANY)}" for names, targets in came.items()], MANY)
    changed = {path: blob for path, blob in announced.items() if held.get(path) != blob}
    promotion = core.Promotion(there, (), beside=changed)
    return Job(promotion, default, f"{beside}-on-{default}", own_branch=True, title=f"Deploy {what}")


def _branch(apps: Sequence[str], source: str, target: str) -> str:
    """Return the name of the branch for a promotion, the same each time; no application has a `_` in its name."""
    scope = "_".join(sorted({*apps})) if len({*apps}) <= MANY else f"{len({*apps})}-applications"
    return f"promote/{scope or 'all'}-{source}-to-{target}"
