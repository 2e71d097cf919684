"""`argosy update`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from argosy.cli import delivery, options
from argosy.cli.options import ChangeOptions
from argosy.names import joined

if TYPE_CHECKING:
    from argosy.change.own_branches import Elsewhere
    from argosy.change.planning import Change


@click.command("update", cls=options.ChangeCommand)
@click.option(
    "--check",
    is_flag=True,
    help="Check for a newer version and for files that an update left (exit code 1 if there are; 2 if a branch is not "
    "here to look at), and change nothing.",
)
@click.option("--to", "version", metavar="VERSION", help="The template's version.  [default: the newest]")
@options.of_change
def command(check: bool, version: str | None, given: ChangeOptions) -> int:
    """Update to a newer version of the template and keep what people changed.

    From the default branch, branches that environments follow are updated as well, each from what it holds.

    Exit code: 3 where both changed the same lines. In the work tree these have Git's markers then; to a branch of its
    own nothing is written.
    """
    from argosy.change import edits  # noqa: PLC0415
    from argosy.change.planning import Change  # noqa: PLC0415
    from argosy.template import versions  # noqa: PLC0415

    if check:
        with options.looking():
            return _check(given)
    with delivery.opened(given) as stored:
        model, present = stored.repository, stored.version
        wanted = versions.known(version) if version else versions.current().version
        change = Change(model, model, from_version=present, to_version=wanted, is_update=True)
        title = f"Update the template to {wanted[:12]}"

        def again(there: Elsewhere) -> Change:
            return replace(change, before=there.repository, after=there.repository)

        code = delivery.carry_out(given, stored, change, title, again=again)
    lacking = edits.unset(model, lambda path: (given.root / path).is_file())
    for needed in lacking if code == 0 and present != wanted else ():
        given.say(needed)
    return code


def _check(given: ChangeOptions) -> int:
    from argosy.change import origin, own_branches, ownership  # noqa: PLC0415
    from argosy.change.ownership import State  # noqa: PLC0415
    from argosy.git import branches  # noqa: PLC0415
    from argosy.template import versions  # noqa: PLC0415

    stored, newest = ownership.load(given.root), versions.current().version
    present = stored.version
    files = ownership.files(given.root, stored) if origin.had_earlier(given.root, present) else ()
    left = [each.path for each in files if each.state is State.OUTDATED]
    behind, unseen = own_branches.behind(given.root, stored.repository, newest)
    if given.output == "json":
        found = {
            "version": present,
            "newest": newest,
            "newer": present != newest,
            "outdated": left,
            "branches": [{"branch": each, "recorded": version} for each, version in behind.items()],
            "unseenBranches": unseen,
        }
        click.echo(json.dumps(found, indent=2))
    elif not given.quiet:
        if present != newest:
            click.echo(f"There is a newer template: {newest}. This repository has {present}.")
        else:
            click.echo(f"The template is the newest: {present}.")
        if behind:
            click.echo(f"Branches of another template: {joined([*behind], 8)}. argosy update --commit updates them.")
        if unseen:
            click.echo(f"Not looked at: {joined(unseen, 8)}. Bring it here: {branches.fetching(given.root, unseen[0])}")
        if left:
            click.echo(f"An earlier update left {len(left)} files as they were: argosy status --files lists them.")
    return 1 if present != newest or left or behind else 2 if unseen else 0
