"""`argosy upgrade`: rehearse the next version of Argo CD or Kubernetes, and write it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from argosy import data
from argosy.cli import options
from argosy.cli.options import ChangeOptions
from argosy.delivery.changes import base_branch
from argosy.delivery.commits import commit
from argosy.delivery.offer import Offer, check, deliver
from argosy.errors import ArgosyError, UsageError
from argosy.names import joined

if TYPE_CHECKING:
    from argosy.argocd.rendering import Progress
    from argosy.engines import Engine
    from argosy.git.objects import Blob
    from argosy.git.snapshot import Snapshot
    from argosy.upgrade.rehearsal import Rehearsal


@click.group("upgrade")
def command() -> None:
    """Rehearse the next version of Argo CD or Kubernetes, and write it.

    Everything is rendered and checked as it is and as it would be. Printed are the differences, what is found that was
    not before, and what the upgrade guides warn of, with the places that it is about.
    """


@command.command("argocd", cls=options.ChangeCommand)
@click.argument("version", metavar="VERSION")
@click.option(
    "--from",
    "file",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    metavar="FILE",
    help="The new install.yaml, where the repository has a copy.  [default: what --fetch fetches]",
)
@click.option("--chart-version", "chart", metavar="VERSION", default="", help="The version of the chart argo-cd.")
@options.of_change
def argocd(*, version: str, file: Path | None, chart: str, given: ChangeOptions) -> int:
    """Rehearse and write another version of Argo CD.

    It is written where the repository pins it: manifests and their copy, images, the chart argo-cd, an ArgoCD, and
    argocdVersion in .argosy.yaml. Minor versions may be skipped: the guides of all in between count. Exit code: 1
    where errors are found that were not before, and nothing is committed then.
    """
    from argosy.argocd import versions  # noqa: PLC0415
    from argosy.upgrade import guides, pins, rehearsal  # noqa: PLC0415

    wanted = version.removeprefix("v")
    if not versions.numbers(wanted):
        raise UsageError(f"“{version}” is not a version of Argo CD.", "Give one, such as 3.5.1.")
    if versions.version(wanted) is None:
        raise UsageError(
            f"Nothing is known of Argo CD {wanted}.", f"Known are {joined([*versions.known()])}: update argosy."
        )
    with _locked(given) as before, rehearsal.rendered(before, _progress(given)) as state:
        found = state.found
        installs = found.view.installs
        old = found.view.argocd or next(iter(sorted(each.version for each in installs)), "")
        written = pins.of_argocd(before, installs, wanted, chart, _manifests(file, wanted))
        steps = guides.between(old, wanted) if old else ()
        notices = [each for step in steps for each in guides.steps()[step]]
        made = rehearsal.rehearse(state, written, notices, progress=_progress(given))
        notes = [*_of_steps(old, wanted, steps)]
        for each in found.configured.kubernetes_versions:
            notes += filter(None, [rehearsal.of_kubernetes(wanted, each)])
        if not made.has_argocd:
            notes.append(_UNSEEN)
        upgrade = _Upgrade("Argo CD", "argocd", old, wanted, written, made, notes)
        return _carry_out(given, before, upgrade)


_UNSEEN = (
    "Argo CD's own manifests were not rendered, so what changes in them is not among the differences: no Application "
    "here deploys them, or they were not fetched (--fetch)."
)


@command.command("kubernetes", cls=options.ChangeCommand)
@click.argument("version", metavar="VERSION")
@options.of_change
def kubernetes(*, version: str, given: ChangeOptions) -> int:
    """Rehearse and write another version of Kubernetes that manifests are for.

    It is written where the repository names it: argosy's answers and what follows from them, kubernetesVersions in
    .argosy.yaml, and --kubernetes-version in CI, Makefiles and scripts. What the API server no longer serves is among
    what is found. Exit code: 1 where errors are found that were not before, and nothing is committed then.
    """
    from argosy.schemas import builtin_kinds  # noqa: PLC0415
    from argosy.upgrade import pins, rehearsal  # noqa: PLC0415

    wanted = builtin_kinds.minor(version)
    with _locked(given) as before, rehearsal.rendered(before, _progress(given)) as state:
        found = state.found
        olds = found.configured.kubernetes_versions
        written = {**_answered(given.root, wanted), **pins.of_kubernetes(before, wanted)}
        made = rehearsal.rehearse(state, written, kubernetes=(olds, [wanted]), progress=_progress(given))
        notes = [*filter(None, [rehearsal.of_kubernetes(found.view.argocd, wanted)])]
        if not written:
            notes.append("No file names the version of Kubernetes: nothing is written.")
        return _carry_out(
            given, before, _Upgrade("Kubernetes", "kubernetes", joined(olds), wanted, written, made, notes)
        )


@dataclass(frozen=True, slots=True)
class _Upgrade:
    """What is upgraded, and what that does."""

    title: str
    name: str
    old: str
    new: str
    written: Mapping[str, Blob]
    rehearsal: Rehearsal
    notes: Sequence[str]

    @property
    def message(self) -> str:
        """The commit's message."""
        return f"Upgrade {self.title} to {self.new}"

    @property
    def has_new_errors(self) -> bool:
        """Whether errors are found that were not before."""
        return any(each.severity == "error" for each in self.rehearsal.found)


