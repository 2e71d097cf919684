"""Images that say which version they are."""

from __future__ import annotations

import pytest

from argosy.argocd.view import View
from argosy.documents import Document
from argosy.kubernetes.pods import images
from argosy.rules.images import image_tag

EVERYTHING = View(root=None)  # type: ignore[arg-type]  # These rules look at one document alone.


def document(data: object) -> Document:
    """Return a manifest."""
    return Document("manifest.yaml", 0, data)


def pod(**container: object) -> Document:
    """Return a Pod with one container."""
    return document({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "shop", **container}]}})


@pytest.mark.parametrize(
    "image",
    ["nginx:1.29", "nginx@sha256:" + "0" * 64, "registry:5000/nginx:1", "nginx:latest@sha256:" + "0" * 64, "", None, 7],
)
def test_images_that_say_what_they_are(image: object) -> None:
    assert list(image_tag(pod(image=image), EVERYTHING)) == []


@pytest.mark.parametrize(
    "image", ["nginx", "nginx:latest", "registry:5000/nginx", "nginx:", "ghcr.io/acme/shop:latest"]
)
def test_images_that_do_not(image: str) -> None:
    (problem,) = image_tag(pod(image=image), EVERYTHING)
    assert problem.at == ("spec", "containers", 0, "image")
    assert "latest" in problem.message


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Pod", ("spec",)),
        ("Deployment", ("spec", "template", "spec")),
        ("Job", ("spec", "template", "spec")),
        ("CronJob", ("spec", "jobTemplate", "spec", "template", "spec")),
    ],
)
def test_images_of_every_workload_are_seen(kind: str, path: tuple[str, ...]) -> None:
    inner: object = {"initContainers": [{"image": "a"}], "containers": [{"image": "b"}, "junk", {}]}
    for part in reversed(path):
        inner = {part: inner}
    data = {"kind": kind, **inner}  # type: ignore[dict-item]
    assert [image for _, image in images(data)] == ["a", "b"]
