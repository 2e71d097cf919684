"""A change of the repository: planned, told, judged, and brought to where it is wanted."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from argosy.delivery import judging
from argosy.delivery.commits import commit, commit_together
from argosy.delivery.delivery import TAKES_AWAY, Delivery
from argosy.delivery.offer import Offer, check, deliver, interruptible
from argosy.errors import ArgosyError, InterruptedByUserError, UsageError
from argosy.names import joined

if TYPE_CHECKING:
    from argosy.change.merge import Plan
    from argosy.change.own_branches import Again, Elsewhere, Found, OnBranch
    from argosy.change.planning import Change, Settle
    from argosy.change.requests import Request
    from argosy.git.snapshot import Snapshot, Written
    from argosy.repository.store import Stored

LISTED = 30
"""How many files are listed; JSON has them all."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What came of a change."""

    given: Delivery
    plan: Plan
    change: Change
    title: str
    """The commit's, where none is given."""
    diff: str | None = None
    committed: bool = False
    valid: bool | None = None
    made: Mapping[str, Any] = field(default_factory=dict)
    """The commit, the branch and the pull request that were made."""
    found: Sequence[OnBranch] = ()
    """What happens on environments' own branches."""
    elsewhere: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """What was made of it there, by branch."""
    kind: str = "Change"

    @property
    def after(self) -> Snapshot:
        """The state of the repository that comes out, on top of what is committed."""
        return _outcome(self.plan, self.change)

    @property
    def document(self) -> dict[str, Any]:
        """It as data."""
        told: dict[str, Any] = {
            "dryRun": self.given.dry_run,
            "files": _files_as_data(self.plan),
            "conflicts": self.plan.conflicts,
            **({"notes": list(self.plan.notes)} if self.plan.notes else {}),
            "valid": self.valid,
            "committed": self.committed,
            **({} if self.diff is None else {"diff": self.diff}),
            **self.made,
        }
        if self.found:
            told["branches"] = [
                {
                    "branch": each.branch,
                    "files": _files_as_data(each.plan),
                    "conflicts": each.plan.conflicts,
                    "steps": list(self.elsewhere.get(each.branch, ())),
                }
                for each in self.found
            ]
        return told


@contextmanager
def opened(given: Delivery) -> Iterator[Stored]:
    """Yield the repository's model while no other argosy can change it."""
    from argosy.change import locking, ownership  # noqa: PLC0415

    with locking.locked(given.root, writes=not given.dry_run):
        locking.check(given.root, here=given.commit, elsewhere=given.on_branch and not given.dry_run)
        yield ownership.load(given.root)


def grant(given: Delivery, request: Request, *, yes: bool = False) -> int:
    """Carry out what is asked for, say what is left to do, and return the exit code."""
    with opened(given) as stored:
        asked = request.asked(given.root, stored, given.say)
        for remark in asked.remarks:
            given.say(remark)
        for question in asked.questions:
            given.say(question.told)
            if not given.dry_run:
                given.confirm(yes, "Continue?", question.why or TAKES_AWAY)
        if asked.takes_away:
            code = carry_out_removal(given, stored, asked.change, yes, asked.title, again=asked.again)
        else:
            code = carry_out(given, stored, asked.change, asked.title, again=asked.again)
    if code == 0:
        for told in asked.left(given.dry_run):
            given.say(told)
    return code


