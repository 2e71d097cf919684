"""At once: several commands of argosy and of git change a repository; some order of them gives what comes out."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.changing import git
from tests.reliability.repositories import Edits, create, state
from tests.reliability.running import PATIENCE
from tests.reliability.trials import Stand

_COMMANDS = (
    ("add", "app", "shop", "--commit"),
    ("add", "app", "api", "--commit"),
    ("add", "env", "qa", "--after", "dev", "--commit"),
    ("add", "component", "reloader", "--env", "prod", "--commit"),
    ("rename", "app", "web", "site", "--yes", "--commit"),
    ("rename", "env", "staging", "test", "--yes", "--commit"),
    ("set", "environment", "dev", "replicas=4", "--commit"),
    ("set", "application", "web", "team=payments", "--commit"),
    ("set", "repository", "quotas=true", "--commit"),
    ("remove", "env", "staging", "--yes", "--commit"),
    ("apply", "--commit"),
    ("abort",),
)
_GIT = (
    ("status",),
    ("commit", "--quiet", "--no-verify", "--message", "Notes", "--", "notes/kept.txt"),
    ("add", "notes"),
    ("gc", "--quiet", "--prune=now"),
    ("update-index", "-q", "--refresh"),
)


def trial(stand: Stand, chance: random.Random) -> None:
    """Start some commands at once, and compare with the same ones one after the other."""
    made = create(chance, stand.folder / "gitops")
    edits = Edits(made.root)
    edits.make(chance)
    lines = [("argosy", *line) for line in chance.sample(_COMMANDS, chance.randrange(2, 5))]
    lines += [("git", *line) for line in chance.sample(_GIT, chance.randrange(3))]
    chance.shuffle(lines)
    copy = stand.folder / "copy" / "gitops"
    shutil.copytree(made.root, copy, symlinks=True)
    start = git(made.root, "rev-parse", "HEAD").strip()
    running = []
    for line in lines:
        time.sleep(chance.choice((0, chance.uniform(0, 0.5))))
        stand.step(" ".join(line))
        running.append(_start(stand, line, made.root))
    codes = [_finish(stand, line, each) for line, each in zip(lines, running, strict=True)]
    stand.counts["at once"] += len(lines)
    if left := [path for path in (made.root / ".git").rglob("*.lock") if path.name != "lock"]:
        stand.fault("leaked", ", ".join(map(str, left)))
    git(made.root, "fsck", "--strict", "--no-progress")
    if lost := edits.lost(but=lambda file: "/staging/" in file):
        stand.fault("lost", ", ".join(lost))
    done = [line for line, code in zip(lines, codes, strict=True) if code == 0 and "--commit" in line]
    made_by_argosy = git(made.root, "log", "--format=%s", f"{start}..HEAD").count("\n")
    notes = sum(line[:2] == ("git", "commit") and not code for line, code in zip(lines, codes, strict=True))
    if made_by_argosy > len(done) + notes:
        stand.fault("wrong", f"{made_by_argosy} commits by {len(done)} commands")
    if dirty := _dirty(made.root, edits):
        stand.fault("wrong", f"half of a change is left: {dirty}")
    found = _committed(made.root)
    for order in itertools.permutations(done):
        git(copy, "reset", "--quiet", "--hard", start)
        if all(stand.run(*line[1:], at=copy).code == 0 for line in order) and _committed(copy) == found:
            return
    stand.fault("wrong", f"no order of {done} gives what came out")


def _start(stand: Stand, line: tuple[str, ...], root: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", *line] if line[0] == "argosy" else [*line]
    return subprocess.Popen(
        command,
        cwd=root,
        env={**os.environ, "TMPDIR": str(stand.folder / "temporary")},
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _finish(stand: Stand, line: tuple[str, ...], running: subprocess.Popen[str]) -> int:
    try:
        _, said = running.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        running.kill()
        _, said = running.communicate()
        stand.fault("hung", " ".join(line))
    stand.step(f"  {' '.join(line)} ended with {running.returncode}: {said[-200:]}")
    if line[0] == "argosy" and (running.returncode not in (0, 1, 2, 3) or "Traceback" in said):
        stand.fault("wrong", f"{' '.join(line)} ended with {running.returncode}: {said[-1000:]}")
    return running.returncode


def _dirty(root: Path, edits: Edits) -> list[str]:
    listed = state(root)[1].splitlines()
    return [each for each in listed if not any(path in each for path in edits.loose) and "notes" not in each]


def _committed(root: Path) -> dict[str, str]:
    """Return what is committed, but for what the person wrote: path -> blob."""
    lines = git(root, "ls-tree", "-r", "HEAD").splitlines()
    return {path: head for head, _, path in (line.partition("\t") for line in lines) if not path.startswith("notes/")}
