"""What Argo CD's upgrade guides warn of, by the step from one minor version to the next: `guides.json`.

Source: `docs/operator-manual/upgrading/*.md` in Argo CD's repository, each entry with its heading.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from argosy.argocd import versions
from argosy.errors import UsageError

_PAGES = "https://argo-cd.readthedocs.io/en/latest/operator-manual/upgrading"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that a guide warns of."""

    id: str
    step: str
    """Such as 3.4-3.5."""
    title: str
    do: str
    url: str


@cache
def steps() -> Mapping[str, Sequence[Notice]]:
    """Return what each guide warns of, from the oldest on."""
    data = json.loads(Path(__file__).with_name("guides.json").read_text(encoding="utf-8"))
    return {
        step: [
            Notice(each["id"], step, each["title"], each["do"], f"{_PAGES}/{step}/#{each['anchor']}") for each in found
        ]
        for step, found in data.items()
    }


def between(old: str, new: str) -> Sequence[str]:
    """Return the steps from one version to another, all of which count; raise UsageError where one is unknown.

    Argo CD lets minor versions be skipped, and asks for the guides of all in between to be read. It has none for the
    way down: what they say counts backwards then.
    """
    low, high = sorted((versions.minor(old), versions.minor(new)), key=versions.numbers)
    known = [step for step in steps() if versions.numbers(low) <= versions.numbers(step.partition("-")[0])]
    found = [step for step in known if versions.numbers(step.partition("-")[2]) <= versions.numbers(high)]
    ends = {end for step in found for end in step.split("-")}
    if low != high and not {low, high} <= ends:
        lacking = high if low in ends else low
        raise UsageError(
            f"Nothing is known of an upgrade of Argo CD {'to' if lacking == high else 'from'} {lacking}.",
            f"Known are {', '.join(versions.known())}. The guides: {_PAGES}/overview/.",
        )
    return found
