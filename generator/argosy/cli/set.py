"""`argosy set`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from argosy.cli import delivery, options
from argosy.cli import words as completion
from argosy.cli.options import ChangeOptions
from argosy.errors import UsageError
from argosy.repository.model import in_order
from argosy.repository.previews import GitHost

if TYPE_CHECKING:
    from argosy.repository.model import Repository


@click.command("set", cls=options.ChangeCommand)
@click.argument(
    "words",
    metavar="repository|env NAME|app NAME|cluster NAME|team NAME KEY=VALUE...",
    nargs=-1,
    required=True,
    shell_complete=completion.of_set,
)
@options.yes
@options.of_change
def command(words: tuple[str, ...], yes: bool, given: ChangeOptions) -> int:
    """Change settings and update the files that depend on them.

    `argosy settings` lists them all. What moves applications that are deployed (namespace, cluster) says what stays
    behind, and asks.
    """
    from argosy.change import (  # noqa: PLC0415
        clusters,
        components,
        edits,
        removal,
    )
    from argosy.change.planning import Change  # noqa: PLC0415
    from argosy.git import objects  # noqa: PLC0415
    from argosy.repository import layout  # noqa: PLC0415

    what, name, values = _understood(words)
    with delivery.opened(given) as stored:

        def made(before: Repository) -> Change:
            if what == "repository":
                known = (each.team for each in stored.repository.applications if each.team)
                return Change(before, edits.set_repository(before, values, [*known]))
            if what == "team":
                return Change(before, edits.set_team(before, name, values))
            if what == "app":
                return Change(before, edits.set_application(before, name, values))
            if what == "cluster":
                return Change(before, clusters.change(before, name, values))
            # An environment's own branch may lack a version of the chart that is followed from now on.
            lacking = sorted({*values.values()} & {*stored.repository.charts} - {*before.charts})
            charted = replace(before, charts=in_order({*before.charts, *lacking}))
            folders, entries = (
                [*map(layout.shared_chart, lacking)],
                objects.entries(given.root, "HEAD") if lacking else {},
            )
            written = objects.blobs(given.root, entries, [path for path in entries if objects.is_within(path, folders)])
            return Change(before, edits.set_environment(charted, name, values), written=written)

        turned = ", ".join(f"{key}={value}" for key, value in values.items())
        title = f"Set {turned} of {completion.in_full(what)} {name}".strip()
        change = made(stored.repository)
        after = change.after
        delivery.confirm_moves(given, change, yes)
        for told in filter(None, (removal.handed_over(change), removal.reassigned(change))):
            given.say(told)
        if gone := removal.forgotten(change):
            given.say(gone)
            if not given.dry_run:
                delivery.confirm(yes, "Continue?")
        # Of clusters the default branch alone is read.
        again = None if what == "cluster" else lambda there: made(there.repository)
        code = delivery.carry_out(given, stored, change, title, again=again)
    previews = edits.application(after, name).previews if what == "app" and "previews" in values else None
    if code == 0 and previews and previews.preview_host is GitHost.BITBUCKET and ".head_sha" in previews.preview_tag:
        given.say("Bitbucket tells 12 digits of a commit: have CI tag the image with ${BITBUCKET_COMMIT::12}.")
    if code == 0 and previews and (secret := previews.token):
        place = after.settings.production.argocd_namespace
        given.say(
            "Argo CD lists the pull requests with a token that may read them: kubectl "
            f"--namespace {place} create secret generic {secret} --from-literal=token=TOKEN (`argosy help previews`)"
        )
    lacking = edits.unset(after, lambda path: (given.root / path).is_file())
    for needed in (*lacking, *components.missing(after)) if code == 0 and what == "repository" else ():
        given.say(needed)
    if code == 0 and what == "env" and (left := clusters.abandoned(change.before, after, name)):
        given.say(f"Nothing reads these any more, which are yours: git rm -r {' '.join(left)}")
    if code == 0 and what == "cluster" and not given.dry_run:
        given.say(clusters.changed(after, change.before, name))
    return code


def _understood(words: tuple[str, ...]) -> tuple[str, str, dict[str, str]]:
    what = completion.what(words[0])
    names = 0 if what == "repository" else 1
    pairs = words[1 + names :]
    wrong = [each for each in pairs if "=" not in each]
    if wrong or not pairs or "=" in "".join(words[1 : 1 + names]):
        raise UsageError(
            f"“{' '.join(words)}” does not say what to set.",
            f"Write argosy set {what}{' NAME' if names else ''} KEY=VALUE.",
        )
    return what, words[1] if names else "", dict(each.split("=", 1) for each in pairs)
