"""`argosy bootstrap`."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from argosy import data
from argosy.cli import options
from argosy.errors import ArgosyError
from argosy.repository.root import root_of

if TYPE_CHECKING:
    from argosy.bootstrap.plan import Plan, Wanted
    from argosy.bootstrap.steps import Status, Step

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_NOBODY = "This changes a cluster, and there is no terminal to confirm that it is the right one."


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of Click alone
    """`10m`, `90s`, `1h30m` -> seconds."""

    name = "DURATION"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Add up hours, minutes and seconds."""
        if not isinstance(value, str):
            return value
        found = _DURATION.fullmatch(value)
        seconds = (
            sum(int(count or 0) * unit for count, unit in zip(found.groups(), (3600, 60, 1), strict=True))
            if found
            else 0
        )
        if not seconds:
            self.fail(f"“{value}” is not a duration such as 10m, 90s or 1h30m.", param, ctx)
        return float(seconds)


@click.command("bootstrap")
@click.option("--context", metavar="NAME", default="", help="The kubeconfig's context.  [default: its current one]")
@click.option(
    "--env",
    "environment",
    metavar="ENV",
    help="For a cluster with its own Argo CD: hand over only this environment.  [default: all of them]",
)
@click.option(
    "--install",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="PATH",
    help="The kustomization that installs Argo CD.  [default: argocd/install]",
)
@click.option(
    "--no-install",
    is_flag=True,
    help="Argo CD is there already, from Helm, an operator or a cloud: apply the projects and root alone.",
)
@click.option(
    "--credential",
    metavar="env:NAME|file:PATH",
    help="How Argo CD reads a private repository: a token for HTTPS or a private key for SSH, in an environment "
    "variable or a file. It goes into a Secret of the cluster, and nowhere else.",
)
@click.option("--user", metavar="NAME", default="", help="The token's user.  [default: what the host expects]")
@click.option(
    "--timeout",
    type=Duration(),
    default="10m",
    show_default=True,
    metavar="DURATION",
    help="How long to wait for each: the CRDs, the Pods, the root Application.",
)
@options.repository
@options.dry("Print each step with its kubectl command and its state.")
@options.yes
@options.output("text", "json")
@options.quiet
def command(
    *,
    context: str,
    environment: str | None,
    install: Path | None,
    no_install: bool,
    credential: str | None,
    user: str,
    timeout: float,
    repository: Path | None,
    dry_run: bool,
    yes: bool,
    output: str,
    quiet: bool,
) -> int:
    """Install Argo CD into a cluster, and hand the repository over to it.

    With --no-install, to an Argo CD that is there already: its namespace and version are found and checked, the
    AppProjects, the credential and the root Application applied, and the installation is not touched.

    Else, in this order: checks of the cluster, of your permissions and of what is pushed; the namespace argocd;
    argocd/install, until it is rolled out; the AppProjects; the credential; the root Application, until it is synced
    and healthy.

    What is already as wanted is left alone, so the same command continues where one stopped. With --dry-run, exit code
    1 means that a check failed.
    """
    from argosy.bootstrap import plan as planning  # noqa: PLC0415
    from argosy.bootstrap.credential import Credential  # noqa: PLC0415
    from argosy.change import edits  # noqa: PLC0415
    from argosy.repository import layout, store  # noqa: PLC0415

    if user and not credential:
        raise click.UsageError("--user goes with --credential.")
    if install and no_install:
        raise click.UsageError("--install says what to install, and --no-install that nothing is.")
    root = root_of(repository)
    stored = store.load(root)
    wanted = planning.Wanted(
        root,
        stored.repository,
        edits.environment(stored.repository, environment) if environment else None,
        None if no_install else install or _shortest(root / layout.INSTALL),
        Credential.read(credential, user) if credential else None,
        timeout,
    )
    teller = _Teller(output, quiet=quiet, dry_run=dry_run)
    plan = planning.prepare(wanted, context, teller.progress)
    teller.checks(plan)
    if dry_run:
        teller.plan(plan, wanted)
        return int(bool(plan.errors))
    return _carry_out(plan, wanted, teller, yes=yes)