def carry_out(
    given: Delivery,
    stored: Stored,
    change: Change,
    title: str,
    *,
    validated: bool = True,
    settle: Settle | None = None,
    again: Again | None = None,
    is_second: bool = False,
) -> int:
    """Bring a change into the repository, report it, validate what comes out, and return the exit code.

    `settle` keeps the AppProjects to what is used in another way than by what the change touches. `again` makes the
    change of what the environments' own branches hold, where they have some. Before the second of two commits, Argo CD
    has to sync the one that is there.
    """
    from argosy import git  # noqa: PLC0415
    from argosy.change import own_branches, planning, privileges, removal  # noqa: PLC0415
    from argosy.git import branches  # noqa: PLC0415

    base = _base(given, change) if given.on_branch else ""
    present = change.from_version or stored.version
    versioned = replace(change, from_version=present, to_version=change.to_version or present)
    plan = planning.plan(given.root, versioned, settle or privileges.kept)
    removal.refuse_cascade(plan)
    remote = branches.remote_of(given.root) if given.pull_request else ""
    writes = given.is_committed or given.dry_run
    found = own_branches.plans(plan, versioned, again, remote, writes=writes) if again else own_branches.Found()
    if given.is_committed and found.unseen:
        raise next(iter(found.unseen.values()))
    own_branches.refuse_leading_nowhere(plan, versioned, given.command, found, writes=writes)
    _list(given, plan, " here" if found and not plan.changes else "", edited=bool(change.asked))
    for each in found:
        where = f"on the {'new branch' if each.is_new else 'branch'} {each.branch}"
        if _files_as_data(each.plan) == _files_as_data(plan):
            given.say(f"The same files {where}, from what it holds.")
        else:
            _list(given, each.plan, f" {where}")
    refused = _refused(given, found, validated=validated and given.validate) if writes else 0
    if not given.is_committed:
        _say_not_reached(given, found)
    by_hand = given.is_committed and change.asked  # An edit may be all there is to it: nothing follows, and it counts.
    if refused or given.dry_run or not (plan.touched or found or by_hand):
        diff = _diff(plan, found) if given.dry_run else None
        given.result(Changed(given, plan, versioned, title, diff, found=found))
        return refused or (3 if plan.conflicts else 0)
    if given.on_branch:
        code = _offer(given, plan, versioned, base, title, found=found, validated=validated)
    elif found and given.commit:
        code = _commit_everywhere(given, plan, versioned, title, found, validated=validated, is_second=is_second)
    else:
        if not (plan.touched or by_hand):
            given.result(Changed(given, plan, versioned, title, found=found))
            return 0
        code = _write(given, plan, versioned, title, validated=validated)
        if code == 0 and is_second:
            current = git.branch(given.root) or change.after.settings.branch
            first = f"git push {branches.remote_name(given.root, current)} HEAD~1:refs/heads/{current}"
            given.say(
                f"These are two commits: push the first alone, and once Argo CD has synced it, the second: {first}"
            )
    if code == 0 and (left := removal.not_synced(plan, change.after)):
        given.say(left)
    return code


def carry_out_removal(
    given: Delivery, stored: Stored, change: Change, yes: bool, title: str, *, again: Again | None = None
) -> int:
    """Say what a change takes away, ask, and carry it out: in two steps where one would delete what runs."""
    from argosy.change import removal  # noqa: PLC0415

    told = asking(given, again, yes) if again else None
    known = removal.look(given.root, stored, change)
    given.say(known.told())
    if not given.dry_run:
        given.confirm(yes, "Continue?")
    if not known.cascading:
        return carry_out(given, stored, change, title, again=told)
    first = f"{title}: keep what runs"
    if given.on_branch:
        code = carry_out(given, stored, known.first, first, validated=False)
        given.say("That is the first step alone. Once it is merged and synced, run this command again for the second.")
        return code
    if not given.commit:
        code = carry_out(given, stored, known.first, title, validated=False)
        given.say("That is the first step alone. Once Argo CD has synced it, run this command again for the second.")
        return code
    if code := carry_out(given.quietly(), stored, known.first, f"{first} (1 of 2)", validated=False):
        return code
    given.say("Committed the first step, which keeps what runs.")
    return carry_out(given, stored, change, title, again=told, is_second=True)


def asking(given: Delivery, again: Again, yes: bool) -> Again:
    """Return the same that says what people wrote on a branch, and asks, before it is removed there."""
    from argosy.change import removal  # noqa: PLC0415

    def asked(there: Elsewhere) -> Change | None:
        made = again(there)
        goes = given.is_committed or given.dry_run
        edited = removal.look(there.root, there.stored, made).edited if goes and made and not made.copies else ()
        if edited:
            listed = "".join(f"\n  {each.path}" for each in edited)
            given.say(f"On the branch {there.branch}, these are written or edited by hand, and go as well:{listed}")
            try:
                if not given.dry_run:
                    given.confirm(yes, "Continue?")
            except UsageError as error:  # Of a branch, that would say that it has nothing to change.
                raise ArgosyError(error.message, error.hint) from error
        return made

    return asked


