"""The options that several commands share, and the types of their values."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import click
from click.core import ParameterSource

from argosy import data, terminal
from argosy.delivery.delivery import TAKES_AWAY, Delivery, Result
from argosy.errors import ArgosyError, UsageError
from argosy.repository.root import root_of

if TYPE_CHECKING:
    from argosy.findings import Report
    from argosy.repository.model import Image

Command = TypeVar("Command", bound=Callable[..., Any])


class EnvironmentType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of Click alone
    """NAME or NAME=CLUSTER -> (name, cluster or "")."""

    name = "NAME[=CLUSTER]"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split at the first `=`."""
        if isinstance(value, tuple):
            return value
        name, equals, cluster = value.partition("=")
        if not name or (equals and not cluster):
            self.fail(f"“{value}” is not NAME or NAME=CLUSTER.", param, ctx)
        return name, cluster


class ImageType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of Click alone
    """IMAGE or ENV=IMAGE -> (environment or "", image)."""

    name = "[ENV=]IMAGE"

    def convert(
        self, value: str | tuple[str, Image], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Image]:
        """Split at the `=`, which no image has."""
        if isinstance(value, tuple):
            return value
        from argosy.repository.model import Image  # noqa: PLC0415

        environment, _, image = value.rpartition("=")
        try:
            return environment, Image.parse(image)
        except ArgosyError as error:
            self.fail(f"{error.message} {error.hint}", param, ctx)


class SettingType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of Click alone
    """KEY=VALUE -> (key, value)."""

    name = "KEY=VALUE"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split at the first `=`."""
        if isinstance(value, tuple):
            return value
        key, equals, setting = value.partition("=")
        if not key or not equals:
            self.fail(f"“{value}” is not KEY=VALUE.", param, ctx)
        return key, setting


class VersionType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of Click alone
    """VERSION or ENV=VERSION -> (environment or "", version)."""

    name = "[ENV=]VERSION"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split at the `=`, which no version has."""
        if isinstance(value, tuple):
            return value
        environment, _, version = value.rpartition("=")
        if not version:
            self.fail(f"“{value}” is not VERSION or ENV=VERSION.", param, ctx)
        return environment, version


chart = click.option(
    "--chart",
    metavar="own|shared|REF",
    help="The Helm chart: a chart each, the one that applications share, or one from elsewhere with values here: "
    "oci://REGISTRY/PATH/CHART, https://HELM-REPOSITORY/CHART, or https://GIT-REPOSITORY//PATH.",
)
base = click.option(
    "--base",
    metavar="REF",
    help="A Kustomize base from elsewhere, with overlays here: https://GIT-REPOSITORY//PATH.",
)
source = click.option(
    "--source",
    metavar="REF",
    help="Where all of it is: https://GIT-REPOSITORY//PATH, in which {env} is the environment, or oci://REGISTRY/PATH.",
)
chart_versions = click.option(
    "--version",
    "versions",
    type=VersionType(),
    multiple=True,
    help="The version of the chart or source, or the one in an environment: also a Git tag or commit, or a digest.",
)


def asking() -> Callable[[Mapping[str, Any]], Any] | None:
    """Return what asks one of a layer's questions on a terminal; None where nobody could answer."""

    def ask(question: Mapping[str, Any]) -> Any:
        kind = click.Choice([str(each) for each in question["choices"]]) if question["choices"] else None
        default = question.get("default")
        shown = default if default is None or isinstance(default, str | int | float) else json.dumps(default)
        return click.prompt(str(question["help"]), shown, type=kind, err=True)

    return ask if sys.stdin.isatty() and sys.stderr.isatty() else None


def choice(kind: Iterable[StrEnum]) -> click.Choice[str]:
    """Return the type of an option whose values are an enumeration's."""
    return click.Choice([member.value for member in kind])


_IN_YAML = "argosy.yaml"


