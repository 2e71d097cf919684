"""`argosy fetch`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from argosy import data
from argosy.cli import options
from argosy.errors import ArgosyError, IncompleteError, UsageError
from argosy.repository.root import root_of

if TYPE_CHECKING:
    from argosy.remote import Fetched


@click.command("fetch", cls=options.LookingCommand)
@click.option("--again", is_flag=True, help="Fetch what was fetched before, too.")
@click.option("--lock", is_flag=True, help="Write what there is to .argosy-lock.yaml, by digest, to be committed.")
@options.repository
@options.output("text", "json")
@options.quiet
def command(*, again: bool, lock: bool, repository: Path | None, output: str, quiet: bool) -> int:
    """Fetch what comes from elsewhere into your cache folder, in the versions that the repository pins.

    Charts of Helm repositories and OCI registries and what they depend on, other Git repositories, bases and charts of
    kustomizations, OCI artifacts, values files: all that Applications deploy, so that validate, diff, render and
    promote see it too. They fetch nothing by themselves, but with --fetch. What was fetched before stays, but for
    branches and the like, which may have changed. The credentials are those that git, Helm and Docker have.

    What .argosy-lock.yaml locks stays what it was when it was locked: where something else comes, nothing of it is
    kept. Exit code: 0; 2 where something could not be fetched, or is something else.
    """
    from argosy import remote  # noqa: PLC0415
    from argosy.argocd import deployed  # noqa: PLC0415
    from argosy.names import joined  # noqa: PLC0415
    from argosy.reporting.progress import progress  # noqa: PLC0415
    from argosy.repository import layout  # noqa: PLC0415

    root = root_of(repository)
    if lock:
        _check_lock(root)

    def say(pin: remote.Pin) -> None:
        if not quiet:
            click.echo(f"Fetching {pin}.", err=True)

    def is_wanted(pin: remote.Pin) -> bool:
        return again or not (pin.is_fixed or (remote.is_locked(pin) and not lock))

    with remote.fetching_what_lacks(say, is_wanted, renews=lock) as fetched:
        deployed.find(root, root, lambda what, total: progress(what, total, enabled=not quiet))
    changed = _locked(root, fetched) if lock else []
    rows = [
        {
            "kind": pin.kind,
            "url": pin.url,
            **({"chart": pin.chart} if pin.chart else {}),
            "revision": pin.revision,
            "digest": f"sha256:{fetched.there[pin].name}" if pin in fetched.there else "",
            "fetched": pin in fetched.new,
            "error": fetched.failed[pin].message if pin in fetched.failed else "",
        }
        for pin in sorted({*fetched.there, *fetched.failed})
    ]
    if output == "json":
        options.show(data.written("Sources", {"sources": rows}))
    else:
        for pin in sorted(fetched.there):
            told = "fetched" if pin in fetched.new else "was there"
            click.echo(f"{pin}: {told}, sha256:{fetched.there[pin].name[:12]}")
    for line in changed:
        click.echo(line, err=True)
    unlocked = [pin for pin in fetched.there if not remote.is_locked(pin)] if remote.locks() and not lock else []
    if unlocked and not quiet:
        told = joined([str(each) for each in sorted(unlocked)], 3)
        click.echo(f"{layout.LOCK} does not have {told}: argosy fetch --lock adds it.", err=True)
    if not rows and not quiet:
        click.echo("Nothing here comes from elsewhere.", err=True)
    if fetched.failed:
        for error in fetched.failed.values():
            click.echo(f"{error.message}\n    {error.hint}", err=True)
        raise IncompleteError(f"Not fetched: {joined([str(each) for each in fetched.failed], 3)}.")
    return 0


def _check_lock(root: Path) -> None:
    """Raise UsageError where a repository has something else in the place of its lock."""
    from argosy.paths import astray  # noqa: PLC0415
    from argosy.repository import layout  # noqa: PLC0415

    file = root / layout.LOCK
    reason = "it is a folder" if file.is_dir() else astray(file, root)
    if reason:
        raise UsageError(f"{layout.LOCK} cannot be written: {reason}.", "Put a file in its place, or nothing.")


def _locked(root: Path, fetched: Fetched) -> list[str]:
    """Write the lock of a repository, and return what became of it, a line each."""
    from argosy import temporary  # noqa: PLC0415
    from argosy.remote import locking  # noqa: PLC0415
    from argosy.repository import layout  # noqa: PLC0415

    file = root / layout.LOCK
    before, after = locking.read(root), fetched.lock()
    content = locking.written(after)
    if file.is_file() and file.read_text(encoding="utf-8", errors="replace") == content:
        return [f"{layout.LOCK}: unchanged."]
    try:
        temporary.write(file, content.encode())
    except OSError as error:
        raise ArgosyError(
            f"{layout.LOCK} cannot be written: {error.strerror}.",
            "See to it that you may write there, and run it again.",
        ) from error
    told = [f"{layout.LOCK}: {len(after)} locked. Commit it."]
    for pin in sorted(before.keys() & after.keys()):
        was, now = before[pin].digest, after[pin].digest
        if was != now:
            told.append(f"    {pin}: sha256:{was[:12]} -> sha256:{now[:12]}")
    return told
