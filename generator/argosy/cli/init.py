"""`argosy init`."""

from __future__ import annotations

import json
import re
import shlex
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from argosy import data
from argosy.cli import options
from argosy.cli.interview import Answer, Interview, Question
from argosy.errors import ArgosyError, InterruptedByUserError, UsageError
from argosy.repository.model import (
    DEFAULT_IMAGE,
    DEFAULT_PORT,
    KUBERNETES,
    OLDEST_MINOR,
    OWN,
    WRITTEN_HERE,
    Application,
    ArgocdStyle,
    CiHost,
    Environment,
    Format,
    Image,
    Layer,
    Production,
    Repository,
    RevisionStyle,
    Seed,
    Settings,
    Team,
    Tenancy,
    chain,
    check_repository_url,
    without_password,
)

if TYPE_CHECKING:
    from argosy.hosting import Host
    from argosy.repository.answers import Answers
    from argosy.template.installation import Installation
    from argosy.template.rendering import Tree

DEFAULT_ENVIRONMENTS = (("dev", ""), ("staging", ""), ("prod", ""))
MINIMAL_ENVIRONMENTS = (("dev", ""), ("prod", ""))


QUESTIONS: Mapping[str, Question] = {
    "repo_url": (
        "Repository URL",
        "Argo CD clones the repository from it, and CI's files are for its host. It need not be there yet.",
    ),
    "environments": (
        "Environments in promotion order, separated by blanks, each NAME or NAME=CLUSTER",
        "Releases go from each to the next; the last is production. CLUSTER is the URL of an API server, or the name "
        "that Argo CD knows it by; without it, the cluster that Argo CD runs in.",
    ),
    "applications": (
        "Applications, separated by blanks (- for none)",
        "Each is deployed to every environment. `argosy add app` adds others later.",
    ),
    "image": ("Image", "What the applications run at first, in every environment: repository:tag."),
    "port": ("Port", "What the applications listen on."),
    "format": (
        "Format of the applications",
        "helm: a chart each, with values for each environment. kustomize: a base, with an overlay for each. manifests: "
        "plain files for each. `argosy convert` changes it for one application.",
    ),
    "argocd": (
        "One Application per application, or one ApplicationSet?",
        "applications: a file for each application in each environment. applicationset: one file, which makes the same "
        "of the folders.",
    ),
    "revision": (
        "Environments follow one",
        "trunk: all read the default branch, and promotion changes files. branch: each reads a branch of its own, and "
        "promotion goes from branch to branch.",
    ),
    "ci": (
        "CI",
        "Whose files are laid out: validation, the difference on each pull request, promotion, update. Gitea and "
        "Forgejo run GitHub's.",
    ),
    "follow_up": (
        "Pull request to the next environment when a promotion is merged?",
        "So the release to production is there once the one to staging is merged; nobody has to merge it at once.",
    ),
    "tenancy": (
        "Do all applications of an environment share an AppProject, or has each team its own?",
        "environment: one for all. team: each team has one in each environment, for its own applications, namespaces, "
        "roles and quotas.",
    ),
    "kubernetes_version": ("Kubernetes version", "Manifests are checked against its schemas."),
    "argosy_install": (
        "Which argosy CI and people install (- to say it later)",
        "Exactly one: a lock file, an image by its digest, a file with its SHA-256, or a commit. `argosy help install` "
        "lists the forms. Until it is said, CI's jobs fail.",
    ),
    "production": (
        "Switch on what production needs (highly available, monitored, locked down)?",
        "All that takes no choice of yours; `argosy help production` lists it. Each can be turned later.",
    ),
    "self_managed": (
        "Does Argo CD keep itself as the repository has it (selfManaged)?",
        "Then Argo CD applies argocd/install/ itself, and a change of it is a commit as any other.",
    ),
}
"""Each question, and what `?` says about it."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line gave; None or empty where it gave nothing."""

    repo_url: str | None
    environments: tuple[tuple[str, str], ...]
    applications: tuple[str, ...]
    images: tuple[tuple[str, Image], ...]
    port: int | None
    written: tuple[Format | None, Seed]
    """What --chart, --base or --source say of the applications."""
    follow_up: bool | None
    minimal: bool
    production: bool
    switches: Mapping[str, str]
    templates: tuple[str, ...]
    settings: Mapping[str, str | None]


