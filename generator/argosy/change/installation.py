"""Argo CD's own manifests, kept in a repository: brought once, and anew where the template names others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from argosy import remote
from argosy.change.planning import Change
from argosy.errors import ArgosyError, UsageError
from argosy.git import objects
from argosy.repository import layout
from argosy.repository.installation import Copy, named
from argosy.template.tree import Tree

_KUSTOMIZATION = f"{layout.INSTALL}/kustomization.yaml"


def files(tree: Tree) -> Mapping[str, bytes]:
    """Return the copy that a rendered tree names, with its note; raise UsageError where it was not fetched."""
    url = _url(tree)
    if not url:
        return {}
    pin = remote.Pin(url, "")
    folder = remote.folder(pin)
    if folder is None:
        why = remote.trouble(pin)
        raise UsageError(
            f"There is nothing to keep of Argo CD: {f'{url} {why[3:]}' if why.startswith('it ') else why}.",
            f"{remote.next_step(pin, 'Run the same command with --fetch.')} Without a network, run it elsewhere, and "
            "bring what is in ARGOSY_CACHE (~/.cache/argosy), or leave argocdManifests=release.",
        )
    content = (folder / url.rpartition("/")[2]).read_bytes()
    return {layout.INSTALL_MANIFESTS: content, layout.INSTALL_DIGEST: str(Copy.of(url, content)).encode()}


def renewed(root: Path, change: Change, before: Tree, after: Tree) -> Change:
    """Return the change with the copy brought, renewed or removed, where the two trees name another one.

    Raise ArgosyError where what is there is no copy, or was edited: it would be lost.
    """
    url, wanted = _url(before), _url(after)
    if url == wanted or (change.only and not change.only(layout.INSTALL_MANIFESTS)):
        return change
    paths = (layout.INSTALL_MANIFESTS, layout.INSTALL_DIGEST)
    held = objects.blobs(root, objects.entries(root, objects.head(root)), paths)
    if present := held.get(layout.INSTALL_MANIFESTS):
        note = Copy.read(held[layout.INSTALL_DIGEST].content) if layout.INSTALL_DIGEST in held else None
        if note != Copy.of(note.url if note else "", present.content):
            raise ArgosyError(
                f"{layout.INSTALL_MANIFESTS} is not the copy whose digest is in {layout.INSTALL_DIGEST}.",
                f"Put what you changed into a patch of {_KUSTOMIZATION}, and bring the copy back: "
                f"git checkout COMMIT -- {layout.INSTALL_MANIFESTS}. A file of your own needs another name.",
            )
    if not wanted:
        return replace(change, removed=[*change.removed, *held])
    return replace(change, written={**change.written, **files(after)})


def _url(tree: Tree) -> str:
    return named(tree[_KUSTOMIZATION].content) if _KUSTOMIZATION in tree else ""
