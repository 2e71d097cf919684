"""What the commands that change a repository have in common: options, the plan's report, the merge, the validation."""

from __future__ import annotations

import json
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from argosy.cli import options
from argosy.cli.options import root_of
from argosy.errors import ArgosyError, ToolError, UsageError

if TYPE_CHECKING:
    from argosy.change.merge import Plan
    from argosy.change.planning import Change, Settle
    from argosy.repository.store import Stored


@dataclass(frozen=True, slots=True)
class Manner:
    """How a change is carried out."""

    repository: Path | None
    dry_run: bool
    commit: bool
    message: str | None
    output: str
    quiet: bool
    validate: bool = True
    branch: str | None = None
    """A new branch to commit to; "" for one with a name of argosy's."""
    pull_request: bool = False

    def __post_init__(self) -> None:
        if self.dry_run and (self.commit or self.branch is not None):
            raise UsageError("--dry-run writes nothing, so there is nothing to commit.", "Give one of them.")
        if self.commit and self.on_branch:
            raise UsageError(
                "--commit is for the current branch.", "Give one of --commit, --branch and --pull-request."
            )
        if self.message is not None and not (self.commit or self.on_branch):
            raise UsageError("--message is for a commit.", "Say --commit too.")

    @property
    def on_branch(self) -> bool:
        """Tell whether the result goes to a branch of its own."""
        return self.branch is not None or self.pull_request

    @property
    def root(self) -> Path:
        """The repository's root."""
        return (self.repository or root_of(())).resolve()

    def say(self, text: str) -> None:
        """Tell a person something, beside the data."""
        if not self.quiet:
            click.echo(text, err=True)

    def show(self, text: str) -> None:
        """Print data, unless JSON has it in the end."""
        if self.output != "json":
            click.echo(text, nl=not text.endswith("\n"))


LISTED = 30
"""How many files are listed; JSON has them all."""

yes = click.option("--yes", "-y", is_flag=True, help="Go on without asking.")
branch = click.option(
    "--branch",
    metavar="[=NAME]",
    help="Commit it on a new branch, and leave the work tree as it is. A name for the branch follows a `=`.",
)
pull_request = click.option(
    "--pull-request", is_flag=True, help="Push that branch, and open a pull request or update it."
)


class Command(click.Command):
    """A command whose --branch takes a name after a `=` alone: what follows it is an argument."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Say that a --branch without a `=` has no name."""
        end = args.index("--") if "--" in args else len(args)
        options = ["--branch=" if each == "--branch" else each for each in args[:end]]
        return super().parse_args(ctx, options + args[end:])


_TAKES_AWAY = "This takes away what people wrote, and nobody is here to ask."


def confirm(yes: bool, question: str, why: str = _TAKES_AWAY) -> None:
    """Ask, unless the answer was given; raise UsageError with the reason where nobody can answer."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(why, "Say --yes if it is meant.")
    click.confirm(question, default=False, abort=True, err=True)


def options_of_change(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command that changes a repository, and hand them over as `manner`."""

    def wrapped(
        *args: Any,
        repository: Path | None,
        dry_run: bool,
        commit: bool,
        message: str | None,
        output: str,
        quiet: bool,
        validate: bool,
        **rest: Any,
    ) -> Any:
        on_branch = {each: rest.pop(each) for each in ("branch", "pull_request") if each in rest}
        manner = Manner(repository, dry_run, commit, message, output, quiet, validate, **on_branch)
        return command(*args, manner=manner, **rest)

    wrapped.__doc__, wrapped.__name__ = command.__doc__, command.__name__
    wrapped.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    for option in reversed(
        (
            click.option(
                "--repository",
                type=options.folder,
                metavar="DIR",
                help="The repository's root.  [default: around the current folder]",
            ),
            click.option("--dry-run", is_flag=True, help="Print what would change as a diff, and write nothing."),
            click.option("--commit", is_flag=True, help="Commit what changed."),
            click.option("--message", "-m", metavar="TEXT", help="The commit's message."),
            click.option(
                "--validate/--no-validate", default=True, help="Validate what comes out.  [default: validate]"
            ),
            options.output("text", "json"),
            options.quiet,
        )
    ):
        wrapped = option(wrapped)
    return wrapped


@contextmanager
def opened(manner: Manner) -> Iterator[Stored]:
    """Yield the repository's model while no other argosy can change it."""
    from argosy.change import locking  # noqa: PLC0415
    from argosy.repository import store  # noqa: PLC0415

    with locking.locked(manner.root):
        locking.check(manner.root)
        yield store.load(manner.root)


