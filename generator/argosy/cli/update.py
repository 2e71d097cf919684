"""`argosy update`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from argosy import data
from argosy.cli import options
from argosy.cli.options import ChangeOptions
from argosy.delivery import changes
from argosy.names import joined

if TYPE_CHECKING:
    from argosy.change.own_branches import Elsewhere
    from argosy.change.planning import Change


@click.command("update", cls=options.ChangeCommand)
@click.option(
    "--check",
    is_flag=True,
    allow_from_autoenv=False,
    help="Check for a newer version and for files that an update left (exit code 1 if there are; 2 if a branch is not "
    "here to look at), and change nothing.",
)
@click.option("--to", "version", metavar="VERSION", help="The template's version.  [default: the newest]")
@click.option(
    "--only",
    "names",
    metavar="PATH|APP|ENV",
    multiple=True,
    help="Update only the files of an application, an environment or a folder. Repeat it for several.",
)
@options.of_change
def command(check: bool, version: str | None, names: tuple[str, ...], given: ChangeOptions) -> int:
    """Update to a newer version of the template and keep what people changed.

    Without --to, layers are updated to the newest versions that argosy template fetch brought. With --only, the
    repository's version stays as it is, so that a later update brings the rest.

    From the default branch, branches that environments follow are updated as well, each from what it holds.

    Exit code: 3 where both changed the same lines. In the work tree these have Git's markers then; to a branch of its
    own nothing is written.
    """
    from argosy.change import edits, layering, regeneration  # noqa: PLC0415
    from argosy.change.planning import Change  # noqa: PLC0415
    from argosy.template import versions  # noqa: PLC0415

    if check:
        with options.looking():
            return _check(given)
    with changes.opened(given) as stored:
        model, present = stored.repository, stored.version
        wanted = versions.known(version) if version else versions.current().version
        only = regeneration.chosen(model, names) if names else None
        after = model if version else layering.updated(model)
        change = Change(model, after, from_version=present, to_version=wanted, is_update=True, only=only)
        newer = [str(each) for each in after.settings.layers if each not in model.settings.layers]
        title = f"Update {joined(names, 3) if names else 'the template'} to {joined([wanted[:12], *newer], 4)}"

        def again(there: Elsewhere) -> Change:
            newest = there.repository if version else layering.updated(there.repository)
            return replace(change, before=there.repository, after=newest)

        code = changes.carry_out(given, stored, change, title, again=again)
    lacking = edits.unset(model, lambda path: (given.root / path).is_file())
    for needed in lacking if code == 0 and present != wanted else ():
        given.say(needed)
    return code


def _check(given: ChangeOptions) -> int:
    from argosy.change import layering, origin, own_branches, ownership  # noqa: PLC0415
    from argosy.change.ownership import State  # noqa: PLC0415
    from argosy.git import branches  # noqa: PLC0415
    from argosy.template import versions  # noqa: PLC0415

    stored, newest = ownership.load(given.root), versions.current().version
    present = stored.version
    files = ownership.files(given.root, stored) if origin.had_earlier(given.root, present) else ()
    left = [each.path for each in files if each.state is State.OUTDATED]
    layers = {each.name: each for each in stored.repository.settings.layers}
    newer = layering.newer(stored.repository)
    behind, unseen = own_branches.behind(given.root, stored.repository, newest)
    with versions.checkout(present) as old:
        notes = versions.notes(old, versions.current()) if present != newest else []
    if given.output == "json":
        found = {
            "version": present,
            "newest": newest,
            "newer": present != newest,
            "outdated": left,
            "branches": [{"branch": each, "recorded": version} for each, version in behind.items()],
            "unseenBranches": unseen,
            **({"notes": notes} if notes else {}),
            **({"layers": {each.name: [layers[each.name].label, each.label] for each in newer}} if layers else {}),
        }
        options.show(data.written("Update", found))
    elif not given.quiet:
        if present != newest:
            click.echo(f"There is a newer template: {newest}. This repository has {present}.")
            click.echo("".join(f"  - {note}\n" for note in notes), nl=False)
        else:
            click.echo(f"The template is the newest: {present}.")
        for each in newer:
            click.echo(f"There is a newer version of the layer {layers[each.name]}: {each.label}.")
        if behind:
            click.echo(f"Branches of another template: {joined([*behind], 8)}. argosy update --commit updates them.")
        if unseen:
            click.echo(f"Not looked at: {joined(unseen, 8)}. Bring it here: {branches.fetching(given.root, unseen[0])}")
        if left:
            click.echo(f"An earlier update left {len(left)} files as they were: argosy status --files lists them.")
    return 1 if present != newest or left or behind or newer else 2 if unseen else 0
