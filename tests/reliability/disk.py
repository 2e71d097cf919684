"""Disks: one that is full at any size, or a file that may not grow; a command writes all of a change, or nothing."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

from tests.changing import git
from tests.reliability.repositories import COMMANDS, Edits, create, do_again, state
from tests.reliability.trials import Stand

SAID = ("No space left on device", "File too large", "unable to write", "cannot store", "write error")
"""How the system and git say it."""
_OWN = "RELIABILITY_MOUNTS"
"""The environment variable of a process that may mount, where nobody else sees it."""


def in_own_mounts() -> None:
    """Start this program again where it may mount a small disk, if the system has such a place."""
    command = ("unshare", "--map-root-user", "--mount")
    if _OWN in os.environ or not shutil.which(command[0]):
        return
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        return
    os.environ[_OWN] = "yes"
    os.execvp(command[0], [*command, sys.executable, "-m", "tests.reliability", *sys.argv[1:]])


def trial(stand: Stand, chance: random.Random) -> None:
    """Change a repository on a disk that fills up, make room again, and do it once more."""
    name = chance.choice([name for name in COMMANDS if name not in {"abort", "init"}])
    arguments = (*COMMANDS[name].arguments, *chance.choice(((), ("--commit",))))
    stand.counts[name] += 1
    disk = stand.folder / "disk"
    disk.mkdir()
    is_disk = _OWN in os.environ and chance.random() < 0.7
    if is_disk:
        _mount(disk, "size=256m")
    try:
        made = create(chance, disk / "gitops", old=name == "update")
        edits = Edits(made.root)
        COMMANDS[name].prepare(made, stand)
        edits.make(chance)
        before = state(made.root)
        whole = made.copied(stand.folder / "whole" / "gitops")
        code = stand.run(*arguments, at=whole.root).code
        _run_where_room_ends(stand, chance, disk, arguments, made.root, is_disk=is_disk, code=code)
        states = before, state(whole.root)
        if state(made.root) not in states:
            stand.run("abort", at=made.root)
        do_again(stand, made.root, arguments, states, code)
        if lost := edits.lost(but=COMMANDS[name].takes_away):
            stand.fault("lost", ", ".join(lost))
        git(made.root, "fsck", "--strict", "--no-progress")
    finally:
        if is_disk:
            subprocess.run(["umount", "--lazy", str(disk)], check=True)
            disk.rmdir()


def _run_where_room_ends(
    stand: Stand,
    chance: random.Random,
    disk: Path,
    arguments: tuple[str, ...],
    root: Path,
    *,
    is_disk: bool,
    code: int,
) -> None:
    """Run a command that has little room, or files that may not grow, and then give it room."""
    limit = None
    stand.environment["ARGOSY_CACHE"] = str(disk / "cache")
    if is_disk:
        room = chance.choice((0, 4, 16, 64, 256, chance.randrange(2000)))
        _mount(disk, f"remount,size={shutil.disk_usage(disk).used + room * 1024}")
        stand.step(f"a disk with room for {room} KB")
        if chance.random() < 0.5:
            stand.environment["TMPDIR"] = str(disk)
    else:
        limit = chance.choice((0, 1, 100, 1000, 4096, chance.randrange(40_000)))
        stand.environment["PYTHONDONTWRITEBYTECODE"] = "1"
    ended = stand.start(*arguments, at=root, limit=limit).finish()
    stand.judge(ended, *arguments)
    stand.counts["full" if ended.code != code else "room enough"] += 1
    # Its words go to files too: of a limit that is too small for them, only the code of Python is left, 120.
    said = limit is not None or any(each in ended.err for each in SAID)
    if ended.code not in {code, *((1, 120) if limit is not None else (1,))} or (ended.code != code and not said):
        stand.fault("wrong", f"exit code {ended.code} on a full disk: {ended.err[-500:]}")
    if is_disk:
        _mount(disk, "remount,size=256m")
    stand.environment.clear()
    for lock in (root / ".git").rglob("*.lock"):
        if lock.name != "lock":
            stand.fault("leaked", str(lock.relative_to(root)))
            lock.unlink()


def _mount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(disk)], check=True)
