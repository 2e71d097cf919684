"""Rules of images."""

from __future__ import annotations

from collections.abc import Iterator

from argosy.argocd.view import View
from argosy.documents import Document
from argosy.findings import Problem, Severity
from argosy.kubernetes.pods import images
from argosy.rules.examples import POD
from argosy.rules.registry import Scope, rule


@rule(
    "image-tag",
    Severity.WARNING,
    Scope.DOCUMENT,
    "An image has no tag, or the tag `latest`.",
    explanation="The version that runs depends on when a node pulled the image: environments differ although Git is "
    "the same, reverting a commit does not roll back, and Argo CD does not notice a new image.",
    bad=POD.format(image="nginx"),
    good=POD.format(image="nginx:1.29.3-alpine"),
)
def image_tag(document: Document, view: View) -> Iterator[Problem]:
    """Find images whose reference does not say which version it is."""
    if document.path in view.overlaid and not document.is_rendered:
        return  # The overlays that build it are checked instead.
    for pointer, image in images(document.data):
        name, at, _ = image.partition("@")
        _, colon, tag = name.rpartition("/")[2].partition(":")
        if at or (colon and tag not in {"", "latest"}):
            continue
        yield Problem(
            f"The image “{image}” {'has the tag “latest”' if tag else 'has no tag, which means “latest”'}.",
            pointer,
            "Name a version, or better a digest (repository:tag@sha256:…).",
        )
