"""`argosy init`."""

from __future__ import annotations

import re
import shlex
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from argosy.cli import options
from argosy.errors import ArgosyError, InterruptedByUserError, UsageError
from argosy.repository.model import (
    DEFAULT_IMAGE,
    DEFAULT_PORT,
    KUBERNETES,
    OLDEST_MINOR,
    Application,
    ArgocdStyle,
    CiHost,
    Environment,
    Format,
    Image,
    Production,
    Repository,
    RevisionStyle,
    Seed,
    Settings,
    chain,
    check_repository_url,
    without_password,
)

if TYPE_CHECKING:
    from argosy.repository.answers import Answers
    from argosy.template.rendering import Tree

Answer = TypeVar("Answer")

DEFAULT_ENVIRONMENTS = (("dev", ""), ("staging", ""), ("prod", ""))


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line gave; None or empty where it gave nothing."""

    repo_url: str | None
    environments: tuple[tuple[str, str], ...]
    applications: tuple[str, ...]
    images: tuple[tuple[str, Image], ...]
    port: int | None
    follow_up: bool | None
    production: bool
    switches: Mapping[str, str]
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
@click.option("--format", type=options.choice(Format), help="The format of the applications.  [default: helm]")
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
@click.option("--production", is_flag=True, help="Switch on everything for production that needs no decision of yours.")
@click.option(
    "--set",
    "switched",
    type=options.SettingType(),
    multiple=True,
    help="Switch something on or off, as argosy set repository does: secrets=external-secrets, networkPolicies=true.",
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
@click.option("--defaults", is_flag=True, help="Do not ask. What is not given takes its default.")
@click.option("--git/--no-git", default=True, help="Make a git repository and a first commit.  [default: git]")
@click.option("--dry-run", is_flag=True, help="Print the files as a diff, and write nothing.")
@options.output("text", "json")
@options.no_cache
@options.quiet
def command(
    *,
    destination: Path,
    repo_url: str | None,
    environments: tuple[tuple[str, str], ...],
    applications: tuple[str, ...],
    images: tuple[tuple[str, Image], ...],
    port: int | None,
    follow_up: bool | None,
    production: bool,
    switched: tuple[tuple[str, str], ...],
    answers_file: Path | None,
    defaults: bool,
    git: bool,
    dry_run: bool,
    output: str,
    quiet: bool,
    **settings: str | None,
) -> int:
    """Lay out a new GitOps repository in DEST, commit it, and validate it.

    On a terminal, argosy asks for what the options do not give, and shows the plan before it writes.
    """
    from argosy.template import creation  # noqa: PLC0415

    destination = _absolute(destination)
    creation.check(destination, use_git=git and not dry_run)
    destination = destination.resolve()
    given = Given(repo_url, environments, applications, images, port, follow_up, production, dict(switched), settings)
    asks = not defaults and sys.stdin.isatty() and sys.stderr.isatty()
    repository = _repository(destination, given, answers_file, asks)
    tree = _render(repository)
    if dry_run:
        click.echo(_as_json(tree) if output == "json" else _diff(tree), nl=False)
        return 0
    if not quiet:
        _warn_of_outer_repository(destination)
        for left in creation.remains(destination):
            click.echo(f"{left} is another argosy init's: if none is running, remove it (rm -r).", err=True)
    if asks:
        _show_plan(destination, repository, len(tree), git)
        if not click.confirm("Write it?", default=True, err=True):
            raise ArgosyError("Cancelled. Nothing was written.")
    try:
        _create(destination, repository, tree, git)
        return _finish(destination, repository, tree, git=git, output=output, quiet=quiet)
    except KeyboardInterrupt:
        if not all((destination / path).exists() for path in tree):
            raise InterruptedByUserError("Interrupted: nothing was written.") from None
        raise InterruptedByUserError(
            f"Interrupted: {destination} is complete, but not validated.",
            f"argosy validate --repository {shlex.quote(str(destination))}",
        ) from None


def _absolute(destination: Path) -> Path:
    try:
        return destination.expanduser().absolute()
    except RuntimeError as error:
        raise UsageError(f"{destination}: there is no such home directory.", f"Write ./{destination}.") from error


def _repository(destination: Path, given: Given, answers_file: Path | None, asks: bool) -> Repository:
    from argosy.change import privileges  # noqa: PLC0415
    from argosy.repository import answers as files  # noqa: PLC0415

    answers = files.read(answers_file) if answers_file else files.Answers()
    known: dict[str, str] = {
        **answers.settings,
        **{key: value for key, value in given.settings.items() if value is not None},
    }
    if given.repo_url is not None:
        known["repo_url"] = given.repo_url
    name = known.get("repository_name") or _name(destination.name)

    def ask(key: str, question: str, default: str, convert: Callable[[str], str] | click.Choice[str]) -> str:
        return known[key] if key in known else _ask(question, default, convert) if asks else default

    origin, branch = _clone(destination)
    repo_url = ask("repo_url", "Repository URL", origin or f"https://github.com/your-org/{name}.git", _checked_url)
    environments = _environments(given, answers, asks)
    applications = _applications(given, answers, asks)
    seed = _seed(given, applications, asks and answers.applications is None)
    style = options.choice
    settings = Settings(
        name=name,
        repo_url=repo_url,
        format=Format(ask("format", "Format of the applications", "helm", style(Format))),
        argocd=ArgocdStyle(
            ask("argocd", "One Application per application, or one ApplicationSet?", "applications", style(ArgocdStyle))
        ),
        revision=RevisionStyle(ask("revision", "Environments follow one", "trunk", style(RevisionStyle))),
        ci=(ci := CiHost(ask("ci", "CI", _host(repo_url), style(CiHost)))),
        follow_up=_follow_up(given, answers, asks and ci is not CiHost.NONE),
        kubernetes_version=_checked_version(
            ask("kubernetes_version", "Kubernetes version", KUBERNETES, _checked_version)
        ),
        branch=known.get("branch") or branch or "main",
        argosy_install=known.get("argosy_install", ""),
    )
    made = [files.application(part, Application(part["name"], settings.format, seed=seed)) for part in applications]
    names = tuple(sorted(each.name for each in made))
    chained = tuple(
        replace(each, applications=names) for each in chain(environments, settings.revision, settings.branch)
    )
    if answers.environments is not None and not given.environments:
        chained = files.environments(answers.environments, chained)
    _refuse_unknown(chained, made)
    repository = Repository(settings, chained, tuple(sorted(made, key=lambda each: each.name)))
    return privileges.of_new(_switched(repository, given, answers, asks))


def _switched(repository: Repository, given: Given, answers: Answers, asks: bool) -> Repository:
    """Return the repository with what production needs switched on, as far as that is wanted."""
    from argosy.change import edits  # noqa: PLC0415
    from argosy.repository import switches  # noqa: PLC0415

    question = "Switch on what production needs (highly available, monitored, locked down)?"
    known = (*edits.SWITCHED, "argosyInstall")
    said = answers.production is not None or given.switches.keys() - {"argosyInstall"}
    wanted = given.production or (asks and not said and click.confirm(question, err=True))
    production = answers.production or Production()
    if wanted:
        production = switches.all_on(production)
    elif asks and not said:
        keeps = "Does Argo CD keep itself as the repository has it (selfManaged)?"
        production = replace(production, self_managed=click.confirm(keeps, err=True))
    for key in given.switches:
        if key not in known:
            raise UsageError(f"“{key}” is not a switch.", f"The switches are {', '.join(known)}.")
    on = replace(repository, settings=replace(repository.settings, production=production))
    secured = edits.with_pod_security(on, on=True) if wanted else on
    return edits.set_repository(secured, given.switches)


def _refuse_unknown(environments: Sequence[Environment], applications: Sequence[Application]) -> None:
    names = [environment.name for environment in environments]
    for name, image in (each for application in applications for each in application.seed.images):
        if name not in names:
            raise UsageError(
                f"The image {image} is for the environment “{name}”, and there is none of that name.",
                f"The environments are {', '.join(names) or 'none'}.",
            )


def _environments(given: Given, answers: Answers, asks: bool) -> tuple[tuple[str, str], ...]:
    if given.environments:
        return given.environments
    if answers.environments is not None:
        return tuple((part["name"], part.get("cluster", "")) for part in answers.environments)
    if not asks:
        return DEFAULT_ENVIRONMENTS

    def convert(written: str) -> tuple[tuple[str, str], ...]:
        environments = tuple(options.EnvironmentType().convert(each, None, None) for each in written.split())
        chain(environments, RevisionStyle.TRUNK)
        return environments

    question = "Environments in promotion order, separated by blanks, each NAME or NAME=CLUSTER"
    return _ask(question, " ".join(name for name, _ in DEFAULT_ENVIRONMENTS), convert)


def _applications(given: Given, answers: Answers, asks: bool) -> tuple[Mapping[str, Any], ...]:
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

    return _ask("Applications, separated by blanks (- for none)", "my-app", convert) if asks else ({"name": "my-app"},)


def _seed(given: Given, applications: Sequence[Mapping[str, Any]], asks: bool) -> Seed:
    if not applications and (given.images or given.port):
        raise UsageError(
            "--image and --port describe applications, and there is none.", "Leave them out, or give --app."
        )
    asks = asks and bool(applications)
    images = dict(given.images)
    image = images.pop("", None) or (_ask("Image", str(DEFAULT_IMAGE), Image.parse) if asks else DEFAULT_IMAGE)
    ports = click.IntRange(1, 65535)
    port = given.port or (click.prompt("Port", DEFAULT_PORT, type=ports, err=True) if asks else DEFAULT_PORT)
    return Seed(image, port, tuple(images.items()))


def _follow_up(given: Given, answers: Answers, asks: bool) -> bool:
    known = answers.follow_up if given.follow_up is None else given.follow_up
    if known is not None or not asks:
        return bool(known)
    return click.confirm("Pull request to the next environment when a promotion is merged?", default=False, err=True)


def _ask(question: str, default: str, convert: Callable[[str], Answer] | click.Choice[Answer]) -> Answer:
    """Ask until the answer is one that can be meant."""
    answer: Answer
    if isinstance(convert, click.Choice):
        answer = click.prompt(question, default, type=convert, err=True)
        return answer

    def checked(written: str) -> Answer:
        try:
            return convert(written.strip())
        except ArgosyError as error:
            raise click.UsageError(f"{error.message} {error.hint}") from error

    answer = click.prompt(question, default, value_proc=checked, err=True)
    return answer


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
    from argosy.template import rendering  # noqa: PLC0415

    return rendering.render(repository)


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
    import json  # noqa: PLC0415

    return json.dumps({"files": {path: file.content.decode() for path, file in sorted(tree.items())}}, indent=2) + "\n"


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
        "Switched on": ", ".join(switches.shown(settings.production)) or "nothing",
        "Files": f"{files}, committed on {settings.branch}" if git else files,
    }
    for name, value in rows.items():
        click.echo(f"  {name:15} {value}", err=True)


def _finish(destination: Path, repository: Repository, made: Tree, *, git: bool, output: str, quiet: bool) -> int:
    from argosy.cli import tree, validation  # noqa: PLC0415

    if not quiet:
        click.echo(tree.drawn(destination.name, made), err=True)
        click.echo(f"Wrote {len(made)} files to {destination}{', and committed them' if git else ''}.", err=True)
    code = validation.run(destination, output=output, quiet=quiet)
    if not quiet and not code:
        click.echo(_next_steps(destination, repository, made, git), err=True)
    return code


def _next_steps(destination: Path, repository: Repository, made: Tree, git: bool) -> str:
    from argosy.change import (  # noqa: PLC0415
        components,
        edits,
    )

    url, branch = repository.settings.repo_url, repository.settings.branch
    push = (
        f"Push it:{_before_push(destination, url)}\n       git push --set-upstream origin --all"
        if git
        else f"Commit it, and push it to {url} on the branch {branch}."
    )
    needed = "".join(
        f"\n  {number}. {each}"
        for number, each in enumerate(
            (*edits.unset(repository), *components.missing(repository), *_placeholders(made)), 4
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
