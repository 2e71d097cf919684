"""`argosy init`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from generator.cli import options
from generator.errors import UsageError
from generator.model import (
    DEFAULT_IMAGE,
    DEFAULT_PORT,
    Application,
    ArgocdStyle,
    CiHost,
    Format,
    Image,
    Repository,
    RevisionStyle,
    Seed,
    Settings,
    chain,
)

DEFAULT_ENVIRONMENTS = (("dev", ""), ("staging", ""), ("prod", ""))


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line gave; None or empty where it gave nothing."""

    repo_url: str | None
    environments: tuple[tuple[str, str], ...]
    applications: tuple[str, ...]
    images: tuple[tuple[str, Image], ...]
    port: int | None
    settings: Mapping[str, str | None]


@click.command("init")
@click.argument("destination", metavar="DEST", type=click.Path(path_type=Path))
@click.option("--repo-url", metavar="URL", help="Under which URL Argo CD clones the repository.")
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
@click.option("--format", type=options.choice(Format), help="How the applications are written.  [default: helm]")
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
    "--kubernetes-version", metavar="1.NN", help="The Kubernetes version to check manifests for.  [default: 1.37]"
)
@click.option(
    "--answers",
    "answers_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A YAML file that answers what the options leave open.",
)
@click.option("--defaults", is_flag=True, help="Ask nothing: take the defaults for what is not given.")
@click.option("--git/--no-git", default=True, help="Make a git repository and a first commit.  [default: git]")
@click.option("--dry-run", is_flag=True, help="Print the files as a diff, and write nothing.")
@options.output("text", "json")
@options.quiet
def command(
    destination: Path,
    repo_url: str | None,
    environments: tuple[tuple[str, str], ...],
    applications: tuple[str, ...],
    images: tuple[tuple[str, Image], ...],
    port: int | None,
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
    from generator import creation  # noqa: PLC0415

    destination = Path(destination.expanduser().absolute())
    creation.check(destination)
    given = Given(repo_url, environments, applications, images, port, settings)
    asks = not defaults and sys.stdin.isatty() and sys.stderr.isatty()
    repository = _repository(destination, given, answers_file, asks)
    tree = _render(repository)
    if dry_run:
        click.echo(_diff(tree), nl=False)
        return 0
    if asks:
        _show_plan(destination, repository, len(tree), git)
        click.confirm("Write it?", default=True, abort=True, err=True)
    branches = [environment.revision for environment in repository.environments]
    settings_ = repository.settings
    creation.create(
        destination,
        tree,
        branch=settings_.branch,
        branches=branches if settings_.revision is RevisionStyle.BRANCH else (),
        use_git=git,
    )
    return _finish(destination, repository, len(tree), git, output, quiet)


def _repository(destination: Path, given: Given, answers_file: Path | None, asks: bool) -> Repository:
    from generator import answers as files  # noqa: PLC0415

    answers = files.read(answers_file) if answers_file else files.Answers()
    known: dict[str, str] = {**answers.settings, **{key: value for key, value in given.settings.items() if value}}
    if given.repo_url:
        known["repo_url"] = given.repo_url
    name = known.get("repository_name", destination.name)

    def ask(key: str, question: str, default: str, choices: type | None = None) -> str:
        return known[key] if key in known else _ask(question, default, choices) if asks else default

    repo_url = ask("repo_url", "Repository URL", _remote(destination) or f"https://github.com/your-org/{name}.git")
    environments = given.environments or tuple(
        (part["name"], part.get("cluster", "")) for part in answers.environments or ()
    )
    if not environments and answers.environments is None:
        environments = _asked_environments() if asks else DEFAULT_ENVIRONMENTS
    applications = _names(given, answers, asks)
    seed = _seed(given, applications, asks and answers.applications is None)
    settings = Settings(
        name=name,
        repo_url=repo_url,
        format=Format(ask("format", "Format of the applications", "helm", Format)),
        argocd=ArgocdStyle(ask("argocd", "Argo CD learns of them by", "applications", ArgocdStyle)),
        revision=RevisionStyle(ask("revision", "Environments follow one", "trunk", RevisionStyle)),
        ci=CiHost(ask("ci", "CI", _host(repo_url), CiHost)),
        kubernetes_version=ask("kubernetes_version", "Kubernetes version", "1.37"),
        branch=known.get("branch", "main"),
    )
    return _assemble(settings, environments, applications, seed, given, answers)


def _assemble(
    settings: Settings,
    names: tuple[tuple[str, str], ...],
    applications: tuple[Mapping[str, Any], ...],
    seed: Seed,
    given: Given,
    answers: Any,
) -> Repository:
    from generator import answers as files  # noqa: PLC0415

    environments = chain(names, settings.revision, settings.branch)
    if answers.environments is not None and not given.environments:
        environments = files.environments(answers.environments, environments)
    made = tuple(
        files.application(part, Application(part["name"], settings.format, seed=seed)) for part in applications
    )
    unknown = [name for name, _ in given.images if name and name not in {each.name for each in environments}]
    if unknown:
        raise UsageError(
            f"--image {unknown[0]}=…: there is no environment “{unknown[0]}”.",
            "The environments are " + ", ".join(each.name for each in environments) + ".",
        )
    placed = {name for environment in environments for name in environment.applications}
    everywhere = tuple(each for each in made if each.name not in placed)
    elsewhere = tuple(each for each in made if each.name in placed)
    repository = Repository(settings, environments, elsewhere).with_applications(everywhere)
    return replace(repository, applications=tuple(sorted(repository.applications, key=lambda each: each.name)))


def _names(given: Given, answers: Any, asks: bool) -> tuple[Mapping[str, Any], ...]:
    if given.applications:
        return tuple({"name": name} for name in given.applications if name)
    if answers.applications is not None:
        return tuple(answers.applications)
    names = _ask("Applications, separated by blanks (- for none)", "my-app").split() if asks else ["my-app"]
    return tuple({"name": name} for name in names if name != "-")


def _seed(given: Given, applications: Sequence[Mapping[str, Any]], asks: bool) -> Seed:
    if not applications and (given.images or given.port):
        raise UsageError(
            "--image and --port describe applications, and there is none.", "Leave them out, or give --app."
        )
    images = dict(given.images)
    image = images.pop("", None)
    if image is None:
        image = Image.parse(_ask("Image", str(DEFAULT_IMAGE))) if asks and applications else DEFAULT_IMAGE
    port = given.port
    if port is None:
        port = (
            click.prompt("Port", DEFAULT_PORT, type=click.IntRange(1, 65535), err=True)
            if asks and applications
            else (DEFAULT_PORT)
        )
    return Seed(image, port, tuple(images.items()))


def _ask(question: str, default: str, choices: type | None = None) -> str:
    kind = options.choice(choices) if choices else None
    answer: str = click.prompt(question, default, type=kind, err=True)
    return answer.strip()


def _asked_environments() -> tuple[tuple[str, str], ...]:
    default = " ".join(name for name, _ in DEFAULT_ENVIRONMENTS)
    written = _ask("Environments in promotion order, separated by blanks, each NAME or NAME=CLUSTER", default)
    return tuple(options.EnvironmentType().convert(each, None, None) for each in written.split())


def _remote(destination: Path) -> str:
    from generator import git  # noqa: PLC0415

    return next(iter(git.remotes(destination)), "") if (destination / ".git").exists() else ""


def _host(repo_url: str) -> str:
    return next((host for host in ("gitlab", "bitbucket") if host in repo_url), "github")


def _render(repository: Repository) -> Any:
    from generator import engine  # noqa: PLC0415

    return engine.render(repository)


def _diff(tree: Mapping[str, Any]) -> str:
    import difflib  # noqa: PLC0415

    return "".join(
        line
        for path, file in sorted(tree.items())
        for line in difflib.unified_diff([], file.content.decode().splitlines(keepends=True), "/dev/null", f"b/{path}")
    )


def _show_plan(destination: Path, repository: Repository, files: int, git: bool) -> None:
    settings = repository.settings
    rows = {
        "Folder": destination,
        "Repository URL": settings.repo_url,
        "Environments": " → ".join(environment.name for environment in repository.environments),
        "Applications": ", ".join(each.name for each in repository.applications) or "none",
        "Format": settings.format,
        "Argo CD": settings.argocd,
        "Revision": settings.revision,
        "CI": settings.ci,
        "Kubernetes": settings.kubernetes_version,
        "Files": f"{files}, committed on {settings.branch}" if git else files,
    }
    for name, value in rows.items():
        click.echo(f"  {name:15} {value}", err=True)


def _finish(destination: Path, repository: Repository, files: int, git: bool, output: str, quiet: bool) -> int:
    from generator.cli import validate  # noqa: PLC0415

    if not quiet:
        done = f"Wrote {files} files to {destination}" + (", and committed them." if git else ".")
        click.echo(done, err=True)
    code = validate.run(destination, output=output, quiet=quiet)
    if not quiet and not code:
        click.echo(_next_steps(destination, repository, git), err=True)
    return code


def _next_steps(destination: Path, repository: Repository, git: bool) -> str:
    url, branch = repository.settings.repo_url, repository.settings.branch
    push = (
        f"""
  2. Push it:
       git remote add origin {url}
       git push --set-upstream origin --all"""
        if git
        else f"""
  2. Commit it, and push it to {url} on the branch {branch}."""
    )
    return f"""
Next:
  1. Read {destination.name}/README.md, and look around:
       cd {destination}{push}
  3. Once for each cluster that runs Argo CD:
       kubectl create namespace argocd
       kubectl apply --server-side --kustomize argocd/install
       kubectl apply --namespace argocd --filename argocd/root.yaml"""
