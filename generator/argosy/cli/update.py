"""`argosy update`."""

from __future__ import annotations

import json

import click

from argosy.cli import delivery, options
from argosy.cli.options import ChangeOptions


@click.command("update", cls=options.ChangeCommand)
@click.option(
    "--check",
    is_flag=True,
    help="Check for a newer version and for files that an update left (exit code 1 if there are), and change nothing.",
)
@click.option("--to", "version", metavar="VERSION", help="The template's version.  [default: the newest]")
@options.of_change
def command(check: bool, version: str | None, given: ChangeOptions) -> int:
    """Update to a newer version of the template and keep what people changed.

    Exit code: 3 where both changed the same lines. In the work tree these have Git's markers then; to a branch of its
    own nothing is written.
    """
    from argosy.change import edits, own_branches  # noqa: PLC0415
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
        code = delivery.carry_out(given, stored, change, title)
    for needed in edits.unset(model) if code == 0 and present != wanted else ():
        given.say(needed)
    if code == 0 and (behind := own_branches.behind(given.root, model, wanted)):
        names = ", ".join(behind)
        given.say(f"Still of another template: {names}. On each of these branches: argosy update --commit, and push.")
    return code


def _check(given: ChangeOptions) -> int:
    from argosy.change import origin, ownership  # noqa: PLC0415
    from argosy.change.ownership import State  # noqa: PLC0415
    from argosy.template import versions  # noqa: PLC0415

    stored, newest = ownership.load(given.root), versions.current().version
    present = stored.version
    files = ownership.files(given.root, stored) if origin.had_earlier(given.root, present) else ()
    left = [each.path for each in files if each.state is State.OUTDATED]
    if given.output == "json":
        found = {"version": present, "newest": newest, "newer": present != newest, "outdated": left}
        click.echo(json.dumps(found, indent=2))
    elif not given.quiet:
        if present != newest:
            click.echo(f"There is a newer template: {newest}. This repository has {present}.")
        else:
            click.echo(f"The template is the newest: {present}.")
        if left:
            click.echo(f"An earlier update left {len(left)} files as they were: argosy status --files lists them.")
    return int(present != newest or bool(left))
