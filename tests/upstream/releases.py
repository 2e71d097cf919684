"""What is to be written when Argo CD has a new version: the places that name one, and what is known of each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FACTS = ROOT / "generator" / "argosy" / "argocd" / "versions.json"


@cache
def pinned(root: Path = ROOT) -> str:
    """Return the version of Argo CD that the template installs, with its “v”: everything else follows from it."""
    return str(yaml.safe_load((root / "copier.yml").read_text(encoding="utf-8"))["argocd_version"]["default"])


def differences(checkout: Path, root: Path = ROOT, facts: Path = FACTS) -> Iterator[str]:
    """Yield what to change for the Argo CD in a checkout of its repository."""
    release = (checkout / "VERSION").read_text(encoding="utf-8").strip()
    if pinned(root) != f"v{release}":
        yield f"copier.yml: argocd_version is {pinned(root)}, and this is v{release}: write it, then `make golden docs`"
    minor = ".".join(release.split(".")[:2])
    wanted, said = shipped(checkout, minor), json.loads(facts.read_text(encoding="utf-8")).get(minor)
    if said is None or {**said, **wanted} != said:
        yield f"argocd/versions.json: write “{minor}”: {json.dumps(wanted)}" + (
            f", not {json.dumps(said)}" if said else ""
        )


def shipped(checkout: Path, minor: str) -> dict[str, Any]:
    """Return what a minor version of Argo CD comes with, in the form of argocd/versions.json."""
    tools = (checkout / "hack" / "tool-versions.sh").read_text(encoding="utf-8")
    manual = checkout / "docs" / "operator-manual"
    tested = (manual / "tested-kubernetes-versions.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| *{re.escape(minor)} *\|(.*)\|", tested, flags=re.MULTILINE)
    versions = sorted(re.findall(r"\d+\.\d+", row[1] if row else ""), key=lambda each: int(each.partition(".")[2]))
    settings = (manual / "argocd-cm.yaml").read_text(encoding="utf-8")

    def found(pattern: str, text: str) -> str:
        match = re.search(pattern, text, flags=re.MULTILINE)
        return match[1] if match else ""

    return {
        "helm": found(r"^(?:HELM_VERSION|helm\d*_version)=v?(\S+)", tools),
        "kustomize": found(r"^(?:KUSTOMIZE_VERSION|kustomize\d*_version)=v?(\S+)", tools),
        "kubernetes": [versions[0], versions[-1]] if versions else [],
        "polling": int(found(r"^ +timeout\.reconciliation: *\"?(\d+)s", settings) or 0),
        "jitter": int(found(r"^ +timeout\.reconciliation\.jitter: *\"?(\d+)s", settings) or 0),
    }


def write(checkout: Path, facts: Path = FACTS) -> str:
    """Write what the Argo CD in a checkout comes with, and return its minor version; its charts stay."""
    minor = ".".join((checkout / "VERSION").read_text(encoding="utf-8").strip().split(".")[:2])
    known = json.loads(facts.read_text(encoding="utf-8"))
    known[minor] = {**shipped(checkout, minor), "charts": known.get(minor, {}).get("charts", [])}
    rows = sorted(known.items(), key=lambda row: [int(part) for part in row[0].split(".")])
    lines = ",\n".join(f'  "{name}": {json.dumps(each)}' for name, each in rows)
    facts.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    return minor
