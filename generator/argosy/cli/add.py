"""`argosy add`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from argosy.cli import delivery, options, words
from argosy.cli.options import ChangeOptions
from argosy.repository.model import (
    DEFAULT_IMAGE,
    DEFAULT_PORT,
    WRITTEN_HERE,
    Application,
    Cluster,
    Component,
    Image,
)

if TYPE_CHECKING:
    from argosy.change.components import Placed
    from argosy.change.own_branches import Elsewhere
    from argosy.change.planning import Change
    from argosy.repository.model import Repository


@click.group("add", cls=words.Group)
def command() -> None:
    """Add applications, components, an environment, a cluster, or teams."""


@command.command("app", cls=options.ChangeCommand)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "--image",
    "images",
    type=options.ImageType(),
    multiple=True,
    help=f"The applications' image, or the one in an environment.  [default: {DEFAULT_IMAGE}]",
)
@click.option("--port", type=click.IntRange(1, 65535), default=DEFAULT_PORT, show_default=True, help="Their port.")
@click.option("--format", "form", type=options.choice(WRITTEN_HERE), help="Their format.  [default: the repository's]")
@options.chart
@options.base
@options.source
@options.chart_versions
@click.option("--env", "environments", metavar="ENV", multiple=True, help="Where they run.  [default: everywhere]")
@click.option("--team", metavar="TEAM", default="", help="Who owns them.")
@options.of_change
def app(
    *,
    names: tuple[str, ...],
    images: tuple[tuple[str, Image], ...],
    port: int,
    form: str | None,
    chart: str | None,
    base: str | None,
    source: str | None,
    versions: tuple[tuple[str, str], ...],
    environments: tuple[str, ...],
    team: str,
    given: ChangeOptions,
) -> int:
    """Add applications: their folders, values per environment, and Applications.

    With --chart, --base or --source, what they are made from stays where it is, and each environment has a version of
    its own, which is promoted as an image's tag is. `argosy fetch` brings it to this machine, so that it is validated.
    """
    from argosy.change import operations  # noqa: PLC0415

    by_environment = dict(images)
    image = by_environment.pop("", DEFAULT_IMAGE)
    whose, where = options.read_chart(chart)
    chosen, seed = options.seed((image, port, [*by_environment.items()]), form, (where, base, source), versions)
    with delivery.opened(given) as stored:
        current = stored.repository
        written = chosen or current.settings.format
        made = [Application(name, written, team, seed, whose or current.settings.chart_of(written)) for name in names]

        def again(there: Elsewhere) -> Change | None:
            known = {each.name for each in there.repository.environments}
            wanted = [name for name in environments if name in known]
            there_alone = replace(
                seed,
                images=tuple((name, image) for name, image in seed.images if name in known),
                revisions=tuple((name, version) for name, version in seed.revisions if name in known),
            )
            these = [replace(each, seed=there_alone) for each in made]
            is_wanted = wanted or not environments
            return operations.add_applications(there.repository, these, wanted) if is_wanted else None

        change = operations.add_applications(current, made, environments)
        code = delivery.carry_out(given, stored, change, f"Add {', '.join(names)}", again=again)
    if code == 0 and seed.origin and not given.dry_run and (left := options.to_permit(seed)):
        given.say(left)
    return code


@command.command("env", cls=options.ChangeCommand)
@click.argument("name")
@click.option("--after", metavar="ENV", default="", help="The environment that it promotes from.  [default: the last]")
@click.option("--before", metavar="ENV", default="", help="The environment that promotes from it.")
@click.option(
    "--from", "source", metavar="ENV", help="Whose applications and values it takes over.  [default: --after]"
)
@click.option(
    "--cluster",
    "clusters",
    metavar="CLUSTER",
    multiple=True,
    help="Its cluster: a name, or the API server's URL; of declared ones several, in the order of its rollout.  "
    "[default: those of --from]",
)
@click.option(
    "--revision", metavar="REVISION", default="", help="The revision that it follows.  [default: as the others]"
)
@click.option("--auto-sync/--no-auto-sync", default=True, help="Whether Argo CD applies what is in Git by itself.")
@options.of_change
def env(
    *,
    name: str,
    after: str,
    before: str,
    source: str,
    clusters: tuple[str, ...],
    revision: str,
    auto_sync: bool,
    given: ChangeOptions,
) -> int:
    """Add an environment, with the applications and current values of another."""
    from argosy.change import (  # noqa: PLC0415
        components,
        operations,
    )

    def made(current: Repository) -> Change:
        return operations.add_environment(
            current,
            name,
            after=after,
            before=before,
            source=source,
            clusters=clusters,
            revision=revision,
            auto_sync=auto_sync,
        )

    with delivery.opened(given) as stored:
        change = made(stored.repository)
        title = f"Add the environment {name}"
        code = delivery.carry_out(given, stored, change, title, again=lambda there: made(there.repository))
    if code == 0 and not given.dry_run:
        given.say("Its values are copies. Check hosts and other values that two environments must not share.")
    if code == 0 and (lacking := " ".join(components.lacking(change.after, name))):
        given.say(f"Other clusters have what its cluster lacks: argosy add component {lacking} --env {name}")
    return code


@command.command("cluster", cls=options.ChangeCommand)
@click.argument("name")
@click.option("--server", metavar="URL", required=True, help="Where its API server is.")
@click.option(
    "--label", "labels", metavar="KEY=VALUE", multiple=True, help="What it is chosen by, for example region=eu."
)
@options.of_change
def cluster(*, name: str, server: str, labels: tuple[str, ...], given: ChangeOptions) -> int:
    """Declare a cluster, which environments may name from then on: argosy set env ENV cluster=NAME.

    Argo CD learns of it by a Secret. With the External Secrets Operator it is declared too; what is in it never is.
    """
    from argosy.change import clusters  # noqa: PLC0415
    from argosy.change.planning import Change  # noqa: PLC0415

    new = Cluster(name, server, labels)
    with delivery.opened(given) as stored:
        change = Change(stored.repository, clusters.add(stored.repository, new))
        code = delivery.carry_out(given, stored, change, f"Add the cluster {name}")
    if code == 0 and not given.dry_run:
        given.say(clusters.registration(change.after, new))
    return code


@command.command("team", cls=options.ChangeCommand)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--sso-group", default="", help="The group of those who log in as it.  [default: as the team is called]")
@options.of_change
def team(*, names: tuple[str, ...], sso_group: str, given: ChangeOptions) -> int:
    """Add teams, each with an AppProject in every environment: argosy set app APP team=NAME gives it applications."""
    from argosy.change import edits  # noqa: PLC0415
    from argosy.change.planning import Change  # noqa: PLC0415
    from argosy.repository.model import Team  # noqa: PLC0415

    with delivery.opened(given) as stored:

        def made(current: Repository) -> Change:
            after = current
            for name in names:
                after = edits.add_team(after, Team(name, sso_group))
            return Change(current, after)

        title = f"Add the team{'s' if len(names) > 1 else ''} {', '.join(names)}"
        return delivery.carry_out(
            given, stored, made(stored.repository), title, again=lambda there: made(there.repository)
        )


@command.command("chart", cls=options.ChangeCommand)
@click.argument("version", default="")
@options.of_change
def chart(*, version: str, given: ChangeOptions) -> int:
    """Add a version of the chart that applications share, as a copy of the newest: by default the next minor one.

    Nothing follows it yet: argosy set env ENV chartVersion=VERSION, then argosy promote.
    """
    from argosy.change import operations  # noqa: PLC0415

    with delivery.opened(given) as stored:
        change = operations.add_chart(stored.repository, version)
        made = change.after.newest_chart
        # To the environments' own branches it comes with those that follow it.
        code = delivery.carry_out(given, stored, change, f"Add version {made} of the shared chart")
    if code == 0 and not given.dry_run:
        first = stored.repository.environments[0].name if stored.repository.environments else "ENV"
        given.say(f"Nothing follows it yet. To begin: argosy set env {first} chartVersion={made}")
    return code


@command.command("component", cls=options.ChangeCommand)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "--env",
    "environments",
    metavar="ENV",
    multiple=True,
    help="The environment whose cluster gets them.  [default: each cluster, by its last environment]",
)
@click.option("--version", metavar="VERSION", default="", help="The chart's version.  [default: the catalogue's]")
@click.option(
    "--vendor/--no-vendor",
    default=None,
    help="Keep the charts in the repository, so that they are rendered offline.  [default: no-vendor]",
)
@options.of_change
def component(
    *, names: tuple[str, ...], environments: tuple[str, ...], version: str, vendor: bool | None, given: ChangeOptions
) -> int:
    """Add components from the catalogue, with what they need: their Applications, values and custom resources.

    One that is there already keeps its values and custom resources: --version takes another chart, --vendor brings
    the chart into the repository, --no-vendor leaves it to Argo CD again.
    """
    from argosy.catalogue import catalogue  # noqa: PLC0415
    from argosy.change import components  # noqa: PLC0415
    from argosy.git import objects  # noqa: PLC0415
    from argosy.helm import fetching  # noqa: PLC0415

    wish = components.Wish(version, vendor)
    with delivery.opened(given) as stored:
        known = catalogue.load(given.root)
        placed = components.place(stored.repository, known, names, environments, wish)
        charts: dict[Component, Mapping[str, bytes]] = {}
        for each in placed:
            if each.because:
                given.say(f"{each.because} needs {each.entry.name}, which is added too.")

        def fetched(wanted: Component) -> Mapping[str, bytes]:
            if wanted not in charts:
                given.say(f"Fetching the chart {wanted.chart} {wanted.version} of {wanted.repo_url}.")
                charts[wanted] = fetching.fetch(wanted)
            return charts[wanted]

        def made(root: Path, current: Repository, these: Sequence[Placed]) -> Change:
            entries = objects.entries(root, "HEAD")

            def held(path: str) -> bytes | None:
                found = objects.blobs(root, entries, [path]).get(path)
                return found.content if found else None

            return components.add(current, these, wish, fetch=fetched, held=held)

        def again(there: Elsewhere) -> Change:
            these = components.place(there.repository, known, names, environments, wish)
            return made(there.root, there.repository, these)

        change = made(given.root, stored.repository, placed)
        for folder in change.removed:
            _tell_edits(given, folder)
        code = delivery.carry_out(given, stored, change, _title(placed, names, version), again=again)
    if code == 0 and vendor:
        given.say("To let Argo CD fetch these charts again, use --no-vendor.")
    notes = {each.entry.name: each.entry.notes for each in placed if each.entry.notes and not each.present}
    if code == 0 and notes:
        lines = (f"{name}: {text}" for name, text in notes.items())
        given.say("\n\n".join(["\nLeft to do:", *lines]))
    return code


def _tell_edits(given: ChangeOptions, chart: str) -> None:
    """Say which commits since a chart came changed it: another chart takes its place."""
    from argosy import git  # noqa: PLC0415

    came = git.run(given.root, "log", "-1", "--format=%H", "--", f"{chart}/Chart.yaml").strip()
    edits = git.run(given.root, "log", "--format=  %h %s", f"{came}..HEAD", "--", chart) if came else ""
    if edits:
        given.say(f"These edits of {chart} end here. They stay in Git's history:\n{edits.rstrip()}")


def _title(placed: Sequence[Placed], names: Sequence[str], version: str) -> str:
    """Return the commit's title: what is added, or what becomes of what was there."""
    added = any(not each.present and not each.because for each in placed)
    return f"{'Add' if added else 'Change'} {', '.join(names)}{f' {version}' if version else ''}"
