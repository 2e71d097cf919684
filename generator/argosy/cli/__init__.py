"""The command line: Click commands that parse, call, print and exit. Nothing else prints.

A command's module is imported when the command runs, so that `--version`, `--help` and completion load nothing but
Click.
"""

from __future__ import annotations

import codecs
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import chdir, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

import click

from argosy import signals, terminal
from argosy.errors import ArgosyError, InterruptedByUserError, ShallowError

COMMANDS = {
    "init": "Lay out a new GitOps repository, and validate it.",
    "bootstrap": "Install Argo CD into a cluster, and hand the repository over to it.",
    "add": "Add applications, components, or an environment.",
    "remove": "Remove applications, components, or an environment.",
    "components": "List what clusters need besides applications, and where it is installed.",
    "rename": "Rename an application, or an environment.",
    "set": "Change settings and update the files that depend on them.",
    "settings": "List the settings: values, what they can be, defaults, and the files that follow.",
    "apply": "Update the files that depend on settings edited by hand.",
    "convert": "Change how an application is written: Helm chart, Kustomize overlays or manifests.",
    "promote": "Promote applications from one environment to the next.",
    "rollback": "Undo a promotion in an environment.",
    "update": "Update to a newer version of the template and keep what people changed.",
    "upgrade": "Rehearse the next version of Argo CD or Kubernetes, and write it.",
    "template": "Lay an organisation's templates over the built-in one.",
    "restore": "Put files back to what the template gives.",
    "previews": "Look after the previews of pull requests.",
    "abort": "Undo a change that left conflicts.",
    "status": "Show what is deployed where, how far behind it is, and which files were changed by hand.",
    "history": "Show who promoted what, and when.",
    "render": "Print the manifests that Argo CD would apply.",
    "fetch": "Fetch what comes from elsewhere: charts, other repositories, artifacts.",
    "tree": "Show what leads to what: roots, ApplicationSets, Applications, resources.",
    "graph": "Draw promotion, clusters, sync waves or dependencies.",
    "diff": "Show what a change does in each cluster, before it is merged.",
    "validate": "Check offline that Argo CD and Kubernetes will accept a repository.",
    "report": "Write a page for browsers, or put the reports of a validation's shards together.",
    "serve": "Show the page of a repository in a browser, and follow changes.",
    "mcp": "Let an agent look at a repository and plan changes of it.",
    "doctor": "Find out why Argo CD does not do what Git says.",
    "rules": "List the rules of validation and the repository's own policies, or explain one.",
    "version": "Print the versions of argosy, of its template and of its engines.",
    "help": "Print a page of the documentation, or list the pages.",
    "completion": "Print the script that completes argosy's commands in a shell.",
}
"""Each command's name, which is its module's too, and its summary."""
_READING = {
    *("template list", "components", "fetch", "settings", "status", "history", "render", "tree", "graph", "diff"),
    *("validate", "report", "serve", "doctor", "rules", "version", "help"),
}
"""The commands that change nothing: CI runs them on what strangers propose."""
_DRY = {"--dry-run", "--check"}
"""The options with which others change nothing either."""


VARIABLES = "ARGOSY"
"""How the environment variables of options begin: ARGOSY_PROMOTE_MESSAGE."""


COMPLETE = "_ARGOSY_COMPLETE"
"""The variable by which a shell asks for completions."""


def _complete(command: click.Command, path: str) -> None:
    """Give a command, and those below it, what follows from their words: variables of options, and examples.

    An option's variable is called as the option is, but for those that are for the line alone.
    """
    from argosy.cli import examples  # noqa: PLC0415

    command.epilog = examples.of(path) or command.epilog
    prefix = "_".join((VARIABLES, *path.upper().split()))
    for each in command.params:
        long = next((name for name in each.opts if name.startswith("--")), "")
        if isinstance(each, click.Option) and long and each.allow_from_autoenv:
            each.envvar = f"{prefix}_{long[2:].replace('-', '_').upper()}"
    for name, below in command.commands.items() if isinstance(command, click.Group) else ():
        _complete(below, f"{path} {name}")