def confirm_moves(given: Delivery, change: Change, yes: bool) -> None:
    """Say what a change leaves behind that moves what is deployed, and ask; do nothing where nothing moves."""
    from argosy.change import removal  # noqa: PLC0415

    if moved := removal.moves(change):
        given.say(removal.left_behind(change, moved))
        if not given.dry_run:
            given.confirm(yes, "Continue?", "This moves what is deployed, and there is no terminal to confirm it.")


def _list(given: Delivery, plan: Plan, where: str = "", *, edited: bool = False) -> None:
    """List for people what happens to which file; `edited`: beside what they edited by hand to ask for it."""
    if plan.notes and not where.strip().startswith("on"):
        given.say("\n".join(["What to know of this template:", *(f"  - {each}" for each in plan.notes)]))
    if plan.kept:
        listed = "\n".join(f"  {path}" for path in sorted(plan.kept)[:LISTED])
        given.say(f"Files of yours that stay, although this template writes them in another way:\n{listed}")
    if not plan.changes:
        given.say("Nothing else follows from what you edited." if edited else f"Nothing to change{where}.")
        return
    lines = [f"  {change.kind.value:12}  {change.path}" for change in plan.changes[:LISTED]]
    if len(plan.changes) > LISTED:
        lines.append(f"  … and {len(plan.changes) - LISTED} more: -o json lists all.")
    would = "Would change" if given.dry_run else "Changes"
    given.listed("\n".join([f"{would}{where}: {_counted(plan)}.", *lines]))
    if plan.left_behind:
        given.say(
            f"An earlier update left {len(plan.left_behind)} of these as they were, and nobody edited them since."
        )


def _diff(plan: Plan, found: Iterable[OnBranch]) -> str:
    """Return the diff of all branches, each below a line that names it where there are several."""
    return "".join([plan.diff(), *(f"# On the branch {each.branch}:\n{each.plan.diff()}" for each in found)])


def _counted(plan: Plan) -> str:
    counts = Counter(change.kind.value for change in plan.changes)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


def _files_as_data(plan: Plan) -> list[dict[str, str]]:
    return [{"path": change.path, "kind": change.kind.value} for change in plan.changes]


# The work tree


def _write(
    given: Delivery,
    plan: Plan,
    change: Change,
    title: str,
    *,
    validated: bool,
) -> int:
    """Write a change into the work tree and the index, and commit it if that is wanted."""
    from argosy.change import merge  # noqa: PLC0415

    judged = validated and given.validate and not plan.conflicts
    if judged and _is_behind(change):
        after = _outcome(plan, change)
        if not judging.is_valid(given, after, after.written):
            raise ArgosyError("Nothing was written: the result would not be valid.", _UPDATE_FIRST)
    with merge.written(plan) as journal:
        paths = [*(each.path for each in plan.touched), *change.asked]
        try:
            code = 3 if plan.conflicts else _validate(given, paths) if judged else 0
        except BaseException as error:
            journal.end(abortable=True)
            if isinstance(error, KeyboardInterrupt):
                raise InterruptedByUserError(
                    "Interrupted: the change is written, but not validated.",
                    "Run argosy validate and commit, or undo it with argosy abort.",
                ) from None
            raise
        committed = code == 0 and given.commit
        if committed:
            commit(given.root, given.message or title, paths)
        journal.end(abortable=bool(code))
    given.result(Changed(given, plan, change, title, committed=committed, valid=code == 0 if judged else None))
    _say_next(given, plan, change, code)
    return code


_UPDATE_FIRST = "The template of this repository is not the newest. Take that over first: argosy update --commit."


def _is_behind(change: Change) -> bool:
    """Return whether a change, other than an update, is rendered by an earlier version of the template."""
    from argosy.template import versions  # noqa: PLC0415

    return change.from_version == change.to_version != versions.current().version


def _outcome(plan: Plan, change: Change) -> Snapshot:
    """Return the state of the repository with a change, and with what the user did by hand to ask for it."""
    from argosy.git.snapshot import Snapshot  # noqa: PLC0415
    from argosy.repository import states  # noqa: PLC0415

    asked = {path: states.on_disk(plan.root, path) for path in change.asked if path[-1] != "/"}
    return Snapshot(plan.root, plan.head).with_files({**asked, **plan.written})


