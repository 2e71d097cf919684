"""`argosy update`."""

from __future__ import annotations

import json

import click

from argosy.cli import delivery, options
from argosy.cli.options import ChangeOptions


@click.command("update", cls=options.ChangeCommand)
@click.option(
    "--check", is_flag=True, help="Check for a newer version (exit code 1 if there is one), and change nothing."
)
@click.option("--to", "version", metavar="VERSION", help="The template's version.  [default: the newest]")
@options.of_change
def command(check: bool, version: str | None, given: ChangeOptions) -> int:
    """Update to a newer version of the template and keep what people changed.

    Exit code: 3 where both changed the same lines. In the work tree these have Git's markers then; to a branch of its
    own nothing is written.
    """
    from argosy.change import edits  # noqa: PLC0415
    from argosy.change.planning import Change  # noqa: PLC0415
    from argosy.repository import store  # noqa: PLC0415
    from argosy.template import versions  # noqa: PLC0415

    if check:
        return _check(given, versions.known(store.load(given.root).version), versions.current().version)
    with delivery.opened(given) as stored:
        model, present = stored.repository, versions.known(stored.version)
        wanted = versions.known(version) if version else versions.current().version
        change = Change(model, model, from_version=present, to_version=wanted)
        title = f"Update the template to {wanted[:12]}"
        code = delivery.carry_out(given, stored, change, title)
    for needed in edits.unset(model) if code == 0 and present != wanted else ():
        given.say(needed)
    return code


def _check(given: ChangeOptions, present: str, newest: str) -> int:
    if given.output == "json":
        click.echo(json.dumps({"version": present, "newest": newest, "newer": present != newest}, indent=2))
    elif not given.quiet and present != newest:
        click.echo(f"There is a newer template: {newest}. This repository has {present}.")
    elif not given.quiet:
        click.echo(f"The template is the newest: {present}.")
    return int(present != newest)