@click.command("init")
@click.argument("destination", metavar="DEST", type=click.Path(path_type=Path))
@click.option("--repo-url", metavar="URL", help="The URL that Argo CD clones the repository from.")
@click.option(
    "--env",
    "environments",
    type=options.EnvironmentType(),
    multiple=True,
    help="An environment, and the URL or name of its cluster. Repeat it in promotion order.  "
    "[default: dev, staging, prod]",
)
@click.option(
    "--app",
    "applications",
    metavar="NAME",
    multiple=True,
    help="An application. Repeat it for several; '' for none.  [default: my-app]",
)
@click.option(
    "--image",
    "images",
    type=options.ImageType(),
    multiple=True,
    help=f"The applications' image, or the one in an environment.  [default: {DEFAULT_IMAGE}]",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help=f"The port that the applications listen on.  [default: {DEFAULT_PORT}]",
)
@click.option("--format", type=options.choice(WRITTEN_HERE), help="The format of the applications.  [default: helm]")
@options.chart
@options.base
@options.source
@options.chart_versions
@click.option(
    "--argocd",
    type=options.choice(ArgocdStyle),
    help="An Application each, or one ApplicationSet that reads the folders.  [default: applications]",
)
@click.option(
    "--revision",
    type=options.choice(RevisionStyle),
    help="One trunk for all environments, or a branch each.  [default: trunk]",
)
@click.option("--ci", type=options.choice(CiHost), help="Whose CI checks the repository.  [default: github]")
@click.option(
    "--follow-up/--no-follow-up",
    default=None,
    help="Have CI open a pull request to the next environment when a promotion is merged.  [default: no-follow-up]",
)
@click.option(
    "--minimal",
    is_flag=True,
    help="Lay out the least that there can be: dev and prod, a small chart, no CI. What else there is comes later with "
    "argosy set repository minimal=false.",
)
@click.option(
    "--template",
    "templates",
    metavar="SOURCE[@REF]",
    multiple=True,
    help="An organisation's template to lay over the built-in one: Git repository or folder. Repeat it for several.",
)
@click.option("--production", is_flag=True, help="Switch on everything for production that needs no decision of yours.")
@click.option(
    "--set",
    "switched",
    type=options.SettingType(),
    multiple=True,
    help="Switch something on or off, as argosy set repository does: secrets=external-secrets, networkPolicies=true. "
    "Or answer a question of a --template.",
)
@click.option(
    "--kubernetes-version",
    metavar="1.NN",
    help=f"The Kubernetes version to check manifests for.  [default: {KUBERNETES}]",
)
@click.option(
    "--answers",
    "answers_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A YAML file with the answers that no option gives.",
)
@click.option(
    "--save-answers",
    "saved_answers",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write all answers to this file, which --answers takes.",
)
@click.option("--defaults", is_flag=True, help="Do not ask. What is not given takes its default.")
@options.fetch
@click.option("--git/--no-git", default=True, help="Make a git repository and a first commit.  [default: git]")
@click.option(
    "--create-remote",
    is_flag=True,
    help="Make the repository on its URL's host, private, push to it, and protect its branches as protection/ says.",
)
@options.dry("Print the files as a diff, and write nothing.")
@options.output("text", "json")
@options.rendering
@options.quiet
def command(
    *,
    destination: Path,
    repo_url: str | None,
    environments: tuple[tuple[str, str], ...],
    applications: tuple[str, ...],
    images: tuple[tuple[str, Image], ...],
    port: int | None,
    chart: str | None,
    base: str | None,
    source: str | None,
    versions: tuple[tuple[str, str], ...],
    follow_up: bool | None,
    minimal: bool,
    templates: tuple[str, ...],
    production: bool,
    switched: tuple[tuple[str, str], ...],
    answers_file: Path | None,
    saved_answers: Path | None,
    defaults: bool,
    git: bool,
    create_remote: bool,
    dry_run: bool,
    output: str,
    quiet: bool,
    **settings: str | None,
) -> int:
    """Lay out a new GitOps repository in DEST, commit it, and validate it.

    On a terminal, argosy asks for what the options do not give, and shows the plan before it writes: ? explains a
    question, < goes back. Whoever says no at the end finds the answers in a file.
    """
    from argosy.change import seeds  # noqa: PLC0415
    from argosy.template import creation  # noqa: PLC0415

    if create_remote and not git:
        raise UsageError("--create-remote pushes, and --no-git commits nothing to push.", "Leave one of them out.")
    destination = _absolute(destination)
    creation.check(destination, use_git=git and not dry_run)
    destination = destination.resolve()
    settings["chart"], where = seeds.read_chart(chart)
    written = _written((where, base, source), versions, settings["format"], alone=not (images or port))
    said = (repo_url, environments, applications, images, port, written, follow_up, minimal, production)
    given = Given(*said, dict(switched), templates, settings)
    interview = Interview(asks=not defaults and sys.stdin.isatty() and sys.stderr.isatty())
    house = _house(given)
    answers = _read(answers_file, house)
    installed = _installation(given, answers)

    def told() -> tuple[Repository, Tree]:
        repository = _repository(destination, given, answers, interview, house, argosy_install=installed.setting)
        tree = _render(repository)
        if repository.settings.argosy_install == installed.setting:
            tree = {**tree, **installed.files}
        if interview.asks and not dry_run:
            _show_plan(destination, repository, len(tree), git)
            if not interview.confirm("write", ("Write it?", "Nothing is written before you say y."), default=True):
                raise _cancelled(destination, repository, interview)
        return repository, tree

    repository, tree = interview.run(told)
    if saved_answers:
        _save(saved_answers, repository)
    if dry_run:
        options.show(_as_json(tree)) if output == "json" else click.echo(_diff(tree), nl=False)
        return 0
    host = _host_to_be(destination, repository) if create_remote else None
    if not quiet:
        _warn_of_outer_repository(destination)
        for left in creation.remains(destination):
            click.echo(f"{left} is another argosy init's: if none is running, remove it (rm -r).", err=True)
    try:
        _create(destination, repository, tree, git)
        code = _validated(destination, tree, git=git, output=output, quiet=quiet)
    except KeyboardInterrupt:
        if not all((destination / path).exists() for path in tree):
            raise InterruptedByUserError("Interrupted: nothing was written.") from None
        raise InterruptedByUserError(
            f"Interrupted: {destination} is complete, but not validated.",
            f"argosy validate --repository {shlex.quote(str(destination))}",
        ) from None
    if host:
        code = _delivered(host, destination, repository, tree, code, say=(lambda _: None) if quiet else _say)
    if not quiet and code in (0, 3):
        pushed = host is not None
        click.echo(_next_steps(destination, repository, tree, installed.reason, git, is_pushed=pushed), err=True)
    return code