def _validate(given: Delivery, changed: Iterable[str]) -> int:
    try:
        return 0 if judging.is_tree_valid(given, [*changed]) else 1
    except UsageError as error:
        # A file of the repository says how to validate, such as its baseline.
        message = f"The change is made, but could not be validated: {error.message}"
        raise ArgosyError(message, f"{error.hint} To undo the change: argosy abort") from error


def _say_next(given: Delivery, plan: Plan, change: Change, code: int) -> None:
    """Say what a person has to do next; with conflicts or findings, whatever --quiet says."""
    from argosy import git  # noqa: PLC0415

    if code == 3:
        marked = any(each.is_marked for each in plan.changes if each.sides)
        whole = any(not each.is_marked for each in plan.changes if each.sides)
        ways = [
            *(["edit these files (git diff shows the markers), then git add"] if marked else []),
            *(["git add keeps a file that one side took away, git rm takes it away"] if whole else []),
        ]
        given.warn(
            f"\nConflicts between this change and earlier edits:\n{_conflicts(plan)}\n"
            f"Either resolve them: {'; '.join(ways)}. Then git commit.\n"
            "Or undo the change: argosy abort"
        )
    elif code:
        left = ", and not committed" if given.commit else ""
        given.warn(f"The change is made{left}, but validation failed. To undo it: argosy abort")
    elif not given.commit:
        status = git.at(given.root).status
        own = sorted(path for path in change.asked if status.get(path, "  ")[1] != " ")
        if len(own) > _NAMED:
            own = sorted({"/".join(path.split("/")[:3]) for path in own})
        add = f"{shlex.join(['git', 'add', *own])} adds your own edits, " if own else ""
        given.say(f"Next: {add}git diff --staged shows it, git commit keeps it.")


_NAMED = 8
"""Up to how many files of the user's own are named one by one; of more, the folders."""


def _conflicts(plan: Plan) -> str:
    told = {
        each.path: "" if each.is_marked else f"  ({_ONE_SIDE[3 in each.sides]})" for each in plan.changes if each.sides
    }
    return "\n".join(f"  {path}{told.get(path, '')}" for path in plan.conflicts)


_ONE_SIDE = {True: "deleted here, and changed by the template", False: "edited here, and gone from the template"}


# The branches that environments follow


def _refused(given: Delivery, found: Sequence[OnBranch], *, validated: bool) -> int:
    """Say why a change cannot be made on the branches, and return the exit code; 0 where it can."""
    for each in found:
        if each.plan.conflicts:
            given.warn(
                f"\nNothing was written. On {each.branch}, these files have edits that conflict with this change:\n"
                f"{_conflicts(each.plan)}\n"
                f"Make it there first, and resolve them: git switch {each.branch}, and {given.command}"
            )
            return 3
        if validated and not given.dry_run and not judging.is_valid(given, each.after, each.plan.written):
            given.warn(f"Nothing was written: what {each.branch} would hold is not valid.")
            return 1
    return 0


def _say_not_reached(given: Delivery, found: Found) -> None:
    """Say which branches a change does not reach that stays in the work tree, or is not made, and why."""
    planned = [] if given.dry_run else [*found]
    if able := [each.branch for each in planned if not each.plan.conflicts]:
        given.say(f"This does not reach {joined(able, 8)}: --commit or --pull-request makes the change there as well.")
    for each in planned:
        if each.plan.conflicts:
            given.say(
                f"This does not reach {each.branch}, where these files have edits that conflict with it:\n"
                f"{_conflicts(each.plan)}\n"
                f"Make it there first, and resolve them: git switch {each.branch}, and {given.command}"
            )
    # As usage, there is nothing to change there.
    reasons = {branch: error for branch, error in found.refused.items() if not isinstance(error, UsageError)}
    for branch, error in {**reasons, **found.unseen}.items():
        given.say(f"This does not reach {branch}. {error.message}\n  {error.hint}".rstrip())


