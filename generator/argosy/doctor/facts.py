"""What is known of each version of Argo CD, and of each host's webhooks: `argocd.json`, read and typed.

Sources, of each minor version's last patch: `hack/tool-versions.sh`, `docs/operator-manual/argocd-cm.yaml`,
`tested-kubernetes-versions.md` and `webhook.md` in Argo CD's repository.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from argosy import paths
from argosy.documents import plain
from argosy.repository import layout
from argosy.repository.installation import named

INSTALL = "argocd/install/kustomization.yaml"
_COPY = layout.INSTALL_MANIFESTS.rpartition("/")[2]
_IMAGE = "quay.io/argoproj/argocd"
_MANIFESTS = re.compile(r"argoproj/argo-cd(?:\.git)?/.*?\bv?(\d+\.\d+\.\d+)\b")


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


@dataclass(frozen=True, slots=True)
class Webhook:
    """How a host notifies Argo CD of a push."""

    host: str
    keys: Sequence[str]
    """The keys of argocd-secret that hold what the host signs with."""
    settings: str
    """Where it is configured, with `{host}` and `{project}`."""
    how: str


@cache
def _data() -> Any:
    return json.loads(Path(__file__).with_name("argocd.json").read_text(encoding="utf-8"))


def newest() -> Version:
    """Return the newest version that is known."""
    return _version(max(_data()["versions"], key=_number))


def version(name: str) -> Version | None:
    """Return what is known of the minor version that a version such as 3.5.1 belongs to."""
    minor = ".".join(name.removeprefix("v").split(".")[:2])
    return _version(minor) if minor in _data()["versions"] else None


def _version(minor: str) -> Version:
    found = _data()["versions"][minor]
    oldest, latest = found["kubernetes"]
    return Version(minor, found["helm"], found["kustomize"], (oldest, latest), found["polling"], found["jitter"])


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def webhook(host: str) -> Webhook | None:
    """Return how the host of that name, such as github.com, announces pushes; None for a kind that is not known."""
    for each in _data()["webhooks"]:
        if any(name in host for name in each["names"]):
            return Webhook(each["host"], each["keys"], each["settings"], each["how"])
    return None


def installed(root: Path) -> str:
    """Return the version of Argo CD that a repository pins in `argocd/install`, such as 3.5.1, or nothing."""
    data = plain.load(root / INSTALL, root)
    copied = named(paths.content(root / INSTALL, root)) if (root / INSTALL).is_file() else ""
    for name in ("resources", "bases", "components"):
        for resource in data.get(name) or ():
            if found := _MANIFESTS.search(copied if resource == _COPY else str(resource)):
                return found[1]
    # Where a commit is named, the image says the version.
    for image in data.get("images") or ():
        if image.get("name") == _IMAGE and (found := re.fullmatch(r"v?(\d+\.\d+\.\d+)", str(image.get("newTag")))):
            return found[1]
    return ""