def _delivered(
    host: Host, destination: Path, repository: Repository, tree: Tree, code: int, *, say: Callable[[str], None]
) -> int:
    """Make the repository on its host unless it is not valid, and return the exit code."""
    if code:
        click.echo(f"{host.project} was not made on {host.name}, since what is laid out is not valid.", err=True)
        click.echo(_by_hand(destination, repository), err=True)
        return code
    try:
        return _make_remote(host, destination, repository, tree, say)
    except KeyboardInterrupt:
        raise InterruptedByUserError(
            f"Interrupted: look on {host.name} whether {host.project} is made. {_by_hand(destination, repository)}"
        ) from None


def _say(message: str) -> None:
    click.echo(message, err=True)


def _absolute(destination: Path) -> Path:
    try:
        return destination.expanduser().absolute()
    except RuntimeError as error:
        raise UsageError(f"{destination}: there is no such home directory.", f"Write ./{destination}.") from error


def _read(file: Path | None, house: House) -> Answers:
    from argosy.repository import answers  # noqa: PLC0415

    return answers.read(file, house.defaults, house.questions)


def _installation(given: Given, answers: Answers) -> Installation:
    """Return how to install the argosy that runs, where nobody says which one the repository is to install."""
    from argosy.template import installation  # noqa: PLC0415

    said = given.switches.get("argosyInstall", answers.settings.get("argosy_install"))
    # An answers file names the lock file that is laid out with them.
    return installation.of_running() if said in (None, installation.LOCK) else installation.Installation()


def _cancelled(destination: Path, repository: Repository, interview: Interview) -> ArgosyError:
    """Return the error of whoever says no at the end, with the answers in a file where there were any."""
    if interview.answers.keys() <= {"write"}:
        return ArgosyError("Cancelled. Nothing was written.")
    names = (f"{destination.name}-answers{number}.yaml" for number in ("", *(f"-{each}" for each in range(2, 100))))
    file = next(path for path in map(Path, names) if not (path.exists() or path.is_symlink()))
    _save(file, repository)
    return ArgosyError(
        f"Cancelled. Nothing was written but your answers, to {file}.",
        f"Change them there, and run argosy init {shlex.quote(destination.name)} --answers {shlex.quote(str(file))}",
    )


def _save(file: Path, repository: Repository) -> None:
    from argosy.repository import answers  # noqa: PLC0415
    from argosy.template import rendering  # noqa: PLC0415

    file.write_text(answers.written(rendering.answers(repository)), encoding="utf-8")


