"""What is promoted to where: a job for each branch that something comes to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from argosy.delivery.delivery import Delivery
from argosy.delivery.offer import host_of
from argosy.errors import ArgosyError
from argosy.names import joined

if TYPE_CHECKING:
    from argosy.git.objects import Blob
    from argosy.git.snapshot import Written
    from argosy.promotion.ends import Places
    from argosy.promotion.promoting import Answers, Promotion

MANY = 3
"""Up to how many names are listed, and a branch is named by."""


@dataclass(frozen=True, slots=True)
class Job:
    """A promotion, the branch that it is for, and what a branch with it is called."""

    promotion: Promotion
    base: str
    """The branch that the target is on."""
    branch: str
    own_branch: bool
    """Whether only the target is on it, so that it has to be checked out to be written to."""
    first: str = ""
    """The environment that the promotion starts in."""
    title: str = ""
    """What the commit says where nothing is promoted to the branch: which applications Argo CD has to deploy anew."""

    def message(self, given: Delivery) -> str:
        """Return the message of its commit."""
        from argosy.promotion import report  # noqa: PLC0415

        if self.title:
            return f"{given.message or self.title}\n\n{self.trailer}\n"
        return report.message(self.promotion, given.message or "")

    @property
    def trailer(self) -> str:
        """What tells a commit of this from others where nothing is promoted."""
        return f"Argosy-Change: {self.title}"


Make = Callable[["Answers"], Sequence[Job]]
"""Gives the jobs, with the answers of the person who runs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotional(ABC):
    """What is asked of environments: to take something over from one another, or to give it back."""

    take: Sequence[str] = ()
    """The keys whose value comes from the source, whatever the policy says."""
    leave: Sequence[str] = ()
    """The keys that stay as they are; `**`: all that is open."""
    allow_open: bool = False
    """Whether it is a success if nothing moves, and keys are open that were left."""

    @property
    @abstractmethod
    def words(self) -> Sequence[str]:
        """The words of the command that asks for the same."""

    @property
    @abstractmethod
    def named(self) -> Sequence[str]:
        """The applications that it names."""

    @abstractmethod
    def make(self, given: Delivery, places: Places) -> Make:
        """Return what gives the jobs."""

    @property
    def _decided(self) -> Sequence[str]:
        taken = [word for key in self.take for word in ("--take", key)]
        return [*taken, *(word for key in self.leave for word in ("--leave", key))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promote(Promotional):
    """Copy what was tested in one environment to the next, and keep what belongs to the target."""

    applications: Sequence[str] = ()
    """Empty: every one that both environments deploy."""
    to: str
    """The target environment."""
    source: str = ""
    """The source; empty: the environment that the target promotes from."""
    chain: bool = False
    """Whether to promote through all the environments up to the target."""

    @property
    def words(self) -> Sequence[str]:
        """The words of the command that asks for the same."""
        way = [*(("--from", self.source) if self.source else ()), "--to", self.to, *(["--chain"] * self.chain)]
        return ("promote", *(self.applications or ["--all"]), *way, *self._decided)

    @property
    def named(self) -> Sequence[str]:
        """The applications that it names."""
        return self.applications

    def make(self, given: Delivery, places: Places) -> Make:
        """Return what gives the jobs."""
        return along(given, places, self.applications, self.source, self.to, chained=self.chain)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp(Promotional):
    """Promote what was promoted since a commit, one environment further."""

    since: str
    """A commit, a branch or a tag."""

    @property
    def words(self) -> Sequence[str]:
        """The words of the command that asks for the same."""
        return ("promote", "--follow-up", self.since, *self._decided)

    @property
    def named(self) -> Sequence[str]:
        """The applications that it names: none."""
        return ()

    def make(self, given: Delivery, places: Places) -> Make:
        """Return what gives the jobs."""
        return following(given, places, self.since)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBack(Promotional):
    """Undo the last promotion to an environment: its keys get their previous values, and nothing else changes."""

    application: str
    environment: str
    steps: int = 1
    """How many promotions to undo."""
    state: str = ""
    """A commit: then all promotions since are undone."""

    @property
    def words(self) -> Sequence[str]:
        """The words of the command that asks for the same."""
        far = ["--to", self.state] if self.state else ["--steps", str(self.steps)] if self.steps > 1 else []
        return ("rollback", self.application, self.environment, *far, *self._decided)

    @property
    def named(self) -> Sequence[str]:
        """The application that it names."""
        return [self.application]

    def make(self, given: Delivery, places: Places) -> Make:
        """Return what gives the jobs."""
        return back(given, places, self.application, self.environment, steps=self.steps, state=self.state)


def along(given: Delivery, places: Places, apps: Sequence[str], source: str, target: str, *, chained: bool) -> Make:
    """Return what gives the jobs of a promotion to an environment, perhaps through others."""
    from argosy.promotion import promoting as core  # noqa: PLC0415

    way = core.route(places.repository, target, source, chained=chained)
    if not apps:
        _say_lacking(given, places, way)
    return lambda answers: _jobs(places, [(apps, *leg) for leg in way], answers, together=True)


def _say_lacking(given: Delivery, places: Places, way: Sequence[tuple[str, str]]) -> None:
    """Say which applications the targets do not deploy yet."""
    from argosy.promotion import ends as here  # noqa: PLC0415

    for source, target in way:
        if lacking := here.applications(places, places.ends(source, target), source, target, ())[1]:
            given.say(
                f"Not in {target} yet, and so left out: {', '.join(lacking)}.\n"
                f"  argosy promote {' '.join(lacking)} --from {source} --to {target} brings "
                f"{'it' if len(lacking) == 1 else 'them'} there."
            )


def following(given: Delivery, places: Places, since: str) -> Make:
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


def _of_host(given: Delivery, places: Places, commits: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Return what the pull requests of commits tell of promotions, where the host is spoken to anyway."""
    if not (given.pull_request and commits):
        return {}
    from argosy.promotion import trailers  # noqa: PLC0415

    host = host_of(given.root, places.remote)
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


def back(given: Delivery, places: Places, app: str, env: str, *, steps: int = 1, state: str = "") -> Make:
    """Return what gives the jobs of a rollback, by so many promotions or to a commit."""
    from argosy.git import branches  # noqa: PLC0415
    from argosy.git.snapshot import Snapshot  # noqa: PLC0415
    from argosy.promotion import promoting as core  # noqa: PLC0415
    from argosy.promotion.ends import applications  # noqa: PLC0415
    from argosy.promotion.history import Place  # noqa: PLC0415

    ends = places.end(env)
    applications(places, ends, env, env, [app])
    to = Snapshot.of(given.root, state).commit if state else ""
    place = Place(ends.target.commit, app, env)
    goal = core.goal(places.history, place, steps=steps, to=to)

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

    return make
