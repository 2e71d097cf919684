"""The source hydrator: the place in Git to which Argo CD commits what it renders, and from which it applies it."""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from argosy.argocd.urls import normal_url
from argosy.argocd.view import ArgoApplication
from argosy.documents.fields import field, mapping, text


class Destination(NamedTuple):
    """Where an Application's manifests are committed to."""

    url: str
    """The repository's, normalised."""
    branch: str
    folder: str


def destination(application: ArgoApplication) -> Destination | None:
    """Return where an Application is hydrated to; None where that is not so, or not said."""
    hydrator = mapping(application.spec.get("sourceHydrator"))
    sync = mapping(hydrator.get("syncSource"))
    url = text(sync.get("repoURL")) or text(field(hydrator, "drySource", "repoURL"))
    branch = text(field(hydrator, "hydrateTo", "targetBranch")) or text(sync.get("targetBranch"))
    if not (branch and text(sync.get("path"))):
        return None
    return Destination(normal_url(url), branch, posixpath.normpath(text(sync["path"])))
