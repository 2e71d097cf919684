"""Trials: what a harness does again and again, each from a seed of its own, in a folder of its own."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.reliability.running import TALK, Ended, Runner, Running

KINDS = ("lost", "stuck", "leaked", "hung", "wrong")
"""What a fault is.

lost: what a person wrote is gone; stuck: no next command brings the repository back; leaked: a lock, a file, a process
or a secret is left or shown; hung: a command does not end; wrong: all else that is promised and does not hold.
"""
LOOKING = {"doctor", "diff", "status"}
"""The commands whose exit codes stop at 2."""
_DATES = {f"GIT_{who}_DATE": "2026-03-01T09:00:00Z" for who in ("AUTHOR", "COMMITTER")}


@dataclass(frozen=True, slots=True)
class Failure:
    """What a trial found, and how to see it again."""

    harness: str
    seed: int
    faults: tuple[tuple[str, str], ...]
    """Each with its kind."""
    steps: tuple[str, ...]
    kept: Path

    def __str__(self) -> str:
        faults = "\n".join(f"  {kind}: {text}" for kind, text in self.faults)
        steps = "\n".join(f"    {step}" for step in self.steps)
        return f"{self.harness}, seed {self.seed}, kept in {self.kept}\n{faults}\n  after\n{steps}"


@dataclass
class Stand:
    """The place of one trial: its folder, argosy, and what is seen there."""

    folder: Path
    runner: Runner
    counts: Counter[str]
    environment: dict[str, str] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)  # What an earlier run kept.
        for name in ("talk", "temporary"):
            (self.folder / name).mkdir(parents=True)

    def fault(self, kind: str, text: str) -> None:
        """Note a fault."""
        assert kind in KINDS
        self.faults.append((kind, text))

    def step(self, text: str) -> None:
        """Note what is done."""
        self.steps.append(text)

    def start(self, *arguments: str, at: Path, **options: Any) -> Running:
        """Start argosy, as Runner.start does."""
        self.step(f"argosy {' '.join(map(repr, arguments))}" + "".join(f", {k} {v}" for k, v in options.items() if v))
        self.counts["commands"] += 1
        environment = {**os.environ, **_DATES, "TMPDIR": str(self.folder / "temporary"), **self.environment}
        return self.runner.start(arguments, at, environment, self.folder / "talk", **options)

    def run(self, *arguments: str, at: Path, **options: Any) -> Ended:
        """Run argosy to its end, and judge what holds for every command."""
        ended = self.start(*arguments, at=at, **options).finish()
        self.judge(ended, *arguments)
        if not 0 <= ended.code <= (2 if arguments[:1] and arguments[0] in LOOKING else 3):
            self.fault("wrong", f"exit code {ended.code}: {ended.err[-500:]}")
        return ended

    def judge(self, ended: Ended, *arguments: str, killed: bool = False) -> None:
        """Note the faults that no command may have; one that was killed could not clean up after itself."""
        if ended.hung:
            self.fault("hung", " ".join(arguments))
        if "Traceback (most recent call last)" in ended.err + ended.out:
            self.fault("wrong", ended.err[-1500:])
        if max(len(ended.out), len(ended.err)) >= TALK:
            self.fault("wrong", f"printed {TALK} bytes or more")
        if ended.left:
            self.fault("leaked", f"{ended.left} processes")
        left = sorted(path.name for path in (self.folder / "temporary").iterdir())
        if left and not killed:
            self.fault("leaked", f"in the folder of temporary files: {', '.join(left)}")
        for name in left:
            shutil.rmtree(self.folder / "temporary" / name, ignore_errors=True)
            (self.folder / "temporary" / name).unlink(missing_ok=True)


Trial = Callable[[Stand, random.Random], None]


def failures(
    harness: str,
    trial: Trial,
    runner: Runner,
    place: Path,
    seed: int,
    *,
    count: int | None = None,
    minutes: float | None = None,
    counts: Counter[str] | None = None,
) -> Iterator[Failure]:
    """Yield what fails of a harness's trials, as many as are asked for or as fit into some minutes.

    Each has the seed after the one before: `--seed N --count 1` does one of them again. Counts what was done.
    """
    counted = Counter[str]() if counts is None else counts
    end = None if minutes is None else time.monotonic() + minutes * 60
    for number in itertools.count(seed) if count is None else range(seed, seed + count):
        if end and time.monotonic() >= end:
            return
        stand = Stand(place / f"{harness}-{number}", runner, counted)
        counted["trials"] += 1
        try:
            trial(stand, random.Random(f"{harness} {number}"))
        except Exception:
            stand.fault("wrong", f"the trial itself failed: {traceback.format_exc()}")
        counted.update(kind for kind, _ in stand.faults)
        if stand.faults:
            yield Failure(harness, number, tuple(stand.faults), tuple(stand.steps), stand.folder)
        else:
            shutil.rmtree(stand.folder)


def figures(counts: Mapping[str, int]) -> str:
    """Return what was done, and how many faults of each kind there were."""
    done = ", ".join(f"{number} {name}" for name, number in counts.items() if name not in KINDS)
    return f"{done}: {', '.join(f'{counts.get(kind, 0)} {kind}' for kind in KINDS)}"
