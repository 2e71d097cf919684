"""`argosy add`."""

from __future__ import annotations

import click

from generator.cli import changing, options
from generator.cli.changing import Manner
from generator.model import DEFAULT_IMAGE, DEFAULT_PORT, Application, Format, Image, RevisionStyle, Seed


@click.group("add")
def command() -> None:
    """Add applications, or an environment."""


@command.command("app")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "--image",
    "images",
    type=options.ImageType(),
    multiple=True,
    help=f"The applications' image, or the one in an environment.  [default: {DEFAULT_IMAGE}]",
)
@click.option("--port", type=click.IntRange(1, 65535), default=DEFAULT_PORT, show_default=True, help="Their port.")
@click.option(
    "--format", "form", type=options.choice(Format), help="How they are written.  [default: the repository's]"
)
@click.option("--env", "environments", metavar="ENV", multiple=True, help="Where they run.  [default: everywhere]")
@click.option("--team", default="", help="Who owns them.")
@changing.options_of_change
def app(
    *,
    names: tuple[str, ...],
    images: tuple[tuple[str, Image], ...],
    port: int,
    form: str | None,
    environments: tuple[str, ...],
    team: str,
    manner: Manner,
) -> int:
    """Add applications: their folders, values per environment, and Applications."""
    from generator import operations  # noqa: PLC0415

    by_environment = dict(images)
    image = by_environment.pop("", DEFAULT_IMAGE)
    seed = Seed(image, port, tuple(by_environment.items()))
    with changing.opened(manner) as stored:
        current = stored.repository
        made = [Application(name, Format(form or current.settings.format), team, seed) for name in names]
        change = operations.add_applications(current, made, environments)
        return changing.carry_out(manner, stored, change, f"Add {', '.join(names)}")


@command.command("env")
@click.argument("name")
@click.option("--after", metavar="ENV", default="", help="The environment that it promotes from.  [default: the last]")
@click.option("--before", metavar="ENV", default="", help="The environment that promotes from it.")
@click.option(
    "--from", "source", metavar="ENV", help="Whose applications and values it takes over.  [default: --after]"
)
@click.option("--cluster", metavar="CLUSTER", default="", help="Its cluster's URL or name.  [default: that of --from]")
@click.option(
    "--revision", metavar="REVISION", default="", help="The revision that it follows.  [default: as the others]"
)
@click.option("--auto-sync/--no-auto-sync", default=True, help="Whether Argo CD applies what is in Git by itself.")
@changing.options_of_change
def env(
    *,
    name: str,
    after: str,
    before: str,
    source: str,
    cluster: str,
    revision: str,
    auto_sync: bool,
    manner: Manner,
) -> int:
    """Add an environment, with the applications and current values of another."""
    from generator import operations  # noqa: PLC0415

    with changing.opened(manner) as stored:
        change = operations.add_environment(
            stored.repository,
            name,
            after=after,
            before=before,
            source=source,
            cluster=cluster,
            revision=revision,
            auto_sync=auto_sync,
        )
        code = changing.carry_out(manner, stored, change, f"Add the environment {name}")
    if code == 0 and not manner.dry_run:
        manner.say("Its values are copies: look for hosts and the like that two environments must not share.")
    if code == 0 and not revision and stored.repository.settings.revision is RevisionStyle.BRANCH:
        manner.say(f"It follows a branch of its own: git branch {name}, and push that.")
    return code