def _repository(
    destination: Path, given: Given, answers: Answers, interview: Interview, house: House, *, argosy_install: str
) -> Repository:
    from argosy.change import edits, privileges  # noqa: PLC0415
    from argosy.repository import answers as files  # noqa: PLC0415

    defaults = files.read(None, house.defaults).settings
    known: dict[str, str] = {
        **{key: value for key, value in answers.settings.items() if not interview.asks or value != defaults.get(key)},
        **{key: value for key, value in given.settings.items() if value is not None},
    }
    if given.repo_url is not None:
        known["repo_url"] = given.repo_url
    name = known.get("repository_name") or _name(destination.name)

    def ask(key: str, default: str, convert: Callable[[str], str] = str, question: str = "") -> str:
        if key in known:
            return known[key]
        asked, explanation = QUESTIONS[key]
        return interview.ask(key, (question or asked, explanation), defaults.get(key, default), convert)

    def choose(key: str, default: str, choices: Iterable[StrEnum]) -> str:
        return ask(key, default, _one_of(choices), f"{QUESTIONS[key][0]} ({', '.join(choices)})")

    origin, branch = _clone(destination)
    repo_url = ask("repo_url", origin or f"https://github.com/your-org/{name}.git", _checked_url)
    minimal = given.minimal or answers.minimal
    environments = _environments(given, answers, interview, MINIMAL_ENVIRONMENTS if minimal else DEFAULT_ENVIRONMENTS)
    applications = _applications(given, answers, interview)
    asking = interview if answers.applications is None else Interview(asks=False)
    seed = given.written[1] if given.written[1].origin else _seed(given, applications, asking)
    # One team, or none, has nobody to be kept apart from.
    shared = len({part.get("team", "") for part in applications} - {""}) > 1 or "tenancy" in known
    tenancy = Tenancy(choose("tenancy", "environment", Tenancy)) if shared else Tenancy.ENVIRONMENT
    settings = Settings(
        name=name,
        repo_url=repo_url,
        format=Format(choose("format", "helm", WRITTEN_HERE)),
        chart=known.get("chart", OWN),
        argocd=ArgocdStyle(choose("argocd", "applications", ArgocdStyle)),
        revision=RevisionStyle(choose("revision", "trunk", RevisionStyle)),
        ci=(ci := CiHost(choose("ci", "none" if minimal else _host(repo_url), CiHost))),
        follow_up=_follow_up(given, answers, interview, ci),
        kubernetes_version=_checked_version(ask("kubernetes_version", KUBERNETES, _checked_version)),
        branch=known.get("branch") or branch or defaults.get("branch", "main"),
        minimal=minimal,
        tenancy=tenancy,
    )
    if "argosyInstall" not in given.switches:
        said = ask("argosy_install", argosy_install or "-", _checked_installation)
        settings = replace(settings, argosy_install="" if said == "-" else said)
    form = (seed.origin and given.written[0]) or settings.format
    made = [files.application(part, Application("app", form, seed=seed), settings) for part in applications]
    names = tuple(sorted(each.name for each in made))
    chained = tuple(
        edits.permitting_sources(replace(each, applications=names), made, settings)
        for each in chain(environments, settings.revision, settings.branch)
    )
    if answers.environments is not None and not given.environments:
        chained = files.environments(answers.environments, chained)
    _refuse_unknown(chained, made)
    owners = sorted({each.team for each in made if each.team}) if settings.tenancy is Tenancy.TEAM else []
    by_name = tuple(sorted(made, key=lambda each: each.name))
    repository = Repository(
        settings, chained, by_name, teams=tuple(map(Team, owners)), clusters=answers.clusters
    ).with_shared_chart()
    edits.refuse_mixed_teams(repository)
    own = {key: value for key, value in given.switches.items() if key in house.questions}
    switches = {key: value for key, value in given.switches.items() if key not in own}
    switched = _switched(repository, replace(given, switches=switches), answers, interview)
    return privileges.of_new(_layered(switched, house, {**answers.of_layers, **own}, interview))


@dataclass(frozen=True, slots=True)
class House:
    """The layers that were fetched, what they ask, and their other defaults for the built-in template's questions."""

    layers: Sequence[Layer] = ()
    questions: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=dict)


