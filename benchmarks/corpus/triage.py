"""Which errors of argosy's were looked at, and whether they are errors: `triage.yaml`."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parent / "triage.yaml"
VERDICTS = ("real", "alone", "copy", "false")
"""An error; one of a file, chart or Application that nothing deploys so, or not together with the other; one of a file
that the copy at hand lacks; and none.
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody found out about errors of a rule: those of the paths that a glob matches."""

    rule: str
    path: str
    verdict: str
    why: str

    def covers(self, finding: Mapping[str, Any]) -> bool:
        """Return whether it is about a finding."""
        return fnmatch.fnmatchcase(finding["rule"], self.rule) and fnmatch.fnmatchcase(finding["path"], self.path)


def verdicts() -> Mapping[str, Sequence[Verdict]]:
    """Return the verdicts by repository."""
    found = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {name: [Verdict(**each) for each in several] for name, several in found.items()}


def count(findings: Sequence[Mapping[str, Any]], known: Sequence[Verdict]) -> tuple[Counter[str], Sequence[Any]]:
    """Return how many errors there are of each verdict, and those that nobody looked at."""
    errors = [each for each in findings if each["severity"] == "error"]
    counted: Counter[str] = Counter()
    left = []
    for each in errors:
        verdict = next((one.verdict for one in known if one.covers(each)), "")
        counted[verdict] += 1
        if not verdict:
            left.append(each)
    return counted, left
