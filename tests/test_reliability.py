"""The harnesses that run for as long as one likes, for a moment each: `python -m tests.reliability` has them go on."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

from tests.children import linux
from tests.reliability.__main__ import HARNESSES
from tests.reliability.running import Runner
from tests.reliability.trials import Stand, failures, figures

pytestmark = linux
CHEAP = {**dict.fromkeys(HARNESSES, 1), "disk": 2, "parallel": 2, "sequences": 118, "hostile": 3, "hosts": 3}
"""The seed of a trial of each harness that does much in little time."""


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    """Return what runs argosy, which takes longer to start than a trial takes."""
    with Runner() as made:
        yield made


@pytest.mark.parametrize("harness", HARNESSES)
def test_nothing_is_lost_stuck_leaked_hung_or_wrong(runner: Runner, tmp_path: Path, harness: str) -> None:
    trial = import_module(f"tests.reliability.{harness}").trial
    if harness == "sequences":
        trial = partial(trial, steps=range(2, 3))
    assert not [*map(str, failures(harness, trial, runner, tmp_path, CHEAP[harness], count=1))]


def test_what_fails_is_shown_with_its_seed_and_kept(runner: Runner, tmp_path: Path) -> None:
    def trial(stand: Stand, chance: random.Random) -> None:
        ended = stand.run("nowhere", at=stand.folder)
        if chance.random() < 0.5:
            stand.fault("lost", f"with {ended.code}")
            (stand.folder / "temporary/left").touch()
            stand.run("--version", at=stand.folder)
            raise RuntimeError("so it ends")

    counts = Counter[str]()
    found = {each.seed: each for each in failures("made", trial, runner, tmp_path, 1, count=4, counts=counts)}
    assert 0 < len(found) < 4
    assert {path.name for path in tmp_path.iterdir()} == {f"made-{seed}" for seed in found}
    [again] = failures("made", trial, runner, tmp_path, next(iter(found)), count=1)
    assert again.steps == found[again.seed].steps
    assert [kind for kind, _ in again.faults] == ["lost", "leaked", "wrong"]
    assert f"made, seed {again.seed}, kept in {again.kept}\n  lost: with 2\n  leaked: in the" in str(again)
    assert "argosy 'nowhere'\n" in str(again)
    assert "RuntimeError: so it ends" in str(again)
    each = f"{len(found)} lost, 0 stuck, {len(found)} leaked, 0 hung, {len(found)} wrong"
    assert figures(counts) == f"4 trials, {4 + len(found)} commands: {each}"


def test_a_command_that_ends_otherwise_than_it_may_is_noticed(runner: Runner, tmp_path: Path) -> None:
    stand = Stand(tmp_path / "stand", runner, Counter())
    stand.run("--version", at=stand.folder)
    stand.run("rules", at=stand.folder, signals={2: 15})
    stand.run("rules", at=stand.folder, signals={2: -9})
    assert [(kind, text.split(":")[0]) for kind, text in stand.faults] == [
        ("wrong", "exit code -15"),
        ("wrong", "exit code -9"),
    ]
