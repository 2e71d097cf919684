"""The files of a deployment: its folder, and its Application elsewhere, where that says its chart's version."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

from argosy.documents import plain
from argosy.errors import ArgosyError
from argosy.git.objects import SYMLINK, Blob
from argosy.repository import argocd_files, layout
from argosy.yaml_edit import keys

APPLICATION = "Application.yaml"
"""How the files of a deployment name the Argo CD Application of a remote chart, which lies in another folder."""
SHARING = "Application-with-shared-chart.yaml"
"""How they name that of the shared chart: of this one, no revision moves."""
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_CHART = re.compile(rb"""^[\s-]*["']?chart["']?\s*:|[{,]\s*["']?chart["']?\s*:""", re.MULTILINE)


class State(Protocol):
    """A state of the repository."""

    def files(self, *folders: str) -> Mapping[str, Blob]:
        """Return the files at or below folders."""

    def followed(self, path: str) -> str:
        """Return the file that a symbolic link leads to, "" where there is none."""

    def blob(self, path: str) -> Blob | None:
        """Return a file, None where there is none."""


def units(application: str, environment: str) -> tuple[str, str]:
    """Return the folder of a deployment, and the file of its Application."""
    return layout.deployment(environment, application), layout.argocd_application(environment, application)


def path_of(name: str, application: str, environment: str) -> str:
    """Return where a file of a deployment lies in the repository."""
    folder, argocd = units(application, environment)
    return argocd if name in {APPLICATION, SHARING} else f"{folder}/{name}"


def files(state: State, application: str, environment: str, *, present: bool = False) -> dict[str, bytes]:
    """Return a deployment's files, and its Application where that has the chart's version.

    A symbolic link is the file that it leads to; one to another file of the folder is none, unless tools know its name.
    Raise ArgosyError for values or a kustomization that cannot be followed in a `present` state.
    """
    found = _blobs(state, application, environment)
    for name, blob in found.items() if present else ():
        if blob.mode == SYMLINK and _is_known(name):
            raise ArgosyError(
                f"{path_of(name, application, environment)} is a symbolic link to "
                f"{blob.content.decode(errors='replace')}, which is no file in this repository's commits.",
                "Commit what it leads to, or put the file itself there. What a submodule holds is not committed here.",
            )
    return {name: blob.content for name, blob in found.items() if blob.mode != SYMLINK}


def modes(state: State, application: str, environment: str) -> dict[str, str]:
    """Return the modes of these files, and of symbolic links beside them."""
    return {name: blob.mode for name, blob in _blobs(state, application, environment).items()}


def _blobs(state: State, application: str, environment: str) -> dict[str, Blob]:
    folder, argocd = units(application, environment)
    held = dict(state.files(folder, argocd))
    written = held.pop(argocd, None)
    found = {path.removeprefix(f"{folder}/"): blob for path, blob in held.items()}
    if written and argocd_files.followed(written.content):
        found[SHARING] = written
    elif written and charts(written.content):
        found[APPLICATION] = written
    for name, blob in found.items():
        path = state.followed(f"{folder}/{name}") if blob.mode == SYMLINK else ""
        if path and (_is_known(name) or not path.startswith(f"{folder}/")):
            found[name] = state.blob(path) or blob
    return found


class Texts(Protocol):
    """A state of the repository, file by file."""

    def read(self, path: str) -> bytes | None:
        """Return what a file holds, None where there is none."""


def shared_chart(state: Texts, application: str, environment: str) -> str:
    """Return the folder of the shared chart in the version that a deployment follows, "" where it has another chart."""
    argocd = layout.argocd_application(environment, application)
    places = (argocd, layout.chart_version(environment, application))
    version = next(filter(None, (argocd_files.followed(state.read(path) or b"") for path in places)), "")
    return layout.shared_chart(version) if version else ""


def _is_known(name: str) -> bool:
    return keys.is_values(name) or name in KUSTOMIZATIONS


@lru_cache(maxsize=4096)
def charts(application: bytes) -> Sequence[Mapping[str, Any]]:
    """Return the sources of an Application that are charts of a chart repository."""
    # To read a thousand Applications as YAML takes a second.
    spec = plain.parse(application).get("spec") if _CHART.search(application) else None
    if not isinstance(spec, dict):
        return ()
    listed = spec.get("sources")
    sources = [*(listed if isinstance(listed, list) else ()), spec.get("source")]
    return [each for each in sources if isinstance(each, dict) and each.get("chart")]