def _commit_everywhere(
    given: Delivery,
    plan: Plan,
    change: Change,
    title: str,
    found: Sequence[OnBranch],
    *,
    validated: bool,
    is_second: bool,
) -> int:
    """Commit a change on the branches that environments follow and on the current one: on all of them, or on none."""
    from argosy import git  # noqa: PLC0415
    from argosy.git import branches  # noqa: PLC0415
    from argosy.git.snapshot import Snapshot  # noqa: PLC0415

    code, valid = _judged(given, plan, change, title, found, validated=validated)
    if code:
        return code
    root, refs = given.root, dict(git.at(given.root).refs)
    current = git.branch(root) or change.after.settings.branch  # From no branch at all, it is for the default one.
    message = given.message or title
    paths = [*(each.path for each in plan.touched), *change.asked]
    made: dict[str, list[str]] = {}
    for each in found:
        commits = [each.tip.commit]
        if each.first:
            both = " (1 of 2)" if each.last else ""
            commits.append(branches.commit(Snapshot(root, commits[-1]), each.first, f"{message}{both}\n"))
        if each.last:
            both = " (2 of 2)" if each.first else ""
            later = f"{message}{both}\n\nPush this once Argo CD has synced what it reads from {current}.\n"
            commits.append(branches.commit(Snapshot(root, commits[-1]), each.last, later))
        made[each.branch] = commits[1:]
    moves = {name: (refs.get(f"refs/heads/{name}", ""), commits[-1]) for name, commits in made.items()}
    commit_together(plan, message, paths, moves)
    elsewhere = {name: [{"commit": each} for each in commits] for name, commits in made.items()}
    given.result(Changed(given, plan, change, title, committed=True, valid=valid, found=found, elsewhere=elsewhere))
    given.say(_pushes(root, current if paths else "", found, made, is_second=is_second))
    return 0


def _judged(
    given: Delivery,
    plan: Plan,
    change: Change,
    title: str,
    found: Sequence[OnBranch],
    *,
    validated: bool,
) -> tuple[int, bool | None]:
    """Say why a change is not to be written at all; return the exit code, 0 where it is, and whether it is valid."""
    if plan.conflicts:
        given.result(Changed(given, plan, change, title, found=found))
        if found:  # Of several branches, the work tree cannot have what a person resolves.
            way_out = "Take these edits back and commit, run this command again, and then make them anew."
        else:
            way_out = (
                f"Run {given.command} without --pull-request and --branch to resolve the conflicts in your work tree."
            )
        given.warn(
            "\nNothing was written. These files have edits that conflict with this change:\n"
            f"{_conflicts(plan)}\n{way_out}"
        )
        return 3, None
    after = _outcome(plan, change)
    valid = judging.is_valid(given, after, after.written) if validated and given.validate else None
    if valid is False:
        given.result(Changed(given, plan, change, title, valid=False, found=found))
        given.warn("Nothing was written: the result would not be valid.")
        if _is_behind(change):
            given.warn(_UPDATE_FIRST)
        return 1, False
    return 0, valid


def _pushes(
    root: Path, current: str, found: Sequence[OnBranch], made: Mapping[str, Sequence[str]], *, is_second: bool
) -> str:
    """Return how to push the commits of several branches, in the order in which no Application leads nowhere."""
    from argosy import git  # noqa: PLC0415
    from argosy.git import branches  # noqa: PLC0415

    remote = branches.remote_name(root, git.branch(root) or current)
    names = [*made, *filter(None, [current])]
    lines = [f"Committed on {joined(names, 8)}. Push in this order, so that no Application leads nowhere in between:"]
    firsts = [
        f"{made[each.branch][0][:12]}:refs/heads/{each.branch}" if each.last else each.branch
        for each in found
        if each.first
    ]
    lasts = [each.branch for each in found if each.last]
    wait = "Once Argo CD has synced that, and not before:"
    lines += [f"  git push {remote} HEAD~1:refs/heads/{current}", wait] if is_second and current else []
    lines += [f"  git push {remote} {' '.join(firsts)}"] if firsts else []
    own = current if git.branch(root) == current else f"HEAD:refs/heads/{current}"
    lines += [f"  git push {remote} {own}"] if current else []
    lines += [wait] if lasts and len(lines) > 1 else []
    lines += [f"  git push {remote} {' '.join(lasts)}"] if lasts else []
    return "\n".join(lines)


# A branch of its own, which no work tree takes part in


def _base(given: Delivery, change: Change) -> str:
    """Return the branch that a change is for; raise ArgosyError where it would bring more than the change."""
    from argosy.repository import store  # noqa: PLC0415

    root = given.root
    base = base_branch(given)
    if asked := sorted(store.asked(root) - change.asked):
        raise ArgosyError(
            f"{asked[0]} has uncommitted changes, and a branch starts from the last commit.",
            "Commit them first, or set them aside: git stash push --include-untracked -- PATH.",
        )
    return base


