"""`argosy add`."""

from __future__ import annotations

import click

from argosy.cli import options, words
from argosy.cli.options import ChangeOptions
from argosy.delivery import changes
from argosy.repository.model import DEFAULT_IMAGE, DEFAULT_PORT, WRITTEN_HERE, Image


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
    from argosy.change.requests import AddApplications  # noqa: PLC0415

    in_each, version_in = ({name: str(value) for name, value in given_for} for given_for in (images, versions))
    request = AddApplications(
        names=names,
        image=in_each.pop("", ""),
        images=in_each,
        port=port,
        format=form or "",
        chart=chart or "",
        base=base or "",
        source=source or "",
        version=version_in.pop("", ""),
        versions=version_in,
        environments=environments,
        team=team,
    )
    return changes.grant(given, request)


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
    from argosy.change.requests import AddEnvironment  # noqa: PLC0415

    request = AddEnvironment(
        name=name,
        after=after,
        before=before,
        source=source or "",
        clusters=clusters,
        revision=revision,
        auto_sync=auto_sync,
    )
    return changes.grant(given, request)


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
    from argosy.change.requests import AddCluster  # noqa: PLC0415

    return changes.grant(given, AddCluster(name=name, server=server, labels=labels))


@command.command("team", cls=options.ChangeCommand)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--sso-group", default="", help="The group of those who log in as it.  [default: as the team is called]")
@options.of_change
def team(*, names: tuple[str, ...], sso_group: str, given: ChangeOptions) -> int:
    """Add teams, each with an AppProject in every environment: argosy set app APP team=NAME gives it applications."""
    from argosy.change.requests import AddTeams  # noqa: PLC0415

    return changes.grant(given, AddTeams(names=names, sso_group=sso_group))


@command.command("chart", cls=options.ChangeCommand)
@click.argument("version", default="")
@options.of_change
def chart(*, version: str, given: ChangeOptions) -> int:
    """Add a version of the chart that applications share, as a copy of the newest: by default the next minor one.

    Nothing follows it yet: argosy set env ENV chartVersion=VERSION, then argosy promote.
    """
    from argosy.change.requests import AddChart  # noqa: PLC0415

    return changes.grant(given, AddChart(version=version))


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
    from argosy.change.requests import AddComponents  # noqa: PLC0415

    request = AddComponents(names=names, environments=environments, version=version, vendor=vendor)
    return changes.grant(given, request)