def output(*formats: str, kind: type[click.Choice[str]] = click.Choice) -> Callable[[Command], Command]:
    """Add `--output`, with the first format as the default. A command that knows JSON has YAML of the same for free."""
    known = [*formats]
    if "json" in known and "yaml" not in known:
        known.insert(known.index("json") + 1, "yaml")

    def choose(ctx: click.Context, _: click.Parameter, form: str) -> str:
        ctx.meta[_IN_YAML] = form == "yaml" and "yaml" not in formats
        return "json" if ctx.meta[_IN_YAML] else form

    return click.option(
        "--output",
        "-o",
        type=kind(known),
        default=formats[0],
        show_default=True,
        callback=choose,
        help="How the result is written to standard output.",
    )


def show(text: str, *, by_page: bool = False) -> None:
    """Print a result, or YAML of the JSON that it is where that was asked for; by the user's pager where it is long."""
    from argosy.reporting import pager  # noqa: PLC0415

    ctx = click.get_current_context(silent=True)
    in_yaml = ctx is not None and ctx.meta.get(_IN_YAML)
    written = data.as_yaml(text) if in_yaml else text
    if not (by_page and pager.page(written)):
        click.echo(written, nl=False)


@contextmanager
def in_json() -> Iterator[None]:
    """Have a command print JSON even where YAML is asked for, to be printed again."""
    meta = click.get_current_context().meta
    in_yaml = meta.pop(_IN_YAML, False)
    try:
        yield
    finally:
        meta[_IN_YAML] = in_yaml


quiet = click.option("--quiet", "-q", is_flag=True, help="Print only findings and errors.")


def _set_cache(ctx: click.Context, _: click.Parameter, unwanted: bool) -> None:
    """Have the command render nothing twice, and without the cache where that is asked for."""
    if ctx.resilient_parsing:
        return
    from argosy import cache  # noqa: PLC0415

    ctx.find_root().with_resource(cache.one_command())
    if unwanted:
        ctx.find_root().with_resource(cache.off())


_no_cache = click.option(
    "--no-cache",
    is_flag=True,
    expose_value=False,
    callback=_set_cache,
    help="Render everything again; neither read nor write the cache.",
)


def _name_engine(ctx: click.Context, option: click.Parameter, named: Path | None) -> None:
    """Have the command render with a program that the user names."""
    if named is None or ctx.resilient_parsing:
        return
    from argosy import engines as programs  # noqa: PLC0415

    tool = str(option.name)
    is_option = ctx.get_parameter_source(tool) is ParameterSource.COMMANDLINE
    ctx.find_root().with_resource(programs.naming(tool, named, f"--{tool}" if is_option else programs.VARIABLES[tool]))


def _engine(tool: str) -> Callable[[Command], Command]:
    return click.option(
        f"--{tool}",
        type=click.Path(path_type=Path),
        metavar="PATH",
        envvar=f"ARGOSY_{tool.upper()}",
        allow_from_autoenv=False,
        expose_value=False,
        callback=_name_engine,
        help=f"Render with this {tool} binary.  [default: one on PATH if only that is like Argo CD's, or the built-in]",
    )


def engines(command: Command) -> Command:
    """Add the options that say with what a command renders."""
    return _engine("helm")(_engine("kustomize")(command))


def rendering(command: Command) -> Command:
    """Add the options of a command that renders: with what, and whether again what was rendered before."""
    return engines(_no_cache(command))


