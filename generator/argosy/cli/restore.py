"""`argosy restore`."""

from __future__ import annotations

import click

from argosy.cli import options
from argosy.cli.options import ChangeOptions
from argosy.delivery import changes
from argosy.names import joined
from argosy.repository.model import RevisionStyle


@click.command("restore", cls=options.ChangeCommand)
@click.argument("names", metavar="PATH|APP|ENV...", nargs=-1, required=True)
@options.yes
@options.of_change
def command(names: tuple[str, ...], yes: bool, given: ChangeOptions) -> int:
    """Put files back to what the template gives, edits included that are committed.

    With an application, an environment or a folder, all files there that follow the template. A file that was written
    once, and is yours since, has to be named itself. argosy diff --template shows what differs.
    """
    from argosy.change import regeneration  # noqa: PLC0415
    from argosy.change.planning import Change  # noqa: PLC0415

    with changes.opened(given) as stored:
        written = regeneration.pristine_of(given.root, stored, names)
        change = Change(stored.repository, stored.repository, written=written)
        if written:
            given.say("These go back to what the template gives:\n" + "\n".join(f"  {path}" for path in written))
            if not given.dry_run:
                given.confirm(yes, "Continue?")
        code = changes.carry_out(given, stored, change, f"Restore {joined(names, 3)} from the template")
        if written and stored.repository.settings.revision is RevisionStyle.BRANCH:
            given.say("The environments' own branches are as they were: switch to each, and run this there too.")
        return code