def base_branch(given: Delivery) -> str:
    """Return the branch that is checked out; raise ArgosyError where a pull request would bring more than is made."""
    from argosy import git  # noqa: PLC0415
    from argosy.git import branches  # noqa: PLC0415

    root = given.root
    base = git.branch(root)
    if not base:
        raise UsageError("No branch is checked out.", "Switch to it: git switch main.")
    if given.pull_request:
        remote = branches.remote_of(root)
        tip = branches.remote_tip(root, remote, base)
        if not tip or git.run(root, "rev-list", "--max-count=1", f"{tip}..HEAD").strip():
            raise ArgosyError(
                f"{base} has commits that {remote} has not, and they would be in the pull request.",
                f"Push them first: git push {remote} {base}.",
            )
    return base


@dataclass(frozen=True, slots=True)
class _Step:
    """A pull request of one command."""

    base: str
    branch: str
    """Where it is committed, which is its base where that is new."""
    before: Snapshot
    written: Written
    plan: Plan
    """What it does; not what the other step to the same base does."""
    is_last: bool = False
    """Whether it is for what Argo CD has synced by then."""
    is_new: bool = False
    """Whether its base is not there yet, so that no pull request is opened."""


def _offer(
    given: Delivery,
    plan: Plan,
    change: Change,
    base: str,
    title: str,
    *,
    found: Sequence[OnBranch],
    validated: bool,
) -> int:
    """Commit a change on a branch; push it and open a pull request if that is wanted. Return the exit code.

    For each branch that environments follow, there is one as well, or two. A conflict is refused: it takes a person to
    resolve it, and no pull request may look as if one had.
    """
    from argosy.git import branches  # noqa: PLC0415
    from argosy.git.snapshot import Snapshot  # noqa: PLC0415

    after = _outcome(plan, change)
    before = replace(after, written={})
    code, valid = _judged(given, plan, change, title, found, validated=validated)
    if code:
        return code
    about = "update" if change.is_update else re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60]
    stem = given.branch or f"argosy/{about}"
    name = stem if given.branch or not change.is_update else f"{stem}-{base}"

    def step(each: OnBranch, branch: str, written: Written, *, is_last: bool) -> _Step:
        made_on = each.branch if each.is_new else branch
        other = each.plan.written.keys() - written
        part = replace(each.plan, changes=[one for one in each.plan.changes if one.path not in other])
        return _Step(each.branch, made_on, each.start, written, part, is_last, each.is_new)

    # Whatever the environments' branches are called, no two of these are the same.
    firsts = [step(each, f"{stem}-{each.branch}", each.first, is_last=False) for each in found if each.first]
    lasts = [step(each, f"{stem}.2-{each.branch}", each.last, is_last=True) for each in found if each.last]
    own = [_Step(base, name, before, after.written, plan)] if after.written else []
    steps = [*firsts, *own, *lasts]
    # One that is new is made by its step: what is proposed of it is the branch itself.
    check(plan.root, [each.branch for each in steps if not each.is_new], {each.base for each in steps})
    for each in steps:
        if each.is_new:
            branches.check_name(plan.root, each.branch)
    made: dict[str, list[dict[str, Any]]] = {}
    for number, each in enumerate(steps):
        earlier = made.setdefault(each.base, [])
        start = Snapshot(plan.root, earlier[-1]["commit"]) if earlier else each.before
        with interruptible(each.branch, [one.branch for one in steps[:number]]):
            earlier.append(_deliver_step(given, change, title, steps, number=number, start=start))
    if len(steps) > 1:
        given.say(_order(steps, after_sync=len(firsts) + len(own), is_merged=given.pull_request))
    given.result(
        Changed(
            given,
            plan,
            change,
            title,
            committed=True,
            valid=valid,
            made=next(iter(made.get(base, ())), {}),
            found=found,
            elsewhere=made,
        )
    )
    return 0