def _house(given: Given) -> House:
    """Fetch the layers."""
    if not given.templates:
        return House()
    from argosy.repository import answers as files  # noqa: PLC0415
    from argosy.template import fetching, layers  # noqa: PLC0415

    found, questions, defaults = list[Layer](), set[str](), dict[str, Any]()
    for each in given.templates:
        layer = fetching.fetch(*fetching.parted(each))
        if any(layer.name == other.name for other in found):
            raise UsageError(
                f"Two layers are called {layer.name}.", "Add one of them later: argosy template add --name"
            )
        pack = layers.pack(layer)
        for key, message in files.judged(pack.definition.defaults):
            raise pack.refused(pack.definition.file, pack.definition.lines.get(key, 1), message)
        found.append(layer)
        questions |= pack.definition.questions.keys()
        defaults |= pack.definition.defaults
    return House(found, frozenset(questions), defaults)


def _layered(repository: Repository, house: House, said: Mapping[str, Any], interview: Interview) -> Repository:
    """Return the repository with layers, each with its questions answered."""
    if not house.layers:
        return repository
    from argosy.change import layering  # noqa: PLC0415
    from argosy.template import layers as packs  # noqa: PLC0415

    def ask(question: Mapping[str, Any]) -> str:
        choices, default = [str(each) for each in question["choices"]], question.get("default", "")
        told = f"{question['help']} ({', '.join(choices)})" if choices else str(question["help"])

        def chosen(written: str) -> str:
            if choices and written not in choices:
                raise UsageError(f"“{written}” is no choice.", f"It is {' or '.join(choices)}.")
            return written

        shown = default if isinstance(default, str) else json.dumps(default)
        return interview.ask(question["name"], (told, told), shown, chosen)

    for layer in house.layers:
        own = {key: said[key] for key in packs.pack(layer).definition.questions if key in said}
        answered = layering.answered(repository, layer, own, ask if interview.asks else None)
        repository = layering.with_layer(repository, answered)
    return repository


def _switched(repository: Repository, given: Given, answers: Answers, interview: Interview) -> Repository:
    """Return the repository with what production needs switched on, as far as that is wanted."""
    from argosy.change import edits  # noqa: PLC0415
    from argosy.names import did_you_mean  # noqa: PLC0415
    from argosy.repository import switches  # noqa: PLC0415

    known = (*edits.SWITCHED, "argosyInstall")
    for key in given.switches:
        if key not in known:
            hint = did_you_mean(key, known) or f"The switches are {', '.join(known)}."
            raise UsageError(f"“{key}” is not a switch.", hint)
    said = answers.production is not None or given.switches.keys() - {"argosyInstall"}
    wanted = given.production or (not said and interview.confirm("production", QUESTIONS["production"]))
    production = answers.production or Production()
    if wanted:
        production = switches.all_on(production)
    elif not said:
        keeps = interview.confirm("self_managed", QUESTIONS["self_managed"])
        production = replace(production, self_managed=keeps)
    on = replace(repository, settings=replace(repository.settings, production=production))
    secured = edits.with_pod_security(on, on=True) if wanted else on
    return edits.set_repository(secured, given.switches)


def _refuse_unknown(environments: Sequence[Environment], applications: Sequence[Application]) -> None:
    names = [environment.name for environment in environments]
    given = ((each, what) for application in applications for each, what in _given(application.seed))
    for (name, value), what in given:
        if name not in names:
            raise UsageError(
                f"The {what} {value} is for the environment “{name}”, and there is none of that name.",
                f"The environments are {', '.join(names) or 'none'}.",
            )


def _written(
    places: tuple[str | None, str | None, str | None],
    versions: Sequence[tuple[str, str]],
    form: str | None,
    *,
    alone: bool,
) -> tuple[Format | None, Seed]:
    """Return what options say of how applications are written, and what comes from elsewhere."""
    if any(places) and not alone:
        raise UsageError("--image and --port are for applications that are written here.", "Leave them out.")
    from argosy.change import seeds  # noqa: PLC0415

    return seeds.seed((DEFAULT_IMAGE, DEFAULT_PORT, ()), form, places, versions)


def _given(seed: Seed) -> Iterator[tuple[tuple[str, object], str]]:
    """Yield what is given for one environment, with its name, and what it is."""
    yield from ((each, "image") for each in seed.images)
    yield from ((each, "version") for each in seed.revisions)