def _carry_out(plan: Plan, wanted: Wanted, teller: _Teller, *, yes: bool) -> int:
    from argosy.bootstrap import plan as planning  # noqa: PLC0415

    if plan.errors:
        first = plan.errors[0]
        teller.ended(plan, wanted)
        others = f" ({len(plan.errors) - 1} more above.)" if len(plan.errors) > 1 else ""
        raise ArgosyError(f"Nothing was changed. {first.message}{others}", first.hint)
    if not plan.is_done:
        what = f"Argo CD {plan.version}".strip()
        whom = f" for {wanted.environment.name}" if wanted.environment else ""
        where = f"{plan.cluster.context}, {plan.cluster.server()}"
        installing = f"Install {what}{whom} into {where}?"
        handing = f"Hand the repository{whom} over to {what} in the namespace {plan.cluster.namespace} of {where}?"
        options.confirm(yes, handing if wanted.install is None else installing, _NOBODY)
    try:
        for step, status in planning.carry_out(plan):
            teller.step(step, status)
    except planning.StepError as error:
        teller.step(error.step, error.status)
        teller.ended(plan, wanted)
        again = f"The same command goes on from here: {shlex.join(['argosy', *sys.argv[1:]])}"
        error.hint = f"{error.hint}\n  {again}" if error.hint else again
        raise
    teller.ended(plan, wanted, is_complete=True)
    return 0


def _shortest(path: Path) -> Path:
    """Return a path as a person in this folder would type it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


class _Teller:
    """Prints as it goes, or JSON at the end."""

    def __init__(self, output: str, *, quiet: bool, dry_run: bool) -> None:
        self._is_json = output == "json"
        self._quiet = quiet
        self._dry_run = dry_run
        self._steps: list[dict[str, str]] = []

    def progress(self, text: str) -> None:
        """Print what is being waited for."""
        if not self._quiet:
            click.echo(f"         … {text}", err=True)

    def checks(self, plan: Plan) -> None:
        """Print what was found; with --quiet, what is wrong."""
        for each in plan.findings:
            if not (self._quiet and each.level == "ok"):
                hint = f"\n         {each.hint}" if each.hint else ""
                click.echo(f"{each.level.value:7}  {each.message}{hint}", err=True)

    def step(self, step: Step, status: Status, command: str = "") -> None:
        """Print a step; the error reports one that failed."""
        self._steps.append(
            {
                **{"name": step.name, "title": step.title, "state": status.state.value},
                **{"detail": status.detail, "command": step.command},
            }
        )
        is_printed = status.state != "failed" and (self._dry_run or not self._quiet)
        if is_printed and not self._is_json:
            below = f"\n         {command}" if command else ""
            click.echo(f"{status.state.value:7}  {step.title}: {status.detail}{below}")

    def plan(self, plan: Plan, wanted: Wanted) -> None:
        """Print all steps, with their equivalent commands."""
        for step, status in zip(plan.steps, plan.statuses, strict=True):
            self.step(step, status, step.command)
        self.ended(plan, wanted)

    def ended(self, plan: Plan, wanted: Wanted, *, is_complete: bool = False) -> None:
        """Print how to log in, or everything as JSON."""
        if self._is_json:
            options.show(data.written("Bootstrap", self._data(plan, wanted, is_complete=is_complete)))
        elif is_complete and not self._quiet:
            click.echo(_way_in(plan, is_existing=wanted.install is None), err=True)

    def _data(self, plan: Plan, wanted: Wanted, *, is_complete: bool) -> dict[str, Any]:
        login = plan.login
        return {
            **{"dryRun": self._dry_run, "complete": is_complete or plan.is_done},
            **{"context": plan.cluster.context, "server": plan.cluster.server(), "argocd": plan.version},
            "environment": wanted.environment.name if wanted.environment else None,
            "checks": [
                {"level": each.level.value, "message": each.message, "hint": each.hint} for each in plan.findings
            ],
            "steps": self._steps,
            "login": {
                **{"forward": login.forward, "url": login.url, "user": login.user},
                **{"password": login.password, "forget": login.forget},
            },
        }


def _way_in(plan: Plan, *, is_existing: bool) -> str:
    login = plan.login
    reads = "Argo CD reads the repository from now on."
    lines = ["", f"{reads} To see it:", f"  {login.forward}"]
    if is_existing:
        return "\n".join([*lines, f"  {login.url}, as you log in to it"] if login.forward else ["", reads])
    if not login.user:
        return "\n".join([*lines, f"  {login.url}, by single sign-on"])
    return "\n".join(
        [
            *lines,
            f"  {login.url}, as {login.user}; the first password:",
            f"  {login.password}",
            "Change it (argocd account update-password), then delete the Secret that holds it:",
            f"  {login.forget}",
        ]
    )
