"""What breaks argosy: harnesses that run for as long as one likes.

    python -m tests.reliability signals --count 1000 --seed 7
    python -m tests.reliability fuzz --minutes 60
    python -m tests.reliability all --count 3

Each trial has a seed of its own. What fails is shown with it, and kept; --seed N --count 1 does that one again.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests import shared
from tests.reliability import disk
from tests.reliability.running import Runner
from tests.reliability.trials import failures, figures

HARNESSES = ("signals", "disk", "parallel", "sequences", "injection", "hostile", "hosts", "fuzz")


def main() -> int:
    """Run the harnesses that are asked for, and return 1 where anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("harness", choices=(*HARNESSES, "all"))
    parser.add_argument("--seed", type=int, default=1, help="the first trial's seed")
    parser.add_argument("--count", type=int, help="how many trials of each harness (else 10, or as the minutes allow)")
    parser.add_argument("--minutes", type=float, help="for how long each harness runs")
    parser.add_argument("--keep", type=Path, help="the folder in which what fails is kept")
    given = parser.parse_args()
    if given.harness in {"disk", "all"}:
        disk.in_own_mounts()
    kept = given.keep or Path(tempfile.mkdtemp(prefix="reliability-"))
    kept.mkdir(parents=True, exist_ok=True)
    count = 10 if given.count is None and given.minutes is None else given.count
    failed = False
    with tempfile.TemporaryDirectory(prefix="reliability-home-") as home, ExitStack() as stack:
        stack.enter_context(shared.session())
        stack.enter_context(shared.home(Path(home)))
        runner = stack.enter_context(Runner())
        for name in HARNESSES if given.harness == "all" else (given.harness,):
            counts = Counter[str]()
            module = importlib.import_module(f"tests.reliability.{name}")
            trials = (name, module.trial, runner, kept, given.seed)
            try:
                for failure in failures(*trials, count=count, minutes=given.minutes, counts=counts):
                    failed = True
                    print(failure, end="\n\n", flush=True)
            finally:  # Also where Ctrl-C ends it.
                print(f"{name}: {figures(counts)}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