def _environments(
    given: Given, answers: Answers, interview: Interview, begun: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    if given.environments:
        return given.environments
    if answers.environments is not None:
        return tuple((part["name"], part.get("cluster", "")) for part in answers.environments)

    def convert(written: str) -> tuple[tuple[str, str], ...]:
        environments = tuple(options.EnvironmentType().convert(each, None, None) for each in written.split())
        chain(environments, RevisionStyle.TRUNK)
        return environments

    default = " ".join(name for name, _ in begun)
    return interview.ask("environments", QUESTIONS["environments"], default, convert)


def _applications(given: Given, answers: Answers, interview: Interview) -> tuple[Mapping[str, Any], ...]:
    """Return the applications as an answers file has them, without what options say of all applications."""
    if given.applications:
        return tuple({"name": name} for name in given.applications if name)
    if answers.applications is not None:
        images = dict(given.images)
        said = {"image": "" in images, "images": bool(images), "port": given.port, "format": given.settings["format"]}
        return tuple({key: value for key, value in part.items() if not said.get(key)} for part in answers.applications)

    def convert(written: str) -> tuple[Mapping[str, Any], ...]:
        names = [name for name in written.split() if name != "-"]
        return tuple({"name": Application(name).name} for name in names)

    return interview.ask("applications", QUESTIONS["applications"], "my-app", convert)


def _seed(given: Given, applications: Sequence[Mapping[str, Any]], interview: Interview) -> Seed:
    if not applications and (given.images or given.port):
        raise UsageError(
            "--image and --port describe applications, and there is none.", "Leave them out, or give --app."
        )
    if not applications:
        interview = Interview(asks=False)
    images = dict(given.images)

    def port(written: str) -> int:
        if not (written.isdecimal() and 1 <= int(written) <= 65535):
            raise UsageError(f"“{written}” is not a port.", "Ports go from 1 to 65535.")
        return int(written)

    def ask(key: str, default: str, convert: Callable[[str], Answer]) -> Answer:
        return interview.ask(key, QUESTIONS[key], default, convert)

    everywhere = images.pop("", None)
    return Seed(
        everywhere or ask("image", str(DEFAULT_IMAGE), Image.parse),
        given.port or ask("port", str(DEFAULT_PORT), port),
        tuple(images.items()),
    )


def _follow_up(given: Given, answers: Answers, interview: Interview, ci: CiHost) -> bool:
    known = answers.follow_up if given.follow_up is None else given.follow_up
    if known is not None or ci is CiHost.NONE:
        return bool(known)
    return interview.confirm("follow_up", QUESTIONS["follow_up"])


def _one_of(choices: Iterable[StrEnum]) -> Callable[[str], str]:
    def convert(written: str) -> str:
        if written not in list(choices):
            raise UsageError(f"“{written}” is not one of {', '.join(choices)}.")
        return written

    return convert


def _checked_installation(setting: str) -> str:
    if setting != "-":
        Settings(name="any", repo_url="https://example.com/any.git", argosy_install=setting)
    return setting


def _checked_url(url: str) -> str:
    check_repository_url(url)
    return url


def _checked_version(version: str) -> str:
    from argosy.schemas import store  # noqa: PLC0415

    known = [each for each in store.versions() if int(each.partition(".")[2]) >= OLDEST_MINOR]
    if version not in known:
        raise UsageError(
            f"“{version}” is not a Kubernetes version that argosy has schemas for.",
            f"Give one from {known[0]} to {known[-1]}.",
        )
    return version


def _name(folder: str) -> str:
    """Return the name of a repository in a folder, as its host would make it: `Dépôt 2` becomes `Depot-2`."""
    plain = unicodedata.normalize("NFKD", folder).encode("ascii", "ignore").decode()
    return re.sub(r"[^\w.-]+", "-", plain, flags=re.ASCII).strip("-.") or "gitops"


def _clone(destination: Path) -> tuple[str, str]:
    """Return the URL that a fresh clone comes from, and its branch; "" for what there is not."""
    from argosy import git  # noqa: PLC0415

    if not (destination / ".git").exists():
        return "", ""
    url = without_password(git.origin(destination))
    try:
        check_repository_url(url)
    except UsageError:
        url = ""
    return url, git.branch(destination)


def _host(repo_url: str) -> str:
    server = re.sub(r"^(\w+://)?([^/@]*@)?", "", repo_url).partition("/")[0]
    return next((host for host in ("gitlab", "bitbucket") if host in server), "github")


def _render(repository: Repository) -> Tree:
    from argosy.change import installation  # noqa: PLC0415
    from argosy.template import rendering  # noqa: PLC0415

    tree = rendering.render(repository)
    return {**tree, **{path: rendering.File(content) for path, content in installation.files(tree).items()}}


def _create(destination: Path, repository: Repository, tree: Tree, git: bool) -> None:
    from argosy.template import creation  # noqa: PLC0415

    settings = repository.settings
    a_branch_each = settings.revision is RevisionStyle.BRANCH
    creation.create(
        destination,
        tree,
        branch=settings.branch,
        branches=[environment.revision for environment in repository.environments] if a_branch_each else (),
        use_git=git,
    )


def _diff(tree: Tree) -> bytes:
    import difflib  # noqa: PLC0415

    return b"".join(
        line
        for path, file in sorted(tree.items())
        for line in difflib.diff_bytes(
            difflib.unified_diff,
            [],
            file.content.splitlines(keepends=True),
            b"/dev/null",
            f"b/{path}".encode(),
        )
    )


def _as_json(tree: Tree) -> str:
    return data.written("Files", {"files": {path: file.content.decode() for path, file in sorted(tree.items())}})


def _warn_of_outer_repository(destination: Path) -> None:
    from argosy import git  # noqa: PLC0415

    outer = git.top_level(next(parent for parent in destination.parents if parent.is_dir()))
    if outer and not git.is_ignored(outer, destination):
        click.echo(
            f"{destination} lies in the git repository {outer}. Argo CD needs it to be one of its own: keep it out of "
            "the outer one, for example by its .gitignore.",
            err=True,
        )


def _show_plan(destination: Path, repository: Repository, files: int, git: bool) -> None:
    from argosy.repository import switches  # noqa: PLC0415

    settings = repository.settings
    rows = {
        "Folder": destination,
        "Repository URL": settings.repo_url,
        "Environments": " → ".join(environment.name for environment in repository.environments),
        "Applications": ", ".join(each.name for each in repository.applications) or "none",
        "Format": settings.format,
        "Argo CD": settings.argocd,
        "Revision": settings.revision,
        "CI": f"{settings.ci}, with follow-up pull requests" if settings.follow_up else settings.ci,
        "Kubernetes": settings.kubernetes_version,
        **({"Templates": ", ".join(map(str, settings.layers))} if settings.layers else {}),
        "Switched on": ", ".join(switches.shown(settings.production)) or "nothing",
        "Files": f"{files}, committed on {settings.branch}" if git else files,
    }
    for name, value in rows.items():
        click.echo(f"  {name:15} {value}", err=True)


def _host_to_be(destination: Path, repository: Repository) -> Host:
    """Return the host that a repository is made on.

    Raise ArgosyError where the repository is there, that cannot be asked, or git would push to another one.
    """
    from argosy import git, hosting  # noqa: PLC0415

    url = repository.settings.repo_url
    try:
        host = hosting.host_of(url, {})
    except UsageError as error:
        said = (
            f"Set {hosting.VARIABLES['kind']} in the environment to the kind of the host, or leave out --create-remote."
        )
        raise UsageError(error.message, said) from error
    origin = git.origin(destination) if (destination / ".git").exists() else ""
    if origin and _project(origin) != _project(url):
        raise UsageError(
            f"--create-remote makes {url}, but origin of {destination} is {without_password(origin)}: git would push "
            "there.",
            f"Push to the new one: git -C {shlex.quote(str(destination))} remote set-url origin {shlex.quote(url)}. Or "
            "give origin's URL as --repo-url.",
        )
    if host.token() is None:
        raise UsageError(
            f"--create-remote needs a token for {host.name}.",
            f"Set {' or '.join(host.token_variables)} to one with {host.making}.",
        )
    host.check_absent()
    return host


def _project(url: str) -> tuple[str, str]:
    """Return the host and the project that a URL names, the same by HTTPS and by SSH."""
    from argosy import hosting  # noqa: PLC0415
    from argosy.hosting.remote import parse  # noqa: PLC0415

    try:
        # SSH has a port of its own, and hosts tell no capitals apart.
        return re.sub(r":\d+$", "", parse(url).host), hosting.host_of(url, {}).project.lower()
    except UsageError:
        return "", url


def _by_hand(destination: Path, repository: Repository) -> str:
    url = repository.settings.repo_url
    return (
        f"{destination} is complete and committed. To finish: make the repository on its host, without a README, and\n"
        f"    cd {shlex.quote(str(destination))}{_before_push(destination, url).replace('       ', '    ')}\n"
        "    git push --set-upstream origin --all"
    )


def _make_remote(host: Host, destination: Path, repository: Repository, made: Tree, say: Callable[[str], None]) -> int:
    """Make the repository on its host, push to it and protect its branches; return the exit code."""
    from argosy import git  # noqa: PLC0415

    url, branch = repository.settings.repo_url, repository.settings.branch
    try:
        host.make(branch)
    except ArgosyError as error:
        raise ArgosyError(error.message, f"{error.hint}\n  {_by_hand(destination, repository)}") from error
    say(f"Made {host.project} on {host.name}: private, and empty.")
    try:
        if not git.origin(destination):
            git.run(destination, "remote", "add", "origin", url)
        # What is pushed first is the default branch on most hosts.
        git.run(destination, "push", "--quiet", "--set-upstream", "origin", branch)
        git.run(destination, "push", "--quiet", "--set-upstream", "origin", "--all")
    except ArgosyError as error:
        protection = " Then protect its branches, as its README.md says." if host.rules_file in made else ""
        raise ArgosyError(
            f"{host.project} is made on {host.name}, but not all is pushed: {error.message}",
            f"Check your rights to push, and finish: git -C {shlex.quote(str(destination))} push --set-upstream origin "
            f"--all.{protection}",
        ) from error
    say(f"Pushed to {url}.")
    return _protected(host, made[host.rules_file].content, say) if host.rules_file in made else 0


def _protected(host: Host, rules: bytes, say: Callable[[str], None]) -> int:
    import json  # noqa: PLC0415

    refused: list[str] = []
    try:
        refused += host.protect(json.loads(rules))
    except ArgosyError as error:
        refused.append(error.message)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        # A layer may write the file, and ignore the rules that judge it.
        refused.append(f"{host.rules_file} could not be read: it is not what {host.name} takes.")
    if not refused:
        say(f"Protected its branches as {host.rules_file} says.")
        return 0
    for each in refused:
        _say(each)
    _say(f"{host.rules_file} is not applied in full: README.md says under “Once: protect the branches” how to do it.")
    return 3


def _validated(destination: Path, made: Tree, *, git: bool, output: str, quiet: bool) -> int:
    from argosy.cli import drawing, validation  # noqa: PLC0415

    if not quiet:
        click.echo(drawing.drawn(destination.name, made), err=True)
        click.echo(f"Wrote {len(made)} files to {destination}{', and committed them' if git else ''}.", err=True)
    return validation.run(destination, output=output, quiet=quiet)


def _next_steps(
    destination: Path, repository: Repository, made: Tree, reason: str, git: bool, *, is_pushed: bool
) -> str:
    from argosy.change import (  # noqa: PLC0415
        components,
        edits,
    )

    url, branch = repository.settings.repo_url, repository.settings.branch
    push = (
        "Look at it on its host: it is pushed."
        if is_pushed
        else f"Push it:{_before_push(destination, url)}\n       git push --set-upstream origin --all"
        if git
        else f"Commit it, and push it to {url} on the branch {branch}."
    )
    needed = "".join(
        f"\n  {number}. {each}"
        for number, each in enumerate(
            (
                *(f"{each}. {reason}".rstrip(" .") for each in edits.unset(repository, made.__contains__)),
                *components.missing(repository),
                *_placeholders(made),
            ),
            4,
        )
    )
    return f"""
Next:
  1. Read README.md, and look around:
       cd {shlex.quote(str(destination))}
  2. {push}
  3. Once for each cluster that runs Argo CD:
       argosy bootstrap    # installs Argo CD, and hands the repository over to it{needed}"""


def _placeholders(made: Tree) -> list[str]:
    """Return what is to be filled in, with the first place of each: `argosy validate` lists them all."""
    from argosy.documents import parse  # noqa: PLC0415
    from argosy.rules import placeholders  # noqa: PLC0415

    found: dict[placeholders.Placeholder, str] = {}
    for path, file in sorted(made.items()):
        if path.endswith((".yaml", ".yml")) and "/templates/" not in path:
            for document in parse(file.content.decode(), path).documents:
                for each, at in placeholders.find(document):
                    found.setdefault(each, f"{path}:{document.line_of(at)}")
    listed = "".join(
        f"\n       {each.text:20} {each.meaning} ({found[each]})" for each in placeholders.PLACEHOLDERS if each in found
    )
    return [f"Fill in the placeholders, which argosy validate lists with all their places:{listed}"] if listed else []


def _before_push(destination: Path, url: str) -> str:
    from argosy import git  # noqa: PLC0415

    steps = ""
    if not git.at(destination).has_identity():
        steps += (
            "\n       git config --global user.name 'Your Name'; git config --global user.email you@example.com"
            "\n       git commit --amend --reset-author --no-edit    # git knew no name: argosy committed as itself"
        )
    if not git.origin(destination):
        steps += f"\n       git remote add origin {shlex.quote(url)}"
    return steps
