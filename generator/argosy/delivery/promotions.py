"""Promotions and rollbacks: what is shown first, what is asked, and how they get to where they are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from argosy.delivery import judging
from argosy.delivery.commits import commit, commit_together
from argosy.delivery.delivery import Delivery
from argosy.delivery.jobs import MANY, Job, Promotional
from argosy.delivery.offer import Offer, check, configured, deliver, interruptible
from argosy.errors import ArgosyError, UsageError
from argosy.names import joined

if TYPE_CHECKING:
    from argosy.change.merge import Plan
    from argosy.difference import Difference
    from argosy.promotion.decision import Decision
    from argosy.promotion.ends import Places
    from argosy.promotion.promoting import Answers, Move, Promotion, Widened


@dataclass
class Outcome:
    """What became of a job, for JSON."""

    promotion: Promotion
    difference: Difference | None = None
    valid: bool | None = None
    made: dict[str, Any] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """Return it as data."""
        from argosy.difference import as_json  # noqa: PLC0415
        from argosy.promotion import report  # noqa: PLC0415

        difference = self.difference and as_json.document(self.difference)
        moves = report.as_data(self.promotion)
        permitted = {each.path: list(map(str, each.kinds)) for each in self.promotion.projects}
        return {"moves": moves, "permitted": permitted, "difference": difference, "valid": self.valid, **self.made}


@dataclass(frozen=True, slots=True)
class Promoted:
    """What came of a promotion."""

    given: Delivery
    jobs: Sequence[Job]
    outcomes: Sequence[Outcome]
    diff: str | None = None
    kind: str = "Promotions"

    @property
    def document(self) -> dict[str, Any]:
        """It as data."""
        return {"dryRun": self.given.dry_run, "promotions": [each.data() for each in self.outcomes]}


@contextmanager
def opened(given: Delivery, apps: Sequence[str]) -> Iterator[Places]:
    """Yield where environments are read, while no other argosy can change the repository.

    For a pull request, the branches of the remote count, where it is opened.
    """
    from argosy.change import locking  # noqa: PLC0415
    from argosy.git import branches  # noqa: PLC0415
    from argosy.promotion import ends  # noqa: PLC0415

    with locking.locked(given.root, writes=not given.dry_run):
        locking.check(given.root, here=given.commit, elsewhere=given.on_branch and not given.dry_run)
        remote = branches.remote_of(given.root) if given.pull_request else ""
        places = ends.Places.of(given.root, remote, apps)
        for remark in places.remarks:
            given.say(remark)
        yield places


def grant(given: Delivery, wanted: Promotional, *, yes: bool = False) -> int:
    """Show what a promotion does, ask, write it to where it is wanted, and return the exit code.

    Nothing is written before all is known.
    """
    from argosy.promotion.decision import Choices  # noqa: PLC0415
    from argosy.promotion.promoting import Answers  # noqa: PLC0415

    with opened(given, wanted.named) as places:
        make = wanted.make(given, places)
        answers = Answers(Choices(tuple(wanted.take), tuple(wanted.leave)))
        jobs = make(answers)
        answers.general.check([each for job in jobs for move in job.promotion.moves for each in move.decisions])
        for job in jobs:
            _refuse_hidden(given, places, job)
        _show_tables(given, jobs)
        while given.is_interactive and not yes and (asked := _asked(given, answers, jobs)) != answers:
            answers = asked
            jobs = make(answers)
        outcomes = [Outcome(job.promotion) for job in jobs]
        code = _proceed(given, places, jobs, outcomes, allow_open=wanted.allow_open, yes=yes)
        given.result(Promoted(given, jobs, outcomes))
        return code


def _proceed(
    given: Delivery,
    places: Places,
    jobs: Sequence[Job],
    outcomes: Sequence[Outcome],
    *,
    allow_open: bool,
    yes: bool,
) -> int:
    from argosy import git  # noqa: PLC0415
    from argosy.promotion import report  # noqa: PLC0415

    if any(job.promotion.is_open for job in jobs):
        _say_open(given, jobs)
        return 3
    todo = [(job, outcome) for job, outcome in zip(jobs, outcomes, strict=True) if job.promotion.written]
    todo = _permitting(given, places, todo)
    if not any(job.promotion.steps or job.title for job, _ in todo):
        still_open = _say_postponed(given, jobs)
        if not still_open:
            given.say(_why_nothing(jobs))
        return 3 if still_open and not allow_open else 0
    # What is for several branches may have only one left to do, wherever one is.
    elsewhere = given.commit and len(jobs) > 1
    _refuse_misplaced(given, [job for job, _ in todo], elsewhere=elsewhere)
    for job, outcome in todo:
        if not job.title:
            outcome.difference = _difference(given, job)
    judged = [_is_valid(given, job, outcome) for job, outcome in todo if given.validate]
    if not all(judged):
        given.warn("Nothing was written: the result would not be valid.")
        return 1
    if given.dry_run:
        return 0
    given.confirm(yes, "Continue?", "This changes what an environment runs, and there is no terminal to confirm it.")
    if given.on_branch:
        _offer(given, todo)
    elif len(todo) > 1 or (elsewhere and todo[0][0].own_branch and todo[0][0].base != git.branch(given.root)):
        _commit_everywhere(given, todo)
    else:
        job, outcome = todo[0]
        _write(given, job, outcome)
        if given.commit:
            given.say(f"Committed: {job.title or report.title(job.promotion.steps)}. git push brings it to Argo CD.")
    still_open = _say_postponed(given, [job for job in jobs if not job.promotion.steps])
    return 3 if still_open and not allow_open else 0


def _say_postponed(given: Delivery, jobs: Sequence[Job]) -> bool:
    """Say which keys of promotions in which nothing moves are open still, and return whether there are any."""
    found = [each for job in jobs for each in job.promotion.postponed]
    if found:
        listed = "".join(f"\n  {step.application} in {step.target}: {each.key} ({each.why})" for step, each in found)
        given.warn(
            f"Nothing moves, and --leave '**' left {len(found)} {'key' if len(found) == 1 else 'keys'} that nobody has "
            f"decided on:{listed}\n  --take KEY or --leave KEY decides; with --allow-open, this counts as success."
        )
    return bool(found)


def _why_nothing(jobs: Sequence[Job]) -> str:
    """Say why there is nothing to write."""
    from argosy.promotion.decision import Verdict  # noqa: PLC0415

    if not jobs:
        return "Nothing to follow up: no promotion since then that the next environment does not have."
    left = [
        each for job in jobs for move in job.promotion.moves for each in move.decisions if each.verdict is Verdict.LEFT
    ]
    if left:
        return (
            f"Nothing to promote: {len(left)} {'key is' if len(left) == 1 else 'keys are'} left unchanged (see above)."
        )
    return "Nothing to promote: the target has these values already."


def _permitting(given: Delivery, places: Places, todo: Sequence[tuple[Job, Outcome]]) -> list[tuple[Job, Outcome]]:
    """Return jobs together with the AppProjects that have to permit more, and say which."""
    from argosy.git import branches  # noqa: PLC0415
    from argosy.git.snapshot import Snapshot  # noqa: PLC0415
    from argosy.promotion import projects, report  # noqa: PLC0415
    from argosy.repository import layout  # noqa: PLC0415

    default = places.repository.settings.branch
    telling = next((job for job, _ in todo if job.title), None)
    there = telling.promotion.after if telling else None
    if there is None and any(job.own_branch for job, _ in todo) and branches.is_branch(given.root, default):
        there = Snapshot(given.root, branches.tip(given.root, default, places.remote))
    found: list[Job] = []
    read: list[Widened] = []
    for job, _ in todo:
        needed = projects.used(job.promotion) if job is not telling else {}
        promotion = replace(job.promotion, projects=projects.widen(job.promotion.after, needed))
        found.append(replace(job, promotion=promotion))
        if promotion.projects:
            given.show(report.projects(promotion))
        targets = {step.target for step in promotion.steps} if there and job.own_branch else set[str]()
        lacking = {path: used for path, used in needed.items() if layout.environment_of(path) in targets}
        for each in projects.widen(there, lacking) if there else ():
            read.append(each)
            if telling is None:
                given.say(
                    f"Argo CD reads {each.path} from {default}, and syncs no {report.kinds(each)} before it permits "
                    f"that there.\n  Once this is on {job.base}: git switch {default}, and argosy apply --commit."
                )
    found = [replace(job, promotion=replace(job.promotion, projects=read)) if job.title else job for job in found]
    for job, (_, outcome) in zip(found, todo, strict=True):
        outcome.promotion = job.promotion
    return [(job, outcome) for job, (_, outcome) in zip(found, todo, strict=True)]


# What is shown and asked first


def _show_tables(given: Delivery, jobs: Sequence[Job]) -> None:
    from argosy.promotion import report  # noqa: PLC0415

    for job in jobs:
        if job.title:
            listed = "".join(f"\n  {path}" for path in sorted(job.promotion.written))
            given.say(f"{job.title}, which Argo CD reads from {job.base}:{listed}")
        else:
            given.show(report.as_text(job.promotion, colour=given.has_colour))


def _difference(given: Delivery, job: Job) -> Difference:
    from argosy import difference  # noqa: PLC0415
    from argosy.difference.formats import OutputFormat, format_difference  # noqa: PLC0415
    from argosy.repository import layout  # noqa: PLC0415

    scope = difference.Scope(branch=job.base if job.own_branch else "", veil=given.veil)
    # What a symbolic link leads to may be anywhere, and anything may read it.
    owners = [layout.environment_of(path) or layout.application_of(path) for path in job.promotion.written]
    compared = difference.within_layout if all(owners) else difference.between
    found = compared(job.promotion.before, job.promotion.after, scope, given.watch)
    given.show(format_difference(found, OutputFormat.TEXT, colour=given.has_colour))
    return found


def _is_valid(given: Delivery, job: Job, outcome: Outcome) -> bool:
    """Validate the state that comes out, and tell what is wrong."""
    outcome.valid = judging.is_valid(given, job.promotion.after, job.promotion.written.keys())
    return outcome.valid


def _asked(given: Delivery, answers: Answers, jobs: Sequence[Job]) -> Answers:
    """Ask about each key that is open."""
    from argosy.promotion.decision import Choices  # noqa: PLC0415
    from argosy.yaml_edit.keys import pattern  # noqa: PLC0415

    own = dict(answers.own)
    for move in (move for job in jobs for move in job.promotion.moves):
        place = (move.step.application, move.step.target)
        for each in move.open:
            known = own.get(place, Choices())
            if pattern(each.key) in (*known.take, *known.leave):
                continue
            if given.choose(_question(move, each), ["take", "leave"]) == "take":
                own[place] = replace(known, take=(*known.take, pattern(each.key)))
            else:
                own[place] = replace(known, leave=(*known.leave, pattern(each.key)))
    return replace(answers, own=own)


def _question(move: Move, decision: Decision) -> str:
    from argosy.promotion import report  # noqa: PLC0415

    present, new = report.pair(decision)
    return f"{report.heading(move)}: {decision.key} is {present}, and would become {new} ({decision.why})"


def _say_open(given: Delivery, jobs: Sequence[Job]) -> None:
    """Say what someone has to decide, and how."""
    from argosy.yaml_edit.keys import pattern  # noqa: PLC0415

    moves = [move for job in jobs for move in job.promotion.moves if move.open]
    if given.is_terse:
        for move in moves:
            for each in move.open:
                given.warn(f"{move.step.application}: {each.key}: {each.verdict.value}: {each.why}")
    example = pattern(moves[0].open[0].key)
    count = sum(len(move.open) for move in moves)
    promoted = any(move.step.source for move in moves)
    given.warn(
        f"Nothing was written: {count} {'key needs' if count == 1 else 'keys need'} a decision.\n"
        f"  --take '{example}' takes the new value, --leave '{example}' keeps the present one, '**' all."
        + (
            "\n  For good: name the key in application.yaml, below `promotion:`, under `promote:` or `pinned:`."
            if promoted
            else ""
        )
    )


# Where the result goes


def _refuse_misplaced(given: Delivery, jobs: Sequence[Job], *, elsewhere: bool) -> None:
    """Raise UsageError where another branch is checked out than the one that the result belongs to.

    `elsewhere`: it may be committed to that nevertheless.
    """
    from argosy import git  # noqa: PLC0415

    if given.on_branch or given.dry_run:
        return
    current = git.branch(given.root)
    here = next((job for job in jobs if job.own_branch and job.base == current), None)
    if here and here.promotion.before.commit != git.at(given.root).head:
        raise ArgosyError(
            f"{current} is behind the remote's {current}, which the promotion starts from.",
            "Bring it up to date (git pull), and run this command again, or say --pull-request or --branch.",
        )
    places = joined([job.base for job in jobs], MANY)
    if len(jobs) > 1 and not given.commit:
        raise UsageError(
            f"This is for {places}, and a work tree has one branch alone.", "Say --commit, --pull-request or --branch."
        )
    targets = {step.target for step in here.promotion.steps} if here else set[str]()
    if any(step.source in targets for job in jobs if job is not here for step in job.promotion.steps):
        raise UsageError(
            f"This is for {places}, each from what the one before gets, and {current} is checked out.",
            "Switch to the default branch, or say --pull-request or --branch.",
        )
    if len(jobs) == 1 and jobs[0].own_branch and not (here or elsewhere):
        steps = jobs[0].promotion.steps
        what = f"{steps[0].target} follows" if steps else "Argo CD reads its Applications from"
        raise UsageError(
            f"{what} the branch {places}, and {current or 'no branch'} is checked out.",
            f"Switch to it first (git switch {places}), or say --pull-request or --branch.",
        )


def _refuse_hidden(given: Delivery, places: Places, job: Job) -> None:
    """Refuse what has changes that are not committed; for a branch of its own, say that they are left out."""
    from argosy import git  # noqa: PLC0415
    from argosy.repository import layout, store  # noqa: PLC0415

    steps = [move.step for move in job.promotion.moves if move.step.source]
    if not steps:
        return
    settings = [layout.application_settings(each.application) for each in steps]
    folders = [f"{layout.deployment(each.source, each.application)}/" for each in steps]
    watched = settings if job.own_branch else [*settings, *folders]
    hidden = sorted(store.uncommitted(given.root, *watched))
    if hidden and not given.on_branch:
        raise ArgosyError(
            f"{hidden[0]} has uncommitted changes, and only commits are promoted.",
            "Commit them first, or set them aside: git stash push --include-untracked -- PATH.",
        )
    if hidden:
        given.say(f"{hidden[0]} has uncommitted changes, which are left out.")
    if places.remote and git.branch(given.root) == job.base:
        ahead = git.run(given.root, "rev-list", "--count", f"{job.promotion.before.commit}..HEAD", "--", *watched)
        if ahead.strip() != "0":
            given.say(f"Commits of {job.base} that are not on {places.remote} yet are left out: git push first.")


def _write(given: Delivery, job: Job, outcome: Outcome) -> None:
    """Write a promotion into the work tree and the index, and commit it if that is wanted."""
    from argosy.change import merge  # noqa: PLC0415
    from argosy.git import objects  # noqa: PLC0415

    root, message = given.root, job.message(given)
    plan = _plan(root, job.promotion)
    earlier = _message_of_staged(root)
    with merge.written(plan, "" if given.commit else earlier + message):
        if given.commit:
            commit(root, message, [each.path for each in plan.touched])
    outcome.made = {"committed": given.commit}
    if given.commit:
        ((outcome.made["commit"], _),) = objects.types(root, ["HEAD"])
        return
    given.say(
        "Written. Next: git diff --staged shows it, and git commit keeps it.\n"
        "  Its message is prepared: leave the Argosy- lines in, by which argosy knows what was promoted and when."
    )


def _plan(root: Path, promotion: Promotion) -> Plan:
    """Return what a promotion writes into the work tree, where nothing stands in its way."""
    from argosy.change import merge  # noqa: PLC0415

    before = promotion.before.files(*promotion.written)
    plan = merge.plan(root, before, {path: blob for path, blob in promotion.written.items() if blob is not None})
    merge.refuse_obstacles(plan)
    return plan


def _message_of_staged(root: Path) -> str:
    """Return what the next `git commit` would say of what is staged already."""
    from argosy import git  # noqa: PLC0415

    known = git.at(root)
    file, merging = known.git_path("MERGE_MSG"), known.git_path("MERGE_HEAD")
    is_staged = merging.is_file() or any(letters[0] not in "?! " for letters in known.status.values())
    return f"{file.read_text(encoding='utf-8', errors='replace').rstrip()}\n\n" if is_staged and file.is_file() else ""


def _commit_everywhere(given: Delivery, todo: Sequence[tuple[Job, Outcome]]) -> None:
    """Commit on all the branches that promotions are for, or on none; the one that is checked out comes last."""
    from argosy import git  # noqa: PLC0415
    from argosy.change import merge  # noqa: PLC0415
    from argosy.git import branches, objects  # noqa: PLC0415

    root, current = given.root, git.branch(given.root)
    refs = dict(git.at(root).refs)
    here = [job for job, _ in todo if not job.own_branch or job.base == current]
    if len(here) > 1:
        places = joined([job.base for job in here], MANY)
        raise UsageError(
            f"This is for {places}, and a work tree has one branch alone.", "Say --pull-request or --branch."
        )
    plan, message = merge.plan(root, {}, {}), ""
    made: dict[str, str] = {}
    moves: dict[str, tuple[str, str]] = {}
    for job, outcome in sorted(todo, key=lambda each: each[0] in here):
        promotion = _with_origins(job.promotion, made)
        text = replace(job, promotion=promotion).message(given)
        if job in here:
            plan, message = _plan(root, promotion), text
            outcome.made = {"committed": True}
            continue
        commit = branches.commit(promotion.before, promotion.written, text)
        moves[job.base] = (refs.get(f"refs/heads/{job.base}", ""), commit)
        outcome.made = {"committed": True, "branch": job.base, "commit": commit}
        made |= {step.target: commit for step in promotion.steps}
    commit_together(plan, message, [each.path for each in plan.touched], moves)
    for _, outcome in todo:
        outcome.made.setdefault("commit", objects.head(root))
    try:
        remote = branches.remote_of(root)
    except UsageError:
        remote = "origin"
    names = [job.base for job, _ in todo]
    lines = "".join(f"\n  git push {remote} {name}" for name in names)
    given.say(f"Committed on {joined(names, MANY)}. Push in this order, so that no Application leads nowhere:{lines}")


# Branches of their own


def _offer(given: Delivery, todo: Sequence[tuple[Job, Outcome]]) -> None:
    """Commit each promotion on a branch of its own; push it and open a pull request if that is wanted."""
    made: dict[str, str] = {}
    done: list[str] = []
    names = [job.branch for job, _ in todo]
    if given.branch:
        names = [f"{given.branch}-{number}" for number in range(1, len(todo) + 1)] if len(todo) > 1 else [given.branch]
    check(given.root, names, {job.base for job, _ in todo})
    steps = ", ".join(f"{number}. to {job.base}" for number, (job, _) in enumerate(todo, 1))
    is_ordered = len(todo) > 1 and any(job.title for job, _ in todo)
    for number, ((job, outcome), name) in enumerate(zip(todo, names, strict=True), 1):
        note = f"**Step {number} of {len(todo)}**, to be merged in this order: {steps}.\n\n" if is_ordered else ""
        job_now = replace(job, promotion=_with_origins(job.promotion, made))
        with interruptible(name, done):
            outcome.made |= deliver(given, _offered(given, job_now, name, outcome, note))
        done.append(name)
        made |= {step.target: outcome.made["commit"] for step in job.promotion.steps}
    if is_ordered:
        verb = "Merge" if given.pull_request else "Bring"
        given.say(f"{verb} them in this order, so that no Application leads nowhere in between: {steps}.")


def _with_origins(promotion: Promotion, made: dict[str, str]) -> Promotion:
    """Name the commits that the steps of a chain start from, which were made just before."""
    moves = [
        move if move.step.origin else replace(move, step=replace(move.step, origin=made.get(move.step.source, "")))
        for move in promotion.moves
    ]
    return replace(promotion, moves=moves)


def _offered(given: Delivery, job: Job, name: str, outcome: Outcome, note: str) -> Offer:
    promotion = job.promotion
    labels = configured(given.root, "promotion").get("labels")
    return Offer(
        before=promotion.before,
        written=promotion.written,
        message=job.message(given),
        base=job.base,
        branch=name,
        kind="promotion",
        labels=tuple(map(str, labels)) if isinstance(labels, list) else ("promotion",),
        body=partial(_body, job, outcome, note),
        is_earlier=partial(_is_same, job),
    )


def _is_same(job: Job, told: str) -> bool:
    """Return whether a commit's message tells of the same steps, or of the same change."""
    from argosy.promotion import trailers  # noqa: PLC0415

    if job.title:
        return job.trailer in told.split("\n")
    return {replace(each, origin="") for each in trailers.steps(told)} == {
        replace(each, origin="") for each in job.promotion.steps
    }


def _body(job: Job, outcome: Outcome, note: str, limit: int) -> str:
    """Return a note, the table, the rendered difference and the trailers, in at most so many characters."""
    from argosy.difference.formats import OutputFormat, format_difference  # noqa: PLC0415
    from argosy.promotion import report  # noqa: PLC0415

    # Hosts can make the message of a merge from this text: then the last lines are its trailers.
    promotion = job.promotion
    if job.title:
        listed = "".join(f"- `{path}`\n" for path in sorted(promotion.written))
        return f"{note}Argo CD reads from {job.base} what it has to deploy:\n\n{listed}\n{job.trailer}\n"
    trailers = "\n".join(each.trailer for each in promotion.steps)
    end = f"\n\n{trailers}\n" if len(trailers) < limit // 3 else "\n"
    table = note + report.as_markdown(promotion, (limit - len(end)) // 2 - len(note))
    rendered = ""
    if outcome.difference is not None:
        room = limit - len(end) - len(table) - 1
        rendered = format_difference(outcome.difference, OutputFormat.MARKDOWN, limit=room)
    return f"{table}\n{rendered}{end}"
