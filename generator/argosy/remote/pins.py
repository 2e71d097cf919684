"""Pins: what a source of an Application, or a base of a kustomization, takes from elsewhere, and in which version."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs

COMMAND = "argosy fetch"
"""What brings all that a repository pins."""


class Kind(StrEnum):
    """How something is fetched."""

    CHART = "chart"
    GIT = "repository"
    OCI = "artifact"
    FILE = "file"


@dataclass(frozen=True, slots=True, order=True)
class Pin:
    """A chart, a Git repository or an OCI artifact, in a version; or a file, whose URL says which."""

    url: str
    """As an Application has it: of a chart in a registry without `oci://`."""
    revision: str
    """Empty for a file alone."""
    chart: str = ""

    @property
    def kind(self) -> Kind:
        """How it is fetched."""
        if self.chart:
            return Kind.CHART
        if not self.revision:
            return Kind.FILE
        return Kind.OCI if self.url.startswith("oci://") else Kind.GIT

    def __str__(self) -> str:
        """Name it as a sentence does."""
        if self.chart:
            return f"the chart {self.chart} {self.revision} of {self.url}"
        return f"{self.url} at {self.revision}" if self.revision else self.url

    @property
    def is_fixed(self) -> bool:
        """Return whether the revision looks as if it meant the same for ever: a version, a commit or a digest."""
        parts = [self.revision] if self.revision else self.url.split("/")
        return any(map(_FIXED.fullmatch, parts))

    @property
    def file(self) -> str:
        """The name that a file alone has in its folder."""
        return re.split(r"[?#]", self.url)[0].rpartition("/")[2] or "file"

    @property
    def label(self) -> str:
        """What the files that it renders to are called after: what it is, and its version."""
        name = self.chart or self.url.rstrip("/").rpartition("/")[2].removesuffix(".git")
        return f"{name}@{self.revision}" if self.revision else name


def of_source(spec: Mapping[str, Any]) -> Pin | None:
    """Return what a source of an Application takes from elsewhere; None where it does not say what."""
    url, chart, revision = (str(spec.get(each) or "") for each in ("repoURL", "chart", "targetRevision"))
    if not url or (chart and not revision):
        return None
    if chart and url.startswith("oci://"):
        url = url.removeprefix("oci://")
    return Pin(url.rstrip("/"), revision or "HEAD", chart)


def of_chart(name: str, version: str, repository: str) -> Pin | None:
    """Return what a chart of a repository is, as a dependency or a kustomization has it; None where it names none.

    The repository is a URL, or `@NAME` or `alias:NAME` for one that Helm knows.
    """
    url = re.sub("^(?:alias:|oci://)", lambda found: "@" if found[0] == "alias:" else "", repository).rstrip("/")
    return Pin(url, version or "*", name) if url and name and not url.startswith("file:") else None


_FIXED = re.compile(
    r"(?:\w+[-/@])*v?\d+(?:\.\d+)+(?:[-+][\w.+-]+)?|[0-9a-f]{40}|[0-9a-f]{64}|sha\d+:[0-9a-f]+", re.ASCII
)

_REPOSITORY = re.compile(
    r"(?:git::)?(?P<url>(?:https?://|ssh://)[^/?]+(?:/[^/?]+)+?|[\w.-]+@[\w.-]+:[^?]+?)"
    r"(?:(?<=\.git)/(?!/)(?P<below>[^?]*)|//(?P<path>[^?]*))?(?:\?(?P<query>.*))?"
)
_HOSTED = re.compile(r"(https?://(?:github\.com|gitlab\.com|bitbucket\.org)/[^/?]+/[^/?]+)/([^?]+)")
"""Hosts of which Kustomize knows where a repository's URL ends."""


_FILE = re.compile(r"https?://[^/?#\s]+/[^?#\s]*/?[^/?#\s]+\.(?:ya?ml|json)", re.IGNORECASE)


def of_base(entry: str) -> tuple[Pin, str] | None:
    """Return what a URL in a kustomization means, and the folder or file in it; None where that cannot be told.

    As Kustomize reads it: `https://HOST/REPOSITORY//FOLDER?ref=REVISION` is in a Git repository, which `.git` ends too,
    and what ends as manifests do is a file.
    """
    if _FILE.fullmatch(entry) and ".git/" not in entry and "//" not in entry.partition("://")[2]:
        pin = Pin(entry, "")
        return pin, pin.file
    short = re.sub(r"^(?:gh:|(?=github\.com/))", "https://", entry.replace("gh:", "gh:github.com/", 1))
    match = _REPOSITORY.fullmatch(short)
    if match is None:
        return None
    url, path = match["url"], match["path"] or match["below"] or ""
    if not path and "//" not in short.partition("://")[2] and (hosted := _HOSTED.fullmatch(url)):
        url, path = hosted[1], hosted[2]
    query = parse_qs(match["query"] or "")
    revision = next((query[each][0] for each in ("ref", "version") if query.get(each)), "")
    if not revision and not path and not url.endswith(".git"):
        return None
    return Pin(url, revision or "HEAD"), path.strip("/")
