"""What Applications deployed before the last change: where nothing of it is left, Argo CD prunes all that runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from argosy import git
from argosy.argocd import deployed, elsewhere
from argosy.argocd.inventory import reached_by
from argosy.argocd.view import Resource, View
from argosy.documents.fields import mapping
from argosy.git.objects import blob_id
from argosy.git.snapshot import Snapshot
from argosy.paths import holds


def rendered(place: Path, view: View) -> Mapping[str, Collection[Resource]]:
    """Return what the Applications rendered before that are made from something else since, by their names.

    Before is what is committed, where Applications have changes that are not, or else the commit before; nothing is
    returned where this clone does not have it.
    """
    if not (place / ".git").exists():
        return {}
    written = [each for each in view.applications if not each.prefix]
    now = {each.name: _made_from([spec for _, spec in each.sources]) for each in written}
    texts = {path: _read(view.root / path) for path in sorted({each.document.path for each in written})}
    for former in ("HEAD", "HEAD^1"):
        changed = _changed(place, former, texts)
        before = {name: _made_from(each) for name, each in elsewhere.sources_in(changed.values()).items()}
        names = {name for name, made in before.items() if name in now and made != now[name]}
        if names:
            state = Snapshot.of(place, former)
            deploying = deployed.of_snapshot(state, reached_by(frozenset(changed)))
            return {
                name: {(each.group, each.kind, each.name) for each in deploying[name].manifests}
                for name in names & deploying.keys()
            }
    return {}


def _changed(place: Path, commit: str, texts: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Return what a commit has of some files, by path, where that is not their text."""
    known = git.at(place).objects
    named = {path: f"{commit}:{path}" for path in texts}
    found = dict(zip(texts, known.find(named.values()), strict=True))
    # Most are as they were, and then Git need not tell what is in them.
    other = [path for path, each in found.items() if each and each.name != blob_id(texts[path], each.name)]
    read = dict(zip(other, known.read(named[path] for path in other), strict=True))
    return {
        path: each.content
        for path, each in read.items()
        if each and each.kind == "blob" and each.content is not None and _lines(each.content) != texts[path]
    }


def _read(file: Path) -> bytes:
    return _lines(file.read_bytes()) if holds(file.is_file) else b""


def _lines(content: bytes) -> bytes:
    """Return a text as it is on every system."""
    return content.replace(b"\r\n", b"\n")


def _made_from(sources: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what decides which resources the sources give, rather than what is in them."""
    return [
        (
            each.get("path"),
            each.get("chart"),
            mapping(each.get("helm")).get("releaseName"),
            *(mapping(each.get("kustomize")).get(key) for key in ("namePrefix", "nameSuffix")),
        )
        for each in sources
    ]