def _set_fetching(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Have the command fetch what it needs, where that is asked for."""
    if not wanted or ctx.resilient_parsing or not _counts(ctx, "fetching"):
        return
    from argosy import remote  # noqa: PLC0415

    def say(pin: remote.Pin) -> None:
        if not ctx.params.get("quiet"):
            click.echo(f"Fetching {pin}.", err=True)

    ctx.find_root().with_resource(remote.fetching_what_lacks(say))


def _set_offline(ctx: click.Context, _: click.Parameter, offline: bool) -> None:
    """Fetch nothing, which is the default, whatever a variable says."""
    if offline and not ctx.resilient_parsing:
        _counts(ctx, "offline")


def _counts(ctx: click.Context, name: str) -> bool:
    """Return whether one of --fetch and --offline counts: the line does before a variable. Raise UsageError for both.

    Click asks first for what the line has.
    """
    wanted = ctx.meta.setdefault("argosy.elsewhere", {})
    wanted[name] = ctx.get_parameter_source(name)
    if len(wanted) == 2 and len({*wanted.values()}) == 1:
        raise UsageError("--fetch and --offline exclude each other.", "Give one of them.")
    return len(wanted) == 1 or wanted[name] is ParameterSource.COMMANDLINE


_offline = click.option(
    "--offline",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_set_offline,
    help="Fetch nothing, which is the default.",
)
_fetch = click.option(
    "--fetch",
    "fetching",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_set_fetching,
    help="Fetch what comes from elsewhere and was not fetched before, as argosy fetch does.",
)


def fetch(command: Command) -> Command:
    """Let a command fetch what it needs, or say that it is not to."""
    return _fetch(_offline(command))


folder = click.Path(file_okay=False, path_type=Path)


@contextmanager
def looking() -> Iterator[None]:
    """Have whatever refuses refuse with 2: of what only looks, 1 says that it found something."""
    try:
        yield
    except ArgosyError as error:
        error.exit_code = 2
        raise


class LookingCommand(click.Command):
    """A command that looks, and changes nothing."""

    def invoke(self, ctx: click.Context) -> object:
        """Run it."""
        with looking():
            return super().invoke(ctx)


# Of the commands that change a repository


def confirm(yes: bool, question: str, why: str = TAKES_AWAY) -> None:
    """Ask, unless the answer was given; raise UsageError with the reason where nobody can answer."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(why, "Confirm with --yes.")
    click.confirm(question, default=False, abort=True, err=True)


@dataclass(frozen=True, kw_only=True)
class ChangeOptions(Delivery):
    """Where a change goes, as the command line says, and what is printed of it."""

    output: str
    quiet: bool

    @cached_property
    def root(self) -> Path:
        """The repository's root, which is looked for once: dozens ask for it."""
        return root_of(self.repository)

    @property
    def command(self) -> str:
        """How the user said this command, without what says where the result goes."""
        places = {"--commit", "--dry-run", "--pull-request"}
        words = [each for each in sys.argv[1:] if each not in places and not each.startswith("--branch")]
        return shlex.join(["argosy", *words])

    @property
    def has_colour(self) -> bool:
        """Whether standard output is a terminal with colour."""
        return terminal.has_colour(sys.stdout)

    @property
    def is_interactive(self) -> bool:
        """Whether somebody can be asked what to do about a key."""
        return sys.stdin.isatty() and not self.dry_run

    @property
    def is_terse(self) -> bool:
        """Whether no table was shown of what has to be decided, so that it is to be listed."""
        return self.quiet or self.output == "json"

    def quietly(self) -> Self:
        """Return the same without what can be left out, and as text."""
        return replace(self, output="text", quiet=True)

    def say(self, text: str) -> None:
        """Print something for people, beside the data."""
        if not self.quiet:
            click.echo(text, err=True)

    def warn(self, text: str) -> None:
        """Print what a person has to know, whatever --quiet says."""
        click.echo(text, err=True)

    def show(self, text: str) -> None:
        """Print data, unless JSON has it in the end."""
        if self.output != "json":
            click.echo(text, nl=not text.endswith("\n"))

    def listed(self, text: str) -> None:
        """Print which files change."""
        self.say(text)

    def result(self, result: Result) -> None:
        """Print the result as JSON, or a dry run's diff."""
        if self.output == "json":
            show(data.written(result.kind, result.document))
        elif result.diff:
            click.echo(result.diff, nl=False)

    def judged(self, report: Report, *, in_tree: bool) -> None:
        """Print what is wrong: what is in the work tree is data, unless JSON is what was asked for."""
        from importlib.metadata import version  # noqa: PLC0415

        from argosy import reporting  # noqa: PLC0415

        is_data = in_tree and self.output != "json"
        written = reporting.Options.of(sys.stdout if is_data else sys.stderr, version=version("argosy"))
        click.echo(reporting.format_report(report, reporting.OutputFormat.TEXT, written), nl=False, err=not is_data)

    def confirm(self, yes: bool, question: str, why: str = TAKES_AWAY) -> None:
        """Ask, unless the answer was given; raise UsageError with the reason where nobody can answer."""
        confirm(yes, question, why)

    def choose(self, question: str, choices: Sequence[str]) -> str:
        """Ask which it is to be."""
        return str(click.prompt(question, type=click.Choice([*choices]), err=True))

    def watch(self, description: str, total: int) -> AbstractContextManager[Callable[[], None]]:
        """Show how far a long step is."""
        from argosy.reporting.progress import progress  # noqa: PLC0415

        return progress(description, total, enabled=not self.quiet)


yes = click.option("--yes", "-y", is_flag=True, allow_from_autoenv=False, help="Do not ask for confirmation.")


def dry(told: str = "Print what would change as a diff, and write nothing.") -> Callable[[Command], Command]:
    """Add `--dry-run`: whoever reads the line sees whether it writes, whatever the environment has."""
    return click.option("--dry-run", is_flag=True, allow_from_autoenv=False, help=told)


commit = click.option("--commit", is_flag=True, help="Commit it on the current branch.")
branch = click.option(
    "--branch",
    metavar="[=NAME]",
    help="Commit it on a new branch, and leave the work tree as it is. A name for the branch follows a `=`.",
)
pull_request = click.option(
    "--pull-request", is_flag=True, help="Push that branch, and open a pull request or update it."
)
message = click.option("--message", "-m", metavar="TEXT", help="The commit's message and the pull request's title.")
validate = click.option("--validate/--no-validate", default=True, help="Validate what comes out.  [default: validate]")
repository = click.option(
    "--repository",
    type=folder,
    metavar="DIR",
    help="The repository's root.  [default: around the current folder]",
)


class ChangeCommand(click.Command):
    """A command whose --branch takes a name after a `=` alone: what follows it is an argument."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give a --branch without a `=` no name."""
        end = args.index("--") if "--" in args else len(args)
        given = ["--branch=" if each == "--branch" else each for each in args[:end]]
        behind = (word for one, word in pairwise(args[:end]) if one == "--branch" and not word.startswith("-"))
        ctx.meta[_BEHIND_BRANCH] = next(behind, "")
        with _told_of_branch(ctx):
            return super().parse_args(ctx, given + args[end:])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _told_of_branch(ctx):
            return super().invoke(ctx)


_BEHIND_BRANCH = "argosy.behind-branch"


@contextmanager
def _told_of_branch(ctx: click.Context) -> Iterator[None]:
    """Where a word behind --branch is refused as an argument, tell how it names the branch."""
    word = ctx.meta[_BEHIND_BRANCH]
    told = f"To name the branch “{word}”, write --branch={word}."
    try:
        yield
    except click.UsageError as error:
        if word and word in error.message:
            raise click.UsageError(f"{error.message.rstrip('.')}. {told}", error.ctx) from error
        raise
    except ArgosyError as error:
        if word and word in error.message:
            error.hint = f"{error.hint} {told}".strip()
        raise


def collected(
    kind: type[ChangeOptions], *added: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what adds options to a command, and hands their values over as `given`, of that kind."""
    names = tuple(kind.__dataclass_fields__)

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **values: Any) -> Any:
            chosen = {name: values.pop(name) for name in names}
            return command(*args, given=kind(**chosen), **values)

        wrapped.__doc__, wrapped.__name__ = command.__doc__, command.__name__
        wrapped.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
        for option in reversed(added):
            wrapped = option(wrapped)
        return wrapped

    return decorated


of_change = collected(
    ChangeOptions,
    repository,
    dry(),
    commit,
    branch,
    pull_request,
    message,
    validate,
    output("text", "json"),
    fetch,
    rendering,
    quiet,
)