@contextmanager
def _locked(given: ChangeOptions) -> Iterator[Snapshot]:
    """Yield what is committed while no other argosy can change the repository."""
    from argosy.change import locking  # noqa: PLC0415
    from argosy.repository import states  # noqa: PLC0415

    with locking.locked(given.root, writes=not given.dry_run, anyones=True):
        locking.check(given.root, here=given.commit, elsewhere=given.on_branch and not given.dry_run)
        if given.on_branch and not given.dry_run:
            base_branch(given)
        yield states.head(given.root)


def _progress(given: ChangeOptions) -> Progress:
    from argosy.reporting.progress import progress  # noqa: PLC0415

    return lambda description, total: progress(description, total, enabled=not given.quiet)


def _manifests(file: Path | None, version: str) -> Callable[[str], bytes]:
    """Return what gives Argo CD's manifests: a file of the user's, or what was fetched."""

    def read(url: str) -> bytes:
        from argosy import remote  # noqa: PLC0415

        if file is not None:
            content = file.read_bytes()
            if f"/argocd:v{version}".encode() not in content:
                raise UsageError(f"{file} does not install Argo CD {version}.", f"Take it from {url}.")
            return content
        pin = remote.Pin(url, "")
        folder = remote.folder(pin)
        if folder is None:
            raise ArgosyError(
                f"The repository has a copy of Argo CD's manifests, and {url} was not fetched.",
                f"Run it with --fetch, or get it elsewhere and name it: curl --location --remote-name {url}, and "
                "--from install.yaml.",
            )
        return (folder / url.rpartition("/")[2]).read_bytes()

    return read


def _answered(root: Path, version: str) -> Mapping[str, Blob]:
    """Return what argosy's own repository has for a version of Kubernetes; nothing of others."""
    from dataclasses import replace  # noqa: PLC0415

    from argosy.change import ownership, planning  # noqa: PLC0415
    from argosy.change.planning import Change  # noqa: PLC0415
    from argosy.repository import layout  # noqa: PLC0415

    if not (root / layout.ANSWERS).is_file():
        return {}
    stored = ownership.load(root)
    before = stored.repository
    after = replace(before, settings=replace(before.settings, kubernetes_version=version))
    change = Change(before, after, from_version=stored.version, to_version=stored.version)
    plan = planning.plan(root, change)
    if plan.conflicts:
        raise ArgosyError(
            f"{plan.conflicts[0]} has edits where the version of Kubernetes is.", "Change it there by hand first."
        )
    return {path: blob for path, blob in plan.written.items() if blob is not None}


def _of_steps(old: str, new: str, steps: Sequence[str]) -> Iterator[str]:
    """Yield what is to be said of the way from one version to another."""
    from argosy.argocd import versions  # noqa: PLC0415

    if versions.numbers(versions.minor(old)) > versions.numbers(versions.minor(new)):
        yield "Argo CD has no guide for the way down: what the guides say is undone. Back its settings up first."
    if len(steps) > 1:
        yield f"Minor versions may be skipped, but the guides of all in between count: {joined(steps)}."
    if len({each.split(".")[0] for each in (old, new)}) > 1:
        yield "A major version changes what is not compatible: back the settings of Argo CD up first."


def _carry_out(given: ChangeOptions, before: Snapshot, upgrade: _Upgrade) -> int:
    """Show what an upgrade does, write it to where it is wanted, and return the exit code."""
    refused = upgrade.has_new_errors and given.validate
    given.show(_as_text(upgrade))
    made: dict[str, Any] = {}
    if not upgrade.written:
        given.say("Nothing to change: no file pins another version.")
    elif given.dry_run:
        given.show(_plan(given.root, before, upgrade).diff())
    elif refused:
        given.say("Nothing was written: fix the errors above, or say --no-validate.")
    else:
        made = _write(given, before, upgrade)
    if given.output == "json":
        options.show(data.written("Upgrade", {**_as_json(upgrade), **made}))
    return 1 if refused else 0


def _plan(root: Path, before: Snapshot, upgrade: _Upgrade) -> Any:
    from argosy.change import merge  # noqa: PLC0415

    return merge.plan(root, before.files(*upgrade.written), upgrade.written)


