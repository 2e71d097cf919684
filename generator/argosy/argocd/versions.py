"""What is known of each minor version of Argo CD: `versions.json`, read and typed.

Sources, of each minor version's last patch: `hack/tool-versions.sh`, `docs/operator-manual/argocd-cm.yaml` and
`tested-kubernetes-versions.md` in Argo CD's repository; of the charts, `charts/argo-cd/Chart.yaml` in argo-helm's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Version:
    """What a minor version of Argo CD comes with."""

    minor: str
    helm: str
    kustomize: str
    kubernetes: tuple[str, str]
    """The oldest and the newest Kubernetes that it is tested with."""
    polling: int
    """How often Git is asked for changes, in seconds."""
    jitter: int
    """How much longer it may take, in seconds."""
    charts: tuple[str, str] | None
    """The first and the last version of the chart argo-cd that installs it; None where none was seen."""


@cache
def known() -> Mapping[str, Version]:
    """Return all minor versions that are known, from the oldest on."""
    data = json.loads(Path(__file__).with_name("versions.json").read_text(encoding="utf-8"))
    return {
        minor: Version(
            minor,
            each["helm"],
            each["kustomize"],
            (each["kubernetes"][0], each["kubernetes"][1]),
            each["polling"],
            each["jitter"],
            (each["charts"][0], each["charts"][1]) if each["charts"] else None,
        )
        for minor, each in sorted(data.items(), key=lambda item: numbers(item[0]))
    }


def newest() -> Version:
    """Return the newest version that is known."""
    return [*known().values()][-1]


def version(name: str) -> Version | None:
    """Return what is known of the minor version that a version such as 3.5.1 belongs to."""
    return known().get(minor(name))


def of_chart(name: str) -> Version | None:
    """Return which version a version of the chart argo-cd installs, if it sets no other; None where it is unknown."""
    wanted = numbers(name)
    for each in known().values():
        if len(wanted) == 3 and each.charts and numbers(each.charts[0]) <= wanted <= numbers(each.charts[1]):
            return each
    return None


def minor(name: str) -> str:
    """Return the minor version of a version: 3.5 of v3.5.1."""
    return ".".join(name.removeprefix("v").split(".")[:2])


def numbers(name: str) -> tuple[int, ...]:
    """Return a version's numbers, which order versions; none of what is no version, but a range or a name."""
    found = re.fullmatch(r"v?(\d{1,9}(?:\.\d{1,9}){1,2})(?:\+\S*)?", name)
    return tuple(map(int, found[1].split("."))) if found else ()