def carry_out(
    manner: Manner,
    stored: Stored,
    change: Change,
    title: str,
    *,
    validated: bool = True,
    instead: Callable[[Plan], int] | None = None,
    settle: Settle | None = None,
) -> int:
    """Bring a change into the repository, report it, validate what came out, and return the exit code.

    `instead` takes the plan to another place than the work tree, or refuses it; `settle` keeps the AppProjects to what
    is used in another way than by what the change touches.
    """
    from argosy.change import merge, own_branches, planning, privileges, removal  # noqa: PLC0415

    present = change.from_version or stored.version
    versioned = replace(change, from_version=present, to_version=change.to_version or present)
    plan = planning.plan(manner.root, versioned, settle or privileges.kept)
    removal.refuse_cascade(plan)
    own_branches.refuse_leading_nowhere(plan, versioned, _command())
    _tell(manner, plan)
    if manner.dry_run or not plan.touched:
        show(manner, plan, diff=plan.diff() if manner.dry_run else None)
        return 3 if plan.conflicts else 0
    if instead:
        return instead(plan)
    with merge.written(plan) as journal:
        try:
            judged = validated and manner.validate and not plan.conflicts
            code = 3 if plan.conflicts else _validate(manner, plan, change) if judged else 0
        except BaseException as error:
            journal.end(abortable=True)
            if isinstance(error, KeyboardInterrupt):
                raise ArgosyError(
                    "Interrupted: the change is written, but not validated.",
                    "Run argosy validate and commit, or argosy abort to take it back.",
                ) from None
            raise
        committed = code == 0 and manner.commit
        if committed:
            commit(manner.root, manner.message or title, [*(each.path for each in plan.touched), *change.asked])
        journal.end(abortable=bool(code))
    show(manner, plan, committed=committed, valid=code == 0 if judged else None)
    _say_next(manner, plan, code)
    return code


def _command() -> str:
    """Return how the user said this command, without what says where the result goes."""
    words = [each for each in sys.argv[1:] if each not in {"--commit", "--dry-run", "--pull-request"}]
    return shlex.join(["argosy", *words])


def carry_out_removal(manner: Manner, stored: Stored, change: Change, yes: bool, title: str) -> int:
    """Say what a change takes away, ask, and carry it out: in two steps where one would delete what runs."""
    from argosy.change import removal  # noqa: PLC0415

    known = removal.look(manner.root, stored, change)
    manner.say(known.told())
    if not manner.dry_run:
        confirm(yes, "Go on?")
    if not known.cascading:
        return carry_out(manner, stored, change, title)
    if not manner.commit:
        code = carry_out(manner, stored, known.first, title, validated=False)
        manner.say("That is the first step alone. Once Argo CD has synced it, run this command again for the second.")
        return code
    silent = replace(manner, output="text", quiet=True)
    carry_out(silent, stored, known.first, f"{title}: keep what runs (1 of 2)", validated=False)
    code = carry_out(manner, stored, change, title)
    manner.say("These are two commits: push the first alone, as in git push origin HEAD~1:BRANCH, and then the second.")
    return code


def confirm_moves(manner: Manner, change: Change, yes: bool) -> None:
    """Say what a change leaves behind that moves what is deployed, and ask; do nothing where nothing moves."""
    from argosy.change import removal  # noqa: PLC0415

    if moved := removal.moves(change):
        manner.say(removal.left_behind(change, moved))
        if not manner.dry_run:
            confirm(yes, "Go on?", "This moves what is deployed, and nobody is here to ask.")


def commit(root: Path, message: str, paths: Iterable[str]) -> None:
    """Commit what was written; raise ToolError with what to do where git or a hook refuses."""
    from argosy.git import objects  # noqa: PLC0415

    try:
        objects.commit_paths(root, message, paths)
    except ToolError as error:
        raise ToolError(
            error.message, "Nothing was changed. Mend what git complains about, or leave --commit out."
        ) from error


def _validate(manner: Manner, plan: Plan, change: Change) -> int:
    from argosy.cli import validation  # noqa: PLC0415

    # Findings are data, unless JSON is what was asked for.
    with redirect_stdout(sys.stderr) if manner.output == "json" else nullcontext():
        changed = [*(each.path for each in plan.touched), *change.asked]
        return validation.run(manner.root, changed=changed, output="text", quiet=True)


def _tell(manner: Manner, plan: Plan) -> None:
    """List for people what happens to which file."""
    if not plan.changes:
        manner.say("Nothing to change.")
        return
    counts = Counter(change.kind.value for change in plan.changes)
    lines = [f"  {change.kind.value:12}  {change.path}" for change in plan.changes[:LISTED]]
    if len(plan.changes) > LISTED:
        lines.append(f"  … and {len(plan.changes) - LISTED} more: --output json lists all.")
    summary = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    would = "What would happen" if manner.dry_run else "What happens"
    manner.say("\n".join([f"{would} to files: {summary}.", *lines]))


def show(
    manner: Manner,
    plan: Plan,
    *,
    diff: str | None = None,
    committed: bool = False,
    valid: bool | None = None,
    told: Mapping[str, Any] | None = None,
) -> None:
    """Print the data: a dry run's diff, or all that is known as JSON."""
    if manner.output == "json":
        data = {
            "dryRun": manner.dry_run,
            "files": [{"path": change.path, "kind": change.kind.value} for change in plan.changes],
            "conflicts": plan.conflicts,
            "valid": valid,
            "committed": committed,
            **({} if diff is None else {"diff": diff}),
            **(told or {}),
        }
        click.echo(json.dumps(data, indent=2))
    elif diff:
        click.echo(diff, nl=False)


def _say_next(manner: Manner, plan: Plan, code: int) -> None:
    """Say what a person has to do next; with conflicts or findings, whatever --quiet says."""
    if code == 3:
        files = "\n".join(f"  {path}" for path in plan.conflicts)
        click.echo(
            f"\nConflicts, where someone had changed what this changes:\n{files}\n"
            "Either resolve them: edit these files (git diff shows the markers), then git add and git commit.\n"
            "Or go back to exactly where you were: argosy abort",
            err=True,
        )
    elif code:
        left = ", and not committed" if manner.commit else ""
        click.echo(f"The change is made{left}, and validation finds errors. To take it back: argosy abort", err=True)
    elif not manner.commit:
        manner.say("Next: git diff --staged shows it, git commit keeps it.")