class Commands(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the commands' names, in the order of a repository's life."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"argosy.cli.{cmd_name}").command
        _complete(command, cmd_name)
        if COMPLETE in os.environ:
            from argosy.cli import completing  # noqa: PLC0415

            completing.attach(command, cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; whatever it asks Git, it asks once."""
        from argosy import git, programs  # noqa: PLC0415

        with programs.looking(), git.asked_once():
            try:
                return super().invoke(ctx)
            finally:
                with suppress(ArgosyError):
                    _tell(git.filters_missed())
                for path in programs.passed_over().values():
                    click.echo(f"{path} is not run: no program of a repository is. Name another on PATH.", err=True)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands' summaries, importing none of them."""
        from argosy import extensions  # noqa: PLC0415

        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
        if more := {name: str(path) for name, path in extensions.commands().items() if name not in COMMANDS}:
            with formatter.section("Extensions on PATH"):
                formatter.write_dl(list(more.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called, with a proposal for a misspelt one; let it only read where that is all."""
        name, *options = args
        if not _READING.isdisjoint({name, " ".join(args[:2])}) or _DRY.intersection(options):
            from argosy import git  # noqa: PLC0415

            ctx.with_resource(git.reading())
        if name not in COMMANDS and not name.startswith("-"):
            from argosy import extensions  # noqa: PLC0415
            from argosy.names import did_you_mean  # noqa: PLC0415

            known = extensions.commands()
            if name in known:
                return name, _Program(name, known[name]), options
            ctx.fail(f"No such command “{name}”. {did_you_mean(name, [*COMMANDS, *known])}".strip())
        return super().resolve_command(ctx, args)


class _Program(click.Command):
    """A program on PATH that is run as a command, with all that follows on the line."""

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(name, add_help_option=False)
        self.path = path

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Leave the line as it is: it is the program's."""
        ctx.args = args
        return []

    def invoke(self, ctx: click.Context) -> object:
        """Become the program, or wait for it where a process cannot."""
        command = [str(self.path), *ctx.args]
        sys.stdout.flush()
        sys.stderr.flush()
        if sys.platform != "win32":
            try:
                os.execv(command[0], command)
            except OSError as error:
                # It is there: what may be missing is the interpreter that its first line names.
                hint = "Its first line names the interpreter, such as #!/bin/sh, which must be installed."
                raise ArgosyError(f"{self.path} cannot be run: {error.strerror}.", hint) from error
        import subprocess  # noqa: PLC0415

        return subprocess.run(command, check=False).returncode


def _tell(filters_missed: Mapping[str, str]) -> None:
    for name, path in filters_missed.items():
        click.echo(
            f"{path} looks edited: the filter {name} of this clone is not run while reading; `git config --global "
            f"filter.{name}.clean …` has it run.",
            err=True,
        )


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import version  # noqa: PLC0415

    click.echo(f"argosy {version('argosy')}")
    ctx.exit()


def _change_folder(ctx: click.Context, _: click.Parameter, folders: tuple[Path, ...]) -> None:
    """Go where the command is to run, each folder seen from the one before; also to complete what is there."""
    for each in folders:
        try:
            # A shell that completes asks after the context is gone.
            os.chdir(each) if ctx.resilient_parsing else ctx.with_resource(chdir(each))
        except OSError as error:
            raise click.BadParameter(f"{each}: {error.strerror}.") from error


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="An option of a command is an environment variable, too: ARGOSY_VALIDATE_STRICT=1 is argosy validate "
    "--strict.",
)
@click.option(
    "-C",
    "folders",
    type=click.Path(path_type=Path),
    metavar="DIR",
    multiple=True,
    expose_value=False,
    is_eager=True,
    callback=_change_folder,
    help="Run as if started in DIR.",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    allow_from_autoenv=False,
    callback=_print_version,
    help="Print the version.",
)
def argosy() -> None:
    """Start, grow and keep current a multi-environment GitOps repository for Argo CD."""


def main() -> NoReturn:
    """Run argosy, and turn each error into one message and an exit code."""
    _prepare_streams()
    signals.heed()
    try:
        try:
            code = _run()
        except ShallowError as error:
            if not _is_deepened(error):
                raise
            code = _run()
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Abort as abort:
        # By Ctrl-C, or by the end of input at a question.
        code = InterruptedByUserError.exit_code if isinstance(abort.__context__, KeyboardInterrupt) else 1
        _fail("Interrupted.", "Nothing was changed.", code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        if isinstance(error, click.BadParameter) and error.param and error.param.name and context:
            source = context.get_parameter_source(error.param.name)
            if source is click.core.ParameterSource.ENVIRONMENT and isinstance(error.param.envvar, str):
                error.param_hint = error.param.envvar
        if not _wants_data(sys.argv[1:]):
            error.show()
            sys.exit(error.exit_code)
        _fail(error.format_message(), f"See {context.command_path} --help." if context else "", error.exit_code)
    except ArgosyError as error:
        _fail(error.message, error.hint, error.exit_code)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}.", "", 1)


def _run() -> object:
    return argosy.main(prog_name="argosy", standalone_mode=False, color=terminal.colour_wanted())


def _is_deepened(error: ShallowError) -> bool:
    """Offer to fetch what a shallow clone lacks, and return whether that is done."""
    from argosy import git  # noqa: PLC0415

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    click.echo(error.message, err=True)
    if not click.confirm("Fetch the whole history now (git fetch --unshallow)?", default=True, err=True):
        return False
    git.run(error.root, "fetch", "--unshallow", "--quiet")
    return True


def _prepare_streams() -> None:
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        # Whoever started argosy may have closed them: then the next file that is opened would take their place.
        stream = getattr(sys, name) or Path(os.devnull).open(mode)  # noqa: SIM115 - it is for the whole process
        if isinstance(stream, TextIOWrapper):
            # What a terminal cannot show is no reason to fail. Click would write UTF-8 to one of ASCII, past the guard.
            is_ascii = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(errors="replace", encoding="utf-8" if is_ascii else None)
            if mode == "w":
                terminal.guard(stream)
        setattr(sys, name, stream)


def _fail(message: str, hint: str, code: int) -> NoReturn:
    told, advice = (terminal.printable(terminal.without_logins(each)) for each in (message, hint))
    if _wants_data(sys.argv[1:]):
        from argosy import data  # noqa: PLC0415

        click.echo(data.on_one_line("Error", {"message": told, "hint": advice, "exitCode": code}), err=True, nl=False)
        sys.exit(code)
    click.echo(f"{click.style('Error:', fg='red')} {told}", err=True, color=terminal.has_colour(sys.stderr))
    if hint:
        click.echo(f"  {advice}", err=True)
    sys.exit(code)


def _wants_data(arguments: Sequence[str]) -> bool:
    """Return whether JSON or YAML was asked for, even by arguments that are wrong, or by a variable."""
    wanted, words, last = "", list[str](), ""
    for before, each in zip(("", *arguments), (*arguments, ""), strict=True):
        if before == "--":
            break
        if before in {"-o", "--output"}:
            wanted = each
        elif before.startswith(("-o", "--output=")):
            wanted = before.removeprefix("--output=").removeprefix("-o")
        elif before and not before.startswith("-") and last != "-C":
            words.append(before.upper().replace("-", "_"))
        last = before
    named = ("_".join(("ARGOSY", *words[:count], "OUTPUT")) for count in (1, 2))
    return (wanted or next(filter(None, map(os.environ.get, named)), "")) in {"json", "yaml"}
