"""Signals: a command that changes a repository is interrupted or killed at any moment, and nothing is lost by it."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import time
from pathlib import Path

from tests.changing import git
from tests.reliability.repositories import COMMANDS, DELIVERIES, Edits, State, create, difference, do_again, state
from tests.reliability.running import Ended
from tests.reliability.trials import Stand

CODES = {
    signal.SIGINT: {130, -signal.SIGINT},
    signal.SIGTERM: {143, -signal.SIGTERM},
    signal.SIGHUP: {129, -signal.SIGHUP},
    signal.SIGKILL: {-signal.SIGKILL},
}
"""How a command ends by a signal: as it says itself, or before it heeds any."""
JOURNAL = ".git/argosy/writing"
"""Where argosy notes what it is about to write."""


def trial(stand: Stand, chance: random.Random) -> None:
    """Interrupt a command in a repository that a person works in, and bring the repository back."""
    name = chance.choice(list(COMMANDS))
    command, arguments = COMMANDS[name], COMMANDS[name].arguments
    if command.is_delivered:
        arguments += chance.choice(DELIVERIES) + chance.choice(((), ("--no-validate",)))
    stand.counts[name] += 1
    made = create(chance, stand.folder / "gitops", old=name == "update")
    edits = Edits(made.root)
    if name == "init":
        git(made.root, "rm", "--quiet", "-r", ".")
        git(made.root, "update-ref", "-d", "HEAD")
    elif name == "abort":
        edits.make(chance)  # Nobody commits among conflicts.
        command.prepare(made, stand)
    else:
        command.prepare(made, stand)
        # A branch of its own starts from what is committed, and where more is there, it is refused at once.
        edits.make(chance, loose=DELIVERIES[-1][0] not in arguments)
    before = state(made.root)

    whole = made.copied(stand.folder / "whole" / "gitops")
    expected = stand.run(*arguments, at=whole.root, signals={})
    wanted = state(whole.root)
    if edits_lost := Edits(whole.root, edits.committed, edits.loose, edits.staged).lost(but=command.takes_away):
        stand.fault("lost", f"without any signal: {', '.join(edits_lost)}")

    ended, number = _strike(stand, chance, made.root, arguments, expected)
    stand.judge(ended, *arguments, killed=number is signal.SIGKILL)
    if ended.code not in {expected.code, *CODES[number]}:
        stand.fault("wrong", f"exit code {ended.code} after {number.name}: {ended.err[-500:]}")
    if number is not signal.SIGKILL:
        _look_for_locks(stand, made.root)
    if name == "init":
        _begin_again(stand, made.root, arguments, before, wanted)
    else:
        _bring_back(stand, made.root, arguments, (before, wanted), by_abort=chance.random() < 0.5, code=expected.code)
    if lost := edits.lost(but=command.takes_away):
        stand.fault("lost", ", ".join(lost))
    _look_for_locks(stand, made.root)
    git(made.root, "fsck", "--strict", "--no-progress")


def _strike(
    stand: Stand, chance: random.Random, root: Path, arguments: tuple[str, ...], expected: Ended
) -> tuple[Ended, signal.Signals]:
    """Run a command and send it a signal, or two, at any moment; return how it ended, and which."""
    number, group = chance.choice(list(CODES)), chance.random() < 0.5
    twice = chance.random() < 0.3
    stand.counts["signals"] += 1 + twice
    if chance.random() < 0.5:
        # At one of its calls, which is the same whenever the trial is done again, unless renders are not kept by then:
        # any of them, or any since the journal was begun.
        drawn = [chance.randrange(1, 2000) for _ in range(10)]
        at = next((call for call in drawn if call <= expected.calls), expected.calls)
        writes = chance.random() < 0.6
        if writes:
            at = chance.randrange(1, chance.choice((20, 100, 400)))
        again = {at + chance.randrange(1, 200): number} if twice else {}
        signals = {each: -sent if group else sent for each, sent in {at: number, **again}.items()}
        since = JOURNAL if writes else ""
        ended = stand.start(*arguments, at=root, signals=signals, since=since).finish()
        if writes and ended.code != expected.code:
            stand.counts["while it writes"] += 1
    else:
        moment = chance.uniform(0, expected.seconds)
        running = stand.start(*arguments, at=root, anew=(anew := chance.random() < 0.3))
        time.sleep(moment + 0.2 * anew)
        stand.step(f"{number.name} after {moment:.3f} s{' to the group' if group else ''}{', twice' if twice else ''}")
        running.send(number, group=group)
        if twice:
            time.sleep(chance.uniform(0, 0.2))
            running.send(number, group=group)
        ended = running.finish()
    return ended, number


def _look_for_locks(stand: Stand, root: Path) -> None:
    left = [path for path in (root / ".git").rglob("*.lock") if path.name != "lock"]
    left += [*(root / ".git/worktrees").glob("*")]
    if left:
        stand.fault("leaked", ", ".join(str(path.relative_to(root)) for path in left))


def _unlock(stand: Stand, root: Path) -> None:
    """Do what argosy says where git was killed and left a lock."""
    for lock in (root / ".git").rglob("*.lock"):
        told = stand.run("abort", at=root)
        if not lock.exists():
            continue
        if lock.name == "index.lock" and not (told.code == 1 and str(lock) in told.err):
            stand.fault("stuck", f"nothing is said of {lock}: {told.err}")
        lock.unlink()


def _bring_back(
    stand: Stand, root: Path, arguments: tuple[str, ...], states: tuple[State, State], *, by_abort: bool, code: int
) -> None:
    """Have the next command take back what is by half, or see that nothing is; then do the whole of it."""
    _unlock(stand, root)
    if by_abort and arguments != ("abort",):
        stand.run("abort", at=root)
    else:
        stand.run("set", "environment", "nowhere", "replicas=1", at=root)
        if state(root) not in states:
            stand.run("abort", at=root)  # All is written, and was not validated any more: argosy says so.
    if state(root) not in states and DELIVERIES[-1][0] in arguments:
        stand.run(*arguments, at=root)  # Of several new branches, some are made: as it says.
    do_again(stand, root, arguments, states, code)


def _begin_again(stand: Stand, root: Path, arguments: tuple[str, ...], before: State, wanted: State) -> None:
    """See that `init` left nothing, or a whole repository, or says what is in its way."""
    _unlock(stand, root)
    now = state(root)
    if now[0] == wanted[0]:
        return
    if now != before:
        stand.step(f"left {len(now[0])} files")
    again = stand.run(*arguments, at=root)
    # What is in the way, as argosy names it: a half is taken away, and what is whole but for its end is ended.
    if told := re.search(r"((?:mv|rm -r) .*)(?:, and run this command again| makes it complete)\.$", again.err, re.M):
        subprocess.run(told[1], shell=True, check=True)
        if "makes it complete" not in told[0]:
            again = stand.run(*arguments, at=root)
    if state(root)[0] != wanted[0]:
        stand.fault("stuck", f"init cannot begin again: {again.err} {difference(before, now)}")
