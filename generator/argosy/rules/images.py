"""Rules of images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from argosy.argocd.applicationsets.parameters import printed
from argosy.argocd.view import ArgoApplication, View
from argosy.documents import Document, Pointer, parse
from argosy.documents.fields import JSON, field, text
from argosy.errors import UsageError
from argosy.findings import Problem, Severity
from argosy.kubernetes.pods import images
from argosy.repository.model import Image
from argosy.rules.examples import APPLICATION, CHART, DESTINATION, POD, REPOSITORY
from argosy.rules.registry import Scope, declare, rule
from argosy.schemas.violations import path_of, quotes


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
    for pointer, written, image in _read(document, view):
        if isinstance(image, Image) and not image.digest and image.tag in {"", "latest"}:
            yield Problem(
                f"The image “{written}” {'has the tag “latest”' if image.tag else 'has no tag, which means “latest”'}.",
                pointer,
                "Name a version, or better a digest (repository:tag@sha256:…).",
            )


@rule(
    "image-invalid",
    Severity.ERROR,
    Scope.DOCUMENT,
    "An image is not one that a node can pull.",
    explanation="The API server accepts nearly any text, and the Pod then waits with InvalidImageName. An image is "
    "`[host[:port]/]repository[:tag][@digest]`, the repository in lower case, without blanks and without `https://`. "
    "A tag like `2.0161216e+07` is a number that had no quotes in a values file.",
    bad=POD.format(image="https://ghcr.io/acme/shop:1.0.0"),
    good=POD.format(image="ghcr.io/acme/shop:1.0.0"),
)
def image_invalid(document: Document, view: View) -> Iterator[Problem]:
    """Find images that a node refuses to pull."""
    for pointer, written, image in _read(document, view):
        if isinstance(image, UsageError):
            number = re.search(r":[0-9.]+e\+[0-9]+$", written)
            lost = "The tag is a number that lost its quotes: put it in quotes where it is set."
            yield Problem(image.message, pointer, lost if number else image.hint)


def _read(document: Document, view: View) -> Iterator[tuple[Pointer, str, Image | UsageError]]:
    """Yield each image that a manifest runs, with its place: read, or why it cannot be."""
    if document.path in view.overlaid and not document.is_rendered:
        return  # The overlays that build it are checked instead.
    for pointer, written in images(document.data):
        if not written.strip() or written.startswith("ko://"):
            continue  # What fills it in comes after Git: an image trigger, or a build.
        try:
            yield pointer, written, Image.parse(written)
        except UsageError as error:
            yield pointer, written, error


_VALUES = """
# file: environments/dev/my-app/values.yaml
image:
  tag: {tag}
"""
_USING_VALUES = (
    APPLICATION
    + f"  source: {{repoURL: {REPOSITORY}, targetRevision: main, path: charts/my-app, "
    + "helm: {valueFiles: [/environments/dev/my-app/values.yaml]}}\n"
    + DESTINATION
    + CHART
)

VERSION_UNQUOTED = declare(
    "version-unquoted",
    Severity.WARNING,
    "A version in Helm values is a number without quotes.",
    explanation="YAML reads `tag: 1.10` as the number 1.1 and `tag: 20161216` as 2.0161216e+07, and that is what Helm "
    "prints. It is found for numbers called `tag`, `newTag` or `imageTag`, and for those called `version` that Helm "
    "would print otherwise than they are written.",
    bad=_USING_VALUES + _VALUES.format(tag="1.10"),
    good=_USING_VALUES + _VALUES.format(tag='"1.10"'),
)


def of_application(application: ArgoApplication) -> Iterator[Problem]:
    """Find versions that are numbers among the values that an Application sets."""
    for at, source in application.sources:
        place = application.at(*at, "helm", "valuesObject")
        yield from unquoted_versions(application.document, place)
        for document in parse(text(field(source, "helm", "values")), "values").documents:
            for problem in unquoted_versions(document):
                yield replace(problem, at=(*place[:-1], "values"))


def unquoted_versions(document: Document, at: Pointer = ()) -> Iterator[Problem]:
    """Find versions that are numbers among Helm's values, which stand at a place of a document."""
    pending = [(at, field(document.data, *at))]
    while pending:
        pointer, value = pending.pop()
        name = pointer[-1] if pointer else ""
        if isinstance(value, dict):
            pending += [((*pointer, key), each) for key, each in value.items()]
        elif isinstance(value, list):
            pending += [((*pointer, index), each) for index, each in enumerate(value)]
        elif name in {"tag", "newTag", "imageTag", "version"} and _is_number(value):
            written, prints = document.text_of(pointer), printed(value)
            if written and (written != prints or name != "version"):
                loses = f"Helm prints it as {prints}" if written != prints else "Helm would print 1.10 as 1.1"
                message = f"{path_of(pointer[len(at) :])}: {written} is a number, and {loses}."
                yield Problem(message, pointer, quotes(written, ["string"], are_there=False))


def _is_number(value: JSON) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