def _order(steps: Sequence[_Step], *, after_sync: int, is_merged: bool) -> str:
    """Return in which order several steps get to the branches that they are for."""
    lines = [
        f"{'Merge' if is_merged else 'Bring'} them in this order, so that no Application leads nowhere in between:"
    ]
    for number, step in enumerate(steps):
        if number == after_sync and number:
            lines.append("Once Argo CD has synced that, and not before:")
        lines.append(
            f"  {number + 1}. to {step.base}{' (which is new, and pushed)' if step.is_new and is_merged else ''}"
        )
    return "\n".join(lines)


def _deliver_step(
    given: Delivery, change: Change, title: str, steps: Sequence[_Step], *, number: int, start: Snapshot
) -> dict[str, Any]:
    """Commit one of the steps of a change on a branch, and open its pull request if that is wanted."""
    from argosy.git import branches  # noqa: PLC0415

    step = steps[number]
    if change.is_update:
        kind, trailer = "update", f"Argosy-Update: {change.from_version} -> {change.to_version}"
    else:
        kind, trailer = "change", f"Argosy-Change: {title}"
    told = given.message or title
    note = ""
    if len(steps) > 1:
        told = f"{told} ({number + 1} of {len(steps)}, {step.base})"
        others = [f"{place + 1}. to {each.base}" for place, each in enumerate(steps)]
        note = f"**Step {number + 1} of {len(steps)}**, to be merged in this order: {', '.join(others)}."
        if step.is_last and not all(each.is_last for each in steps):
            note += " Merge this one only once Argo CD has synced the others."
        note += "\n\n"
    message = f"{told}\n\n{trailer}\n"
    if step.is_new:
        commit = branches.commit(start, step.written, message)
        if given.pull_request:
            branches.push(given.root, branches.remote_of(given.root), commit, step.base, "")
        else:
            branches.put(given.root, step.base, commit, "")
        given.say(f"Made the new branch {step.base}.")
        return {"branch": step.base, "commit": commit}

    def is_earlier(message: str) -> bool:
        """Return whether a commit is the same change, or an update to whatever version."""
        return trailer in message.split("\n") or (kind == "update" and "Argosy-Update: " in message)

    return deliver(
        given,
        Offer(
            before=start,
            written=step.written,
            message=message,
            base=step.base,
            branch=step.branch,
            kind=kind,
            body=partial(_body, given.command, step.plan, (start, start.with_files(step.written)), trailer, note=note),
            is_earlier=is_earlier,
            labels=("update",) if kind == "update" else (),
        ),
    )


def _body(command: str, plan: Plan, sides: tuple[Snapshot, Snapshot], trailer: str, limit: int, *, note: str) -> str:
    """Return a note, which files change and how, what that changes in the clusters, and the trailer."""
    from argosy import difference  # noqa: PLC0415
    from argosy.difference.formats import OutputFormat, format_difference  # noqa: PLC0415

    # Hosts can make the message of a merge from this text: then the last line is its trailer.
    end = f"\n\n{trailer}\n"
    known = "".join(f"- {each}\n" for each in plan.notes)
    told = f"**What to know of this template**\n\n{known}\n" if known else ""
    files = note + told + _files(plan, command, (limit - len(end)) // 2)
    room = limit - len(end) - len(files) - 1
    found = difference.within_layout(*sides)
    return f"{files}\n{format_difference(found, OutputFormat.MARKDOWN, limit=room)}{end}"


def _files(plan: Plan, command: str, room: int) -> str:
    """Return a table of what happens to files, in about as many characters: first where edits of people are."""
    from argosy.change.merge import Kind  # noqa: PLC0415
    from argosy.reporting.wording import code  # noqa: PLC0415

    meaning = {
        Kind.MERGED: "merged with your edits: review these first",
        Kind.KEPT: "deleted here, and changed by the template: stays deleted",
    }
    lines = [f"Made by `{command}`.\n", f"{_counted(plan)}.\n", "| file | what happens |", "| --- | --- |"]
    left = room - sum(len(line) + 1 for line in lines) - 100
    ordered = sorted(plan.changes, key=lambda each: (each.kind not in meaning, each.path))
    for number, each in enumerate(ordered):
        line = f"| {code(each.path)} | {meaning.get(each.kind, each.kind.value)} |"
        left -= len(line) + 1
        if left < 0:
            lines.append(f"\n… and {len(ordered) - number} more files: the pull request shows them.")
            break
        lines.append(line)
    return "\n".join([*lines, ""])