def _write(given: ChangeOptions, before: Snapshot, upgrade: _Upgrade) -> dict[str, Any]:
    from argosy import git  # noqa: PLC0415
    from argosy.change import merge  # noqa: PLC0415

    message = given.message or upgrade.message
    if given.on_branch:
        base = git.branch(given.root)
        name = given.branch or f"argosy/upgrade-{upgrade.name}-{upgrade.new}"
        check(given.root, [name], [base])

        def body(limit: int) -> str:
            return _as_markdown(upgrade, limit)

        offered = Offer(
            before=before,
            written=upgrade.written,
            message=message,
            base=base,
            branch=name,
            kind="upgrade",
            body=body,
            is_earlier=lambda told: told.strip() == message.strip(),
        )
        return deliver(given, offered)
    plan = _plan(given.root, before, upgrade)
    merge.refuse_obstacles(plan)
    with merge.written(plan, "" if given.commit else message):
        if given.commit:
            commit(given.root, message, [each.path for each in plan.touched])
    given.say("Committed." if given.commit else "Written. Next: git diff --staged shows it, and git commit keeps it.")
    return {"committed": given.commit}


def _sections(upgrade: _Upgrade) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield what an upgrade does, in sections with lines each."""
    from argosy.terminal import printable  # noqa: PLC0415

    made = upgrade.rehearsal
    if upgrade.notes:
        yield "To know", upgrade.notes
    yield "Files", [printable(path) for path in sorted(upgrade.written)]
    if made.engines:
        yield "Engines", [_rendered(was, now) for was, now in made.engines]
    if made.notices:
        lines = []
        for notice, places in made.notices:
            lines.append(f"{notice.title} {notice.do}")
            lines += [f"    {printable(each)}" for each in places[:_FEW]]
            lines += [f"    and {len(places) - _FEW} more"] if len(places) > _FEW else []
            lines.append(f"    {notice.url}")
        yield "The guides warn, and it is about this repository", lines
    if made.unseen:
        lines = [f"{each.title} {each.url}" for each in made.unseen]
        yield "The guides warn besides, and Git does not tell", lines
    if made.found:
        lines = [
            printable(
                f"{each.path}{f':{each.line}' if each.line else ''}: {each.severity}: {each.message} [{each.rule}]"
            )
            for each in made.found
        ]
        yield "Found after, and not before", lines


_FEW = 5


def _rendered(was: Engine, now: Engine) -> str:
    """Return what Argo CD renders with before and after, and what did here."""
    theirs = f"Argo CD has {now.tool} {was.wanted or '?'} before and {now.wanted} after"
    here = f"{was}" if (was.version, was.program) == (now.version, now.program) else f"{was} and {now}"
    unlike = [str(each.wanted) for each in (was, now) if not each.is_like_argocds]
    return f"{theirs}; rendered here with {here}" + (f", which is not like {joined(unlike)}" if unlike else "") + "."


def _as_text(upgrade: _Upgrade) -> str:
    from argosy.difference.formats import OutputFormat, format_difference  # noqa: PLC0415

    blocks = [f"{upgrade.title} {upgrade.old or 'of an unknown version'} -> {upgrade.new}"]
    blocks += ["\n".join([f"{title}:", *(f"  {line}" for line in lines)]) for title, lines in _sections(upgrade)]
    difference = format_difference(upgrade.rehearsal.difference, OutputFormat.TEXT).rstrip("\n")
    return "\n\n".join([*blocks, difference])


def _as_markdown(upgrade: _Upgrade, limit: int) -> str:
    from argosy.difference.formats import OutputFormat, format_difference  # noqa: PLC0415

    parts = [f"**{upgrade.title} {upgrade.old} → {upgrade.new}**"]
    for title, lines in _sections(upgrade):
        parts.append(
            "\n".join([f"**{title}**", "", *(f"- {line}" if line[0] != " " else f"  {line}" for line in lines)])
        )
    head = "\n\n".join(parts)[: limit // 2]
    room = limit - len(head) - 2
    return f"{head}\n\n{format_difference(upgrade.rehearsal.difference, OutputFormat.MARKDOWN, limit=room)}"


def _as_json(upgrade: _Upgrade) -> dict[str, Any]:
    from argosy.difference.formats import OutputFormat, format_difference  # noqa: PLC0415

    made = upgrade.rehearsal
    return {
        "from": upgrade.old,
        "to": upgrade.new,
        "files": sorted(upgrade.written),
        "notes": list(upgrade.notes),
        "engines": [{"before": was.as_json, "after": now.as_json} for was, now in made.engines],
        "notices": [{**asdict(notice), "places": list(places)} for notice, places in made.notices],
        "unseen": [asdict(each) for each in made.unseen],
        "findings": [
            {name: getattr(each, name) for name in ("rule", "severity", "path", "line", "message", "hint")}
            for each in made.found
        ],
        "difference": json.loads(format_difference(made.difference, OutputFormat.JSON)),
    }
