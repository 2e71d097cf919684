"""Updates on a branch of their own, and the pull request for it."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import click

from argosy.cli import changing, offering
from argosy.cli.changing import Manner
from argosy.cli.offering import Offer
from argosy.errors import ArgosyError, UsageError

if TYPE_CHECKING:
    from argosy.change.merge import Plan
    from argosy.change.planning import Change
    from argosy.git.snapshot import Snapshot

TRAILER = "Argosy-Update:"
"""Begins the line of a commit's message by which argosy knows its own updates."""


def starting_point(manner: Manner) -> str:
    """Return the branch that an update is for; raise ArgosyError where it would bring more than the update."""
    from argosy import git  # noqa: PLC0415
    from argosy.git import branches  # noqa: PLC0415
    from argosy.repository import store  # noqa: PLC0415

    root = manner.root
    base = git.branch(root)
    if not base:
        raise UsageError("No branch is checked out, so nothing says what to update.", "Switch to it: git switch main.")
    tracked = {path for path, letters in git.at(root).status.items() if letters not in {"??", "!!"}}
    changed = sorted(tracked | store.asked(root))
    if changed:
        raise ArgosyError(
            f"{changed[0]} has changes that are not committed, and the update starts from what is committed.",
            "Commit them first, or set them aside: git stash push --include-untracked -- PATH.",
        )
    if manner.pull_request:
        remote = branches.remote_of(root)
        tip = branches.remote_tip(root, remote, base)
        if not tip or git.run(root, "rev-list", "--max-count=1", f"{tip}..HEAD").strip():
            raise ArgosyError(
                f"{base} has commits that {remote} has not, and they would be in the pull request.",
                f"Push them first: git push {remote} {base}.",
            )
    return base


def offer(manner: Manner, change: Change, base: str, title: str, plan: Plan) -> int:
    """Commit an update on a branch; push it and open a pull request if that is wanted. Return the exit code.

    A conflict is refused: it takes a person to resolve it, and no pull request may look as if one had.
    """
    from argosy.cli import validation  # noqa: PLC0415
    from argosy.git.snapshot import Snapshot  # noqa: PLC0415

    if plan.conflicts:
        return _refuse(manner, plan)
    before = Snapshot(plan.root, plan.head)
    after = before.with_files(plan.written)
    valid = validation.is_valid(after, after.written) if manner.validate else None
    if valid is False:
        changing.show(manner, plan, valid=False)
        click.echo("Nothing was written: the result would not be valid.", err=True)
        return 1
    trailer = f"{TRAILER} {change.from_version} -> {change.to_version}"
    told = offering.make(
        manner,
        Offer(
            before=before,
            written=after.written,
            message=f"{manner.message or title}\n\n{trailer}\n",
            base=base,
            branch=manner.branch or f"argosy/update-{base}",
            kind="update",
            labels=("update",),
            body=partial(_body, plan, before, after, trailer),
            is_earlier=lambda message: TRAILER in message,
        ),
    )
    changing.show(manner, plan, committed=True, valid=valid, told=told)
    return 0


def _refuse(manner: Manner, plan: Plan) -> int:
    changing.show(manner, plan)
    files = "\n".join(f"  {path}" for path in plan.conflicts)
    click.echo(
        f"\nNothing was written. These files were edited here, where the new template changes them too:\n{files}\n"
        "Run argosy update without --pull-request and --branch: it puts both into the files for you to decide.",
        err=True,
    )
    return 3


def _body(plan: Plan, before: Snapshot, after: Snapshot, trailer: str, limit: int) -> str:
    """Return which files change and how, what that changes in the clusters, and the trailer."""
    from argosy import difference  # noqa: PLC0415
    from argosy.difference.formats import OutputFormat, format_difference  # noqa: PLC0415

    # Hosts can make the message of a merge from this text: then the last line is its trailer.
    end = f"\n\n{trailer}\n"
    files = _files(plan, (limit - len(end)) // 2)
    room = limit - len(end) - len(files) - 1
    found = difference.within_layout(before, after)
    return f"{files}\n{format_difference(found, OutputFormat.MARKDOWN, limit=room)}{end}"


def _files(plan: Plan, room: int) -> str:
    """Return a table of what happens to files, in about as many characters: first where edits of people are."""
    from argosy.change.merge import Kind  # noqa: PLC0415

    meaning = {
        Kind.MERGED: "merged with what was edited here: look at these first",
        Kind.KEPT: "deleted here, and changed by the template: stays deleted",
    }
    counts = Counter(each.kind.value for each in plan.changes)
    lines = [
        "This takes over a newer template of argosy. Files that people own stay as they are.\n",
        f"{', '.join(f'{count} {kind}' for kind, count in sorted(counts.items()))}.\n",
        "| file | what happens |",
        "| --- | --- |",
    ]
    left = room - sum(len(line) + 1 for line in lines) - 100
    ordered = sorted(plan.changes, key=lambda each: (each.kind not in meaning, each.path))
    for number, each in enumerate(ordered):
        line = f"| `{each.path}` | {meaning.get(each.kind, each.kind.value)} |"
        left -= len(line) + 1
        if left < 0:
            lines.append(f"\n… and {len(ordered) - number} more files: the pull request shows them.")
            break
        lines.append(line)
    return "\n".join([*lines, ""])
